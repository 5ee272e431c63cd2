//! Programs as Jobs of a Kubernetes cluster. A Job has a name that follows from its run, so that it
//! is found again by whoever asks next, and cannot be made twice.

use std::convert::Infallible;
use std::io;
use std::time::Duration;

use http::{Method, StatusCode};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};

use super::cluster::{Cluster, Refused};
use super::run::{
    Attempt, Container, Ended, GRACE, KILLED, LOOK, LogWriter, OUT_OF_MEMORY, Run, Runners, merge,
};
use crate::clock::now_milliseconds;
use crate::optimized::PollIntervals;

/// How long a cluster that does not answer is asked before a Job is given up that was not made
/// yet; one that was made is waited for as long as it takes.
const CREATE_PATIENCE: Duration = Duration::from_secs(60);
/// Seconds after which a cluster removes a Job that is over and that nobody asked for.
const KEPT_SECONDS: u32 = 7 * 24 * 60 * 60;
/// Pods of one page.
const PAGE: u32 = 500;
/// The name of the container.
const MAIN: &str = "main";
/// Between questions, at least.
const POLL_LEAST: Duration = Duration::from_millis(1);
/// Between questions, at most: what Batch takes to notice, too.
const POLL_MOST: Duration = Duration::from_secs(5);
const INDEX: &str = "batch.kubernetes.io/job-completion-index";
/// Why a container waits that will not be started.
const HOPELESS: [&str; 6] = [
    "InvalidImageName",
    "ErrImageNeverPull",
    "ImagePullBackOff",
    "CreateContainerConfigError",
    "CreateContainerError",
    "RunContainerError",
];

/// Runs programs in a cluster.
pub(super) struct Pods {
    cluster: Cluster,
    intervals: PollIntervals,
}

/// An array of runs in one Job.
#[derive(Debug, Clone, Copy)]
pub(super) struct Array<'a> {
    pub(super) size: u64,
    /// How many may run at the same time.
    pub(super) parallelism: u64,
    pub(super) attempts: u64,
    /// Exit codes after which a child is not tried again.
    pub(super) final_exit_codes: &'a [i32],
}

/// What is known of a Job that is over.
struct Over {
    /// The Job, unless it was removed by somebody else.
    job: Option<Value>,
    /// The last pod that was seen.
    pod: Option<Value>,
}

impl Pods {
    pub(super) fn new(cluster: Cluster, intervals: PollIntervals) -> Pods {
        Pods { cluster, intervals }
    }

    /// Makes a Job unless that was done before, and waits for its end.
    pub(super) async fn finish(
        &self,
        runners: &Runners,
        run: &Run,
        attempt: Attempt<'_>,
        container: &Container,
    ) -> io::Result<Ended> {
        let name = runners.name_of(run);
        if let Some(ended) = run.ended() {
            self.tidy(&name, run).await;
            return Ok(ended);
        }
        let manifest = manifest(&name, run, attempt, container, None);
        let over = self.made_and_over(&name, run, &manifest).await?;
        let ended = how_it_ended(run, &over);
        run.note_ended(&ended)?;
        self.tidy(&name, run).await;
        Ok(ended)
    }

    /// The same of a whole array; gives how many children succeeded.
    pub(super) async fn finish_array(
        &self,
        runners: &Runners,
        run: &Run,
        attempt: Attempt<'_>,
        container: &Container,
        array: Array<'_>,
    ) -> io::Result<u64> {
        let name = runners.name_of(run);
        // The exit code of an array is the number of children that did not succeed.
        let failed = match run.ended() {
            Some(ended) => ended.exit_code,
            None => {
                let manifest = manifest(&name, run, attempt, container, Some(array));
                let over = self.made_and_over(&name, run, &manifest).await?;
                let succeeded =
                    over.job.as_ref().and_then(|job| job["status"]["succeeded"].as_u64());
                let failed = array.size.saturating_sub(succeeded.unwrap_or(0));
                let mut ended = run.lost("");
                (ended.exit_code, ended.reason) = (i32::try_from(failed).unwrap_or(i32::MAX), None);
                run.note_ended(&ended)?;
                ended.exit_code
            }
        };
        self.tidy(&name, run).await;
        Ok(array.size.saturating_sub(u64::try_from(failed).unwrap_or(array.size)))
    }

    /// Waits for the end of a Job, which is made if it never was; its log is kept.
    async fn made_and_over(&self, name: &str, run: &Run, manifest: &Value) -> io::Result<Over> {
        run.claim()?;
        if !run.is_made() {
            let id = self.create(name, manifest).await.map_err(|refused| {
                io::Error::other(format!("the Job cannot be made: {}", refused.message))
            })?;
            run.note_made(&id)?;
        }
        let over = self.watch(name, run).await?;
        if over.job.is_some()
            && let Err(error) = self.keep_log(name, run).await
        {
            tracing::warn!(%error, job = name, "the log of a Kubernetes Job cannot be kept");
        }
        Ok(over)
    }

    async fn create(&self, name: &str, manifest: &Value) -> Result<String, Refused> {
        let end = tokio::time::Instant::now() + CREATE_PATIENCE;
        let mut wait = self.first_wait();
        loop {
            let made = match self.jobs_path(None).await {
                Ok(path) => self.cluster.ask(Method::POST, &path, Some(manifest)).await,
                Err(refused) => Err(refused),
            };
            let made = match made {
                // It was made by a request whose answer nobody got.
                Err(refused) if refused.is(StatusCode::CONFLICT) => {
                    let path = self.jobs_path(Some(name)).await?;
                    self.cluster.ask(Method::GET, &path, None).await
                }
                made => made,
            };
            match made {
                Ok(job) => return Ok(job["metadata"]["uid"].as_str().unwrap_or(name).to_owned()),
                Err(refused) if refused.passes() && tokio::time::Instant::now() + wait < end => {
                    tokio::time::sleep(wait).await;
                    wait = self.next_wait(wait);
                }
                Err(refused) => return Err(refused),
            }
        }
    }

    /// Asks for a Job that was made until it is over.
    async fn watch(&self, name: &str, run: &Run) -> io::Result<Over> {
        let mut wait = self.first_wait();
        let mut pod = None;
        loop {
            let path = self.jobs_path(Some(name)).await;
            let job = match path {
                Ok(path) => self.cluster.ask(Method::GET, &path, None).await,
                Err(refused) => Err(refused),
            };
            match job {
                Ok(job) => {
                    let pods = self.pods(name).await.unwrap_or_default();
                    if pods.last().is_some() {
                        pod = pods.last().cloned();
                    }
                    if ended(&job) {
                        return Ok(Over { job: Some(job), pod });
                    }
                    if let Some(reason) = pods.iter().find_map(hopeless) {
                        self.tidy(name, run).await;
                        return Err(io::Error::other(reason));
                    }
                    if job["metadata"]["deletionTimestamp"].is_string()
                        && let Err(error) = self.keep_log(name, run).await
                    {
                        tracing::debug!(%error, job = name, "a log is not there any more");
                    }
                }
                Err(refused) if refused.is(StatusCode::NOT_FOUND) => {
                    return Ok(Over { job: None, pod });
                }
                // It was made: whatever the cluster does, it is asked until it knows.
                Err(refused) => {
                    tracing::debug!(
                        error = refused.message,
                        job = name,
                        "a cluster does not answer"
                    );
                }
            }
            tokio::time::sleep(wait).await;
            wait = self.next_wait(wait);
        }
    }

    /// The pods of a Job, the one that was made last at the end.
    async fn pods(&self, name: &str) -> Result<Vec<Value>, Refused> {
        let namespace = self.cluster.namespace().await?;
        let mut pods = Vec::new();
        let mut more = String::new();
        loop {
            let path = format!(
                "/api/v1/namespaces/{namespace}/pods?labelSelector=job-name%3D{name}&limit={PAGE}{more}"
            );
            let mut page = self.cluster.ask(Method::GET, &path, None).await?;
            if let Value::Array(items) = page["items"].take() {
                pods.extend(items);
            }
            match page["metadata"]["continue"].as_str() {
                Some(token) if !token.is_empty() => {
                    more = String::from("&");
                    crate::http_task::form::append_pair(&mut more, "continue", token);
                    more = more.replace("&&", "&");
                }
                _ => break,
            }
        }
        let made = |pod: &Value| {
            pod["metadata"]["creationTimestamp"].as_str().unwrap_or_default().to_owned()
        };
        pods.sort_by_key(made);
        Ok(pods)
    }

    /// Has what the pods printed until now in the run's log; in an array, in a file for each try
    /// of each child.
    pub(super) async fn keep_log(&self, name: &str, run: &Run) -> io::Result<()> {
        let refused = |refused: Refused| io::Error::other(refused.message);
        let pods = self.pods(name).await.map_err(refused)?;
        let namespace = self.cluster.namespace().await.map_err(refused)?;
        let mut tries = std::collections::BTreeMap::<String, u32>::new();
        for pod in &pods {
            let Some(pod_name) = pod["metadata"]["name"].as_str() else { continue };
            let kept = match pod["metadata"]["annotations"][INDEX].as_str() {
                None => run.clone(),
                Some(index) => {
                    let number = tries.entry(index.to_owned()).or_default();
                    *number += 1;
                    run.sibling(&format!("child-{index}-attempt-{number}"))
                }
            };
            let path =
                format!("/api/v1/namespaces/{namespace}/pods/{pod_name}/log?container={MAIN}");
            match self.cluster.stream(&path).await {
                Ok(answer) => copy(answer.into_body(), kept.log_writer()?).await?,
                // It has not begun.
                Err(refused) if refused.is(StatusCode::BAD_REQUEST) => {}
                Err(refused) if refused.is(StatusCode::NOT_FOUND) => {}
                Err(refused) => return Err(io::Error::other(refused.message)),
            }
        }
        Ok(())
    }

    /// Has the cluster end the pods and remove the Job; again and again, for it may only be about
    /// to be made.
    pub(super) async fn stop(&self, name: &str) -> Infallible {
        loop {
            // With its pods, which are given their time to end.
            let _ = self.delete(name, "Foreground").await;
            tokio::time::sleep(LOOK.max(self.first_wait())).await;
        }
    }

    /// Removes what is over and noted.
    async fn tidy(&self, name: &str, run: &Run) {
        if !run.is_made() {
            return;
        }
        match self.delete(name, "Background").await {
            Err(refused) if !refused.is(StatusCode::NOT_FOUND) => {
                let error = refused.message;
                tracing::warn!(error, job = name, "a Kubernetes Job cannot be removed");
            }
            _ => {
                let _ = std::fs::remove_file(run.file("made"));
            }
        }
    }

    async fn delete(&self, name: &str, propagation: &str) -> Result<Value, Refused> {
        let path = format!("{}?propagationPolicy={propagation}", self.jobs_path(Some(name)).await?);
        self.cluster.ask(Method::DELETE, &path, None).await
    }

    async fn jobs_path(&self, name: Option<&str>) -> Result<String, Refused> {
        let namespace = self.cluster.namespace().await?;
        let path = format!("/apis/batch/v1/namespaces/{namespace}/jobs");
        Ok(name.map_or(path.clone(), |name| format!("{path}/{name}")))
    }

    fn first_wait(&self) -> Duration {
        self.intervals.first.max(POLL_LEAST)
    }

    fn next_wait(&self, wait: Duration) -> Duration {
        (wait + wait / 2).min(self.intervals.longest.min(POLL_MOST)).max(POLL_LEAST)
    }
}

async fn copy(mut body: hyper::body::Incoming, mut log: LogWriter) -> io::Result<()> {
    while let Some(frame) = body.frame().await {
        if let Some(bytes) = frame.map_err(io::Error::other)?.data_ref() {
            log.write(bytes)?;
        }
    }
    log.finish()
}

fn conditions(job: &Value) -> impl Iterator<Item = &Value> {
    let conditions = job["status"]["conditions"].as_array().into_iter().flatten();
    conditions.filter(|condition| condition["status"] == "True")
}

fn ended(job: &Value) -> bool {
    conditions(job)
        .any(|condition| condition["type"] == "Complete" || condition["type"] == "Failed")
}

/// Why a pod will never run, if so.
fn hopeless(pod: &Value) -> Option<String> {
    let statuses = pod["status"]["containerStatuses"].as_array().into_iter().flatten();
    statuses.map(|status| &status["state"]["waiting"]).find_map(|waiting| {
        let reason = waiting["reason"].as_str().filter(|reason| HOPELESS.contains(reason))?;
        Some(match waiting["message"].as_str() {
            Some(message) => format!("{reason}: {message}"),
            None => reason.to_owned(),
        })
    })
}

/// How the one pod of a Job ended.
fn how_it_ended(run: &Run, over: &Over) -> Ended {
    let moment = |value: &Value| {
        let moment: jiff::Timestamp = value.as_str()?.parse().ok()?;
        Some(moment.as_millisecond())
    };
    let mut statuses = over
        .pod
        .iter()
        .flat_map(|pod| pod["status"]["containerStatuses"].as_array().into_iter().flatten());
    let terminated = statuses.rfind(|status| status["name"] == MAIN);
    let terminated = terminated.map(|status| &status["state"]["terminated"]);
    let is_late =
        over.job.iter().flat_map(conditions).any(|one| one["reason"] == "DeadlineExceeded");
    let succeeded = over.job.iter().flat_map(conditions).any(|one| one["type"] == "Complete");
    let message = over.job.iter().flat_map(conditions).find_map(|one| one["message"].as_str());
    let exit_code = terminated.and_then(|terminated| terminated["exitCode"].as_i64());
    let exit_code = exit_code.and_then(|code| i32::try_from(code).ok());
    let reason = match (terminated.and_then(|one| one["reason"].as_str()), exit_code) {
        (Some("OOMKilled"), _) => Some(OUT_OF_MEMORY.to_owned()),
        (_, Some(_)) => None,
        (_, None) => Some(message.unwrap_or("the Job is gone").to_owned()),
    };
    let started_at = terminated.and_then(|terminated| moment(&terminated["startedAt"]));
    let stopped_at = terminated.and_then(|terminated| moment(&terminated["finishedAt"]));
    Ended {
        exit_code: exit_code.unwrap_or(if succeeded { 0 } else { KILLED }),
        started_at: started_at.or_else(|| run.started_at()).unwrap_or_default(),
        stopped_at: stopped_at.unwrap_or_else(now_milliseconds),
        reason: reason.filter(|_| !succeeded),
        timed_out: is_late,
    }
}

/// The Job of a run.
fn manifest(
    name: &str,
    run: &Run,
    attempt: Attempt<'_>,
    container: &Container,
    array: Option<Array<'_>>,
) -> Value {
    let mut variables: Vec<Value> = attempt
        .environment
        .iter()
        .map(|(name, value)| json!({"name": name, "value": value}))
        .collect();
    if array.is_some() {
        let field = format!("metadata.annotations['{INDEX}']");
        variables.push(json!({"name": "AWS_BATCH_JOB_ARRAY_INDEX",
            "valueFrom": {"fieldRef": {"fieldPath": field}}}));
    }
    let mut main = json!({"name": MAIN, "image": container.image, "env": variables});
    if !attempt.program.command.is_empty() {
        main["args"] = json!(attempt.program.command);
    }
    let mut limits = json!({});
    if let Some(megabytes) = attempt.program.limits.memory_megabytes {
        limits["memory"] = format!("{megabytes}Mi").into();
    }
    if let Some(milli_cpus) = attempt.program.limits.milli_cpus {
        limits["cpu"] = format!("{milli_cpus}m").into();
    }
    if limits.as_object().is_some_and(|limits| !limits.is_empty()) {
        main["resources"] = json!({"requests": limits, "limits": limits});
    }
    let mut pod =
        json!({"restartPolicy": "Never", "terminationGracePeriodSeconds": GRACE.as_secs()});
    let mut settings = container.settings.clone();
    let mut others = Vec::new();
    if let Some(Value::Array(containers)) =
        settings.as_object_mut().and_then(|settings| settings.shift_remove("containers"))
    {
        let mut containers = containers.into_iter();
        // The first one is ours.
        if let Some(first) = containers.next() {
            merge(&mut main, &first);
            main["name"] = MAIN.into();
        }
        others.extend(containers);
    }
    if settings.is_object() {
        merge(&mut pod, &settings);
    }
    pod["containers"] = std::iter::once(main).chain(others).collect();
    let labels = json!({"app.kubernetes.io/managed-by": "stepwell"});
    let annotations = json!({"stepwell/job": run.job(), "stepwell/run": run.name(),
        "stepwell/title": attempt.title});
    let mut spec = json!({"backoffLimit": 0, "ttlSecondsAfterFinished": KEPT_SECONDS});
    match array {
        None => {
            if let Some(seconds) = attempt.timeout_seconds {
                spec["activeDeadlineSeconds"] = seconds.into();
            }
        }
        Some(array) => make_indexed(&mut spec, &mut pod, attempt, array),
    }
    spec["template"] =
        json!({"metadata": {"labels": labels, "annotations": annotations}, "spec": pod});
    json!({
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name, "labels": labels, "annotations": annotations},
        "spec": spec
    })
}

/// An array: each index is tried as often as a job would be, and none ends the others. The time is
/// that of a try.
fn make_indexed(spec: &mut Value, pod: &mut Value, attempt: Attempt<'_>, array: Array<'_>) {
    if let Some(members) = spec.as_object_mut() {
        members.shift_remove("backoffLimit");
    }
    spec["completionMode"] = "Indexed".into();
    spec["completions"] = array.size.into();
    spec["parallelism"] = array.parallelism.min(array.size).into();
    spec["backoffLimitPerIndex"] = array.attempts.saturating_sub(1).into();
    if let Some(seconds) = attempt.timeout_seconds {
        pod["activeDeadlineSeconds"] = seconds.into();
    }
    if !array.final_exit_codes.is_empty() {
        spec["podFailurePolicy"] = json!({"rules": [{"action": "FailIndex", "onExitCodes": {
            "containerName": MAIN, "operator": "In", "values": array.final_exit_codes}}]});
    }
}
