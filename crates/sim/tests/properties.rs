//! Properties of the engine over generated programs and arbitrary commands: it never panics, and
//! folding the events always gives the live execution.

use std::sync::Arc;

use asl::{MachineType, Payload, Timestamp};
use engine::{
    Command, Effect, Event, EventKind, Execution, Identity, Stamp, Status, TaskFailure, TaskId,
    World, decode_turn, encode_turn, project, recover, step,
};
use proptest::prelude::*;
use sim::{Random, generate_definition, generate_input};

struct TestWorld;

impl World for TestWorld {
    fn task_token(&self, task: TaskId) -> String {
        format!("token-{}", task.0)
    }

    fn activity_exists(&self, _: &str) -> bool {
        true
    }
}

fn identity() -> Arc<Identity> {
    Arc::new(Identity {
        arn: "arn:aws:states:us-east-1:123456789012:execution:machine:run".into(),
        name: "run".into(),
        state_machine_arn: "arn:aws:states:us-east-1:123456789012:stateMachine:machine".into(),
        state_machine_name: "machine".into(),
        state_machine_version_arn: None,
        state_machine_alias_arn: None,
        role_arn: "arn:aws:iam::123456789012:role/role".into(),
        region: "us-east-1".into(),
        express: false,
        test_case: None,
        map_run: None,
    })
}

/// A command that may or may not fit: open tasks, old ones, ones that never were.
fn any_command(random: &Random, tasks: &[TaskId]) -> Command {
    let task = match tasks.is_empty() || random.once_in(10) {
        true => TaskId(random.below(60) as u32),
        false => *random.choose(tasks),
    };
    let output = Payload::from_value(generate_input(random));
    let failure = || TaskFailure {
        error: (!random.once_in(5)).then(|| (*random.choose(&["Broken", "Mine", "Other"])).into()),
        cause: None,
    };
    match random.below(23) {
        22 => Command::Redrive { client_token: Some(random.below(5).to_string().into()) },
        20..=21 => Command::SubmitTask { task, output },
        0..=5 => Command::ReturnTask { task, result: Ok(output) },
        6..=7 => Command::ReturnTask { task, result: Err(failure()) },
        8..=9 => Command::SucceedTask { task, output },
        10 => Command::FailTask { task, failure: failure() },
        11 => Command::Heartbeat { task },
        12..=13 => Command::StartActivity { task, worker_name: Some("worker".into()) },
        14 if random.once_in(10) => Command::Stop { error: None, cause: Some("stopped".into()) },
        15 if random.once_in(30) => {
            Command::Fail { error: "States.Runtime".into(), cause: "panic".into() }
        }
        _ => Command::WakeUp,
    }
}

/// What holds of every history, finished or not.
fn check_history(events: &[Event], execution: &Execution) {
    let shown: Vec<&Event> = events.iter().filter(|event| event.kind.is_history()).collect();
    for (index, event) in shown.iter().enumerate() {
        assert_eq!(event.id as usize, index + 1, "ids are dense");
        assert!(event.previous < event.id, "an event points back");
    }
    let mut last = Timestamp(i64::MIN);
    for event in &shown {
        assert!(event.at >= last, "moments do not fall");
        last = event.at;
    }
    let ends = shown.iter().filter(|event| event.kind.is_end()).count();
    let redrives =
        shown.iter().filter(|e| matches!(e.kind, EventKind::ExecutionRedriven { .. })).count();
    let is_over = execution.status != Status::Running;
    assert_eq!(ends, redrives + usize::from(is_over), "one end of each run");
    assert_eq!(redrives, execution.redrive_count() as usize);
    if is_over {
        assert!(shown.last().expect("it has events").kind.is_end(), "the end comes last");
        assert_eq!(execution.next_wake(), None);
    }
    let entered = shown.iter().filter(|e| matches!(e.kind, EventKind::StateEntered { .. })).count();
    assert!(execution.transitions() >= entered as u64, "every state entered is counted");
}

/// A redrive runs nothing again that succeeded: what was left is not entered once more, except
/// inside a container that is run as a whole.
fn check_redrive(program: &asl::Program, over: &Execution, events: &[Event], stamp: Stamp<'_>) {
    let mut redriven = over.clone();
    let command = Command::Redrive { client_token: None };
    let decision = step(program, &mut redriven, command, stamp);
    assert_eq!(decision.refused, None, "what was not successful is redriven");
    let first = decision.events.first().expect("a redrive has an event");
    assert!(matches!(first.kind, EventKind::ExecutionRedriven { .. }));
    assert_eq!(first.previous, events.last().expect("it ended").id, "it points at the end");
    let started = |kind: &EventKind| {
        matches!(kind, EventKind::ParallelStarted { .. } | EventKind::MapStarted { .. })
    };
    if decision.events.iter().any(|event| started(&event.kind)) {
        return;
    }
    let left: Vec<(engine::FrameId, u32)> = events
        .iter()
        .filter(|event| matches!(event.kind, EventKind::StateExited { .. }))
        .filter_map(|event| event.kind.place().map(|(frame, _)| (frame, event.id)))
        .collect();
    for event in &decision.events {
        // What goes on points at an event of its own frame, which is not one that was left
        // before another state of the frame was entered.
        if let EventKind::TaskScheduled { frame, .. } = &event.kind {
            let is_left =
                left.iter().any(|(of, id)| of == frame && *id == event.previous && *id < first.id);
            assert!(!is_left, "a task that succeeded is scheduled again");
        }
    }
}

fn run(seed: u64) {
    let random = Random::new(seed);
    let definition = generate_definition(&random).to_string();
    let compiled = asl::compile(&definition, MachineType::Standard);
    let program = compiled.program.unwrap_or_else(|| {
        panic!("generated machines are valid: {:?}\n{definition}", compiled.diagnostics)
    });
    let identity = identity();
    let mut execution = Execution::new(identity.clone());
    let mut events: Vec<Event> = Vec::new();
    let mut folded = Execution::new(identity.clone());
    let mut tasks: Vec<TaskId> = Vec::new();
    let mut now = 1_700_000_000_000;
    let mut command = Command::Start { input: Payload::from_value(generate_input(&random)) };
    for _ in 0..400 {
        let stamp = Stamp { now: Timestamp(now), seed: random.next(), world: &TestWorld };
        let before = execution.clone();
        let decision = step(&program, &mut execution, command, stamp);
        for event in decode_turn(&encode_turn(&decision.events)).expect("it was just written") {
            folded.apply(&event);
        }
        assert_eq!(folded, execution, "folding the events gives the live execution");
        if decision.refused.is_some() {
            assert!(decision.events.is_empty() && before == execution, "a refusal changes nothing");
        }
        for event in &decision.events {
            assert_eq!(project(event, &program, &identity).is_some(), event.kind.is_history());
        }
        events.extend(decision.events);
        for effect in &decision.effects {
            match effect {
                Effect::RunTask(dispatch) => tasks.push(dispatch.task),
                Effect::OfferActivity(offer) => tasks.push(offer.task),
                Effect::StartChild(_)
                | Effect::ReadItems { .. }
                | Effect::WriteResults { .. }
                | Effect::StopChildren { .. }
                | Effect::CancelTask { .. }
                | Effect::CancelJob(_)
                | Effect::ReleaseJob { .. } => {}
            }
        }
        check_history(&events, &execution);
        if execution.status != Status::Running {
            assert!(recover(&program, &execution, stamp).is_empty());
            if execution.status == Status::Succeeded || random.once_in(3) {
                return;
            }
            check_redrive(&program, &execution, &events, stamp);
            now += random.below(60_000) as i64;
            let client_token = random.once_in(2).then(|| random.below(5).to_string().into());
            command = Command::Redrive { client_token };
            continue;
        }
        let wake =
            execution.next_wake().expect("a running execution wakes at the latest at its deadline");
        // Tasks that this process must run are found again by a process that only has the journal.
        let open = recover(&program, &folded, stamp).len();
        assert!(open == 0 || execution.needs_recovery());
        now += match random.below(4) {
            0 => 0,
            1 => random.below(1_000) as i64,
            _ => (wake.0 - now).clamp(0, 400_000),
        };
        command = match execution.wants_to_continue() {
            true => Command::Continue,
            false => any_command(&random, &tasks),
        };
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn folding_gives_the_live_execution_and_nothing_panics(seed: u64) {
        run(seed);
    }

    #[test]
    fn damaged_journals_are_refused(seed: u64, place: usize, value: u8) {
        let random = Random::new(seed);
        let input = Payload::from_value(generate_input(&random));
        let kind = EventKind::ExecutionStarted { input, deadline: Timestamp(5) };
        let mut bytes = encode_turn(&[Event { id: 1, previous: 0, at: Timestamp(3), kind }]);
        let place = place % bytes.len();
        bytes[place] = value;
        let _ = decode_turn(&bytes);
        bytes.truncate(place);
        prop_assert!(decode_turn(&bytes).is_err());
    }
}
