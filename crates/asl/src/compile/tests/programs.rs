//! What a program holds.

use std::fmt::Write as _;

use expect_test::{Expect, expect};

use crate::{
    Items, MachineType, NumberField, PathSetting, Program, QueryLanguage, ResultPath, StateKind,
    compile, compile_state,
};

fn program(definition: &str) -> Program {
    let compiled = compile(definition, MachineType::Standard);
    compiled.program.unwrap_or_else(|| panic!("{:?}", compiled.diagnostics))
}

/// Compares the states of a program in order of their indexes.
fn check_states(definition: &str, expected: Expect) {
    let program = program(definition);
    let mut shown = String::new();
    for (index, state) in program.states.iter().enumerate() {
        let scope = program.scope(state.scope);
        let container = scope.container.map(|container| &*program.state(container).name);
        let next = state.next.map(|next| &*program.state(next).name);
        let _ = write!(
            shown,
            "{index} {} {} {:?} in {container:?} starting at {} next {next:?}",
            state.name,
            state.kind.name(),
            state.query_language,
            program.state(scope.start_at).name
        );
        for catcher in &state.catch {
            let _ = write!(shown, " catch {}", program.state(catcher.next).name);
        }
        if let StateKind::Choice { rules, default } = &state.kind {
            for rule in rules {
                let _ = write!(shown, " rule {}", program.state(rule.next).name);
            }
            let default = default.map(|default| &*program.state(default).name);
            let _ = write!(shown, " default {default:?}");
        }
        shown.push('\n');
    }
    expected.assert_eq(&shown);
}

#[test]
fn states_are_numbered_in_document_order_depth_first() {
    check_states(
        include_str!("seed_json_path.json"),
        expect![[r#"
        0 Pass Pass JsonPath in None starting at Pass next Some("Result")
        1 Result Pass JsonPath in None starting at Pass next Some("Task")
        2 Task Task JsonPath in None starting at Pass next Some("Choice") catch Choice catch Fail
        3 Choice Choice JsonPath in None starting at Pass next None rule Wait rule Until default Some("Parallel")
        4 Wait Wait JsonPath in None starting at Pass next Some("Parallel")
        5 Until Wait JsonPath in None starting at Pass next Some("Parallel")
        6 Parallel Parallel JsonPath in None starting at Pass next Some("Map")
        7 B1 Pass JsonPath in Some("Parallel") starting at B1 next Some("B2")
        8 B2 Succeed JsonPath in Some("Parallel") starting at B1 next None
        9 B3 Fail JsonPath in Some("Parallel") starting at B3 next None
        10 Map Map JsonPath in None starting at Pass next Some("Distributed")
        11 I1 Task JsonPath in Some("Map") starting at I1 next None
        12 Distributed Map JsonPath in None starting at Pass next None
        13 D1 Pass JsonPath in Some("Distributed") starting at D1 next None
        14 Fail Fail JsonPath in None starting at Pass next None
    "#]],
    );
    check_states(
        include_str!("seed_jsonata.json"),
        expect![[r#"
        0 Pass Pass Jsonata in None starting at Pass next Some("Task")
        1 Task Task Jsonata in None starting at Pass next Some("Choice") catch Fail
        2 Choice Choice Jsonata in None starting at Pass next None rule Wait rule Until default Some("Parallel")
        3 Wait Wait Jsonata in None starting at Pass next Some("Parallel")
        4 Until Wait Jsonata in None starting at Pass next Some("Parallel")
        5 Parallel Parallel Jsonata in None starting at Pass next Some("Map")
        6 B1 Succeed Jsonata in Some("Parallel") starting at B1 next None
        7 Map Map Jsonata in None starting at Pass next Some("Done")
        8 I1 Pass Jsonata in Some("Map") starting at I1 next None
        9 Done Succeed Jsonata in None starting at Pass next None
        10 Fail Fail Jsonata in None starting at Pass next None
    "#]],
    );
}

#[test]
fn a_state_keeps_its_own_language() {
    let program = program(
        r#"{"StartAt": "A", "States": {"A": {"Type": "Map", "QueryLanguage": "JSONata", "Items": [1, "{% $states.input %}"], "ItemProcessor": {"StartAt": "B", "States": {"B": {"Type": "Pass", "QueryLanguage": "JSONata", "Output": 1, "Next": "C"}, "C": {"Type": "Pass", "InputPath": "$.a", "End": true}}}, "End": true}}}"#,
    );
    let languages: Vec<_> = program.states.iter().map(|state| state.query_language).collect();
    let (path, jsonata) = (QueryLanguage::JsonPath, QueryLanguage::Jsonata);
    assert_eq!((program.query_language, languages), (path, vec![jsonata, jsonata, path]));
    let StateKind::Map(map) = &program.states[0].kind else { panic!("a Map") };
    assert!(matches!(map.items, Items::Template(_)));
}

#[test]
fn defaults() {
    let program = program(
        r#"{"StartAt": "A", "TimeoutSeconds": 7, "States": {
            "A": {"Type": "Task", "Resource": "arn:aws:lambda:us-east-1:123456789012:function:f", "InputPath": "$", "OutputPath": null, "ResultPath": "$", "Retry": [{"ErrorEquals": ["States.ALL"]}], "Next": "B"},
            "B": {"Type": "Map", "MaxConcurrency": 0, "ToleratedFailureCount": 3, "ResultPath": null, "ItemProcessor": {"StartAt": "C", "States": {"C": {"Type": "Succeed"}}}, "End": true}}}"#,
    );
    assert_eq!(program.timeout_seconds, Some(7));
    let task = &program.states[0];
    assert!(matches!(task.input_path, PathSetting::Whole));
    assert!(matches!(task.output_path, PathSetting::Nothing));
    assert!(matches!(task.result_path, ResultPath::Whole));
    let retrier = &task.retry[0];
    assert_eq!((retrier.interval_seconds, retrier.max_attempts), (1, 3));
    assert_eq!((retrier.backoff_rate, retrier.max_delay_seconds), (2.0, None));
    assert!(!retrier.full_jitter);
    let map = &program.states[1];
    assert!(matches!(map.result_path, ResultPath::Discard));
    let StateKind::Map(map) = &map.kind else { panic!("a Map") };
    assert!(map.max_concurrency.is_none() && map.distributed.is_none());
    assert!(matches!(map.items, Items::Input));
    assert!(matches!(map.tolerated_failure_count, Some(NumberField::Literal(3.0))));
}

#[test]
fn a_distributed_map_is_compiled() {
    let program = program(include_str!("seed_json_path.json"));
    let state = program.states.iter().find(|state| &*state.name == "Distributed").unwrap();
    let StateKind::Map(map) = &state.kind else { panic!("a Map") };
    let distributed = map.distributed.as_ref().unwrap();
    assert_eq!(distributed.execution_type, MachineType::Express);
    let shown = format!(
        "{:?}\n{:#?}\n{:#?}\n",
        distributed.label,
        distributed.reader.as_ref().unwrap().config,
        distributed.writer.as_ref().unwrap(),
    );
    expect![[r#"
        Some("L")
        ReaderConfig {
            input_type: Some(
                Csv,
            ),
            load_and_flatten: false,
            manifest_type: None,
            csv_delimiter: Some(
                '\t',
            ),
            csv_headers: Some(
                Given(
                    [
                        "a",
                    ],
                ),
            ),
            items_pointer: None,
            max_items: Some(
                Literal(
                    10.0,
                ),
            ),
        }
        ResultWriter {
            exports: true,
            arguments: Some(
                Literal(
                    {"Bucket":"b","Prefix":"p"},
                ),
            ),
            transformation: Some(
                Flatten,
            ),
            json_lines: true,
        }
    "#]]
    .assert_eq(&shown);
}

#[test]
fn variable_references() {
    let references = |definition| {
        let mut shown = String::new();
        for (state, variables) in program(definition).variable_references() {
            let _ = writeln!(shown, "{state}: {}", variables.join(", "));
        }
        shown
    };
    expect![[r#"
        Task: v
        Choice: v
        Distributed: v
    "#]]
    .assert_eq(&references(include_str!("seed_json_path.json")));
    expect![[r#"
        Task: v
        Choice: v
        Wait: v
        B1: v
        Map: v
        Fail: v
    "#]]
    .assert_eq(&references(include_str!("seed_jsonata.json")));
}

#[test]
fn one_state_is_compiled_alone() {
    let compiled = compile_state(
        r#"{"Type": "Choice", "Choices": [{"Variable": "$.a", "IsNull": true, "Next": "B"}, {"Variable": "$.b", "IsNull": true, "Next": "A"}], "Default": "B"}"#,
        "A",
        MachineType::Standard,
    );
    let program = compiled.program.unwrap();
    let names: Vec<&str> = program.states.iter().map(|state| &*state.name).collect();
    assert_eq!(names, ["A", "B"]);
    let text = r#"{"Type": "Pass", "Foo": 1, "End": true}"#;
    let compiled = compile_state(text, "A", MachineType::Standard);
    assert_eq!(
        crate::describe_diagnostics(&compiled.diagnostics),
        "SCHEMA_VALIDATION_FAILED: Field 'Foo' is not supported at /States/A"
    );
    for text in ["", "[]", "{", "{}", r#"{"Type": "Task", "Next": 5}"#] {
        assert!(compile_state(text, "A", MachineType::Standard).program.is_none());
    }
}
