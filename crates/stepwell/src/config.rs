//! What is configured: the file `stepwell.toml`, and what it means together with the command
//! line and the environment. A flag goes before a variable, a variable before the file, the
//! file before the default.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use api::AccessKey;
use integrations::{
    ApprovalsConfig, ConnectionsConfig, ContainersConfig, FunctionConfig, FunctionsConfig,
    HttpConfig, JobDefinitionConfig, JobQueueConfig, JobsConfig, KubernetesConfig,
    TaskDefinitionConfig, Webhook,
};
use integrations::{AwsConfig, RouteConfig};
use runtime::{ExpressLimits, Retention};
use serde::Deserialize;

use crate::access::{AccessKeyTable, access_keys};
use crate::cli::{CommonOptions, OutputFormat, ServerOptions};
use crate::failure::Failure;
use crate::quotas::{QuotaSettings, QuotasTable};
use crate::throttling::{ThrottlingSettings, ThrottlingTable};
use crate::tls::{TlsSettings, TlsTable};
use crate::traces::{TraceSettings, TracesTable};

/// The name of the configuration file that is looked for.
pub(crate) const FILE_NAME: &str = "stepwell.toml";
/// Where the API is served if nobody says otherwise.
pub(crate) const LISTEN: &str = "127.0.0.1:8083";
const ACCOUNT_ID: &str = "123456789012";
/// The region if nobody says otherwise.
pub(crate) const REGION: &str = "us-east-1";
const DATA_FOLDER: &str = ".stepwell";
/// The folder with execution logs, in the data directory.
const EXECUTION_LOGS: &str = "logs/executions";
/// Days for which Standard executions are kept after their end, as on AWS.
const STANDARD_DAYS: u32 = 90;
/// Days for which Express executions are kept. AWS keeps nothing of them.
const EXPRESS_DAYS: u32 = 7;
const SECONDS_OF_A_DAY: u64 = 24 * 60 * 60;
/// In the place of a folder: keep nothing.
const MEMORY: &str = ":memory:";

/// `stepwell.toml` as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    server: ServerTable,
    #[serde(default)]
    machines: BTreeMap<String, MachineTable>,
    #[serde(default)]
    functions: BTreeMap<String, FunctionConfig>,
    #[serde(default)]
    access_keys: Vec<AccessKeyTable>,
    #[serde(default)]
    execution_logs: ExecutionLogsTable,
    #[serde(default)]
    retention: RetentionTable,
    #[serde(default)]
    status_events: StatusEventsTable,
    #[serde(default)]
    traces: TracesTable,
    #[serde(default)]
    connections: ConnectionsConfig,
    #[serde(default)]
    http: HttpConfig,
    #[serde(default)]
    approvals: ApprovalsConfig,
    #[serde(default)]
    job_definitions: BTreeMap<String, JobDefinitionConfig>,
    #[serde(default)]
    job_queues: BTreeMap<String, JobQueueConfig>,
    #[serde(default)]
    task_definitions: BTreeMap<String, TaskDefinitionConfig>,
    #[serde(default)]
    containers: ContainersConfig,
    #[serde(default)]
    kubernetes: KubernetesConfig,
    #[serde(default)]
    aws: AwsConfig,
    #[serde(default)]
    routes: Vec<RouteConfig>,
    #[serde(default)]
    throttling: ThrottlingTable,
    #[serde(default)]
    tls: TlsTable,
    #[serde(default)]
    quotas: QuotasTable,
}

/// `[server]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct ServerTable {
    listen: Option<String>,
    data: Option<PathBuf>,
    account_id: Option<String>,
    region: Option<String>,
    log: Option<String>,
    log_format: Option<LogFormatName>,
    mocks: Option<PathBuf>,
    #[serde(default)]
    mocks_strict: bool,
    express_executions: Option<usize>,
    express_megabytes: Option<usize>,
    express_minutes: Option<u64>,
}

/// `[status_events]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct StatusEventsTable {
    webhook: Option<String>,
    webhook_token_env: Option<String>,
    event_bus: Option<String>,
}

/// Where events of changed status go.
#[derive(Debug)]
pub(crate) enum StatusEvents {
    Nowhere,
    Webhook(Arc<Webhook>),
    /// The name of the event bus.
    EventBus(String),
}

impl StatusEventsTable {
    fn settle(self, environment: &dyn Fn(&str) -> Option<String>) -> Result<StatusEvents, String> {
        let token = match self.webhook_token_env {
            None => None,
            Some(name) => match environment(&name) {
                Some(token) => Some(token),
                None => return Err(format!("the variable {name} with the token is not set")),
            },
        };
        match (self.webhook, self.event_bus) {
            (None, None) => Ok(StatusEvents::Nowhere),
            (Some(url), None) => {
                Ok(StatusEvents::Webhook(Arc::new(Webhook::new(&url, token.as_deref())?)))
            }
            (None, Some(bus)) => Ok(StatusEvents::EventBus(bus)),
            (Some(_), Some(_)) => Err("only one of webhook and event_bus can be given".to_owned()),
        }
    }
}

/// `[execution_logs]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct ExecutionLogsTable {
    #[serde(default)]
    output: ExecutionLogsName,
    folder: Option<PathBuf>,
    #[serde(default)]
    cloudwatch_logs: bool,
}

/// `[retention]`: days after the end of an execution; 0 for ever.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct RetentionTable {
    standard_days: u32,
    express_days: u32,
}

impl Default for RetentionTable {
    fn default() -> RetentionTable {
        RetentionTable { standard_days: STANDARD_DAYS, express_days: EXPRESS_DAYS }
    }
}

impl RetentionTable {
    fn settle(&self) -> Retention {
        let days =
            |days: u32| (days > 0).then(|| Duration::from_secs(u64::from(days) * SECONDS_OF_A_DAY));
        Retention { standard: days(self.standard_days), express: days(self.express_days) }
    }
}

/// `output`
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum ExecutionLogsName {
    #[default]
    Files,
    Stdout,
    None,
}

impl ExecutionLogsTable {
    /// Files in the data directory, if nothing else is said.
    fn settle(self, file_folder: &Path, data: &Path) -> ExecutionLogs {
        match (self.output, self.folder) {
            (ExecutionLogsName::None, _) => ExecutionLogs::Nowhere,
            (ExecutionLogsName::Stdout, _) => ExecutionLogs::Stdout,
            (ExecutionLogsName::Files, Some(folder)) => {
                ExecutionLogs::Folder(file_folder.join(folder))
            }
            (ExecutionLogsName::Files, None) if data == Path::new(MEMORY) => ExecutionLogs::Nowhere,
            (ExecutionLogsName::Files, None) => ExecutionLogs::Folder(data.join(EXECUTION_LOGS)),
        }
    }
}

/// Where execution logs go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ExecutionLogs {
    Nowhere,
    Folder(PathBuf),
    Stdout,
}

/// `log_format`
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum LogFormatName {
    Text,
    Json,
}

/// `[machines.NAME]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct MachineTable {
    definition: Option<PathBuf>,
    r#type: Option<MachineTypeTable>,
    role_arn: Option<String>,
}

/// `type`
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum MachineTypeTable {
    Standard,
    Express,
}

/// What is said about one state machine.
#[derive(Debug, Clone, Default)]
pub(crate) struct MachineSettings {
    /// Its file, where that is not `NAME.asl.json` in the folder.
    pub(crate) definition: Option<PathBuf>,
    pub(crate) machine_type: asl::MachineType,
    pub(crate) role_arn: Option<String>,
}

/// Where executions are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum DataPlace {
    Memory,
    Folder(PathBuf),
}

/// What came of command line, environment, file and defaults.
#[derive(Debug)]
pub(crate) struct Settings {
    /// The configuration file that was read, if any.
    pub(crate) file: Option<PathBuf>,
    pub(crate) listen: String,
    pub(crate) insecure: bool,
    pub(crate) data: DataPlace,
    pub(crate) account_id: String,
    pub(crate) region: String,
    pub(crate) log: String,
    pub(crate) log_format: OutputFormat,
    pub(crate) machines: BTreeMap<String, MachineSettings>,
    pub(crate) functions: FunctionsConfig,
    pub(crate) connections: ConnectionsConfig,
    pub(crate) http: HttpConfig,
    pub(crate) approvals: ApprovalsConfig,
    pub(crate) jobs: JobsConfig,
    pub(crate) aws: AwsConfig,
    pub(crate) routes: Vec<RouteConfig>,
    /// Without any, nobody has to sign.
    pub(crate) access_keys: Vec<AccessKey>,
    pub(crate) execution_logs: ExecutionLogs,
    /// Whether execution logs also go to CloudWatch Logs.
    pub(crate) sends_execution_logs: bool,
    /// Where spans go; none: nowhere.
    #[cfg_attr(not(feature = "otel"), expect(dead_code, reason = "nothing is sent without it"))]
    pub(crate) traces: Option<TraceSettings>,
    /// How long executions are kept after their end.
    pub(crate) retention: Retention,
    pub(crate) status_events: StatusEvents,
    /// The file with test cases, if there is one.
    pub(crate) mocks: Option<PathBuf>,
    /// Whether tasks of a test case that are not mocked fail.
    pub(crate) mocks_strict: bool,
    /// How much is kept of Express executions that are over.
    pub(crate) express: ExpressLimits,
    pub(crate) throttling: ThrottlingSettings,
    pub(crate) tls: TlsSettings,
    pub(crate) quotas: QuotaSettings,
}

impl Settings {
    /// Whether other machines may reach the API: callers sign, or the operator trusts them.
    pub(crate) fn is_open(&self) -> bool {
        self.insecure || !self.access_keys.is_empty()
    }
}

/// Reads a variable of the environment; an empty one counts as absent.
pub(crate) fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Settles everything for a command that works in `folder`.
pub(crate) fn resolve(
    options: &ServerOptions,
    folder: &Path,
    log_default: &str,
    environment: &dyn Fn(&str) -> Option<String>,
) -> Result<Settings, Failure> {
    let common = &options.common;
    let (path, file) = find_file(common, folder, environment)?;
    // Paths in the file are relative to the file.
    let file_folder = path.as_deref().and_then(Path::parent).unwrap_or(folder).to_owned();
    let (jobs, file) = check_jobs(file, path.as_deref(), &file_folder)?;
    let File {
        server,
        machines,
        functions,
        access_keys: keys,
        execution_logs,
        retention,
        status_events,
        traces,
        mut connections,
        http,
        mut approvals,
        aws,
        routes,
        throttling,
        tls,
        quotas,
        ..
    } = file;
    let functions = check_functions(functions, path.as_deref(), &file_folder)?;
    refuse(path.as_deref(), check_routes(&routes, &functions))?;
    connections.resolve_paths(&file_folder);
    approvals.resolve_paths(&file_folder);
    let errors = connections.check().into_iter().chain(http.check()).chain(approvals.check());
    refuse(path.as_deref(), errors.collect())?;
    let data = options
        .data
        .clone()
        .or_else(|| environment("STEPWELL_DATA").map(PathBuf::from))
        .or_else(|| server.data.map(|data| relative_to(&file_folder, data)))
        .unwrap_or_else(|| folder.join(DATA_FOLDER));
    let account_id = common
        .account_id
        .clone()
        .or_else(|| environment("AWS_ACCOUNT_ID"))
        .or(server.account_id)
        .unwrap_or_else(|| ACCOUNT_ID.to_owned());
    let access_keys =
        access_keys(keys, &file_folder, &account_id, environment).map_err(|problem| {
            let file = path.as_deref().unwrap_or(Path::new(FILE_NAME));
            Failure::usage(format!("{}: {problem}", file.display()))
        })?;
    let status_events = status_events.settle(environment).map_err(|problem| {
        let file = path.as_deref().unwrap_or(Path::new(FILE_NAME));
        Failure::usage(format!("{}: status_events: {problem}", file.display()))
    })?;
    let throttling = throttling.settle().map_err(|problem| {
        let file = path.as_deref().unwrap_or(Path::new(FILE_NAME));
        Failure::usage(format!("{}: throttling.operations: {problem}", file.display()))
    })?;
    let quotas = quotas.settle().map_err(|problem| {
        let file = path.as_deref().unwrap_or(Path::new(FILE_NAME));
        Failure::usage(format!("{}: quotas: {problem}", file.display()))
    })?;
    let tls = tls.settle(&file_folder).map_err(|problem| {
        let file = path.as_deref().unwrap_or(Path::new(FILE_NAME));
        Failure::usage(format!("{}: tls: {problem}", file.display()))
    })?;
    let traces = traces.settle(environment).map_err(|problem| {
        let file = path.as_deref().unwrap_or(Path::new(FILE_NAME));
        Failure::usage(format!("{}: traces: {problem}", file.display()))
    })?;
    let sends_execution_logs = execution_logs.cloudwatch_logs;
    let execution_logs = execution_logs.settle(&file_folder, &data);
    let settings = Settings {
        listen: options
            .listen
            .clone()
            .or_else(|| environment("STEPWELL_LISTEN"))
            .or(server.listen)
            .unwrap_or_else(|| LISTEN.to_owned()),
        insecure: options.insecure,
        data: if data == Path::new(MEMORY) { DataPlace::Memory } else { DataPlace::Folder(data) },
        account_id,
        region: common
            .region
            .clone()
            .or_else(|| environment("AWS_REGION"))
            .or(server.region)
            .unwrap_or_else(|| REGION.to_owned()),
        log: common
            .log
            .clone()
            .or_else(|| environment("STEPWELL_LOG"))
            .or(server.log)
            .unwrap_or_else(|| log_default.to_owned()),
        log_format: log_format(common, server.log_format, environment)?,
        machines: machines
            .into_iter()
            .map(|(name, table)| (name, machine(table, &file_folder)))
            .collect(),
        functions,
        access_keys,
        execution_logs,
        sends_execution_logs,
        traces,
        retention: retention.settle(),
        status_events,
        connections,
        http,
        approvals,
        jobs,
        aws,
        routes,
        throttling,
        tls,
        quotas,
        mocks: options
            .mocks
            .mocks
            .clone()
            .or_else(|| environment("SFN_MOCK_CONFIG").map(PathBuf::from))
            .or_else(|| server.mocks.map(|mocks| file_folder.join(mocks))),
        mocks_strict: options.mocks.mocks_strict || server.mocks_strict,
        express: express_limits(
            server.express_executions,
            server.express_megabytes,
            server.express_minutes,
        ),
        file: path,
    };
    check(settings)
}

fn express_limits(
    executions: Option<usize>,
    megabytes: Option<usize>,
    minutes: Option<u64>,
) -> ExpressLimits {
    let default = ExpressLimits::default();
    ExpressLimits {
        executions_max: executions.unwrap_or(default.executions_max),
        bytes_max: megabytes.map_or(default.bytes_max, |given| given.saturating_mul(1 << 20)),
        age_max: minutes.map_or(default.age_max, |given| {
            std::time::Duration::from_secs(given.saturating_mul(60))
        }),
    }
}

fn log_format(
    common: &CommonOptions,
    in_file: Option<LogFormatName>,
    environment: &dyn Fn(&str) -> Option<String>,
) -> Result<OutputFormat, Failure> {
    if let Some(format) = common.log_format {
        return Ok(format);
    }
    if let Some(name) = environment("STEPWELL_LOG_FORMAT") {
        return match name.as_str() {
            "text" => Ok(OutputFormat::Text),
            "json" => Ok(OutputFormat::Json),
            _ => Err(Failure::usage(format!(
                "STEPWELL_LOG_FORMAT is `{name}`; it must be `text` or `json`"
            ))),
        };
    }
    Ok(match in_file {
        Some(LogFormatName::Json) => OutputFormat::Json,
        Some(LogFormatName::Text) | None => OutputFormat::Text,
    })
}

/// Functions with the places of their code, or everything that is wrong with them.
fn check_functions(
    functions: BTreeMap<String, FunctionConfig>,
    path: Option<&Path>,
    folder: &Path,
) -> Result<FunctionsConfig, Failure> {
    let mut functions = FunctionsConfig { functions };
    functions.resolve_paths(folder);
    refuse(path, functions.check().iter().map(ToString::to_string).collect())?;
    Ok(functions)
}

/// Jobs with the places of their programs, or everything that is wrong with them; and the rest of
/// the file.
fn check_jobs(
    mut file: File,
    path: Option<&Path>,
    folder: &Path,
) -> Result<(JobsConfig, File), Failure> {
    let mut jobs = JobsConfig {
        job_definitions: std::mem::take(&mut file.job_definitions),
        job_queues: std::mem::take(&mut file.job_queues),
        task_definitions: std::mem::take(&mut file.task_definitions),
        containers: std::mem::take(&mut file.containers),
        kubernetes: std::mem::take(&mut file.kubernetes),
    };
    jobs.resolve_paths(folder);
    refuse(path, jobs.check())?;
    Ok((jobs, file))
}

/// What is wrong with the routes.
fn check_routes(routes: &[RouteConfig], functions: &FunctionsConfig) -> Vec<String> {
    let mut problems: Vec<String> = routes.iter().filter_map(|route| route.check().err()).collect();
    for route in routes {
        if let Some(name) =
            route.function.as_ref().filter(|it| !functions.functions.contains_key(*it))
        {
            problems.push(format!("route '{}': function '{name}' is not declared", route.resource));
        }
    }
    problems
}

/// Fails with everything that is wrong in the file, if anything is.
fn refuse(path: Option<&Path>, errors: Vec<String>) -> Result<(), Failure> {
    match path {
        Some(path) if !errors.is_empty() => {
            Err(Failure::usage(format!("{}: {}", path.display(), errors.join("\n       "))))
        }
        _ => Ok(()),
    }
}

fn machine(table: MachineTable, folder: &Path) -> MachineSettings {
    MachineSettings {
        definition: table.definition.map(|definition| relative_to(folder, definition)),
        machine_type: match table.r#type {
            Some(MachineTypeTable::Express) => asl::MachineType::Express,
            Some(MachineTypeTable::Standard) | None => asl::MachineType::Standard,
        },
        role_arn: table.role_arn,
    }
}

fn relative_to(folder: &Path, path: PathBuf) -> PathBuf {
    if path == Path::new(MEMORY) { path } else { folder.join(path) }
}

/// Refuses values that could never work, wherever they came from.
fn check(settings: Settings) -> Result<Settings, Failure> {
    let account_id = &settings.account_id;
    if account_id.len() != 12 || !account_id.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Failure::usage(format!("the account `{account_id}` is not 12 digits")));
    }
    let region = &settings.region;
    let valid = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if region.is_empty() || region.len() > 32 || !region.bytes().all(valid) {
        return Err(Failure::usage(format!(
            "the region `{region}` is not a name such as us-east-1 (lower-case letters, digits, -)"
        )));
    }
    Ok(settings)
}

/// The configuration file and its place; one that is asked for must exist.
fn find_file(
    common: &CommonOptions,
    folder: &Path,
    environment: &dyn Fn(&str) -> Option<String>,
) -> Result<(Option<PathBuf>, File), Failure> {
    let named = common.config.clone().or_else(|| environment("STEPWELL_CONFIG").map(PathBuf::from));
    let path = match named {
        Some(path) => path,
        None => {
            let path = folder.join(FILE_NAME);
            if !path.exists() {
                return Ok((None, File::default()));
            }
            path
        }
    };
    let text = std::fs::read_to_string(&path)
        .map_err(|error| Failure::usage(format!("cannot read {}: {error}", path.display())))?;
    let file = parse(&path, &text)?;
    Ok((Some(path), file))
}

/// Reads the text of a configuration file; an error names line and column and shows the line.
fn parse(path: &Path, text: &str) -> Result<File, Failure> {
    toml::from_str(text).map_err(|error| {
        let place = error.span().map(|span| place(text, span.start)).unwrap_or_default();
        Failure::usage(format!("{}{place}: {}", path.display(), describe(&error, text)))
    })
}

/// `:LINE:COLUMN` of a byte offset, counted from 1.
fn place(text: &str, offset: usize) -> String {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
    format!(":{line}:{column}")
}

/// The message, and the line of text with a caret where there is a place.
fn describe(error: &toml::de::Error, text: &str) -> String {
    let message = error.message().trim_end().replace('\n', ", ");
    let Some(span) = error.span() else {
        return message;
    };
    let before = text.get(..span.start).unwrap_or(text);
    let number = (before.matches('\n').count() + 1).to_string();
    let start = before.rfind('\n').map_or(0, |at| at + 1);
    let line = text[start..].lines().next().unwrap_or("");
    let indent: String = text[start..span.start]
        .chars()
        .map(|character| if character == '\t' { '\t' } else { ' ' })
        .collect();
    let end = span.end.min(start + line.len());
    let width = text.get(span.start..end).map_or(1, |part| part.chars().count()).max(1);
    let margin = " ".repeat(number.len());
    format!("{message}\n{margin} |\n{number} | {line}\n{margin} | {indent}{}", "^".repeat(width))
}
