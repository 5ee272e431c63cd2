//! The moments of the near future at which a node has something to do.
//!
//! Wake-ups further away than the node's horizon are not here but in the store's index.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use store::ExecutionKey;

/// What is to be done at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Alarm {
    /// Look at an execution: it is due, or its loading is to be tried again.
    Wake(ExecutionKey),
    /// Read the next wake-ups from the store's index.
    ListDue,
    /// Try again what the store refused.
    Commit,
    /// Ask for the next page of executions to take up.
    Recovery,
    /// Ask again what the store did not say of executions that tasks wait for.
    Children,
    /// Look for executions that are to be purged.
    Purge,
    /// Write the usage of executions that have no turns in the store.
    Usage,
    /// Look again for children of Map Runs that the store could not tell of.
    MapRunChildren,
    /// Ask again how many executions of the deleted state machines run.
    CountOpen,
}

/// Alarms by their moments.
#[derive(Default)]
pub(crate) struct Timers {
    alarms: BinaryHeap<Reverse<(i64, Alarm)>>,
    /// The moment of each execution's one valid alarm; others of its alarms are stale.
    wakes: HashMap<ExecutionKey, i64>,
}

impl Timers {
    /// Sets an alarm.
    pub(crate) fn set(&mut self, at: i64, alarm: Alarm) {
        self.alarms.push(Reverse((at, alarm)));
    }

    /// Wakes an execution at this moment, or earlier if it is to be woken earlier already.
    pub(crate) fn wake_by(&mut self, key: ExecutionKey, at: i64) {
        match self.wakes.get(&key) {
            Some(&held) if held <= at => {}
            _ => {
                self.wakes.insert(key, at);
                self.set(at, Alarm::Wake(key));
            }
        }
    }

    /// Wakes an execution at exactly this moment, or not at all.
    pub(crate) fn wake_exactly(&mut self, key: ExecutionKey, at: Option<i64>) {
        let Some(at) = at else {
            self.wakes.remove(&key);
            return;
        };
        if self.wakes.insert(key, at) != Some(at) {
            self.set(at, Alarm::Wake(key));
        }
    }

    /// The earliest moment of interest.
    pub(crate) fn next(&self) -> Option<i64> {
        self.alarms.peek().map(|Reverse((at, _))| *at)
    }

    /// Takes an alarm whose moment has come.
    pub(crate) fn take(&mut self, now: i64) -> Option<Alarm> {
        loop {
            let Reverse((at, alarm)) = *self.alarms.peek()?;
            if at > now {
                return None;
            }
            self.alarms.pop();
            if let Alarm::Wake(key) = alarm {
                if self.wakes.get(&key) != Some(&at) {
                    continue;
                }
                self.wakes.remove(&key);
            }
            return Some(alarm);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_execution_has_one_valid_alarm() {
        let (first, second) = (ExecutionKey(1), ExecutionKey(2));
        let mut timers = Timers::default();
        timers.wake_by(first, 50);
        timers.wake_by(first, 30);
        timers.wake_by(first, 40);
        timers.wake_by(second, 35);
        timers.wake_exactly(second, None);
        timers.wake_exactly(first, Some(45));
        assert_eq!(timers.next(), Some(30));
        assert_eq!(timers.take(44), None);
        assert_eq!(timers.take(45), Some(Alarm::Wake(first)));
        assert_eq!(timers.take(1000), None);
        timers.wake_by(first, 50);
        assert_eq!(timers.take(50), Some(Alarm::Wake(first)));
    }
}
