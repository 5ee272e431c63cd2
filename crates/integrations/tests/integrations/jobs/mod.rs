//! Batch jobs and containers as processes of this machine: what they see, how they end, and that
//! the next server finds them instead of starting them twice.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use asl::{Pattern, Payload, Resource};
use engine::TaskFailure;
use integrations::{Integrations, IntegrationsConfig, JobsConfig, PollIntervals};
use runtime::{Submission, TaskCall, TaskRunner};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::world;

mod clusters;
mod containers;
mod listing;

struct World {
    folder: TempDir,
    config: JobsConfig,
}

impl World {
    /// Programs are shell scripts.
    fn new(config: Value) -> World {
        let mut config: JobsConfig = serde_json::from_value(config).unwrap();
        let folder = TempDir::new().unwrap();
        config.resolve_paths(folder.path());
        assert_eq!(config.check(), Vec::<String>::new());
        World { folder, config }
    }

    /// A server over the same folder.
    fn server(&self) -> Arc<Integrations> {
        let mut config = IntegrationsConfig::from_process_environment(Default::default());
        config.jobs = self.config.clone();
        config.job_directory = Some(self.folder.path().join("jobs"));
        config.poll_intervals =
            PollIntervals { first: Duration::from_millis(1), longest: Duration::from_millis(20) };
        let server = Integrations::new(config);
        server.resume_jobs();
        server
    }

    fn read(&self, name: &str) -> Option<String> {
        std::fs::read_to_string(self.folder.path().join(name)).ok()
    }

    /// Waits until a program has written this file.
    async fn appears(&self, name: &str) -> String {
        let look = async {
            loop {
                match self.read(name) {
                    Some(text) if text.ends_with('\n') => return text,
                    _ => tokio::time::sleep(Duration::from_millis(10)).await,
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(20), look).await.expect("a program writes a file")
    }
}

fn script(text: &str) -> Value {
    json!(["/bin/sh", "-c", text])
}

fn call(service: &str, action: &str, pattern: Pattern, parameters: Value) -> TaskCall {
    let suffix = if pattern == Pattern::Sync { ".sync" } else { "" };
    let resource = Resource::Service {
        arn: format!("arn:aws:states:::{service}:{action}{suffix}").into(),
        service: service.into(),
        action: action.into(),
        pattern,
    };
    world::call(resource, parameters)
}

fn submit(pattern: Pattern, more: Value) -> TaskCall {
    let mut parameters = json!({"JobName": "one", "JobQueue": "queue", "JobDefinition": "work"});
    parameters.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    call("batch", "submitJob", pattern, parameters)
}

async fn run(server: &Arc<Integrations>, call: TaskCall) -> Result<Value, TaskFailure> {
    let ended = tokio::time::timeout(Duration::from_secs(30), server.run(call)).await;
    ended.expect("a job ends").map(|payload| payload.value().clone())
}

fn batch(definition: Value) -> Value {
    json!({"job_definitions": {"work": definition}, "job_queues": {"queue": {"limit": 2}}})
}

#[tokio::test]
async fn a_job_sees_what_it_was_given() {
    let world = World::new(batch(json!({
        "command": ["/bin/sh", "-c", "echo $0 $A $B $AWS_BATCH_JOB_ATTEMPT $MANAGED_BY_AWS > seen", "Ref::size"],
        "environment": {"A": "a", "B": "b"},
        "parameters": {"size": "small"}
    })));
    let server = world.server();
    let more = json!({
        "Parameters": {"size": "large"},
        "ContainerOverrides": {"Environment": [{"Name": "B", "Value": "B"}]}
    });
    let shown = run(&server, submit(Pattern::Sync, more)).await.unwrap();
    assert_eq!(world.read("seen").unwrap(), "large a B 1 STARTED_BY_STEP_FUNCTIONS\n");
    assert_eq!(shown["Status"], "SUCCEEDED");
    assert_eq!(shown["JobQueue"], "arn:aws:batch:us-east-1:111111111111:job-queue/queue");
    assert_eq!(shown["Attempts"].as_array().unwrap().len(), 1);
    assert_eq!(shown["Container"]["ExitCode"], 0);
    assert!(shown["StoppedAt"].as_i64().unwrap() >= shown["StartedAt"].as_i64().unwrap());
}

#[tokio::test]
async fn a_submission_is_answered_before_the_job_is_over() {
    let world = World::new(batch(
        json!({"command": script("while ! test -e go; do sleep 0.01; done; echo > done")}),
    ));
    let server = world.server();
    let answer = run(&server, submit(Pattern::RequestResponse, json!({}))).await.unwrap();
    let keys: Vec<&String> = answer.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["JobArn", "JobId", "JobName", "SdkHttpMetadata", "SdkResponseMetadata"]);
    assert!(world.read("done").is_none());
    std::fs::write(world.folder.path().join("go"), "").unwrap();
    world.appears("done").await;
}

#[tokio::test]
async fn attempts_are_made_until_one_succeeds() {
    let text = "echo x >> tries; test $(wc -l < tries) -ge 3";
    let world = World::new(batch(json!({"command": script(text), "attempts": 5})));
    let shown = run(&world.server(), submit(Pattern::Sync, json!({}))).await.unwrap();
    let codes: Vec<&Value> = shown["Attempts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|attempt| &attempt["Container"]["ExitCode"])
        .collect();
    assert_eq!(codes, [1, 1, 0]);
}

#[tokio::test]
async fn a_job_that_fails_fails_its_task() {
    let world = World::new(batch(json!({"command": script("echo out; echo err >&2; exit 7")})));
    let failure = run(&world.server(), submit(Pattern::Sync, json!({}))).await.unwrap_err();
    assert_eq!(failure.error.as_deref(), Some("States.TaskFailed"));
    let shown: Value = serde_json::from_str(&failure.cause.unwrap()).unwrap();
    assert_eq!((&shown["Status"], &shown["Container"]["ExitCode"]), (&json!("FAILED"), &json!(7)));
    let log = format!("jobs/{}/attempt-1.log", shown["JobId"].as_str().unwrap());
    assert_eq!(world.read(&log).unwrap(), "out\nerr\n");
}

#[tokio::test]
async fn arrays_and_dependencies() {
    let text = "echo $AWS_BATCH_JOB_ARRAY_INDEX >> indexes; echo x >> order; test \"$AWS_BATCH_JOB_ARRAY_INDEX\" != 2";
    let world = World::new(batch(json!({"command": script(text)})));
    let server = world.server();
    let array = submit(Pattern::Sync, json!({"ArrayProperties": {"Size": 4}}));
    let failure = run(&server, array).await.unwrap_err();
    let shown: Value = serde_json::from_str(&failure.cause.unwrap()).unwrap();
    let expected = json!({"Size": 4, "StatusSummary": {"FAILED": 1, "SUCCEEDED": 3}});
    assert_eq!(shown["ArrayProperties"], expected);
    let mut indexes: Vec<String> =
        world.read("indexes").unwrap().lines().map(str::to_owned).collect();
    indexes.sort();
    assert_eq!(indexes, ["0", "1", "2", "3"]);
    let mut next = submit(Pattern::Sync, json!({"DependsOn": [{"JobId": shown["JobId"]}]}));
    next.dispatch.task = engine::TaskId(9);
    let failure = run(&server, next).await.unwrap_err();
    let shown: Value = serde_json::from_str(&failure.cause.unwrap()).unwrap();
    assert_eq!(shown["StatusReason"], "Dependent Job failed");
    assert_eq!(world.read("indexes").unwrap().lines().count(), 4, "it never ran");
}

#[tokio::test]
async fn what_is_wrong_is_told_as_aws_tells_it() {
    let world = World::new(batch(json!({"command": ["true"]})));
    let server = world.server();
    for (more, expected) in [
        (json!({"JobQueue": "other"}), "JobQueue other not found."),
        (json!({"ArrayProperties": {"Size": 1}}), "Array size must be between 2 and 10000."),
        (json!({"RetryStrategy": {"Attempts": 11}}), "Retry attempts must be between 1 and 10."),
    ] {
        let failure = run(&server, submit(Pattern::Sync, more)).await.unwrap_err();
        assert_eq!(failure.error.as_deref(), Some("Batch.ClientException"));
        let cause = failure.cause.unwrap();
        assert!(cause.starts_with(&format!("{expected} (Service: AWSBatch; ")), "{cause}");
    }
}

/// Runs a call whose submission is noted.
fn spawn(
    server: &Arc<Integrations>,
    mut call: TaskCall,
) -> tokio::task::JoinHandle<Result<Payload, TaskFailure>> {
    call.submission = Submission::to(|_| Box::pin(std::future::ready(())));
    let server = Arc::clone(server);
    tokio::spawn(async move {
        let ended = tokio::time::timeout(Duration::from_secs(30), server.run(call)).await;
        ended.expect("a job ends")
    })
}

#[tokio::test]
async fn the_next_server_finds_a_job_that_runs() {
    let text = "echo x >> starts; echo > started; while ! test -e go; do sleep 0.01; done; exit 3";
    let world = World::new(batch(json!({"command": script(text)})));
    let first = world.server();
    let waiting = spawn(&first, submit(Pattern::Sync, json!({})));
    world.appears("started").await;
    waiting.abort();
    drop(first);
    let second = world.server();
    let mut again = submit(Pattern::Sync, json!({}));
    again.dispatch.recovered = true;
    let waiting = spawn(&second, again);
    std::fs::write(world.folder.path().join("go"), "").unwrap();
    let failure = waiting.await.unwrap().unwrap_err();
    let shown: Value = serde_json::from_str(&failure.cause.unwrap()).unwrap();
    assert_eq!(shown["Container"]["ExitCode"], 3);
    assert_eq!(world.read("starts").unwrap(), "x\n", "it was started once");
}

#[tokio::test]
async fn a_cancelled_job_is_stopped() {
    let text =
        "trap 'echo > stopped; exit 1' TERM; echo > started; while true; do sleep 0.01; done";
    let world = World::new(batch(json!({"command": script(text), "attempts": 3})));
    let server = world.server();
    let waiting = spawn(&server, submit(Pattern::Sync, json!({})));
    world.appears("started").await;
    server.cancel(submit(Pattern::Sync, json!({})), None).await;
    world.appears("stopped").await;
    let failure = waiting.await.unwrap().unwrap_err();
    let shown: Value = serde_json::from_str(&failure.cause.unwrap()).unwrap();
    assert_eq!(shown["StatusReason"], "Stopped by Step Functions");
    assert_eq!(shown["Attempts"].as_array().unwrap().len(), 1, "it is not tried again");
}

#[tokio::test]
async fn a_task_ends_with_its_essential_container() {
    let world = World::new(json!({"task_definitions": {"work": {"containers": {
        "main": {"command": script("while ! test -e side; do sleep 0.01; done; echo $X > seen")},
        "side": {"command": script("echo > side; while true; do sleep 0.01; done"), "essential": false}
    }}}}));
    let server = world.server();
    let parameters = json!({
        "TaskDefinition": "arn:aws:ecs:us-east-1:111111111111:task-definition/work:7",
        "Cluster": "arn:aws:ecs:us-east-1:111111111111:cluster/c",
        "LaunchType": "FARGATE",
        "Overrides": {"ContainerOverrides": [{"Name": "main", "Environment": [{"Name": "X", "Value": "y"}]}]}
    });
    let shown = run(&server, call("ecs", "runTask", Pattern::Sync, parameters)).await.unwrap();
    assert_eq!(world.read("seen").unwrap(), "y\n");
    assert_eq!(shown["LastStatus"], "STOPPED");
    assert_eq!(shown["StopCode"], "EssentialContainerExited");
    assert_eq!(shown["ClusterArn"], "arn:aws:ecs:us-east-1:111111111111:cluster/c");
    assert_eq!(shown["Containers"][0]["ExitCode"], 0);
    assert_ne!(shown["Containers"][1]["ExitCode"], 0);
    assert!(Path::new(&world.folder.path().join("jobs")).is_dir());
}

#[tokio::test]
async fn a_task_is_answered_as_run_task_does() {
    let world = World::new(json!({"task_definitions": {"work": {"containers": {
        "main": {"command": ["true"]}
    }}}}));
    let server = world.server();
    let parameters = json!({"TaskDefinition": "work"});
    let started = call("ecs", "runTask", Pattern::RequestResponse, parameters);
    let answer = run(&server, started).await.unwrap();
    let keys: Vec<&String> = answer.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["Failures", "SdkHttpMetadata", "SdkResponseMetadata", "Tasks"]);
    assert_eq!(answer["Tasks"][0]["StartedBy"], "AWS Step Functions");
    let parameters =
        json!({"TaskDefinition": "work", "Overrides": {"ContainerOverrides": [{"Name": "no"}]}});
    let failure = run(&server, call("ecs", "runTask", Pattern::Sync, parameters)).await;
    // The same attempt asks for the same task, whatever it says.
    assert!(failure.is_ok(), "{failure:?}");
}

/// The cause of a job that failed, and the status reason in it.
fn failed(failure: TaskFailure) -> Value {
    assert_eq!(failure.error.as_deref(), Some("States.TaskFailed"));
    serde_json::from_str(&failure.cause.unwrap()).unwrap()
}

#[tokio::test]
async fn a_job_that_takes_too_long_is_ended_and_not_tried_again() {
    let text = "trap 'exit 9' TERM; echo > started; while true; do sleep 0.01; done";
    let world =
        World::new(batch(json!({"command": script(text), "attempts": 3, "timeout_seconds": 60})));
    // It was started long ago, as far as anybody can see.
    // What the first server has under way ends with it, as with a process.
    let process = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let first = world.server();
    process.spawn(async move { spawn(&first, submit(Pattern::Sync, json!({}))).await });
    world.appears("started").await;
    let jobs = world.folder.path().join("jobs");
    let job = std::fs::read_dir(&jobs).unwrap().map(|entry| entry.unwrap().path());
    let job = job.into_iter().find(|path| path.is_dir()).unwrap();
    // The program may be there before its shell's number is.
    world.appears(job.join("attempt-1.pid").to_str().unwrap()).await;
    process.shutdown_background();
    let claim = std::fs::File::open(job.join("attempt-1.claim")).unwrap();
    let hour = Duration::from_secs(3600);
    claim.set_modified(std::time::SystemTime::now() - hour).unwrap();
    let second = world.server();
    let failure = run(&second, submit(Pattern::Sync, json!({}))).await.unwrap_err();
    let shown = failed(failure);
    assert_eq!(shown["StatusReason"], "Job attempt duration exceeded timeout");
    assert_eq!(shown["Timeout"], json!({"AttemptDurationSeconds": 60}));
    assert_eq!(shown["Container"]["ExitCode"], 9);
    assert_eq!(shown["Attempts"].as_array().unwrap().len(), 1);
    let short = json!({"Timeout": {"AttemptDurationSeconds": 59}});
    let mut short = submit(Pattern::Sync, short);
    short.dispatch.task = engine::TaskId(9);
    let failure = run(&second, short).await.unwrap_err();
    assert_eq!(failure.error.as_deref(), Some("Batch.ClientException"));
}

#[tokio::test]
async fn rules_say_what_is_tried_again() {
    let text = "echo x >> tries; test $(wc -l < tries) = 1 && exit 3; exit 42";
    let world = World::new(batch(json!({"command": script(text), "attempts": 9,
        "evaluate_on_exit": [{"action": "EXIT", "on_reason": "*"}]})));
    let rules = json!([{"Action": "retry", "OnExitCode": "3"},
        {"Action": "EXIT", "OnExitCode": "4*", "OnStatusReason": "Essential container*"}]);
    let server = world.server();
    let more = json!({"RetryStrategy": {"Attempts": 5, "EvaluateOnExit": rules}});
    let shown = failed(run(&server, submit(Pattern::Sync, more)).await.unwrap_err());
    assert_eq!(world.read("tries").unwrap().lines().count(), 2);
    assert_eq!(shown["RetryStrategy"], json!({"Attempts": 5, "EvaluateOnExit": rules}));
    // Those of the definition count where the job has none.
    let mut other = submit(Pattern::Sync, json!({}));
    other.dispatch.task = engine::TaskId(9);
    let shown = failed(run(&server, other).await.unwrap_err());
    assert_eq!(shown["Attempts"].as_array().unwrap().len(), 1);
    let wrong = json!({"RetryStrategy": {"EvaluateOnExit": [{"Action": "STOP", "OnReason": "*"}]}});
    let mut wrong = submit(Pattern::Sync, wrong);
    wrong.dispatch.task = engine::TaskId(10);
    let failure = run(&server, wrong).await.unwrap_err();
    assert_eq!(failure.error.as_deref(), Some("Batch.ClientException"));
}

#[tokio::test]
async fn a_queue_runs_no_more_than_it_may_and_the_highest_goes_first() {
    let text = "echo $NAME >> order; echo; while ! test -e go; do sleep 0.01; done";
    let mut config = batch(json!({"command": script(text)}));
    config["job_queues"] = json!({"one": {"limit": 1, "priority": 1}});
    let world = World::new(config);
    let server = world.server();
    let job = |task: u32, name: &str| {
        let variables = json!([{"Name": "NAME", "Value": name}]);
        let more = json!({"JobQueue": "one", "ContainerOverrides": {"Environment": variables}});
        let mut call = submit(Pattern::Sync, more);
        call.dispatch.task = engine::TaskId(task);
        call
    };
    let first = spawn(&server, job(1, "first"));
    world.appears("order").await;
    let second = spawn(&server, job(2, "second"));
    let waits = async {
        while server.local_jobs().list(None, None, None, 9).await.unwrap().len() < 2 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), waits).await.unwrap();
    let jobs = server.local_jobs().list(None, Some("RUNNABLE"), None, 9).await.unwrap();
    assert_eq!(jobs.len(), 1, "the queue is full");
    // One that waits for its turn is stopped without having run.
    server.cancel(job(2, ""), None).await;
    let shown = failed(second.await.unwrap().unwrap_err());
    assert_eq!(shown["StatusReason"], "Stopped by Step Functions");
    assert_eq!(shown["Attempts"], json!([]));
    std::fs::write(world.folder.path().join("go"), "").unwrap();
    first.await.unwrap().unwrap();
    assert_eq!(world.read("order").unwrap(), "first\n");
}

#[tokio::test]
async fn a_job_waits_for_those_it_depends_on() {
    let text = "while ! test -e go; do sleep 0.01; done; echo $NAME >> order";
    let world = World::new(batch(json!({"command": script(text)})));
    let server = world.server();
    let named = |task: u32, name: &str, more: Value| {
        let variables = json!([{"Name": "NAME", "Value": name}]);
        let mut parameters = json!({"ContainerOverrides": {"Environment": variables}});
        parameters.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let pattern = if task == 1 { Pattern::RequestResponse } else { Pattern::Sync };
        let mut call = submit(pattern, parameters);
        call.dispatch.task = engine::TaskId(task);
        call
    };
    let first = run(&server, named(1, "first", json!({}))).await.unwrap();
    let depends = json!({"DependsOn": [{"JobId": first["JobId"]}]});
    let second = spawn(&server, named(2, "second", depends.clone()));
    std::fs::write(world.folder.path().join("go"), "").unwrap();
    let shown = second.await.unwrap().unwrap();
    assert_eq!(world.read("order").unwrap(), "first\nsecond\n");
    assert_eq!(shown.value()["DependsOn"], depends["DependsOn"]);
}

#[tokio::test]
async fn the_memory_of_a_process_is_limited() {
    let world = World::new(batch(json!({"command": script("ulimit -d > limit")})));
    let requirements = json!([{"Type": "MEMORY", "Value": "64"}]);
    let more = json!({"ContainerOverrides": {"ResourceRequirements": requirements}});
    run(&world.server(), submit(Pattern::Sync, more)).await.unwrap();
    assert_eq!(world.read("limit").unwrap(), "65536\n");
}

#[tokio::test]
async fn several_tasks_are_run_and_waited_for() {
    let text = "mkdir $TASK || TASK=other; echo $TASK >> seen; test $TASK != other || exit $CODE";
    let world = World::new(json!({"task_definitions": {"work": {"containers": {
        "main": {"command": script(text), "environment": {"TASK": "first", "CODE": "0"}}
    }}}}));
    let server = world.server();
    let parameters = json!({"TaskDefinition": "work", "Count": 3});
    let started =
        run(&server, call("ecs", "runTask", Pattern::RequestResponse, parameters.clone()));
    let started = started.await.unwrap();
    let arns: std::collections::BTreeSet<&str> = started["Tasks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|task| task["TaskArn"].as_str().unwrap())
        .collect();
    assert_eq!(arns.len(), 3);
    let shown = run(&server, call("ecs", "runTask", Pattern::Sync, parameters)).await.unwrap();
    assert_eq!(shown["TaskArn"], started["Tasks"][0]["TaskArn"]);
    assert_eq!(world.read("seen").unwrap().lines().count(), 3);
    // One that fails fails the task of the state.
    let overrides = json!({"ContainerOverrides": [{"Name": "main",
        "Environment": [{"Name": "CODE", "Value": "5"}], "Memory": 64, "Cpu": 512}]});
    let parameters = json!({"TaskDefinition": "work", "Count": 2, "Overrides": overrides});
    let mut again = call("ecs", "runTask", Pattern::Sync, parameters);
    again.dispatch.task = engine::TaskId(9);
    let shown = failed(run(&server, again).await.unwrap_err());
    assert_eq!(shown["Containers"][0]["ExitCode"], 5);
    assert_eq!(shown["Containers"][0]["Cpu"], "512");
    assert_eq!(shown["Containers"][0]["Memory"], "64");
    for count in [0, 11] {
        let parameters = json!({"TaskDefinition": "work", "Count": count});
        let mut wrong = call("ecs", "runTask", Pattern::Sync, parameters);
        wrong.dispatch.task = engine::TaskId(10);
        let failure = run(&server, wrong).await.unwrap_err();
        assert_eq!(failure.error.as_deref(), Some("ECS.InvalidParameterException"));
    }
}
