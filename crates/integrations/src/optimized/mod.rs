//! Optimized integrations that call an AWS service, by the client for all services.
//!
//! `table` says what each action is; `job` follows jobs; what no row can tell is in `rules`,
//! `events`, `emr`, `bedrock` and `kubernetes`. Unlike results of `aws-sdk:` theirs have the
//! HTTP answer's metadata and moments as numbers, and their errors the names of AWS's older SDK.

mod bedrock;
mod emr;
mod events;
mod harness;
mod job;
mod repetition;
mod rules;
mod spelling;
mod table;

use asl::{Pattern, Payload, Resource};
use engine::TaskFailure;
use runtime::TaskCall;
use serde_json::Value;
use service_models::{Operation, Service};
use sha2::{Digest, Sha256};

pub use job::PollIntervals;

use crate::aws::{AwsCall, AwsClient, AwsError, AwsResponse, CallContext};
use crate::failure::{NOT_CONFIGURED, NOT_SUPPORTED, ServiceError, bad_parameters, task_failure};
use crate::metadata::sdk_metadata;
use spelling::{Moments, respelled};
use table::{Family, Row};

/// Everything that these integrations need.
pub(crate) struct Optimized {
    client: AwsClient,
    intervals: PollIntervals,
}

/// Why a submission came to nothing.
struct Refused {
    failure: TaskFailure,
    /// The service's own code, where it answered one.
    code: Option<String>,
}

impl From<TaskFailure> for Refused {
    fn from(failure: TaskFailure) -> Refused {
        Refused { failure, code: None }
    }
}

/// Whether there is work for a call here.
pub(crate) fn knows(service: &str, action: &str, pattern: Pattern) -> bool {
    let is_job = matches!(pattern, Pattern::Sync | Pattern::Sync2);
    let is_special = !is_job
        && [emr::knows, bedrock::knows, harness::knows].iter().any(|knows| knows(service, action));
    is_special || table::find(service, action).is_some_and(|row| !is_job || row.job.is_some())
}

fn row_of(call: &TaskCall) -> Option<&'static Row> {
    match &call.dispatch.resource {
        Resource::Service { service, action, .. } => table::find(service, action),
        _ => None,
    }
}

impl Optimized {
    pub(crate) fn new(client: AwsClient, intervals: PollIntervals) -> Optimized {
        Optimized { client, intervals }
    }

    /// The work of a task whose action is [`knows`]n.
    pub(crate) async fn run(&self, call: &TaskCall) -> Result<Payload, TaskFailure> {
        let Resource::Service { service, action, pattern, .. } = &call.dispatch.resource else {
            return Err(not_supported(call));
        };
        if emr::knows(service, action) {
            return self.modify_by_name(call, action).await;
        }
        if bedrock::knows(service, action) {
            return self.invoke_model(call).await;
        }
        if harness::knows(service, action) {
            return self.invoke_harness(call).await;
        }
        let row = table::find(service, action).ok_or_else(|| not_supported(call))?;
        match (pattern, &row.job) {
            (Pattern::Sync | Pattern::Sync2, Some(job)) => self.run_job(call, row, job).await,
            (Pattern::Sync | Pattern::Sync2, None) => Err(not_supported(call)),
            (Pattern::RequestResponse | Pattern::WaitForTaskToken, _) => {
                match self.found_submission(call, row).await? {
                    Some(found) => Ok(found),
                    None => self.submit(call, row).await.map_err(|refused| refused.failure),
                }
            }
        }
    }

    /// Makes the call that the row is about.
    async fn submit(&self, call: &TaskCall, row: &Row) -> Result<Payload, Refused> {
        let given = &call.dispatch.parameters;
        let mut parameters = (row.request)(given.value().clone())
            .map_err(|problems| bad_parameters(given.text(), &problems))?;
        for name in row.json_texts {
            if let Some(member) = parameters.get_mut(*name) {
                to_text(member);
            }
        }
        match row.service {
            "events" => events::prepare(&mut parameters, &call.execution_arn),
            "sqs" => rules::check_queue_url(&parameters)?,
            _ => {}
        }
        if let (Some(token), Value::Object(members)) = (row.token, &mut parameters)
            && !members.contains_key(token)
        {
            members.insert(token.to_owned(), Value::from(request_token(call)));
        }
        row.repetition.put_mark(call, &mut parameters);
        let answer = self.call(call, row, row.operation, &parameters).await;
        let response = answer.map_err(|error| Refused {
            code: job::code_of(&error).map(str::to_owned),
            failure: failure_of(row, error, given),
        })?;
        let service = self.model(call, row)?;
        let operation = operation(service, row.operation, call)?;
        let (mut http, metadata) =
            sdk_metadata(&response.headers, response.status, &response.request_id);
        let output = operation.output.as_ref();
        let output = respelled(service, output, response.output, Moments::Seconds);
        let mut output = (row.response)(given.value(), output);
        match row.service {
            "events" => events::check(&output)?,
            "ecs" if !is_request_response(call) => rules::check_tasks(&output)?,
            _ => {}
        }
        if let (true, Value::Object(members)) = (row.shows_metadata, &mut output) {
            rules::respell_headers(row, &mut http);
            members.insert("SdkHttpMetadata".to_owned(), http);
            members.insert("SdkResponseMetadata".to_owned(), metadata);
            members.sort_keys();
        }
        Ok(Payload::from_value(output))
    }

    /// Makes a call of an operation of the row's service, on behalf of a task.
    async fn call(
        &self,
        call: &TaskCall,
        row: &Row,
        name: &str,
        parameters: &Value,
    ) -> Result<AwsResponse, AwsError> {
        let unknown = || AwsError::NotConfigured(format!("no service model has {name}"));
        let service = service_models::find(row.model).ok_or_else(unknown)?;
        let operation = service.operation(name).ok_or_else(unknown)?;
        self.client
            .call(&AwsCall {
                service,
                operation,
                parameters,
                payload: None,
                context: context(call),
            })
            .await
    }

    fn model(&self, call: &TaskCall, row: &Row) -> Result<&'static Service, TaskFailure> {
        service_models::find(row.model).ok_or_else(|| not_supported(call))
    }
}

fn is_request_response(call: &TaskCall) -> bool {
    matches!(call.dispatch.resource, Resource::Service { pattern: Pattern::RequestResponse, .. })
}

fn operation(
    service: &'static Service,
    name: &str,
    call: &TaskCall,
) -> Result<&'static Operation, TaskFailure> {
    service.operation(name).ok_or_else(|| not_supported(call))
}

/// Region and role of a task's calls.
fn context(call: &TaskCall) -> CallContext<'_> {
    crate::aws::context_of(call)
}

/// The same for each repetition of a task's attempt, so that a call that may have been made
/// before a crash is made once.
fn request_token(call: &TaskCall) -> String {
    let mut hash = Sha256::new();
    hash.update(call.execution_arn.as_bytes());
    hash.update(call.dispatch.task.0.to_be_bytes());
    let digest = hash.finalize();
    digest.iter().take(20).map(|byte| format!("{byte:02x}")).collect()
}

/// JSON as text, in the place of the JSON itself. Texts stay; null is left out by the client.
fn to_text(member: &mut Value) {
    if !member.is_string() && !member.is_null() {
        *member = Value::from(Payload::from_value(member.take()).text());
    }
}

fn not_supported(call: &TaskCall) -> TaskFailure {
    let cause = format!(
        "The resource '{}' is not supported by this version of Stepwell",
        call.dispatch.resource.arn()
    );
    task_failure(NOT_SUPPORTED, cause)
}

/// An error in the words of optimized integrations.
fn failure_of(row: &Row, error: AwsError, parameters: &Payload) -> TaskFailure {
    family_failure(row.family, error, parameters)
}

fn family_failure(family: Family, error: AwsError, parameters: &Payload) -> TaskFailure {
    match error {
        AwsError::Parameters(problems) => bad_parameters(parameters.text(), &problems),
        AwsError::Service(fault) => ServiceError {
            prefix: family.prefix,
            service: family.service,
            exception: match fault.shape {
                Some(_) => &fault.exception,
                None => family.exception,
            },
            message: fault.message.as_deref(),
            status: fault.status,
            code: fault.code.as_deref(),
            request_id: fault.request_id.as_deref().unwrap_or("null"),
        }
        .into_failure(),
        AwsError::Client { message, .. } => {
            task_failure(format!("{}.SdkClientException", family.prefix), message)
        }
        AwsError::NotConfigured(message) => {
            let other_way = match family.prefix {
                "Batch" => "; or declare it in [job_definitions], to run it without AWS",
                "ECS" => "; or declare it in [task_definitions], to run it without AWS",
                _ => "",
            };
            task_failure(NOT_CONFIGURED, format!("{message}{other_way}"))
        }
        AwsError::Role { message, .. } => task_failure("States.TaskFailed", message),
    }
}

#[cfg(test)]
mod tests {
    use super::table::TABLE;
    use super::*;

    /// The row, its polls and cancels exist in the service's model, and what they need is there.
    #[test]
    fn every_row_fits_the_service_models() {
        for row in TABLE {
            let place = format!("{}:{}", row.service, row.action);
            let service = service_models::find(row.model).unwrap_or_else(|| panic!("{place}"));
            let operation = |name: &str| {
                service.operation(name).unwrap_or_else(|| panic!("{place} has no {name}"))
            };
            operation(row.operation);
            let calls = row.job.iter().flat_map(|job| [Some(&job.poll), job.cancel.as_ref()]);
            for call in calls.flatten() {
                operation(call.operation);
            }
            let resource = format!("arn:aws:states:::{place}");
            assert!(Resource::parse(&resource).is_some(), "{resource}");
            assert_eq!(
                Resource::parse(&format!("{resource}.sync")).is_some(),
                row.job.is_some(),
                "{place}"
            );
        }
    }

    /// The tests against stand-ins leave out no job.
    #[test]
    fn every_job_has_its_test_data() {
        let text = include_str!("../../../../testdata/optimized_jobs/jobs.jsonl");
        let tested: Vec<String> = text
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap())
            .map(|row| row["resource"].as_str().unwrap().to_owned())
            .collect();
        let jobs = TABLE.iter().filter(|row| row.job.is_some());
        let jobs: Vec<String> = jobs.map(|row| format!("{}:{}", row.service, row.action)).collect();
        assert_eq!(tested, jobs);
    }
}
