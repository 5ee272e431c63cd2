//! The activity tasks that wait for workers and the workers that wait for tasks, brought
//! together first come, first served.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use asl::Payload;
use engine::TaskId;
use store::ExecutionKey;

use crate::limits::OFFERED_BYTES_MAX;
use crate::node::ReplyId;

/// An activity task in front of the workers.
#[derive(Debug, Clone)]
pub(crate) struct Offer {
    pub(crate) key: ExecutionKey,
    pub(crate) task: TaskId,
    /// Absent where many large ones wait: then it is read from the execution.
    pub(crate) input: Option<Payload>,
    /// Whether its start is recorded already, for a worker that went away before it had it.
    pub(crate) is_started: bool,
}

/// A worker that waits.
#[derive(Debug)]
pub(crate) struct Poll {
    pub(crate) activity_arn: Arc<str>,
    pub(crate) worker_name: Option<Box<str>>,
    /// The task it is about to get.
    assigned: Option<(ExecutionKey, TaskId)>,
}

/// The two queues of one activity.
#[derive(Default)]
struct Queue {
    offers: VecDeque<Offer>,
    /// Offers in the queue that were withdrawn.
    withdrawn: usize,
    pollers: VecDeque<ReplyId>,
    /// Polls in the queue or about to get a task.
    polls: usize,
}

/// All activities' queues.
#[derive(Default)]
pub(crate) struct Activities {
    queues: HashMap<Arc<str>, Queue>,
    polls: HashMap<ReplyId, Poll>,
    /// The tasks that are offered or assigned and not yet started for good.
    open: HashMap<(ExecutionKey, TaskId), Arc<str>>,
    /// When polls end, in the order they came.
    deadlines: VecDeque<(i64, ReplyId)>,
    input_bytes: usize,
    /// Activities where a match may have become possible.
    changed: Vec<Arc<str>>,
}

impl Activities {
    /// How many workers wait.
    pub(crate) fn poll_count(&self) -> usize {
        self.polls.len()
    }

    /// Whether this attempt is offered already.
    pub(crate) fn is_open(&self, key: ExecutionKey, task: TaskId) -> bool {
        self.open.contains_key(&(key, task))
    }

    /// The activity of a task that is offered or assigned.
    pub(crate) fn activity_of(&self, key: ExecutionKey, task: TaskId) -> Option<Arc<str>> {
        self.open.get(&(key, task)).map(Arc::clone)
    }

    /// Puts a task in front of the workers, behind the others.
    pub(crate) fn offer(&mut self, activity_arn: &str, offer: Offer) {
        self.put(activity_arn, offer, VecDeque::push_back);
    }

    /// Puts a task that was assigned in vain in front of the workers again, before the others.
    pub(crate) fn offer_again(&mut self, activity_arn: &str, offer: Offer) {
        self.put(activity_arn, offer, VecDeque::push_front);
    }

    fn put(
        &mut self,
        activity_arn: &str,
        mut offer: Offer,
        push: impl FnOnce(&mut VecDeque<Offer>, Offer),
    ) {
        let size = offer.input.as_ref().map_or(0, Payload::size);
        // One that has started is not offered by its execution any more: its input stays here.
        if !offer.is_started && self.input_bytes + size > OFFERED_BYTES_MAX {
            offer.input = None;
        } else {
            self.input_bytes += size;
        }
        let arn: Arc<str> = self.arn(activity_arn);
        self.open.insert((offer.key, offer.task), Arc::clone(&arn));
        push(&mut self.queues.entry(Arc::clone(&arn)).or_default().offers, offer);
        self.changed.push(arn);
    }

    /// Nobody shall get this task any more, or somebody has it for good.
    pub(crate) fn close(&mut self, key: ExecutionKey, task: TaskId) {
        let Some(arn) = self.open.remove(&(key, task)) else {
            return;
        };
        let Some(queue) = self.queues.get_mut(&arn) else {
            return;
        };
        queue.withdrawn += 1;
        if queue.withdrawn > 64 && queue.withdrawn * 2 > queue.offers.len() {
            queue.withdrawn = 0;
            let open = &self.open;
            let input_bytes = &mut self.input_bytes;
            queue.offers.retain(|offer| {
                let keeps = open.contains_key(&(offer.key, offer.task));
                if !keeps {
                    *input_bytes -= offer.input.as_ref().map_or(0, Payload::size);
                }
                keeps
            });
        }
        self.drop_if_empty(&arn);
    }

    /// Adds a worker at the end of the queue. False if `most` wait.
    pub(crate) fn poll(
        &mut self,
        reply: ReplyId,
        activity_arn: &str,
        worker_name: Option<Box<str>>,
        deadline: i64,
        most: usize,
    ) -> bool {
        let arn = self.arn(activity_arn);
        let queue = self.queues.entry(Arc::clone(&arn)).or_default();
        if queue.polls >= most {
            return false;
        }
        queue.polls += 1;
        queue.pollers.push_back(reply);
        self.changed.push(Arc::clone(&arn));
        self.polls.insert(reply, Poll { activity_arn: arn, worker_name, assigned: None });
        if self.deadlines.len() > 64 && self.deadlines.len() > self.polls.len() * 2 {
            let polls = &self.polls;
            self.deadlines.retain(|(_, reply)| polls.contains_key(reply));
        }
        self.deadlines.push_back((deadline, reply));
        true
    }

    /// The next task and the worker that shall get it.
    pub(crate) fn take_match(&mut self) -> Option<(ReplyId, Offer)> {
        loop {
            let arn = Arc::clone(self.changed.last()?);
            let Some(queue) = self.queues.get_mut(&arn) else {
                self.changed.pop();
                continue;
            };
            while queue.pollers.front().is_some_and(|reply| !self.polls.contains_key(reply)) {
                queue.pollers.pop_front();
            }
            let Some(&reply) = queue.pollers.front() else {
                self.changed.pop();
                self.drop_if_empty(&arn);
                continue;
            };
            let Some(offer) = queue.offers.pop_front() else {
                self.changed.pop();
                continue;
            };
            self.input_bytes -= offer.input.as_ref().map_or(0, Payload::size);
            if !self.open.contains_key(&(offer.key, offer.task)) {
                queue.withdrawn = queue.withdrawn.saturating_sub(1);
                continue;
            }
            queue.pollers.pop_front();
            let poll = self.polls.get_mut(&reply).expect("looked at above");
            poll.assigned = Some((offer.key, offer.task));
            return Some((reply, offer));
        }
    }

    /// The poll, if its worker still waits.
    pub(crate) fn waiting(&self, reply: ReplyId) -> Option<&Poll> {
        self.polls.get(&reply)
    }

    /// The worker did not get what it was about to get: it is first in the queue again.
    pub(crate) fn poll_again(&mut self, reply: ReplyId) {
        let Some(poll) = self.polls.get_mut(&reply) else {
            return;
        };
        poll.assigned = None;
        let arn = Arc::clone(&poll.activity_arn);
        self.queues.entry(Arc::clone(&arn)).or_default().pollers.push_front(reply);
        self.changed.push(arn);
    }

    /// The worker waits no more. The poll, and the task it was about to get.
    pub(crate) fn end_poll(
        &mut self,
        reply: ReplyId,
    ) -> Option<(Poll, Option<(ExecutionKey, TaskId)>)> {
        let poll = self.polls.remove(&reply)?;
        if let Some(queue) = self.queues.get_mut(&poll.activity_arn) {
            queue.polls -= 1;
            if poll.assigned.is_none() {
                queue.pollers.retain(|held| *held != reply);
            }
        }
        self.drop_if_empty(&Arc::clone(&poll.activity_arn));
        let assigned = poll.assigned;
        Some((poll, assigned))
    }

    /// A worker that has waited long enough in vain and is taken out of the queue.
    pub(crate) fn take_expired(&mut self, now: i64) -> Option<ReplyId> {
        while let Some(&(deadline, reply)) = self.deadlines.front() {
            if deadline > now {
                return None;
            }
            self.deadlines.pop_front();
            // One that is about to get a task gets it.
            if self.polls.get(&reply).is_some_and(|poll| poll.assigned.is_none()) {
                self.end_poll(reply);
                return Some(reply);
            }
        }
        None
    }

    /// Takes every waiting worker out of its queue.
    pub(crate) fn end_all_waiting(&mut self) -> Vec<ReplyId> {
        let mut waiting: Vec<ReplyId> = self
            .polls
            .iter()
            .filter(|(_, poll)| poll.assigned.is_none())
            .map(|(reply, _)| *reply)
            .collect();
        waiting.sort_unstable();
        for &reply in &waiting {
            self.end_poll(reply);
        }
        waiting
    }

    /// When the next poll ends.
    pub(crate) fn next_deadline(&self) -> Option<i64> {
        self.deadlines.front().map(|(deadline, _)| *deadline)
    }

    /// The shared spelling of an activity's ARN.
    fn arn(&self, activity_arn: &str) -> Arc<str> {
        match self.queues.get_key_value(activity_arn) {
            Some((held, _)) => Arc::clone(held),
            None => Arc::from(activity_arn),
        }
    }

    fn drop_if_empty(&mut self, arn: &str) {
        let is_empty = |queue: &Queue| queue.offers.is_empty() && queue.polls == 0;
        if self.queues.get(arn).is_some_and(is_empty) {
            self.queues.remove(arn);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOST: usize = 1_000;
    const ARN: &str = "arn:aws:states:us-east-1:123456789012:activity:Approve";

    fn offer(key: u64) -> Offer {
        let input = Some(Payload::from_valid_text("{}"));
        Offer { key: ExecutionKey(key), task: TaskId(1), input, is_started: false }
    }

    fn matched(activities: &mut Activities) -> Option<(u64, u64)> {
        activities.take_match().map(|(reply, offer)| (reply.0, offer.key.0))
    }

    #[test]
    fn first_come_first_served() {
        let mut activities = Activities::default();
        activities.offer(ARN, offer(1));
        activities.offer(ARN, offer(2));
        activities.offer("another", offer(3));
        assert_eq!(matched(&mut activities), None);
        for reply in 10..13 {
            assert!(activities.poll(ReplyId(reply), ARN, None, 60, MOST));
        }
        assert_eq!(matched(&mut activities), Some((10, 1)));
        assert_eq!(matched(&mut activities), Some((11, 2)));
        assert_eq!(matched(&mut activities), None);
        // Both sides of a match that came to nothing are first again.
        activities.poll_again(ReplyId(10));
        activities.offer_again(ARN, offer(1));
        activities.offer(ARN, offer(4));
        assert_eq!(matched(&mut activities), Some((10, 1)));
        assert_eq!(matched(&mut activities), Some((12, 4)));
    }

    #[test]
    fn what_is_withdrawn_reaches_nobody() {
        let mut activities = Activities::default();
        for key in 0..1000 {
            activities.offer(ARN, offer(key));
        }
        for key in 0..999 {
            activities.close(ExecutionKey(key), TaskId(1));
        }
        assert!(activities.queues[ARN].offers.len() < 200);
        activities.poll(ReplyId(1), ARN, None, 60, MOST);
        activities.poll(ReplyId(2), ARN, None, 60, MOST);
        activities.end_poll(ReplyId(1));
        assert_eq!(matched(&mut activities), Some((2, 999)));
        assert_eq!(activities.input_bytes, 0);
        activities.close(ExecutionKey(999), TaskId(1));
        activities.end_poll(ReplyId(2));
        assert!(activities.queues.is_empty() && activities.polls.is_empty());
    }

    #[test]
    fn polls_end_and_are_limited() {
        let mut activities = Activities::default();
        for reply in 0..MOST as u64 {
            assert!(activities.poll(ReplyId(reply), ARN, None, 60 + reply as i64, MOST));
        }
        assert!(!activities.poll(ReplyId(5000), ARN, None, 60, MOST));
        assert!(activities.poll(ReplyId(5000), "another", None, 2000, MOST));
        assert_eq!(activities.take_expired(59), None);
        assert_eq!(activities.take_expired(61), Some(ReplyId(0)));
        assert_eq!(activities.take_expired(61), Some(ReplyId(1)));
        assert_eq!(activities.take_expired(61), None);
        assert_eq!(activities.next_deadline(), Some(62));
        assert!(activities.poll(ReplyId(5001), ARN, None, 3000, MOST));
        assert_eq!(activities.end_all_waiting().len(), MOST);
    }
}
