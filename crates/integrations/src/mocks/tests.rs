use std::path::Path;

use expect_test::{Expect, expect};
use runtime::{MockedAttempt, Mocks};

use super::{MockConfig, MockedIntegrations};

/// What a file says to the first attempts of every mocked state, or what is wrong with it.
fn check(text: &str, expected: &Expect) {
    let shown = match MockConfig::parse(text) {
        Err(error) => format!("{error}\n"),
        Ok(config) => {
            let mut shown = String::new();
            for machine in config.state_machines() {
                for name in config.test_cases(machine) {
                    let case = config.test_case(machine, name).unwrap();
                    for state in case.states() {
                        for number in 0..4 {
                            let answer = match case.answer(state, number).unwrap() {
                                Ok(output) => output.text().to_owned(),
                                Err(failure) => {
                                    let cause = failure.cause.unwrap_or_default();
                                    format!("{}: {cause}", failure.error.unwrap())
                                }
                            };
                            shown += &format!("{machine}#{name} {state} {number}: {answer}\n");
                        }
                    }
                }
            }
            shown
        }
    };
    expected.assert_eq(&shown);
}

#[test]
fn ranges_count_invocations() {
    check(
        r#"{
            "StateMachines": {"M": {"TestCases": {"Retry": {"L": "slow"}, "Happy": {"L": "good"}}}},
            "MockedResponses": {
                "good": {"0": {"Return": {"b": 1.50, "a": [ null ]}}},
                "slow": {"1-2": {"Throw": {"Error": "Timeout", "Cause": "late"}}, "0": {"Throw": {"Error": "E"}}, "3": {"Return": 7}}
            }
        }"#,
        &expect![[r#"
            M#Happy L 0: {"b": 1.50, "a": [ null ]}
            M#Happy L 1: States.Runtime: The mocked response 'good' has nothing for invocation 1 of the state.
            M#Happy L 2: States.Runtime: The mocked response 'good' has nothing for invocation 2 of the state.
            M#Happy L 3: States.Runtime: The mocked response 'good' has nothing for invocation 3 of the state.
            M#Retry L 0: E: 
            M#Retry L 1: Timeout: late
            M#Retry L 2: Timeout: late
            M#Retry L 3: 7
        "#]],
    );
}

#[test]
fn mistakes_have_a_place() {
    let response = |response: &str| format!("{{\"MockedResponses\": {{\n  \"r\": {response}}}}}");
    check("", &expect!["1:1: it is empty\n"]);
    check(
        "{\n  \"StateMachines\": nothing}",
        &expect![[r#"
        2:27: Unrecognized token 'nothing': was expecting (JSON String, Number, Array, Object or token 'null', 'true' or 'false')
    "#]],
    );
    check("[]", &expect!["1:1: a mock file must be an object, not an array\n"]);
    check(
        r#"{"MockedResponse": {}}"#,
        &expect![
            "1:2: a mock file has no field 'MockedResponse': StateMachines, MockedResponses are known\n"
        ],
    );
    check(&response("[]"), &expect!["2:8: a mocked response must be an object, not an array\n"]);
    for (key, expected) in [
        (
            "a",
            expect![
                "2:9: 'a' is no number of invocations: a number from \"0\" on, or a range such as \"1-2\"\n"
            ],
        ),
        (
            "2-1",
            expect![
                "2:9: '2-1' is no number of invocations: a number from \"0\" on, or a range such as \"1-2\"\n"
            ],
        ),
        (
            "-1",
            expect![
                "2:9: '-1' is no number of invocations: a number from \"0\" on, or a range such as \"1-2\"\n"
            ],
        ),
        (
            "99999999999",
            expect![
                "2:9: '99999999999' is no number of invocations: a number from \"0\" on, or a range such as \"1-2\"\n"
            ],
        ),
    ] {
        check(&response(&format!("{{\"{key}\": {{\"Return\": 1}}}}")), &expected);
    }
    check(
        &response(r#"{"0-2": {"Return": 1}, "2": {"Return": 1}}"#),
        &expect!["2:31: '2' overlaps with '0-2': each invocation has one outcome\n"],
    );
    check(
        &response(r#"{"0": {"Return": 1}, "0": {"Return": 1}}"#),
        &expect!["2:9: '0' is written again further down\n"],
    );
    check(
        &response(r#"{"0": {"Return": 1, "Throw": {"Error": "E"}}}"#),
        &expect!["2:14: the outcome of an invocation has either 'Return' or 'Throw'\n"],
    );
    check(
        &response(r#"{"0": {}}"#),
        &expect!["2:14: the outcome of an invocation has either 'Return' or 'Throw'\n"],
    );
    check(
        &response(r#"{"0": {"Throw": {"Cause": "c"}}}"#),
        &expect!["2:24: 'Throw' needs an 'Error'\n"],
    );
    check(
        &response(r#"{"0": {"Throw": {"Error": 1}}}"#),
        &expect!["2:34: 'Error' must be a string, not a number\n"],
    );
    check(
        r#"{"StateMachines": {"M": {"TestCases": {"C": {"S": "r"}}}}}"#,
        &expect!["1:51: there is no mocked response 'r'\n"],
    );
    check(
        r#"{"StateMachines": {"M": {"TestCases": {"C": {"S": {"Return": 1}}}}}}"#,
        &expect!["1:51: state 'S' must have the name of a mocked response, not an object\n"],
    );
    check(
        r#"{"StateMachines": {"M": {"TestCases": {"": {}}}}}"#,
        &expect!["1:40: a test case has no name\n"],
    );
}

fn file(value: u32) -> String {
    format!(
        r#"{{"StateMachines": {{"M": {{"TestCases": {{"C": {{"S": "r"}}}}}}}},
            "MockedResponses": {{"r": {{"0": {{"Return": {value}}}}}}}}}"#
    )
}

fn answer(mocks: &MockedIntegrations, state_machine_name: &str, state_name: &str) -> String {
    let attempt = MockedAttempt { state_machine_name, test_case: "C", state_name, number: 0 };
    match mocks.answer(&attempt) {
        None => "none".to_owned(),
        Some(Ok(output)) => output.text().to_owned(),
        Some(Err(failure)) => failure.cause.unwrap().into(),
    }
}

#[test]
fn a_file_is_read_again_and_its_last_good_contents_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mocks.json");
    std::fs::write(&path, file(1)).unwrap();
    let mocks = MockedIntegrations::open(&path, false).unwrap();
    let look = |text: &str| {
        std::fs::write(&path, text).unwrap();
        mocks.refresh();
        answer(&mocks, "M", "S")
    };
    assert_eq!(answer(&mocks, "M", "S"), "1");
    assert_eq!(look(&file(2)), "2");
    assert_eq!(look("{"), "2");
    assert_eq!(look(&file(3)), "3");
    std::fs::remove_file(&path).unwrap();
    mocks.refresh();
    assert_eq!(answer(&mocks, "M", "S"), "3");
    assert_eq!(look("{}"), "The mock file has no test case 'C' any more.");
    std::fs::write(&path, "{").unwrap();
    let problem = MockedIntegrations::open(&path, false).unwrap_err().to_string();
    assert!(problem.starts_with(&format!("{}:1:", path.display())), "{problem}");
    assert!(MockedIntegrations::open(Path::new("/nowhere/mocks"), false).is_err());
}

#[test]
fn what_is_not_mocked_does_its_work_unless_mocks_are_strict() {
    let config = MockConfig::parse(&file(1)).unwrap();
    let mocks = MockedIntegrations::fixed(config.clone(), false);
    assert_eq!(answer(&mocks, "M", "Other"), "none");
    // The processor of a distributed Map.
    assert_eq!(answer(&mocks, "M/Label", "S"), "1");
    let strict = MockedIntegrations::fixed(config, true);
    assert_eq!(answer(&strict, "M", "Other"), "The test case 'C' has no mock for the state.");
    assert_eq!(mocks.check("M", "C"), Ok(()));
    assert_eq!(mocks.check("M", "D").unwrap_err(), "no such test case of M; there are C");
    assert_eq!(mocks.check("N", "C").unwrap_err(), "the mock file has no test case of N");
}
