//! Bounds that need payloads too large for a golden history.

mod evaluations;

use std::sync::Arc;

use asl::{MachineType, Payload, Timestamp};

use crate::{
    Command, Execution, Identity, Stamp, Status, TaskFailure, TaskId, World, limits, step,
};

struct TestWorld;

impl World for TestWorld {
    fn task_token(&self, task: TaskId) -> String {
        format!("token-{}", task.0)
    }

    fn activity_exists(&self, _arn: &str) -> bool {
        true
    }
}

fn identity() -> Identity {
    Identity {
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
    }
}

/// Starts a machine of these states with `input`, then obeys the commands.
fn run(states: &str, input: &str, commands: Vec<Command>) -> Execution {
    let definition = format!(r#"{{"StartAt":"A","States":{{{states}}}}}"#);
    let compiled = asl::compile(&definition, MachineType::Standard);
    let program = compiled.program.unwrap_or_else(|| panic!("{:?}", compiled.diagnostics));
    let mut execution = Execution::new(Arc::new(identity()));
    let stamp = Stamp { now: Timestamp(0), seed: 1, world: &TestWorld };
    let start = Command::Start { input: Payload::parse(input).unwrap() };
    step(&program, &mut execution, start, stamp);
    for command in commands {
        step(&program, &mut execution, command, stamp);
    }
    while execution.wants_to_continue() {
        step(&program, &mut execution, Command::Continue, stamp);
    }
    execution
}

fn check(execution: &Execution, error: &str, cause: &str) {
    assert_eq!(execution.status, Status::Failed);
    assert_eq!(execution.error(), Some(error));
    assert_eq!(execution.cause(), Some(cause));
}

/// A JSON string of so many bytes.
fn text(bytes: usize) -> String {
    format!("\"{}\"", "x".repeat(bytes - 2))
}

const TOO_LARGE: &str = "States.DataLimitExceeded";

fn too_large(name: &str) -> String {
    format!(
        "The state/task '{name}' returned a result with a size exceeding the maximum number of \
         bytes service limit."
    )
}

#[test]
fn a_result_that_is_too_large_is_caught_by_all_and_by_name_only() {
    let task = |catch: &str| {
        format!(
            r#""A":{{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","Parameters":{{"FunctionName":"f"}},
            "Retry":[{{"ErrorEquals":["States.ALL"]}}],
            "Catch":[{{"ErrorEquals":["{catch}"],"ResultPath":"$.e","Next":"B"}}],"End":true}},
            "B":{{"Type":"Succeed"}}"#
        )
    };
    let large = || {
        let output = Payload::parse(text(limits::PAYLOAD_BYTES_MAX + 1)).unwrap();
        vec![Command::ReturnTask { task: TaskId(3), result: Ok(output) }]
    };
    for catch in ["States.ALL", TOO_LARGE] {
        let execution = run(&task(catch), "{}", large());
        assert_eq!(execution.status, Status::Succeeded, "{catch}");
    }
    for catch in ["States.TaskFailed", "States.Runtime"] {
        check(&run(&task(catch), "{}", large()), TOO_LARGE, &too_large("lambda"));
    }
    let exact = Payload::parse(text(limits::PAYLOAD_BYTES_MAX)).unwrap();
    let commands = vec![Command::ReturnTask { task: TaskId(3), result: Ok(exact) }];
    assert_eq!(run(&task("States.ALL"), "{}", commands).status, Status::Succeeded);
}

#[test]
fn an_output_that_is_too_large_fails_the_execution_everywhere() {
    let doubled = r#"{"a.$":"$","b.$":"$"}"#;
    let states = format!(r#""A":{{"Type":"Pass","Parameters":{doubled},"End":true}}"#);
    let input = text(limits::PAYLOAD_BYTES_MAX / 2 + 1);
    check(&run(&states, &input, vec![]), TOO_LARGE, &too_large("A"));
    // Together the outputs of the branches are too large, and no catcher is asked.
    let branch = r#"{"StartAt":"NAME","States":{"NAME":{"Type":"Succeed"}}}"#;
    let branches = [branch.replace("NAME", "X"), branch.replace("NAME", "Y")].join(",");
    let states = format!(
        r#""A":{{"Type":"Parallel","Branches":[{branches}],
        "Catch":[{{"ErrorEquals":["States.ALL"],"Next":"B"}}],"End":true}},"B":{{"Type":"Succeed"}}"#
    );
    check(&run(&states, &input, vec![]), TOO_LARGE, &too_large("A"));
}

#[test]
fn what_is_too_large_to_be_built_has_the_words_of_what_is_too_large() {
    let fields: Vec<String> = (0..200).map(|at| format!(r#""f{at}.$":"$""#)).collect();
    let states =
        format!(r#""A":{{"Type":"Pass","Parameters":{{{}}},"End":true}}"#, fields.join(","));
    let input = text(250_000);
    check(&run(&states, &input, vec![]), "States.DataLimitExceeded", &too_large("A"));
}

#[test]
fn variables_are_bounded_one_by_one_and_together() {
    let once = r#""A":{"Type":"Pass","Assign":{"x.$":"$","y.$":"$"},"End":true}"#;
    let half = text(limits::VARIABLE_BYTES_MAX / 2);
    assert_eq!(run(once, &half, vec![]).status, Status::Succeeded);
    let more = text(limits::VARIABLE_BYTES_MAX / 2 + 1);
    check(&run(once, &more, vec![]), TOO_LARGE, &too_large("A"));

    let many = |count: usize, same: bool| {
        let states: Vec<String> = (0..count)
            .map(|at| {
                let name = if at == 0 { "A".to_owned() } else { format!("S{at}") };
                let variable = if same { "v".to_owned() } else { format!("v{at}") };
                let next = match at + 1 == count {
                    true => r#""End":true"#.to_owned(),
                    false => format!(r#""Next":"S{}""#, at + 1),
                };
                format!(r#""{name}":{{"Type":"Pass","Assign":{{"{variable}.$":"$"}},{next}}}"#)
            })
            .collect();
        states.join(",")
    };
    let full = text(limits::VARIABLE_BYTES_MAX);
    assert_eq!(run(&many(40, false), &full, vec![]).status, Status::Succeeded);
    check(&run(&many(41, false), &full, vec![]), TOO_LARGE, &too_large("S40"));
    // The value before is gone.
    assert_eq!(run(&many(60, true), &full, vec![]).status, Status::Succeeded);
}

#[test]
fn errors_and_causes_are_cut_where_aws_ends_them() {
    let states = r#""A":{"Type":"Task","Resource":"arn:aws:lambda:us-east-1:123456789012:function:f","End":true}"#;
    let failure = TaskFailure {
        error: Some("é".repeat(300).into()),
        cause: Some("é".repeat(40_000).into()),
    };
    let commands = vec![Command::ReturnTask { task: TaskId(3), result: Err(failure) }];
    let (error, cause) = ("é".repeat(256), "é".repeat(32_768));
    check(&run(states, "{}", commands), &error, &cause);
    let miss = r#""A":{"Type":"Pass","Parameters":{"a.$":"$.nothing"},"End":true}"#;
    let execution = run(miss, &format!(r#"{{"x":{}}}"#, text(100_000)), vec![]);
    assert_eq!(execution.cause().map(str::len), Some(32_768));
}

/// The parent would not know of it.
#[test]
fn a_child_of_a_map_run_is_not_redriven_by_itself() {
    let compiled =
        asl::compile(r#"{"StartAt":"A","States":{"A":{"Type":"Fail"}}}"#, MachineType::Standard);
    let program = compiled.program.unwrap();
    let map_run = crate::MapRunChild {
        map_run_arn: "arn:aws:states:us-east-1:123456789012:mapRun:machine/A:run".into(),
        index: 0,
        items: 1,
        processor: asl::ScopeIndex(0),
        first_attempt: 0,
    };
    let child = Identity { map_run: Some(map_run), ..identity() };
    for (identity, refused) in [
        (identity(), None),
        (child, Some(crate::Refusal::NotRedrivable(crate::NotRedrivable::ByMapRun))),
    ] {
        let mut execution = Execution::new(Arc::new(identity));
        let stamp = Stamp { now: Timestamp(0), seed: 1, world: &TestWorld };
        step(
            &program,
            &mut execution,
            Command::Start { input: Payload::from_valid_text("{}") },
            stamp,
        );
        let command = Command::Redrive { client_token: None };
        assert_eq!(step(&program, &mut execution, command, stamp).refused, refused);
    }
}

/// AWS's quota has no exception: the output of every kind of state, what a state hands to its
/// work, and what it hands to its iterations.
#[test]
fn what_is_too_large_fails_the_execution_wherever_it_comes_up() {
    let jsonata = |state: &str| state.replace("$TWICE", "{% [$states.input, $states.input] %}");
    let inner = |name: &str| {
        format!(r#"{{"StartAt":"{name}","States":{{"{name}":{{"Type":"Succeed"}}}}}}"#)
    };
    let (one, two) = (inner("I"), inner("J"));
    let caught = r#""Catch":[{"ErrorEquals":["States.ALL"],"Next":"Z"}],"End":true"#;
    let function = r#""Type":"Task","Resource":"arn:aws:lambda:us-east-1:123456789012:function:f""#;
    let cases = [
        jsonata(r#""QueryLanguage":"JSONata","Type":"Pass","Output":"$TWICE","End":true"#),
        jsonata(r#""QueryLanguage":"JSONata","Type":"Succeed","Output":"$TWICE""#),
        jsonata(
            r#""QueryLanguage":"JSONata","Type":"Wait","Seconds":0,"Output":"$TWICE","End":true"#,
        ),
        jsonata(
            r#""QueryLanguage":"JSONata","Type":"Choice","Choices":[{"Condition":true,"Output":"$TWICE","Next":"Z"}]"#,
        ),
        jsonata(&format!(r#""QueryLanguage":"JSONata",{function},"Arguments":"$TWICE",{caught}"#)),
        format!(r#"{function},"Parameters":{{"a.$":"$","b.$":"$"}},{caught}"#),
        format!(
            r#""Type":"Parallel","Parameters":{{"a.$":"$","b.$":"$"}},"Branches":[{one}],{caught}"#
        ),
        format!(r#""Type":"Parallel","Branches":[{one},{two}],{caught}"#),
        jsonata(&format!(
            r#""QueryLanguage":"JSONata","Type":"Map","Items":"$TWICE","ItemProcessor":{one},{caught}"#
        )),
        jsonata(&format!(
            r#""QueryLanguage":"JSONata","Type":"Map","Items":[1],"ItemSelector":"$TWICE","ItemProcessor":{one},{caught}"#
        )),
        jsonata(&format!(
            r#""QueryLanguage":"JSONata","Type":"Map","Items":[1,2],"ItemSelector":"{{% $states.input %}}","ItemProcessor":{one},{caught}"#
        )),
    ];
    let input = text(limits::PAYLOAD_BYTES_MAX / 2 + 1);
    for state in cases {
        let rest = if state.contains("\"Z\"") { r#","Z":{"Type":"Succeed"}"# } else { "" };
        let states = format!(r#""A":{{{state}}}{rest}"#);
        let execution = run(&states, &input, vec![]);
        assert_eq!(execution.error(), Some(TOO_LARGE), "{state}");
        assert_eq!(execution.cause(), Some(&*too_large("A")), "{state}");
    }
}

/// AWS: the task succeeded, but what the state makes of it is too large; no catcher is asked.
#[test]
fn a_task_whose_output_is_too_large_is_not_caught() {
    let states = r#""A":{"Type":"Task","Resource":"arn:aws:lambda:us-east-1:123456789012:function:f",
        "ResultPath":"$[1]","Catch":[{"ErrorEquals":["States.DataLimitExceeded"],"Next":"Z"}],"End":true},
        "Z":{"Type":"Succeed"}"#;
    let half = text(limits::PAYLOAD_BYTES_MAX / 2);
    let output = Payload::parse(&*half).unwrap();
    let commands = vec![Command::ReturnTask { task: TaskId(3), result: Ok(output) }];
    check(&run(states, &format!("[{half},0]"), commands), TOO_LARGE, &too_large("A"));
}

/// Goes on until the execution waits or ends.
fn finish(
    program: &asl::Program,
    execution: &mut Execution,
    stamp: Stamp<'_>,
) -> Vec<crate::Event> {
    let mut last = Vec::new();
    while execution.wants_to_continue() {
        last = step(program, execution, Command::Continue, stamp).events;
    }
    last
}

fn started(definition: &str, identity: Identity, input: &str) -> (asl::Program, Execution) {
    let machine_type = if identity.express { MachineType::Express } else { MachineType::Standard };
    let compiled = asl::compile(definition, machine_type);
    let program = compiled.program.unwrap_or_else(|| panic!("{:?}", compiled.diagnostics));
    let mut execution = Execution::new(Arc::new(identity));
    let stamp = Stamp { now: Timestamp(0), seed: 1, world: &TestWorld };
    let start = Command::Start { input: Payload::parse(input).unwrap() };
    step(&program, &mut execution, start, stamp);
    (program, execution)
}

const LOOP: &str =
    r#""L":{"Type":"Pass","Next":"M"},"M":{"Type":"Pass","Next":"L"},"X":{"Type":"Succeed"}"#;

const FULL: &str = "The execution reached the maximum number of history events (25000).";

/// The last event is always the failure, wherever the history fills up.
#[test]
fn a_full_history_ends_with_the_failure() {
    let looping = format!(r#"{{"StartAt":"L","States":{{{LOOP}}}}}"#).replace(
        r#""M":{"Type":"Pass","Next":"L"}"#,
        r#""M":{"Type":"Choice","Choices":[{"Variable":"$","IsPresent":false,"Next":"X"}],"Default":"L"}"#,
    );
    let catch = r#""Catch":[{"ErrorEquals":["States.ALL"],"Next":"Z"}],"Retry":[{"ErrorEquals":["States.ALL"]}],"End":true"#;
    let wait = r#"{"StartAt":"W","States":{"W":{"Type":"Wait","Seconds":600,"End":true}}}"#;
    let distributed = r#"{"StartAt":"D","States":{"D":{"Type":"Map","End":true,"ItemProcessor":{
        "ProcessorConfig":{"Mode":"DISTRIBUTED","ExecutionType":"STANDARD"},"StartAt":"P","States":{"P":{"Type":"Succeed"}}}}}}"#;
    for state in [
        format!(r#""Type":"Map","ItemProcessor":{looping},{catch}"#),
        format!(r#""Type":"Parallel","Branches":[{looping},{wait}],{catch}"#),
        format!(r#""Type":"Parallel","Branches":[{looping},{distributed}],{catch}"#),
    ] {
        let definition =
            format!(r#"{{"StartAt":"A","States":{{"A":{{{state}}},"Z":{{"Type":"Succeed"}}}}}}"#);
        let (program, mut execution) = started(&definition, identity(), "[1,2]");
        let stamp = Stamp { now: Timestamp(1), seed: 1, world: &TestWorld };
        let last = finish(&program, &mut execution, stamp);
        check(&execution, "States.Runtime", FULL);
        let end = last.last().expect("the last turn has an event");
        assert!(end.kind.is_end() && end.id == 25_000, "{end:?}");
        assert_eq!(execution.event_count(), 25_000);
        let runs: Vec<_> = execution.map_runs().map(|run| run.status).collect();
        let is_distributed = state.contains("DISTRIBUTED");
        assert_eq!(runs, vec![crate::MapRunStatus::Aborted; usize::from(is_distributed)]);
    }
}

#[test]
fn an_express_execution_has_no_bound_of_events_but_five_minutes() {
    let definition = format!(
        r#"{{"StartAt":"L","TimeoutSeconds":900,"States":{{{LOOP}}}}}"#
    )
    .replace(
        r#""M":{"Type":"Pass","Next":"L"}"#,
        r#""M":{"Type":"Choice","Choices":[{"Variable":"$","IsPresent":false,"Next":"X"}],"Default":"L"}"#,
    );
    let express = Identity { express: true, ..identity() };
    let (program, mut execution) = started(&definition, express.clone(), "{}");
    let stamp = Stamp { now: Timestamp(1), seed: 1, world: &TestWorld };
    while execution.event_count() < 30_000 {
        step(&program, &mut execution, Command::Continue, stamp);
    }
    assert_eq!(execution.status, Status::Running);
    assert_eq!(execution.next_wake(), Some(Timestamp(300_000)));
    let late = Stamp { now: Timestamp(300_500), ..stamp };
    let events = step(&program, &mut execution, Command::WakeUp, late).events;
    let end = events.last().expect("it ends");
    assert_eq!((end.previous, end.at), (0, Timestamp(300_000)));
    assert_eq!(execution.status, Status::TimedOut);
    // Synchronous callers see neither, as DescribeExecution does not.
    assert_eq!((execution.error(), execution.cause()), (None, None));
}

/// A year, unless the machine says less.
#[test]
fn a_standard_execution_ends_after_its_time() {
    let day = 24 * 60 * 60 * 1000;
    for (timeout, expected) in [
        ("", 365 * day),
        (r#""TimeoutSeconds":99999999,"#, 365 * day),
        (r#""TimeoutSeconds":60,"#, 60_000),
    ] {
        let definition = format!(
            r#"{{{timeout}"StartAt":"W","States":{{"W":{{"Type":"Wait","Seconds":99999999,"End":true}}}}}}"#
        );
        let (program, mut execution) = started(&definition, identity(), "{}");
        assert_eq!(execution.next_wake(), Some(Timestamp(expected)));
        let early = Stamp { now: Timestamp(expected - 1), seed: 1, world: &TestWorld };
        assert!(step(&program, &mut execution, Command::WakeUp, early).events.is_empty());
        let due = Stamp { now: Timestamp(expected), ..early };
        step(&program, &mut execution, Command::WakeUp, due);
        assert_eq!(execution.status, Status::TimedOut);
        assert_eq!(execution.stop_date(), Some(Timestamp(expected)));
    }
}
