//! Where states lead: targets that do not exist, states that nothing leads to, no way out.

use std::collections::HashMap; // Never iterated

use super::{Findings, Reader, Site};

/// The states of one scope as a graph.
#[derive(Debug)]
pub(crate) struct ScopeGraph<'n> {
    /// `StartAt`; without one nothing is said about the scope's states.
    pub(crate) start_at: Option<Target<'n>>,
    pub(crate) states: Vec<StateNode<'n>>,
}

/// A reference to a state by name.
#[derive(Debug)]
pub(crate) struct Target<'n> {
    pub(crate) name: &'n str,
    pub(crate) site: Site,
}

/// One state of the graph.
#[derive(Debug)]
pub(crate) struct StateNode<'n> {
    pub(crate) name: &'n str,
    pub(crate) site: Site,
    pub(crate) targets: Vec<Target<'n>>,
    pub(crate) is_terminal: bool,
}

impl<'n> StateNode<'n> {
    /// Reads where a state leads from its text, whatever else may be wrong with it.
    pub(crate) fn read(name: &'n str, reader: &Reader<'n>) -> StateNode<'n> {
        let mut targets = Vec::new();
        for member in reader.object.iter() {
            let key = member.key.as_str();
            let field = reader.field(key);
            match key {
                "Next" | "Default" => targets.extend(field.and_then(|field| {
                    Some(Target { name: field.node.as_str()?, site: field.site })
                })),
                "Choices" | "Catch" => {
                    for element in field.iter().flat_map(|field| field.elements()) {
                        let next = element.node.as_object().and_then(|rule| rule.get("Next"));
                        targets.extend(next.and_then(|node| {
                            let site = element.site.inside("Next", node.span);
                            Some(Target { name: node.as_str()?, site })
                        }));
                    }
                }
                _ => {}
            }
        }
        let is_terminal = matches!(reader.text("Type"), Some("Succeed" | "Fail"))
            || reader.object.get("End").and_then(|end| end.as_bool()) == Some(true);
        StateNode { name, site: reader.site.clone(), targets, is_terminal }
    }
}

/// Checks the graphs of all scopes; the first one is the machine's.
pub(crate) fn check_graphs(findings: &mut Findings, scopes: &[ScopeGraph<'_>]) {
    for scope in scopes {
        let names: HashMap<&str, usize> = scope.names();
        let targets = scope.states.iter().flat_map(|state| &state.targets);
        for target in scope.start_at.iter().chain(targets) {
            if !names.contains_key(target.name) {
                let message = format!("Missing 'Next' target: {}", target.name);
                findings.error("MISSING_TRANSITION_TARGET", message, &target.site);
            }
        }
    }
    // A loop without a way out is refused in the machine itself only, and then nothing is said
    // about states that cannot be reached.
    if let Some(machine) = scopes.first()
        && !machine.states.is_empty()
        && !machine.states.iter().any(|state| state.is_terminal)
    {
        findings.error_without_location("MISSING_END_STATE", "Workflow has no terminal state");
        return;
    }
    for scope in scopes {
        scope.check_reachability(findings);
    }
}

impl<'n> ScopeGraph<'n> {
    fn names(&self) -> HashMap<&'n str, usize> {
        self.states.iter().enumerate().map(|(index, state)| (state.name, index)).collect()
    }

    fn check_reachability(&self, findings: &mut Findings) {
        let Some(start_at) = &self.start_at else { return };
        let names = self.names();
        let mut reached = vec![false; self.states.len()];
        let mut pending: Vec<usize> = names.get(start_at.name).copied().into_iter().collect();
        while let Some(index) = pending.pop() {
            if !std::mem::replace(&mut reached[index], true) {
                let targets = self.states[index].targets.iter();
                pending.extend(targets.filter_map(|target| names.get(target.name)));
            }
        }
        for (state, reached) in self.states.iter().zip(reached) {
            if !reached {
                let message = format!("State \"{}\" is not reachable.", state.name);
                findings.error("MISSING_TRANSITION_TARGET", message, &state.site);
            }
        }
    }
}
