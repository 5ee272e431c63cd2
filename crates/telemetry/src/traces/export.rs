//! Sends spans to a collector: OTLP over HTTP, as Protocol Buffers.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use integrations::HttpEndpoint;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::InstrumentationScope;
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message as _;
use tokio::sync::mpsc::Receiver;

use super::tracker::text;
use crate::observe::SpanCounts;

/// Spans in one request.
const BATCH_MAX: usize = 512;
/// How long spans are gathered before they are sent.
const LINGER: Duration = Duration::from_millis(500);
/// How often a request is made. Meanwhile the queue fills.
const ATTEMPTS_MAX: u32 = 6;
const PAUSE_FIRST: Duration = Duration::from_secs(1);
const PAUSE_MAX: Duration = Duration::from_secs(30);
const CONTENT_TYPE: &str = "application/x-protobuf";

/// Where spans go.
#[derive(Clone)]
#[expect(missing_debug_implementations, reason = "the headers are secret")]
pub struct TraceOptions {
    /// The URL that takes spans, path included: `http://127.0.0.1:4318/v1/traces`.
    pub url: String,
    /// Sent with every request; what they say is secret.
    pub headers: Vec<(String, String)>,
    /// `service.name` of the spans.
    pub service_name: String,
    /// Which part of the traces is kept whose callers do not say: 0 to 1.
    pub sampling_ratio: f64,
}

/// Sends what a [`super::Traces`] made.
#[derive(Debug)]
pub struct SpanDelivery {
    endpoint: HttpEndpoint,
    resource: Resource,
    receiver: Receiver<Span>,
    counts: Arc<SpanCounts>,
}

impl SpanDelivery {
    pub(super) fn new(
        options: TraceOptions,
        receiver: Receiver<Span>,
        counts: Arc<SpanCounts>,
    ) -> Result<SpanDelivery, String> {
        let endpoint = HttpEndpoint::new(&options.url, &options.headers)?;
        let attributes = vec![
            text("service.name", &options.service_name),
            text("service.version", env!("CARGO_PKG_VERSION")),
        ];
        let resource = Resource { attributes, ..Resource::default() };
        Ok(SpanDelivery { endpoint, resource, receiver, counts })
    }

    /// Sends spans until nobody makes any more.
    pub async fn run(mut self) {
        let mut spans = Vec::new();
        while let Some(first) = self.receiver.recv().await {
            spans.push(first);
            let more = async {
                while spans.len() < BATCH_MAX {
                    let Some(span) = self.receiver.recv().await else { return };
                    spans.push(span);
                }
            };
            // What came until then is in `spans` in any case.
            let _ = tokio::time::timeout(LINGER, more).await;
            let count = spans.len() as u64;
            let taken = self.send(std::mem::take(&mut spans)).await.min(count);
            self.counts.add_exported(taken);
            self.counts.add_dropped(count - taken);
        }
    }

    /// How many spans were taken.
    async fn send(&self, spans: Vec<Span>) -> u64 {
        let count = spans.len() as u64;
        let scope = InstrumentationScope {
            name: "stepwell".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            ..InstrumentationScope::default()
        };
        let scope_spans = ScopeSpans { scope: Some(scope), spans, schema_url: String::new() };
        let resource_spans = ResourceSpans {
            resource: Some(self.resource.clone()),
            scope_spans: vec![scope_spans],
            schema_url: String::new(),
        };
        let request = ExportTraceServiceRequest { resource_spans: vec![resource_spans] };
        let body = Bytes::from(request.encode_to_vec());
        let mut pause = PAUSE_FIRST;
        for attempt in 1..=ATTEMPTS_MAX {
            let (reason, wanted) = match self.endpoint.post(CONTENT_TYPE, body.clone()).await {
                Ok(answer) if answer.status.is_success() => {
                    return count.saturating_sub(rejected(&answer.body));
                }
                // The only ones that the protocol lets a client repeat.
                Ok(answer) if matches!(answer.status.as_u16(), 429 | 502 | 503 | 504) => {
                    (format!("the collector answered {}", answer.status), answer.retry_after)
                }
                Ok(answer) => {
                    let status = answer.status.as_u16();
                    tracing::error!(status, count, "the collector refused spans: dropped");
                    return 0;
                }
                Err(reason) => (reason, None),
            };
            if attempt == ATTEMPTS_MAX {
                tracing::error!(reason, count, "no collector took spans: dropped");
                break;
            }
            tracing::warn!(reason, "the collector did not take spans, trying again");
            tokio::time::sleep(wanted.unwrap_or(pause).min(PAUSE_MAX)).await;
            pause = (pause * 2).min(PAUSE_MAX);
        }
        0
    }
}

/// How many spans the collector says it did not take.
fn rejected(body: &Bytes) -> u64 {
    ExportTraceServiceResponse::decode(body.clone())
        .ok()
        .and_then(|answer| answer.partial_success)
        .map_or(0, |partial| u64::try_from(partial.rejected_spans).unwrap_or(0))
}
