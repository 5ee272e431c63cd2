//! What the operator says about functions, as it stands in the configuration file, and its checks.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::approvals::ApprovalsConfig;
use crate::http_task::{ConnectionsConfig, HttpConfig};
use crate::jobs::JobsConfig;
use crate::lambda::FunctionName;
use crate::optimized::PollIntervals;
use crate::routes::RouteConfig;

/// Seconds a function may run at most (Lambda's quota).
pub const FUNCTION_TIMEOUT_SECONDS_MAX: u32 = 900;
/// Megabytes of memory a function may ask for (Lambda's quota).
pub const FUNCTION_MEMORY_MEGABYTES_MAX: u32 = 10_240;

/// Everything that [`crate::Integrations::new`] needs to know.
#[derive(Debug, Clone, Default)]
pub struct IntegrationsConfig {
    pub functions: FunctionsConfig,
    /// Connections of HTTP Tasks.
    pub connections: ConnectionsConfig,
    pub http: HttpConfig,
    pub approvals: ApprovalsConfig,
    /// How often jobs of AWS services are asked for.
    pub poll_intervals: PollIntervals,
    /// How AWS's services are called.
    pub aws: AwsConfig,
    /// Batch jobs and containers that run on this machine.
    pub jobs: JobsConfig,
    /// Where the folders of jobs are; a temporary folder if `None`.
    pub job_directory: Option<PathBuf>,
    /// Where tasks go, by their resource; the first that fits counts.
    pub routes: Vec<RouteConfig>,
    /// With which key the server's own API is called by tasks, if it wants keys.
    pub own_key: Option<OwnKey>,
    /// Where a container's agent for credentials is; `http://169.254.170.2` if `None`.
    pub container_endpoint: Option<String>,
    /// Where the output of functions is appended, a file each; nowhere if `None`.
    pub log_directory: Option<PathBuf>,
    /// The environment variables of the server. Read from here are `AWS_ENDPOINT_URL`,
    /// `AWS_ENDPOINT_URL_<SERVICE>`, AWS credentials for outgoing calls, and the few variables
    /// that functions inherit (`PATH`, `HOME`, …).
    pub environment: BTreeMap<String, String>,
}

impl IntegrationsConfig {
    /// A configuration with the environment variables of this process; those that are not
    /// UTF-8 are left out.
    pub fn from_process_environment(functions: FunctionsConfig) -> IntegrationsConfig {
        let environment = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        IntegrationsConfig { functions, environment, ..IntegrationsConfig::default() }
    }
}

/// A key of the server's own API.
#[derive(Clone)]
pub struct OwnKey {
    /// Where the API is.
    pub url: String,
    pub access_key_id: String,
    pub secret_access_key: String,
    pub session_token: Option<String>,
}

impl fmt::Debug for OwnKey {
    /// Without the secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnKey").field("url", &self.url).finish_non_exhaustive()
    }
}

/// The part of the configuration file about AWS's services.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AwsConfig {
    /// Whether credentials may be asked of the metadata service of the EC2 instance that the
    /// server runs on. Off, since elsewhere nobody answers there.
    #[serde(default)]
    pub instance_metadata: bool,
}

/// The part of the configuration file about functions.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FunctionsConfig {
    /// By name. A bare name serves every account and region; a full ARN only itself; a
    /// qualifier (`name:prod`) only calls that give it. The most exact declaration wins.
    #[serde(default)]
    pub functions: BTreeMap<String, FunctionConfig>,
}

/// How one function is run: a process of our own (`runtime`), or an `endpoint` that is called.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FunctionConfig {
    /// What kind of program it is: `provided` (an executable that speaks the Lambda Runtime
    /// API), `python` or `nodejs`.
    #[serde(default)]
    pub runtime: Option<FunctionRuntime>,
    /// `module.function` for Python, `file.export` for Node.js; told to other programs as
    /// `_HANDLER`.
    #[serde(default)]
    pub handler: Option<String>,
    /// The program and its arguments. For `provided` the executable (default `./bootstrap` in
    /// the working directory), for the others the interpreter (default `python3`, `node`).
    #[serde(default)]
    pub command: Vec<String>,
    /// Where the code is, and where the process runs. Default: the current directory.
    #[serde(default)]
    pub working_directory: Option<PathBuf>,
    /// Variables for the process, beside those that Lambda sets.
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
    /// Names of the server's own variables that the process shall see, too.
    #[serde(default)]
    pub inherit_environment: Vec<String>,
    /// Seconds after which an invocation is killed, 1 to 900. Default 3, as on Lambda.
    #[serde(default = "default_timeout_seconds")]
    pub timeout_seconds: u32,
    /// Told to the function, 128 to 10,240. Nothing is enforced. Default 128.
    #[serde(default = "default_memory_megabytes")]
    pub memory_megabytes: u32,
    /// Processes that may run at the same time; further calls wait. Default 10.
    #[serde(default = "default_concurrency")]
    pub concurrency: u32,
    /// What becomes of a call that was perhaps already made when the server stopped.
    #[serde(default)]
    pub on_crash: OnCrash,
    /// URL of a server that speaks Lambda's Invoke API. A URL that ends in `/invocations` is
    /// called as it is, others get `/2015-03-31/functions/<name>/invocations` appended.
    #[serde(default)]
    pub endpoint: Option<String>,
    /// Seconds after which a process without work is stopped. Default 300.
    #[serde(default = "default_idle_seconds")]
    pub idle_seconds: u64,
}

/// What kind of program a function is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FunctionRuntime {
    Provided,
    Python,
    Nodejs,
}

/// What becomes of a call that was perhaps already made when the server stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnCrash {
    /// Make it again: at least once.
    #[default]
    Retry,
    /// Fail the task with `Stepwell.InterruptedByCrash`: at most once.
    Fail,
}

fn default_timeout_seconds() -> u32 {
    3
}

fn default_memory_megabytes() -> u32 {
    128
}

fn default_concurrency() -> u32 {
    10
}

fn default_idle_seconds() -> u64 {
    300
}

impl Default for FunctionConfig {
    fn default() -> FunctionConfig {
        FunctionConfig {
            runtime: None,
            handler: None,
            command: Vec::new(),
            working_directory: None,
            environment: BTreeMap::new(),
            inherit_environment: Vec::new(),
            timeout_seconds: default_timeout_seconds(),
            memory_megabytes: default_memory_megabytes(),
            concurrency: default_concurrency(),
            on_crash: OnCrash::default(),
            endpoint: None,
            idle_seconds: default_idle_seconds(),
        }
    }
}

/// What is wrong with a function's declaration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct FunctionConfigError {
    /// The name under which the function is declared.
    pub function: String,
    pub message: String,
}

impl fmt::Display for FunctionConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "function '{}': {}", self.function, self.message)
    }
}

impl FunctionsConfig {
    /// Makes relative working directories relative to `base` (the configuration file's place).
    pub fn resolve_paths(&mut self, base: &Path) {
        for function in self.functions.values_mut() {
            function.working_directory = match function.working_directory.take() {
                Some(directory) => Some(base.join(directory)),
                None => Some(base.to_path_buf()),
            };
        }
    }

    /// Everything that is wrong, in the order of the names. A function with a wrong
    /// declaration fails its tasks.
    pub fn check(&self) -> Vec<FunctionConfigError> {
        self.functions
            .iter()
            .flat_map(|(name, function)| {
                let mut messages = function.check();
                if FunctionName::parse(name).is_none() {
                    messages.insert(
                        0,
                        "is neither a function's name (letters, digits, '-', '_', '.') nor its ARN"
                            .to_owned(),
                    );
                }
                messages
                    .into_iter()
                    .map(|message| FunctionConfigError { function: name.clone(), message })
            })
            .collect()
    }
}

impl FunctionConfig {
    pub(crate) fn check(&self) -> Vec<String> {
        let mut messages = Vec::new();
        match (&self.endpoint, self.runtime) {
            (None, None) => messages.push(
                "needs a 'runtime' (\"provided\", \"python\" or \"nodejs\") or an 'endpoint'"
                    .to_owned(),
            ),
            (Some(_), Some(_)) => {
                messages.push("has both a 'runtime' and an 'endpoint'; give one".to_owned());
            }
            (Some(endpoint), None) => messages.extend(check_endpoint(endpoint).err()),
            (None, Some(FunctionRuntime::Provided)) => {}
            (None, Some(FunctionRuntime::Python | FunctionRuntime::Nodejs)) => {
                match self.handler.as_deref() {
                    None => {
                        messages.push("needs a 'handler', as in \"module.function\"".to_owned())
                    }
                    Some(handler) if !handler.contains('.') => messages.push(format!(
                        "'handler' is \"{handler}\", but has the form \"module.function\""
                    )),
                    Some(_) => {}
                }
            }
        }
        if !(1..=FUNCTION_TIMEOUT_SECONDS_MAX).contains(&self.timeout_seconds) {
            messages.push(format!(
                "'timeout_seconds' is {}, but goes from 1 to {FUNCTION_TIMEOUT_SECONDS_MAX}",
                self.timeout_seconds
            ));
        }
        if !(128..=FUNCTION_MEMORY_MEGABYTES_MAX).contains(&self.memory_megabytes) {
            messages.push(format!(
                "'memory_megabytes' is {}, but goes from 128 to {FUNCTION_MEMORY_MEGABYTES_MAX}",
                self.memory_megabytes
            ));
        }
        if self.concurrency == 0 {
            messages.push("'concurrency' is 0, but must be at least 1".to_owned());
        }
        if self.command.first().is_some_and(String::is_empty) {
            messages.push("'command' begins with an empty text instead of a program".to_owned());
        }
        messages
    }
}

/// Checks the URL of an endpoint.
pub(crate) fn check_endpoint(endpoint: &str) -> Result<http::Uri, String> {
    let uri: http::Uri = endpoint
        .parse()
        .map_err(|error| format!("'endpoint' is \"{endpoint}\", which is no URL: {error}"))?;
    match (uri.scheme_str(), uri.host()) {
        (Some("http" | "https"), Some(_)) => Ok(uri),
        _ => Err(format!("'endpoint' is \"{endpoint}\", but must begin with http:// or https://")),
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    fn check(json: &str, expected: &Expect) {
        let text = match serde_json::from_str::<FunctionsConfig>(json) {
            Ok(config) => config.check().iter().map(|error| format!("{error}\n")).collect(),
            Err(error) => format!("{error}\n"),
        };
        expected.assert_eq(&text);
    }

    #[test]
    fn declarations_are_checked() {
        check(
            r#"{"functions": {"a": {"runtime": "python", "handler": "app.main"},
                "b": {"runtime": "provided", "timeout_seconds": 900}, "c": {"endpoint": "http://localhost:9000"}}}"#,
            &expect![""],
        );
        check(
            r#"{"functions": {"a b": {"runtime": "python"}, "c": {}, "d": {"runtime": "nodejs", "handler": "x",
                "endpoint": "http://x"}, "e": {"endpoint": "localhost:9000"},
                "f": {"runtime": "python", "handler": "x", "timeout_seconds": 901, "memory_megabytes": 1, "concurrency": 0}}}"#,
            &expect![[r#"
                function 'a b': is neither a function's name (letters, digits, '-', '_', '.') nor its ARN
                function 'a b': needs a 'handler', as in "module.function"
                function 'c': needs a 'runtime' ("provided", "python" or "nodejs") or an 'endpoint'
                function 'd': has both a 'runtime' and an 'endpoint'; give one
                function 'e': 'endpoint' is "localhost:9000", but must begin with http:// or https://
                function 'f': 'handler' is "x", but has the form "module.function"
                function 'f': 'timeout_seconds' is 901, but goes from 1 to 900
                function 'f': 'memory_megabytes' is 1, but goes from 128 to 10240
                function 'f': 'concurrency' is 0, but must be at least 1
            "#]],
        );
        check(
            r#"{"functions": {"a": {"runtime": "ruby"}}}"#,
            &expect![[r#"
                unknown variant `ruby`, expected one of `provided`, `python`, `nodejs` at line 1 column 38
            "#]],
        );
    }
}
