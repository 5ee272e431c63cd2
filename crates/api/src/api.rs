//! What all requests share: the runtime, the settings, the page tokens.

use std::sync::Arc;

use asl::{Payload, Timestamp};
use runtime::{ExpressExecutions, LocalJobs, Quotas, Runtime};
use tokio::sync::watch;

use crate::auth::AccessKeys;
use crate::constraints::{Bounds, DEFINITION_CHARACTERS_MAX};
use crate::metrics::{MetricsSource, RequestMetrics};
use crate::page_token::PageTokens;
use crate::request_id::RequestIds;
use crate::throttling::Throttling;

/// Bytes of a request (AWS quota).
const REQUEST_BYTES_MAX: usize = 1_048_576;

/// The account and region of requests that name none, and the keys that requests are signed
/// with.
#[derive(Debug, Clone)]
pub struct ApiOptions {
    /// Twelve digits.
    pub account_id: String,
    pub region: String,
    /// Without any, no request has to be signed.
    pub access_keys: Arc<AccessKeys>,
    /// More for `/metrics` than what the API knows itself.
    pub metrics: Option<Arc<dyn MetricsSource>>,
    /// What URLs of approvals begin with; the host of the request, if nothing else is said.
    pub approval_base_url: Option<String>,
    /// The Express executions of late, if they are kept.
    pub express: Option<Arc<ExpressExecutions>>,
    /// The batch jobs and containers that run without AWS.
    pub jobs: Option<Arc<dyn LocalJobs>>,
    /// How often operations may be called, if that is bounded.
    pub throttling: Option<Arc<Throttling>>,
    /// Bytes of a request, its head included.
    pub request_bytes_max: usize,
    /// Characters of a definition.
    pub definition_characters_max: usize,
}

impl Default for ApiOptions {
    fn default() -> ApiOptions {
        ApiOptions {
            account_id: "123456789012".to_owned(),
            region: "us-east-1".to_owned(),
            access_keys: Arc::default(),
            metrics: None,
            approval_base_url: None,
            express: None,
            jobs: None,
            throttling: None,
            request_bytes_max: REQUEST_BYTES_MAX,
            definition_characters_max: DEFINITION_CHARACTERS_MAX,
        }
    }
}

/// The Step Functions API over a runtime. Give it to [`crate::serve`].
pub struct Api {
    pub(crate) runtime: Arc<Runtime>,
    pub(crate) options: ApiOptions,
    /// How much there may be.
    pub(crate) quotas: Quotas,
    pub(crate) bounds: Bounds,
    pub(crate) page_tokens: PageTokens,
    pub(crate) request_ids: RequestIds,
    pub(crate) request_metrics: RequestMetrics,
    /// The input of executions that are started without one.
    pub(crate) empty_input: Payload,
    stopping: watch::Sender<bool>,
}

impl Api {
    pub fn new(runtime: Arc<Runtime>, options: ApiOptions) -> Arc<Api> {
        let page_tokens = PageTokens::new(runtime.page_token_secret());
        Arc::new(Api {
            quotas: runtime.quotas(),
            bounds: Bounds {
                payload: runtime.limits().payload_bytes,
                definition: options.definition_characters_max,
            },
            runtime,
            options,
            page_tokens,
            request_ids: RequestIds::new(),
            request_metrics: RequestMetrics::default(),
            empty_input: Payload::from_valid_text("{}"),
            stopping: watch::Sender::new(false),
        })
    }

    /// Ends the waiting of long polls: the server is stopping.
    pub(crate) fn stop(&self) {
        self.stopping.send_replace(true);
    }

    /// Waits until the server is stopping.
    pub(crate) async fn stopping(&self) {
        let mut stopping = self.stopping.subscribe();
        // The sender lives as long as `self`, so that waiting only ends when it is true.
        let _ = stopping.wait_for(|stopping| *stopping).await;
    }

    /// The present moment, by the runtime's clock.
    pub(crate) fn now(&self) -> Timestamp {
        self.runtime.now()
    }
}
