//! Approvals: links by which a person answers a task that waits for its token.
//!
//! A link is not stored, and holds no token. It carries the execution's key, the attempt's id,
//! the moment until which it is good and a message, sealed with a secret of the data directory
//! that is unrelated to that of the tokens.

use std::sync::Arc;

use asl::{Payload, Timestamp};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use engine::{EventKind, TaskFailure, TaskId, decode_turn};
use hmac::{Hmac, Mac as _};
use sha2::Sha256;
use store::{ExecutionKey, Store};

use crate::definitions::LoadError;
use crate::driver::Driver;
use crate::load;
use crate::status::status_of_code;
use crate::surroundings::Surroundings;
use crate::tokens::Tokens;
use crate::{ChildExecutions, Runtime, RuntimeError};

/// The first byte of every link; other layouts get other numbers.
const LAYOUT: u8 = 1;
/// Layout, execution key, task id, end in milliseconds.
const HEAD_BYTES: usize = 1 + 8 + 4 + 8;
const SEAL_BYTES: usize = 32;
/// Bytes of the message in a link: what is more is cut off, so that every mail program and
/// browser takes the URL.
pub const APPROVAL_MESSAGE_BYTES_MAX: usize = 1_000;

/// What a link is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval {
    pub execution_arn: Box<str>,
    pub execution_name: Box<str>,
    pub state_machine_name: Box<str>,
    pub state_name: Box<str>,
    pub message: String,
    pub expires: Timestamp,
    /// Whether the task still waits for an answer.
    pub is_waiting: bool,
}

/// Why a link does not open.
#[derive(Debug, thiserror::Error)]
pub enum ApprovalError {
    #[error("the link is not one of this server")]
    Unknown,
    #[error("the link is too old")]
    Expired,
    #[error("{0}")]
    Failed(RuntimeError),
}

impl From<RuntimeError> for ApprovalError {
    fn from(error: RuntimeError) -> ApprovalError {
        ApprovalError::Failed(error)
    }
}

/// A link, opened.
#[derive(Debug, Clone, PartialEq)]
struct Link {
    execution: ExecutionKey,
    task: TaskId,
    expires: Timestamp,
    message: String,
}

impl Link {
    fn seal(&self, secret: &[u8; 32]) -> String {
        let mut end = self.message.len().min(APPROVAL_MESSAGE_BYTES_MAX);
        while !self.message.is_char_boundary(end) {
            end -= 1;
        }
        let mut bytes = Vec::with_capacity(HEAD_BYTES + end + SEAL_BYTES);
        bytes.push(LAYOUT);
        bytes.extend_from_slice(&self.execution.0.to_be_bytes());
        bytes.extend_from_slice(&self.task.0.to_be_bytes());
        bytes.extend_from_slice(&self.expires.0.to_be_bytes());
        bytes.extend_from_slice(&self.message.as_bytes()[..end]);
        let seal = keyed(secret, &bytes).finalize().into_bytes();
        bytes.extend_from_slice(&seal);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    fn open(secret: &[u8; 32], text: &str) -> Option<Link> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (sealed, seal) = bytes.split_at_checked(bytes.len().checked_sub(SEAL_BYTES)?)?;
        // Compares in constant time.
        keyed(secret, sealed).verify_slice(seal).ok()?;
        let (head, message) = sealed.split_at_checked(HEAD_BYTES)?;
        if head[0] != LAYOUT {
            return None;
        }
        Some(Link {
            execution: ExecutionKey(u64::from_be_bytes(head[1..9].try_into().ok()?)),
            task: TaskId(u32::from_be_bytes(head[9..13].try_into().ok()?)),
            expires: Timestamp(i64::from_be_bytes(head[13..HEAD_BYTES].try_into().ok()?)),
            message: String::from_utf8(message.to_vec()).ok()?,
        })
    }
}

fn keyed(secret: &[u8; 32], bytes: &[u8]) -> Hmac<Sha256> {
    let mut seal =
        Hmac::<Sha256>::new_from_slice(secret).expect("HMAC takes a secret of any length");
    seal.update(bytes);
    seal
}

/// The link for a token; none if the token is not one of ours.
fn link(tokens: &Tokens, token: &str, expires: Timestamp, message: &str) -> Option<String> {
    let (execution, task) = tokens.open(token)?;
    let link = Link { execution, task, expires, message: message.to_owned() };
    Some(link.seal(&tokens.approval_secret()))
}

impl ChildExecutions {
    /// The end of an approval's URL for a token of this runtime.
    pub fn approval_link(&self, token: &str, expires: Timestamp, message: &str) -> Option<String> {
        let driver = self.driver()?;
        link(&driver.surroundings.tokens, token, expires, message)
    }
}

impl Runtime {
    /// The end of an approval's URL, for a token that [`Runtime`] gave out. Of the message the
    /// first [`APPROVAL_MESSAGE_BYTES_MAX`] bytes are shown.
    pub fn approval_link(
        &self,
        token: &str,
        expires: Timestamp,
        message: &str,
    ) -> Result<String, RuntimeError> {
        link(&self.driver.surroundings.tokens, token, expires, message)
            .ok_or(RuntimeError::InvalidToken)
    }

    /// What a link is about.
    pub async fn approval(&self, link: &str) -> Result<Approval, ApprovalError> {
        let link = self.open_approval(link)?;
        let driver = Arc::clone(&self.driver);
        let found = tokio::task::spawn_blocking(move || {
            describe(&*driver.store, &driver.surroundings, link)
        });
        match found.await {
            Ok(found) => found,
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            Err(_) => Err(RuntimeError::Stopping.into()),
        }
    }

    /// Answers the task of a link.
    pub async fn decide_approval(
        &self,
        link: &str,
        decision: Result<Payload, TaskFailure>,
    ) -> Result<(), ApprovalError> {
        let link = self.open_approval(link)?;
        let token = self.driver.surroundings.tokens.seal(link.execution, link.task);
        match decision {
            Ok(output) => self.send_task_success(&token, output).await?,
            Err(TaskFailure { error, cause }) => {
                let text = |text: Option<Box<str>>| text.map(String::from);
                self.send_task_failure(&token, text(error), text(cause)).await?;
            }
        }
        Ok(())
    }

    fn open_approval(&self, link: &str) -> Result<Link, ApprovalError> {
        let Driver { surroundings, clock, .. } = &*self.driver;
        let link = Link::open(&surroundings.tokens.approval_secret(), link)
            .ok_or(ApprovalError::Unknown)?;
        if link.expires < clock.now() { Err(ApprovalError::Expired) } else { Ok(link) }
    }
}

fn describe(
    store: &dyn Store,
    surroundings: &Surroundings,
    link: Link,
) -> Result<Approval, ApprovalError> {
    let failed = |error: LoadError| ApprovalError::Failed(error.into());
    let row = store.execution(link.execution).map_err(RuntimeError::from)?;
    let row = row.ok_or(ApprovalError::Unknown)?;
    let (identity, header) = load::identity(&row).map_err(failed)?;
    let definition = surroundings.definitions.load(store, header.definition).map_err(failed)?;
    let mut scheduled = None;
    let mut is_answered = false;
    for turn in store.journal(row.key).map_err(RuntimeError::from)? {
        let events = decode_turn(&turn).map_err(|error| {
            failed(LoadError::Damaged(format!("a turn cannot be read: {error}")))
        })?;
        for event in events {
            match event.kind {
                EventKind::TaskScheduled { frame, state, .. } if event.id == link.task.0 => {
                    scheduled = Some((frame, state));
                }
                EventKind::TaskSucceeded { frame, .. }
                | EventKind::TaskFailed { frame, .. }
                | EventKind::TaskTimedOut { frame, .. }
                | EventKind::TaskSubmitFailed { frame, .. }
                    if scheduled.is_some_and(|(waiting, _)| waiting == frame) =>
                {
                    is_answered = true;
                }
                _ => {}
            }
        }
    }
    let (_, state) = scheduled.ok_or(ApprovalError::Unknown)?;
    let is_running = status_of_code(row.state.status) == Some(engine::Status::Running);
    Ok(Approval {
        execution_arn: identity.arn,
        execution_name: identity.name,
        state_machine_name: identity.state_machine_name,
        state_name: (*definition.program.state(state).name).into(),
        message: link.message,
        expires: link.expires,
        is_waiting: is_running && !is_answered,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_cannot_be_made_up() {
        let link = Link {
            execution: ExecutionKey(7),
            task: TaskId(5),
            expires: Timestamp(1_700_000_000_000),
            message: "Pay 100 €?".to_owned(),
        };
        let text = link.seal(&[1; 32]);
        assert_eq!(Link::open(&[1; 32], &text), Some(link.clone()));
        assert_eq!(Link::open(&[2; 32], &text), None);
        let bytes = URL_SAFE_NO_PAD.decode(&text).unwrap();
        for bit in 0..bytes.len() * 8 {
            let mut forged = bytes.clone();
            forged[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Link::open(&[1; 32], &URL_SAFE_NO_PAD.encode(forged)), None, "bit {bit}");
        }
        for other in ["", "AAAA", "not base64", &text[1..]] {
            assert_eq!(Link::open(&[1; 32], other), None);
        }
    }

    #[test]
    fn long_messages_are_cut_between_characters() {
        let message = "€".repeat(1_000);
        let link =
            Link { execution: ExecutionKey(1), task: TaskId(1), expires: Timestamp(1), message };
        let opened = Link::open(&[1; 32], &link.seal(&[1; 32])).unwrap();
        assert_eq!(opened.message, "€".repeat(333));
    }
}
