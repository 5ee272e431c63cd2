//! Rules of single actions: parameters and results that differ from those of the operation
//! behind them, and when a job counts as successful.

use asl::Payload;
use engine::TaskFailure;
use serde_json::{Map, Value, json};

use super::table::Row;
use crate::failure::task_failure;

type Request = Result<Value, Vec<String>>;

fn missing(name: &str) -> String {
    format!("The field \"{name}\" is required but was missing")
}

fn unsupported(name: &str) -> String {
    format!("The field \"{name}\" is not supported by Step Functions")
}

/// Takes a member out of parameters; without it the task cannot start.
fn take(parameters: &mut Map<String, Value>, name: &str) -> Result<Value, Vec<String>> {
    match parameters.shift_remove(name) {
        None | Some(Value::Null) => Err(vec![missing(name)]),
        Some(value) => Ok(value),
    }
}

fn object(parameters: Value) -> Map<String, Value> {
    match parameters {
        Value::Object(object) => object,
        _ => Map::new(),
    }
}

/// ECS: every container of a stopped task ended with 0. Containers that are not essential count
/// only where the answer does not tell which are.
pub(super) fn every_container_succeeded(task: &Value) -> bool {
    let containers = task["Containers"].as_array();
    let mut ended = containers.into_iter().flatten();
    task["StopCode"] != "TaskFailedToStart"
        && ended.all(|container| container["ExitCode"].as_i64() == Some(0))
}

/// ECS: the containers that a task definition calls essential ended with 0.
pub(super) fn essential_containers_succeeded(task: &Value, definitions: &Value) -> bool {
    let is_essential = |name: &Value| {
        let definitions = definitions.as_array().into_iter().flatten();
        let mut named = definitions.filter(|definition| definition["Name"] == *name);
        named.all(|definition| definition["Essential"] != false)
    };
    let containers = task["Containers"].as_array().into_iter().flatten();
    let mut essential = containers.filter(|container| is_essential(&container["Name"]));
    task["StopCode"] != "TaskFailedToStart"
        && essential.all(|container| container["ExitCode"].as_i64() == Some(0))
}

/// Headers that single services spell otherwise than the others do.
pub(super) fn respell_headers(row: &Row, metadata: &mut Value) {
    let (usual, own) = match (row.service, row.action) {
        ("sqs" | "sns", _) => ("Connection", "connection"),
        ("dynamodb", "getItem") => ("x-amzn-RequestId", "x-amzn-requestid"),
        _ => return,
    };
    for group in ["AllHttpHeaders", "HttpHeaders"] {
        if let Some(headers) = metadata.get_mut(group).and_then(Value::as_object_mut) {
            *headers = std::mem::take(headers)
                .into_iter()
                .map(|(name, value)| (if name == usual { own.to_owned() } else { name }, value))
                .collect();
        }
    }
}

/// Batch: the values of a job's parameters are texts; numbers and booleans are written as such.
pub(super) fn batch_parameters(parameters: Value) -> Request {
    let mut parameters = parameters;
    let values = parameters.get_mut("Parameters").and_then(Value::as_object_mut);
    for value in values.into_iter().flat_map(|values| values.values_mut()) {
        if value.is_number() || value.is_boolean() {
            *value = Value::from(value.to_string());
        }
    }
    Ok(parameters)
}

/// SQS: AWS calls the host in the queue's URL itself. Here the queue is called where the service
/// is, so that a host that can be none is found out beforehand.
pub(super) fn check_queue_url(parameters: &Value) -> Result<(), TaskFailure> {
    let Some(url) = parameters["QueueUrl"].as_str() else { return Ok(()) };
    let Ok(uri) = url.parse::<http::Uri>() else { return Ok(()) };
    let host = uri.host().unwrap_or_default();
    let is_queue = uri.path().trim_matches('/').contains('/');
    if uri.scheme().is_none() || is_queue || host.contains('.') || uri.port().is_some() {
        return Ok(());
    }
    Err(task_failure(
        "SQS.SdkClientException",
        format!("Unable to execute HTTP request: {host}: Name or service not known"),
    ))
}

/// ECS answers with success where it could not place a task; who waits for it must know.
pub(super) fn check_tasks(output: &Value) -> Result<(), TaskFailure> {
    match output["Failures"].as_array().map_or(0, Vec::len) {
        0 => Ok(()),
        _ => {
            let cause = Payload::from_value(output.clone());
            Err(task_failure("AmazonECS.Unknown", cause.text()))
        }
    }
}

/// EMR's `createCluster`: a cluster that stays, without steps.
pub(super) fn emr_create_cluster(parameters: Value) -> Request {
    let mut problems = Vec::new();
    if parameters.get("Steps").is_some() {
        problems.push(unsupported("Steps"));
    }
    match parameters.pointer("/Instances/KeepJobFlowAliveWhenNoSteps") {
        Some(Value::Bool(true)) => {}
        Some(_) => problems.push(
            "The value of the field 'KeepJobFlowAliveWhenNoSteps' has an invalid format".to_owned(),
        ),
        None => problems.push(missing("KeepJobFlowAliveWhenNoSteps")),
    }
    if problems.is_empty() { Ok(parameters) } else { Err(problems) }
}

pub(super) fn emr_cluster_id(_: &Value, output: Value) -> Value {
    json!({ "ClusterId": output["JobFlowId"] })
}

/// `ClusterId` becomes the list `JobFlowIds`.
pub(super) fn emr_job_flow_ids(parameters: Value) -> Request {
    let mut parameters = object(parameters);
    let cluster = take(&mut parameters, "ClusterId")?;
    parameters.insert("JobFlowIds".to_owned(), json!([cluster]));
    Ok(Value::Object(parameters))
}

pub(super) fn emr_given_cluster(given: &Value, _: Value) -> Value {
    json!({ "ClusterId": given["ClusterId"] })
}

pub(super) fn emr_add_step(parameters: Value) -> Request {
    let mut parameters = object(parameters);
    let cluster = take(&mut parameters, "ClusterId")?;
    let step = take(&mut parameters, "Step")?;
    parameters.insert("JobFlowId".to_owned(), cluster);
    parameters.insert("Steps".to_owned(), json!([step]));
    Ok(Value::Object(parameters))
}

pub(super) fn emr_step_id(_: &Value, output: Value) -> Value {
    json!({ "StepId": output["StepIds"][0] })
}

pub(super) fn emr_cancel_step(parameters: Value) -> Request {
    let mut parameters = object(parameters);
    let step = take(&mut parameters, "StepId")?;
    parameters.insert("StepIds".to_owned(), json!([step]));
    Ok(Value::Object(parameters))
}

pub(super) fn emr_cancelled_step(_: &Value, output: Value) -> Value {
    json!({ "CancelStepsInfo": output["CancelStepsInfoList"][0] })
}

/// EMR Serverless: where the operation answers nothing, the result still names what it was
/// about.
pub(super) fn serverless_ids(given: &Value, output: Value) -> Value {
    let mut result = object(output);
    for name in ["ApplicationId", "JobRunId"] {
        if let Some(id) = given.get(name) {
            result.insert(name.to_owned(), id.clone());
        }
    }
    Value::Object(result)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn containers_decide_over_a_task() {
        let task = |codes: Value, stop: &str| json!({"StopCode": stop, "Containers": codes});
        let ok = |task: Value| every_container_succeeded(&task);
        assert!(ok(task(json!([{"ExitCode": 0}, {"ExitCode": 0}]), "EssentialContainerExited")));
        assert!(!ok(task(json!([{"ExitCode": 0}, {"ExitCode": 1}]), "EssentialContainerExited")));
        assert!(!ok(task(json!([{"Reason": "killed"}]), "UserInitiated")));
        assert!(!ok(task(json!([]), "TaskFailedToStart")));
        let definitions =
            json!([{"Name": "a", "Essential": true}, {"Name": "b", "Essential": false}]);
        let containers = |a: i64, b: i64| {
            task(
                json!([{"Name": "a", "ExitCode": a}, {"Name": "b", "ExitCode": b}]),
                "EssentialContainerExited",
            )
        };
        assert!(essential_containers_succeeded(&containers(0, 137), &definitions));
        assert!(!essential_containers_succeeded(&containers(1, 0), &definitions));
        assert!(!essential_containers_succeeded(&containers(0, 137), &json!([])));
    }

    #[test]
    fn queues_have_a_host() {
        let check = |url: &str| check_queue_url(&json!({ "QueueUrl": url })).err();
        for url in [
            "https://sqs.us-east-1.amazonaws.com/123456789012/q",
            "http://localhost:9324/queue/q",
            "http://sqs/000000000000/q",
            "q",
        ] {
            assert_eq!(check(url), None, "{url}");
        }
        let failure = check("http://no-such-queue").unwrap();
        assert_eq!(
            failure.cause.as_deref(),
            Some("Unable to execute HTTP request: no-such-queue: Name or service not known")
        );
    }

    #[test]
    fn clusters_must_stay() {
        let keep =
            |keep: Value| json!({"Name": "c", "Instances": {"KeepJobFlowAliveWhenNoSteps": keep}});
        assert!(emr_create_cluster(keep(json!(true))).is_ok());
        assert!(emr_create_cluster(keep(json!(false))).is_err());
        let problems = emr_create_cluster(json!({"Steps": []})).unwrap_err();
        assert_eq!(
            problems,
            [
                "The field \"Steps\" is not supported by Step Functions",
                "The field \"KeepJobFlowAliveWhenNoSteps\" is required but was missing"
            ]
        );
        assert_eq!(
            emr_add_step(json!({"ClusterId": "j", "Step": {"Name": "s"}})).unwrap(),
            json!({"JobFlowId": "j", "Steps": [{"Name": "s"}]})
        );
        assert_eq!(
            emr_job_flow_ids(json!({"TerminationProtected": true})).unwrap_err(),
            ["The field \"ClusterId\" is required but was missing"]
        );
    }
}
