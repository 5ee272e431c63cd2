//! `events:putEvents`: entries tell which execution they come from, and one that fails fails the
//! task.

use asl::Payload;
use engine::TaskFailure;
use serde_json::{Value, json};

use crate::failure::task_failure;

/// Makes `Detail` text, and appends the ARNs of the execution and its state machine to
/// `Resources`.
pub(super) fn prepare(parameters: &mut Value, execution_arn: &str) {
    let machine = state_machine_arn(execution_arn);
    let Some(entries) = parameters.get_mut("Entries").and_then(Value::as_array_mut) else { return };
    for entry in entries.iter_mut().filter_map(Value::as_object_mut) {
        if let Some(detail) = entry.get_mut("Detail") {
            super::to_text(detail);
        }
        let resources = entry.entry("Resources").or_insert_with(|| json!([]));
        if resources.is_null() {
            *resources = json!([]);
        }
        if let Value::Array(resources) = resources {
            resources.push(Value::from(execution_arn));
            resources.extend(machine.clone().map(Value::from));
        }
    }
}

/// An answer with a failed entry is a failure.
pub(super) fn check(output: &Value) -> Result<(), TaskFailure> {
    match output["FailedEntryCount"].as_u64() {
        None | Some(0) => Ok(()),
        Some(_) => {
            let cause = Payload::from_value(output.clone());
            Err(task_failure("EventBridge.FailedEntry", cause.text()))
        }
    }
}

/// `arn:aws:states:us-east-1:1:execution:machine:name` and
/// `arn:aws:states:us-east-1:1:express:machine:name:id` are of
/// `arn:aws:states:us-east-1:1:stateMachine:machine`.
fn state_machine_arn(execution_arn: &str) -> Option<String> {
    let parts: Vec<&str> = execution_arn.split(':').collect();
    let (scope, rest) = parts.split_at_checked(5)?;
    // A child of a distributed Map has `machine/label` in the place of the machine.
    let machine = rest.get(1)?.split('/').next()?;
    Some(format!("{}:stateMachine:{machine}", scope.join(":")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_tell_where_they_come_from() {
        let mut parameters = json!({"Entries": [
            {"Detail": {"a": 1}, "Resources": ["r"]}, {"Detail": "text", "Resources": null}, {}]});
        prepare(&mut parameters, "arn:aws:states:us-east-1:1:express:machine:name:id");
        let arns = json!([
            "arn:aws:states:us-east-1:1:express:machine:name:id",
            "arn:aws:states:us-east-1:1:stateMachine:machine"
        ]);
        assert_eq!(parameters["Entries"][0]["Detail"], r#"{"a":1}"#);
        assert_eq!(parameters["Entries"][0]["Resources"], json!(["r", arns[0], arns[1]]));
        assert_eq!(parameters["Entries"][1]["Detail"], "text");
        assert_eq!(parameters["Entries"][1]["Resources"], arns);
        assert_eq!(parameters["Entries"][2]["Resources"], arns);
    }

    #[test]
    fn a_failed_entry_is_a_failure() {
        let output = json!({"Entries": [{"ErrorCode": "X"}], "FailedEntryCount": 1});
        let failure = check(&output).unwrap_err();
        assert_eq!(failure.error.as_deref(), Some("EventBridge.FailedEntry"));
        assert_eq!(
            failure.cause.as_deref(),
            Some(r#"{"Entries":[{"ErrorCode":"X"}],"FailedEntryCount":1}"#)
        );
        assert!(check(&json!({"Entries": [], "FailedEntryCount": 0})).is_ok());
    }
}
