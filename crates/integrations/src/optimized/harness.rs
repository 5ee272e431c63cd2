//! `bedrockagentcore:invokeHarness`: an agent's answer comes as a stream of events, and is shown
//! as one answer, in the shape of Bedrock's Converse: the last turn of the assistant, its texts
//! only; tokens and times of all turns together.

use std::collections::BTreeMap;
use std::time::Duration;

use asl::Payload;
use bytes::Bytes;
use engine::TaskFailure;
use runtime::TaskCall;
use serde_json::{Value, json};
use service_models::exception_name;

use super::{Optimized, context, not_supported, operation, request_token};
use crate::aws::event_stream::{self, StreamEvent};
use crate::aws::{AwsCall, AwsError, CallContext};
use crate::failure::task_failure;

/// A task may take no longer, whatever its `TimeoutSeconds` (AWS).
const LONGEST: Duration = Duration::from_secs(900);

/// Whether an action is done here.
pub(super) fn knows(service: &str, action: &str) -> bool {
    service == "bedrockagentcore" && action == "invokeHarness"
}

impl Optimized {
    pub(super) async fn invoke_harness(&self, call: &TaskCall) -> Result<Payload, TaskFailure> {
        let given = &call.dispatch.parameters;
        let mut parameters = given.value().clone();
        if let Value::Object(parameters) = &mut parameters {
            // Without a session the invocation is a conversation of its own.
            let session = parameters.entry("RuntimeSessionId").or_insert(Value::Null);
            if session.is_null() {
                *session = Value::from(request_token(call));
            }
        }
        let service =
            service_models::find("bedrockagentcore").ok_or_else(|| not_supported(call))?;
        let operation = operation(service, "InvokeHarness", call)?;
        let context = CallContext { timeout: Some(LONGEST), ..context(call) };
        let aws = AwsCall { service, operation, parameters: &parameters, payload: None, context };
        let answer = tokio::time::timeout(LONGEST, self.client.call(&aws)).await;
        let answer = answer
            .map_err(|_| TaskFailure { error: Some("States.Timeout".into()), cause: None })?
            .map_err(|error: AwsError| error.into_failure(given.text()))?;
        let prefix = &*service.prefix;
        let events = event_stream::parse(answer.payload.unwrap_or_default()).map_err(|reason| {
            let cause = format!("Unable to unmarshall response ({reason})");
            task_failure(format!("{prefix}.SdkClientException"), cause)
        })?;
        let mut conversation = Conversation::default();
        for event in events {
            if event.message_type != "event" {
                return Err(failure(prefix, &event, &answer.request_id));
            }
            conversation.add(&event.name, &event.payload);
        }
        Ok(Payload::from_value(conversation.output()))
    }
}

/// A stream that ended in an exception.
fn failure(prefix: &str, event: &StreamEvent, request_id: &str) -> TaskFailure {
    let exception = match event.message_type.as_str() {
        "exception" => exception_name(&event.name),
        _ => format!("{prefix}Exception"),
    };
    let body: Value = serde_json::from_slice(&event.payload).unwrap_or(Value::Null);
    let message = body["message"].as_str().or(event.message.as_deref()).unwrap_or("null");
    task_failure(
        format!("{prefix}.{exception}"),
        format!("{message} (Service: {prefix}, Status Code: 200, Request ID: {request_id})"),
    )
}

/// What the events have told so far.
#[derive(Default)]
struct Conversation {
    /// The texts of the last turn of the assistant, by the index of their block.
    texts: BTreeMap<i64, String>,
    is_assistant: bool,
    stop_reason: Option<Value>,
    /// Input, output, all.
    tokens: [i64; 3],
    latency_milliseconds: i64,
}

impl Conversation {
    fn add(&mut self, name: &str, payload: &Bytes) {
        let event: Value = serde_json::from_slice(payload).unwrap_or(Value::Null);
        match name {
            "messageStart" => {
                self.is_assistant = event["role"] == "assistant";
                if self.is_assistant {
                    self.texts.clear();
                }
            }
            "contentBlockDelta" if self.is_assistant => {
                if let Some(text) = event["delta"]["text"].as_str() {
                    let index = event["contentBlockIndex"].as_i64().unwrap_or(0);
                    self.texts.entry(index).or_default().push_str(text);
                }
            }
            "messageStop" if self.is_assistant => {
                self.stop_reason = event.get("stopReason").cloned();
            }
            "metadata" => {
                let names = ["inputTokens", "outputTokens", "totalTokens"];
                for (sum, name) in self.tokens.iter_mut().zip(names) {
                    *sum += event["usage"][name].as_i64().unwrap_or(0);
                }
                self.latency_milliseconds += event["metrics"]["latencyMs"].as_i64().unwrap_or(0);
            }
            _ => {}
        }
    }

    fn output(self) -> Value {
        let texts = self.texts.into_values().filter(|text| !text.is_empty());
        let content: Vec<Value> = texts.map(|text| json!({ "Text": text })).collect();
        let [input, output, total] = self.tokens;
        json!({
            "Metrics": { "LatencyMs": self.latency_milliseconds },
            "Output": { "Message": { "Content": content, "Role": "assistant" } },
            "StopReason": self.stop_reason,
            "Usage": { "InputTokens": input, "OutputTokens": output, "TotalTokens": total },
        })
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    #[test]
    fn the_last_turn_of_the_assistant_is_the_answer() {
        let mut conversation = Conversation::default();
        let events = [
            ("messageStart", json!({"role": "assistant"})),
            (
                "contentBlockDelta",
                json!({"contentBlockIndex": 0, "delta": {"text": "Let me look."}}),
            ),
            ("contentBlockStart", json!({"contentBlockIndex": 1, "start": {"toolUse": {}}})),
            (
                "contentBlockDelta",
                json!({"contentBlockIndex": 1, "delta": {"toolUse": {"input": "{"}}}),
            ),
            ("messageStop", json!({"stopReason": "tool_use"})),
            (
                "metadata",
                json!({"usage": {"inputTokens": 10, "outputTokens": 5, "totalTokens": 15}, "metrics": {"latencyMs": 700}}),
            ),
            ("messageStart", json!({"role": "user"})),
            (
                "contentBlockDelta",
                json!({"contentBlockIndex": 0, "delta": {"toolResult": [{"text": "42"}]}}),
            ),
            ("messageStop", json!({"stopReason": "tool_result"})),
            ("hookEvent", json!({"name": "h"})),
            ("messageStart", json!({"role": "assistant"})),
            (
                "contentBlockDelta",
                json!({"contentBlockIndex": 0, "delta": {"reasoningContent": {"text": "hm"}}}),
            ),
            ("contentBlockDelta", json!({"contentBlockIndex": 1, "delta": {"text": "It is "}})),
            ("contentBlockDelta", json!({"contentBlockIndex": 1, "delta": {"text": "42."}})),
            ("messageStop", json!({"stopReason": "end_turn"})),
            (
                "metadata",
                json!({"usage": {"inputTokens": 30, "outputTokens": 6, "totalTokens": 36}, "metrics": {"latencyMs": 300}}),
            ),
        ];
        for (name, event) in events {
            conversation.add(name, &Bytes::from(event.to_string()));
        }
        expect![[r#"{"Metrics":{"LatencyMs":1000},"Output":{"Message":{"Content":[{"Text":"It is 42."}],"Role":"assistant"}},"StopReason":"end_turn","Usage":{"InputTokens":40,"OutputTokens":11,"TotalTokens":51}}"#]]
            .assert_eq(&conversation.output().to_string());
    }
}
