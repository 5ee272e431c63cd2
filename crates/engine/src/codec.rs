//! The journal's format: the events of one turn as bytes.
//!
//! Layout, version 1: a version byte; the first event's moment; the payloads' texts, each
//! shared payload once; the events. Numbers are LEB128, signed ones zigzag first; texts and
//! lists carry their length; an option is a byte 0 or 1. An event is its tag, its id, its
//! `previous`, its moment relative to the first, then its fields in the order of the enum.
//!
//! The format only grows: tags are never given another meaning, fields are never taken away.
//! `testdata/formats/journal-v1.txt` holds a line for each kind of event ever written.

use std::collections::HashMap; // Never iterated

use asl::{Payload, StateIndex, Timestamp};

use crate::map_run::{Batching, MapRunSettings, MapRunUpdate, Reading};
use crate::{Event, EventKind, FrameId, MapRunId, Status, TaskFailure};

/// The newest version this program writes and reads.
const VERSION: u8 = 1;

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
    let mut body = Writer::default();
    let base = events.first().map_or(0, |event| event.at.0);
    body.number(events.len() as u64);
    for event in events {
        body.event(event, base);
    }
    let mut head = Writer::default();
    head.bytes.push(VERSION);
    head.signed(base);
    head.number(body.payloads.len() as u64);
    for payload in &body.payloads {
        head.text(payload.text());
    }
    head.bytes.extend_from_slice(&body.bytes);
    head.bytes
}

/// The events of one turn.
pub fn decode_turn(bytes: &[u8]) -> Result<Vec<Event>, DecodeError> {
    let mut reader = Reader { bytes, offset: 0, payloads: Vec::new() };
    let version = reader.byte()?;
    if version > VERSION {
        return Err(DecodeError::NewerVersion { found: version, known: VERSION });
    }
    if version == 0 {
        return Err(reader.damaged("version 0 never existed"));
    }
    let base = reader.signed()?;
    for _ in 0..reader.length()? {
        let text = reader.text()?;
        reader.payloads.push(Payload::from_valid_text(text));
    }
    let count = reader.length()?;
    let mut events = Vec::with_capacity(count);
    for _ in 0..count {
        events.push(reader.event(base)?);
    }
    match reader.offset == bytes.len() {
        true => Ok(events),
        false => Err(reader.damaged("bytes are left over")),
    }
}

#[derive(Default)]
struct Writer<'e> {
    bytes: Vec<u8>,
    payloads: Vec<&'e Payload>,
    places: HashMap<usize, u64>,
}

impl<'e> Writer<'e> {
    fn number(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.bytes.push((number as u8 & 0x7F) | 0x80);
            number >>= 7;
        }
        self.bytes.push(number as u8);
    }

    fn signed(&mut self, number: i64) {
        self.number(((number << 1) ^ (number >> 63)) as u64);
    }

    fn text(&mut self, text: &str) {
        self.number(text.len() as u64);
        self.bytes.extend_from_slice(text.as_bytes());
    }

    fn option<T>(&mut self, value: Option<T>, write: impl FnOnce(&mut Self, T)) {
        self.bytes.push(u8::from(value.is_some()));
        if let Some(value) = value {
            write(self, value);
        }
    }

    fn optional_text(&mut self, text: &Option<Box<str>>) {
        self.option(text.as_deref(), |writer, text| writer.text(text));
    }

    fn optional_number(&mut self, number: Option<u64>) {
        self.option(number, Writer::number);
    }

    fn payload(&mut self, payload: &'e Payload) {
        // Few payloads are the rule: a look at the last one saves most of the hashing.
        let place = match self.payloads.last() {
            Some(last) if last.is_same(payload) => self.payloads.len() as u64 - 1,
            _ => {
                let next = self.payloads.len() as u64;
                let place = *self.places.entry(payload.identity()).or_insert(next);
                if place == next {
                    self.payloads.push(payload);
                }
                place
            }
        };
        self.number(place);
    }

    fn error(&mut self, error: &Option<Box<str>>, cause: &Option<Box<str>>) {
        self.optional_text(error);
        self.optional_text(cause);
    }

    fn place(&mut self, frame: FrameId, state: StateIndex) {
        self.number(u64::from(frame.0));
        self.number(u64::from(state.0));
    }

    fn event(&mut self, event: &'e Event, base: i64) {
        self.bytes.push(tag(&event.kind));
        self.number(u64::from(event.id));
        self.number(u64::from(event.previous));
        self.signed(event.at.0.wrapping_sub(base));
        self.fields(&event.kind);
    }

    fn fields(&mut self, kind: &'e EventKind) {
        match kind {
            EventKind::ExecutionStarted { input, deadline } => {
                self.payload(input);
                self.signed(deadline.0);
            }
            EventKind::ExecutionSucceeded { output } => self.payload(output),
            EventKind::ExecutionFailed { error, cause }
            | EventKind::ExecutionAborted { error, cause }
            | EventKind::ExecutionTimedOut { error, cause } => self.error(error, cause),
            EventKind::ExecutionRedriven { redrive_count, deadline, client_token } => {
                self.number(u64::from(*redrive_count));
                self.signed(deadline.0);
                self.optional_text(client_token);
            }
            EventKind::StateEntered { frame, state, input } => {
                self.place(*frame, *state);
                self.payload(input);
            }
            EventKind::StateExited { frame, state, output, assigned, next } => {
                self.place(*frame, *state);
                self.payload(output);
                self.number(assigned.len() as u64);
                for (name, value) in assigned {
                    self.text(name);
                    self.payload(value);
                }
                self.optional_number(next.map(|next| u64::from(next.0)));
            }
            EventKind::StateAborted { frame, state }
            | EventKind::HeartbeatRecorded { frame, state }
            | EventKind::ParallelSucceeded { frame, state }
            | EventKind::ParallelFailed { frame, state }
            | EventKind::MapSucceeded { frame, state }
            | EventKind::MapFailed { frame, state } => self.place(*frame, *state),
            EventKind::EvaluationFailed { frame, state, error, cause, location } => {
                self.place(*frame, *state);
                self.text(error);
                self.text(cause);
                self.optional_text(location);
            }
            EventKind::WaitScheduled { frame, state, until } => {
                self.place(*frame, *state);
                self.signed(until.0);
            }
            EventKind::RetryScheduled { frame, state, retrier, until } => {
                self.place(*frame, *state);
                self.number(u64::from(*retrier));
                self.signed(until.0);
            }
            EventKind::ParallelStarted { frame, state, branches, input } => {
                self.place(*frame, *state);
                self.number(u64::from(*branches));
                self.payload(input);
            }
            EventKind::MapStarted { frame, state, items, length, max_concurrency } => {
                self.place(*frame, *state);
                self.payload(items);
                self.number(u64::from(*length));
                self.number(u64::from(*max_concurrency));
            }
            EventKind::IterationStarted { frame, state, index, item, key, input } => {
                self.place(*frame, *state);
                self.number(u64::from(*index));
                self.payload(item);
                self.optional_text(key);
                self.payload(input);
            }
            EventKind::IterationSucceeded { frame, state, index }
            | EventKind::IterationFailed { frame, state, index }
            | EventKind::IterationAborted { frame, state, index } => {
                self.place(*frame, *state);
                self.number(u64::from(*index));
            }
            _ => self.task_fields(kind),
        }
    }

    fn map_run_fields(&mut self, kind: &'e EventKind) {
        match kind {
            EventKind::DistributedMapStarted { frame, state, length } => {
                self.place(*frame, *state);
                self.number(u64::from(*length));
            }
            EventKind::MapRunStarted { frame, state, settings, items } => {
                self.place(*frame, *state);
                self.settings(settings);
                self.option(items.as_ref(), |writer, (items, are_pairs)| {
                    writer.payload(items);
                    writer.bytes.push(u8::from(*are_pairs));
                });
            }
            EventKind::MapRunFailed { frame, state, error, cause } => {
                self.place(*frame, *state);
                self.error(error, cause);
            }
            EventKind::MapRunSucceeded { frame, state }
            | EventKind::MapRunAborted { frame, state } => self.place(*frame, *state),
            EventKind::MapRunRedriven { frame, state, map_run, map_run_arn, redrive_count } => {
                self.place(*frame, *state);
                self.number(u64::from(map_run.0));
                self.text(map_run_arn);
                self.number(u64::from(*redrive_count));
            }
            EventKind::ChildrenRedriven { frame, state, children } => {
                self.place(*frame, *state);
                self.number(children.len() as u64);
                for index in children {
                    self.number(u64::from(*index));
                }
            }
            EventKind::ChildNotRedriven { frame, state, index } => {
                self.place(*frame, *state);
                self.number(u64::from(*index));
            }
            EventKind::AttemptStarted { attempt } => self.number(u64::from(*attempt)),
            EventKind::ItemsRead { frame, state, total } => {
                self.place(*frame, *state);
                self.number(*total);
            }
            EventKind::ChildrenStarted { frame, state, items } => {
                self.place(*frame, *state);
                self.number(items.len() as u64);
                for count in items {
                    self.number(u64::from(*count));
                }
            }
            EventKind::ChildEnded { frame, state, index, status, result, bytes } => {
                self.place(*frame, *state);
                self.number(u64::from(*index));
                self.bytes.push(status_number(*status));
                self.option(result.as_ref(), Writer::payload);
                self.number(*bytes);
            }
            EventKind::ResultsWritten { frame, state, output } => {
                self.place(*frame, *state);
                self.payload(output);
            }
            EventKind::MapRunUpdated { map_run, update } => {
                self.number(u64::from(map_run.0));
                self.optional_number(update.max_concurrency.map(u64::from));
                self.optional_number(update.tolerated_failure_count);
                self.optional_number(update.tolerated_failure_percentage.map(f64::to_bits));
            }
            _ => unreachable!("every other kind is written by `fields`"),
        }
    }

    fn settings(&mut self, settings: &'e MapRunSettings) {
        self.text(&settings.arn);
        self.number(u64::from(settings.max_concurrency));
        self.number(settings.tolerated_failure_count);
        self.number(settings.tolerated_failure_percentage.to_bits());
        self.option(settings.batching.as_ref(), |writer, batching| {
            writer.number(batching.max_items);
            writer.number(batching.max_bytes);
            writer.option(batching.input.as_ref(), Writer::payload);
        });
        self.option(settings.reading.as_ref(), |writer, reading| {
            writer.payload(&reading.arguments);
            writer.number(reading.max_items);
        });
        self.option(settings.writing.as_ref(), Writer::payload);
    }

    fn task_fields(&mut self, kind: &'e EventKind) {
        match kind {
            EventKind::TaskScheduled {
                frame,
                state,
                parameters,
                timeout_seconds,
                heartbeat_seconds,
                credentials,
            } => {
                self.place(*frame, *state);
                self.payload(parameters);
                self.optional_number(*timeout_seconds);
                self.optional_number(*heartbeat_seconds);
                self.option(credentials.as_ref(), Writer::payload);
            }
            EventKind::TaskStarted { frame, state, by_worker, worker_name } => {
                self.place(*frame, *state);
                self.bytes.push(u8::from(*by_worker));
                self.optional_text(worker_name);
            }
            EventKind::TaskSubmitted { frame, state, output }
            | EventKind::JobSubmitted { frame, state, output }
            | EventKind::TaskSucceeded { frame, state, output } => {
                self.place(*frame, *state);
                self.payload(output);
            }
            EventKind::TaskFailed { frame, state, error, cause }
            | EventKind::TaskSubmitFailed { frame, state, error, cause } => {
                self.place(*frame, *state);
                self.error(error, cause);
            }
            EventKind::TaskTimedOut { frame, state, error, cause } => {
                self.place(*frame, *state);
                self.text(error);
                self.optional_text(cause);
            }
            EventKind::CallbackRecorded { frame, state, result } => {
                self.place(*frame, *state);
                self.option(result.as_ref().ok(), Writer::payload);
                if let Err(TaskFailure { error, cause }) = result {
                    self.error(error, cause);
                }
            }
            _ => self.map_run_fields(kind),
        }
    }
}

/// The byte that names a kind of event in the journal. Never changed, never reused.
fn tag(kind: &EventKind) -> u8 {
    match kind {
        EventKind::ExecutionStarted { .. } => 1,
        EventKind::ExecutionSucceeded { .. } => 2,
        EventKind::ExecutionFailed { .. } => 3,
        EventKind::ExecutionAborted { .. } => 4,
        EventKind::ExecutionTimedOut { .. } => 5,
        EventKind::StateEntered { .. } => 6,
        EventKind::StateExited { .. } => 7,
        EventKind::StateAborted { .. } => 8,
        EventKind::EvaluationFailed { .. } => 9,
        EventKind::WaitScheduled { .. } => 10,
        EventKind::RetryScheduled { .. } => 11,
        EventKind::TaskScheduled { .. } => 12,
        EventKind::TaskStarted { .. } => 13,
        EventKind::TaskSubmitted { .. } => 14,
        EventKind::TaskSucceeded { .. } => 15,
        EventKind::TaskFailed { .. } => 16,
        EventKind::TaskTimedOut { .. } => 17,
        EventKind::HeartbeatRecorded { .. } => 18,
        EventKind::CallbackRecorded { .. } => 19,
        EventKind::ParallelStarted { .. } => 20,
        EventKind::ParallelSucceeded { .. } => 21,
        EventKind::ParallelFailed { .. } => 22,
        EventKind::MapStarted { .. } => 23,
        EventKind::IterationStarted { .. } => 24,
        EventKind::IterationSucceeded { .. } => 25,
        EventKind::IterationFailed { .. } => 26,
        EventKind::IterationAborted { .. } => 27,
        EventKind::MapSucceeded { .. } => 28,
        EventKind::MapFailed { .. } => 29,
        EventKind::JobSubmitted { .. } => 30,
        EventKind::TaskSubmitFailed { .. } => 31,
        EventKind::ExecutionRedriven { .. } => 45,
        EventKind::DistributedMapStarted { .. } => 32,
        EventKind::MapRunStarted { .. } => 33,
        EventKind::MapRunSucceeded { .. } => 34,
        EventKind::MapRunFailed { .. } => 35,
        EventKind::MapRunAborted { .. } => 36,
        EventKind::ItemsRead { .. } => 37,
        EventKind::ChildrenStarted { .. } => 38,
        EventKind::ChildEnded { .. } => 39,
        EventKind::ResultsWritten { .. } => 40,
        EventKind::MapRunUpdated { .. } => 41,
        EventKind::MapRunRedriven { .. } => 50,
        EventKind::ChildrenRedriven { .. } => 51,
        EventKind::ChildNotRedriven { .. } => 52,
        EventKind::AttemptStarted { .. } => 53,
    }
}

/// The byte that names a status. Never changed, never reused.
fn status_number(status: Status) -> u8 {
    match status {
        Status::Running => 0,
        Status::Succeeded => 1,
        Status::Failed => 2,
        Status::TimedOut => 3,
        Status::Aborted => 4,
    }
}

struct Reader<'b> {
    bytes: &'b [u8],
    offset: usize,
    payloads: Vec<Payload>,
}

impl Reader<'_> {
    fn damaged(&self, what: &'static str) -> DecodeError {
        DecodeError::Damaged { offset: self.offset, what }
    }

    fn byte(&mut self) -> Result<u8, DecodeError> {
        let byte = *self.bytes.get(self.offset).ok_or_else(|| self.damaged("it ends too early"))?;
        self.offset += 1;
        Ok(byte)
    }

    fn number(&mut self) -> Result<u64, DecodeError> {
        let mut number = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7F) << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(self.damaged("a number is too long"))
    }

    fn small(&mut self) -> Result<u32, DecodeError> {
        u32::try_from(self.number()?).map_err(|_| self.damaged("a number is too large"))
    }

    fn signed(&mut self) -> Result<i64, DecodeError> {
        let number = self.number()?;
        Ok((number >> 1) as i64 ^ -((number & 1) as i64))
    }

    /// A length, which cannot be more than the bytes that are left.
    fn length(&mut self) -> Result<usize, DecodeError> {
        let length = usize::try_from(self.number()?).unwrap_or(usize::MAX);
        match length <= self.bytes.len() - self.offset {
            true => Ok(length),
            false => Err(self.damaged("a length goes beyond the end")),
        }
    }

    fn text(&mut self) -> Result<Box<str>, DecodeError> {
        let length = self.length()?;
        let bytes = &self.bytes[self.offset..self.offset + length];
        let text = std::str::from_utf8(bytes).map_err(|_| self.damaged("a text is not UTF-8"))?;
        self.offset += length;
        Ok(text.into())
    }

    fn option<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, DecodeError>,
    ) -> Result<Option<T>, DecodeError> {
        match self.byte()? {
            0 => Ok(None),
            1 => read(self).map(Some),
            _ => Err(self.damaged("an option is neither 0 nor 1")),
        }
    }

    fn optional_text(&mut self) -> Result<Option<Box<str>>, DecodeError> {
        self.option(Reader::text)
    }

    fn payload(&mut self) -> Result<Payload, DecodeError> {
        let place = usize::try_from(self.number()?).unwrap_or(usize::MAX);
        let payload = self.payloads.get(place).cloned();
        payload.ok_or_else(|| self.damaged("a payload is missing"))
    }

    fn frame(&mut self) -> Result<FrameId, DecodeError> {
        self.small().map(FrameId)
    }

    fn state(&mut self) -> Result<StateIndex, DecodeError> {
        self.small().map(StateIndex)
    }

    fn moment(&mut self) -> Result<Timestamp, DecodeError> {
        self.signed().map(Timestamp)
    }

    fn event(&mut self, base: i64) -> Result<Event, DecodeError> {
        let tag = self.byte()?;
        let id = self.small()?;
        let previous = self.small()?;
        let at = Timestamp(self.signed()?.wrapping_add(base));
        let kind = match tag {
            1..=5 => self.execution_kind(tag)?,
            6..=11 => self.state_kind(tag)?,
            12..=19 => self.task_kind(tag)?,
            20..=29 => self.container_kind(tag)?,
            30..=31 => self.job_kind(tag)?,
            45 => EventKind::ExecutionRedriven {
                redrive_count: self.small()?,
                deadline: self.moment()?,
                client_token: self.optional_text()?,
            },
            32..=41 | 50..=53 => self.map_run_kind(tag)?,
            _ => return Err(self.damaged("the kind of an event is unknown")),
        };
        Ok(Event { id, previous, at, kind })
    }

    fn execution_kind(&mut self, tag: u8) -> Result<EventKind, DecodeError> {
        match tag {
            1 => {
                Ok(EventKind::ExecutionStarted { input: self.payload()?, deadline: self.moment()? })
            }
            2 => Ok(EventKind::ExecutionSucceeded { output: self.payload()? }),
            _ => {
                let error = self.optional_text()?;
                let cause = self.optional_text()?;
                Ok(match tag {
                    3 => EventKind::ExecutionFailed { error, cause },
                    4 => EventKind::ExecutionAborted { error, cause },
                    _ => EventKind::ExecutionTimedOut { error, cause },
                })
            }
        }
    }

    fn state_kind(&mut self, tag: u8) -> Result<EventKind, DecodeError> {
        let (frame, state) = (self.frame()?, self.state()?);
        Ok(match tag {
            6 => EventKind::StateEntered { frame, state, input: self.payload()? },
            7 => {
                let output = self.payload()?;
                let mut assigned = Vec::new();
                for _ in 0..self.length()? {
                    assigned.push((self.text()?, self.payload()?));
                }
                let next = self.option(Reader::state)?;
                EventKind::StateExited { frame, state, output, assigned, next }
            }
            8 => EventKind::StateAborted { frame, state },
            9 => EventKind::EvaluationFailed {
                frame,
                state,
                error: self.text()?,
                cause: self.text()?,
                location: self.optional_text()?,
            },
            10 => EventKind::WaitScheduled { frame, state, until: self.moment()? },
            _ => EventKind::RetryScheduled {
                frame,
                state,
                retrier: self.small()?,
                until: self.moment()?,
            },
        })
    }

    fn task_kind(&mut self, tag: u8) -> Result<EventKind, DecodeError> {
        let (frame, state) = (self.frame()?, self.state()?);
        Ok(match tag {
            12 => EventKind::TaskScheduled {
                frame,
                state,
                parameters: self.payload()?,
                timeout_seconds: self.option(Reader::number)?,
                heartbeat_seconds: self.option(Reader::number)?,
                credentials: self.option(Reader::payload)?,
            },
            13 => EventKind::TaskStarted {
                frame,
                state,
                by_worker: self.byte()? == 1,
                worker_name: self.optional_text()?,
            },
            14 => EventKind::TaskSubmitted { frame, state, output: self.payload()? },
            15 => EventKind::TaskSucceeded { frame, state, output: self.payload()? },
            16 => EventKind::TaskFailed {
                frame,
                state,
                error: self.optional_text()?,
                cause: self.optional_text()?,
            },
            17 => EventKind::TaskTimedOut {
                frame,
                state,
                error: self.text()?,
                cause: self.optional_text()?,
            },
            18 => EventKind::HeartbeatRecorded { frame, state },
            _ => {
                let result = match self.option(Reader::payload)? {
                    Some(output) => Ok(output),
                    None => Err(TaskFailure {
                        error: self.optional_text()?,
                        cause: self.optional_text()?,
                    }),
                };
                EventKind::CallbackRecorded { frame, state, result }
            }
        })
    }

    fn job_kind(&mut self, tag: u8) -> Result<EventKind, DecodeError> {
        let (frame, state) = (self.frame()?, self.state()?);
        Ok(match tag {
            30 => EventKind::JobSubmitted { frame, state, output: self.payload()? },
            _ => EventKind::TaskSubmitFailed {
                frame,
                state,
                error: self.optional_text()?,
                cause: self.optional_text()?,
            },
        })
    }

    fn container_kind(&mut self, tag: u8) -> Result<EventKind, DecodeError> {
        let (frame, state) = (self.frame()?, self.state()?);
        Ok(match tag {
            20 => EventKind::ParallelStarted {
                frame,
                state,
                branches: self.small()?,
                input: self.payload()?,
            },
            21 => EventKind::ParallelSucceeded { frame, state },
            22 => EventKind::ParallelFailed { frame, state },
            23 => EventKind::MapStarted {
                frame,
                state,
                items: self.payload()?,
                length: self.small()?,
                max_concurrency: self.small()?,
            },
            24 => EventKind::IterationStarted {
                frame,
                state,
                index: self.small()?,
                item: self.payload()?,
                key: self.optional_text()?,
                input: self.payload()?,
            },
            25 => EventKind::IterationSucceeded { frame, state, index: self.small()? },
            26 => EventKind::IterationFailed { frame, state, index: self.small()? },
            27 => EventKind::IterationAborted { frame, state, index: self.small()? },
            28 => EventKind::MapSucceeded { frame, state },
            _ => EventKind::MapFailed { frame, state },
        })
    }
    fn map_run_kind(&mut self, tag: u8) -> Result<EventKind, DecodeError> {
        if tag == 41 {
            return Ok(EventKind::MapRunUpdated {
                map_run: self.small().map(MapRunId)?,
                update: MapRunUpdate {
                    max_concurrency: self.option(Reader::small)?,
                    tolerated_failure_count: self.option(Reader::number)?,
                    tolerated_failure_percentage: self.option(Reader::number)?.map(f64::from_bits),
                },
            });
        }
        if tag == 53 {
            return Ok(EventKind::AttemptStarted { attempt: self.small()? });
        }
        let (frame, state) = (self.frame()?, self.state()?);
        Ok(match tag {
            32 => EventKind::DistributedMapStarted { frame, state, length: self.small()? },
            33 => {
                let settings = Box::new(self.settings()?);
                let items = self.option(|reader| Ok((reader.payload()?, reader.byte()? == 1)))?;
                EventKind::MapRunStarted { frame, state, settings, items }
            }
            34 => EventKind::MapRunSucceeded { frame, state },
            35 => EventKind::MapRunFailed {
                frame,
                state,
                error: self.optional_text()?,
                cause: self.optional_text()?,
            },
            36 => EventKind::MapRunAborted { frame, state },
            37 => EventKind::ItemsRead { frame, state, total: self.number()? },
            38 => {
                let mut items = Vec::new();
                for _ in 0..self.length()? {
                    items.push(self.small()?);
                }
                EventKind::ChildrenStarted { frame, state, items }
            }
            39 => EventKind::ChildEnded {
                frame,
                state,
                index: self.small()?,
                status: self.status()?,
                result: self.option(Reader::payload)?,
                bytes: self.number()?,
            },
            50 => EventKind::MapRunRedriven {
                frame,
                state,
                map_run: self.small().map(MapRunId)?,
                map_run_arn: self.text()?,
                redrive_count: self.small()?,
            },
            51 => {
                let mut children = Vec::new();
                for _ in 0..self.length()? {
                    children.push(self.small()?);
                }
                EventKind::ChildrenRedriven { frame, state, children }
            }
            52 => EventKind::ChildNotRedriven { frame, state, index: self.small()? },
            _ => EventKind::ResultsWritten { frame, state, output: self.payload()? },
        })
    }

    fn status(&mut self) -> Result<Status, DecodeError> {
        let number = self.byte()?;
        [Status::Running, Status::Succeeded, Status::Failed, Status::TimedOut, Status::Aborted]
            .into_iter()
            .find(|status| status_number(*status) == number)
            .ok_or_else(|| self.damaged("a status is unknown"))
    }

    fn settings(&mut self) -> Result<MapRunSettings, DecodeError> {
        Ok(MapRunSettings {
            arn: self.text()?,
            max_concurrency: self.small()?,
            tolerated_failure_count: self.number()?,
            tolerated_failure_percentage: f64::from_bits(self.number()?),
            batching: self.option(|reader| {
                Ok(Batching {
                    max_items: reader.number()?,
                    max_bytes: reader.number()?,
                    input: reader.option(Reader::payload)?,
                })
            })?,
            reading: self.option(|reader| {
                Ok(Reading { arguments: reader.payload()?, max_items: reader.number()? })
            })?,
            writing: self.option(Reader::payload)?,
        })
    }
}
