//! Jobs outside that tasks submit and wait for (`.sync`). They survive crashes; what is checked
//! is that none is submitted again once its submission is recorded.

use std::collections::{BTreeMap, BTreeSet};

use asl::Payload;
use engine::{TaskFailure, TaskId};
use runtime::TaskCall;
use runtime::node::Input;
use serde_json::json;
use store::{ExecutionKey, MemoryStore};

use crate::Random;
use crate::checkers::{Checkers, Claim};

/// The jobs of a world.
#[derive(Default)]
pub(crate) struct Jobs {
    /// Those that exist, by the attempt they belong to.
    existing: BTreeMap<(u64, u32), Payload>,
    cancelled: BTreeSet<(u64, u32)>,
}

/// What a job's call does next, and within how many milliseconds.
pub(crate) type Next = (u64, Input);

impl Jobs {
    /// A call that submits a job or waits for it. None where it hangs.
    pub(crate) fn dispatch(
        &mut self,
        random: &Random,
        store: &MemoryStore,
        key: ExecutionKey,
        call: &TaskCall,
    ) -> Option<Next> {
        let task = call.dispatch.task;
        let place = (key.0, task.0);
        let recorded = Checkers::submission(store, key, task);
        if let Some(submitted) = &call.dispatch.submitted {
            assert_eq!(recorded.as_ref(), Some(submitted), "a submission is as it was recorded");
            assert_eq!(self.existing.get(&place), Some(submitted), "a recorded job exists");
            return Some(self.end(random, key, task));
        }
        assert!(recorded.is_none(), "a recorded job would be submitted again: {key:?} {task:?}");
        assert!(call.dispatch.recovered || !self.existing.contains_key(&place), "submitted twice");
        match random.below(12) {
            0 => return None,
            1 | 2 if !self.existing.contains_key(&place) => {
                let error = (*random.choose(&crate::generate::ERRORS)).into();
                let result = Err(TaskFailure { error: Some(error), cause: None });
                return Some((4_000, Input::TaskReturned { key, task, result }));
            }
            _ => {}
        }
        // A job that exists is found by the attempt's identity.
        let output = Payload::from_value(json!({ "JobId": format!("{}-{}", key.0, task.0) }));
        self.existing.insert(place, output.clone());
        Some((10_000, Input::TaskSubmitted { key, task, output }))
    }

    /// The submission is said to be durable: the job goes on to its end.
    pub(crate) fn recorded(
        &mut self,
        random: &Random,
        store: &MemoryStore,
        key: ExecutionKey,
        task: TaskId,
    ) -> Option<Next> {
        let recorded = Checkers::submission(store, key, task);
        assert_eq!(recorded.as_ref(), self.existing.get(&(key.0, task.0)), "it is in the journal");
        (!random.once_in(12)).then(|| self.end(random, key, task))
    }

    /// A job is cancelled: its task must be over for good.
    pub(crate) fn cancel(
        &mut self,
        checkers: &Checkers,
        store: &MemoryStore,
        key: ExecutionKey,
        call: &TaskCall,
    ) {
        let task = call.dispatch.task;
        checkers.claim(store, key, task, Claim::Over);
        let recorded = Checkers::submission(store, key, task);
        assert_eq!(recorded, call.dispatch.submitted, "a cancelled job is named as recorded");
        self.cancelled.insert((key.0, task.0));
    }

    fn end(&self, random: &Random, key: ExecutionKey, task: TaskId) -> Next {
        let is_cancelled = self.cancelled.contains(&(key.0, task.0));
        let result = match is_cancelled || random.once_in(4) {
            true => Err(TaskFailure {
                error: Some("States.TaskFailed".into()),
                cause: Some(random.next().to_string().into()),
            }),
            false => Ok(Payload::from_value(crate::generate_input(random))),
        };
        (900_000, Input::TaskReturned { key, task, result })
    }
}
