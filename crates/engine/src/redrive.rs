//! Redrive: an execution that was not successful goes on where it stopped.
//!
//! What succeeded is not run again. A state that was entered and not left is worked on anew,
//! without another …StateEntered event; of a Parallel or Map only those branches and iterations
//! that failed or were cut off. A container whose branches all succeeded, and one that failed
//! because its data were too large, is run again as a whole.

use std::collections::{BTreeMap, VecDeque};

use asl::Timestamp;

use crate::failure::DATA_LIMIT_EXCEEDED;
use crate::frame::{At, Current, CutOff, Frame, Phase};
use crate::map_run::{MapRun, MapRunId};
use crate::{Event, EventKind, Execution, FrameId, Refusal, Status, limits};

use crate::turn::{Flow, Over, Turn};

/// Why an execution cannot be redriven.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotRedrivable {
    Running,
    Succeeded,
    /// An Express execution, which only a Map Run starts again.
    Express,
    /// A child of a Map Run, which goes on only together with it.
    ByMapRun,
    StateMachineDeleting,
    HistoryEventLimitExceeded,
    MaxExecutionTimeExceeded,
    RedrivablePeriodExceeded,
}

impl NotRedrivable {
    /// AWS's `redriveStatusReason`.
    pub fn reason(self) -> &'static str {
        match self {
            NotRedrivable::Running => "Execution is RUNNING and cannot be redriven",
            NotRedrivable::Succeeded => "Execution is SUCCEEDED and cannot be redriven",
            // AWS refuses the ARN of an Express execution before it looks for a reason.
            NotRedrivable::Express => "Execution is EXPRESS and cannot be redriven",
            // Our own words: AWS documents no text.
            NotRedrivable::ByMapRun => "Execution is a child of a Map Run",
            NotRedrivable::StateMachineDeleting => "State machine is in DELETING status",
            NotRedrivable::HistoryEventLimitExceeded => "Execution history event limit exceeded",
            NotRedrivable::MaxExecutionTimeExceeded => {
                "Execution has exceeded the max execution time"
            }
            NotRedrivable::RedrivablePeriodExceeded => "Execution redrivable period exceeded",
        }
    }
}

/// What decides whether an execution can be redriven.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Redrivability {
    pub status: Status,
    pub is_express: bool,
    /// The child of a Map Run, which alone redrives it; an Express one is started anew.
    pub by_map_run: bool,
    pub event_count: u32,
    /// Events that a history may have: there must be room for ExecutionRedriven and one more.
    pub history_events_max: u32,
    pub start_date: Timestamp,
    pub stop_date: Option<Timestamp>,
}

impl Redrivability {
    /// Why the execution cannot be redriven at this moment, as far as it knows by itself.
    pub fn refusal(&self, now: Timestamp) -> Option<NotRedrivable> {
        let expired = |since: Timestamp, seconds| since.plus_seconds(seconds) <= now;
        match self.status {
            Status::Running => return Some(NotRedrivable::Running),
            Status::Succeeded => return Some(NotRedrivable::Succeeded),
            Status::Failed | Status::TimedOut | Status::Aborted => {}
        }
        if self.is_express {
            (!self.by_map_run).then_some(NotRedrivable::Express)
        } else if self.event_count + 1 >= self.history_events_max {
            Some(NotRedrivable::HistoryEventLimitExceeded)
        } else if expired(self.start_date, limits::STANDARD_SECONDS_MAX) {
            Some(NotRedrivable::MaxExecutionTimeExceeded)
        } else if self.stop_date.is_some_and(|stop| expired(stop, limits::REDRIVABLE_SECONDS)) {
            Some(NotRedrivable::RedrivablePeriodExceeded)
        } else {
            None
        }
    }
}

/// The redrives of an execution so far.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Redrives {
    pub(crate) count: u32,
    pub(crate) date: Option<Timestamp>,
    /// The id of the last ExecutionRedriven event; 0 before the first.
    pub(crate) event: u32,
    /// The last client tokens and the moments of their redrives, oldest first.
    tokens: VecDeque<(Box<str>, Timestamp)>,
}

impl Redrives {
    fn remember(&mut self, event: &Event, count: u32, client_token: Option<&str>) {
        self.count = count;
        self.date = Some(event.at);
        self.event = event.id;
        if let Some(token) = client_token {
            self.tokens.retain(|(known, _)| **known != *token);
            self.tokens.push_back((token.into(), event.at));
            if self.tokens.len() > limits::REDRIVE_TOKENS_MAX {
                self.tokens.pop_front();
            }
        }
    }
}

impl Execution {
    /// How often it was redriven.
    pub fn redrive_count(&self) -> u32 {
        self.redrives.count
    }

    /// When it was redriven last.
    pub fn redrive_date(&self) -> Option<Timestamp> {
        self.redrives.date
    }

    /// The moment of the redrive that this client token made, as long as AWS remembers it: 15
    /// minutes, and the last 10 tokens.
    pub fn redriven_with(&self, client_token: &str, now: Timestamp) -> Option<Timestamp> {
        let (_, at) = self.redrives.tokens.iter().find(|(token, _)| **token == *client_token)?;
        (now < at.plus_seconds(limits::REDRIVE_TOKEN_SECONDS)).then_some(*at)
    }

    /// What decides whether it can be redriven.
    pub fn redrivability(&self) -> Redrivability {
        Redrivability {
            status: self.status,
            is_express: self.identity.express,
            by_map_run: self.identity.map_run.is_some(),
            event_count: self.event_count(),
            history_events_max: limits::HISTORY_EVENTS_MAX,
            start_date: self.start_date(),
            stop_date: self.stop_date(),
        }
    }

    /// Remembers an ExecutionRedriven event.
    pub(crate) fn remember_redrive(&mut self, event: &Event) {
        let EventKind::ExecutionRedriven { redrive_count, deadline, client_token } = &event.kind
        else {
            unreachable!("only redrives come here")
        };
        self.redrives.remember(event, *redrive_count, client_token.as_deref());
        let was_too_large =
            self.status == Status::Failed && self.error.as_deref() == Some(DATA_LIMIT_EXCEEDED);
        self.reopen(*deadline);
        self.restore(was_too_large);
    }

    /// Puts every frame back to where it can go on. `is_whole`: the machine's own container is
    /// run again with all that is in it.
    fn restore(&mut self, is_whole: bool) {
        let mut open = vec![FrameId(0)];
        while let Some(id) = open.pop() {
            let Some(frame) = self.frames.get_mut(&id) else { continue };
            let last_id = &mut frame.last_id;
            let At::In(current) = &mut frame.at else { continue };
            let is_whole = is_whole && id == FrameId(0);
            let inner = current.restore();
            let run = current.map_run.filter(|run| !is_whole && goes_on(&self.map_runs, *run));
            if is_whole || !current.has_open_frames() {
                current.phase = run.map_or(Phase::Ready, Phase::MapRunToRedrive);
                *last_id = current.entered_id;
                self.remove_descendants(id);
            } else {
                self.frames.extend(inner);
                open.extend(self.children(id));
            }
        }
    }
}

/// Whether a redrive goes on with a Map Run; else it starts another.
fn goes_on(map_runs: &BTreeMap<MapRunId, MapRun>, run: MapRunId) -> bool {
    map_runs.get(&run).is_some_and(MapRun::is_redrivable)
}

impl Current {
    /// Forgets retries and takes back what was cut off: the frames that were inside.
    fn restore(&mut self) -> BTreeMap<FrameId, Frame> {
        self.retries.clear();
        self.retry_count = 0;
        let Some(cut_off) = self.cut_off.take() else { return BTreeMap::new() };
        let CutOff { phase, frames } = *cut_off;
        self.phase = phase;
        frames
    }

    /// Whether it is a container with branches or iterations that have not ended well.
    fn has_open_frames(&self) -> bool {
        match &self.phase {
            Phase::Parallel { open, .. } => *open > 0,
            Phase::Map(progress) => !progress.is_complete(),
            _ => false,
        }
    }
}

impl Turn<'_> {
    fn redrivability(&self) -> Redrivability {
        let history_events_max = self.limits.history_events;
        Redrivability { history_events_max, ..self.execution.redrivability() }
    }

    /// RedriveExecution. The same client token again changes nothing and is no error.
    pub(crate) fn redrive(
        &mut self,
        client_token: Option<Box<str>>,
    ) -> Result<Option<Refusal>, Over> {
        let now = self.stamp.now;
        let execution = &self.execution;
        if client_token
            .as_deref()
            .is_some_and(|token| execution.redriven_with(token, now).is_some())
        {
            return Ok(None);
        }
        let by_map_run = execution.identity.map_run.is_some().then_some(NotRedrivable::ByMapRun);
        if let Some(why) = self.redrivability().refusal(now).or(by_map_run) {
            return Ok(Some(Refusal::NotRedrivable(why)));
        }
        self.go_on_after_end(client_token)?;
        Ok(None)
    }

    fn go_on_after_end(&mut self, client_token: Option<Box<str>>) -> Flow {
        let execution = &self.execution;
        // A year is counted from the first start, the machine's own time anew; that is not the
        // time of a Map Run's children.
        let most = execution.start_date().plus_seconds(limits::STANDARD_SECONDS_MAX);
        let own = self.program.timeout_seconds;
        let deadline = match own.filter(|_| execution.identity.map_run.is_none()) {
            Some(seconds) => self.stamp.now.plus_seconds(seconds).min(most),
            None => most,
        };
        let kind = EventKind::ExecutionRedriven {
            redrive_count: execution.redrive_count() + 1,
            deadline,
            client_token,
        };
        self.emit_after(self.execution.event_count(), kind)?;
        Ok(())
    }

    /// A Map Run that is redriven wants its child to run again. The same redrive again changes
    /// nothing.
    pub(crate) fn redrive_child(&mut self, attempt: u32) -> Result<Option<Refusal>, Over> {
        if self.execution.attempt() >= attempt {
            return Ok(None);
        }
        if self.is_running() {
            // Nobody waited for it any more, but it was not stopped yet.
            let kind = EventKind::ExecutionAborted { error: None, cause: None };
            let Over = self.end_execution(0, self.stamp.now, kind);
        }
        if let Some(why) = self.redrivability().refusal(self.stamp.now) {
            return Ok(Some(Refusal::NotRedrivable(why)));
        }
        self.emit_after(0, EventKind::AttemptStarted { attempt })?;
        if self.execution.identity.express {
            self.start(self.execution.input().clone())?;
        } else {
            self.go_on_after_end(None)?;
        }
        Ok(None)
    }
}
