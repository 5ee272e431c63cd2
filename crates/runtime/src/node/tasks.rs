//! Tasks whose work is done outside: calls that come back, workers that poll, tokens.

use engine::{Command, TaskFailure, TaskId};
use store::ExecutionKey;

use super::executions::{Entry, Reader, Then};
use super::{Answer, AssignedTask, Node, Output, ReplyId, TaskReport};
use crate::activities::Offer;
use crate::job_cancels::{self, LeftBehind};
use crate::{ActivityTask, RuntimeError};

impl Node {
    /// The call of a task came back.
    pub(super) fn task_returned(
        &mut self,
        key: ExecutionKey,
        task: TaskId,
        result: Result<asl::Payload, TaskFailure>,
    ) {
        // Without its mark it was cancelled.
        if self.calls.contains(&(key, task)) {
            let command = Command::ReturnTask { task, result };
            self.command(key, Entry { command, then: Then::Return(task) });
        }
    }

    /// The call of a task has submitted the job that the task waits for.
    pub(super) fn task_submitted(&mut self, key: ExecutionKey, task: TaskId, output: asl::Payload) {
        // Without its mark it was cancelled.
        if self.calls.contains(&(key, task)) {
            let command = Command::SubmitTask { task, output };
            self.command(key, Entry { command, then: Then::Submit(task) });
        }
    }

    /// Cancels the jobs that earlier processes did not come to.
    pub(super) fn cancel_left_behind(&mut self, left: LeftBehind) {
        for (key, call) in left.to_cancel {
            self.outputs.push_back(Output::CancelJobLeftBehind { key, call: Box::new(call) });
        }
        if !left.void.is_empty() {
            let forget = |(key, task): &(_, _)| job_cancels::forget(*key, *task);
            self.keep_unattended(left.void.iter().map(forget).collect());
        }
    }

    /// A job that nobody waits for is cancelled.
    pub(super) fn job_cancelled(&mut self, key: ExecutionKey, task: TaskId) {
        self.keep_unattended(vec![job_cancels::forget(key, task)]);
    }

    /// SendTaskSuccess, SendTaskFailure, SendTaskHeartbeat.
    pub(super) fn report(&mut self, reply: ReplyId, token: &str, report: TaskReport) {
        let Some((key, task)) = self.surroundings.tokens.open(token) else {
            return self.reply(reply, Err(RuntimeError::InvalidToken));
        };
        let command = match report {
            TaskReport::Success(output) => Command::SucceedTask { task, output },
            TaskReport::Failure(failure) => Command::FailTask { task, failure },
            TaskReport::Heartbeat => Command::Heartbeat { task },
        };
        self.command(key, Entry { command, then: Then::Token(reply) });
    }

    /// GetActivityTask.
    pub(super) fn poll(
        &mut self,
        reply: ReplyId,
        activity_arn: &str,
        worker_name: Option<Box<str>>,
    ) {
        if let Err(error) = self.registry.activity(activity_arn) {
            return self.reply(reply, Err(error));
        }
        let milliseconds = i64::try_from(self.options.activity_poll.as_millis());
        let deadline = self.now.plus_milliseconds(milliseconds.unwrap_or(i64::MAX)).0;
        let most = self.options.quotas.activity_pollers;
        if !self.activities.poll(reply, activity_arn, worker_name, deadline, most) {
            let arn = activity_arn.to_owned();
            self.reply(reply, Err(RuntimeError::ActivityWorkerLimitExceeded(arn)));
        }
    }

    /// Brings waiting tasks and waiting workers together.
    pub(super) fn match_activities(&mut self) {
        while let Some((poll, offer)) = self.activities.take_match() {
            let Offer { key, task, input, is_started } = offer;
            if is_started {
                self.read(key, Reader::HandOver { poll, task, input });
            } else {
                let worker_name =
                    self.activities.waiting(poll).and_then(|held| held.worker_name.clone());
                let command = Command::StartActivity { task, worker_name };
                self.command(key, Entry { command, then: Then::Activity { poll, task, input } });
            }
        }
    }

    /// Gives a task whose start is durable to its worker, or to the next if that one is gone.
    pub(super) fn hand_over(
        &mut self,
        key: ExecutionKey,
        poll: ReplyId,
        task: TaskId,
        input: asl::Payload,
    ) {
        if let Some((ended, _)) = self.activities.end_poll(poll) {
            self.activities.close(key, task);
            let task_token = self.surroundings.tokens.seal(key, task);
            let assigned = AssignedTask {
                activity_arn: (&*ended.activity_arn).into(),
                key,
                task,
                given: ActivityTask { task_token, input },
            };
            return self.reply(poll, Ok(Answer::Task(Some(Box::new(assigned)))));
        }
        if let Some(activity_arn) = self.activities.activity_of(key, task) {
            let offer = Offer { key, task, input: Some(input), is_started: true };
            self.activities.offer_again(&activity_arn, offer);
        }
    }

    /// The task is over or out of reach: its worker gets the next one.
    pub(super) fn not_handed_over(&mut self, key: ExecutionKey, poll: ReplyId, task: TaskId) {
        self.activities.close(key, task);
        self.activities.poll_again(poll);
    }

    /// A caller is gone. Only for polls does it matter: the task must not go with it.
    pub(super) fn abandoned(&mut self, reply: ReplyId) {
        let Some((poll, assigned)) = self.activities.end_poll(reply) else {
            return;
        };
        self.open_requests = self.open_requests.saturating_sub(1);
        let Some((key, task)) = assigned else {
            return;
        };
        let Some(resident) = self.executions.get_mut(key) else {
            return;
        };
        // If the turn that records the start has not begun, the task was never given. If it has,
        // the task goes to the next worker once that is durable.
        let is_it =
            |entry: &Entry| matches!(entry.then, Then::Activity { poll, .. } if poll == reply);
        if let Some(at) = resident.queue.iter().position(is_it)
            && let Some(Entry { then: Then::Activity { input, .. }, .. }) =
                resident.queue.remove(at)
        {
            let offer = Offer { key, task, input, is_started: false };
            return self.activities.offer_again(&poll.activity_arn, offer);
        }
        let is_it =
            |reader: &Reader| matches!(reader, Reader::HandOver { poll, .. } if *poll == reply);
        if let Some(at) = resident.readers.iter().position(is_it)
            && let Reader::HandOver { input, .. } = resident.readers.remove(at)
        {
            let offer = Offer { key, task, input, is_started: true };
            self.activities.offer_again(&poll.activity_arn, offer);
        }
    }

    /// A task was given to a worker that was gone by then.
    pub(super) fn undelivered(&mut self, assigned: AssignedTask) {
        let AssignedTask { activity_arn, key, task, given } = assigned;
        let offer = Offer { key, task, input: Some(given.input), is_started: true };
        self.activities.offer_again(&activity_arn, offer);
    }
}
