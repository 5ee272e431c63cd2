//! Where events of changed status can go: a webhook, or an event bus of EventBridge.

use std::fmt;
use std::pin::Pin;

use bytes::Bytes;
use integrations::Webhook;
use integrations::aws::{AwsCall, AwsClient, AwsError, CallContext};
use serde_json::{Value, json};

use crate::{EventTarget, Undelivered};

type Sent<'s> = Pin<Box<dyn Future<Output = Result<(), Undelivered>> + Send + 's>>;

impl EventTarget for Webhook {
    fn send<'s>(&'s self, event: &'s Value) -> Sent<'s> {
        Box::pin(async move {
            let body = Bytes::from(event.to_string());
            let status = self.post(body).await.map_err(Undelivered::Later)?;
            let reason = format!("the webhook answered {status}");
            match status.as_u16() {
                200..=299 => Ok(()),
                // Too early, too many, or something in between that will pass.
                408 | 425 | 429 | 500.. => Err(Undelivered::Later(reason)),
                _ => Err(Undelivered::Never(reason)),
            }
        })
    }
}

/// An event bus, reached with PutEvents.
pub struct EventBus {
    client: AwsClient,
    region: String,
    name: String,
}

impl fmt::Debug for EventBus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventBus").field("name", &self.name).finish_non_exhaustive()
    }
}

impl EventBus {
    pub fn new(client: AwsClient, region: String, name: String) -> EventBus {
        EventBus { client, region, name }
    }

    async fn put(&self, event: &Value) -> Result<(), Undelivered> {
        let service = service_models::find("eventbridge");
        let found = service.and_then(|service| Some((service, service.operation("PutEvents")?)));
        let Some((service, operation)) = found else {
            return Err(Undelivered::Never("there is no model of EventBridge".to_owned()));
        };
        let parameters = json!({"Entries": [{
            "Source": event["source"],
            "DetailType": event["detail-type"],
            "Detail": event["detail"].to_string(),
            "Resources": event["resources"],
            "Time": event["time"],
            "EventBusName": self.name,
        }]});
        let context = CallContext::new(&self.region);
        let call = AwsCall { service, operation, parameters: &parameters, payload: None, context };
        let answer = self.client.call(&call).await.map_err(undelivered)?;
        match answer.output["Entries"][0]["ErrorCode"].as_str() {
            None => Ok(()),
            Some(code @ ("InternalFailure" | "InternalException" | "ThrottlingException")) => {
                Err(Undelivered::Later(code.to_owned()))
            }
            Some(code) => Err(Undelivered::Never(code.to_owned())),
        }
    }
}

/// What a failed call means. The texts name no payloads.
fn undelivered(error: AwsError) -> Undelivered {
    match error {
        AwsError::Parameters(_) => {
            Undelivered::Never("the event does not fit PutEvents".to_owned())
        }
        AwsError::Service(fault) if (400..500).contains(&fault.status) && fault.status != 429 => {
            Undelivered::Never(format!("EventBridge answered {}", fault.exception))
        }
        AwsError::Service(fault) => {
            Undelivered::Later(format!("EventBridge answered {}", fault.exception))
        }
        AwsError::NotConfigured(message) => Undelivered::Later(message),
        _ => Undelivered::Later("EventBridge could not be called".to_owned()),
    }
}

impl EventTarget for EventBus {
    fn send<'s>(&'s self, event: &'s Value) -> Sent<'s> {
        Box::pin(self.put(event))
    }
}
