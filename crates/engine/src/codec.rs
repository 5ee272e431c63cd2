//! The journal's format: the events of one turn as bytes.

use crate::Event;

/// Bytes that are no turn, or of a version that is newer than this program.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    #[error("the journal entry has format version {found}, this program reads up to {known}")]
    NewerVersion { found: u8, known: u8 },
    #[error("the journal entry is damaged at byte {offset}: {what}")]
    Damaged { offset: usize, what: &'static str },
}

/// The events of one turn as bytes: a version byte, then the events. A payload that several
/// events share is stored once.
pub fn encode_turn(events: &[Event]) -> Vec<u8> {
    let _ = events;
    todo!()
}

/// The events of one turn.
pub fn decode_turn(bytes: &[u8]) -> Result<Vec<Event>, DecodeError> {
    let _ = bytes;
    todo!()
}
