//! Which job may run now: each queue has a limit, and those with a higher priority go first.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use super::config::JobQueueConfig;

/// The queues of a server.
pub(super) struct Queues {
    config: BTreeMap<String, JobQueueConfig>,
    /// Jobs of all queues that run at the same time.
    limit: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    running: BTreeMap<String, usize>,
    waiting: Vec<Waiting>,
}

struct Waiting {
    queue: String,
    granted: oneshot::Sender<Slot>,
}

/// Leave to run. Dropping it gives the next job leave.
pub(super) struct Slot {
    queues: Arc<Queues>,
    queue: String,
}

impl Queues {
    pub(super) fn new(config: BTreeMap<String, JobQueueConfig>, limit: usize) -> Arc<Queues> {
        Arc::new(Queues { config, limit, state: Mutex::default() })
    }

    /// Waits until a job of this queue may run.
    pub(super) async fn enter(self: &Arc<Self>, queue: &str) -> Slot {
        let (granted, slot) = oneshot::channel();
        self.state().waiting.push(Waiting { queue: queue.to_owned(), granted });
        self.grant();
        slot.await.expect("who waits is granted a slot in the end")
    }

    /// Leave for a job that runs already, whatever the limits say.
    pub(super) fn enter_at_once(self: &Arc<Self>, queue: &str) -> Slot {
        *self.state().running.entry(queue.to_owned()).or_default() += 1;
        Slot { queues: Arc::clone(self), queue: queue.to_owned() }
    }

    /// Gives out what is free: to the queue with the highest priority, and within it to the job
    /// that has waited the longest.
    fn grant(self: &Arc<Self>) {
        loop {
            let mut state = self.state();
            if state.running.values().sum::<usize>() >= self.limit {
                return;
            }
            let has_room = |queue: &str| {
                let limit = self.config.get(queue).map_or(usize::MAX, |config| config.limit);
                state.running.get(queue).copied().unwrap_or(0) < limit
            };
            let priority = |queue: &str| self.config.get(queue).map_or(0, |config| config.priority);
            let next = (0..state.waiting.len())
                .filter(|at| has_room(&state.waiting[*at].queue))
                .max_by_key(|at| (priority(&state.waiting[*at].queue), std::cmp::Reverse(*at)));
            let Some(next) = next else { return };
            let Waiting { queue, granted } = state.waiting.remove(next);
            *state.running.entry(queue.clone()).or_default() += 1;
            drop(state);
            // Whoever does not wait any more gives its slot back by dropping it.
            let _ = granted.send(Slot { queues: Arc::clone(self), queue });
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        if let Some(running) = self.queues.state().running.get_mut(&self.queue) {
            *running -= 1;
        }
        self.queues.grant();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue(priority: u32, limit: usize) -> JobQueueConfig {
        JobQueueConfig { priority, limit }
    }

    #[tokio::test]
    async fn higher_priorities_go_first_and_limits_hold() {
        let config = [("low", queue(1, 5)), ("high", queue(9, 1))];
        let config = config.map(|(name, queue)| (name.to_owned(), queue)).into();
        let queues = Queues::new(config, 2);
        let first = queues.enter("low").await;
        let second = queues.enter("low").await;
        let order = Arc::new(Mutex::new(Vec::new()));
        let mut tasks = Vec::new();
        for name in ["low", "high", "high"] {
            let (queues, order) = (Arc::clone(&queues), Arc::clone(&order));
            let slot = async move {
                let slot = queues.enter(name).await;
                order.lock().unwrap().push(name);
                tokio::task::yield_now().await;
                drop(slot);
            };
            let task = tokio::spawn(slot);
            // In line before the next one.
            tokio::task::yield_now().await;
            tasks.push(task);
        }
        assert!(order.lock().unwrap().is_empty());
        drop(first);
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(*order.lock().unwrap(), ["high", "high", "low"]);
        drop(second);
        assert_eq!(queues.state().running.values().sum::<usize>(), 0);
    }
}
