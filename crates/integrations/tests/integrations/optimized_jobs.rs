//! Every job of optimized integrations (`.sync`), each against a stand-in that speaks its
//! service's protocol: submitted, asked for, successful, failed, stopped, found again.
//!
//! `testdata/optimized_jobs/jobs.jsonl` has a line for each: what is submitted and answered, the
//! states it goes through, what the task gives. `$state` is where an answer has the state.

use std::collections::{HashMap, VecDeque};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use asl::{Payload, Resource};
use bytes::Bytes;
use http::Response;
use integrations::PollIntervals;
use jiff::Timestamp;
use runtime::{Submission, TaskCall, TaskRunner};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use service_models::{Operation, Reference, Service, ShapeType, TimestampFormat};

use crate::web::{Seen, Web};
use crate::world::{Failure, World, call};

#[derive(Debug, Clone, Deserialize)]
struct Row {
    /// `glue:startJobRun`
    resource: String,
    model: String,
    parameters: Value,
    /// Operations with what they answer.
    submit: (String, Value),
    poll: (String, Value),
    running: Vec<String>,
    succeeded: Vec<String>,
    failed: Vec<String>,
    output: Value,
    poll_request: String,
    cancel: Option<String>,
    /// The error that is the end of a job that removes something.
    gone: Option<String>,
}

fn rows() -> Vec<Row> {
    let path =
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../testdata/optimized_jobs/jobs.jsonl");
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Every job's resource, without `.sync`, and what submits it.
pub(crate) fn resources_and_parameters() -> Vec<(String, Value)> {
    rows().into_iter().map(|row| (row.resource, row.parameters)).collect()
}

impl Row {
    fn service(&self) -> &'static Service {
        service_models::find(&self.model).unwrap()
    }

    fn resource(&self, suffix: &str) -> Resource {
        let arn = format!("arn:aws:states:::{}{suffix}", self.resource);
        Resource::parse(&arn).unwrap_or_else(|| panic!("{arn}"))
    }

    fn answer(&self, state: &str) -> Reply {
        Reply::Output(with_state(&self.poll.1, state))
    }

    /// What the task gives, or the cause of its failure.
    fn shown(&self, state: &str) -> Value {
        with_state(&self.output, state)
    }
}

fn with_state(value: &Value, state: &str) -> Value {
    match value {
        Value::String(text) if text == "$state" => state.into(),
        Value::Array(items) => items.iter().map(|item| with_state(item, state)).collect(),
        Value::Object(members) => {
            let members = members.iter();
            members.map(|(name, value)| (name.clone(), with_state(value, state))).collect()
        }
        other => other.clone(),
    }
}

/// What the stand-in does with a request.
#[derive(Debug, Clone)]
enum Reply {
    /// In the spelling of tasks.
    Output(Value),
    /// Status and code.
    Error(u16, String),
    /// The connection breaks.
    Reset,
}

/// A stand-in of one service. Replies are by operation, in order; the last one stays.
struct StandIn {
    web: Web,
    service: &'static Service,
}

impl StandIn {
    async fn new(service: &'static Service, replies: Vec<(&str, Vec<Reply>)>) -> StandIn {
        let replies: HashMap<String, VecDeque<Reply>> = replies
            .into_iter()
            .map(|(operation, replies)| (operation.to_owned(), replies.into()))
            .collect();
        let replies = Mutex::new(replies);
        let web = Web::answering(move |request| {
            let operation = operation_of(service, request);
            let mut replies = replies.lock().unwrap();
            let replies = replies.get_mut(&*operation.name);
            let replies = replies.unwrap_or_else(|| panic!("nobody expects {}", operation.name));
            let reply = match replies.len() {
                1 => replies[0].clone(),
                _ => replies.pop_front().unwrap(),
            };
            respond(service, operation, reply)
        });
        StandIn { web: web.await, service }
    }

    fn world(&self) -> World {
        World::with_config(|config| {
            config.environment.insert("AWS_ENDPOINT_URL".to_owned(), self.web.url(""));
            config.poll_intervals = PollIntervals {
                first: Duration::from_millis(1),
                longest: Duration::from_millis(2),
            };
        })
    }

    /// The requests, and how often each came in a row.
    fn requests(&self) -> Vec<(String, usize)> {
        let mut shown: Vec<(String, usize)> = Vec::new();
        for request in self.web.requests() {
            let text = match request.header("x-amz-target") {
                Some(_) => {
                    let operation = operation_of(self.service, &request);
                    format!("{} {}", operation.name, request.body)
                }
                None => format!("{} {} {}", request.method, request.target, request.body),
            };
            let text = text.trim_end().to_owned();
            match shown.last_mut() {
                Some((last, count)) if *last == text => *count += 1,
                _ => shown.push((text, 1)),
            }
        }
        shown
    }
}

/// What a request is for: by its header, or by method and path.
fn operation_of(service: &'static Service, request: &Seen) -> &'static Operation {
    if let Some(target) = request.header("x-amz-target") {
        return service.operation(target.rsplit('.').next().unwrap()).unwrap();
    }
    let path = request.target.split('?').next().unwrap();
    let parts: Vec<&str> = path.split('/').collect();
    let fits = |operation: &&Operation| {
        let template: Vec<&str> = operation.uri.split('?').next().unwrap().split('/').collect();
        *operation.method == *request.method
            && template.len() == parts.len()
            && template.iter().zip(&parts).all(|(one, part)| one.starts_with('{') || one == part)
    };
    let holes = |operation: &&Operation| operation.uri.matches('{').count();
    let found = service.operations.iter().filter(fits).min_by_key(holes);
    found.unwrap_or_else(|| panic!("{} {}", request.method, request.target))
}

fn respond(service: &Service, operation: &Operation, reply: Reply) -> Response<Bytes> {
    let response = Response::builder().header("x-amzn-requestid", "R");
    match reply {
        Reply::Output(output) => {
            let body = match &operation.output {
                Some(reference) => wire(service, reference, &output),
                None => json!({}),
            };
            response.body(Bytes::from(body.to_string())).unwrap()
        }
        Reply::Error(status, code) => {
            let body = json!({"__type": code, "message": "no"}).to_string();
            let response = response.status(status).header("x-amzn-errortype", code);
            response.body(Bytes::from(body)).unwrap()
        }
        Reply::Reset => response.header("x-fault", "reset").body(Bytes::new()).unwrap(),
    }
}

/// An answer as the service writes it.
fn wire(service: &Service, reference: &Reference, value: &Value) -> Value {
    let shape = service.shape(reference);
    match (shape.shape_type, value) {
        (ShapeType::Structure, Value::Object(given)) => {
            let mut members = Map::new();
            for (name, value) in given {
                let member = shape.property(name);
                let member = member.unwrap_or_else(|| panic!("{} has no {name}", shape.name));
                let value = wire(service, &member.reference, value);
                members.insert(member.wire_name().to_owned(), value);
            }
            Value::Object(members)
        }
        (ShapeType::List, Value::Array(items)) => {
            items.iter().map(|item| wire(service, shape.element(), item)).collect()
        }
        (ShapeType::Timestamp, Value::String(text)) => {
            match reference.timestamp_format.or(shape.timestamp_format) {
                Some(TimestampFormat::Iso8601) => value.clone(),
                _ => json!(text.parse::<Timestamp>().unwrap().as_second()),
            }
        }
        _ => value.clone(),
    }
}

fn busy() -> Reply {
    Reply::Error(429, "ThrottlingException".to_owned())
}

/// A task's work, from its submission or from what that gave.
async fn run(stand_in: &StandIn, row: &Row, submitted: Option<Value>) -> Result<Value, Failure> {
    let mut call = call(row.resource(".sync"), row.parameters.clone());
    call.dispatch.submitted = submitted.map(Payload::from_value);
    let result = stand_in.world().integrations.run(call).await;
    result.map(|output| output.value().clone()).map_err(Failure::from)
}

/// Does something for every row at once, and tells which row fails.
async fn for_every_row<F>(check: impl Fn(Row) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let rows = rows();
    let checks: Vec<_> =
        rows.into_iter().map(|row| (row.resource.clone(), tokio::spawn(check(row)))).collect();
    for (resource, check) in checks {
        if let Err(error) = check.await {
            panic!("{resource}: {error}");
        }
    }
}

#[tokio::test]
async fn every_job_succeeds() {
    for_every_row(|row| async move {
        // Its own trouble is not the task's: it is throttled, the connection breaks, it is down.
        let mut polls = vec![busy(), Reply::Reset, Reply::Error(503, "Unavailable".to_owned())];
        polls.extend(row.running.iter().map(|state| row.answer(state)));
        let end = match &row.gone {
            Some(code) => Reply::Error(404, code.clone()),
            None => row.answer(&row.succeeded[0]),
        };
        polls.push(end);
        let submit = (row.submit.0.as_str(), vec![Reply::Output(row.submit.1.clone())]);
        let stand_in = StandIn::new(row.service(), vec![submit, (&row.poll.0, polls)]).await;
        let output = run(&stand_in, &row, None).await.unwrap();
        let state = match &row.gone {
            Some(_) => row.running.last().unwrap(),
            None => &row.succeeded[0],
        };
        assert_eq!(output.to_string(), row.shown(state).to_string());
        let requests = stand_in.requests();
        assert_eq!(requests.len(), 2, "{requests:?}");
        assert_eq!(requests[0].1, 1, "submitted once");
        assert_eq!(requests[1], (row.poll_request.clone(), row.running.len() + 4));
    })
    .await;
}

#[tokio::test]
async fn every_state_of_success_and_failure_is_known() {
    for_every_row(|row| async move {
        for state in row.succeeded.iter().chain(&row.failed) {
            let polls = vec![row.answer(&row.running[0]), row.answer(state)];
            let stand_in = StandIn::new(row.service(), vec![(&row.poll.0, polls)]).await;
            // What was submitted before a restart is found again, and not submitted.
            let submitted = submission(&row).await;
            let result = run(&stand_in, &row, Some(submitted)).await;
            let shown = row.shown(state).to_string();
            if row.succeeded.contains(state) {
                assert_eq!(result.unwrap().to_string(), shown);
            } else {
                let failure = result.unwrap_err();
                assert_eq!(failure.error, "States.TaskFailed", "{state}");
                assert_eq!(failure.cause, shown, "{state}");
            }
            assert_eq!(stand_in.requests(), [(row.poll_request.clone(), 2)]);
        }
    })
    .await;
}

/// What is recorded of a row's submission.
async fn submission(row: &Row) -> Value {
    let replies = vec![
        (row.submit.0.as_str(), vec![Reply::Output(row.submit.1.clone())]),
        (row.poll.0.as_str(), vec![row.answer(&row.running[0])]),
    ];
    let stand_in = StandIn::new(row.service(), replies).await;
    let world = stand_in.world();
    let (sender, receiver) = tokio::sync::oneshot::channel();
    let sender = Arc::new(Mutex::new(Some(sender)));
    let mut call = call(row.resource(".sync"), row.parameters.clone());
    call.submission = Submission::to(move |output| {
        let sender = sender.lock().unwrap().take().expect("submitted once");
        sender.send(output.value().clone()).unwrap();
        Box::pin(std::future::pending())
    });
    let running = tokio::spawn(world.integrations.run(call));
    let submitted = receiver.await.unwrap();
    running.abort();
    assert_eq!(stand_in.requests().len(), 1, "nothing more until that is recorded");
    submitted
}

#[tokio::test]
async fn every_job_that_can_be_is_stopped() {
    for_every_row(|row| async move {
        let submitted = submission(&row).await;
        let operations = row.service().operations.iter().map(|operation| &*operation.name);
        // The first attempt meets trouble.
        let replies = operations.map(|name| (name, vec![busy(), Reply::Output(json!({}))]));
        let stand_in = StandIn::new(row.service(), replies.collect()).await;
        let call: TaskCall = call(row.resource(".sync"), row.parameters.clone());
        let world = stand_in.world();
        world.integrations.cancel(call, Some(Payload::from_value(submitted))).await;
        let expected: Vec<_> = row.cancel.iter().map(|request| (request.clone(), 2)).collect();
        assert_eq!(stand_in.requests(), expected);
    })
    .await;
}

#[tokio::test]
async fn refusals_have_the_names_of_the_service() {
    for_every_row(|row| async move {
        let denied = || vec![Reply::Error(400, "AccessDeniedException".to_owned())];
        let stand_in = StandIn::new(row.service(), vec![(&row.submit.0, denied())]).await;
        let refused = run(&stand_in, &row, None).await.unwrap_err();
        let operation = row.service().operation(&row.submit.0).unwrap();
        let is_modelled = row.service().error(operation, "AccessDeniedException").is_some();
        let (prefix, name) = refused.error.split_once('.').unwrap();
        if is_modelled {
            assert_eq!(name, "AccessDeniedException");
        } else {
            assert!(name.ends_with("Exception") && name != "AccessDeniedException", "{name}");
        }
        let family = refused.cause.strip_prefix("no (Service: ").unwrap();
        let (family, rest) = family.split_once("; ").unwrap();
        assert_eq!(
            rest,
            "Status Code: 400; Error Code: AccessDeniedException; Request ID: R; Proxy: null)"
        );
        if !is_modelled {
            assert_eq!(name, format!("{family}Exception"));
        }
        // The same where it may be submitted and not be looked at.
        let submitted = submission(&row).await;
        let stand_in = StandIn::new(row.service(), vec![(&row.poll.0, denied())]).await;
        let refused = run(&stand_in, &row, Some(submitted)).await.unwrap_err();
        assert_eq!(refused.error.split_once('.').unwrap().0, prefix);
    })
    .await;
}

/// When the attempts of these tests began.
const STARTED: i64 = 1_772_359_200_000;

/// The call of a row's task in a process after the one that may have submitted its job.
fn recovered(row: &Row) -> TaskCall {
    let mut call = call(row.resource(".sync"), row.parameters.clone());
    call.dispatch.recovered = true;
    call.dispatch.started = Some(asl::Timestamp(STARTED));
    call
}

fn row(resource: &str) -> Row {
    rows().into_iter().find(|row| row.resource == resource).unwrap()
}

/// What a task gives that begins anew after a crash, and the requests it makes, by operation.
async fn check_recovered(
    row: &Row,
    replies: Vec<(&str, Vec<Reply>)>,
    expected: Result<Value, &str>,
    operations: &[&str],
) {
    let stand_in = StandIn::new(row.service(), replies).await;
    let result = stand_in.world().integrations.run(recovered(row)).await;
    let result = result.map(|output| output.value().clone()).map_err(Failure::from);
    match expected {
        Ok(output) => assert_eq!(result.unwrap(), output, "{}", row.resource),
        Err(error) => assert_eq!(result.unwrap_err().error, error, "{}", row.resource),
    }
    assert_eq!(stand_in.operations(), operations, "{}", row.resource);
}

impl StandIn {
    fn operations(&self) -> Vec<String> {
        let requests = self.web.requests();
        let operations = requests.iter().map(|request| operation_of(self.service, request));
        operations.map(|operation| operation.name.to_string()).collect()
    }
}

/// The mark that a row's request carries.
async fn mark(row: &Row, member: &str, key: &str) -> Value {
    let submit = (row.submit.0.as_str(), vec![Reply::Output(row.submit.1.clone())]);
    let end = (row.poll.0.as_str(), vec![row.answer(&row.succeeded[0])]);
    let stand_in = StandIn::new(row.service(), vec![submit, end]).await;
    run(&stand_in, row, None).await.unwrap();
    let body: Value = serde_json::from_str(&stand_in.web.requests()[0].body).unwrap();
    body[member][key].clone()
}

#[tokio::test]
async fn a_job_of_batch_is_found_by_its_mark() {
    let row = row("batch:submitJob");
    let mark = mark(&row, "parameters", "stepwell:submission").await;
    let (old, new) = (STARTED - 3_600_000, STARTED + 1_000);
    let listed = |id: &str, at: i64| json!({"JobId": id, "JobName": "n", "CreatedAt": at});
    let job = |id: &str, mark: &Value| {
        let parameters = json!({"stepwell:submission": mark, "size": "1"});
        json!({"JobId": id, "JobName": "n", "JobArn": "a", "Status": "SUCCEEDED",
            "Parameters": parameters, "JobQueue": "u", "JobDefinition": "d"})
    };
    let page = |jobs: Value, token: Value| {
        Reply::Output(json!({"JobSummaryList": jobs, "NextToken": token}))
    };
    let pages = vec![
        page(json!([listed("1", old), listed("2", new)]), json!("t")),
        page(json!([listed("3", new)]), Value::Null),
    ];
    let described = |jobs: Value| Reply::Output(json!({ "Jobs": jobs }));
    let other = described(json!([job("2", &json!("other"))]));
    let mine = described(json!([job("3", &mark)]));
    let shown = json!({"JobId": "3", "JobName": "n", "JobArn": "a", "Status": "SUCCEEDED",
        "Parameters": {"size": "1"}, "JobQueue": "u", "JobDefinition": "d"});
    let found = ["ListJobs", "DescribeJobs", "ListJobs", "DescribeJobs"];
    check_recovered(
        &row,
        vec![("ListJobs", pages.clone()), ("DescribeJobs", vec![other.clone(), mine.clone()])],
        Ok(shown),
        &[&found[..], &["DescribeJobs"]].concat(),
    )
    .await;
    // There is none.
    check_recovered(
        &row,
        vec![
            ("ListJobs", vec![page(json!([listed("1", old)]), Value::Null)]),
            ("SubmitJob", vec![Reply::Output(row.submit.1.clone())]),
            ("DescribeJobs", vec![row.answer("SUCCEEDED")]),
        ],
        Ok(row.shown("SUCCEEDED")),
        &["ListJobs", "SubmitJob", "DescribeJobs"],
    )
    .await;
    // It cannot be told: nothing is submitted.
    let denied = Reply::Error(400, "ClientException".to_owned());
    check_recovered(
        &row,
        vec![("ListJobs", vec![Reply::Reset, denied])],
        Err("Batch.ClientException"),
        &["ListJobs", "ListJobs"],
    )
    .await;
    // One that nobody waits for is stopped.
    let replies = vec![
        ("ListJobs", pages),
        ("DescribeJobs", vec![other, mine]),
        ("TerminateJob", vec![Reply::Output(json!({}))]),
    ];
    let stand_in = StandIn::new(row.service(), replies).await;
    stand_in.world().integrations.cancel(recovered(&row), None).await;
    assert_eq!(stand_in.operations(), [&found[..], &["TerminateJob"]].concat());
    assert!(stand_in.web.last().body.contains(r#""jobId":"3""#));
}

#[tokio::test]
async fn a_run_of_glue_is_found_by_its_mark() {
    let mut row = row("glue:startJobRun");
    row.parameters = json!({"JobName": "j"});
    let mark = mark(&row, "Arguments", "--stepwell-submission").await;
    let run = |id: &str, at: &str, mark: &Value| {
        json!({"Id": id, "JobRunState": "SUCCEEDED", "StartedOn": at,
            "Arguments": {"--stepwell-submission": mark}})
    };
    let page = |runs: Value| Reply::Output(json!({"JobRuns": runs, "NextToken": "t"}));
    let pages = vec![
        page(json!([run("1", "2026-03-01T10:00:01Z", &json!("other"))])),
        page(json!([run("2", "2026-03-01T10:00:00Z", &mark)])),
    ];
    let polled = Reply::Output(json!({"JobRun": run("2", "2026-03-01T10:00:00Z", &mark)}));
    check_recovered(
        &row,
        vec![("GetJobRuns", pages), ("GetJobRun", vec![polled])],
        Ok(json!({"Id": "2", "JobRunState": "SUCCEEDED", "StartedOn": STARTED})),
        &["GetJobRuns", "GetJobRuns", "GetJobRun"],
    )
    .await;
    // Pages of runs that are older than the attempt are not read.
    let old = page(json!([run("0", "2026-03-01T08:00:00Z", &json!("other"))]));
    check_recovered(
        &row,
        vec![
            ("GetJobRuns", vec![old]),
            ("StartJobRun", vec![Reply::Output(row.submit.1.clone())]),
            ("GetJobRun", vec![row.answer("FAILED")]),
        ],
        Err("States.TaskFailed"),
        &["GetJobRuns", "StartJobRun", "GetJobRun"],
    )
    .await;
}

#[tokio::test]
async fn a_name_that_is_taken_may_be_the_attempts_own() {
    let row = row("sagemaker:createTrainingJob");
    let taken = || vec![Reply::Error(400, "ResourceInUse".to_owned())];
    check_recovered(
        &row,
        vec![("CreateTrainingJob", taken()), (&row.poll.0, vec![row.answer("Completed")])],
        Ok(row.shown("Completed")),
        &["CreateTrainingJob", "DescribeTrainingJob", "DescribeTrainingJob"],
    )
    .await;
    let mut older = row.poll.1.clone();
    older["CreationTime"] = json!("2026-03-01T09:00:00Z");
    check_recovered(
        &row,
        vec![("CreateTrainingJob", taken()), (&row.poll.0, vec![Reply::Output(older)])],
        Err("SageMaker.ResourceInUseException"),
        &["CreateTrainingJob", "DescribeTrainingJob"],
    )
    .await;
    // Without a crash it is somebody else's.
    let stand_in = StandIn::new(row.service(), vec![("CreateTrainingJob", taken())]).await;
    let failure = run(&stand_in, &row, None).await.unwrap_err();
    assert_eq!(failure.error, "SageMaker.ResourceInUseException");
}

#[tokio::test]
async fn what_was_removed_before_a_crash_is_gone() {
    let row = row("eks:deleteCluster");
    let gone = || vec![Reply::Error(404, "ResourceNotFoundException".to_owned())];
    check_recovered(
        &row,
        vec![("DeleteCluster", gone()), ("DescribeCluster", gone())],
        Ok(json!({})),
        &["DeleteCluster", "DescribeCluster"],
    )
    .await;
}

/// What is stopped of a job that was perhaps submitted before a crash.
#[tokio::test]
async fn a_job_without_a_name_is_stopped_where_it_can_be_found() {
    for (resource, operations) in [
        ("athena:startQueryExecution", &["StartQueryExecution", "StopQueryExecution"][..]),
        ("sagemaker:createTrainingJob", &["DescribeTrainingJob", "StopTrainingJob"]),
        ("databrew:startJobRun", &[]),
        ("eks:createCluster", &[]),
    ] {
        let row = row(resource);
        let replies = vec![
            (row.submit.0.as_str(), vec![Reply::Output(row.submit.1.clone())]),
            (&row.poll.0, vec![row.answer(&row.running[0])]),
            (operations.last().copied().unwrap_or("none"), vec![Reply::Output(json!({}))]),
        ];
        let stand_in = StandIn::new(row.service(), replies).await;
        stand_in.world().integrations.cancel(recovered(&row), None).await;
        assert_eq!(stand_in.operations(), operations, "{resource}");
    }
}
