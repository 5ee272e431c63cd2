//! The parameters of `http:invoke`: which there may be, and what is wrong with them.

use asl::Payload;
use engine::TaskFailure;
use http::Uri;
use serde_json::{Map, Value};

use super::form::{ArrayFormat, repair_url, text_of};
use crate::failure::bad_parameters;

const FIELDS: [&str; 8] = [
    "ApiEndpoint",
    "Authentication",
    "Headers",
    "InvocationConfig",
    "Method",
    "QueryParameters",
    "RequestBody",
    "Transform",
];
const METHODS: [&str; 7] = ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"];

/// Headers that a definition may not give, in lower case.
const FORBIDDEN: [&str; 34] = [
    "a-im",
    "accept-charset",
    "accept-datetime",
    "accept-encoding",
    "authorization",
    "cache-control",
    "connection",
    "content-encoding",
    "content-length",
    "content-md5",
    "date",
    "expect",
    "forwarded",
    "from",
    "host",
    "http2-settings",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-range",
    "if-unmodified-since",
    "max-forwards",
    "origin",
    "pragma",
    "proxy-authorization",
    "referer",
    "server",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "via",
    "warning",
    "keep-alive",
];
const FORBIDDEN_PREFIXES: [&str; 3] = ["x-forwarded-", "x-amz-", "x-amzn-"];

/// What a definition asks for.
#[derive(Debug, Clone)]
pub(super) struct HttpTask {
    /// Without what `query` adds.
    pub(super) endpoint: String,
    pub(super) method: &'static str,
    pub(super) connection_arn: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) query: Vec<(String, String)>,
    pub(super) body: Option<Value>,
    /// The form that the body becomes, if it does.
    pub(super) form: Option<ArrayFormat>,
}

impl HttpTask {
    /// Reads the parameters; `allows` says for which hosts (with the port, where one is given)
    /// an endpoint may do without TLS.
    pub(super) fn read(
        parameters: &Payload,
        allows: &dyn Fn(&str, Option<u16>) -> bool,
    ) -> Result<HttpTask, TaskFailure> {
        let empty = Map::new();
        let fields = parameters.value().as_object().unwrap_or(&empty);
        let mut reader = Reader { fields, problems: Vec::new() };
        reader.check_names();
        let task = HttpTask {
            endpoint: reader.endpoint(allows),
            method: reader.method(),
            connection_arn: reader.connection_arn(),
            headers: reader.headers(),
            query: reader.query(),
            body: fields.get("RequestBody").filter(|body| !body.is_null()).cloned(),
            form: reader.form(),
        };
        match reader.problems.as_slice() {
            [] => Ok(task),
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

    fn check_names(&mut self) {
        for name in self.fields.keys().filter(|name| !FIELDS.contains(&name.as_str())) {
            self.problems.push(format!("The field \"{name}\" is not supported by Step Functions"));
        }
        for name in ["ApiEndpoint", "Method"] {
            if self.field(name).is_none() {
                self.problems.push(format!("The field \"{name}\" is required but was missing"));
            }
        }
    }

    fn endpoint(&mut self, allows: &dyn Fn(&str, Option<u16>) -> bool) -> String {
        let Some(given) = self.field("ApiEndpoint") else { return String::new() };
        let url = given.as_str().map(|text| repair_url(text.split('#').next().unwrap_or(text)));
        let Some((url, uri)) = url.and_then(|url| Some((url.clone(), url.parse::<Uri>().ok()?)))
        else {
            self.invalid("ApiEndpoint");
            return String::new();
        };
        let has_user = uri.authority().is_some_and(|authority| authority.as_str().contains('@'));
        match (uri.scheme_str(), uri.host()) {
            (Some("https"), Some(host)) if !host.is_empty() && !has_user => {}
            (Some("http"), Some(host)) if !host.is_empty() && !has_user => {
                if !allows(host, uri.port_u16()) {
                    self.problems.push(
                        "The value of the field 'ApiEndpoint' has an invalid format: it must be \
                         an https URL, or its host must be in 'allow_http' of [http] in \
                         stepwell.toml"
                            .to_owned(),
                    );
                }
            }
            _ => self.invalid("ApiEndpoint"),
        }
        url
    }

    fn method(&mut self) -> &'static str {
        let Some(given) = self.field("Method") else { return "" };
        let method = METHODS.into_iter().find(|method| given.as_str() == Some(method));
        if method.is_none() {
            self.invalid("Method");
        }
        method.unwrap_or("")
    }

    fn connection_arn(&mut self) -> String {
        let (authentication, invocation) =
            (self.field("Authentication"), self.field("InvocationConfig"));
        let (name, given) = match (authentication, invocation) {
            (Some(given), None) => ("Authentication", given),
            (None, Some(given)) => ("InvocationConfig", given),
            (Some(_), Some(_)) => {
                self.problems.push(
                    "Only one of the fields 'Authentication' and 'InvocationConfig' may be given"
                        .to_owned(),
                );
                return String::new();
            }
            (None, None) => {
                self.problems
                    .push("The field \"InvocationConfig\" is required but was missing".to_owned());
                return String::new();
            }
        };
        let Some(given) = given.as_object() else {
            self.invalid(name);
            return String::new();
        };
        for name in given.keys().filter(|name| *name != "ConnectionArn") {
            self.problems.push(format!("The field \"{name}\" is not supported by Step Functions"));
        }
        match given.get("ConnectionArn") {
            Some(Value::String(arn)) => arn.clone(),
            Some(_) => {
                self.invalid("ConnectionArn");
                String::new()
            }
            None => {
                self.problems
                    .push("The field \"ConnectionArn\" is required but was missing".to_owned());
                String::new()
            }
        }
    }

    fn headers(&mut self) -> Vec<(String, String)> {
        let Some(pairs) = self.pairs("Headers") else { return Vec::new() };
        for (name, value) in &pairs {
            let lower = name.to_ascii_lowercase();
            if FORBIDDEN.contains(&lower.as_str())
                || FORBIDDEN_PREFIXES.iter().any(|prefix| lower.starts_with(prefix))
            {
                self.problems
                    .push(format!("The header \"{name}\" is not supported by Step Functions"));
            } else if http::HeaderName::from_bytes(name.as_bytes()).is_err()
                || http::HeaderValue::from_str(value).is_err()
            {
                self.invalid("Headers");
            }
        }
        pairs
    }

    fn query(&mut self) -> Vec<(String, String)> {
        self.pairs("QueryParameters").unwrap_or_default()
    }

    /// Names with a value, or with several in an array. Null leaves nothing.
    fn pairs(&mut self, name: &str) -> Option<Vec<(String, String)>> {
        let given = self.field(name)?;
        let Some(object) = given.as_object() else {
            self.invalid(name);
            return None;
        };
        let mut pairs = Vec::new();
        for (key, value) in object {
            match value {
                Value::Null => {}
                Value::Array(items) if items.iter().any(is_nested) => self.invalid(name),
                Value::Array(items) => {
                    pairs.extend(items.iter().map(|item| (key.clone(), text_of(item))));
                }
                Value::Object(_) => self.invalid(name),
                scalar => pairs.push((key.clone(), text_of(scalar))),
            }
        }
        Some(pairs)
    }

    fn form(&mut self) -> Option<ArrayFormat> {
        let given = self.field("Transform")?;
        let Some(transform) = given.as_object() else {
            self.invalid("Transform");
            return None;
        };
        for name in transform.keys() {
            if !["RequestBodyEncoding", "RequestEncodingOptions"].contains(&name.as_str()) {
                self.problems
                    .push(format!("The field \"{name}\" is not supported by Step Functions"));
            }
        }
        let options = transform.get("RequestEncodingOptions").filter(|given| !given.is_null());
        let format = match options.map(|options| options.get("ArrayFormat")) {
            None => ArrayFormat::default(),
            Some(None) if options.is_some_and(Value::is_object) => ArrayFormat::default(),
            Some(format) => match format.and_then(Value::as_str).and_then(ArrayFormat::parse) {
                Some(format) => format,
                None => {
                    self.invalid("RequestEncodingOptions");
                    return None;
                }
            },
        };
        match transform.get("RequestBodyEncoding").map(Value::as_str) {
            None | Some(Some("NONE")) => None,
            Some(Some("URL_ENCODED")) => Some(format),
            Some(_) => {
                self.invalid("RequestBodyEncoding");
                None
            }
        }
    }
}

fn is_nested(value: &Value) -> bool {
    value.is_array() || value.is_object() || value.is_null()
}
