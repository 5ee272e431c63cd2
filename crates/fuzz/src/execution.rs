//! What the validator accepts runs to an end of AWS's: no panic, no error of our own, no
//! execution that waits for nothing, no history that cannot be kept or shown.

use std::sync::Arc;

use asl::{MachineType, Payload, Program, Timestamp};
use engine::{
    ChildEnd, Command, Decision, Effect, Event, EventKind, Execution, Identity, Stamp, Status,
    TaskFailure, TaskId, decode_turn, encode_turn, project,
};
use serde_json::{Value, json};

use crate::Random;
use crate::targets::documents;

/// How many commands an execution is given.
const COMMANDS_MAX: usize = 200;
/// How many states it may pass.
const TRANSITIONS_MAX: u64 = 600;

/// Runs executions of a definition. Gives whether it is valid.
pub(crate) fn run(definition: &str, random: &Random) -> bool {
    let machine_type = if random.once_in(3) { MachineType::Express } else { MachineType::Standard };
    let Some(program) = asl::compile(definition, machine_type).program else { return false };
    // What the children of a distributed Map do is decided elsewhere.
    let is_distributed = |state: &asl::State| matches!(&state.kind, asl::StateKind::Map(map) if map.distributed.is_some());
    let knows_all = !program.states.iter().any(is_distributed);
    for input in documents().into_iter().chain([json!({}), json!({"x": 1, "y": [1, 2]})]) {
        Driver {
            program: &program,
            random,
            identity: Arc::new(identity(machine_type == MachineType::Express)),
            now: 1_700_000_000_000,
            owes: 0,
            knows_all,
            has_waited: false,
        }
        .run(input);
    }
    true
}

fn identity(express: bool) -> Identity {
    Identity {
        arn: "arn:aws:states:us-east-1:123456789012:execution:fuzzed:run".into(),
        name: "run".into(),
        state_machine_arn: "arn:aws:states:us-east-1:123456789012:stateMachine:fuzzed".into(),
        state_machine_name: "fuzzed".into(),
        state_machine_version_arn: None,
        state_machine_alias_arn: None,
        role_arn: "arn:aws:iam::123456789012:role/stepwell".into(),
        region: "us-east-1".into(),
        express,
        test_case: None,
        map_run: None,
    }
}

struct Surroundings;

impl engine::World for Surroundings {
    fn task_token(&self, task: TaskId) -> String {
        format!("token-{}", task.0)
    }

    fn activity_exists(&self, _arn: &str) -> bool {
        true
    }
}

struct Driver<'d> {
    program: &'d Program,
    random: &'d Random,
    identity: Arc<Identity>,
    now: i64,
    /// Tasks that were left without an answer.
    owes: usize,
    /// Whether there is nothing that only others decide.
    knows_all: bool,
    /// Whether it ever waited for a moment.
    has_waited: bool,
}

impl Driver<'_> {
    fn run(&mut self, input: Value) {
        let mut execution = Execution::new(Arc::clone(&self.identity));
        let mut folded = Execution::new(Arc::clone(&self.identity));
        let mut commands = vec![Command::Start { input: Payload::from_value(input) }];
        for _ in 0..COMMANDS_MAX {
            let command = match commands.pop() {
                Some(command) => command,
                None if execution.wants_to_continue() => Command::Continue,
                None => match execution.next_wake() {
                    Some(moment) => {
                        self.now = self.now.max(moment.0);
                        Command::WakeUp
                    }
                    None => break,
                },
            };
            let seed = self.random.bits();
            let stamp = Stamp { now: Timestamp(self.now), seed, world: &Surroundings };
            let Decision { events, effects, .. } =
                engine::step(self.program, &mut execution, command, stamp);
            self.check(&events, &mut folded);
            for effect in &effects {
                self.answer(effect, &mut commands);
            }
            // The engine may be asked at any time what a new process must take up.
            engine::recover(self.program, &execution, stamp);
            if execution.transitions() > TRANSITIONS_MAX {
                break;
            }
            if execution.status != Status::Running {
                if !self.random.once_in(4) {
                    break;
                }
                commands = vec![Command::Redrive { client_token: None }];
            }
        }
        assert_eq!(
            format!("{execution:?}"),
            format!("{folded:?}"),
            "what was kept is not what was lived"
        );
        let is_late =
            execution.status == Status::TimedOut && self.program.timeout_seconds.is_none();
        let may_be_late = self.owes > 0 || self.has_waited || !self.knows_all;
        assert!(!is_late || may_be_late, "it waited for nothing");
    }

    /// Checks events as they are kept and as they are shown.
    fn check(&mut self, events: &[Event], folded: &mut Execution) {
        if events.is_empty() {
            return;
        }
        let kept = decode_turn(&encode_turn(events)).expect("what was written reads");
        assert_eq!(kept.len(), events.len(), "every event is kept");
        for event in &kept {
            folded.apply(event);
            project(event, self.program, &self.identity);
            self.check_texts(&event.kind);
            self.has_waited |= matches!(
                event.kind,
                EventKind::WaitScheduled { .. } | EventKind::RetryScheduled { .. }
            );
        }
    }

    fn check_texts(&self, kind: &EventKind) {
        let (error, cause) = match kind {
            EventKind::ExecutionFailed { error, cause } => (error.as_deref(), cause.as_deref()),
            EventKind::EvaluationFailed { error, cause, .. } => (Some(&**error), Some(&**cause)),
            _ => return,
        };
        let cause = cause.unwrap_or_default();
        for word in ["Stepwell", "panicked", "unreachable", "internal error:"] {
            // A state may fail with any words of its own.
            let is_ours =
                cause.contains(word) && error.is_some_and(|name| name.contains("States."));
            assert!(!is_ours || !self.knows_all, "{error:?}: {cause}");
        }
        if let Some(name) = error
            && name.starts_with("States.")
            && matches!(kind, EventKind::EvaluationFailed { .. })
        {
            assert_eq!(name, "States.QueryEvaluationError");
        }
    }

    /// What becomes of what a Map Run wants.
    fn map_run_answer(&mut self, effect: &Effect) -> Option<Command> {
        Some(match effect {
            Effect::StartChild(start) => {
                let (map_run, index) = (start.map_run, start.index);
                if start.input.is_none() || self.random.once_in(10) {
                    return Some(Command::RestartChild { map_run, index, items: None });
                }
                let (status, output, failure) = match self.result() {
                    Ok(output) => (Status::Succeeded, Some(output), TaskFailure::default()),
                    Err(failure) => (Status::Failed, None, failure),
                };
                let end = Box::new(ChildEnd {
                    status,
                    start_date: Timestamp(self.now),
                    stop_date: Timestamp(self.now),
                    input: start.input.clone()?,
                    output,
                    error: failure.error,
                    cause: failure.cause,
                    redrive_count: 0,
                    redrive_date: None,
                });
                Command::EndChild { map_run, index, end }
            }
            Effect::ReadItems { map_run } => {
                let result = self.result().map(|_| 0);
                Command::ItemsRead { map_run: *map_run, result }
            }
            Effect::WriteResults { map_run } => {
                Command::ResultsWritten { map_run: *map_run, result: self.result() }
            }
            _ => return None,
        })
    }

    /// What becomes of an effect: mostly an answer.
    fn answer(&mut self, effect: &Effect, commands: &mut Vec<Command>) {
        if let Some(command) = self.map_run_answer(effect) {
            if self.random.once_in(12) {
                self.owes += 1;
            } else {
                commands.push(command);
            }
            return;
        }
        let (task, is_token, is_activity) = match effect {
            Effect::RunTask(dispatch) => (dispatch.task, dispatch.task_token.is_some(), false),
            Effect::OfferActivity(offer) => (offer.task, false, true),
            _ => return,
        };
        if self.random.once_in(12) {
            self.owes += 1;
            return;
        }
        let result = self.result();
        if is_activity {
            commands.push(self.callback(task, result));
            let worker_name = self.random.once_in(2).then(|| "worker".into());
            commands.push(Command::StartActivity { task, worker_name });
        } else if is_token {
            let callback = self.callback(task, result);
            let submitted = Command::ReturnTask { task, result: self.result() };
            // A token may come back before the call does.
            let (first, second) = match self.random.once_in(4) {
                true => (callback, submitted),
                false => (submitted, callback),
            };
            commands.extend([second, first]);
            if self.random.once_in(3) {
                commands.push(Command::Heartbeat { task });
            }
        } else {
            commands.push(Command::ReturnTask { task, result });
            // What waits for a job tells of its submission first; anything else may not.
            if self.random.once_in(2) {
                commands.push(Command::SubmitTask { task, output: Payload::from_valid_text("{}") });
            }
        }
        if self.random.once_in(60) {
            commands.push(Command::Stop { error: None, cause: Some("stopped".into()) });
        }
    }

    fn callback(&self, task: TaskId, result: Result<Payload, TaskFailure>) -> Command {
        match result {
            Ok(output) => Command::SucceedTask { task, output },
            Err(failure) => Command::FailTask { task, failure },
        }
    }

    fn result(&self) -> Result<Payload, TaskFailure> {
        const ERRORS: [&str; 6] = [
            "States.TaskFailed",
            "States.Timeout",
            "Mine",
            "Lambda.ServiceException",
            "Lambda.TooManyRequestsException",
            "States.Permissions",
        ];
        match self.random.below(8) {
            0 => Err(TaskFailure::default()),
            1 | 2 => {
                let error = Some(self.random.choose(&ERRORS).into());
                let cause = self.random.once_in(2).then(|| "made up".into());
                Err(TaskFailure { error, cause })
            }
            3 => Ok(Payload::from_value(json!({"Payload": documents()[0], "StatusCode": 200}))),
            4 => Ok(Payload::from_value(documents()[1].clone())),
            5 => Ok(Payload::from_valid_text("[]")),
            _ => Ok(Payload::from_value(documents()[0].clone())),
        }
    }
}
