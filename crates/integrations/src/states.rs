//! `states:startExecution`: executions that start executions of the same server, in the words of
//! AWS's optimized integration.

use asl::{Pattern, Payload, Resource};
use engine::{Status, TaskFailure};
use runtime::{ExecutionDescription, RuntimeError, StartRequest, Started, TaskCall};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::clock::{http_date, now_milliseconds};
use crate::failure::{ServiceError, bad_parameters, task_failure};

/// What StartExecution takes, as the integration spells it.
const PARAMETERS: [&str; 4] = ["Input", "Name", "StateMachineArn", "TraceHeader"];
/// Characters of a name, of a trace header and of a state machine's ARN (AWS's model).
const NAME_CHARACTERS_MAX: usize = 80;
const ARN_CHARACTERS_MAX: usize = 256;

/// Starts an execution, and waits for its end if the pattern says so.
pub(crate) async fn start_execution(call: &TaskCall) -> Result<Payload, TaskFailure> {
    let Resource::Service { pattern, .. } = &call.dispatch.resource else {
        unreachable!("only services have actions")
    };
    let result = match pattern {
        Pattern::RequestResponse | Pattern::WaitForTaskToken => {
            let request = start_request(&call.dispatch.parameters)?;
            return call
                .executions
                .start(request)
                .await
                .map(|started| start_output(&started))
                .map_err(failure);
        }
        Pattern::Sync => text_result,
        Pattern::Sync2 => json_result,
    };
    let arn = match &call.dispatch.submitted {
        Some(submitted) => submitted_arn(submitted)?,
        None => {
            let request = start_request(&call.dispatch.parameters)?;
            let started = call.executions.start(request).await.map_err(failure)?;
            call.submission.submitted(start_output(&started)).await;
            started.execution_arn.into()
        }
    };
    call.executions.finish(&arn, result).await
}

/// What a task submitted before, perhaps in another process.
fn submitted_arn(submitted: &Payload) -> Result<String, TaskFailure> {
    let arn = submitted.value().get("ExecutionArn").and_then(Value::as_str);
    let lost = || task_failure("States.TaskFailed", "The submitted execution is not known");
    arn.map(str::to_owned).ok_or_else(lost)
}

fn start_request(parameters: &Payload) -> Result<StartRequest, TaskFailure> {
    let empty = Map::new();
    let fields = parameters.value().as_object().unwrap_or(&empty);
    let mut problems = Vec::new();
    for name in fields.keys().filter(|name| !PARAMETERS.contains(&name.as_str())) {
        problems.push(format!("The field \"{name}\" is not supported by Step Functions"));
    }
    let mut text = |name: &str| match fields.get(name) {
        None | Some(Value::Null) => None,
        Some(Value::String(text)) => Some(text.clone()),
        Some(_) => {
            problems.push(format!("The value of the field '{name}' has an invalid format"));
            None
        }
    };
    let (name, trace_header) = (text("Name"), text("TraceHeader"));
    let state_machine_arn = text("StateMachineArn");
    if state_machine_arn.is_none()
        && !matches!(fields.get("StateMachineArn"), Some(value) if !value.is_null())
    {
        problems.push("The field \"StateMachineArn\" is required but was missing".to_owned());
    }
    let (Some(state_machine_arn), true) = (state_machine_arn, problems.is_empty()) else {
        return Err(bad_parameters(parameters.text(), &problems));
    };
    check_arn(&state_machine_arn)?;
    if let Some(name) = &name {
        check_name(name)?;
    }
    let input = input(fields.get("Input"))?;
    Ok(StartRequest { state_machine_arn, name, input, trace_header })
}

/// An object is the input itself; a text holds it.
fn input(given: Option<&Value>) -> Result<Payload, TaskFailure> {
    let too_large = || {
        let most = engine::limits::PAYLOAD_BYTES_MAX;
        let constraint = format!("Member must have length less than or equal to {most}");
        constraint_violation(None, "input", &constraint)
    };
    let input = match given {
        Some(Value::String(text)) if text.len() > engine::limits::PAYLOAD_BYTES_MAX => {
            return Err(too_large());
        }
        None | Some(Value::Null) => Payload::from_valid_text("{}"),
        Some(Value::String(text)) => match asl::parse_json(text) {
            _ if text.trim_ascii().is_empty() => {
                return Err(invalid_input("Invalid execution input."));
            }
            Ok(input) => input,
            Err(error) => return Err(invalid_input(&error.message)),
        },
        Some(value) => Payload::from_value(value.clone()),
    };
    if input.size() > engine::limits::PAYLOAD_BYTES_MAX {
        return Err(too_large());
    }
    Ok(input)
}

fn invalid_input(detail: &str) -> TaskFailure {
    let message = format!("Invalid State Machine Execution Input: '{detail}'");
    service_error("InvalidExecutionInput", &message)
}

fn check_name(name: &str) -> Result<(), TaskFailure> {
    let length = name.chars().count();
    let bound = match length {
        0 => Some("Member must have length greater than or equal to 1".to_owned()),
        _ if length > NAME_CHARACTERS_MAX => {
            Some(format!("Member must have length less than or equal to {NAME_CHARACTERS_MAX}"))
        }
        _ => None,
    };
    if let Some(constraint) = bound {
        return Err(constraint_violation(Some(name), "name", &constraint));
    }
    let is_allowed = |character: char| {
        !(character.is_whitespace()
            || character.is_control()
            || "<>{}[]?*\"#%\\^|~`$&,;:/".contains(character)
            || matches!(character, '\u{fffe}' | '\u{ffff}' | '\u{10ffff}'))
    };
    match name.chars().all(is_allowed) {
        true => Ok(()),
        false => Err(service_error("InvalidName", &format!("Invalid Name: '{name}'"))),
    }
}

fn check_arn(arn: &str) -> Result<(), TaskFailure> {
    let length = arn.chars().count();
    let bound = match length {
        0 => Some("Member must have length greater than or equal to 1".to_owned()),
        _ if length > ARN_CHARACTERS_MAX => {
            Some(format!("Member must have length less than or equal to {ARN_CHARACTERS_MAX}"))
        }
        _ => None,
    };
    if let Some(constraint) = bound {
        return Err(constraint_violation(Some(arn), "stateMachineArn", &constraint));
    }
    let parts: Vec<&str> = arn.splitn(7, ':').collect();
    let message = match parts.as_slice() {
        ["arn", partition, "states", region, account, kind, rest @ ..]
            if !partition.is_empty() && !region.is_empty() && !account.is_empty() =>
        {
            match (*kind, rest) {
                ("stateMachine", [name]) if !name.is_empty() && !name.ends_with(':') => {
                    return Ok(());
                }
                _ => format!("Invalid Arn: 'Resource type not valid in this context: {kind}'"),
            }
        }
        _ => format!("Invalid Arn: 'Invalid ARN prefix: {arn}'"),
    };
    Err(service_error("InvalidArn", &message))
}

/// What the common framework of AWS's services says of a member of a request.
fn constraint_violation(value: Option<&str>, member: &str, constraint: &str) -> TaskFailure {
    let value = value.map(|value| format!("'{value}' ")).unwrap_or_default();
    let message = format!(
        "1 validation error detected: Value {value}at '{member}' failed to satisfy constraint: \
         {constraint}"
    );
    service_error("ValidationException", &message)
}

/// Why an execution was not started.
fn failure(error: RuntimeError) -> TaskFailure {
    let (code, message) = match error {
        RuntimeError::StateMachineDoesNotExist(arn) => {
            ("StateMachineDoesNotExist", format!("State Machine Does Not Exist: '{arn}'"))
        }
        RuntimeError::StateMachineDeleting(arn) => {
            ("StateMachineDeleting", format!("State Machine is being deleted: '{arn}'"))
        }
        RuntimeError::ExecutionAlreadyExists(arn) => {
            ("ExecutionAlreadyExists", format!("Execution Already Exists: '{arn}'"))
        }
        other => ("ServiceUnavailable", other.to_string()),
    };
    service_error(code, &message)
}

fn service_error(code: &str, message: &str) -> TaskFailure {
    let exception = match code {
        // The client of this integration has no exception of its own for it.
        "ServiceUnavailable" => "AWSStepFunctionsException".to_owned(),
        _ if code.ends_with("Exception") => code.to_owned(),
        _ => format!("{code}Exception"),
    };
    ServiceError {
        prefix: "StepFunctions",
        service: "AWSStepFunctions",
        exception: &exception,
        message: Some(message),
        status: 400,
        code: Some(code),
        request_id: &Uuid::new_v4().to_string(),
    }
    .into_failure()
}

/// The answer of StartExecution, with what the client of the integration tells about it.
fn start_output(started: &Started) -> Payload {
    let arn = &*started.execution_arn;
    let start_date = seconds(started.start_date.0);
    let body = json!({ "executionArn": arn, "startDate": start_date });
    let length = body.to_string().len().to_string();
    let request_id = Uuid::new_v4().to_string();
    let date = http_date(now_milliseconds());
    let content_type = "application/x-amz-json-1.0";
    Payload::from_value(json!({
        "ExecutionArn": arn,
        "SdkHttpMetadata": {
            "AllHttpHeaders": {
                "x-amzn-RequestId": [request_id],
                "connection": ["keep-alive"],
                "Content-Length": [length],
                "Date": [date],
                "Content-Type": [content_type]
            },
            "HttpHeaders": {
                "connection": "keep-alive",
                "Content-Length": length,
                "Content-Type": content_type,
                "Date": date,
                "x-amzn-RequestId": request_id
            },
            "HttpStatusCode": 200
        },
        "SdkResponseMetadata": { "RequestId": request_id },
        "StartDate": start_date
    }))
}

/// Seconds since 1970, with three decimals at most.
fn seconds(milliseconds: i64) -> Value {
    json!(milliseconds as f64 / 1000.0)
}

/// The result of `.sync`: input and output are texts.
fn text_result(execution: &ExecutionDescription) -> Result<Payload, TaskFailure> {
    result(execution, |payload| payload.text().into())
}

/// The result of `.sync:2`: input and output are what they say.
fn json_result(execution: &ExecutionDescription) -> Result<Payload, TaskFailure> {
    result(execution, |payload| payload.value().clone())
}

fn result(
    execution: &ExecutionDescription,
    data: fn(&Payload) -> Value,
) -> Result<Payload, TaskFailure> {
    let shown = Payload::from_value(describe(execution, data));
    match execution.status {
        Status::Succeeded => Ok(shown),
        _ => Err(task_failure("States.TaskFailed", shown.text())),
    }
}

/// DescribeExecution with the names of the integration, in their order. Dates are milliseconds,
/// as in the event that tells AWS of the end.
fn describe(execution: &ExecutionDescription, data: fn(&Payload) -> Value) -> Value {
    let identity = &execution.identity;
    let mut members = Map::new();
    let mut put = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            members.insert(name.to_owned(), value);
        }
    };
    let text = |text: &Option<Box<str>>| text.as_deref().map(Value::from);
    let included = || Some(json!({ "Included": true }));
    // The States.Timeout of a timed out execution is only in its history.
    let is_told = execution.status != Status::TimedOut;
    put("Cause", text(&execution.cause).filter(|_| is_told));
    put("Error", text(&execution.error).filter(|_| is_told));
    put("ExecutionArn", Some((*identity.arn).into()));
    put("Input", Some(data(&execution.input)));
    put("InputDetails", included());
    put("Name", Some((*identity.name).into()));
    put("Output", execution.output.as_ref().map(data));
    put("OutputDetails", execution.output.as_ref().and_then(|_| included()));
    put("StartDate", Some(execution.start_date.0.into()));
    put("StateMachineAliasArn", text(&identity.state_machine_alias_arn));
    put("StateMachineArn", Some((*identity.state_machine_arn).into()));
    put("StateMachineVersionArn", text(&identity.state_machine_version_arn));
    put("Status", Some(execution.status.name().into()));
    put("StopDate", execution.stop_date.map(|date| date.0.into()));
    put("TraceHeader", execution.trace_header.as_deref().map(Value::from));
    Value::Object(members)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use asl::Timestamp;
    use engine::{Identity, Redrivability};
    use expect_test::{Expect, expect};

    use super::*;

    /// What becomes of the parameters, with request ids taken out.
    fn check(parameters: Value, expected: Expect) {
        let shown = match start_request(&Payload::from_value(parameters)) {
            Ok(request) => format!(
                "{} {:?} {} {:?}",
                request.state_machine_arn,
                request.name,
                request.input.text(),
                request.trace_header
            ),
            Err(TaskFailure { error, cause }) => {
                let cause = cause.unwrap_or_default();
                let cause = match cause.split_once("Request ID: ") {
                    Some((before, after)) => {
                        format!("{before}Request ID: -{}", &after[after.find(';').unwrap()..])
                    }
                    None => cause.into(),
                };
                format!("{}: {cause}", error.unwrap_or_default())
            }
        };
        expected.assert_eq(&shown);
    }

    const MACHINE: &str = "arn:aws:states:us-east-1:123456789012:stateMachine:m";

    #[test]
    fn inputs_are_objects_or_texts_or_absent() {
        check(
            json!({"StateMachineArn": MACHINE, "Input": {"a": 1.0}, "Name": "n", "TraceHeader": "t"}),
            expect![[
                r#"arn:aws:states:us-east-1:123456789012:stateMachine:m Some("n") {"a":1.0} Some("t")"#
            ]],
        );
        check(
            json!({"StateMachineArn": MACHINE, "Input": "{\"a\": 1}"}),
            expect![[r#"arn:aws:states:us-east-1:123456789012:stateMachine:m None {"a": 1} None"#]],
        );
        check(
            json!({"StateMachineArn": format!("{MACHINE}:PROD"), "Input": null, "Name": null}),
            expect!["arn:aws:states:us-east-1:123456789012:stateMachine:m:PROD None {} None"],
        );
    }

    #[test]
    fn what_is_wrong_has_the_names_of_the_integration() {
        check(
            json!({"Input": {}, "Other": 1}),
            expect![[
                r#"States.Runtime: The Parameters '{"Input":{},"Other":1}' could not be used to start the Task: [The field "Other" is not supported by Step Functions, The field "StateMachineArn" is required but was missing]"#
            ]],
        );
        check(
            json!({"StateMachineArn": 1}),
            expect![[
                r#"States.Runtime: The Parameters '{"StateMachineArn":1}' could not be used to start the Task: [The value of the field 'StateMachineArn' has an invalid format]"#
            ]],
        );
        check(
            json!({"StateMachineArn": "m"}),
            expect![
                "StepFunctions.InvalidArnException: Invalid Arn: 'Invalid ARN prefix: m' (Service: AWSStepFunctions; Status Code: 400; Error Code: InvalidArn; Request ID: -; Proxy: null)"
            ],
        );
        check(
            json!({"StateMachineArn": "arn:aws:states:us-east-1:123456789012:execution:m:n"}),
            expect![
                "StepFunctions.InvalidArnException: Invalid Arn: 'Resource type not valid in this context: execution' (Service: AWSStepFunctions; Status Code: 400; Error Code: InvalidArn; Request ID: -; Proxy: null)"
            ],
        );
        check(
            json!({"StateMachineArn": MACHINE, "Name": "a b"}),
            expect![
                "StepFunctions.InvalidNameException: Invalid Name: 'a b' (Service: AWSStepFunctions; Status Code: 400; Error Code: InvalidName; Request ID: -; Proxy: null)"
            ],
        );
        check(
            json!({"StateMachineArn": MACHINE, "Name": "a".repeat(81)}),
            expect![
                "StepFunctions.ValidationException: 1 validation error detected: Value 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa' at 'name' failed to satisfy constraint: Member must have length less than or equal to 80 (Service: AWSStepFunctions; Status Code: 400; Error Code: ValidationException; Request ID: -; Proxy: null)"
            ],
        );
        check(
            json!({"StateMachineArn": MACHINE, "Input": " "}),
            expect![
                "StepFunctions.InvalidExecutionInputException: Invalid State Machine Execution Input: 'Invalid execution input.' (Service: AWSStepFunctions; Status Code: 400; Error Code: InvalidExecutionInput; Request ID: -; Proxy: null)"
            ],
        );
        check(
            json!({"StateMachineArn": MACHINE, "Input": "x".repeat(262_145)}),
            expect![
                "StepFunctions.ValidationException: 1 validation error detected: Value at 'input' failed to satisfy constraint: Member must have length less than or equal to 262144 (Service: AWSStepFunctions; Status Code: 400; Error Code: ValidationException; Request ID: -; Proxy: null)"
            ],
        );
    }

    fn described(status: Status) -> ExecutionDescription {
        let text = |text: &str| Some(Box::from(text));
        let is_success = status == Status::Succeeded;
        ExecutionDescription {
            status,
            output: is_success.then(|| Payload::from_valid_text(r#"{"b":2}"#)),
            error: text("E").filter(|_| !is_success),
            cause: text("C").filter(|_| !is_success),
            ..example()
        }
    }

    #[test]
    fn results_of_both_kinds() {
        let show = |result: Result<Payload, TaskFailure>| match result {
            Ok(output) => output.text().to_owned(),
            Err(failure) => {
                format!(
                    "{}: {}",
                    failure.error.unwrap_or_default(),
                    failure.cause.unwrap_or_default()
                )
            }
        };
        expect![[r#"{"ExecutionArn":"arn:aws:states:us-east-1:123456789012:execution:m:n","Input":"{\"a\": 1.0}","InputDetails":{"Included":true},"Name":"n","Output":"{\"b\":2}","OutputDetails":{"Included":true},"StartDate":1700000000123,"StateMachineArn":"arn:aws:states:us-east-1:123456789012:stateMachine:m","Status":"SUCCEEDED","StopDate":1700000001456}"#]].assert_eq(&show(text_result(&described(Status::Succeeded))));
        expect![[r#"{"ExecutionArn":"arn:aws:states:us-east-1:123456789012:execution:m:n","Input":{"a":1.0},"InputDetails":{"Included":true},"Name":"n","Output":{"b":2},"OutputDetails":{"Included":true},"StartDate":1700000000123,"StateMachineArn":"arn:aws:states:us-east-1:123456789012:stateMachine:m","Status":"SUCCEEDED","StopDate":1700000001456}"#]].assert_eq(&show(json_result(&described(Status::Succeeded))));
        expect![[r#"States.TaskFailed: {"Cause":"C","Error":"E","ExecutionArn":"arn:aws:states:us-east-1:123456789012:execution:m:n","Input":"{\"a\": 1.0}","InputDetails":{"Included":true},"Name":"n","StartDate":1700000000123,"StateMachineArn":"arn:aws:states:us-east-1:123456789012:stateMachine:m","Status":"FAILED","StopDate":1700000001456}"#]].assert_eq(&show(text_result(&described(Status::Failed))));
        expect![[r#"States.TaskFailed: {"ExecutionArn":"arn:aws:states:us-east-1:123456789012:execution:m:n","Input":"{\"a\": 1.0}","InputDetails":{"Included":true},"Name":"n","StartDate":1700000000123,"StateMachineArn":"arn:aws:states:us-east-1:123456789012:stateMachine:m","Status":"TIMED_OUT","StopDate":1700000001456}"#]].assert_eq(&show(text_result(&described(Status::TimedOut))));
    }

    fn example() -> ExecutionDescription {
        let identity = Identity {
            arn: "arn:aws:states:us-east-1:123456789012:execution:m:n".into(),
            name: "n".into(),
            state_machine_arn: MACHINE.into(),
            state_machine_name: "m".into(),
            state_machine_version_arn: None,
            state_machine_alias_arn: None,
            role_arn: "arn:aws:iam::123456789012:role/r".into(),
            region: "us-east-1".into(),
            express: false,
            test_case: None,
            map_run: None,
        };
        ExecutionDescription {
            identity: Arc::new(identity),
            status: Status::Running,
            start_date: Timestamp(1_700_000_000_123),
            stop_date: Some(Timestamp(1_700_000_001_456)),
            input: Payload::from_valid_text(r#"{"a": 1.0}"#),
            output: None,
            error: None,
            cause: None,
            trace_header: None,
            parent_execution_arn: None,
            billing: None,
            transitions: 1,
            redrive_count: 0,
            redrive_date: None,
            pending_redrive: false,
            redrivability: Redrivability {
                status: Status::Running,
                is_express: false,
                by_map_run: false,
                event_count: 1,
                history_events_max: 25_000,
                start_date: Timestamp(1_700_000_000_123),
                stop_date: None,
            },
        }
    }
}
