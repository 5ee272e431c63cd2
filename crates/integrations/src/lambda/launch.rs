//! How a function's process is started: its program, its working directory, its variables.

use std::collections::BTreeMap;
use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::process::Command;

use crate::clock;
use crate::config::{FunctionConfig, FunctionRuntime};

const PYTHON_BOOTSTRAP: &str = include_str!("bootstrap.py");
const NODEJS_BOOTSTRAP: &str = include_str!("bootstrap.cjs");

/// Variables that programs need to run at all, and that hold no secrets. Everything else of the
/// server's environment stays with the server.
pub(crate) const INHERITED: [&str; 13] = [
    "HOME",
    "LC_ALL",
    "LC_CTYPE",
    "LD_LIBRARY_PATH",
    "NODE_PATH",
    "PATH",
    "PYENV_ROOT",
    "PYENV_VERSION",
    "PYTHONPATH",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
    "TMPDIR",
    "VIRTUAL_ENV",
];

/// Variables that choose AWS credentials. If a function declares one, it gets no dummies.
const CREDENTIALS: [&str; 7] = [
    "AWS_ACCESS_KEY_ID",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_PROFILE",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
];

/// What is the same for all processes of a function.
pub(super) struct Launch {
    function_name: String,
    config: FunctionConfig,
    server_environment: BTreeMap<String, String>,
}

impl Launch {
    pub(super) fn new(
        function_name: String,
        config: FunctionConfig,
        server_environment: BTreeMap<String, String>,
    ) -> Launch {
        Launch { function_name, config, server_environment }
    }

    /// The command, except for its output. Errors are fragments after "Error: ".
    pub(super) fn command(&self, runtime_api: SocketAddr, region: &str) -> Result<Command, String> {
        let directory = self.directory()?;
        let (program, arguments, script) = self.program(&directory);
        let mut command = Command::new(program);
        command
            .args(arguments)
            .current_dir(&directory)
            .env_clear()
            .envs(self.environment(runtime_api, region, &directory))
            .stdin(match script {
                Some(script) => stdin_with(script).map_err(|error| error.to_string())?,
                None => Stdio::null(),
            })
            .process_group(0)
            .kill_on_drop(true);
        Ok(command)
    }

    /// Why the program could not be started, as Lambda words it.
    pub(super) fn start_problem(&self, error: &std::io::Error) -> String {
        let directory = self.directory().unwrap_or_default();
        let (program, _, _) = self.program(&directory);
        let reason = match error.raw_os_error() {
            Some(code) if code == rustix::io::Errno::NOEXEC.raw_os_error() => "exec format error",
            _ if error.kind() == std::io::ErrorKind::NotFound => "no such file or directory",
            _ if error.kind() == std::io::ErrorKind::PermissionDenied => "permission denied",
            _ => return format!("fork/exec {}: {error}", program.display()),
        };
        format!("fork/exec {}: {reason}", program.display())
    }

    fn directory(&self) -> Result<PathBuf, String> {
        let directory = self.config.working_directory.as_deref().unwrap_or(Path::new("."));
        let absolute = std::path::absolute(directory)
            .map_err(|error| format!("working directory {}: {error}", directory.display()))?;
        if absolute.is_dir() {
            Ok(absolute)
        } else {
            Err(format!("working directory {}: no such directory", absolute.display()))
        }
    }

    /// The program, its arguments, and what it reads from its standard input.
    fn program(&self, directory: &Path) -> (PathBuf, Vec<String>, Option<&'static str>) {
        let (default, script) = match self.config.runtime {
            Some(FunctionRuntime::Python) => ("python3", Some(PYTHON_BOOTSTRAP)),
            Some(FunctionRuntime::Nodejs) => ("node", Some(NODEJS_BOOTSTRAP)),
            Some(FunctionRuntime::Provided) | None => ("./bootstrap", None),
        };
        let program = self.config.command.first().map_or(default, String::as_str);
        let mut arguments: Vec<String> = self.config.command.iter().skip(1).cloned().collect();
        if script.is_some() {
            arguments.push("-".to_owned());
        }
        // Only names without a slash are looked up in PATH, unless they stand right there.
        let beside = directory.join(program.strip_prefix("./").unwrap_or(program));
        let is_path = program.contains('/');
        let path = if is_path || beside.is_file() { beside } else { PathBuf::from(program) };
        (path, arguments, script)
    }

    fn environment(
        &self,
        runtime_api: SocketAddr,
        region: &str,
        directory: &Path,
    ) -> BTreeMap<String, String> {
        let name = &self.function_name;
        let mut environment: BTreeMap<String, String> = self
            .server_environment
            .iter()
            .filter(|(name, _)| {
                INHERITED.contains(&name.as_str()) || name.starts_with("AWS_ENDPOINT_URL")
            })
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        let mut set = |name: &str, value: String| environment.insert(name.to_owned(), value);
        set("AWS_DEFAULT_REGION", region.to_owned());
        set("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", self.config.memory_megabytes.to_string());
        set("AWS_LAMBDA_FUNCTION_NAME", name.clone());
        set("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST".to_owned());
        set("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand".to_owned());
        set("AWS_LAMBDA_LOG_GROUP_NAME", format!("/aws/lambda/{name}"));
        set("AWS_LAMBDA_LOG_STREAM_NAME", log_stream_name());
        set("AWS_LAMBDA_RUNTIME_API", runtime_api.to_string());
        set("AWS_REGION", region.to_owned());
        set("LAMBDA_RUNTIME_DIR", directory.display().to_string());
        set("LAMBDA_TASK_ROOT", directory.display().to_string());
        set("LANG", "en_US.UTF-8".to_owned());
        set("TZ", ":UTC".to_owned());
        set("_HANDLER", self.config.handler.clone().unwrap_or_default());
        let mut declared = self.config.environment.clone();
        for name in &self.config.inherit_environment {
            if let Some(value) = self.server_environment.get(name) {
                declared.entry(name.clone()).or_insert_with(|| value.clone());
            }
        }
        if !declared.keys().any(|name| CREDENTIALS.contains(&name.as_str())) {
            // Lambda always sets these; ours open nothing.
            set("AWS_ACCESS_KEY_ID", "test".to_owned());
            set("AWS_SECRET_ACCESS_KEY", "test".to_owned());
            set("AWS_SESSION_TOKEN", "test".to_owned());
        }
        environment.extend(declared);
        environment
    }
}

/// `2021/03/26/[$LATEST]` and 32 hexadecimal digits.
fn log_stream_name() -> String {
    let date = clock::log_stream_date(clock::now_milliseconds());
    format!("{date}/[$LATEST]{}", uuid::Uuid::new_v4().simple())
}

/// A pipe with a short text in it. It fits into the pipe's buffer, so that writing never waits.
fn stdin_with(text: &str) -> std::io::Result<Stdio> {
    let (reader, mut writer) = std::io::pipe()?;
    writer.write_all(text.as_bytes())?;
    Ok(Stdio::from(reader))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(config: FunctionConfig) -> BTreeMap<String, String> {
        let server = [
            ("PATH", "/bin"),
            ("AWS_ACCESS_KEY_ID", "AKIAREAL"),
            ("AWS_SECRET_ACCESS_KEY", "real"),
            ("AWS_ENDPOINT_URL", "http://localhost:4566"),
            ("DATABASE_URL", "postgres://secret"),
            ("AWS_REGION", "eu-central-1"),
        ];
        let server = server.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let launch = Launch::new("hello".to_owned(), config, server);
        launch.environment(([127, 0, 0, 1], 9001).into(), "us-east-1", Path::new("/code"))
    }

    #[test]
    fn secrets_of_the_server_stay_with_the_server() {
        let variables = environment(FunctionConfig::default());
        assert_eq!(variables["PATH"], "/bin");
        assert_eq!(variables["AWS_ACCESS_KEY_ID"], "test");
        assert_eq!(variables["AWS_SECRET_ACCESS_KEY"], "test");
        assert_eq!(variables["AWS_ENDPOINT_URL"], "http://localhost:4566");
        assert_eq!(variables["AWS_REGION"], "us-east-1");
        assert_eq!(variables["AWS_LAMBDA_RUNTIME_API"], "127.0.0.1:9001");
        assert_eq!(variables.get("DATABASE_URL"), None);
    }

    #[test]
    fn declared_variables_win() {
        let variables = environment(FunctionConfig {
            inherit_environment: vec![
                "DATABASE_URL".to_owned(),
                "AWS_ACCESS_KEY_ID".to_owned(),
                "AWS_SECRET_ACCESS_KEY".to_owned(),
                "ABSENT".to_owned(),
            ],
            environment: [("AWS_REGION".to_owned(), "mars-1".to_owned())].into(),
            ..FunctionConfig::default()
        });
        assert_eq!(variables["DATABASE_URL"], "postgres://secret");
        assert_eq!(variables["AWS_ACCESS_KEY_ID"], "AKIAREAL");
        assert_eq!(variables["AWS_SECRET_ACCESS_KEY"], "real");
        assert_eq!(variables.get("AWS_SESSION_TOKEN"), None);
        assert_eq!(variables["AWS_REGION"], "mars-1");
        assert_eq!(variables.get("ABSENT"), None);
    }

    #[test]
    fn bootstraps_fit_into_a_pipe() {
        assert!(PYTHON_BOOTSTRAP.len() < 16 * 1024);
        assert!(NODEJS_BOOTSTRAP.len() < 16 * 1024);
    }
}
