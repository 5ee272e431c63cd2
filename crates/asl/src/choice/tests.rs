use serde_json::json;

use super::*;
use crate::environment::with_environment;

fn holds(rule: &Value, input: &Value) -> Result<bool, String> {
    let condition = Condition::compile_json_path(rule).map_err(|errors| format!("{errors:?}"))?;
    with_environment(input, |environment| {
        condition.evaluate(environment, "Choices[0]/Condition").map_err(|error| error.cause)
    })
}

#[test]
fn rules_are_tested() {
    let input = json!({"s": "log-7.txt", "n": 1, "t": "2012-10-09T19:00:55Z", "b": false, "z": null, "a": [1],
        "star": "a*b", "one": 1.0, "u": "\u{ffff}", "later": "2012-10-09T21:00:55.1+01:00"});
    let check =
        |rule: Value, expected: bool| assert_eq!(holds(&rule, &input), Ok(expected), "{rule}");
    check(json!({"Variable": "$.s", "StringMatches": "log-*.txt"}), true);
    check(json!({"Variable": "$.s", "StringMatches": "*"}), true);
    check(json!({"Variable": "$.s", "StringMatches": "log-*.tx"}), false);
    check(json!({"Variable": "$.s", "StringMatches": "*7*"}), true);
    check(json!({"Variable": "$.s", "StringMatches": "*t*t"}), true);
    check(json!({"Variable": "$.s", "StringMatches": "log-7.txt*txt"}), false);
    check(json!({"Variable": "$.s", "StringMatches": ""}), false);
    check(json!({"Variable": "$.star", "StringMatches": "a\\*b"}), true);
    check(json!({"Variable": "$.s", "StringMatches": "log\\*txt"}), false);
    check(json!({"Variable": "$.n", "StringMatches": "*"}), false);
    check(json!({"Variable": "$.n", "NumericEqualsPath": "$.one"}), true);
    check(json!({"Variable": "$.n", "StringEquals": "1"}), false);
    check(json!({"Variable": "$.u", "StringGreaterThan": "\u{10000}"}), true);
    check(json!({"Variable": "$.t", "TimestampLessThanPath": "$.later"}), true);
    check(json!({"Variable": "$.t", "IsTimestamp": true}), true);
    check(json!({"Variable": "$.s", "IsTimestamp": false}), true);
    check(json!({"Variable": "$.a[0]", "IsNumeric": true}), true);
    check(json!({"Variable": "$.a[1]", "IsPresent": false}), true);
    check(json!({"Variable": "$.z", "IsPresent": true}), true);
    check(json!({"Variable": "$.b", "BooleanEquals": false}), true);
    check(
        json!({"And": [{"Variable": "$.x", "IsPresent": true}, {"Variable": "$.x", "IsNull": true}]}),
        false,
    );
    check(
        json!({"Or": [{"Variable": "$.x", "IsPresent": false}, {"Variable": "$.x", "IsNull": true}]}),
        true,
    );
    check(json!({"Not": {"Variable": "$.z", "IsNull": true}, "Next": "N"}), false);
}

#[test]
fn a_missing_variable_fails() {
    assert_eq!(
        holds(&json!({"Variable": "$.x", "IsNull": true}), &json!({})),
        Err("Invalid path '$.x': The choice state's condition path references an invalid value."
            .into())
    );
    assert_eq!(
        holds(&json!({"Variable": "$", "StringEqualsPath": "$.y"}), &json!({})),
        Err("Invalid path '$.y': The choice state's condition path references an invalid value."
            .into())
    );
}

#[test]
fn wrong_rules_are_refused_with_a_place() {
    let check = |rule: Value, expected: &str| {
        let errors = Condition::compile_json_path(&rule).unwrap_err();
        let found: Vec<String> = errors
            .iter()
            .map(|error| {
                let place: String = error
                    .steps
                    .iter()
                    .map(|step| match step {
                        TemplateStep::Key(key) => format!("/{key}"),
                        TemplateStep::Index(index) => format!("[{index}]"),
                    })
                    .collect();
                format!("{place}: {}", error.message)
            })
            .collect();
        assert_eq!(found.join("; "), expected);
    };
    let no_selector = ": The object must have only one of the following fields, \
                       [And, Or, Not, Variable, Condition]";
    check(json!({}), no_selector);
    check(json!({"StringEquals": "a"}), no_selector);
    check(json!({"Variable": "$.a", "And": []}), no_selector);
    check(
        json!({"Variable": "x", "StringEquals": 1}),
        "/Variable: Value is not a Reference Path: Reference path didn't start with '$'; \
         /StringEquals: Expected value of type [STRING]",
    );
    check(
        json!({"And": [{"Variable": "$.a", "IsNull": true, "Next": "X"}, {"Variable": "$..a", "IsNull": 1}]}),
        "/And[0]: Field 'Next' is not supported; /And[1]/Variable: Value is not a Reference Path; \
         /And[1]/IsNull: Expected value of type [BOOLEAN]",
    );
    check(json!({"Or": []}), "/Or: Value cannot be empty");
    check(json!({"Not": 1}), "/Not: Expected value of type [OBJECT]");
    check(
        json!({"Variable": "$.a", "TimestampEquals": "2012-10-09T19:00:55"}),
        "/TimestampEquals: String does not match RFC3339 timestamp",
    );
    check(
        json!({"Variable": "$.a", "BooleanLessThan": true, "IsNull": true}),
        ": Field 'BooleanLessThan' is not supported",
    );
}

/// The machines of `testdata/conformance/executions/choice_operators` are one Choice rule; each
/// input led to the state `ConditionTrue` or `ConditionFalse` on AWS.
#[test]
fn recorded_rules_decide_as_on_aws() {
    let folder = format!(
        "{}/../../testdata/conformance/executions/choice_operators",
        env!("CARGO_MANIFEST_DIR")
    );
    let mut files: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let mut decided = 0;
    for file in files {
        let case: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
        let recorded = case["recorded"]["cases"].as_array().unwrap().iter();
        let mut recorded = recorded.map(|case| case["output"]["TestResult.$"] == "ConditionTrue");
        let mut rule = Value::Null;
        for step in case["steps"].as_array().unwrap() {
            let text =
                |name: &str| serde_json::from_str::<Value>(step["request"][name].as_str()?).ok();
            if let Some(mut definition) = text("definition") {
                rule = definition["States"]["CheckValues"]["Choices"][0].take();
            }
            if step["operation"] == "StartExecution" {
                let input = text("input").unwrap();
                assert_eq!(
                    holds(&rule, &input),
                    Ok(recorded.next().unwrap()),
                    "{file:?}: {rule} of {input}"
                );
                decided += 1;
            }
        }
    }
    assert!(decided > 450, "{decided}");
}
