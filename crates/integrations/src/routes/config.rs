//! Routes as they stand in the configuration file, and their checks.

use std::collections::BTreeMap;
use std::fmt;

use http::Uri;
use serde::Deserialize;
use serde_json::Value;

use crate::config::check_endpoint;

/// `[[routes]]`: a pattern, and exactly one target.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RouteConfig {
    /// A resource's ARN, or what stands behind `arn:aws:states:::` in it; `*` stands for any
    /// text: `aws-sdk:dynamodb:*`, `sqs:sendMessage*`, `arn:aws:lambda:*:function:legacy-*`.
    pub resource: String,
    /// AWS itself, whatever endpoint variables say.
    #[serde(default)]
    pub aws: bool,
    /// URL of a server that speaks the API of the service.
    #[serde(default)]
    pub endpoint: Option<String>,
    /// A function that is declared in the same file.
    #[serde(default)]
    pub function: Option<String>,
    /// A program and its arguments: it reads the parameters and prints the result, as JSON.
    #[serde(default)]
    pub process: Option<Vec<String>>,
    /// An image that is run by the container engine: it reads the parameters and prints the
    /// result, as JSON.
    #[serde(default)]
    pub container: Option<ContainerRoute>,
    /// A URL that the parameters are posted to, as JSON; it answers the result.
    #[serde(default)]
    pub http: Option<String>,
    /// The same result for every task.
    #[serde(default)]
    pub mock: Option<MockRoute>,
}

/// `mock` of a route: a result, or an error.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MockRoute {
    #[serde(default)]
    pub result: Option<Value>,
    #[serde(default)]
    pub error: Option<String>,
    #[serde(default)]
    pub cause: Option<String>,
}

/// `container` of a route.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContainerRoute {
    pub image: String,
    /// In the place of the image's own.
    #[serde(default)]
    pub command: Vec<String>,
    /// Its variables.
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
    /// Members for the engine's request that makes the container.
    #[serde(default)]
    pub engine_options: Option<Value>,
}

/// Where a route leads.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Target {
    Aws,
    Endpoint(Uri),
    Function(String),
    Process(Vec<String>),
    Container(ContainerRoute),
    Http(Uri),
    Mock(MockRoute),
}

impl RouteConfig {
    /// What is wrong with a route, in a sentence.
    ///
    /// # Errors
    /// It has no target or several, or one that cannot be.
    pub fn check(&self) -> Result<(), String> {
        self.target().map(|_| ())
    }

    pub(super) fn target(&self) -> Result<Target, String> {
        let named = |message: String| format!("route '{}': {message}", self.resource);
        if self.resource.is_empty() {
            return Err(named("'resource' is empty".to_owned()));
        }
        let mut targets = Vec::new();
        if self.aws {
            targets.push(Target::Aws);
        }
        if let Some(url) = &self.endpoint {
            targets.push(Target::Endpoint(check_endpoint(url).map_err(named)?));
        }
        targets.extend(self.function.clone().map(Target::Function));
        targets.extend(self.process.clone().map(Target::Process));
        targets.extend(self.container.clone().map(Target::Container));
        if let Some(url) = &self.http {
            let url =
                check_endpoint(url).map_err(|it| named(it.replace("'endpoint'", "'http'")))?;
            targets.push(Target::Http(url));
        }
        targets.extend(self.mock.clone().map(Target::Mock));
        if targets.len() > 1 {
            return Err(named("has several targets; give one".to_owned()));
        }
        let target = targets.pop().ok_or_else(|| {
            named(
                "needs a target: 'aws', 'endpoint', 'function', 'process', 'container', 'http' or 'mock'"
                    .to_owned(),
            )
        })?;
        match &target {
            Target::Process(words) if words.first().is_none_or(String::is_empty) => {
                Err(named("'process' has no program".to_owned()))
            }
            Target::Container(container) if container.image.is_empty() => {
                Err(named("'container' has no 'image'".to_owned()))
            }
            Target::Container(ContainerRoute { engine_options: Some(options), .. })
                if !options.is_object() =>
            {
                Err(named("'engine_options' of 'container' is no table".to_owned()))
            }
            Target::Mock(mock) if mock.result.is_some() == mock.error.is_some() => {
                Err(named("'mock' needs a 'result' or an 'error'".to_owned()))
            }
            Target::Mock(mock) if mock.cause.is_some() && mock.error.is_none() => {
                Err(named("'mock' has a 'cause' without an 'error'".to_owned()))
            }
            _ => Ok(target),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Target::Aws => f.write_str("AWS"),
            Target::Endpoint(url) => write!(f, "endpoint {url}"),
            Target::Function(name) => write!(f, "function '{name}'"),
            Target::Process(words) => write!(f, "process {}", words.join(" ")),
            Target::Container(container) => write!(f, "container of image {}", container.image),
            Target::Http(url) => write!(f, "HTTP POST {url}"),
            Target::Mock(MockRoute { error: Some(error), .. }) => write!(f, "mock, error {error}"),
            Target::Mock(_) => f.write_str("mock"),
        }
    }
}

/// Whether a name is that of a pattern, in which `*` stands for any text.
pub(super) fn matches(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = name.strip_prefix(first) else { return false };
    let mut last: Option<&str> = None;
    for part in parts {
        if let Some(part) = last.replace(part) {
            match rest.find(part) {
                Some(at) => rest = &rest[at + part.len()..],
                None => return false,
            }
        }
    }
    last.map_or(rest.is_empty(), |last| rest.ends_with(last))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stand_for_any_text() {
        let check = |pattern, name, expected| {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}")
        };
        check("sqs:sendMessage", "sqs:sendMessage", true);
        check("sqs:sendMessage", "sqs:sendMessage.waitForTaskToken", false);
        check("sqs:sendMessage*", "sqs:sendMessage.waitForTaskToken", true);
        check("aws-sdk:*:get*", "aws-sdk:s3:getObject", true);
        check("aws-sdk:*:get*", "aws-sdk:s3:putObject", false);
        check("*", "", true);
        check("a*b*c", "abc", true);
        check("a*b*bc", "abc", false);
        check("*a", "ba", true);
        check("*a", "ab", false);
    }

    #[test]
    fn routes_have_one_target() {
        let check = |json: &str, expected: Result<(), &str>| {
            let route: RouteConfig = serde_json::from_str(json).unwrap();
            assert_eq!(route.check(), expected.map_err(str::to_owned), "{json}");
        };
        check(r#"{"resource": "a", "aws": true}"#, Ok(()));
        check(r#"{"resource": "a", "mock": {"result": {}}}"#, Ok(()));
        check(
            r#"{"resource": "a"}"#,
            Err(
                "route 'a': needs a target: 'aws', 'endpoint', 'function', 'process', 'container', 'http' or 'mock'",
            ),
        );
        check(
            r#"{"resource": "a", "aws": true, "http": "http://b"}"#,
            Err("route 'a': has several targets; give one"),
        );
        check(
            r#"{"resource": "a", "http": "b"}"#,
            Err("route 'a': 'http' is \"b\", but must begin with http:// or https://"),
        );
        check(r#"{"resource": "a", "container": {"image": "b", "command": ["c"]}}"#, Ok(()));
        check(
            r#"{"resource": "a", "container": {"image": ""}}"#,
            Err("route 'a': 'container' has no 'image'"),
        );
        check(r#"{"resource": "a", "process": []}"#, Err("route 'a': 'process' has no program"));
        check(
            r#"{"resource": "a", "mock": {}}"#,
            Err("route 'a': 'mock' needs a 'result' or an 'error'"),
        );
    }
}
