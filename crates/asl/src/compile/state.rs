//! One state: what all types have in common, and the types that need little more.

use super::Compiler;
use super::scope::{Container, Surroundings, index};
use super::values::Visible;
use crate::validate::fields::{
    StateType, Support, at_most_one, check_fields, exactly_one, none_of, require, state_field,
};
use crate::validate::graph::StateNode;
use crate::validate::{Field, Reader, warnings};
use crate::{Payload, QueryLanguage, State, StateIndex, StateKind, Template, Timestamp, WaitUntil};

/// The names of the types, as AWS lists them.
const TYPES: &str = "Task, Wait, Pass, Succeed, Fail, Choice, Parallel, Map";

/// The fields of a Wait that exclude each other, as AWS lists them.
const WAIT_FIELDS: &[&str] = &["SecondsPath", "Seconds", "TimestampPath", "Timestamp"];

/// The longest wait, in seconds.
const MAX_WAIT_SECONDS: i64 = 99_999_999;

/// A state under compilation.
pub(super) struct StateReader<'n, 's> {
    pub(super) reader: Reader<'n>,
    pub(super) index: StateIndex,
    pub(super) kind: StateType,
    pub(super) language: QueryLanguage,
    pub(super) surroundings: &'s Surroundings<'n>,
}

impl<'n> StateReader<'n, '_> {
    /// A field that this type of state has in this language.
    pub(super) fn field(&self, key: &str) -> Option<Field<'n>> {
        let supported = state_field(self.kind, key)?.includes(self.language);
        if supported { self.reader.field(key) } else { None }
    }
}

impl<'n> Compiler<'n> {
    /// Compiles one state; it takes the next index whatever becomes of it.
    pub(super) fn state(&mut self, field: &Field<'n>, surroundings: &Surroundings<'n>) {
        let place = self.states.len();
        self.states.push(None);
        self.names.state(&mut self.findings, field.key, &field.site);
        let reader = self.object(field);
        let node = match &reader {
            Some(reader) => StateNode::read(field.key, reader),
            None => StateNode::unreadable(field.key, field.site.clone()),
        };
        self.graphs[surroundings.scope.0 as usize].states.push(node);
        let Some(reader) = reader else { return };
        let language = self.state_language(&reader);
        let kind = self.state_type(&reader);
        self.query_language(&reader);
        self.comment(&reader);
        let Some(kind) = kind else { return };
        let downgraded =
            language == QueryLanguage::JsonPath && self.language == QueryLanguage::Jsonata;
        let checked = (!downgraded).then_some(language);
        check_fields(&mut self.findings, &reader, checked, |key| state_field(kind, key));
        let state =
            StateReader { reader, index: StateIndex(index(place)), kind, language, surroundings };
        self.states[place] = self.state_body(field.key, &state);
    }

    /// The language of a state: JSONPath only if it says so to the letter.
    fn state_language(&mut self, reader: &Reader<'n>) -> QueryLanguage {
        match reader.object.get("QueryLanguage") {
            None => self.language,
            Some(node) if node.as_str() == Some("JSONPath") => {
                if self.language == QueryLanguage::Jsonata {
                    let message = "'QueryLanguage' can not be 'JSONPath' if set to 'JSONata' for \
                                   whole state machine";
                    self.findings.schema(message, &reader.site);
                }
                QueryLanguage::JsonPath
            }
            Some(_) => QueryLanguage::Jsonata,
        }
    }

    fn state_type(&mut self, reader: &Reader<'n>) -> Option<StateType> {
        require(&mut self.findings, reader, &["Type"]);
        let field = reader.field("Type")?;
        let name = self.string(&field)?;
        let kind = StateType::from_name(name);
        if kind.is_none() {
            let message = format!("The field 'Type' should have one of these values: [{TYPES}]");
            self.findings.schema(message, &field.site);
        }
        kind
    }

    fn state_body(&mut self, name: &'n str, state: &StateReader<'n, '_>) -> Option<State> {
        let next = self.transition(state);
        // Everything is read before anything is given up, so that everything is found.
        let kind = match state.kind {
            StateType::Pass => Some(self.pass(state)),
            StateType::Task => self.task(state),
            StateType::Choice => self.choice(state),
            StateType::Wait => self.wait(state).map(StateKind::Wait),
            StateType::Succeed => Some(StateKind::Succeed),
            StateType::Fail => Some(self.fail(state)),
            StateType::Parallel => self.parallel(state),
            StateType::Map => self.map(state),
        };
        let has_result =
            matches!(state.kind, StateType::Task | StateType::Parallel | StateType::Map);
        let visible = Visible { result: has_result, error_output: false };
        let flow = self.flow(state, visible);
        let retry = self.retry(state);
        let catch = self.catch(state);
        Some(State {
            name: name.into(),
            scope: state.surroundings.scope,
            query_language: state.language,
            next: next.ok()?,
            input_path: flow.input_path,
            arguments: flow.arguments,
            result_selector: flow.result_selector,
            result_path: flow.result_path,
            output_path: flow.output_path,
            output: flow.output,
            assign: flow.assign,
            retry: retry?,
            catch: catch?,
            kind: kind?,
        })
    }

    /// `Next` and `End`. The error is that they were wrong, which has been reported, or that the
    /// target does not exist, which will be.
    fn transition(&mut self, state: &StateReader<'n, '_>) -> Result<Option<StateIndex>, ()> {
        let ends = match state.field("End") {
            Some(field) => self.boolean(&field).unwrap_or(false),
            None => false,
        };
        match (state.field("Next"), ends) {
            (Some(_), true) => {
                at_most_one(&mut self.findings, &state.reader, &["Next", "End"]);
                Err(())
            }
            (Some(field), false) => self.target(&field, state.surroundings).map(Some).ok_or(()),
            (None, true) => Ok(None),
            (None, false) if state_field(state.kind, "Next").is_some() => {
                // A wrong type of `End` has been reported.
                if state.field("End").is_none_or(|field| field.node.as_bool().is_some()) {
                    self.findings.schema(none_of(&["Next", "End"]), &state.reader.site);
                }
                Err(())
            }
            (None, false) => Ok(None),
        }
    }

    /// The state that a field names; missing ones are reported when all states are known.
    pub(super) fn target(
        &mut self,
        field: &Field<'n>,
        surroundings: &Surroundings<'n>,
    ) -> Option<StateIndex> {
        let name = self.string(field)?;
        surroundings.targets.get(name).copied()
    }

    fn pass(&mut self, state: &StateReader<'n, '_>) -> StateKind {
        let result = state.field("Result").map(|field| {
            warnings::check_result(&mut self.findings, &field);
            Payload::from_value(field.node.to_value())
        });
        StateKind::Pass { result }
    }

    fn wait(&mut self, state: &StateReader<'n, '_>) -> Option<WaitUntil> {
        exactly_one(&mut self.findings, &state.reader, WAIT_FIELDS);
        let is_jsonata = state.language == QueryLanguage::Jsonata;
        if let Some(field) = state.field("Seconds") {
            if is_jsonata && field.node.as_str().is_some() {
                let expression = self.expression(&field, Visible::default());
                return expression.map(WaitUntil::SecondsExpression);
            }
            return self.integer(&field, 0, MAX_WAIT_SECONDS).map(WaitUntil::Seconds);
        }
        if let Some(field) = state.field("Timestamp") {
            let text = self.string(&field)?;
            if is_jsonata && (text.starts_with("{%") || text.ends_with("%}")) {
                let expression = self.expression(&field, Visible::default());
                return expression.map(WaitUntil::TimestampExpression);
            }
            let moment = Timestamp::parse(text);
            if moment.is_none() {
                self.findings.schema("String does not match RFC3339 timestamp", &field.site);
            }
            return moment.map(WaitUntil::Timestamp);
        }
        if let Some(field) = state.field("SecondsPath") {
            return self.reference_path(&field).map(WaitUntil::SecondsPath);
        }
        let field = state.field("TimestampPath")?;
        self.reference_path(&field).map(WaitUntil::TimestampPath)
    }

    fn fail(&mut self, state: &StateReader<'n, '_>) -> StateKind {
        StateKind::Fail {
            error: self.fail_text(state, "Error", "ErrorPath"),
            cause: self.fail_text(state, "Cause", "CausePath"),
        }
    }

    /// `Error` or `Cause`: a constant, an expression, or what a path or call gives.
    fn fail_text(
        &mut self,
        state: &StateReader<'n, '_>,
        key: &str,
        path_key: &str,
    ) -> Option<Template> {
        at_most_one(&mut self.findings, &state.reader, &[key, path_key]);
        if let Some(field) = state.field(key) {
            self.string(&field)?;
            if state.language == QueryLanguage::Jsonata {
                return self.template(&field, state.language, Visible::default());
            }
            warnings::check_constant(&mut self.findings, &field);
            return Some(Template::Literal(Payload::from_value(field.node.to_value())));
        }
        let field = state.field(path_key)?;
        let text = self.string(&field)?;
        let template = Template::from_path_text(text);
        if template.is_none() {
            let message = format!(
                "The value for the field '{path_key}' must be a valid JSONPath or a valid \
                 intrinsic function call"
            );
            self.findings.schema(message, &field.site);
        }
        template
    }

    fn parallel(&mut self, state: &StateReader<'n, '_>) -> Option<StateKind> {
        require(&mut self.findings, &state.reader, &["Branches"]);
        let field = state.field("Branches")?;
        let mut branches = Vec::new();
        for element in self.array(&field, true) {
            let Some(reader) = self.object(&element) else { continue };
            let container = Container {
                state: state.index,
                scope: state.surroundings.scope,
                is_distributed: false,
            };
            branches.push(self.branch(&reader, container, state.surroundings.machine_type));
        }
        Some(StateKind::Parallel { branches })
    }
}

/// Says that a table's fields exist in both languages.
pub(super) const BOTH: Support = Support::Both;
