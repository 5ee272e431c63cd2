//! Server-sent events: an execution's history while it happens.
//!
//! A watcher is woken by what becomes durable and reads on in the history, from the last event
//! that it has sent: so none is lost and none comes twice, however slow the client is, and a
//! client that comes back says by `Last-Event-ID` where it was.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use engine::{HistoryEvent, Status};
use http::HeaderMap;
use hyper::body::{Body, Frame};
use runtime::{HistoryPage, Progress, RuntimeError};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::mpsc;

use super::parameters::Parameters;
use super::{Answer, Refusal};
use crate::api::Api;
use crate::arn::{Arn, Resource};
use crate::error::{ApiError, ErrorType};
use crate::history;
use crate::json::JsonObject;

/// Those who follow an execution at the same time.
const FOLLOWERS_MAX: usize = 500;
/// Events read at once.
const PAGE: usize = 200;
/// Chunks on their way to a client that is slow.
const CHUNKS_MAX: usize = 4;
/// After so long without an event a comment shows that the connection lives.
const HEARTBEAT: Duration = Duration::from_secs(15);

static FOLLOWERS: AtomicUsize = AtomicUsize::new(0);

/// The body of a response that goes on while the execution does.
#[derive(Debug)]
pub(crate) struct EventBody {
    chunks: mpsc::Receiver<Bytes>,
}

impl Body for EventBody {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        self.chunks.poll_recv(context).map(|chunk| chunk.map(|chunk| Ok(Frame::data(chunk))))
    }
}

/// One who follows; makes room for another when it goes.
struct Follower {
    api: Arc<Api>,
    arn: String,
    is_express: bool,
    with_data: bool,
    /// The id of the last event that was sent.
    last: u32,
    chunks: mpsc::Sender<Bytes>,
}

impl Drop for Follower {
    fn drop(&mut self) {
        FOLLOWERS.fetch_sub(1, Ordering::Relaxed);
    }
}

/// `GET /api/executions/{executionArn}/events`
pub(super) async fn follow(
    api: &Arc<Api>,
    arn: &str,
    query: &Parameters,
    headers: &HeaderMap,
) -> Result<Answer, Refusal> {
    let with_data = query.boolean("includeExecutionData")?.unwrap_or(true);
    query.check_known()?;
    let parsed = Arn::parse(arn).map_err(ApiError::from)?;
    let is_express = matches!(parsed.resource, Resource::Express { .. });
    let last = match headers.get("last-event-id") {
        None => 0,
        Some(id) => id.to_str().ok().and_then(|id| id.parse().ok()).ok_or_else(|| {
            ApiError::validation("The header Last-Event-ID must be the id of an event")
        })?,
    };
    let watch = api.runtime.watch();
    let (chunks, receiver) = mpsc::channel(CHUNKS_MAX);
    if FOLLOWERS.fetch_add(1, Ordering::Relaxed) >= FOLLOWERS_MAX {
        FOLLOWERS.fetch_sub(1, Ordering::Relaxed);
        let message = format!("{FOLLOWERS_MAX} clients follow executions already");
        return Err(ApiError::new(ErrorType::ServiceUnavailable, message).into());
    }
    let api = Arc::clone(api);
    let follower = Follower { api, arn: arn.to_owned(), is_express, with_data, last, chunks };
    // Whether there is such an execution is said by the status, not in the stream.
    let page = follower.page(last.saturating_add(1)).await?;
    if page.events.is_empty() && last > 0 && follower.is_over().await? {
        return Ok(Answer::NoContent);
    }
    tokio::spawn(follower.run(watch));
    Ok(Answer::Events(EventBody { chunks: receiver }))
}

impl Follower {
    /// Sends what there is, then waits for more, until the execution is over or nobody reads.
    async fn run(mut self, mut watch: Receiver<Progress>) {
        loop {
            match self.catch_up().await {
                Ok(false) => {}
                // It is over, or the client is gone.
                Ok(true) => return,
                Err(error) => {
                    let arn = &self.arn;
                    tracing::warn!(%error, arn, "an execution can be followed no longer");
                    return;
                }
            }
            if !self.wait(&mut watch).await {
                return;
            }
        }
    }

    /// Sends everything behind the last event that was sent; whether that was all there will be.
    async fn catch_up(&mut self) -> Result<bool, RuntimeError> {
        loop {
            let page = self.page(self.last.saturating_add(1)).await?;
            let mut chunk = String::new();
            let mut is_over = false;
            for event in &page.events {
                self.last = event.id;
                is_over = is_end(event);
                self.write(&mut chunk, event);
            }
            if !chunk.is_empty() && self.chunks.send(chunk.into()).await.is_err() {
                return Ok(true);
            }
            if page.next.is_none() {
                return Ok(is_over);
            }
        }
    }

    /// Waits until something may have happened. False if the stream ends.
    async fn wait(&self, watch: &mut Receiver<Progress>) -> bool {
        let heartbeat = Bytes::from_static(b": still here\n\n");
        loop {
            tokio::select! {
                piece = watch.recv() => match piece {
                    Ok(piece) if *piece.identity.arn == *self.arn => return true,
                    Ok(_) => {}
                    // What was missed is in the history.
                    Err(RecvError::Lagged(_)) => return true,
                    Err(RecvError::Closed) => return false,
                },
                () = tokio::time::sleep(HEARTBEAT) => {
                    if self.chunks.send(heartbeat.clone()).await.is_err() {
                        return false;
                    }
                }
                () = self.chunks.closed() => return false,
                () = self.api.stopping() => return false,
            }
        }
    }

    /// A page of the history; Express executions of late are looked up first.
    async fn page(&self, from: u32) -> Result<HistoryPage, RuntimeError> {
        if self.is_express
            && let Some(held) = &self.api.options.express
            && let Some(page) = held.history(&self.arn, from, PAGE)
        {
            return Ok(page);
        }
        self.api.runtime.history(&self.arn, from, PAGE, false).await
    }

    async fn is_over(&self) -> Result<bool, RuntimeError> {
        if self.is_express
            && let Some(held) = &self.api.options.express
            && let Some(found) = held.describe(&self.arn)
        {
            return Ok(found.status != Status::Running);
        }
        let described = self.api.runtime.describe_execution(&self.arn).await?;
        Ok(described.status != Status::Running)
    }

    fn write(&self, chunk: &mut String, event: &HistoryEvent) {
        let mut object = JsonObject::with_capacity(512);
        history::write(&mut object, event, self.with_data);
        // One line: JSON text has no line breaks outside of strings, and none within.
        let data = String::from_utf8(object.finish()).unwrap_or_default();
        chunk.push_str(&format!("id: {}\nevent: {}\ndata: {data}\n\n", event.id, event.event_type));
    }
}

fn is_end(event: &HistoryEvent) -> bool {
    matches!(
        event.event_type,
        "ExecutionSucceeded" | "ExecutionFailed" | "ExecutionAborted" | "ExecutionTimedOut"
    )
}
