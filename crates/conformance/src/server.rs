//! The server that a case talks to: the whole of it but the command line, in this process, with
//! everything in memory. Functions and services are answered by the stand-in over HTTP.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Result;
use api::{Api, ApiOptions};
use integrations::{Integrations, IntegrationsConfig};
use runtime::{Runtime, RuntimeOptions};
use store::MemoryStore;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::services::{self, Script};

/// A running server.
pub(crate) struct Server {
    address: SocketAddr,
    runtime: Arc<Runtime>,
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
        let runtime = Runtime::start(store, integrations, RuntimeOptions::default()).await?;
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
        Ok(Server { address, runtime, stop, serving, services })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) async fn wait_for_end(&self, execution_arn: &str) -> Result<()> {
        self.runtime.wait_for_end(execution_arn).await?;
        Ok(())
    }

    /// Nothing is graceful here: a case may leave executions and polls that would wait for hours.
    pub(crate) async fn stop(self) {
        drop(self.stop);
        self.serving.abort();
        self.services.abort();
        self.runtime.shutdown().await;
    }
}
