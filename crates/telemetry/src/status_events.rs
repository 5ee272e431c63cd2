//! Events of changed status on their way out: read from the runtime, sent, and forgotten only
//! when somebody has taken them. So a crash loses none, and one may come twice, with the same id.

use std::fmt::Debug;
use std::pin::Pin;
use std::time::Duration;

use asl::Timestamp;
use runtime::{Clock, Runtime, RuntimeError, StatusChanges, SystemClock};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

/// Turns with changes that are read at once.
const PAGE: usize = 100;
/// How often to look for new changes.
const LOOK: Duration = Duration::from_millis(500);
/// The pause after a failure; doubled every time.
const PAUSE_FIRST: Duration = Duration::from_secs(1);
const PAUSE_MAX: Duration = Duration::from_secs(60);
/// Milliseconds for which an event is tried again (AWS: EventBridge tries for 24 hours).
const AGE_MAX_MS: i64 = 24 * 60 * 60 * 1_000;

/// Where events go.
pub trait EventTarget: Debug + Send + Sync {
    /// Sends an event; ready once the other side has taken it.
    fn send<'s>(
        &'s self,
        event: &'s Value,
    ) -> Pin<Box<dyn Future<Output = Result<(), Undelivered>> + Send + 's>>;
}

/// Why an event was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Undelivered {
    /// It may be taken another time.
    Later(String),
    /// It never will.
    Never(String),
}

/// Tells every change of status, oldest first, until the runtime stops.
pub async fn deliver(runtime: &Runtime, target: &dyn EventTarget) {
    loop {
        match runtime.status_changes(String::new(), PAGE).await {
            Ok(pending) if pending.is_empty() => tokio::time::sleep(LOOK).await,
            Ok(pending) => {
                let keys = pending.iter().map(|changes| changes.key.clone()).collect();
                for changes in &pending {
                    tell(target, changes).await;
                }
                // Where that fails they are told again.
                if stops(runtime.status_changes_told(keys).await) {
                    return;
                }
            }
            Err(RuntimeError::Stopping) => return,
            Err(error) => {
                tracing::error!(%error, "changes of status cannot be read");
                tokio::time::sleep(PAUSE_MAX).await;
            }
        }
    }
}

fn stops(result: Result<(), RuntimeError>) -> bool {
    match result {
        Ok(()) => false,
        Err(RuntimeError::Stopping) => true,
        Err(error) => {
            tracing::warn!(%error, "events were sent, and will be sent again");
            false
        }
    }
}

/// Sends the events of one turn, however often it has to be tried.
async fn tell(target: &dyn EventTarget, changes: &StatusChanges) {
    for (at, change) in changes.changes.iter().enumerate() {
        let event = api::status_event(change, id_of(&changes.key, at));
        let mut pause = PAUSE_FIRST;
        loop {
            let execution = &*change.execution.identity.arn;
            match target.send(&event).await {
                Ok(()) => break,
                Err(Undelivered::Never(reason)) => {
                    tracing::error!(execution, reason, "an event was refused, and is dropped");
                    break;
                }
                Err(Undelivered::Later(reason)) if is_too_old(change.at, SystemClock.now()) => {
                    tracing::error!(execution, reason, "nobody took an event for a day: dropped");
                    break;
                }
                Err(Undelivered::Later(reason)) => {
                    tracing::warn!(execution, reason, "an event was not taken, trying again");
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(PAUSE_MAX);
                }
            }
        }
    }
}

fn is_too_old(at: Timestamp, now: Timestamp) -> bool {
    now.0.saturating_sub(at.0) > AGE_MAX_MS
}

/// The same id for the same event.
fn id_of(key: &str, at: usize) -> Uuid {
    let hash: [u8; 32] = Sha256::digest(format!("{key}/{at}")).into();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash[..16]);
    uuid::Builder::from_random_bytes(bytes).into_uuid()
}
