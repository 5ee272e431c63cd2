//! The machine, the branches of a Parallel and the processor of a Map: sets of states.

use std::collections::HashMap; // Never iterated

use super::{Compiler, Machine};
use crate::document::{Node, ObjectNode};
use crate::validate::fields::{FieldTable, Support, check_table, require};
use crate::validate::graph::{ScopeGraph, Target};
use crate::validate::variables::ScopeVariables;
use crate::validate::{Field, Reader};
use crate::{MachineType, QueryLanguage, Scope, ScopeIndex, StateIndex};

const MACHINE_FIELDS: FieldTable = &[
    ("Comment", Support::Both),
    ("QueryLanguage", Support::Both),
    ("StartAt", Support::Both),
    ("States", Support::Both),
    ("TimeoutSeconds", Support::Both),
    ("Version", Support::Both),
];

const BRANCH_FIELDS: FieldTable =
    &[("Comment", Support::Both), ("StartAt", Support::Both), ("States", Support::Both)];

const PROCESSOR_FIELDS: FieldTable = &[
    ("Comment", Support::Both),
    ("ProcessorConfig", Support::Both),
    ("StartAt", Support::Both),
    ("States", Support::Both),
];

/// The longest time that a machine may be given, in seconds.
const MAX_TIMEOUT_SECONDS: i64 = 99_999_999;

/// What the states of a scope need to know of it.
pub(super) struct Surroundings<'n> {
    pub(super) scope: ScopeIndex,
    /// `EXPRESS` inside an Express machine, or the processor of Express children.
    pub(super) machine_type: MachineType,
    /// The states of the scope.
    pub(super) targets: HashMap<&'n str, StateIndex>,
}

/// Where a scope is.
pub(super) struct Container {
    pub(super) state: StateIndex,
    pub(super) scope: ScopeIndex,
    /// The scope is the processor of a distributed Map.
    pub(super) is_distributed: bool,
}

impl<'n> Compiler<'n> {
    /// Compiles the machine, which is scope 0.
    pub(super) fn machine(&mut self, reader: &Reader<'n>, machine_type: MachineType) -> Machine {
        self.language = match reader.object.get("QueryLanguage") {
            None => QueryLanguage::JsonPath,
            Some(node) if node.as_str() == Some("JSONPath") => QueryLanguage::JsonPath,
            Some(_) => QueryLanguage::Jsonata,
        };
        check_table(&mut self.findings, reader, None, MACHINE_FIELDS);
        self.query_language(reader);
        self.comment(reader);
        self.one_of(reader, "Version", &["1.0"]);
        let timeout_seconds = reader
            .field("TimeoutSeconds")
            .and_then(|field| self.integer(&field, 0, MAX_TIMEOUT_SECONDS));
        self.scope(reader, None, machine_type);
        Machine { timeout_seconds }
    }

    /// Compiles a branch of a Parallel.
    pub(super) fn branch(
        &mut self,
        reader: &Reader<'n>,
        container: Container,
        machine_type: MachineType,
    ) -> ScopeIndex {
        check_table(&mut self.findings, reader, None, BRANCH_FIELDS);
        self.comment(reader);
        self.scope(reader, Some(container), machine_type)
    }

    /// Compiles the processor of a Map; its `ProcessorConfig` is left to the caller.
    pub(super) fn processor(
        &mut self,
        reader: &Reader<'n>,
        container: Container,
        machine_type: MachineType,
    ) -> ScopeIndex {
        check_table(&mut self.findings, reader, None, PROCESSOR_FIELDS);
        self.comment(reader);
        self.scope(reader, Some(container), machine_type)
    }

    /// Compiles `StartAt` and `States`.
    fn scope(
        &mut self,
        reader: &Reader<'n>,
        container: Option<Container>,
        machine_type: MachineType,
    ) -> ScopeIndex {
        let scope = ScopeIndex(index(self.scopes.len()));
        self.scopes.push(Scope {
            start_at: StateIndex(index(self.states.len())),
            container: container.as_ref().map(|container| container.state),
        });
        self.variables.push(ScopeVariables {
            parent: container.as_ref().map(|container| container.scope.0 as usize),
            isolated: container.as_ref().is_some_and(|container| container.is_distributed),
            assigned: Vec::new(),
        });
        require(&mut self.findings, reader, &["States", "StartAt"]);
        let start_at = reader
            .field("StartAt")
            .and_then(|field| Some(Target { name: self.string(&field)?, site: field.site }));
        let states = reader.field("States").and_then(|field| self.states_object(&field));
        let targets = states.map_or_else(HashMap::new, |states| number(states, self.states.len()));
        if let Some(first) = start_at.as_ref().and_then(|target| targets.get(target.name)) {
            self.scopes[scope.0 as usize].start_at = *first;
        }
        // Without states there is nothing that `StartAt` could name.
        let start_at = start_at.filter(|_| states.is_some_and(|states| !states.is_empty()));
        self.graphs.push(ScopeGraph { start_at, states: Vec::new() });
        let surroundings = Surroundings { scope, machine_type, targets };
        for member in states.into_iter().flat_map(ObjectNode::iter) {
            let path = format!("States/{}", member.key);
            let site = reader.site.inside(&path, member.key_span);
            let field = Field { key: &member.key, node: &member.value, site };
            self.state(&field, &surroundings);
        }
        scope
    }

    /// The members of `States`.
    fn states_object(&mut self, field: &Field<'n>) -> Option<&'n ObjectNode> {
        let states = self.object(field)?.object;
        if states.is_empty() {
            self.findings.schema("Value cannot be empty", &field.site);
        }
        Some(states)
    }
}

/// The indexes of the states of one `States` field, of which the first is `first`.
fn number(states: &ObjectNode, first: usize) -> HashMap<&str, StateIndex> {
    let mut next = first;
    let numbered = states.iter().map(|member| {
        let state = StateIndex(index(next));
        next += 1 + states_below(&member.value);
        (member.key.as_str(), state)
    });
    numbered.collect()
}

/// How many states the branches or the processor of a state hold, at any depth.
fn states_below(state: &Node) -> usize {
    let Some(object) = state.as_object() else { return 0 };
    match object.get("Type").and_then(Node::as_str) {
        Some("Parallel") => {
            let branches = object.get("Branches").and_then(Node::as_array);
            branches.unwrap_or_default().iter().map(states_of).sum()
        }
        Some("Map") => processor_of(object).map_or(0, states_of),
        _ => 0,
    }
}

/// How many states a branch or processor holds, at any depth.
fn states_of(scope: &Node) -> usize {
    let states = scope.as_object().and_then(|scope| scope.get("States")?.as_object());
    states.map_or(0, |states| states.iter().map(|state| 1 + states_below(&state.value)).sum())
}

/// The processor of a Map in its current or its legacy spelling.
fn processor_of(map: &ObjectNode) -> Option<&Node> {
    map.get("ItemProcessor").or_else(|| map.get("Iterator"))
}

/// A count as it is kept in an index: a definition has fewer than 2^32 characters.
pub(super) fn index(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
