//! The projection of events to what GetExecutionHistory shows.

use asl::{Payload, Program, Timestamp};

use crate::{Event, Identity};

/// One event as AWS shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct HistoryEvent {
    pub id: u32,
    pub previous_event_id: u32,
    pub timestamp: Timestamp,
    /// AWS's `type`, for example `PassStateEntered`.
    pub event_type: &'static str,
    /// The key of the details object (`stateEnteredEventDetails`) and its members in AWS's
    /// order; none where AWS has none.
    pub details: Option<(&'static str, Vec<(&'static str, Detail)>)>,
}

/// The value of a member of a details object.
#[derive(Debug, Clone, PartialEq)]
pub enum Detail {
    Text(Box<str>),
    Number(u64),
    /// An input or output: JSON text, left out when execution data is not wanted, followed by
    /// `<member>Details: {"truncated": false}`.
    Data(Payload),
    /// `assignedVariables`: name to JSON text, followed by `assignedVariablesDetails`.
    Variables(Vec<(Box<str>, Payload)>),
    /// `taskCredentials`: `{"roleArn": …}`.
    RoleArn(Box<str>),
}

/// What AWS's history shows of an event; none for facts that it does not show.
pub fn project(event: &Event, program: &Program, identity: &Identity) -> Option<HistoryEvent> {
    let _ = (event, program, identity);
    todo!()
}
