//! `NAME.test.json`: inputs, mocks and expectations of a state machine's test cases.

use asl::document::{Node, NodeKind};
use asl::{Payload, Timestamp};
use integrations::mocks::{
    MockFileError, MockedResponses, TestCase, kind_name, known, object, parse, payload,
    read_responses,
};

/// When executions under test start, unless a case says otherwise: 2026-01-01T00:00:00Z.
const START: Timestamp = Timestamp(1_767_225_600_000);

/// A file of test cases.
#[derive(Debug, Default)]
pub(crate) struct TestFile {
    pub(crate) cases: Vec<Case>,
}

/// A test case.
#[derive(Debug)]
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) input: Payload,
    pub(crate) start: Timestamp,
    /// Mocks beside those of the mock file.
    pub(crate) mocks: TestCase,
    pub(crate) expect: Expectation,
}

/// What is expected of an execution. What is absent does not matter.
#[derive(Debug, Default)]
pub(crate) struct Expectation {
    pub(crate) status: Option<String>,
    pub(crate) output: Option<Payload>,
    /// Members and elements that the output has among others.
    pub(crate) output_includes: Option<Payload>,
    pub(crate) error: Option<String>,
    pub(crate) cause: Option<String>,
    /// The states entered, in order.
    pub(crate) path: Option<Vec<String>>,
    /// States that are entered.
    pub(crate) reaches: Vec<String>,
    /// States that are not.
    pub(crate) avoids: Vec<String>,
    /// What tasks are called with, by state, in order.
    pub(crate) calls: Vec<(String, Vec<Payload>)>,
    /// How long it takes by its own clock.
    pub(crate) seconds: Option<f64>,
}

const STATUSES: [&str; 4] = ["SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"];

impl Case {
    /// A case of which only the name is known.
    pub(crate) fn named(name: &str) -> Case {
        Case {
            name: name.to_owned(),
            input: Payload::from_valid_text("{}"),
            start: START,
            mocks: TestCase::default(),
            expect: Expectation::default(),
        }
    }
}

impl TestFile {
    /// Reads the text of a file. `shared` are the responses of the mock file, by name.
    pub(crate) fn parse(text: &str, shared: &MockedResponses) -> Result<TestFile, MockFileError> {
        let document = parse(text)?;
        let root = object(text, &document, "a test file")?;
        known(text, root, "a test file", &["TestCases", "MockedResponses"])?;
        let mut responses = shared.clone();
        if let Some(node) = root.get("MockedResponses") {
            responses.extend(read_responses(text, node)?);
        }
        let Some(cases) = root.get("TestCases") else {
            return Err(MockFileError::at(text, document.span, "a test file needs 'TestCases'"));
        };
        let members = object(text, cases, "TestCases")?;
        let cases = members.iter().map(|member| case(text, &member.key, &member.value, &responses));
        Ok(TestFile { cases: cases.collect::<Result<_, _>>()? })
    }
}

fn case(
    text: &str,
    name: &str,
    node: &Node,
    responses: &MockedResponses,
) -> Result<Case, MockFileError> {
    let members = object(text, node, "a test case")?;
    known(text, members, "a test case", &["Input", "StartTime", "Mocks", "Expect"])?;
    let mut case = Case::named(name);
    if let Some(input) = members.get("Input") {
        case.input = payload(text, input)?;
    }
    if let Some(start) = members.get("StartTime") {
        let parsed = start.as_str().and_then(|start| start.parse::<jiff::Timestamp>().ok());
        let Some(parsed) = parsed else {
            let message = "'StartTime' must be a timestamp such as \"2026-01-01T00:00:00Z\"";
            return Err(MockFileError::at(text, start.span, message));
        };
        case.start = Timestamp(parsed.as_millisecond());
    }
    if let Some(mocks) = members.get("Mocks") {
        case.mocks = TestCase::read(text, mocks, responses, true)?;
    }
    if let Some(expect) = members.get("Expect") {
        case.expect = expectation(text, expect)?;
    }
    Ok(case)
}

fn expectation(text: &str, node: &Node) -> Result<Expectation, MockFileError> {
    let members = object(text, node, "'Expect'")?;
    known(
        text,
        members,
        "'Expect'",
        &[
            "Status",
            "Output",
            "OutputIncludes",
            "Error",
            "Cause",
            "Path",
            "Reaches",
            "Avoids",
            "Calls",
            "Seconds",
        ],
    )?;
    let string =
        |name: &str| members.get(name).map(|node| one_string(text, name, node)).transpose();
    let names = |name: &str| members.get(name).map(|node| strings(text, name, node)).transpose();
    let value = |name: &str| members.get(name).map(|node| payload(text, node)).transpose();
    let status = string("Status")?;
    if let (Some(status), Some(node)) = (&status, members.get("Status"))
        && !STATUSES.contains(&status.as_str())
    {
        let message = format!("'Status' is one of {}", STATUSES.join(", "));
        return Err(MockFileError::at(text, node.span, message));
    }
    let seconds = match members.get("Seconds") {
        None => None,
        Some(node) => match node.as_number().and_then(serde_json::Number::as_f64) {
            Some(seconds) => Some(seconds),
            None => {
                let message = format!("'Seconds' must be a number, not {}", kind_name(node));
                return Err(MockFileError::at(text, node.span, message));
            }
        },
    };
    let mut calls = Vec::new();
    if let Some(node) = members.get("Calls") {
        for member in object(text, node, "'Calls'")?.iter() {
            let NodeKind::Array(elements) = &member.value.kind else {
                let message =
                    format!("the calls of '{}' must be an array of what each is given", member.key);
                return Err(MockFileError::at(text, member.value.span, message));
            };
            let given = elements.iter().map(|element| payload(text, element));
            calls.push((member.key.clone(), given.collect::<Result<_, _>>()?));
        }
    }
    Ok(Expectation {
        status,
        output: value("Output")?,
        output_includes: value("OutputIncludes")?,
        error: string("Error")?,
        cause: string("Cause")?,
        path: names("Path")?,
        reaches: names("Reaches")?.unwrap_or_default(),
        avoids: names("Avoids")?.unwrap_or_default(),
        calls,
        seconds,
    })
}

fn one_string(text: &str, name: &str, node: &Node) -> Result<String, MockFileError> {
    node.as_str().map(str::to_owned).ok_or_else(|| {
        let message = format!("'{name}' must be a string, not {}", kind_name(node));
        MockFileError::at(text, node.span, message)
    })
}

fn strings(text: &str, name: &str, node: &Node) -> Result<Vec<String>, MockFileError> {
    let elements = node.as_array().ok_or_else(|| {
        let message = format!("'{name}' must be an array of names, not {}", kind_name(node));
        MockFileError::at(text, node.span, message)
    })?;
    elements.iter().map(|element| one_string(text, name, element)).collect()
}
