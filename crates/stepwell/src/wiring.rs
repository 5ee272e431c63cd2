//! How the parts come together: store, integrations, runtime and the API in front.

use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, ToSocketAddrs};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use api::{AccessKeys, Api, ApiOptions};
use integrations::mocks::MockedIntegrations;
use integrations::{Integrations, IntegrationsConfig, OwnKey};
use runtime::{
    EvaluatorProgram, ExpressExecutions, Mocks, Observer, Runtime, RuntimeOptions, TaskRunner,
};
use store::{MemoryStore, SqliteStore, Store};
use telemetry::{
    AwsLogService, CloudWatchLogs, EventBus, EventTarget, LogFiles, LogOutput, LogSink, Telemetry,
    TelemetryOptions,
};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::commands::EVALUATE;
use crate::config::{DataPlace, ExecutionLogs, Settings, StatusEvents};
use crate::failure::Failure;
use crate::tls::{Certificate, TlsSettings};
use crate::tokens::{RememberingRunner, Tokens};

/// The folder with what functions print, in the data directory.
const LOG_FOLDER: &str = "logs";
/// The folder with batch jobs and containers, in the data directory.
const JOB_FOLDER: &str = "jobs";
/// How long an address is waited for. When a server is killed while it starts a process for a
/// function, that one holds its open sockets until it runs its own program.
const BIND_PATIENCE: Duration = Duration::from_secs(1);
const BIND_PAUSE: Duration = Duration::from_millis(10);
/// How long the last execution logs and spans may take to leave when the server stops.
const DELIVERY_PATIENCE: Duration = Duration::from_secs(10);
/// How SDKs in functions find the API.
const ENDPOINT_VARIABLE: &str = "AWS_ENDPOINT_URL_SFN";

/// Everything behind the API.
pub(crate) struct Node {
    pub(crate) runtime: Arc<Runtime>,
    pub(crate) integrations: Arc<Integrations>,
    telemetry: Arc<Telemetry>,
    express: Arc<ExpressExecutions>,
    /// What sends execution logs and spans, where that is configured.
    deliveries: Vec<JoinHandle<()>>,
}

/// An address that is taken, for the API.
pub(crate) struct Listening {
    listener: TcpListener,
    address: SocketAddr,
    /// Where TLS is on, a port for the server's own functions and tasks, without it: what is on
    /// this machine need not know the certificate.
    own: Option<(TcpListener, SocketAddr)>,
    /// One that is read from files, so that what is wrong with it is told first of all.
    certificate: Option<Certificate>,
}

/// The API at an address.
pub(crate) struct Server {
    url: String,
    /// What clients must trust, where it was made here.
    authority: Option<PathBuf>,
    stop: watch::Sender<bool>,
    served: Vec<JoinHandle<std::io::Result<()>>>,
    /// Keeps the certificate up to date.
    keeping: Option<JoinHandle<()>>,
}

/// This program, as what evaluates expressions that may take long. None where the system does
/// not say where it is.
pub(crate) fn evaluator_program() -> Option<EvaluatorProgram> {
    // Where there is one, the link leads to this very program even if its file was replaced.
    let link = PathBuf::from("/proc/self/exe");
    let program = if link.exists() { Some(link) } else { std::env::current_exe().ok() };
    program.map(|program| EvaluatorProgram { program, arguments: vec![EVALUATE.into()] })
}

/// Runs a command that needs an asynchronous world.
pub(crate) fn on_tokio<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let tokio = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::unsuccessful(format!("cannot start threads: {error}")))?;
    tokio.block_on(work)
}

impl Node {
    /// Opens the data, takes up what was under way, and starts. `url` is where the API will be,
    /// for functions that call it. `tokens`, where given, remembers the tokens of tasks.
    pub(crate) async fn start(
        settings: &Settings,
        url: Option<&str>,
        tokens: Option<&Arc<Tokens>>,
    ) -> Result<Node, Failure> {
        let store = open_store(&settings.data)?;
        let mut config = integrations_config(settings);
        if let DataPlace::Folder(folder) = &settings.data {
            config.log_directory = Some(folder.join(LOG_FOLDER));
            config.job_directory = Some(folder.join(JOB_FOLDER));
        }
        if let Some(url) = url {
            config.environment.entry(ENDPOINT_VARIABLE.to_owned()).or_insert(url.to_owned());
            // Calls of this very API by its own tasks are signed with a key that it knows.
            config.own_key = settings.access_keys.first().map(|key| OwnKey {
                url: url.to_owned(),
                access_key_id: key.id.clone(),
                secret_access_key: key.secret.clone(),
                session_token: key.session_token.clone(),
            });
        }
        let integrations = Integrations::new(config);
        integrations.resume_jobs();
        let mut runner: Arc<dyn TaskRunner> = integrations.clone();
        if let Some(tokens) = tokens {
            runner = Arc::new(RememberingRunner { runner, tokens: Arc::clone(tokens) });
        }
        let (options, deliveries) = telemetry_options(settings, &integrations)?;
        let telemetry = Telemetry::start(options)
            .map_err(|error| Failure::unsuccessful(format!("cannot start: {error}")))?;
        let observer: Arc<dyn Observer> = telemetry.clone();
        let express = ExpressExecutions::new(settings.express, Some(observer));
        let observer: Arc<dyn Observer> = express.clone();
        let options = RuntimeOptions {
            mocks: open_mocks(settings)?,
            retention: settings.retention,
            quotas: settings.quotas.quotas,
            limits: settings.quotas.limits,
            observer: Some(observer),
            evaluator: evaluator_program(),
            keeps_status_changes: !matches!(settings.status_events, StatusEvents::Nowhere),
            ..RuntimeOptions::default()
        };
        let runtime = Runtime::start(store, runner, options)
            .await
            .map_err(|error| Failure::unsuccessful(format!("cannot start: {error}")))?;
        if let Some(target) = event_target(settings, &integrations) {
            let runtime = Arc::clone(&runtime);
            tokio::spawn(async move { telemetry::deliver(&runtime, &*target).await });
        }
        Ok(Node { runtime, integrations, telemetry, express, deliveries })
    }

    /// Serves the API to whoever connects.
    pub(crate) fn serve(
        &self,
        listening: Listening,
        settings: &Settings,
    ) -> Result<Server, Failure> {
        let failed = |error: std::io::Error| {
            Failure::unsuccessful(format!("cannot serve {}: {error}", settings.listen))
        };
        let url = listening.url();
        let Listening { listener, address, own, certificate } = listening;
        let certificate = match certificate {
            None => Certificate::open(&settings.tls, &settings.data, address.ip())?,
            read => read,
        };
        let listener = tokio::net::TcpListener::from_std(listener).map_err(failed)?;
        let options = ApiOptions {
            account_id: settings.account_id.clone(),
            region: settings.region.clone(),
            access_keys: Arc::new(AccessKeys::new(settings.access_keys.clone())),
            metrics: Some(self.telemetry.clone()),
            approval_base_url: settings.approvals.base_url.clone(),
            throttling: settings.throttling.operations().map(Arc::new),
            request_bytes_max: settings.quotas.request_bytes,
            definition_characters_max: settings.quotas.definition_characters,
            express: (settings.express.executions_max > 0).then(|| Arc::clone(&self.express)),
            jobs: Some(self.integrations.local_jobs()),
        };
        let api = Api::new(Arc::clone(&self.runtime), options);
        let (stop, _) = watch::channel(false);
        let stopped = || {
            let mut stopped = stop.subscribe();
            // A sender that is gone stops the server, too.
            async move { drop(stopped.wait_for(|stopped| *stopped).await) }
        };
        let mut served = Vec::new();
        let Some(certificate) = certificate else {
            served.push(tokio::spawn(api::serve(listener, api, stopped())));
            return Ok(Server { url, authority: None, stop, served, keeping: None });
        };
        if let Some((own, _)) = own {
            let own = tokio::net::TcpListener::from_std(own).map_err(failed)?;
            served.push(tokio::spawn(api::serve(own, Arc::clone(&api), stopped())));
        }
        let tls = Arc::clone(&certificate.tls);
        served.push(tokio::spawn(api::serve_tls(listener, tls, api, stopped())));
        let authority = certificate.authority.clone();
        let keeping = Some(tokio::spawn(certificate.keep()));
        Ok(Server { url, authority, stop, served, keeping })
    }

    /// Lets turns under way become durable and ends; calls of tasks are made again at the next
    /// start.
    pub(crate) async fn stop(self) {
        self.runtime.shutdown().await;
        self.integrations.shutdown().await;
        let telemetry = self.telemetry;
        if tokio::task::spawn_blocking(move || telemetry.stop()).await.is_err() {
            tracing::error!("metrics and logs ended badly");
        }
        let delivered = async {
            for delivery in self.deliveries {
                // One that panicked has said so.
                let _ = delivery.await;
            }
        };
        if tokio::time::timeout(DELIVERY_PATIENCE, delivered).await.is_err() {
            tracing::warn!("the last execution logs or spans were not taken in time");
        }
    }
}

impl Server {
    /// Where it is: `http://127.0.0.1:8083`.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// How clients come to trust a certificate that was made here.
    pub(crate) fn trust(&self) -> Option<String> {
        let path = self.authority.as_ref()?;
        Some(format!("clients trust it with AWS_CA_BUNDLE={}", path.display()))
    }

    /// Answers open requests, takes no more, and ends.
    pub(crate) async fn stop(self) {
        self.stop.send_replace(true);
        for served in self.served {
            match served.await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::error!(%error, "the server failed"),
                Err(error) => tracing::error!(%error, "the server panicked"),
            }
        }
        if let Some(keeping) = self.keeping {
            keeping.abort();
        }
    }
}

/// What the settings say about the work outside.
pub(crate) fn integrations_config(settings: &Settings) -> IntegrationsConfig {
    let mut config = IntegrationsConfig::from_process_environment(settings.functions.clone());
    config.connections = settings.connections.clone();
    config.http = settings.http.clone();
    config.approvals = settings.approvals.clone();
    config.jobs = settings.jobs.clone();
    config.aws = settings.aws.clone();
    config.routes = settings.routes.clone();
    config
}

/// The test cases that executions can be started with.
fn open_mocks(settings: &Settings) -> Result<Option<Arc<dyn Mocks>>, Failure> {
    let Some(path) = &settings.mocks else { return Ok(None) };
    let mocks = MockedIntegrations::open(path, settings.mocks_strict)
        .map_err(|problem| Failure::usage(problem.to_string()))?;
    Ok(Some(mocks))
}

/// Where events of changed status go.
fn event_target(settings: &Settings, integrations: &Integrations) -> Option<Arc<dyn EventTarget>> {
    match &settings.status_events {
        StatusEvents::Nowhere => None,
        StatusEvents::Webhook(webhook) => Some(webhook.clone()),
        StatusEvents::EventBus(name) => {
            let client = integrations.aws().clone();
            Some(Arc::new(EventBus::new(client, settings.region.clone(), name.clone())))
        }
    }
}

/// What telemetry there shall be, and what sends execution logs and spans.
fn telemetry_options(
    settings: &Settings,
    integrations: &Integrations,
) -> Result<(TelemetryOptions, Vec<JoinHandle<()>>), Failure> {
    let mut options = TelemetryOptions::default();
    options.logs.extend(log_sink(&settings.execution_logs));
    let mut deliveries = Vec::new();
    if settings.sends_execution_logs {
        let service = Arc::new(AwsLogService::new(integrations.aws().clone()));
        let (logs, sending) = CloudWatchLogs::new(service);
        options.log_counts = Some(logs.counts());
        options.logs.push(Box::new(logs));
        deliveries.push(tokio::spawn(sending.run()));
    }
    #[cfg(feature = "otel")]
    if let Some(traces) = &settings.traces {
        let (traces, sending) = telemetry::Traces::new(telemetry::TraceOptions {
            url: traces.url.clone(),
            headers: traces.headers.clone(),
            service_name: traces.service_name.clone(),
            sampling_ratio: traces.sampling_ratio,
        })
        .map_err(|problem| Failure::usage(format!("traces: {problem}")))?;
        options.span_counts = Some(traces.counts());
        options.turns.push(Box::new(traces));
        deliveries.push(tokio::spawn(sending.run()));
    }
    Ok((options, deliveries))
}

/// Where execution logs are written.
fn log_sink(logs: &ExecutionLogs) -> Option<Box<dyn LogSink>> {
    match logs {
        ExecutionLogs::Nowhere => None,
        ExecutionLogs::Folder(folder) => Some(Box::new(LogFiles::in_folder(folder.clone()))),
        ExecutionLogs::Stdout => Some(Box::new(LogOutput)),
    }
}

fn open_store(place: &DataPlace) -> Result<Arc<dyn Store>, Failure> {
    let folder = match place {
        DataPlace::Memory => return Ok(Arc::new(MemoryStore::default())),
        DataPlace::Folder(folder) => folder,
    };
    let store =
        SqliteStore::open(folder).map_err(|error| Failure::unsuccessful(error.to_string()))?;
    // The folder may lie in a repository. That it cannot be written is no reason to stop: the
    // store could.
    let ignore = folder.join(".gitignore");
    if !ignore.exists() {
        let _ = std::fs::write(ignore, "*\n");
    }
    Ok(Arc::new(store))
}

impl Listening {
    /// Where clients find the API.
    pub(crate) fn url(&self) -> String {
        let scheme = if self.own.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// Where the server's own functions and tasks find it.
    pub(crate) fn own_url(&self) -> String {
        let address = self.own.as_ref().map_or(self.address, |(_, address)| *address);
        format!("http://{address}")
    }
}

/// Takes the address. Only this machine may reach it, unless callers have to sign or the
/// operator says otherwise: then `is_open`.
pub(crate) fn bind(listen: &str, is_open: bool, tls: &TlsSettings) -> Result<Listening, Failure> {
    let addresses: Vec<SocketAddr> = listen
        .to_socket_addrs()
        .map_err(|error| {
            Failure::usage(format!("`{listen}` is not an address to listen on: {error}"))
                .hint("an address and a port, such as 127.0.0.1:8083 or [::1]:0")
        })?
        .collect();
    if !is_open && let Some(open) = addresses.iter().find(|address| !address.ip().is_loopback()) {
        return Err(Failure::usage(format!(
            "refusing to listen on {open}: other machines could reach it, and no access keys are \
             configured; whoever reaches it could start executions and run functions"
        ))
        .hint(
            "configure [[access_keys]], or listen on 127.0.0.1, or add --insecure where every \
             machine is trusted",
        ));
    }
    let cannot = |error| Failure::unsuccessful(format!("cannot listen on {listen}: {error}"));
    let certificate = Certificate::of_files(tls)?;
    let take = |addresses: &[SocketAddr]| -> io::Result<(TcpListener, SocketAddr)> {
        let listener = bind_patiently(addresses)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        Ok((listener, address))
    };
    let (listener, address) = take(&addresses).map_err(cannot)?;
    let loopback = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let own = tls.is_on().then(|| take(&[loopback])).transpose().map_err(cannot)?;
    Ok(Listening { listener, address, own, certificate })
}

/// Tries until [`BIND_PATIENCE`] has passed.
fn bind_patiently(addresses: &[SocketAddr]) -> io::Result<TcpListener> {
    let end = Instant::now() + BIND_PATIENCE;
    loop {
        match TcpListener::bind(addresses) {
            Err(error) if error.kind() == ErrorKind::AddrInUse && Instant::now() < end => {
                thread::sleep(BIND_PAUSE);
            }
            outcome => return outcome,
        }
    }
}
