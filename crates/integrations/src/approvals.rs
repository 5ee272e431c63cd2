//! Tasks that ask a person: a task that waits for its token, and whose topic, queue, bus or
//! function the operator declared as an approval, posts a link to a webhook instead.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use asl::{Payload, Timestamp};
use bytes::Bytes;
use engine::TaskFailure;
use http::Request;
use runtime::TaskCall;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::client::HttpClient;
use crate::clock::{iso_8601, now_milliseconds};
use crate::config::check_endpoint;
use crate::failure::task_failure;
use crate::http_task::Secret;

/// The error of a task whose question could not be passed on.
const NOT_SENT: &str = "Stepwell.ApprovalNotSent";
/// How long the webhook may take.
const PATIENCE: Duration = Duration::from_secs(30);
const ANSWER_BYTES_MAX: usize = 64 * 1024;
/// Hours for which a link is good, by default and at most: a week, a year.
const LINK_HOURS: u64 = 7 * 24;
const LINK_HOURS_MAX: u64 = 366 * 24;

/// Members of parameters that name where a call goes.
const TARGETS: [&str; 6] =
    ["TopicArn", "QueueUrl", "FunctionName", "TargetArn", "StateMachineArn", "ApiEndpoint"];
/// Members of parameters that hold what is said.
const MESSAGES: [&str; 5] = ["Message", "MessageBody", "Payload", "Input", "RequestBody"];

/// What the operator says about approvals.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApprovalsConfig {
    /// What links begin with: the server's URL as people reach it.
    #[serde(default)]
    pub base_url: Option<String>,
    /// Topics, queues, buses, functions whose tasks with `.waitForTaskToken` ask a person instead
    /// of calling them; `*` stands for any text.
    #[serde(default)]
    pub targets: Vec<String>,
    /// Where questions are posted.
    #[serde(default)]
    pub webhook: Option<WebhookConfig>,
    /// Hours for which a link is good. Default 168.
    #[serde(default = "default_link_hours")]
    pub link_hours: u64,
}

/// Where questions are posted, as JSON.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebhookConfig {
    pub url: Secret,
    #[serde(default)]
    pub headers: BTreeMap<String, Secret>,
}

fn default_link_hours() -> u64 {
    LINK_HOURS
}

impl Default for ApprovalsConfig {
    fn default() -> ApprovalsConfig {
        ApprovalsConfig {
            base_url: None,
            targets: Vec::new(),
            webhook: None,
            link_hours: LINK_HOURS,
        }
    }
}

impl ApprovalsConfig {
    /// Makes relative files relative to `base` (the configuration file's place).
    pub fn resolve_paths(&mut self, base: &Path) {
        if let Some(webhook) = &mut self.webhook {
            webhook.url.resolve_path(base);
            webhook.headers.values_mut().for_each(|secret| secret.resolve_path(base));
        }
    }

    /// Everything that is wrong.
    pub fn check(&self) -> Vec<String> {
        let mut messages = Vec::new();
        if let Some(Err(message)) = self.base_url.as_deref().map(check_endpoint) {
            messages.push(format!("approvals: {}", message.replace("'endpoint'", "'base_url'")));
        }
        if !self.targets.is_empty() && (self.base_url.is_none() || self.webhook.is_none()) {
            messages.push("approvals: 'targets' needs a 'base_url' and a 'webhook'".to_owned());
        }
        if let Some(webhook) = &self.webhook {
            for name in webhook.headers.keys() {
                if http::HeaderName::from_bytes(name.as_bytes()).is_err() {
                    messages.push(format!("approvals: \"{name}\" is not the name of a header"));
                }
            }
        }
        if !(1..=LINK_HOURS_MAX).contains(&self.link_hours) {
            messages.push(format!(
                "approvals: 'link_hours' is {}, but goes from 1 to {LINK_HOURS_MAX}",
                self.link_hours
            ));
        }
        messages
    }
}

/// Asks people.
pub(crate) struct Approvals {
    client: HttpClient,
    config: ApprovalsConfig,
    environment: BTreeMap<String, String>,
}

impl Approvals {
    pub(crate) fn new(
        client: HttpClient,
        config: ApprovalsConfig,
        environment: BTreeMap<String, String>,
    ) -> Approvals {
        Approvals { client, config, environment }
    }

    /// Whether a call is an approval.
    pub(crate) fn serves(&self, call: &TaskCall) -> bool {
        if self.config.targets.is_empty()
            || call.dispatch.task_token.is_none()
            || !call.dispatch.resource.waits_for_task_token()
        {
            return false;
        }
        let parameters = call.dispatch.parameters.value();
        let named = TARGETS.iter().map(|name| &parameters[*name]);
        let buses = parameters["Entries"].as_array().into_iter().flatten();
        named
            .chain(buses.map(|entry| &entry["EventBusName"]))
            .filter_map(Value::as_str)
            .any(|target| self.config.targets.iter().any(|pattern| matches(pattern, target)))
    }

    /// Posts the question. The task then waits for its token.
    pub(crate) async fn run(&self, call: &TaskCall) -> Result<Payload, TaskFailure> {
        let not_sent = |reason: String| task_failure(NOT_SENT, reason);
        let token = call.dispatch.task_token.as_deref().unwrap_or_default();
        let message = message(call.dispatch.parameters.value(), token);
        let milliseconds = i64::try_from(self.config.link_hours * 3_600_000).unwrap_or(i64::MAX);
        let expires = now_milliseconds().saturating_add(milliseconds);
        let link = call.executions.approval_link(token, Timestamp(expires), &message);
        let link = link.ok_or_else(|| not_sent("There is no link for this task".to_owned()))?;
        let base = self.config.base_url.as_deref().unwrap_or_default().trim_end_matches('/');
        let question = json!({
            "url": format!("{base}/approve/{link}"),
            "expires": iso_8601(expires),
            "subject": call.dispatch.parameters.value().get("Subject"),
            "message": message,
            "state": &*call.dispatch.state_name,
            "executionArn": &*call.execution_arn,
        });
        let request = self.request(&question).map_err(not_sent)?;
        let sent = self.client.send(request, ANSWER_BYTES_MAX);
        let response = match tokio::time::timeout(PATIENCE, sent).await {
            Ok(response) => response.map_err(not_sent)?,
            Err(_) => return Err(not_sent("The webhook did not answer".to_owned())),
        };
        if !response.status().is_success() {
            return Err(not_sent(format!("The webhook answered {}", response.status().as_u16())));
        }
        Ok(Payload::from_value(json!({ "Expires": iso_8601(expires) })))
    }

    fn request(&self, question: &Value) -> Result<Request<Bytes>, String> {
        let webhook = self.config.webhook.as_ref().ok_or("there is no 'webhook' in [approvals]")?;
        let mut builder = Request::post(webhook.url.reveal(&self.environment)?)
            .header("Content-Type", "application/json")
            .header("User-Agent", concat!("Stepwell/", env!("CARGO_PKG_VERSION")));
        for (name, value) in &webhook.headers {
            builder = builder.header(name, value.reveal(&self.environment)?);
        }
        builder.body(Bytes::from(question.to_string())).map_err(|error| error.to_string())
    }
}

/// What is said to the person: a text as it is, anything else as JSON. The token is nobody's
/// business.
fn message(parameters: &Value, token: &str) -> String {
    let entry = parameters.pointer("/Entries/0/Detail");
    let said = MESSAGES.iter().find_map(|name| parameters.get(*name)).or(entry);
    let text = match said {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => match without_token(other, token) {
            // The only thing that is said is the text.
            Value::Object(members) if members.len() == 1 => {
                let only = members.values().next().cloned().unwrap_or_default();
                only.as_str().map_or_else(|| only.to_string(), str::to_owned)
            }
            other => serde_json::to_string_pretty(&other).unwrap_or_default(),
        },
    };
    if token.is_empty() { text } else { text.replace(token, "…") }
}

/// Leaves out members that are the token.
fn without_token(value: &Value, token: &str) -> Value {
    match value {
        Value::Object(members) => members
            .iter()
            .filter(|(_, value)| value.as_str() != Some(token))
            .map(|(name, value)| (name.clone(), without_token(value, token)))
            .collect(),
        Value::Array(items) => items.iter().map(|item| without_token(item, token)).collect(),
        other => other.clone(),
    }
}

/// Whether a text fits a pattern in which `*` stands for any text.
fn matches(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| text.strip_prefix(first)) else {
        return false;
    };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        assert!(matches(
            "arn:aws:sns:*:*:approvals",
            "arn:aws:sns:us-east-1:123456789012:approvals"
        ));
        assert!(!matches("arn:aws:sns:*:*:approvals", "arn:aws:sns:us-east-1:1:approvals-2"));
        assert!(matches("*", "") && matches("a*", "abc") && matches("*c", "abc"));
        assert!(!matches("a", "ab") && !matches("", "a") && matches("a*b*c", "aXbYc"));
    }

    #[test]
    fn messages_do_not_show_the_token() {
        let shown = |parameters: Value| message(&parameters, "TOKEN");
        assert_eq!(shown(json!({"Message": "Pay? TOKEN"})), "Pay? …");
        assert_eq!(shown(json!({"MessageBody": {"Text": "Pay?", "TaskToken": "TOKEN"}})), "Pay?");
        assert_eq!(
            shown(json!({"Payload": {"a": [1], "b": "x TOKEN", "t": "TOKEN"}})),
            "{\n  \"a\": [\n    1\n  ],\n  \"b\": \"x …\"\n}"
        );
        assert_eq!(shown(json!({"Entries": [{"Detail": {"q": 1}}]})), "1");
        assert_eq!(shown(json!({})), "");
    }

    #[test]
    fn configurations_are_checked() {
        let check = |config: Value| {
            serde_json::from_value::<ApprovalsConfig>(config).map(|config| config.check()).unwrap()
        };
        assert_eq!(check(json!({})), [""; 0]);
        assert_eq!(
            check(json!({"targets": ["*"], "base_url": "stepwell", "link_hours": 0,
                "webhook": {"url": {"env": "HOOK"}, "headers": {"a b": "c"}}})),
            [
                "approvals: 'base_url' is \"stepwell\", but must begin with http:// or https://",
                "approvals: \"a b\" is not the name of a header",
                "approvals: 'link_hours' is 0, but goes from 1 to 8784"
            ]
        );
        assert_eq!(
            check(json!({"targets": ["*"]})),
            ["approvals: 'targets' needs a 'base_url' and a 'webhook'"]
        );
    }
}
