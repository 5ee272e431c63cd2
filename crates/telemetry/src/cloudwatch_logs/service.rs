//! The two calls of CloudWatch Logs that delivery needs.

use std::fmt;
use std::pin::Pin;

use integrations::aws::{AwsCall, AwsClient, AwsError, CallContext};
use serde_json::{Value, json};

use super::batch::LogEvent;

type Answered<'s, T> = Pin<Box<dyn Future<Output = Result<T, Refusal>> + Send + 's>>;

/// What takes log events.
pub trait LogService: fmt::Debug + Send + Sync {
    /// CreateLogStream; one that is there already is no error.
    fn create_log_stream<'s>(
        &'s self,
        region: &'s str,
        log_group: &'s str,
        log_stream: &'s str,
    ) -> Answered<'s, ()>;

    /// PutLogEvents; how many of the events were rejected.
    fn put_log_events<'s>(
        &'s self,
        region: &'s str,
        log_group: &'s str,
        log_stream: &'s str,
        events: &'s [LogEvent],
    ) -> Answered<'s, u64>;
}

/// Why a call was not taken. The texts name no payloads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The log group or the log stream is not there.
    NoSuchStream,
    /// It may be taken another time.
    Later(String),
    /// It never will.
    Never(String),
}

/// CloudWatch Logs, or what the operator has put in its place.
#[derive(Clone)]
pub struct AwsLogService(AwsClient);

impl fmt::Debug for AwsLogService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AwsLogService")
    }
}

impl AwsLogService {
    /// Calls go where the client's routes, endpoints and credentials lead.
    pub fn new(client: AwsClient) -> AwsLogService {
        AwsLogService(client)
    }

    async fn call(
        &self,
        region: &str,
        operation: &str,
        parameters: &Value,
    ) -> Result<Value, AwsError> {
        let service = service_models::find("cloudwatchlogs").expect("the data has the service");
        let operation = service.operation(operation).expect("the data has the operation");
        let context = CallContext::new(region);
        let call = AwsCall { service, operation, parameters, payload: None, context };
        self.0.call(&call).await.map(|answer| answer.output)
    }
}

impl LogService for AwsLogService {
    fn create_log_stream<'s>(
        &'s self,
        region: &'s str,
        log_group: &'s str,
        log_stream: &'s str,
    ) -> Answered<'s, ()> {
        Box::pin(async move {
            let parameters = json!({"LogGroupName": log_group, "LogStreamName": log_stream});
            match self.call(region, "CreateLogStream", &parameters).await {
                Ok(_) => Ok(()),
                Err(error) if is(&error, "ResourceAlreadyExistsException") => Ok(()),
                Err(error) => Err(refusal(error)),
            }
        })
    }

    fn put_log_events<'s>(
        &'s self,
        region: &'s str,
        log_group: &'s str,
        log_stream: &'s str,
        events: &'s [LogEvent],
    ) -> Answered<'s, u64> {
        Box::pin(async move {
            let shown: Vec<Value> = events
                .iter()
                .map(|event| json!({"Timestamp": event.at.0, "Message": event.message}))
                .collect();
            let parameters = json!({
                "LogGroupName": log_group,
                "LogStreamName": log_stream,
                "LogEvents": shown,
            });
            match self.call(region, "PutLogEvents", &parameters).await {
                Ok(answer) => Ok(rejected(&answer["RejectedLogEventsInfo"], events.len())),
                // The same events were taken before.
                Err(error) if is(&error, "DataAlreadyAcceptedException") => Ok(0),
                Err(error) => Err(refusal(error)),
            }
        })
    }
}

/// How many of a batch were rejected: the first ones as too old or beyond the log group's
/// retention (both ends are exclusive), the last ones as too new.
fn rejected(info: &Value, count: usize) -> u64 {
    let at = |name: &str| info[name].as_u64();
    let old = at("TooOldLogEventEndIndex").max(at("ExpiredLogEventEndIndex")).unwrap_or(0);
    let new =
        at("TooNewLogEventStartIndex").map_or(0, |start| (count as u64).saturating_sub(start));
    (old + new).min(count as u64)
}

fn is(error: &AwsError, exception: &str) -> bool {
    matches!(error, AwsError::Service(fault) if fault.exception == exception)
}

fn refusal(error: AwsError) -> Refusal {
    match error {
        AwsError::Parameters(_) => {
            Refusal::Never("the records do not fit CloudWatch Logs".to_owned())
        }
        AwsError::Service(fault) => {
            let reason = format!("CloudWatch Logs answered {}", fault.exception);
            match &*fault.exception {
                "ResourceNotFoundException" => Refusal::NoSuchStream,
                "InvalidParameterException" => Refusal::Never(reason),
                _ if matches!(fault.status, 413 | 422) => Refusal::Never(reason),
                // Rights and credentials can be mended while records wait.
                _ => Refusal::Later(reason),
            }
        }
        AwsError::NotConfigured(message) => Refusal::Later(message),
        AwsError::Client { .. } | AwsError::Role { .. } => {
            Refusal::Later("CloudWatch Logs could not be called".to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rejected_events_are_counted_from_both_ends() {
        for (info, count) in [
            (json!(null), 0),
            (json!({"TooOldLogEventEndIndex": 2}), 2),
            (json!({"TooOldLogEventEndIndex": 2, "ExpiredLogEventEndIndex": 3}), 3),
            (json!({"TooNewLogEventStartIndex": 8}), 2),
            (json!({"TooNewLogEventStartIndex": 8, "ExpiredLogEventEndIndex": 3}), 5),
        ] {
            assert_eq!(rejected(&info, 10), count, "{info}");
        }
    }
}
