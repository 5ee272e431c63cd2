//! Lints: advice of our own about definitions that AWS accepts. AWS shows none of these; they
//! are given only to those who ask for them.
//!
//! Here are the list of lints and the walk over a definition; what is found in one kind of
//! place is in a file of its own.

mod choices;
mod data;
mod error_handling;
mod flow;
mod tasks;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use crate::definition::Definition;
use crate::document::Node;
use crate::resource::Resource;
use crate::validate::fields::StateType;
use crate::validate::{Field, Findings, Reader, Site};
use crate::{Diagnostic, MachineType, Program, State};

/// A kind of advice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lint {
    /// The code of its diagnostics.
    pub code: &'static str,
    /// What it is about, in a sentence.
    pub summary: &'static str,
}

macro_rules! lints {
    ($($name:ident: $summary:literal;)*) => {
        $(pub(crate) const $name: &str = concat!("LINT_", stringify!($name));)*

        /// Every lint there is, by code.
        pub const LINTS: &[Lint] = &[
            $(Lint { code: concat!("LINT_", stringify!($name)), summary: $summary },)*
        ];
    };
}

lints! {
    ALWAYS_MATCHES: "A Choice rule always matches, so that nothing behind it is reached.";
    CATCHER_NEVER_MATCHES: "No error that is left for it matches a catcher.";
    CHOICE_WITHOUT_DEFAULT: "A Choice fails the execution when no rule matches.";
    CONCURRENCY_ABOVE_LIMIT: "An inline Map never runs as many iterations at once as it asks for.";
    FALLBACK_NEVER_REACHED: "The retries before a catcher take longer than an execution may.";
    HEARTBEAT_NEVER_AWAITED: "HeartbeatSeconds has no effect on a task that is not answered from outside.";
    HEARTBEAT_WITHOUT_TIMEOUT: "A task whose worker keeps sending heartbeats never times out.";
    KEY_TWICE: "An object has a key more than once, and only the last one counts.";
    NEVER_MATCHES: "A Choice rule never matches.";
    NO_WAY_OUT: "No end can be reached any more from a state.";
    PAYLOAD_TOO_LARGE: "What is written down is larger than a state may take or give.";
    RESULT_DISCARDED: "A result is worked on and then thrown away.";
    RETRIER_NEVER_MATCHES: "No error that is left for it matches a retrier.";
    TASK_WITHOUT_TIMEOUT: "A task that is answered from outside may wait for the rest of the execution.";
    TOO_LONG_FOR_EXPRESS: "A state takes longer than an Express execution may.";
    VARIABLE_NEVER_READ: "A variable is assigned and never read.";
    WAIT_ZERO: "A Wait does not wait.";
}

/// Advice about a definition that is valid JSON and has no errors; none for one that has. The
/// severity of all is that of a warning, the order that of the text.
pub fn lint(definition: &str, machine_type: MachineType) -> Vec<Diagnostic> {
    Definition::from_json(definition).lint(machine_type)
}

/// As [`lint`], for a document that was compiled to `program`.
pub(crate) fn lint_document(root: &Node, program: &Program, machine_type: MachineType) -> Findings {
    let read = program.states.iter().flat_map(State::variables).collect();
    let mut linter = Linter { findings: Findings::default(), read, machine_type };
    if let Some(object) = root.as_object() {
        let site = Site { location: String::new(), span: root.span, order: root.span.start };
        linter.repeated_keys(root, &site);
        linter.scope(&Reader { object, site });
    }
    linter.findings.end_of_document();
    linter.findings
}

/// The state of the walk.
pub(crate) struct Linter {
    findings: Findings,
    /// The variables that some state reads.
    read: BTreeSet<String>,
    /// Of the machine, or of the executions that a distributed Map starts.
    machine_type: MachineType,
}

/// A state under inspection.
pub(crate) struct StateSite<'n> {
    kind: StateType,
    reader: Reader<'n>,
    /// What a task calls.
    resource: Option<Resource>,
}

impl<'n> StateSite<'n> {
    fn field(&self, key: &str) -> Option<Field<'n>> {
        self.reader.field(key)
    }

    fn has(&self, key: &str) -> bool {
        self.reader.object.contains(key)
    }

    /// A field that holds a number.
    fn number(&self, key: &str) -> Option<(f64, Field<'n>)> {
        let field = self.field(key)?;
        Some((field.node.as_number()?.as_f64()?, field))
    }
}

impl Linter {
    fn advise(&mut self, code: &'static str, message: impl AsRef<str>, site: &Site) {
        self.findings.warning(code, message.as_ref(), site);
    }

    /// Looks at the states of the machine, a branch or a processor.
    fn scope(&mut self, reader: &Reader<'_>) {
        let Some(states) = reader.object.get("States").and_then(Node::as_object) else { return };
        self.no_way_out(reader);
        for member in states.iter() {
            let path = format!("States/{}", member.key);
            let Some(object) = member.value.as_object() else { continue };
            let site = reader.site.inside(&path, member.key_span);
            let reader = Reader { object, site };
            let Some(kind) = reader.text("Type").and_then(StateType::from_name) else { continue };
            let resource = reader.text("Resource").and_then(Resource::parse);
            self.state(&StateSite { kind, reader, resource });
        }
    }

    fn state(&mut self, state: &StateSite<'_>) {
        self.data(state);
        self.error_handling(state);
        match state.kind {
            StateType::Task => self.task(state),
            StateType::Wait => self.wait(state),
            StateType::Choice => self.choice(state),
            StateType::Parallel => {
                for branch in state.field("Branches").iter().flat_map(Field::elements) {
                    if let Some(object) = branch.node.as_object() {
                        self.scope(&Reader { object, site: branch.site });
                    }
                }
            }
            StateType::Map => self.map(state),
            StateType::Pass | StateType::Succeed | StateType::Fail => {}
        }
    }

    fn map(&mut self, state: &StateSite<'_>) {
        let processor = state.field("ItemProcessor").or_else(|| state.field("Iterator"));
        let Some(processor) = processor else { return };
        let Some(object) = processor.node.as_object() else { return };
        let config = object.get("ProcessorConfig").and_then(Node::as_object);
        let word = |key: &str| config.and_then(|config| config.get(key)?.as_str());
        let is_distributed = word("Mode") == Some("DISTRIBUTED");
        if !is_distributed {
            self.concurrency(state);
        }
        let outside = self.machine_type;
        if is_distributed {
            self.machine_type = match word("ExecutionType") {
                Some("EXPRESS") => MachineType::Express,
                _ => MachineType::Standard,
            };
        }
        self.scope(&Reader { object, site: processor.site });
        self.machine_type = outside;
    }

    /// How many seconds an execution may take.
    fn seconds_max(&self) -> f64 {
        match self.machine_type {
            MachineType::Standard => 31_536_000.0,
            MachineType::Express => 300.0,
        }
    }
}
