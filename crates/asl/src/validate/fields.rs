//! Which fields an object may have, and in which query language.

use super::{Findings, Reader};
use crate::QueryLanguage;

/// The types of states, in the order in which AWS lists them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StateType {
    Task,
    Wait,
    Pass,
    Succeed,
    Fail,
    Choice,
    Parallel,
    Map,
}

impl StateType {
    pub(crate) fn from_name(name: &str) -> Option<StateType> {
        Some(match name {
            "Task" => StateType::Task,
            "Wait" => StateType::Wait,
            "Pass" => StateType::Pass,
            "Succeed" => StateType::Succeed,
            "Fail" => StateType::Fail,
            "Choice" => StateType::Choice,
            "Parallel" => StateType::Parallel,
            "Map" => StateType::Map,
            _ => return None,
        })
    }
}

/// The query languages in which a field exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Support {
    Both,
    JsonPathOnly,
    JsonataOnly,
}

impl Support {
    /// Whether a field with this support may be used in `language`.
    pub(crate) fn includes(self, language: QueryLanguage) -> bool {
        match self {
            Support::Both => true,
            Support::JsonPathOnly => language == QueryLanguage::JsonPath,
            Support::JsonataOnly => language == QueryLanguage::Jsonata,
        }
    }
}

/// A table of the fields of one kind of object.
pub(crate) type FieldTable = &'static [(&'static str, Support)];

/// How a field is supported on a type of state; `None` if not at all.
pub(crate) fn state_field(kind: StateType, field: &str) -> Option<Support> {
    use StateType::{Choice, Fail, Map, Parallel, Pass, Succeed, Task, Wait};
    use Support::{Both, JsonPathOnly, JsonataOnly};
    let (types, support): (&[StateType], Support) = match field {
        "Type" | "Comment" | "QueryLanguage" => return Some(Both),
        "Next" | "End" => (&[Task, Pass, Wait, Parallel, Map], Both),
        "InputPath" | "OutputPath" => {
            (&[Task, Pass, Choice, Wait, Succeed, Parallel, Map], JsonPathOnly)
        }
        "Output" => (&[Task, Pass, Choice, Wait, Succeed, Parallel, Map], JsonataOnly),
        "Assign" => (&[Task, Pass, Choice, Wait, Parallel, Map], Both),
        "Parameters" => (&[Task, Pass, Parallel, Map], JsonPathOnly),
        "ResultPath" => (&[Task, Pass, Parallel, Map], JsonPathOnly),
        "ResultSelector" => (&[Task, Parallel, Map], JsonPathOnly),
        "Arguments" => (&[Task, Parallel], JsonataOnly),
        "Retry" | "Catch" => (&[Task, Parallel, Map], Both),
        "Resource" | "Credentials" | "TimeoutSeconds" | "HeartbeatSeconds" => (&[Task], Both),
        "TimeoutSecondsPath" | "HeartbeatSecondsPath" => (&[Task], JsonPathOnly),
        "Result" => (&[Pass], JsonPathOnly),
        "Choices" | "Default" => (&[Choice], Both),
        "Seconds" | "Timestamp" => (&[Wait], Both),
        "SecondsPath" | "TimestampPath" => (&[Wait], JsonPathOnly),
        "Error" | "Cause" => (&[Fail], Both),
        "ErrorPath" | "CausePath" => (&[Fail], JsonPathOnly),
        "Branches" => (&[Parallel], Both),
        "ItemProcessor"
        | "Iterator"
        | "ItemSelector"
        | "ItemReader"
        | "ItemBatcher"
        | "ResultWriter"
        | "MaxConcurrency"
        | "ToleratedFailureCount"
        | "ToleratedFailurePercentage"
        | "Label" => (&[Map], Both),
        "ItemsPath"
        | "MaxConcurrencyPath"
        | "ToleratedFailureCountPath"
        | "ToleratedFailurePercentagePath" => (&[Map], JsonPathOnly),
        "Items" => (&[Map], JsonataOnly),
        _ => return None,
    };
    types.contains(&kind).then_some(support)
}

/// Reports the fields of an object that are not in its table, or not in its language. Without a
/// language the check of languages is left out.
pub(crate) fn check_fields(
    findings: &mut Findings,
    reader: &Reader<'_>,
    language: Option<QueryLanguage>,
    support: impl Fn(&str) -> Option<Support>,
) {
    for member in reader.object.iter() {
        let site = reader.site.pointing_at(member.key_span);
        match (support(&member.key), language) {
            (None, _) => {
                findings.schema(format!("Field '{}' is not supported", member.key), &site);
            }
            (Some(support), Some(language)) if !support.includes(language) => {
                let (is, other) = match language {
                    QueryLanguage::JsonPath => ("JSONPath", "JSONata"),
                    QueryLanguage::Jsonata => ("JSONata", "JSONPath"),
                };
                findings.schema(
                    format!(
                        "The QueryLanguage is set to '{is}', but field '{}' is only supported \
                         for the '{other}' QueryLanguage",
                        member.key
                    ),
                    &site,
                );
            }
            _ => {}
        }
    }
}

/// As [`check_fields`], with a table.
pub(crate) fn check_table(
    findings: &mut Findings,
    reader: &Reader<'_>,
    language: Option<QueryLanguage>,
    table: FieldTable,
) {
    check_fields(findings, reader, language, |key| {
        table.iter().find(|(field, _)| *field == key).map(|(_, support)| *support)
    });
}

/// Reports the fields that an object must have and has not. Says whether all are there.
pub(crate) fn require(findings: &mut Findings, reader: &Reader<'_>, fields: &[&str]) -> bool {
    let missing: Vec<&str> =
        fields.iter().copied().filter(|field| !reader.object.contains(field)).collect();
    if !missing.is_empty() {
        let message = format!("These fields are required: [{}]", missing.join(", "));
        findings.schema(message, &reader.site);
    }
    missing.is_empty()
}

/// Reports more than one of some fields that exclude each other.
pub(crate) fn at_most_one(findings: &mut Findings, reader: &Reader<'_>, fields: &[&str]) {
    if fields.iter().filter(|field| reader.object.contains(field)).count() > 1 {
        findings.schema(
            format!("There should only be one of the following fields: [{}]", fields.join(", ")),
            &reader.site,
        );
    }
}

/// Reports none, or more than one, of some fields of which one must be there.
pub(crate) fn exactly_one(findings: &mut Findings, reader: &Reader<'_>, fields: &[&str]) {
    if !fields.iter().any(|field| reader.object.contains(field)) {
        findings.schema(none_of(fields), &reader.site);
    }
    at_most_one(findings, reader, fields);
}

/// AWS's text where none of some fields is there.
pub(crate) fn none_of(fields: &[&str]) -> String {
    format!("This object should have only one of the following fields: [{}]", fields.join(", "))
}
