//! The request of an HTTP Task: what the definition says, merged with what its connection adds.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use engine::TaskFailure;
use http::Request;
use runtime::HttpRequestSeen;
use serde_json::{Map, Value};

use super::connections::{Authorization, Connection};
use super::form::{append_pair, encode_form, text_of};
use super::parameters::HttpTask;
use crate::failure::task_failure;

/// What bytes of an answer are asked for: what fits into a payload.
const RANGE: &str = "bytes=0-262144";
const JSON: &str = "application/json; charset=UTF-8";

/// A request that is ready to be sent.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Outgoing {
    pub(super) method: &'static str,
    pub(super) url: String,
    pub(super) headers: Vec<(String, String)>,
    /// For the body, where no header says otherwise.
    default_content_type: bool,
    pub(super) body: Option<String>,
}

impl Outgoing {
    /// Merges a task with its connection, which wins where both give a value. `token` is the
    /// one that OAuth gave. Without a connection: what the definition alone would send.
    pub(super) fn assemble(
        task: &HttpTask,
        connection: Option<&Connection>,
        token: Option<&str>,
        region: &str,
    ) -> Result<Outgoing, TaskFailure> {
        let mut headers = task.headers.clone();
        let mut query = task.query.clone();
        let mut body = task.body.clone();
        if let Some(connection) = connection {
            if let Some((name, value)) = authorization(&connection.authorization, token) {
                put(&mut headers, [(name, value)], true);
            }
            put(&mut headers, connection.headers.iter().cloned(), true);
            put(&mut query, connection.query.iter().cloned(), false);
            body = merge_body(body, &connection.body)?;
        }
        let own = [
            ("User-Agent".to_owned(), format!("Amazon|StepFunctions|HttpInvoke|{region}")),
            ("Range".to_owned(), RANGE.to_owned()),
        ];
        put(&mut headers, own, true);
        let has_type = headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type"));
        let body = body.map(|body| match (body, task.form) {
            (Value::String(text), _) => text,
            (Value::Object(object), Some(format)) => encode_form(&object, format),
            (other, Some(_)) => text_of(&other),
            (other, None) => other.to_string(),
        });
        Ok(Outgoing {
            method: task.method,
            url: url(&task.endpoint, &query),
            headers,
            default_content_type: body.is_some() && !has_type,
            body,
        })
    }

    pub(super) fn to_http(&self) -> Result<Request<Bytes>, http::Error> {
        let mut builder = Request::builder().method(self.method).uri(&self.url);
        for (name, value) in &self.headers {
            builder = builder.header(name, value);
        }
        if self.default_content_type {
            builder = builder.header("Content-Type", JSON);
        }
        builder.body(Bytes::from(self.body.clone().unwrap_or_default()))
    }

    pub(super) fn protocol(&self) -> &str {
        self.url.split_once(':').map_or("https", |(scheme, _)| scheme)
    }

    /// As TestState shows it.
    pub(super) fn seen(&self) -> HttpRequestSeen {
        HttpRequestSeen {
            protocol: self.protocol().to_owned(),
            method: self.method.to_owned(),
            url: self.url.clone(),
            headers: list(self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()))),
            body: self.body.clone(),
        }
    }
}

/// Headers as TestState shows them: `[name: value, name: value]`.
pub(super) fn list<'h>(headers: impl Iterator<Item = (&'h str, &'h str)>) -> String {
    let headers: Vec<String> = headers.map(|(name, value)| format!("{name}: {value}")).collect();
    format!("[{}]", headers.join(", "))
}

fn authorization(authorization: &Authorization, token: Option<&str>) -> Option<(String, String)> {
    let header = |value| Some(("Authorization".to_owned(), value));
    match authorization {
        Authorization::None => None,
        Authorization::Basic { username, password } => {
            header(format!("Basic {}", BASE64.encode(format!("{username}:{password}"))))
        }
        Authorization::ApiKey { name, value } => Some((name.clone(), value.clone())),
        Authorization::OAuth(_) => header(format!("Bearer {}", token.unwrap_or_default())),
    }
}

/// Adds pairs in the place of those that have the same name.
fn put(
    pairs: &mut Vec<(String, String)>,
    added: impl IntoIterator<Item = (String, String)>,
    ignore_case: bool,
) {
    let added: Vec<(String, String)> = added.into_iter().collect();
    pairs.retain(|(name, _)| {
        !added.iter().any(|(other, _)| {
            if ignore_case { name.eq_ignore_ascii_case(other) } else { name == other }
        })
    });
    pairs.extend(added);
}

fn merge_body(
    body: Option<Value>,
    added: &[(String, String)],
) -> Result<Option<Value>, TaskFailure> {
    if added.is_empty() {
        return Ok(body);
    }
    let mut object = match body {
        None => Map::new(),
        Some(Value::Object(object)) => object,
        Some(_) => {
            return Err(task_failure(
                "States.Runtime",
                "The request body is not a JSON object, so that the body parameters of the \
                 connection cannot be merged into it",
            ));
        }
    };
    for (name, value) in added {
        object.insert(name.clone(), Value::from(value.clone()));
    }
    Ok(Some(Value::Object(object)))
}

fn url(endpoint: &str, query: &[(String, String)]) -> String {
    let mut text = String::new();
    for (name, value) in query {
        append_pair(&mut text, name, value);
    }
    match (text.is_empty(), endpoint.contains('?')) {
        (true, _) => endpoint.to_owned(),
        (false, false) => format!("{endpoint}?{text}"),
        (false, true) if endpoint.ends_with(['?', '&']) => format!("{endpoint}{text}"),
        (false, true) => format!("{endpoint}&{text}"),
    }
}

#[cfg(test)]
mod tests {
    use asl::Payload;
    use expect_test::{Expect, expect};
    use serde_json::json;

    use super::*;

    const ARN: &str = "arn:aws:events:us-east-1:123456789012:connection/c/1";

    fn connection(parts: [&[(&str, &str)]; 3]) -> Connection {
        let [headers, query, body] = parts.map(|part| {
            part.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        });
        let authorization =
            Authorization::ApiKey { name: "ApiKey".to_owned(), value: "key_value".to_owned() };
        Connection { authorization, headers, query, body }
    }

    /// Shows the request that goes out, and what the definition alone would send.
    fn check(mut parameters: Value, connection: &Connection, expected: &Expect) {
        let fields = parameters.as_object_mut().unwrap();
        fields.entry("Method").or_insert(json!("POST"));
        fields.entry("Authentication").or_insert(json!({ "ConnectionArn": ARN }));
        let allows = |host: &str, port: Option<u16>| host == "localhost" && port == Some(9000);
        let shown = match HttpTask::read(&Payload::from_value(parameters.clone()), &allows) {
            Err(failure) => failure.cause.unwrap().split(" Task: ").last().unwrap().to_owned(),
            Ok(task) => [Some(connection), None]
                .into_iter()
                .map(|connection| match Outgoing::assemble(&task, connection, None, "r") {
                    Err(failure) => failure.cause.unwrap().into(),
                    Ok(outgoing) => {
                        let request = outgoing.seen();
                        let body = request.body.as_deref().unwrap_or("no body");
                        let outgoing = outgoing.to_http().unwrap();
                        let content = outgoing.headers().get("content-type");
                        let content = content.map_or("", |content| content.to_str().unwrap());
                        format!(
                            "{} {} {}\n{} {content}\n{body}",
                            request.protocol, request.method, request.url, request.headers
                        )
                    }
                })
                .collect::<Vec<_>>()
                .join("\n"),
        };
        expected.assert_eq(&format!("{shown}\n"));
    }

    #[test]
    fn the_connection_wins() {
        check(
            json!({"ApiEndpoint": "https://example.com/path",
                "Headers": {"Request-Id": "my_request_id", "header-param": "state_machine_header_param"},
                "RequestBody": {"Job": "Software Engineer", "BodyParam": "state_machine_body_param"},
                "QueryParameters": {"QueryParam": "state_machine_query_param", "list": ["a b", 1], "none": null}}),
            &connection([
                &[("Header-Param", "connection_header_param")],
                &[("QueryParam", "connection_query_param")],
                &[("BodyParam", "connection_body_param"), ("New", "1")],
            ]),
            &expect![[r#"
                https POST https://example.com/path?list=a%20b&list=1&QueryParam=connection_query_param
                [Request-Id: my_request_id, ApiKey: key_value, Header-Param: connection_header_param, User-Agent: Amazon|StepFunctions|HttpInvoke|r, Range: bytes=0-262144] application/json; charset=UTF-8
                {"Job":"Software Engineer","BodyParam":"connection_body_param","New":"1"}
                https POST https://example.com/path?QueryParam=state_machine_query_param&list=a%20b&list=1
                [Request-Id: my_request_id, header-param: state_machine_header_param, User-Agent: Amazon|StepFunctions|HttpInvoke|r, Range: bytes=0-262144] application/json; charset=UTF-8
                {"Job":"Software Engineer","BodyParam":"state_machine_body_param"}
            "#]],
        );
    }

    #[test]
    fn bodies() {
        let none = connection([&[], &[], &[]]);
        let some = connection([&[], &[], &[("b", "2")]]);
        let endpoint = "https://example.com/?q=1";
        let form = json!({"RequestBodyEncoding": "URL_ENCODED", "RequestEncodingOptions": {"ArrayFormat": "COMMAS"}});
        check(
            json!({"ApiEndpoint": endpoint, "RequestBody": {"a": [1, 2]}, "Transform": form, "QueryParameters": {"r": "&"},
                "Headers": {"Content-Type": "application/x-www-form-urlencoded"}}),
            &some,
            &expect![[r#"
                https POST https://example.com/?q=1&r=%26
                [Content-Type: application/x-www-form-urlencoded, ApiKey: key_value, User-Agent: Amazon|StepFunctions|HttpInvoke|r, Range: bytes=0-262144] application/x-www-form-urlencoded
                a=1%2C2&b=2
                https POST https://example.com/?q=1&r=%26
                [Content-Type: application/x-www-form-urlencoded, User-Agent: Amazon|StepFunctions|HttpInvoke|r, Range: bytes=0-262144] application/x-www-form-urlencoded
                a=1%2C2
            "#]],
        );
        check(
            json!({"ApiEndpoint": endpoint, "RequestBody": "<soap/>", "Headers": {"content-type": "text/xml"}, "Method": "PUT"}),
            &some,
            &expect![[r#"
                The request body is not a JSON object, so that the body parameters of the connection cannot be merged into it
                https PUT https://example.com/?q=1
                [content-type: text/xml, User-Agent: Amazon|StepFunctions|HttpInvoke|r, Range: bytes=0-262144] text/xml
                <soap/>
            "#]],
        );
        check(
            json!({"ApiEndpoint": "http://localhost:9000", "Method": "GET"}),
            &none,
            &expect![[r#"
                http GET http://localhost:9000
                [ApiKey: key_value, User-Agent: Amazon|StepFunctions|HttpInvoke|r, Range: bytes=0-262144] 
                no body
                http GET http://localhost:9000
                [User-Agent: Amazon|StepFunctions|HttpInvoke|r, Range: bytes=0-262144] 
                no body
            "#]],
        );
    }

    #[test]
    fn wrong_parameters_are_named() {
        let none = connection([&[], &[], &[]]);
        let refused = |parameters, expected: &Expect| check(parameters, &none, expected);
        refused(
            json!({"Authentication": null, "Url": "https://x", "Method": "get"}),
            &expect![[r#"
                [The field "Url" is not supported by Step Functions, The field "ApiEndpoint" is required but was missing, The value of the field 'Method' has an invalid format, The field "InvocationConfig" is required but was missing]
            "#]],
        );
        refused(
            json!({"ApiEndpoint": "http://localhost:9001", "InvocationConfig": {"ConnectionArn": ARN}}),
            &expect![[r#"
                [The value of the field 'ApiEndpoint' has an invalid format: it must be an https URL, or its host must be in 'allow_http' of [http] in stepwell.toml, Only one of the fields 'Authentication' and 'InvocationConfig' may be given]
            "#]],
        );
        refused(
            json!({"ApiEndpoint": "https://me:secret@example.com", "Authentication": {"ConnectionArn": 1, "X": 1},
                "Headers": {"Authorization": "x", "X-Amzn-Trace-Id": "y", "a b": "z", "c": {}}, "QueryParameters": "a=b",
                "Transform": {"RequestBodyEncoding": "GZIP", "RequestEncodingOptions": {"ArrayFormat": "PIPES"}}}),
            &expect![[r#"
                [The value of the field 'ApiEndpoint' has an invalid format, The field "X" is not supported by Step Functions, The value of the field 'ConnectionArn' has an invalid format, The value of the field 'Headers' has an invalid format, The header "Authorization" is not supported by Step Functions, The header "X-Amzn-Trace-Id" is not supported by Step Functions, The value of the field 'Headers' has an invalid format, The value of the field 'QueryParameters' has an invalid format, The value of the field 'RequestEncodingOptions' has an invalid format]
            "#]],
        );
    }
}
