//! Every bound of an execution, with its unit and source.

/// Bytes of a payload: a state's input or output, a task's result (AWS quota).
pub const PAYLOAD_BYTES_MAX: usize = 262_144;
/// Arrays and objects that may stand inside each other in a payload: what the JSON parser reads
/// back (our own bound).
pub const PAYLOAD_NESTING_MAX: usize = 127;
/// Characters of the name of an error (AWS quota).
pub const ERROR_CHARACTERS_MAX: usize = 256;
/// Characters of the cause of an error (AWS quota).
pub const CAUSE_CHARACTERS_MAX: usize = 32_768;
/// Events of a Standard execution's history (AWS quota). The last one is its failure.
pub const HISTORY_EVENTS_MAX: u32 = 25_000;
/// Bytes of one variable, and of all variables set by one `Assign` (AWS quota).
pub const VARIABLE_BYTES_MAX: usize = 262_144;
/// Bytes of all variables of an execution (AWS quota).
pub const VARIABLES_BYTES_MAX: usize = 10 * 1024 * 1024;
/// Seconds a Standard execution may take (AWS quota): one year.
pub const STANDARD_SECONDS_MAX: u64 = 365 * 24 * 60 * 60;
/// Seconds after its end in which an execution can be redriven (AWS quota): 14 days.
pub const REDRIVABLE_SECONDS: u64 = 14 * 24 * 60 * 60;
/// Seconds in which a client token means the same redrive, and how many of them are known (AWS).
pub const REDRIVE_TOKEN_SECONDS: u64 = 15 * 60;
pub const REDRIVE_TOKENS_MAX: usize = 10;
/// Seconds an Express execution may take (AWS quota).
pub const EXPRESS_SECONDS_MAX: u64 = 300;
/// Seconds a Wait may last before AWS refuses it: 24,855 days.
pub const WAIT_SECONDS_MAX: u64 = 2_147_483_647;
/// Iterations of an inline Map that run side by side without `MaxConcurrency` (AWS's documented
/// practical bound).
pub const INLINE_MAP_CONCURRENCY: u32 = 40;
/// Children of one Map Run that run side by side (AWS quota).
pub const MAP_RUN_CONCURRENCY: u32 = 10_000;
/// Redrives of one Map Run (AWS quota).
pub const MAP_RUN_REDRIVES_MAX: u32 = 1_000;
/// States one turn may pass before it is made durable and the execution yields (our own bound,
/// so that one execution cannot hold up others). A child of a Map Run that is
/// started counts as one.
pub const TRANSITIONS_PER_TURN: u32 = 500;

/// The bounds on data that an operator may raise. They come in with every command: what was
/// decided under others stays as it was, since it is in the events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a payload.
    pub payload_bytes: usize,
    /// Events of a Standard execution's history.
    pub history_events: u32,
    /// Bytes of one variable, and of all variables set by one `Assign`.
    pub variable_bytes: usize,
    /// Bytes of all variables of an execution.
    pub variables_bytes: usize,
}

impl Default for Limits {
    /// AWS's.
    fn default() -> Limits {
        Limits {
            payload_bytes: PAYLOAD_BYTES_MAX,
            history_events: HISTORY_EVENTS_MAX,
            variable_bytes: VARIABLE_BYTES_MAX,
            variables_bytes: VARIABLES_BYTES_MAX,
        }
    }
}
