//! `apigateway:invoke`: calls of REST and HTTP APIs behind API Gateway, or of anything that
//! serves HTTP in its place.

use std::collections::BTreeMap;
use std::time::Duration;

use asl::Payload;
use aws_credential_types::Credentials;
use bytes::Bytes;
use engine::TaskFailure;
use engine::limits::PAYLOAD_BYTES_MAX;
use http::{Request, Response, Uri};
use runtime::TaskCall;
use serde_json::{Map, Value, json};

use crate::aws::AwsClient;
use crate::client::{HttpClient, SendError};
use crate::credentials::dummy_credentials;
use crate::failure::{NOT_CONFIGURED, bad_parameters, task_failure};
use crate::http_task::form::{append_pair, repair_url, text_of};
use crate::http_task::{HttpConfig, body_value, status_text};
use crate::sign::sign_request;

const FIELDS: [&str; 9] = [
    "AllowNullValues",
    "ApiEndpoint",
    "AuthType",
    "Headers",
    "Method",
    "Path",
    "QueryParameters",
    "RequestBody",
    "Stage",
];
const METHODS: [&str; 7] = ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"];
const METHODS_WITH_BODY: [&str; 3] = ["PATCH", "POST", "PUT"];
const AUTH_TYPES: [&str; 3] = ["NO_AUTH", "IAM_ROLE", "RESOURCE_POLICY"];

/// Headers that a definition may not give, in lower case.
const FORBIDDEN: [&str; 15] = [
    "authorization",
    "connection",
    "content-length",
    "content-md5",
    "expect",
    "host",
    "max-forwards",
    "proxy-authenticate",
    "server",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "via",
    "www-authenticate",
];
const FORBIDDEN_PREFIXES: [&str; 2] = ["x-forwarded", "x-amz"];

/// Headers of answers whose spelling is not each word in capitals.
const SPELLINGS: [&str; 5] =
    ["x-amz-apigw-id", "x-amzn-RequestId", "x-amz-cf-id", "x-amz-cf-pop", "ETag"];

/// What a definition asks for.
#[derive(Debug)]
struct Invocation {
    /// Without the scheme: host, stage and path.
    place: String,
    method: &'static str,
    headers: Vec<(String, String)>,
    query: String,
    body: Option<String>,
    is_signed: bool,
}

/// Calls of APIs.
pub(crate) struct ApiGateway {
    client: HttpClient,
    config: HttpConfig,
    aws: AwsClient,
}

impl ApiGateway {
    pub(crate) fn new(client: HttpClient, config: HttpConfig, aws: AwsClient) -> ApiGateway {
        ApiGateway { client, config, aws }
    }

    /// The work of `arn:aws:states:::apigateway:invoke`.
    pub(crate) async fn run(&self, call: &TaskCall) -> Result<Payload, TaskFailure> {
        let invocation = Invocation::read(&call.dispatch.parameters)?;
        let credentials = self.aws.signing_credentials(call, "ApiGateway").await?;
        let is_open = credentials.is_some() || self.aws.is_routed_to_aws(call);
        let request = self
            .request(&invocation, &call.region, credentials)
            .map_err(|problem| bad_parameters(call.dispatch.parameters.text(), &[problem]))?;
        let host = request.uri().host().unwrap_or_default();
        if !is_open && !self.config.allows(host, request.uri().port_u16()) {
            return Err(nowhere_to_go(host));
        }
        let patience = Duration::from_secs(self.config.timeout_seconds);
        let response = self.client.exchange(request, PAYLOAD_BYTES_MAX);
        let response = match tokio::time::timeout(patience, response).await {
            Err(_) => Err(SendError::Failed("Read timed out".to_owned())),
            Ok(response) => response,
        };
        match response {
            Ok(response) => output(&response),
            Err(SendError::TooLarge) => Err(task_failure(
                "States.DataLimitExceeded",
                "The state/task 'apigateway' returned a result with a size exceeding the maximum \
                 number of bytes service limit.",
            )),
            Err(SendError::Failed(reason)) => Err(task_failure(
                "ApiGateway.SdkClientException",
                format!("Unable to execute HTTP request: {reason}"),
            )),
        }
    }

    fn request(
        &self,
        invocation: &Invocation,
        region: &str,
        credentials: Option<Credentials>,
    ) -> Result<Request<Bytes>, String> {
        let invalid = "The value of the field 'ApiEndpoint' has an invalid format";
        let https = format!("https://{}", invocation.place);
        let uri: Uri = https.parse().map_err(|_| invalid.to_owned())?;
        let host = uri.host().filter(|host| !host.is_empty() && !https.contains('@'));
        let host = host.ok_or_else(|| invalid.to_owned())?;
        let scheme = match self.config.allows(host, uri.port_u16()) {
            true => "http",
            false => "https",
        };
        let mut url = format!("{scheme}://{}", invocation.place);
        if !invocation.query.is_empty() {
            url.push('?');
            url.push_str(&invocation.query);
        }
        let authority = uri.authority().map(ToString::to_string).unwrap_or_default();
        let mut builder =
            Request::builder().method(invocation.method).uri(url).header("host", authority);
        for (name, value) in &invocation.headers {
            builder = builder.header(name, value);
        }
        let body = Bytes::from(invocation.body.clone().unwrap_or_default());
        let mut request = builder.body(body).map_err(|_| invalid.to_owned())?;
        if invocation.is_signed {
            let credentials = credentials.unwrap_or_else(dummy_credentials);
            let region = region_of(host).unwrap_or(region);
            sign_request(&mut request, credentials, region, "execute-api")?;
        }
        Ok(request)
    }
}

/// The failure of a task whose host nobody has said may be called.
fn nowhere_to_go(host: &str) -> TaskFailure {
    let cause = format!(
        "Nothing says that '{host}' may be called. Give AWS credentials (AWS_ACCESS_KEY_ID and \
         AWS_SECRET_ACCESS_KEY, or AWS_PROFILE), list the host in 'allow_http' of [http] in \
         stepwell.toml if it is this machine's, or add a route for 'apigateway:invoke'"
    );
    task_failure(NOT_CONFIGURED, cause)
}

/// The region in `<id>.execute-api.<region>.amazonaws.com`.
fn region_of(host: &str) -> Option<&str> {
    host.split_once(".execute-api.")?.1.split('.').next()
}

impl Invocation {
    fn read(parameters: &Payload) -> Result<Invocation, TaskFailure> {
        let empty = Map::new();
        let fields = parameters.value().as_object().unwrap_or(&empty);
        let mut reader = Reader { fields, problems: Vec::new() };
        for name in fields.keys().filter(|name| !FIELDS.contains(&name.as_str())) {
            let problem = format!("The field \"{name}\" is not supported by Step Functions");
            reader.problems.push(problem);
        }
        for name in ["ApiEndpoint", "Method"] {
            if reader.field(name).is_none() {
                let problem = format!("The field \"{name}\" is required but was missing");
                reader.problems.push(problem);
            }
        }
        let method = reader.one_of("Method", &METHODS).unwrap_or("");
        let mut headers = reader.pairs("Headers");
        reader.check_headers(&headers);
        let mut query = String::new();
        for (name, value) in reader.pairs("QueryParameters") {
            append_pair(&mut query, &name, &value);
        }
        let body = reader.body(method);
        if body.is_some()
            && !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type"))
        {
            headers.push(("Content-Type".to_owned(), "application/json".to_owned()));
        }
        let invocation = Invocation {
            place: reader.place(),
            method,
            headers,
            query,
            body,
            is_signed: reader.one_of("AuthType", &AUTH_TYPES).is_some_and(|kind| kind != "NO_AUTH"),
        };
        match reader.problems.as_slice() {
            [] => Ok(invocation),
            problems => Err(bad_parameters(parameters.text(), problems)),
        }
    }
}

struct Reader<'p> {
    fields: &'p Map<String, Value>,
    problems: Vec<String>,
}

impl<'p> Reader<'p> {
    fn field(&self, name: &str) -> Option<&'p Value> {
        self.fields.get(name).filter(|value| !value.is_null())
    }

    fn invalid(&mut self, name: &str) {
        self.problems.push(format!("The value of the field '{name}' has an invalid format"));
    }

    fn text(&mut self, name: &str) -> Option<&'p str> {
        let given = self.field(name)?;
        if given.as_str().is_none() {
            self.invalid(name);
        }
        given.as_str()
    }

    fn one_of(&mut self, name: &str, allowed: &[&'static str]) -> Option<&'static str> {
        let given = self.field(name)?;
        let found = allowed.iter().copied().find(|allowed| given.as_str() == Some(allowed));
        if found.is_none() {
            self.invalid(name);
        }
        found
    }

    /// Host, stage and path.
    fn place(&mut self) -> String {
        let mut place =
            self.text("ApiEndpoint").unwrap_or_default().trim_end_matches('/').to_owned();
        if place.contains("://") {
            self.invalid("ApiEndpoint");
        }
        for name in ["Stage", "Path"] {
            if let Some(part) = self.text(name).map(|part| part.trim_start_matches('/'))
                && !part.is_empty()
            {
                place.push('/');
                place.push_str(part);
            }
        }
        repair_url(&place)
    }

    /// Names with their values, which stand in arrays.
    fn pairs(&mut self, name: &str) -> Vec<(String, String)> {
        let Some(given) = self.field(name) else { return Vec::new() };
        let is_text = |item: &Value| item.is_string() || item.is_number() || item.is_boolean();
        let are_lists = given.as_object().is_some_and(|object| {
            object
                .values()
                .all(|values| values.as_array().is_some_and(|values| values.iter().all(is_text)))
        });
        if !are_lists {
            self.invalid(name);
            return Vec::new();
        }
        let pairs = given.as_object().into_iter().flatten().flat_map(|(key, values)| {
            let values = values.as_array().into_iter().flatten();
            values.map(move |value| (key.clone(), text_of(value)))
        });
        pairs.collect()
    }

    fn check_headers(&mut self, headers: &[(String, String)]) {
        for (name, value) in headers {
            let lower = name.to_ascii_lowercase();
            if FORBIDDEN.contains(&lower.as_str())
                || FORBIDDEN_PREFIXES.iter().any(|prefix| lower.starts_with(prefix))
            {
                let problem = format!("The header \"{name}\" is not supported by Step Functions");
                self.problems.push(problem);
            } else if http::HeaderName::from_bytes(name.as_bytes()).is_err()
                || http::HeaderValue::from_str(value).is_err()
            {
                self.invalid("Headers");
            }
        }
    }

    fn body(&mut self, method: &str) -> Option<String> {
        let keeps_nulls = match self.field("AllowNullValues") {
            None => false,
            Some(Value::Bool(keeps)) => *keeps,
            Some(_) => {
                self.invalid("AllowNullValues");
                false
            }
        };
        // For other methods it is not sent.
        let body = self.field("RequestBody").filter(|_| METHODS_WITH_BODY.contains(&method))?;
        Some(match body {
            Value::String(text) => text.clone(),
            body if keeps_nulls => body.to_string(),
            body => without_nulls(body).to_string(),
        })
    }
}

/// Leaves members out that are null, at any depth.
fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(object) => object
            .iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(name, value)| (name.clone(), without_nulls(value)))
            .collect(),
        Value::Array(items) => items.iter().map(without_nulls).collect(),
        other => other.clone(),
    }
}

fn output(response: &Response<Bytes>) -> Result<Payload, TaskFailure> {
    let status = response.status();
    if !status.is_success() {
        let cause = String::from_utf8_lossy(response.body()).into_owned();
        return Err(task_failure(format!("ApiGateway.{}", status.as_u16()), cause));
    }
    let mut headers: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for (name, value) in response.headers() {
        let value = Value::from(String::from_utf8_lossy(value.as_bytes()));
        headers.entry(spelling(name.as_str())).or_default().push(value);
    }
    let text = String::from_utf8_lossy(response.body());
    Ok(Payload::from_value(json!({
        "Headers": headers,
        "ResponseBody": body_value(response, &text),
        "StatusCode": status.as_u16(),
        "StatusText": status_text(response),
    })))
}

/// A header's name as API Gateway sends it: `Content-Type`, `X-Amzn-Trace-Id`.
fn spelling(lower: &str) -> String {
    if let Some(known) = SPELLINGS.iter().find(|known| known.eq_ignore_ascii_case(lower)) {
        return (*known).to_owned();
    }
    let word = |word: &str| {
        let mut letters = word.chars();
        letters.next().map_or_else(String::new, |first| {
            first.to_ascii_uppercase().to_string() + letters.as_str()
        })
    };
    lower.split('-').map(word).collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    fn check(parameters: Value, expected: &Expect) {
        let config =
            HttpConfig { allow_http: vec!["localhost".to_owned()], ..HttpConfig::default() };
        let gateway = ApiGateway::new(
            HttpClient::new(),
            config,
            AwsClient::new(&crate::IntegrationsConfig::default()),
        );
        let problem = |text: &str| text.split(" Task: ").last().unwrap().to_owned();
        let shown = match Invocation::read(&Payload::from_value(parameters)) {
            Err(failure) => problem(&failure.cause.unwrap()),
            Ok(invocation) => match gateway.request(&invocation, "us-east-1", None) {
                Err(problem) => problem,
                Ok(request) => {
                    let mut shown = format!("{} {}\n", request.method(), request.uri());
                    for (name, value) in request.headers() {
                        if name != "x-amz-date" {
                            let value = value.to_str().unwrap();
                            let value = value.split("Signature=").next().unwrap();
                            let value = value.split("/20").next().unwrap();
                            shown.push_str(&format!("{name}: {value}\n"));
                        }
                    }
                    shown + std::str::from_utf8(request.body()).unwrap()
                }
            },
        };
        expected.assert_eq(&format!("{shown}\n"));
    }

    const HOST: &str = "abc.execute-api.eu-west-1.amazonaws.com";

    #[test]
    fn requests() {
        check(
            json!({"ApiEndpoint": HOST, "Method": "GET", "Headers": {"key": ["value1", "value2"]}, "Stage": "prod",
                "Path": "/bills/a b", "QueryParameters": {"billId": ["1", "2 3"]}, "RequestBody": {}, "AuthType": "NO_AUTH"}),
            &expect![[r#"
                GET https://abc.execute-api.eu-west-1.amazonaws.com/prod/bills/a%20b?billId=1&billId=2%203
                host: abc.execute-api.eu-west-1.amazonaws.com
                key: value1
                key: value2

            "#]],
        );
        let pet =
            json!({"NewPet": {"type": "turtle", "category": null, "tags": [null, {"a": null}]}});
        check(
            json!({"ApiEndpoint": "localhost:9000/apis/abc/", "Method": "POST", "RequestBody": pet}),
            &expect![[r#"
                POST http://localhost:9000/apis/abc
                host: localhost:9000
                content-type: application/json
                {"NewPet":{"type":"turtle","tags":[null,{}]}}
            "#]],
        );
        check(
            json!({"ApiEndpoint": HOST, "Method": "PUT", "RequestBody": pet, "AllowNullValues": true, "AuthType": "IAM_ROLE",
                "Headers": {"content-type": ["application/x-pet"]}}),
            &expect![[r#"
                PUT https://abc.execute-api.eu-west-1.amazonaws.com/
                host: abc.execute-api.eu-west-1.amazonaws.com
                content-type: application/x-pet
                authorization: AWS4-HMAC-SHA256 Credential=test
                {"NewPet":{"type":"turtle","category":null,"tags":[null,{"a":null}]}}
            "#]],
        );
    }

    #[test]
    fn wrong_parameters_are_named() {
        check(
            json!({"Method": "get", "Headers": {"a": "b"}, "QueryParameters": {"c": 1}, "Retry": 1}),
            &expect![[r#"
                [The field "Retry" is not supported by Step Functions, The field "ApiEndpoint" is required but was missing, The value of the field 'Method' has an invalid format, The value of the field 'Headers' has an invalid format, The value of the field 'QueryParameters' has an invalid format]
            "#]],
        );
        check(
            json!({"ApiEndpoint": "https://x", "Method": "GET", "AuthType": "NONE", "AllowNullValues": "no",
                "Headers": {"X-Amzn-Trace-Id": ["1"], "Via": ["2"], "a": ["3\n"]}, "Stage": 1}),
            &expect![[r#"
                [The header "X-Amzn-Trace-Id" is not supported by Step Functions, The header "Via" is not supported by Step Functions, The value of the field 'Headers' has an invalid format, The value of the field 'AllowNullValues' has an invalid format, The value of the field 'ApiEndpoint' has an invalid format, The value of the field 'Stage' has an invalid format, The value of the field 'AuthType' has an invalid format]
            "#]],
        );
    }

    #[test]
    fn headers_are_spelled_as_api_gateway_does() {
        assert_eq!(spelling("content-type"), "Content-Type");
        assert_eq!(spelling("x-amzn-trace-id"), "X-Amzn-Trace-Id");
        assert_eq!(spelling("x-amzn-requestid"), "x-amzn-RequestId");
    }
}
