//! One line of progress inside an execution: the machine, a Parallel branch, a Map iteration.

use std::collections::BTreeMap;

use asl::{Payload, StateIndex, Timestamp, VariableMap};

use crate::{Event, FrameId, MapRunId, TaskFailure, TaskId, limits};

/// A line of progress.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Frame {
    /// The frame whose Parallel or Map state this one belongs to.
    pub(crate) parent: Option<FrameId>,
    /// Which branch or iteration it is.
    pub(crate) index: u32,
    /// What the frame's next event points at.
    pub(crate) last_id: u32,
    /// Variables assigned in this scope.
    pub(crate) variables: VariableMap,
    /// Of an iteration: its item.
    pub(crate) item: Option<MapItem>,
    pub(crate) at: At,
}

/// What `$$.Map.Item` shows.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct MapItem {
    pub(crate) index: u32,
    pub(crate) value: Payload,
    /// Of a pair of an object: its name.
    pub(crate) key: Option<Box<str>>,
}

/// Where a frame stands.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum At {
    /// Before its first state.
    Start {
        input: Payload,
    },
    In(Box<Current>),
    /// Left one state, not yet in the next.
    Between {
        next: StateIndex,
        input: Payload,
    },
    /// Left its last state.
    Ended {
        output: Payload,
    },
}

/// The state a frame is in.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Current {
    pub(crate) state: StateIndex,
    /// The id of its …StateEntered event.
    pub(crate) entered_id: u32,
    /// What that event points at.
    pub(crate) entered_previous: u32,
    pub(crate) entered_at: Timestamp,
    /// Its raw input.
    pub(crate) input: Payload,
    /// How often each retrier was used, by its place.
    pub(crate) retries: Vec<u32>,
    /// `$$.State.RetryCount`.
    pub(crate) retry_count: u32,
    pub(crate) phase: Phase,
    /// Of a container that failed: what a redrive goes on with.
    pub(crate) cut_off: Option<Box<CutOff>>,
    /// Of a distributed Map: its last Map Run, which a redrive goes on with.
    pub(crate) map_run: Option<MapRunId>,
}

/// What was going on inside a container when it failed.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct CutOff {
    pub(crate) phase: Phase,
    /// All frames below it.
    pub(crate) frames: BTreeMap<FrameId, Frame>,
}

/// What a state is doing.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Phase {
    /// Wants to do its work.
    Ready,
    /// A Wait state.
    Waiting {
        until: Timestamp,
    },
    /// Before another attempt.
    Backoff {
        until: Timestamp,
    },
    Task(TaskPhase),
    Parallel {
        results: Vec<Option<Payload>>,
        open: u32,
    },
    Map(MapProgress),
    /// A distributed Map. How far its Map Run is is kept with the execution.
    MapRun(MapRunId),
    /// A distributed Map that goes on with this Map Run, which was not successful.
    MapRunToRedrive(MapRunId),
    /// Its work is over, well or badly. Within the same turn the state is left or tried again.
    Over,
}

/// An attempt of a Task state.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct TaskPhase {
    pub(crate) task: TaskId,
    /// Its number among the attempts of its state, where those are counted.
    pub(crate) attempt: u32,
    pub(crate) parameters: Payload,
    pub(crate) credentials: Option<Payload>,
    pub(crate) timeout_seconds: Option<u64>,
    pub(crate) heartbeat_seconds: Option<u64>,
    /// When its clock began to run; an activity's when a worker took it.
    pub(crate) started: Option<Timestamp>,
    /// An activity's worker has it.
    pub(crate) by_worker: bool,
    /// Its call came back; the token has not, or the job is not over.
    pub(crate) submitted: bool,
    /// What submitting its job gave.
    pub(crate) job: Option<Payload>,
    /// Since when a heartbeat is awaited.
    pub(crate) last_beat: Option<Timestamp>,
    /// What came with the token before the call came back.
    pub(crate) callback: Option<Callback>,
}

/// An early answer.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Callback(pub(crate) Result<Payload, TaskFailure>);

impl TaskPhase {
    /// When the attempt has taken too long.
    pub(crate) fn timeout_at(&self) -> Option<Timestamp> {
        Some(self.started?.plus_seconds(self.timeout_seconds?))
    }

    /// When the next heartbeat is overdue.
    pub(crate) fn heartbeat_due_at(&self) -> Option<Timestamp> {
        Some(self.last_beat?.plus_seconds(self.heartbeat_seconds?))
    }

    /// Whether it only goes on if this process does something: makes the call, waits for the
    /// job, offers the task.
    pub(crate) fn needs_this_process(&self) -> bool {
        (!self.submitted || self.job.is_some()) && !self.by_worker
    }
}

/// How far an inline Map is.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct MapProgress {
    pub(crate) items: Payload,
    pub(crate) length: u32,
    pub(crate) max_concurrency: u32,
    pub(crate) next_index: u32,
    pub(crate) running: u32,
    pub(crate) results: Vec<Option<Payload>>,
    /// What the next MapIterationStarted points at: the last event before the last
    /// MapIterationSucceeded, or MapStateStarted.
    pub(crate) iteration_previous: u32,
}

impl MapProgress {
    pub(crate) fn new(items: Payload, length: u32, max_concurrency: u32, started_id: u32) -> Self {
        MapProgress {
            items,
            length,
            max_concurrency,
            next_index: 0,
            running: 0,
            results: vec![None; length as usize],
            iteration_previous: started_id,
        }
    }

    /// Whether another iteration may start now.
    pub(crate) fn has_room(&self) -> bool {
        let most = match self.max_concurrency {
            0 => limits::INLINE_MAP_CONCURRENCY,
            most => most.min(limits::INLINE_MAP_CONCURRENCY),
        };
        self.next_index < self.length && self.running < most
    }

    pub(crate) fn is_complete(&self) -> bool {
        self.next_index == self.length && self.running == 0
    }

    pub(crate) fn start_iteration(&mut self) {
        self.next_index += 1;
        self.running += 1;
    }

    pub(crate) fn end_iteration(&mut self, index: u32, output: Payload, last_id: u32) {
        self.results[index as usize] = Some(output);
        self.running -= 1;
        self.iteration_previous = last_id;
    }
}

impl Frame {
    pub(crate) fn new(parent: Option<FrameId>, index: u32, last_id: u32, input: Payload) -> Frame {
        Frame {
            parent,
            index,
            last_id,
            variables: VariableMap::new(),
            item: None,
            at: At::Start { input },
        }
    }

    pub(crate) fn iteration(
        parent: FrameId,
        index: u32,
        last_id: u32,
        input: Payload,
        item: MapItem,
    ) -> Frame {
        Frame { item: Some(item), ..Frame::new(Some(parent), index, last_id, input) }
    }

    pub(crate) fn enter(&mut self, event: &Event, state: StateIndex, input: Payload) {
        self.at = At::In(Box::new(Current {
            state,
            entered_id: event.id,
            entered_previous: event.previous,
            entered_at: event.at,
            input,
            retries: Vec::new(),
            retry_count: 0,
            phase: Phase::Ready,
            cut_off: None,
            map_run: None,
        }));
    }

    pub(crate) fn current(&self) -> Option<&Current> {
        match &self.at {
            At::In(current) => Some(current),
            _ => None,
        }
    }

    pub(crate) fn current_mut(&mut self) -> &mut Current {
        match &mut self.at {
            At::In(current) => current,
            other => panic!("an event of a state came to a frame at {other:?}"),
        }
    }

    pub(crate) fn task(&self) -> Option<&TaskPhase> {
        match &self.current()?.phase {
            Phase::Task(task) => Some(task),
            _ => None,
        }
    }

    /// The Map Run that the frame waits for.
    pub(crate) fn map_run(&self) -> Option<MapRunId> {
        match self.current()?.phase {
            Phase::MapRun(id) => Some(id),
            _ => None,
        }
    }

    /// The next moment at which time alone changes something.
    pub(crate) fn due_at(&self) -> Option<Timestamp> {
        match &self.current()?.phase {
            Phase::Waiting { until } | Phase::Backoff { until } => Some(*until),
            Phase::Task(task) => task.timeout_at().into_iter().chain(task.heartbeat_due_at()).min(),
            _ => None,
        }
    }

    /// Whether the frame can go on without anything happening first; not for one that waits for
    /// a Map Run, see [`crate::Execution::is_ready`].
    pub(crate) fn is_ready(&self) -> bool {
        match &self.at {
            At::Start { .. } | At::Between { .. } | At::Ended { .. } => true,
            At::In(current) => match &current.phase {
                Phase::Ready | Phase::MapRunToRedrive(_) => true,
                Phase::Map(progress) => progress.has_room() || progress.is_complete(),
                Phase::Parallel { open, .. } => *open == 0,
                Phase::Waiting { .. }
                | Phase::Backoff { .. }
                | Phase::Task(_)
                | Phase::MapRun(_)
                | Phase::Over => false,
            },
        }
    }
}

impl Current {
    pub(crate) fn schedule_retry(&mut self, retrier: u32, until: Timestamp) {
        let retrier = retrier as usize;
        if self.retries.len() <= retrier {
            self.retries.resize(retrier + 1, 0);
        }
        self.retries[retrier] += 1;
        self.retry_count += 1;
        self.phase = Phase::Backoff { until };
    }

    /// How often the retrier at this place was used.
    pub(crate) fn retries_by(&self, retrier: usize) -> u32 {
        self.retries.get(retrier).copied().unwrap_or(0)
    }
}
