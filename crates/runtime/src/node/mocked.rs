//! Tasks of executions that run a test case: a mock answers in the place of function, service,
//! worker or token.
//!
//! An answer is a command like any other, taken by the execution's next turn. Nothing of it
//! needs to be kept: the attempt's number follows from the journal, so that a new process finds
//! the same answer again.

use engine::{Command, Effect};
use store::ExecutionKey;

use super::Node;
use super::executions::{Entry, Phase, Then};
use crate::mocks::MockedAttempt;

impl Node {
    /// Lets a mock do what an execution wants done outside, if there is one for it. Whoever
    /// performs effects settles the execution afterwards, which takes the answer.
    pub(super) fn perform_mocked(&mut self, key: ExecutionKey, effect: &Effect) -> bool {
        let Some(mocks) = &self.options.mocks else { return false };
        let Some(resident) = self.executions.get(key) else { return false };
        let (Phase::Idle(execution), Some(known)) = (&resident.phase, &resident.known) else {
            return false;
        };
        let Some(test_case) = known.identity.test_case.as_deref() else { return false };
        let ask = |state_name: &str, number| {
            // A Map Run's children run test cases of the state machine that they are a part of.
            let name = &known.identity.state_machine_name;
            let state_machine_name = name.split_once('/').map_or(&**name, |(name, _)| name);
            mocks.answer(&MockedAttempt { state_machine_name, test_case, state_name, number })
        };
        let task = match effect {
            Effect::RunTask(dispatch) => dispatch.task,
            Effect::OfferActivity(offer) => offer.task,
            // A job that only a mock began is nowhere to be stopped.
            Effect::CancelJob(dispatch) => return ask(&dispatch.state_name, 0).is_some(),
            Effect::CancelTask { .. }
            | Effect::ReleaseJob { .. }
            | Effect::StartChild(_)
            | Effect::ReadItems { .. }
            | Effect::WriteResults { .. }
            | Effect::StopChildren { .. } => return false,
        };
        let Some((state, number)) = execution.attempt_of(task) else { return false };
        let Some(answer) = ask(&known.definition.program.state(state).name, number) else {
            return false;
        };
        let commands = match effect {
            Effect::RunTask(dispatch) if dispatch.resource.waits_for_task_token() => match answer {
                // The call carries the token out and succeeds; then the token comes back.
                Ok(output) => vec![
                    Command::ReturnTask { task, result: Ok(output.clone()) },
                    Command::SucceedTask { task, output },
                ],
                Err(failure) => vec![Command::ReturnTask { task, result: Err(failure) }],
            },
            Effect::RunTask(dispatch) if dispatch.resource.waits_for_job() => {
                let is_submitted = dispatch.submitted.is_some();
                let submitted = answer.as_ref().ok().filter(|_| !is_submitted);
                let submit =
                    submitted.map(|output| Command::SubmitTask { task, output: output.clone() });
                submit.into_iter().chain([Command::ReturnTask { task, result: answer }]).collect()
            }
            Effect::OfferActivity(_) => vec![
                Command::StartActivity { task, worker_name: None },
                match answer {
                    Ok(output) => Command::SucceedTask { task, output },
                    Err(failure) => Command::FailTask { task, failure },
                },
            ],
            _ => vec![Command::ReturnTask { task, result: answer }],
        };
        let Some(resident) = self.executions.get_mut(key) else { return false };
        let entries = commands.into_iter().map(|command| Entry { command, then: Then::Nothing });
        resident.queue.extend(entries);
        true
    }
}
