//! Answers of functions: Lambda's Invoke has headers and bodies that say more than its model.

use bytes::Bytes;
use http::Response;
use http_body_util::Full;
use serde_json::{Value, json};

use crate::answers;
use crate::bindings::Bindings;
use crate::case::Service;
use crate::difference::equal;
use crate::services::Script;
use crate::text::to_text;

/// Answers a call of Invoke.
pub(crate) async fn invoke(script: &Script, path: &str, body: &Bytes) -> Response<Full<Bytes>> {
    let function = path
        .strip_prefix("/2015-03-31/functions/")
        .and_then(|rest| rest.strip_suffix("/invocations"))
        .map(|name| name.replace("%3A", ":").replace("%24", "$"))
        .unwrap_or_default();
    let payload = serde_json::from_slice(body).unwrap_or(Value::Null);
    let is_of = |call: &Service| {
        let wanted = call.request["FunctionName"].as_str().map(last_part);
        call.service == "lambda" && wanted == Some(last_part(&function))
    };
    let is_same = |call: &Service| {
        let wanted = script.bindings.fill_value(&call.request["Payload"]);
        wanted.is_ok_and(|wanted| equal(&wanted, &payload))
    };
    let Some(call) = script.take(&is_of, &is_same) else {
        script.note_surprise(format!("function {function} is called with {payload}"));
        return answers::nothing();
    };
    script.bindings.bind_value(&call.request["Payload"], &payload);
    // The recording's function was ended by force while it ran.
    if call.response["body"]["errorType"] == "Runtime.ExitError" {
        return std::future::pending().await;
    }
    answer(&call.response, &script.bindings)
}

fn answer(recorded: &Value, bindings: &Bindings) -> Response<Full<Bytes>> {
    let recorded = bindings.fill_value(recorded).unwrap_or_else(|_| recorded.clone());
    let status = recorded["status"].as_u64().and_then(|status| u16::try_from(status).ok());
    let mut response = Response::builder().status(status.unwrap_or(200));
    let error = &recorded["error"];
    if let Some(code) = error["code"].as_str() {
        let body = json!({"Type": "User", "Message": error["message"]}).to_string();
        return response
            .header("x-amzn-errortype", code)
            .header("content-type", "application/json")
            .body(Full::new(body.into()))
            .expect("the parts are valid");
    }
    response = response.header("x-amz-executed-version", "$LATEST");
    for (name, value) in recorded["headers"].as_object().into_iter().flatten() {
        response = response.header(name, value.as_str().unwrap_or_default());
    }
    let body = match recorded["body"]["$text"].as_str() {
        Some(text) => text.to_owned(),
        None => to_text(&recorded["body"]),
    };
    response.body(Full::new(body.into())).expect("the parts are valid")
}

/// A function's name, from a name or an ARN, without qualifier.
fn last_part(function: &str) -> &str {
    let name = function.rsplit_once("function:").map_or(function, |(_, name)| name);
    name.split(':').next().unwrap_or(name)
}
