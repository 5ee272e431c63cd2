//! A stand-in for every service that a case's tasks call: it takes requests in the service's own
//! protocol, finds the answer that the case has for them, and writes it in that protocol.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use anyhow::Result;
use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use integrations::aws::{WireRequest, serialize, service_spelling};
use serde_json::Value;
use service_models::{Location, Member, Operation, Protocol, Service as Model};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::bindings::Bindings;
use crate::buckets::Buckets;
use crate::case::{Case, Service};
use crate::difference::equal;
use crate::{answers, lambda};

/// The calls that are still to come, and those that came unlooked-for.
pub(crate) struct Script {
    expected: Mutex<Vec<Service>>,
    surprises: Mutex<Vec<String>>,
    buckets: Buckets,
    pub(crate) bindings: Arc<Bindings>,
}

impl Script {
    pub(crate) fn new(case: &Case, bindings: Arc<Bindings>) -> Script {
        Script {
            expected: Mutex::new(case.services.clone()),
            surprises: Mutex::default(),
            buckets: Buckets::of(&case.surroundings),
            bindings,
        }
    }

    /// Whether there is an entry for the very call.
    fn has(&self, is_same: &dyn Fn(&Service) -> bool) -> bool {
        self.expected.lock().expect("nothing panics while it is held").iter().any(is_same)
    }

    /// Calls that no entry of the case answers.
    pub(crate) fn surprises(&self) -> Vec<String> {
        self.surprises.lock().expect("nothing panics while it is held").clone()
    }

    pub(crate) fn note_surprise(&self, what: String) {
        self.surprises.lock().expect("nothing panics while it is held").push(what);
    }

    /// The entry for a call: of those that `is_of` is about the first whose request is the same,
    /// else the first, since requests hold names that only this run knows.
    pub(crate) fn take(
        &self,
        is_of: &dyn Fn(&Service) -> bool,
        is_same: &dyn Fn(&Service) -> bool,
    ) -> Option<Service> {
        let mut expected = self.expected.lock().expect("nothing panics while it is held");
        let place = expected
            .iter()
            .position(|call| is_of(call) && is_same(call))
            .or_else(|| expected.iter().position(is_of))?;
        Some(expected.remove(place))
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
                let service = service_fn(|request| answer(&script, request));
                // A client that goes away is no concern of the stand-in.
                let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
            });
        }
    });
    Ok((address, task))
}

async fn answer(
    script: &Script,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let body = match body.collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) => {
            script.note_surprise(format!("{}: {error}", head.uri));
            return Ok(answers::nothing());
        }
    };
    let path = head.uri.path().to_owned();
    if path.starts_with("/2015-03-31/functions/") && path.ends_with("/invocations") {
        return Ok(lambda::invoke(script, &path, &body).await);
    }
    let request = Received {
        method: head.method.to_string(),
        path,
        query: head.uri.query().unwrap_or_default().to_owned(),
        headers: head.headers,
        body,
    };
    let Some((model, operation)) = request.operation() else {
        script.note_surprise(format!("not a call of a known service: {}", request.path));
        return Ok(answers::nothing());
    };
    Ok(request.answer(script, model, operation))
}

/// A request as it came.
struct Received {
    method: String,
    path: String,
    query: String,
    headers: HeaderMap,
    body: Bytes,
}

impl Received {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The service that the signature is made for, and the operation.
    fn operation(&self) -> Option<(&'static Model, &'static Operation)> {
        let scope = self.header("authorization").split_once("Credential=")?.1;
        let name = scope.split('/').nth(3)?;
        let mut models = service_models::services()
            .filter(|entry| entry.is_offered)
            .map(service_models::ServiceEntry::service)
            .filter(|model| &*model.signing_name == name);
        models.find_map(|model| Some((model, self.operation_of(model)?)))
    }

    fn operation_of(&self, model: &'static Model) -> Option<&'static Operation> {
        match model.protocol {
            Protocol::Json => {
                let (prefix, name) = self.header("x-amz-target").rsplit_once('.')?;
                (model.target_prefix.as_deref() == Some(prefix)).then(|| model.operation(name))?
            }
            Protocol::Query | Protocol::Ec2 => {
                let form = form(&String::from_utf8_lossy(&self.body));
                let action = form.iter().find(|(name, _)| name == "Action")?;
                model.operation(&action.1)
            }
            Protocol::RestJson | Protocol::RestXml => {
                let mut found: Vec<&Operation> =
                    model.operations.iter().filter(|it| self.is_to(model, it)).collect();
                // The most special address.
                found.sort_by_key(|it| (it.uri.len(), required_in_query(model, it).count()));
                found.pop()
            }
            Protocol::Cbor => None,
        }
    }

    /// Whether method, path and the fixed part of the query are those of an operation.
    fn is_to(&self, model: &Model, operation: &Operation) -> bool {
        let (path, query) = operation.uri.split_once('?').unwrap_or((&operation.uri, ""));
        let mut given = self.path.split('/').filter(|part| !part.is_empty()).peekable();
        for part in path.split('/').filter(|part| !part.is_empty()) {
            let Some(value) = given.next() else { return false };
            if part.ends_with("+}") {
                while given.next().is_some() {}
            } else if !part.starts_with('{') && part != value {
                return false;
            }
        }
        let ours = form(&self.query);
        *self.method == *operation.method
            && given.next().is_none()
            && form(query).iter().all(|pair| ours.contains(pair))
            && required_in_query(model, operation)
                .all(|wanted| ours.iter().any(|(name, _)| name == wanted))
    }

    fn answer(
        &self,
        script: &Script,
        model: &'static Model,
        operation: &'static Operation,
    ) -> Response<Full<Bytes>> {
        let bindings = &script.bindings;
        if let Some(stored) = self.stored(script, model, operation) {
            return stored;
        }
        if let Some(refusal) = answers::refusal(model, operation, &self.body) {
            return refusal;
        }
        let is_of = |call: &Service| {
            let is_service = *call.service == *model.folder || *call.service == *model.id;
            // What it is to answer may be known later only.
            let known = model.folder.as_ref() != "sqs"
                || *operation.name != *"ReceiveMessage"
                || !bindings.fill(&call.response.to_string()).contains("{{task-token");
            is_service && *call.operation == *operation.name && known
        };
        let wire_of = |call: &Service| {
            let filled = bindings.fill_value(&call.request).ok()?;
            wire(model, operation, &filled)
        };
        let is_same = |call: &Service| wire_of(call).is_some_and(|wire| self.is(model, &wire));
        let Some(call) = script.take(&is_of, &is_same) else {
            if *operation.name == *"ReceiveMessage" {
                return answers::success(model, operation, &Value::Object(Default::default()));
            }
            script.note_surprise(format!(
                "{} {} is called with {} {} {}",
                model.id,
                operation.name,
                self.path,
                self.query,
                String::from_utf8_lossy(&self.body)
            ));
            return answers::nothing();
        };
        if let Some(template) = wire(model, operation, &call.request) {
            self.bind(model, &template, bindings);
        }
        let recorded = bindings.fill_value(&call.response).unwrap_or(call.response);
        let recorded = answers::complete(recorded, model, operation, &self.body);
        answers::write(model, operation, &recorded)
    }

    /// The answer of the case's buckets, where the case has none of its own.
    fn stored(
        &self,
        script: &Script,
        model: &'static Model,
        operation: &'static Operation,
    ) -> Option<Response<Full<Bytes>>> {
        if &*model.folder != "s3" {
            return None;
        }
        let wire_of = |call: &Service| {
            let is_of = *call.service == *model.folder && *call.operation == *operation.name;
            is_of.then(|| wire(model, operation, &call.request)).flatten()
        };
        let is_same = |call: &Service| wire_of(call).is_some_and(|wire| self.is(model, &wire));
        if script.has(&is_same) {
            return None;
        }
        let path = decode(&self.path);
        // A name of this run may stand in the key, though the body differs.
        script.has(&|call: &Service| {
            wire_of(call)
                .is_some_and(|template| script.bindings.bind(&decode(&template.path), &path))
        });
        script.buckets.answer(&operation.name, &path, &self.body)
    }

    /// Whether this is the very request, but for the spelling of its body.
    fn is(&self, model: &Model, wire: &WireRequest) -> bool {
        let query: Vec<(String, String)> = wire.query.clone();
        self.path == wire.path
            && form(&self.query) == query
            && equal(&structured(model, &self.body), &structured(model, &wire.body))
    }

    /// Notes the values of names that stand in the recorded request.
    fn bind(&self, model: &Model, template: &WireRequest, bindings: &Bindings) {
        bindings.bind(&template.path.replace("%7B", "{").replace("%7D", "}"), &self.path);
        bind_texts(&structured(model, &template.body), &structured(model, &self.body), bindings);
    }
}

/// The parts of the query that an operation must be given.
fn required_in_query<'m>(
    model: &'m Model,
    operation: &'m Operation,
) -> impl Iterator<Item = &'m str> {
    let shape = operation.input.as_ref().map(|input| model.shape(input));
    shape.into_iter().flat_map(|shape| {
        let members = shape.required().filter_map(|name| shape.member(name));
        let in_query = |member: &&Member| member.reference.location == Some(Location::QueryString);
        members.filter(in_query).map(Member::wire_name)
    })
}

/// The recorded request as our own client writes it.
fn wire(model: &Model, operation: &Operation, request: &Value) -> Option<WireRequest> {
    let input = service_spelling(model, operation, request, true).ok()?;
    serialize(model, operation, &input, None, "token").ok()
}

/// A body as a value that can be compared.
fn structured(model: &Model, body: &Bytes) -> Value {
    let text = String::from_utf8_lossy(body);
    match model.protocol {
        Protocol::Query | Protocol::Ec2 => {
            form(&text).into_iter().map(|(name, value)| (name, Value::String(value))).collect()
        }
        _ => serde_json::from_str(&text).unwrap_or_else(|_| text.into_owned().into()),
    }
}

/// Binds at every text; where both texts are JSON, inside of it, since keys have no order.
fn bind_texts(template: &Value, actual: &Value, bindings: &Bindings) {
    match (template, actual) {
        (Value::String(template), Value::String(actual)) if template.contains("{{") => {
            let inside = |text: &str| serde_json::from_str::<Value>(text).ok();
            match (inside(template), inside(actual)) {
                (Some(template), Some(actual)) => bind_texts(&template, &actual, bindings),
                _ => _ = bindings.bind(template, actual),
            }
        }
        (Value::Array(templates), Value::Array(actual)) => {
            for (template, actual) in templates.iter().zip(actual) {
                bind_texts(template, actual, bindings);
            }
        }
        (Value::Object(templates), Value::Object(actual)) => {
            for (name, template) in templates {
                if let Some(actual) = actual.get(name) {
                    bind_texts(template, actual, bindings);
                }
            }
        }
        _ => {}
    }
}

/// Names and values of a form or a query.
fn form(text: &str) -> Vec<(String, String)> {
    let pairs = text.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(name), decode(value))
        })
        .collect()
}

fn decode(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        let code = rest.get(..2).filter(|_| *first == b'%');
        let code = code.and_then(|code| std::str::from_utf8(code).ok());
        match code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &rest[2..];
            }
            None => bytes.push(if *first == b'+' { b' ' } else { *first }),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
