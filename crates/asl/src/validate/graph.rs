//! Where states lead: targets that do not exist, states that nothing leads to, no way out.

use std::collections::HashMap; // Never iterated

use super::{Field, Findings, Reader, Site};

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
        for key in ["Next", "Default"] {
            targets.extend(
                reader.field(key).and_then(|field| {
                    Some(Target { name: field.node.as_str()?, site: field.site })
                }),
            );
        }
        for key in ["Choices", "Catch"] {
            for element in reader.field(key).iter().flat_map(Field::elements) {
                let next = element.node.as_object().and_then(|rule| rule.get("Next"));
                targets.extend(next.and_then(|node| {
                    let site = element.site.inside("Next", node.span);
                    Some(Target { name: node.as_str()?, site })
                }));
            }
        }
        targets.sort_by_key(|target| target.site.order);
        let is_terminal = matches!(reader.text("Type"), Some("Succeed" | "Fail"))
            || reader.object.get("End").and_then(|end| end.as_bool()) == Some(true);
        StateNode { name, site: reader.site.clone(), targets, is_terminal }
    }

    /// A state of which nothing can be read.
    pub(crate) fn unreadable(name: &'n str, site: Site) -> StateNode<'n> {
        StateNode { name, site, targets: Vec::new(), is_terminal: false }
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
        && machine.is_readable()
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

    /// Whether it is known where all states lead. If not, which has been reported, then what
    /// cannot be reached is not known either.
    fn is_readable(&self) -> bool {
        self.states.iter().all(|state| state.is_terminal || !state.targets.is_empty())
    }

    fn check_reachability(&self, findings: &mut Findings) {
        let Some(start_at) = self.start_at.as_ref().filter(|_| self.is_readable()) else { return };
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
