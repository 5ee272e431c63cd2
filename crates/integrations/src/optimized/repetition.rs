//! Submissions that may have been made just before a crash: how the job is found that they
//! started, so that it is not started twice, and can be stopped.
//!
//! Most services take a token by which a repeated request is the same request. Batch and Glue
//! take none; there a mark goes along among the job's own parameters, which is looked for and
//! hidden from what is shown. Others are named by the task itself. What is left (DataBrew, EMR's
//! clusters and steps) is submitted again.

use jiff::Timestamp;
use runtime::TaskCall;
use serde_json::{Value, json};

use super::job::Job;
use super::spelling::{Moments, respelled};
use super::table::Row;
use super::{Optimized, operation, request_token};
use crate::aws::AwsError;

/// Key of the mark among Batch's parameters, with which a job's command may be made. No command
/// can ask for it by this name.
const BATCH_MARK: &str = "stepwell:submission";
/// Key of the mark among Glue's arguments, which the job's script sees, as it sees Glue's own.
const GLUE_MARK: &str = "--stepwell-submission";
/// How far a service's clock may be behind ours, in milliseconds.
const CLOCKS_APART: i64 = 300_000;
/// Jobs that Batch describes at once (AWS quota).
const DESCRIBED_MAX: usize = 100;

/// How a submission is made again without another job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Repetition {
    /// It cannot be: it is made again.
    Again,
    /// By `Row::token`.
    Token,
    /// By a mark in the member of this name.
    Marked(&'static str),
    /// The task names what it is about; if that was created since the attempt began (JSON
    /// Pointer into the answer of the poll) it is the attempt's own.
    Created(&'static str),
    /// The task names what it is about, and making the call twice does nothing more.
    Harmless,
}

impl Repetition {
    fn mark(self) -> Option<(&'static str, &'static str)> {
        match self {
            Repetition::Marked(member) if member == "Arguments" => Some((member, GLUE_MARK)),
            Repetition::Marked(member) => Some((member, BATCH_MARK)),
            _ => None,
        }
    }

    /// Puts the mark into a request.
    pub(super) fn put_mark(self, call: &TaskCall, parameters: &mut Value) {
        let Some((member, key)) = self.mark() else { return };
        let Value::Object(parameters) = parameters else { return };
        let map = parameters.entry(member).or_insert_with(|| json!({}));
        if map.is_null() {
            *map = json!({});
        }
        if let Value::Object(map) = map {
            map.insert(key.to_owned(), Value::from(request_token(call)));
        }
    }

    /// Takes the mark out of what is shown of a job.
    pub(super) fn hide_mark(self, given: &Value, shown: &mut Value) {
        let Some((member, key)) = self.mark() else { return };
        let Some(map) = shown.get_mut(member).and_then(Value::as_object_mut) else { return };
        let was_there = map.shift_remove(key).is_some();
        // Glue shows no arguments where there are none; Batch shows an empty object.
        let is_ours = map.is_empty() && given.get(member).is_none_or(Value::is_null);
        if was_there && is_ours && member == "Arguments" {
            shown.as_object_mut().map(|shown| shown.shift_remove(member));
        }
    }
}

fn is_marked(call: &TaskCall, shown: &Value, (member, key): (&str, &str)) -> bool {
    shown[member][key] == *request_token(call)
}

impl Optimized {
    /// What the submission of an earlier process gave, if the service can tell.
    ///
    /// # Errors
    /// The service could not be asked.
    pub(super) async fn find_submission(
        &self,
        call: &TaskCall,
        row: &Row,
    ) -> Result<Option<Value>, AwsError> {
        let given = call.dispatch.parameters.value();
        match row.service {
            "batch" => self.find_in_batch(call, row, given).await,
            "glue" => self.find_in_glue(call, row, given).await,
            _ => Ok(None),
        }
    }

    /// Whether a submission that was refused on its repetition had been made before: the
    /// service knows its subject.
    pub(super) async fn was_submitted(&self, call: &TaskCall, row: &Row, job: &Job) -> bool {
        let created = match row.repetition {
            Repetition::Created(place) => place,
            Repetition::Harmless => return true,
            _ => return false,
        };
        let given = call.dispatch.parameters.value();
        let Ok(parameters) = job.poll.parameters(given, &json!({})) else { return false };
        match self.ask(call, row, job.poll.operation, &parameters).await {
            Ok(answer) => is_since(call, answer.pointer(created)),
            Err(_) => false,
        }
    }

    async fn find_in_batch(
        &self,
        call: &TaskCall,
        row: &Row,
        given: &Value,
    ) -> Result<Option<Value>, AwsError> {
        let Some(mark) = row.repetition.mark() else { return Ok(None) };
        let filter = json!([{"Name": "JOB_NAME", "Values": [given["JobName"]]}]);
        let mut query = json!({"JobQueue": given["JobQueue"], "Filters": filter});
        loop {
            let page = self.ask(call, row, "ListJobs", &query).await?;
            let listed = page["JobSummaryList"].as_array().cloned().unwrap_or_default();
            let recent = listed.iter().filter(|job| is_since(call, job.get("CreatedAt")));
            let ids: Vec<&Value> = recent.map(|job| &job["JobId"]).collect();
            for ids in ids.chunks(DESCRIBED_MAX) {
                let described =
                    self.ask(call, row, "DescribeJobs", &json!({ "Jobs": ids })).await?;
                let mut jobs = described["Jobs"].as_array().into_iter().flatten();
                if let Some(job) = jobs.find(|job| is_marked(call, job, mark)) {
                    return Ok(Some(json!({
                        "JobArn": job["JobArn"],
                        "JobId": job["JobId"],
                        "JobName": job["JobName"],
                    })));
                }
            }
            match page.get("NextToken") {
                Some(token) if !token.is_null() => query["NextToken"] = token.clone(),
                _ => return Ok(None),
            }
        }
    }

    async fn find_in_glue(
        &self,
        call: &TaskCall,
        row: &Row,
        given: &Value,
    ) -> Result<Option<Value>, AwsError> {
        let Some(mark) = row.repetition.mark() else { return Ok(None) };
        let mut query = json!({"JobName": given["JobName"], "MaxResults": 200});
        loop {
            let page = self.ask(call, row, "GetJobRuns", &query).await?;
            let mut runs = page["JobRuns"].as_array().into_iter().flatten();
            if let Some(run) = runs.find(|run| is_marked(call, run, mark)) {
                return Ok(Some(json!({ "JobRunId": run["Id"] })));
            }
            // The latest come first.
            let last = page["JobRuns"].as_array().and_then(|runs| runs.last());
            let is_old = last.is_some_and(|run| !is_since(call, run.get("StartedOn")));
            match page.get("NextToken") {
                Some(token) if !token.is_null() && !is_old => query["NextToken"] = token.clone(),
                _ => return Ok(None),
            }
        }
    }

    /// A call's answer, in the spelling of the task's results.
    async fn ask(
        &self,
        call: &TaskCall,
        row: &Row,
        name: &str,
        parameters: &Value,
    ) -> Result<Value, AwsError> {
        let answer = self.call(call, row, name, parameters).await?;
        let found = self
            .model(call, row)
            .and_then(|service| Ok((service, operation(service, name, call)?.output.as_ref())));
        let (service, output) = found
            .map_err(|failure| AwsError::NotConfigured(failure.cause.unwrap_or_default().into()))?;
        Ok(respelled(service, output, answer.output, Moments::Milliseconds))
    }
}

/// Whether a moment, in milliseconds, is after the attempt's beginning, as far as clocks tell.
/// What has no moment may be.
fn is_since(call: &TaskCall, moment: Option<&Value>) -> bool {
    let Some(started) = call.dispatch.started else { return true };
    let milliseconds = match moment {
        Some(Value::Number(number)) => number.as_i64(),
        Some(Value::String(text)) => {
            text.parse::<Timestamp>().ok().map(|moment| moment.as_millisecond())
        }
        _ => None,
    };
    milliseconds.is_none_or(|moment| moment >= started.0 - CLOCKS_APART)
}
