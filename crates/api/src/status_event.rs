//! "Step Functions Execution Status Change": a change of status in the shape in which AWS sends
//! it to EventBridge.

use asl::Timestamp;
use runtime::StatusChange;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::arn::Arn;

/// Bytes of input and output together, as they are escaped, that an event may carry (AWS: 248
/// KiB). Beyond that the input is left out, and then the output.
const DATA_BYTES_MAX: usize = 248 * 1024;

/// The event of a change. `id` makes the same event known again when it is sent twice.
pub fn status_event(change: &StatusChange, id: Uuid) -> Value {
    let execution = &change.execution;
    let identity = &execution.identity;
    let account = Arn::parse(&identity.arn).map_or("", |arn| arn.account);
    let input = execution.input.text();
    let output = execution.output.as_ref().map(asl::Payload::text);
    let sizes = (escaped_size(input), output.map_or(0, escaped_size));
    let input = (sizes.0 + sizes.1 <= DATA_BYTES_MAX).then_some(input);
    let shown_output = output.filter(|_| sizes.1 <= DATA_BYTES_MAX);
    let status = change.status.name();
    let (redrive_status, reason) = match execution.redrivability.refusal(change.at) {
        _ if change.status == engine::Status::Running => {
            ("NOT_REDRIVABLE", "Execution is RUNNING and cannot be redriven".to_owned())
        }
        None => ("REDRIVABLE", format!("Execution is {status} and is redrivable")),
        Some(refusal) => ("NOT_REDRIVABLE", refusal.reason().to_owned()),
    };
    // A timed out execution has its States.Timeout only in its history.
    let is_told = change.status != engine::Status::TimedOut;
    json!({
        "version": "0",
        "id": id.to_string(),
        "detail-type": "Step Functions Execution Status Change",
        "source": "aws.states",
        "account": account,
        "time": Timestamp(change.at.0.div_euclid(1000) * 1000).to_iso_8601(),
        "region": &*identity.region,
        "resources": [&*identity.arn],
        "detail": {
            "executionArn": &*identity.arn,
            "stateMachineArn": &*identity.state_machine_arn,
            "name": &*identity.name,
            "status": status,
            "startDate": execution.start_date.0,
            "stopDate": execution.stop_date.map(|at| at.0),
            "input": input,
            "output": shown_output,
            "stateMachineVersionArn": identity.state_machine_version_arn.as_deref(),
            "stateMachineAliasArn": identity.state_machine_alias_arn.as_deref(),
            "redriveCount": execution.redrive_count,
            "redriveDate": execution.redrive_date.map(|at| at.0),
            "redriveStatus": redrive_status,
            "redriveStatusReason": reason,
            "inputDetails": {"included": input.is_some()},
            "outputDetails": output.map(|_| json!({"included": shown_output.is_some()})),
            "error": execution.error.as_deref().filter(|_| is_told),
            "cause": execution.cause.as_deref().filter(|_| is_told),
        },
    })
}

/// Bytes of a text as a JSON string, without its quotes.
fn escaped_size(text: &str) -> usize {
    let size = |character: char| match character {
        '"' | '\\' | '\n' | '\r' | '\t' | '\u{8}' | '\u{c}' => 2,
        control if control < ' ' => 6,
        character => character.len_utf8(),
    };
    text.chars().map(size).sum()
}
