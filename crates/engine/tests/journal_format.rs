//! The stored format of the journal: every kind of event ever written still reads.

use asl::{Payload, StateIndex, Timestamp};
use engine::{
    Batching, DecodeError, Event, EventKind, FrameId, MapRunId, MapRunSettings, MapRunUpdate,
    Reading, Status, TaskFailure, decode_turn, encode_turn,
};
use expect_test::expect_file;

/// An event of each kind, in the order of their tags.
fn samples() -> Vec<EventKind> {
    let frame = FrameId(3);
    let state = StateIndex(200);
    let data = || Payload::from_valid_text(r#"{"a": [1.0, "ü"]}"#);
    let text = |text: &str| Some(Box::from(text));
    vec![
        EventKind::ExecutionStarted { input: data(), deadline: Timestamp(1_800_000_000_000) },
        EventKind::ExecutionSucceeded { output: data() },
        EventKind::ExecutionFailed { error: text("E"), cause: None },
        EventKind::ExecutionAborted { error: None, cause: text("C") },
        EventKind::ExecutionTimedOut { error: text("States.Timeout"), cause: None },
        EventKind::StateEntered { frame, state, input: data() },
        EventKind::StateExited {
            frame,
            state,
            output: data(),
            assigned: vec![("x".into(), data())],
            next: Some(StateIndex(1)),
        },
        EventKind::StateAborted { frame, state },
        EventKind::EvaluationFailed {
            frame,
            state,
            error: "E".into(),
            cause: "C".into(),
            location: text("Output"),
        },
        EventKind::WaitScheduled { frame, state, until: Timestamp(-5) },
        EventKind::RetryScheduled { frame, state, retrier: 2, until: Timestamp(77) },
        EventKind::TaskScheduled {
            frame,
            state,
            parameters: data(),
            timeout_seconds: Some(99_999_999),
            heartbeat_seconds: None,
            credentials: Some(data()),
        },
        EventKind::TaskStarted { frame, state, by_worker: true, worker_name: text("w") },
        EventKind::TaskSubmitted { frame, state, output: data() },
        EventKind::TaskSucceeded { frame, state, output: data() },
        EventKind::TaskFailed { frame, state, error: None, cause: None },
        EventKind::TaskTimedOut { frame, state, error: "States.Timeout".into(), cause: None },
        EventKind::HeartbeatRecorded { frame, state },
        EventKind::CallbackRecorded {
            frame,
            state,
            result: Err(TaskFailure { error: text("E"), cause: text("C") }),
        },
        EventKind::ParallelStarted { frame, state, branches: 4, input: data() },
        EventKind::ParallelSucceeded { frame, state },
        EventKind::ParallelFailed { frame, state },
        EventKind::MapStarted { frame, state, items: data(), length: 1, max_concurrency: 0 },
        EventKind::IterationStarted {
            frame,
            state,
            index: 9,
            item: data(),
            key: text("k"),
            input: data(),
        },
        EventKind::IterationSucceeded { frame, state, index: 9 },
        EventKind::IterationFailed { frame, state, index: 9 },
        EventKind::IterationAborted { frame, state, index: 9 },
        EventKind::MapSucceeded { frame, state },
        EventKind::MapFailed { frame, state },
        EventKind::JobSubmitted { frame, state, output: data() },
        EventKind::TaskSubmitFailed { frame, state, error: text("E"), cause: text("C") },
        EventKind::DistributedMapStarted { frame, state, length: 3 },
        EventKind::MapRunStarted {
            frame,
            state,
            settings: Box::new(MapRunSettings {
                arn: "arn:aws:states:us-east-1:123456789012:mapRun:M/L:u".into(),
                max_concurrency: 7,
                tolerated_failure_count: 1,
                tolerated_failure_percentage: 12.5,
                batching: Some(Batching { max_items: 2, max_bytes: 300, input: Some(data()) }),
                reading: Some(Reading { arguments: data(), max_items: 100 }),
                writing: Some(data()),
            }),
            items: Some((data(), true)),
        },
        EventKind::MapRunSucceeded { frame, state },
        EventKind::MapRunFailed { frame, state, error: text("E"), cause: None },
        EventKind::MapRunAborted { frame, state },
        EventKind::ItemsRead { frame, state, total: 100_000_000 },
        EventKind::ChildrenStarted { frame, state, items: vec![1, 200] },
        EventKind::ChildEnded {
            frame,
            state,
            index: 5,
            status: Status::TimedOut,
            result: Some(data()),
            bytes: 18,
        },
        EventKind::ResultsWritten { frame, state, output: data() },
        EventKind::MapRunUpdated {
            map_run: MapRunId(4),
            update: MapRunUpdate {
                max_concurrency: Some(9),
                tolerated_failure_count: None,
                tolerated_failure_percentage: Some(0.5),
            },
        },
        EventKind::ExecutionRedriven {
            redrive_count: 2,
            deadline: Timestamp(1_800_000_000_000),
            client_token: text("token"),
        },
        EventKind::MapRunRedriven {
            frame,
            state,
            map_run: MapRunId(4),
            map_run_arn: "arn:aws:states:us-east-1:123456789012:mapRun:M/L:u".into(),
            redrive_count: 300,
        },
        EventKind::ChildrenRedriven { frame, state, children: vec![0, 300] },
        EventKind::ChildNotRedriven { frame, state, index: 300 },
        EventKind::AttemptStarted { attempt: 300 },
    ]
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn every_kind_of_event_is_written_as_ever() {
    let lines: Vec<String> = samples()
        .into_iter()
        .map(|kind| {
            let event = Event { id: 300, previous: 299, at: Timestamp(1_700_000_000_123), kind };
            let bytes = encode_turn(std::slice::from_ref(&event));
            let read = decode_turn(&bytes).expect("what was written reads");
            assert_eq!(read, [event]);
            format!("{} {:?}\n", hex(&bytes), read[0].kind)
        })
        .collect();
    // Lines are only ever added to this file. A line that changes means that journals on disks
    // no longer read.
    expect_file!["../../../testdata/formats/journal-v1.txt"].assert_eq(&lines.concat());
}

#[test]
fn a_newer_journal_is_refused() {
    let error = decode_turn(&[2, 0, 0, 0]).expect_err("version 2 is not known");
    assert_eq!(error, DecodeError::NewerVersion { found: 2, known: 1 });
    assert!(decode_turn(&[]).is_err());
    assert!(decode_turn(&[1, 0, 0, 0, 0]).is_err(), "bytes are left over");
}

#[test]
fn a_shared_payload_is_stored_once() {
    let data = Payload::from_valid_text(format!("\"{}\"", "x".repeat(1000)));
    let event = |id| Event {
        id,
        previous: 0,
        at: Timestamp(0),
        kind: EventKind::StateEntered {
            frame: FrameId(0),
            state: StateIndex(0),
            input: data.clone(),
        },
    };
    let events: Vec<Event> = (1..=50).map(event).collect();
    assert!(encode_turn(&events).len() < 1_500);
}
