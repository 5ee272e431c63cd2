//! A stand-in for Lambda's Invoke API that gives the answers of a case.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use anyhow::Result;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::bindings::Bindings;
use crate::case::Service;
use crate::difference::equal;
use crate::text::to_text;

/// The calls that are still to come, and those that came unlooked-for.
pub(crate) struct Script {
    expected: Mutex<Vec<Service>>,
    surprises: Mutex<Vec<String>>,
    bindings: Arc<Bindings>,
}

impl Script {
    pub(crate) fn new(services: &[Service], bindings: Arc<Bindings>) -> Script {
        let expected = services.iter().filter(|call| call.service == "lambda").cloned().collect();
        Script { expected: Mutex::new(expected), surprises: Mutex::default(), bindings }
    }

    /// Calls that no entry of the case answers.
    pub(crate) fn surprises(&self) -> Vec<String> {
        self.surprises.lock().expect("nothing panics while it is held").clone()
    }

    /// The entry for a call: of those for the same function the first with the same payload, else
    /// the first, since payloads hold names that only this run knows.
    fn take(&self, function: &str, payload: &Value) -> Option<Service> {
        let mut expected = self.expected.lock().expect("nothing panics while it is held");
        let of_function = |call: &Service| {
            call.request["FunctionName"].as_str().map(last_part) == Some(last_part(function))
        };
        let same = |call: &Service| {
            let wanted = self.bindings.fill_value(&call.request["Payload"]);
            of_function(call) && wanted.is_ok_and(|wanted| equal(&wanted, payload))
        };
        let place = expected.iter().position(same).or(expected.iter().position(of_function));
        let call = place.map(|place| expected.remove(place))?;
        self.bindings.bind_value(&call.request["Payload"], payload);
        Some(call)
    }
}

/// Starts the stand-in; it ends when the handle is aborted.
pub(crate) async fn serve(script: Arc<Script>) -> Result<(SocketAddr, JoinHandle<()>)> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let task = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let script = script.clone();
            tokio::spawn(async move {
                let service = service_fn(|request| invoke(&script, request));
                // A client that goes away is no concern of the stand-in.
                let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
            });
        }
    });
    Ok((address, task))
}

async fn invoke(
    script: &Script,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let path = request.uri().path().to_owned();
    let function = path
        .strip_prefix("/2015-03-31/functions/")
        .and_then(|rest| rest.strip_suffix("/invocations"))
        .map(|name| name.replace("%3A", ":").replace("%24", "$"));
    let body = match request.into_body().collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) => return Ok(surprise(script, format!("{path}: {error}"))),
    };
    let Some(function) = function else {
        return Ok(surprise(script, format!("not a call of a function: {path}")));
    };
    let payload = serde_json::from_slice(&body).unwrap_or(Value::Null);
    match script.take(&function, &payload) {
        // The recording's function was ended by force while it ran.
        Some(call) if call.response["body"]["errorType"] == "Runtime.ExitError" => {
            std::future::pending().await
        }
        Some(call) => Ok(answer(&call.response, &script.bindings)),
        None => Ok(surprise(script, format!("function {function} is called with {payload}"))),
    }
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

fn surprise(script: &Script, what: String) -> Response<Full<Bytes>> {
    script.surprises.lock().expect("nothing panics while it is held").push(what);
    let response = Response::builder().status(404).header("x-amzn-errortype", "NotRecorded");
    response.body(Full::default()).expect("the parts are valid")
}

/// A function's name, from a name or an ARN, without qualifier.
fn last_part(function: &str) -> &str {
    let name = function.rsplit_once("function:").map_or(function, |(_, name)| name);
    name.split(':').next().unwrap_or(name)
}
