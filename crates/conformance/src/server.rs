//! The server that a case talks to: the whole of it but the command line, in this process, with
//! everything in memory. Functions and services are answered by the stand-in over HTTP.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Result;
use api::{Api, ApiOptions};
use integrations::{Integrations, IntegrationsConfig};
use runtime::{Observer, Runtime, RuntimeOptions};
use serde_json::Value;
use store::MemoryStore;
use telemetry::{LogRecord, LogSink, Telemetry, TelemetryOptions};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::services::{self, Script};

/// How long to wait between looks at the log.
const POLL: Duration = Duration::from_millis(5);

/// Execution logs, by execution.
#[derive(Debug, Clone, Default)]
struct LoggedEvents(Arc<Mutex<BTreeMap<String, Vec<String>>>>);

impl LoggedEvents {
    fn of(&self, execution_arn: &str) -> Vec<String> {
        let events = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        events.get(execution_arn).cloned().unwrap_or_default()
    }
}

impl LogSink for LoggedEvents {
    fn write(&mut self, record: LogRecord<'_>) {
        let mut events = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        events.entry(record.execution_arn.to_owned()).or_default().push(record.text.to_owned());
    }

    fn flush(&mut self) {}
}

/// A running server.
pub(crate) struct Server {
    address: SocketAddr,
    runtime: Arc<Runtime>,
    logs: LoggedEvents,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<()>,
    services: JoinHandle<()>,
}

impl Server {
    pub(crate) async fn start(script: Arc<Script>) -> Result<Server> {
        let (stand_in, services) = services::serve(script).await?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let environment = [
            ("AWS_ENDPOINT_URL", format!("http://{stand_in}")),
            // Calls of the very API under test are made to it.
            ("AWS_ENDPOINT_URL_SFN", format!("http://{address}")),
            ("AWS_ACCESS_KEY_ID", "test".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "test".to_owned()),
        ];
        let integrations = Integrations::new(IntegrationsConfig {
            environment: BTreeMap::from(environment.map(|(name, value)| (name.to_owned(), value))),
            ..IntegrationsConfig::default()
        });
        let store = Arc::new(MemoryStore::default());
        let logs = LoggedEvents::default();
        let options =
            TelemetryOptions { logs: vec![Box::new(logs.clone())], ..TelemetryOptions::default() };
        let observer: Arc<dyn Observer> = Telemetry::start(options)?;
        let options = RuntimeOptions {
            observer: Some(observer),
            keeps_status_changes: true,
            ..RuntimeOptions::default()
        };
        let runtime = Runtime::start(store, integrations, options).await?;
        let api = Api::new(runtime.clone(), ApiOptions::default());
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = tokio::spawn(async move {
            let shutdown = async {
                // Dropping the sender stops the server as well.
                let _ = stopped.await;
            };
            // The listener is open; what fails from here on a case's calls will tell.
            let _ = api::serve(listener, api, shutdown).await;
        });
        Ok(Server { address, runtime, logs, stop, serving, services })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) async fn wait_for_end(&self, execution_arn: &str) -> Result<()> {
        self.runtime.wait_for_end(execution_arn).await?;
        Ok(())
    }

    /// Every event of changed status so far, in the shape of EventBridge.
    pub(crate) async fn status_events(&self) -> Result<Vec<Value>> {
        let pending = self.runtime.status_changes(String::new(), 1_000).await?;
        let changes = pending.iter().flat_map(|pending| &pending.changes);
        Ok(changes.map(|change| api::status_event(change, uuid::Uuid::new_v4())).collect())
    }

    /// The last event in the log of an execution, once it has ended; none if nothing is logged.
    pub(crate) async fn end_event(&self, execution_arn: &str) -> Option<Value> {
        loop {
            let records = self.logs.of(execution_arn);
            let last: Option<Value> =
                records.last().and_then(|text| serde_json::from_str(text).ok());
            let is_end = |event: &Value| {
                event["type"].as_str().is_some_and(|name| {
                    let ends = ["Succeeded", "Failed", "TimedOut", "Aborted"];
                    ends.iter().any(|end| name.strip_prefix("Execution") == Some(*end))
                })
            };
            if last.as_ref().is_some_and(is_end) {
                return last;
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// Nothing is graceful here: a case may leave executions and polls that would wait for hours.
    pub(crate) async fn stop(self) {
        drop(self.stop);
        self.serving.abort();
        self.services.abort();
        self.runtime.shutdown().await;
    }
}
