//! The mock file of Step Functions Local: test cases of state machines, and the responses that
//! their tasks get. Everything wrong with a file is told with its place.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use asl::Payload;
use asl::document::{Member, Node, NodeKind, ObjectNode, Span};
use engine::TaskFailure;

use crate::failure::task_failure;

/// The error of a task for whose attempt a mocked response says nothing. It is not retried and
/// not caught: the execution fails, as in Step Functions Local.
const NO_OUTCOME: &str = "States.Runtime";

/// What is wrong with a file of mocks, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct MockFileError {
    /// Counted from 1.
    pub line: usize,
    /// Counted from 1, in characters.
    pub column: usize,
    pub message: String,
}

impl fmt::Display for MockFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.line, self.column, self.message)
    }
}

impl MockFileError {
    /// An error about a part of a text.
    pub fn at(text: &str, span: Span, message: impl Into<String>) -> MockFileError {
        let before = text.get(..span.start).unwrap_or(text);
        MockFileError {
            line: before.matches('\n').count() + 1,
            column: before.rsplit('\n').next().unwrap_or("").chars().count() + 1,
            message: message.into(),
        }
    }
}

/// The contents of a mock file.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct MockConfig {
    /// By name of the state machine and name of the test case.
    machines: BTreeMap<Box<str>, BTreeMap<Box<str>, TestCase>>,
}

/// Which tasks are mocked, and how.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TestCase {
    /// By the state's name.
    states: BTreeMap<Box<str>, Arc<MockedResponse>>,
}

/// What the attempts of a task get.
#[derive(Debug, Clone, PartialEq)]
pub struct MockedResponse {
    name: Box<str>,
    /// By rising numbers, without overlaps.
    outcomes: Vec<Outcomes>,
}

/// What the attempts from one number to another get.
#[derive(Debug, Clone, PartialEq)]
struct Outcomes {
    first: u32,
    last: u32,
    outcome: Result<Payload, TaskFailure>,
}

/// Responses by name.
pub type MockedResponses = BTreeMap<Box<str>, Arc<MockedResponse>>;

impl MockConfig {
    /// Reads the text of a mock file.
    pub fn parse(text: &str) -> Result<MockConfig, MockFileError> {
        let document = parse(text)?;
        let root = object(text, &document, "a mock file")?;
        known(text, root, "a mock file", &["StateMachines", "MockedResponses"])?;
        let responses = match root.get("MockedResponses") {
            Some(node) => read_responses(text, node)?,
            None => MockedResponses::new(),
        };
        let mut machines = BTreeMap::new();
        if let Some(node) = root.get("StateMachines") {
            for member in object(text, node, "StateMachines")?.iter() {
                machines.insert(member.key.as_str().into(), cases(text, member, &responses)?);
            }
        }
        Ok(MockConfig { machines })
    }

    /// The names of a state machine's test cases.
    pub fn test_cases(&self, state_machine_name: &str) -> impl Iterator<Item = &str> {
        let cases = self.machines.get(state_machine_name);
        cases.into_iter().flat_map(BTreeMap::keys).map(|name| &**name)
    }

    /// The state machines that have test cases.
    pub fn state_machines(&self) -> impl Iterator<Item = &str> {
        self.machines.keys().map(|name| &**name)
    }

    /// A test case. The processor of a distributed Map, `machine/label`, has those of its
    /// machine.
    pub fn test_case(&self, state_machine_name: &str, name: &str) -> Option<&TestCase> {
        let machine = state_machine_name.split('/').next().unwrap_or(state_machine_name);
        self.machines.get(machine)?.get(name)
    }

    /// Adds a test case, or mocks of further states to one that is there.
    pub fn add(&mut self, state_machine_name: &str, name: &str, case: TestCase) {
        let cases = self.machines.entry(state_machine_name.into()).or_default();
        cases.entry(name.into()).or_default().states.extend(case.states);
    }
}

impl TestCase {
    /// Reads an object of states and what they get: the name of a response, or, in our own test
    /// files, the response itself.
    pub fn read(
        text: &str,
        node: &Node,
        responses: &MockedResponses,
        allows_inline: bool,
    ) -> Result<TestCase, MockFileError> {
        let mut states = BTreeMap::new();
        for Member { key, value, .. } in object(text, node, "a test case")?.iter() {
            let response = match &value.kind {
                NodeKind::String(name) => {
                    responses.get(name.as_str()).map(Arc::clone).ok_or_else(|| {
                        let message = format!("there is no mocked response '{name}'");
                        MockFileError::at(text, value.span, message)
                    })?
                }
                NodeKind::Object(_) if allows_inline => {
                    Arc::new(MockedResponse::read_inline(text, key, value)?)
                }
                _ => {
                    let message = format!(
                        "state '{key}' must have the name of a mocked response, not {}",
                        kind_name(value)
                    );
                    return Err(MockFileError::at(text, value.span, message));
                }
            };
            states.insert(key.as_str().into(), response);
        }
        Ok(TestCase { states })
    }

    /// The answer to an attempt of a task, by its number from 0; none where the state is not
    /// mocked.
    pub fn answer(&self, state: &str, number: u32) -> Option<Result<Payload, TaskFailure>> {
        let response = self.states.get(state)?;
        let found =
            response.outcomes.iter().find(|held| (held.first..=held.last).contains(&number));
        Some(match found {
            Some(held) => held.outcome.clone(),
            None => Err(task_failure(
                NO_OUTCOME,
                format!(
                    "The mocked response '{}' has nothing for invocation {number} of the state.",
                    response.name
                ),
            )),
        })
    }

    /// The states that are mocked.
    pub fn states(&self) -> impl Iterator<Item = &str> {
        self.states.keys().map(|name| &**name)
    }
}

impl MockedResponse {
    /// Reads `{"0": {"Return": …}, "1-2": {"Throw": …}}`.
    fn read(text: &str, name: &str, node: &Node) -> Result<MockedResponse, MockFileError> {
        let members = object(text, node, "a mocked response")?;
        unique(text, members)?;
        let mut outcomes: Vec<Outcomes> = Vec::new();
        for member in members.iter() {
            let (first, last) = range(&member.key).ok_or_else(|| {
                let message = format!(
                    "'{}' is no number of invocations: a number from \"0\" on, or a range such \
                     as \"1-2\"",
                    member.key
                );
                MockFileError::at(text, member.key_span, message)
            })?;
            if let Some(other) =
                outcomes.iter().find(|held| first <= held.last && held.first <= last)
            {
                let message = format!(
                    "'{}' overlaps with '{}': each invocation has one outcome",
                    member.key,
                    show_range(other.first, other.last)
                );
                return Err(MockFileError::at(text, member.key_span, message));
            }
            let outcome = outcome(text, &member.value)?;
            outcomes.push(Outcomes { first, last, outcome });
        }
        outcomes.sort_by_key(|held| held.first);
        Ok(MockedResponse { name: name.into(), outcomes })
    }

    /// The same, or one outcome for all invocations.
    fn read_inline(text: &str, state: &str, node: &Node) -> Result<MockedResponse, MockFileError> {
        let is_one = object(text, node, "a mocked response")?
            .iter()
            .any(|member| matches!(member.key.as_str(), "Return" | "Throw"));
        if !is_one {
            return MockedResponse::read(text, state, node);
        }
        let outcome = outcome(text, node)?;
        let outcomes = vec![Outcomes { first: 0, last: u32::MAX, outcome }];
        Ok(MockedResponse { name: state.into(), outcomes })
    }
}

/// Reads an object of mocked responses.
pub fn read_responses(text: &str, node: &Node) -> Result<MockedResponses, MockFileError> {
    let members = object(text, node, "MockedResponses")?;
    unique(text, members)?;
    let mut responses = MockedResponses::new();
    for member in members.iter() {
        let response = MockedResponse::read(text, &member.key, &member.value)?;
        responses.insert(member.key.as_str().into(), Arc::new(response));
    }
    Ok(responses)
}

/// Parses a text that must hold a JSON value.
pub fn parse(text: &str) -> Result<Node, MockFileError> {
    match asl::parse_document(text) {
        Ok(Some(node)) => Ok(node),
        Ok(None) => Err(MockFileError { line: 1, column: 1, message: "it is empty".to_owned() }),
        Err(error) => Err(MockFileError {
            line: error.line as usize,
            column: error.column as usize,
            message: error.message,
        }),
    }
}

/// The members of a value that must be an object.
pub fn object<'n>(text: &str, node: &'n Node, what: &str) -> Result<&'n ObjectNode, MockFileError> {
    node.as_object().ok_or_else(|| {
        let message = format!("{what} must be an object, not {}", kind_name(node));
        MockFileError::at(text, node.span, message)
    })
}

/// Refuses members that mean nothing. Comments and schemas may stand anywhere.
pub fn known(
    text: &str,
    members: &ObjectNode,
    what: &str,
    names: &[&str],
) -> Result<(), MockFileError> {
    unique(text, members)?;
    for member in members.iter() {
        let name = member.key.as_str();
        if !names.contains(&name) && !matches!(name, "Comment" | "$schema") {
            let message = format!("{what} has no field '{name}': {} are known", names.join(", "));
            return Err(MockFileError::at(text, member.key_span, message));
        }
    }
    Ok(())
}

/// The value of a part of a text.
pub fn payload(text: &str, node: &Node) -> Result<Payload, MockFileError> {
    let written = text.get(node.span.start..node.span.end).unwrap_or_default();
    Payload::parse(written).map_err(|error| MockFileError::at(text, node.span, error.to_string()))
}

fn unique(text: &str, members: &ObjectNode) -> Result<(), MockFileError> {
    match members.repeated().first() {
        Some((key, span)) => {
            let message = format!("'{key}' is written again further down");
            Err(MockFileError::at(text, *span, message))
        }
        None => Ok(()),
    }
}

fn cases(
    text: &str,
    machine: &Member,
    responses: &MockedResponses,
) -> Result<BTreeMap<Box<str>, TestCase>, MockFileError> {
    let members = object(text, &machine.value, "a state machine")?;
    known(text, members, "a state machine", &["TestCases"])?;
    let mut cases = BTreeMap::new();
    if let Some(node) = members.get("TestCases") {
        let members = object(text, node, "TestCases")?;
        unique(text, members)?;
        for member in members.iter() {
            if member.key.is_empty() {
                let message = "a test case has no name";
                return Err(MockFileError::at(text, member.key_span, message));
            }
            let case = TestCase::read(text, &member.value, responses, false)?;
            cases.insert(member.key.as_str().into(), case);
        }
    }
    Ok(cases)
}

/// Reads `{"Return": …}` or `{"Throw": {"Error": …, "Cause": …}}`.
fn outcome(text: &str, node: &Node) -> Result<Result<Payload, TaskFailure>, MockFileError> {
    let members = object(text, node, "the outcome of an invocation")?;
    known(text, members, "the outcome of an invocation", &["Return", "Throw"])?;
    match (members.get("Return"), members.get("Throw")) {
        (Some(value), None) => Ok(Ok(payload(text, value)?)),
        (None, Some(value)) => Ok(Err(failure(text, value)?)),
        _ => {
            let message = "the outcome of an invocation has either 'Return' or 'Throw'";
            Err(MockFileError::at(text, node.span, message))
        }
    }
}

fn failure(text: &str, node: &Node) -> Result<TaskFailure, MockFileError> {
    let members = object(text, node, "'Throw'")?;
    known(text, members, "'Throw'", &["Error", "Cause"])?;
    let member = |name: &str| -> Result<Option<Box<str>>, MockFileError> {
        members.get(name).map_or(Ok(None), |value| match value.as_str() {
            Some(text) => Ok(Some(text.into())),
            None => {
                let message = format!("'{name}' must be a string, not {}", kind_name(value));
                Err(MockFileError::at(text, value.span, message))
            }
        })
    };
    let failure = TaskFailure { error: member("Error")?, cause: member("Cause")? };
    if failure.error.is_none() {
        return Err(MockFileError::at(text, node.span, "'Throw' needs an 'Error'"));
    }
    Ok(failure)
}

fn range(key: &str) -> Option<(u32, u32)> {
    let number = |text: &str| -> Option<u32> {
        (!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())).then_some(())?;
        text.parse().ok()
    };
    let (first, last) = match key.split_once('-') {
        Some((first, last)) => (number(first)?, number(last)?),
        None => (number(key)?, number(key)?),
    };
    (first <= last).then_some((first, last))
}

fn show_range(first: u32, last: u32) -> String {
    if first == last { first.to_string() } else { format!("{first}-{last}") }
}

/// What a value is, for messages.
pub fn kind_name(node: &Node) -> &'static str {
    match node.kind {
        NodeKind::Null => "null",
        NodeKind::Boolean(_) => "a boolean",
        NodeKind::Number(_) => "a number",
        NodeKind::String(_) => "a string",
        NodeKind::Array(_) => "an array",
        NodeKind::Object(_) => "an object",
    }
}
