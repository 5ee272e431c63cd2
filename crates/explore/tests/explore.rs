//! Explorations: of small machines, and of every definition that others published, which is
//! driven to every one of its ends.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use asl::MachineType;
use expect_test::{Expect, expect};
use explore::{Exit, Outcome, Path as Found, explore};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/corpus")
}

/// Ends that are not reached, each with the reason: `FILE  STATE  REASON`.
const GAPS: &str = "unreached.txt";

#[test]
fn every_end_is_reached() {
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    let (mut reached, mut accepted) = (0, 0);
    let mut unreached: BTreeMap<String, String> = BTreeMap::new();
    for file in &files {
        let name = file.file_name().unwrap().to_str().unwrap().trim_end_matches(".asl.json");
        let text = std::fs::read_to_string(file).unwrap();
        let Ok(exploration) = explore(&text, MachineType::Standard) else { continue };
        accepted += 1;
        for end in exploration.ends {
            let place: Vec<&str> =
                end.inside.iter().chain([&end.state]).map(String::as_str).collect();
            match end.path {
                Ok(_) => reached += 1,
                Err(reason) => {
                    unreached.insert(format!("{name}: {}", place.join(" > ")), reason);
                }
            }
        }
    }
    assert!(accepted >= 60 && reached > 150, "{accepted} definitions, {reached} ends reached");
    let expected = std::fs::read_to_string(folder().join(GAPS)).unwrap_or_default();
    let entries = expected.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let (reasons, expected): (Vec<&str>, Vec<&str>) =
        entries.partition(|line| line.starts_with(' '));
    assert_eq!(reasons.len(), expected.len(), "each entry has a reason");
    let found: Vec<&str> = unreached.keys().map(String::as_str).collect();
    assert_eq!(found, expected, "{unreached:#?}");
}

/// Every end of a machine of these fields with its path.
fn check(fields: &str, expected: Expect) {
    let definition = format!("{{{fields}}}");
    let exploration = explore(&definition, MachineType::Standard).expect("it is valid");
    let again = explore(&definition, MachineType::Standard).expect("it is valid");
    assert_eq!(exploration, again);
    let mut shown = String::new();
    for end in exploration.ends {
        let place = end.inside.iter().chain([&end.state]).map(String::as_str);
        shown.push_str(&format!("{} ({})\n", place.collect::<Vec<_>>().join(" > "), end.kind));
        match end.path {
            Ok(path) => shown.push_str(&shown_path(&path)),
            Err(reason) => shown.push_str(&format!("    not reached: {reason}\n")),
        }
    }
    expected.assert_eq(&shown);
}

fn shown_path(path: &Found) -> String {
    let steps: Vec<String> = path
        .steps
        .iter()
        .map(|step| match step.exit {
            Exit::Next | Exit::End | Exit::Inside(_) => step.state.clone(),
            exit => format!("{} {exit:?}", step.state),
        })
        .collect();
    let mut shown = format!("    {}\n    input {}\n", steps.join(", "), path.input);
    for (task, outcome) in &path.tasks {
        match outcome {
            Outcome::Output(output) => shown.push_str(&format!("    {task} gives {output}\n")),
            Outcome::Error(error) => shown.push_str(&format!("    {task} fails with {error}\n")),
        }
    }
    shown
}

const FUNCTION: &str =
    r#""Type":"Task","Resource":"arn:aws:lambda:us-east-1:123456789012:function:f""#;

#[test]
fn choices_are_made_by_data() {
    check(
        r#""StartAt":"A","States":{
        "A":{"Type":"Choice","InputPath":"$.order","Choices":[
            {"Not":{"Variable":"$.total","NumericLessThan":10},"Next":"B"},
            {"And":[{"Variable":"$.kind","StringMatches":"a*c"},{"Variable":"$.total","NumericLessThanPath":"$.most"}],"Next":"C"},
            {"Or":[{"Variable":"$.at","TimestampGreaterThan":"2020-01-01T00:00:00Z"},{"Variable":"$.x","IsNull":true}],"Next":"D"}],
            "Default":"E"},
        "B":{"Type":"Succeed"},"C":{"Type":"Succeed"},"D":{"Type":"Succeed"},"E":{"Type":"Fail"}}"#,
        expect![[r#"
            B (Succeed)
                A Rule(0), B
                input {"order":{"at":"text","kind":"text","most":"text","total":"text","x":"text"}}
            C (Succeed)
                A Rule(1), C
                input {"order":{"at":"text","kind":"axc","most":5,"total":4,"x":"text"}}
            D (Succeed)
                A Rule(2), D
                input {"order":{"at":"2999-01-01T00:00:00Z","kind":"","most":"text","total":9,"x":"text"}}
            E (Fail)
                A Default, E
                input {"order":{"at":"2020-01-01T00:00:00Z","kind":"","most":"text","total":9,"x":"text"}}
        "#]],
    );
}

#[test]
fn data_is_followed_through_templates_and_variables() {
    check(
        &format!(
            r#""StartAt":"A","States":{{
        "A":{{{FUNCTION},"ResultSelector":{{"body.$":"States.StringToJson($.Payload.body)"}},"ResultPath":"$.a",
            "Assign":{{"code.$":"$.Payload.codes[1]"}},"Next":"B"}},
        "B":{{"Type":"Choice","Choices":[
            {{"Variable":"$.a.body.status","StringEquals":"ready","Next":"C"}},
            {{"Variable":"$code","NumericEquals":7,"Next":"D"}}],"Default":"E"}},
        "C":{{"Type":"Pass","QueryLanguage":"JSONata","Output":"{{% $states.input.a.body.n * 2 %}}","End":true}},
        "D":{{"Type":"Wait","TimestampPath":"$.until","End":true}},
        "E":{{"Type":"Choice","QueryLanguage":"JSONata","Choices":[
            {{"Condition":"{{% $code in ['x','y'] and $exists($states.input.z) %}}","Next":"F"}}],"Default":"G"}},
        "F":{{"Type":"Fail","ErrorPath":"$.z","Cause":"no"}},"G":{{"Type":"Succeed"}}}}"#
        ),
        expect![[r#"
            C (Pass)
                A, B Rule(0), C
                input {}
                A gives {"Payload":{"body":"{\"n\":1,\"status\":\"ready\"}","codes":[{},"text"]}}
            D (Wait)
                A, B Rule(1), D
                input {"until":"2000-01-01T00:00:00Z"}
                A gives {"Payload":{"body":"{\"status\":\"text\"}","codes":[{},7]}}
            F (Fail)
                A, B Default, E Rule(0), F
                input {"z":"text"}
                A gives {"Payload":{"body":"{\"status\":\"text\"}","codes":[{},"x"]}}
            G (Succeed)
                A, B Default, E Default, G
                input {}
                A gives {"Payload":{"body":"{\"status\":\"text\"}","codes":[{},"text"]}}
        "#]],
    );
}

#[test]
fn tasks_fail_where_it_leads_on() {
    check(
        &format!(
            r#""StartAt":"P","States":{{
        "P":{{"Type":"Parallel","Branches":[
            {{"StartAt":"A","States":{{"A":{{{FUNCTION},"Retry":[{{"ErrorEquals":["States.ALL"]}}],
                "Catch":[{{"ErrorEquals":["Mine"],"Next":"B"}}],"End":true}},"B":{{"Type":"Pass","End":true}}}}}},
            {{"StartAt":"C","States":{{"C":{{"Type":"Choice","Choices":[{{"Variable":"$.bad","BooleanEquals":true,"Next":"D"}}],"Default":"E"}},
                "D":{{"Type":"Fail","Error":"Bad"}},"E":{{"Type":"Pass","End":true}}}}}}],
            "Catch":[{{"ErrorEquals":["Bad"],"Next":"F"}},{{"ErrorEquals":["Mine"],"Next":"G"}},{{"ErrorEquals":["States.ALL"],"Next":"H"}}],
            "Next":"I"}},
        "F":{{"Type":"Pass","End":true}},"G":{{"Type":"Pass","End":true}},"H":{{"Type":"Pass","End":true}},"I":{{"Type":"Succeed"}}}}"#
        ),
        expect![[r#"
            P > A (Task)
                P, A
                input {"bad":"text"}
                A gives {}
            P > B (Pass)
                P, A Caught(0), B
                input {"bad":"text"}
                A fails with Mine
            P > D (Fail)
                P, C Rule(0), D
                input {"bad":true}
                A gives {}
            P > E (Pass)
                P, C Default, E
                input {"bad":"text"}
                A gives {}
            F (Pass)
                P, A Failed, P Caught(0), F
                input {"bad":"text"}
                A fails with Bad
            G (Pass)
                not reached: no failure leads here
            H (Pass)
                P, A Failed, P Caught(2), H
                input {"bad":"text"}
                A fails with Explored
            I (Succeed)
                P, I
                input {"bad":"text"}
                A gives {}
        "#]],
    );
}

#[test]
fn maps_have_ends_inside() {
    let item = |mode: &str| {
        format!(
            r#""ItemProcessor":{{"ProcessorConfig":{mode},"StartAt":"A","States":{{
            "A":{{"Type":"Choice","Choices":[{{"Variable":"$.ok","BooleanEquals":false,"Next":"B"}}],"Default":"C"}},
            "B":{{"Type":"Fail","Error":"Bad"}},"C":{{"Type":"Pass","End":true}}}}}}"#
        )
    };
    let inline = item(r#"{"Mode":"INLINE"}"#);
    check(
        &format!(
            r#""StartAt":"M","States":{{"M":{{"Type":"Map","ItemsPath":"$.orders",{inline},
            "Catch":[{{"ErrorEquals":["Bad"],"Next":"D"}}],"End":true}},"D":{{"Type":"Succeed"}}}}"#
        ),
        expect![[r#"
            M (Map)
                M
                input {"orders":[{"ok":"text"}]}
            M > B (Fail)
                M, A Rule(0), B
                input {"orders":[{"ok":false}]}
            M > C (Pass)
                M, A Default, C
                input {"orders":[{"ok":"text"}]}
            D (Succeed)
                M, A Rule(0), B, M Caught(0), D
                input {"orders":[{"ok":false}]}
        "#]],
    );
    let distributed = item(r#"{"Mode":"DISTRIBUTED","ExecutionType":"EXPRESS"}"#);
    check(
        &format!(
            r#""StartAt":"M","States":{{"M":{{"Type":"Map",{distributed},
            "ItemReader":{{"Resource":"arn:aws:states:::s3:listObjectsV2","Parameters":{{"Bucket":"b"}}}},"End":true}}}}"#
        ),
        expect![[r#"
            M (Map)
                M
                input {}
                M gives {}
            M > B (Fail)
                A Rule(0), B
                input {"ok":false}
            M > C (Pass)
                A Default, C
                input {"ok":"text"}
        "#]],
    );
}

#[test]
fn what_is_not_reached_has_a_reason() {
    check(
        &format!(
            r#""StartAt":"A","States":{{
        "A":{{"Type":"Pass","Result":{{"n":1}},"Next":"B"}},
        "B":{{"Type":"Choice","Choices":[{{"Variable":"$.n","NumericEquals":2,"Next":"C"}}],"Default":"D"}},
        "C":{{"Type":"Succeed"}},
        "D":{{{FUNCTION},"Catch":[{{"ErrorEquals":["States.TaskFailed"],"Next":"E"}},{{"ErrorEquals":["Mine"],"Next":"F"}}],"Next":"G"}},
        "E":{{"Type":"Succeed"}},"F":{{"Type":"Succeed"}},
        "G":{{"Type":"Pass","Parameters":{{"x.$":"States.MathAdd(1, 'a')"}},"End":true}}}}"#
        ),
        expect![[r#"
            C (Succeed)
                not reached: no data was found for which Choices[0] of B matches
            E (Succeed)
                A, B Default, D Caught(0), E
                input {}
                D fails with Explored
            F (Succeed)
                not reached: no failure leads here
            G (Pass)
                not reached: G fails: States.Runtime: The function 'States.MathAdd(1, 'a')' had the following error: Invalid arguments in States.MathAdd
        "#]],
    );
}
