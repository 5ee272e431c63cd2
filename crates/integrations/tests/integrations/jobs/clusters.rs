//! Images run as Jobs of a Kubernetes cluster: a stand-in of its API that has faults.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use asl::Pattern;
use bytes::Bytes;
use http::Response;
use runtime::TaskRunner;
use serde_json::{Value, json};

use super::{World, batch, run, spawn, submit};
use crate::web::{Seen, Web};

const JOBS: &str = "/apis/batch/v1/namespaces/work/jobs";
const PODS: &str = "/api/v1/namespaces/work/pods";

#[derive(Default)]
struct State {
    /// Manifests and statuses of Jobs, by name.
    jobs: BTreeMap<String, (Value, Value)>,
    pods: Vec<Value>,
    made: u32,
    /// Answers to come before anything is done right: what a request begins with, and its status;
    /// 0 does what is asked and then ends the connection.
    faults: Vec<(&'static str, u16)>,
}

/// A cluster whose Jobs are over when a test says so.
#[derive(Clone)]
struct StandIn {
    web: Web,
    state: Arc<Mutex<State>>,
}

impl StandIn {
    async fn start() -> StandIn {
        let state: Arc<Mutex<State>> = Arc::default();
        let served = Arc::clone(&state);
        let web = Web::answering(move |request: &Seen| {
            let mut state = served.lock().unwrap();
            let line = format!("{} {}", request.method, request.target);
            let at = state.faults.iter().position(|(start, _)| line.starts_with(start));
            let fault = at.map(|at| state.faults.remove(at).1);
            let (status, body) = match fault {
                Some(status) if status > 0 => (status, json!({"message": "a fault"})),
                _ => act(&mut state, request),
            };
            let mut response = Response::builder().status(status);
            if fault == Some(0) {
                response = response.header("x-fault", "reset");
            }
            let body = body.as_str().map_or_else(|| body.to_string(), str::to_owned);
            response.body(Bytes::from(body)).unwrap()
        })
        .await;
        StandIn { web, state }
    }

    fn fail(&self, faults: &[(&'static str, u16)]) {
        self.state.lock().unwrap().faults.extend(faults);
    }

    /// Waits until a Job is there; its name and manifest.
    async fn until_made(&self) -> (String, Value) {
        let look = async {
            loop {
                if let Some((name, (manifest, _))) = self.state.lock().unwrap().jobs.iter().next() {
                    return (name.clone(), manifest.clone());
                }
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), look).await.expect("a Job is made")
    }

    fn end(&self, name: &str, kind: &str, reason: &str, exit_code: i64, index: Option<u64>) {
        let mut state = self.state.lock().unwrap();
        let mut pod = json!({
            "metadata": {"name": format!("{name}-{}", state.pods.len()),
                "creationTimestamp": format!("2026-01-01T00:00:{:02}Z", state.pods.len())},
            "status": {"containerStatuses": [{"name": "main", "state": {"terminated": {
                "exitCode": exit_code, "reason": if exit_code == 137 { "OOMKilled" } else { "Error" },
                "startedAt": "2026-01-01T00:00:01Z", "finishedAt": "2026-01-01T00:00:03Z"}}}]}
        });
        if let Some(index) = index {
            pod["metadata"]["annotations"] =
                json!({"batch.kubernetes.io/job-completion-index": index.to_string()});
        }
        state.pods.push(pod);
        if !kind.is_empty() {
            let (_, status) = state.jobs.get_mut(name).unwrap();
            status["conditions"] = json!([
                {"type": "FailureTarget", "status": "True"},
                {"type": kind, "status": "True", "reason": reason, "message": "it says why"}]);
        }
    }

    fn lines(&self) -> Vec<String> {
        let requests = self.web.requests();
        requests.iter().map(|request| format!("{} {}", request.method, request.target)).collect()
    }
}

fn act(state: &mut State, request: &Seen) -> (u16, Value) {
    let path = request.target.split('?').next().unwrap();
    let name = path.strip_prefix(JOBS).map(|name| name.trim_start_matches('/').to_owned());
    let shown = |name: &str, (_, status): &(Value, Value)| json!({"kind": "Job", "metadata": {"name": name, "uid": format!("uid-{name}")}, "status": status});
    match (request.method.as_str(), name) {
        ("POST", Some(_)) => {
            let manifest: Value = serde_json::from_str(&request.body).unwrap();
            let name = manifest["metadata"]["name"].as_str().unwrap().to_owned();
            if state.jobs.contains_key(&name) {
                return (409, json!({"reason": "AlreadyExists", "message": "it is there"}));
            }
            state.made += 1;
            let job = (manifest, json!({"active": 1}));
            let answer = shown(&name, &job);
            state.jobs.insert(name, job);
            (201, answer)
        }
        ("GET", Some(name)) => match state.jobs.get(&name) {
            Some(job) => (200, shown(&name, job)),
            None => (404, json!({"message": "no such Job"})),
        },
        ("DELETE", Some(name)) => match state.jobs.remove(&name) {
            Some(_) => (200, json!({})),
            None => (404, json!({"message": "no such Job"})),
        },
        ("GET", None) if path == PODS => (200, json!({"items": state.pods, "metadata": {}})),
        ("GET", None) if path.ends_with("/log") => (200, format!("log of {path}\n").into()),
        _ => (404, json!({"message": "nothing"})),
    }
}

/// A server whose images are run by a stand-in.
async fn stand_in(definition: Value) -> (World, StandIn) {
    let mut world = World::new(batch(definition));
    let cluster = StandIn::start().await;
    world.config.kubernetes.proxy = Some(cluster.web.url("/"));
    world.config.kubernetes.namespace = Some("work".to_owned());
    (world, cluster)
}

fn image(more: Value) -> Value {
    let mut definition = json!({"image": "image", "runner": "kubernetes"});
    definition.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    definition
}

#[tokio::test]
async fn an_image_is_run_as_a_job() {
    let (world, cluster) = stand_in(image(json!({
        "command": ["work"],
        "environment": {"A": "a"},
        "timeout_seconds": 90,
        "memory_megabytes": 256,
        "vcpus": 0.25,
        "pod_options": {"serviceAccountName": "worker", "containers": [
            {"imagePullPolicy": "Always"}, {"name": "side", "image": "proxy"}]}
    })))
    .await;
    let server = world.server();
    let waiting = spawn(&server, submit(Pattern::Sync, json!({})));
    let (name, manifest) = cluster.until_made().await;
    let spec = &manifest["spec"];
    assert_eq!(spec["activeDeadlineSeconds"], 90);
    assert_eq!(spec["backoffLimit"], 0);
    let pod = &spec["template"]["spec"];
    assert_eq!(
        (&pod["restartPolicy"], &pod["serviceAccountName"]),
        (&json!("Never"), &json!("worker"))
    );
    let main = &pod["containers"][0];
    assert_eq!(main["args"], json!(["work"]));
    assert_eq!(main["imagePullPolicy"], "Always");
    assert_eq!(main["resources"]["limits"], json!({"memory": "256Mi", "cpu": "250m"}));
    assert!(main["env"].as_array().unwrap().contains(&json!({"name": "A", "value": "a"})));
    assert_eq!(pod["containers"][1]["name"], "side");
    cluster.end(&name, "Failed", "BackoffLimitExceeded", 137, None);
    let failure = waiting.await.unwrap().unwrap_err();
    assert_eq!(failure.error.as_deref(), Some("States.TaskFailed"));
    let shown: Value = serde_json::from_str(&failure.cause.unwrap()).unwrap();
    assert_eq!(shown["Container"]["ExitCode"], 137);
    let reason = "OutOfMemoryError: Container killed due to memory usage";
    assert_eq!(shown["Container"]["Reason"], reason);
    assert_eq!(shown["StatusReason"], "Essential container in task exited");
    assert_eq!(shown["StoppedAt"], 1_767_225_603_000_i64);
    let log = format!("jobs/{}/attempt-1.log", shown["JobId"].as_str().unwrap());
    assert_eq!(world.read(&log).unwrap(), format!("log of {PODS}/{name}-0/log\n"));
    let removed = format!("DELETE {JOBS}/{name}?propagationPolicy=Background");
    assert!(cluster.lines().contains(&removed), "{:?}", cluster.lines());
}

#[tokio::test]
async fn a_job_that_takes_too_long_is_not_tried_again() {
    let (world, cluster) = stand_in(image(json!({"timeout_seconds": 60, "attempts": 3}))).await;
    let server = world.server();
    let waiting = spawn(&server, submit(Pattern::Sync, json!({})));
    let (name, _) = cluster.until_made().await;
    cluster.end(&name, "Failed", "DeadlineExceeded", 143, None);
    let failure = waiting.await.unwrap().unwrap_err();
    let shown: Value = serde_json::from_str(&failure.cause.unwrap()).unwrap();
    assert_eq!(shown["StatusReason"], "Job attempt duration exceeded timeout");
    assert_eq!(shown["Attempts"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn attempts_are_jobs_of_their_own() {
    let (world, cluster) = stand_in(image(json!({"attempts": 2}))).await;
    let server = world.server();
    let waiting = spawn(&server, submit(Pattern::Sync, json!({})));
    let (first, _) = cluster.until_made().await;
    cluster.end(&first, "Failed", "BackoffLimitExceeded", 1, None);
    let second = async {
        loop {
            match cluster.until_made().await {
                (name, _) if name != first => return name,
                _ => tokio::time::sleep(Duration::from_millis(2)).await,
            }
        }
    };
    let second = tokio::time::timeout(Duration::from_secs(20), second).await.unwrap();
    cluster.end(&second, "Complete", "", 0, None);
    let shown = waiting.await.unwrap().unwrap();
    assert_eq!(shown.value()["Attempts"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn an_array_is_one_indexed_job() {
    let rules = json!([{"action": "EXIT", "on_exit_code": "25*"}]);
    let (world, cluster) =
        stand_in(image(json!({"attempts": 3, "timeout_seconds": 60, "evaluate_on_exit": rules})))
            .await;
    let server = world.server();
    let array = submit(Pattern::Sync, json!({"ArrayProperties": {"Size": 3}}));
    let waiting = spawn(&server, array);
    let (name, manifest) = cluster.until_made().await;
    let spec = &manifest["spec"];
    assert_eq!((&spec["completionMode"], &spec["completions"]), (&json!("Indexed"), &json!(3)));
    // The queue's limit.
    assert_eq!((&spec["parallelism"], &spec["backoffLimitPerIndex"]), (&json!(2), &json!(2)));
    assert_eq!(spec.get("backoffLimit"), None);
    assert_eq!(spec["template"]["spec"]["activeDeadlineSeconds"], 60);
    let codes = &spec["podFailurePolicy"]["rules"][0]["onExitCodes"]["values"];
    assert_eq!(codes, &json!([25, 250, 251, 252, 253, 254, 255]));
    let variables = spec["template"]["spec"]["containers"][0]["env"].as_array().unwrap();
    let index = variables.iter().find(|one| one["name"] == "AWS_BATCH_JOB_ARRAY_INDEX").unwrap();
    assert_eq!(
        index["valueFrom"]["fieldRef"]["fieldPath"],
        "metadata.annotations['batch.kubernetes.io/job-completion-index']"
    );
    for index in [0, 1, 1, 2] {
        cluster.end(&name, "", "", 0, Some(index));
    }
    cluster.state.lock().unwrap().jobs.get_mut(&name).unwrap().1["succeeded"] = 2.into();
    cluster.end(&name, "Failed", "FailedIndexes", 1, Some(1));
    let failure = waiting.await.unwrap().unwrap_err();
    let shown: Value = serde_json::from_str(&failure.cause.unwrap()).unwrap();
    let summary = json!({"Size": 3, "StatusSummary": {"FAILED": 1, "SUCCEEDED": 2}});
    assert_eq!(shown["ArrayProperties"], summary);
    let id = shown["JobId"].as_str().unwrap();
    for log in ["child-0-attempt-1", "child-1-attempt-3", "child-2-attempt-1"] {
        assert!(world.read(&format!("jobs/{id}/{log}.log")).is_some(), "{log}");
    }
}

#[tokio::test]
async fn whatever_the_cluster_does_a_job_is_made_once() {
    for faults in [
        vec![("POST", 0)],
        vec![("POST", 500), ("POST", 0), ("GET", 500)],
        vec![("POST", 503), ("POST", 429)],
        vec![("GET", 0), ("GET", 500), ("GET", 401)],
    ] {
        let (world, cluster) = stand_in(image(json!({}))).await;
        cluster.fail(&faults);
        let server = world.server();
        let waiting = spawn(&server, submit(Pattern::Sync, json!({})));
        let (name, _) = cluster.until_made().await;
        cluster.fail(&[("GET", 500), ("DELETE", 409)]);
        cluster.end(&name, "Complete", "", 0, None);
        let shown = waiting.await.unwrap().unwrap();
        assert_eq!(shown.value()["Status"], "SUCCEEDED", "{faults:?}");
        assert_eq!(cluster.state.lock().unwrap().made, 1, "{faults:?}");
    }
}

#[tokio::test]
async fn the_next_server_finds_a_job_that_runs() {
    let (world, cluster) = stand_in(image(json!({}))).await;
    let first = world.server();
    let waiting = spawn(&first, submit(Pattern::Sync, json!({})));
    let (name, _) = cluster.until_made().await;
    waiting.abort();
    drop(first);
    let second = world.server();
    let mut again = submit(Pattern::Sync, json!({}));
    again.dispatch.recovered = true;
    let waiting = spawn(&second, again);
    cluster.end(&name, "Failed", "BackoffLimitExceeded", 3, None);
    let failure = waiting.await.unwrap().unwrap_err();
    let shown: Value = serde_json::from_str(&failure.cause.unwrap()).unwrap();
    assert_eq!(shown["Container"]["ExitCode"], 3);
    assert_eq!(cluster.state.lock().unwrap().made, 1, "it was made once");
}

#[tokio::test]
async fn a_cancelled_job_is_deleted_with_its_pods() {
    let (world, cluster) = stand_in(image(json!({"attempts": 3}))).await;
    let server = world.server();
    let waiting = spawn(&server, submit(Pattern::Sync, json!({})));
    let (name, _) = cluster.until_made().await;
    server.cancel(submit(Pattern::Sync, json!({})), None).await;
    let failure = waiting.await.unwrap().unwrap_err();
    let shown: Value = serde_json::from_str(&failure.cause.unwrap()).unwrap();
    assert_eq!(shown["StatusReason"], "Stopped by Step Functions");
    let removed = format!("DELETE {JOBS}/{name}?propagationPolicy=Foreground");
    assert!(cluster.lines().contains(&removed), "{:?}", cluster.lines());
    assert_eq!(cluster.state.lock().unwrap().made, 1, "it is not tried again");
}

#[tokio::test]
async fn what_the_cluster_refuses_is_told() {
    let (world, cluster) = stand_in(image(json!({}))).await;
    cluster.fail(&[("POST", 403)]);
    let failure = run(&world.server(), submit(Pattern::Sync, json!({}))).await.unwrap_err();
    let shown: Value = serde_json::from_str(&failure.cause.unwrap()).unwrap();
    assert_eq!(shown["StatusReason"], "CannotStartContainerError: the Job cannot be made: a fault");

    let (world, cluster) = stand_in(image(json!({}))).await;
    let server = world.server();
    let waiting = spawn(&server, submit(Pattern::Sync, json!({})));
    cluster.until_made().await;
    let waits = json!({"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}});
    let pod = json!({"metadata": {"name": "p"}, "status": {"containerStatuses": [{"name": "main", "state": waits}]}});
    cluster.state.lock().unwrap().pods.push(pod);
    let failure = waiting.await.unwrap().unwrap_err();
    let shown: Value = serde_json::from_str(&failure.cause.unwrap()).unwrap();
    assert_eq!(shown["StatusReason"], "CannotStartContainerError: ImagePullBackOff: no such image");
    assert!(cluster.state.lock().unwrap().jobs.is_empty(), "it is removed");
}

/// A kubeconfig, with the user as given; the answer has what the cluster was told.
async fn authorization(user: &str) -> Result<Option<String>, String> {
    let (mut world, cluster) = stand_in(image(json!({}))).await;
    let file = world.folder.path().join("kubeconfig");
    let text = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: here\n\
         clusters:\n- name: c\n  cluster:\n    server: {}\n\
         contexts:\n- name: here\n  context: {{cluster: c, user: u, namespace: work}}\n\
         users:\n- name: u\n  user:\n{user}\n",
        cluster.web.url("")
    );
    std::fs::write(&file, text).unwrap();
    std::fs::write(world.folder.path().join("token"), "from-a-file\n").unwrap();
    let config = &mut world.config.kubernetes;
    (config.proxy, config.namespace, config.kubeconfig) = (None, None, Some(file));
    cluster.fail(&[("POST", 403)]);
    let failure = run(&world.server(), submit(Pattern::Sync, json!({}))).await.unwrap_err();
    let shown: Value = serde_json::from_str(&failure.cause.unwrap()).unwrap();
    let reason = shown["StatusReason"].as_str().unwrap();
    match reason.ends_with("a fault") {
        true => Ok(cluster.web.last().header("authorization").map(str::to_owned)),
        false => Err(reason.to_owned()),
    }
}

#[tokio::test]
async fn a_kubeconfig_says_who_we_are() {
    let check = |user: &'static str, expected: &'static str| async move {
        assert_eq!(authorization(user).await.unwrap().as_deref(), Some(expected), "{user}");
    };
    check("    token: abc", "Bearer abc").await;
    check("    tokenFile: token", "Bearer from-a-file").await;
    check(
        "    exec:\n      apiVersion: client.authentication.k8s.io/v1\n      command: /bin/sh\n      \
         args: [-c, 'echo \"{\\\"status\\\": {\\\"token\\\": \\\"$T\\\"}}\"']\n      env: [{name: T, value: made}]",
        "Bearer made",
    )
    .await;
    assert_eq!(authorization("    {}").await.unwrap(), None);
}
