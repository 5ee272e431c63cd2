//! What evaluates without allocating: definite paths, and the tests of Choice rules on them.

use std::cell::Cell;

use asl::{
    Condition, ContextObject, Environment, Path, Payload, Timestamp, VariableMap, Variables,
};
use serde_json::json;

fn in_environment(test: impl FnOnce(&Environment<'_>)) {
    let input =
        json!({"order": {"lines": [{"sku": "a"}, {"sku": "b"}], "total": 120.5, "kind": "x"}});
    let variables: VariableMap =
        [("limit".into(), Payload::from_value(json!({"of": [100]})))].into_iter().collect();
    let context = ContextObject::new(&|| json!({"Execution": {"Name": "run"}}));
    // It is built when it is first looked at.
    context.value();
    test(&Environment {
        input: &input,
        states_input: None,
        result: None,
        error_output: None,
        context: &context,
        variables: Variables { scopes: &[&variables] },
        now: Timestamp(1_700_000_000_000),
        random: &Cell::new(1),
        interrupt: None,
        elsewhere: None,
    });
}

#[test]
fn definite_paths_do_not_allocate() {
    for text in [
        "$",
        "$.order.total",
        "$.order.lines[1].sku",
        "$.order.lines[-1].sku",
        "$['order']['kind']",
        "$$.Execution.Name",
        "$limit.of[0]",
    ] {
        let path = Path::parse(text).unwrap();
        in_environment(|environment| {
            let seen = allocation_counter::measure(|| {
                assert!(path.evaluate(environment).is_ok());
            });
            assert_eq!(seen.count_total, 0, "{text}");
        });
    }
    // What selects several values does: the counter counts.
    let path = Path::parse("$.order.lines[*].sku").unwrap();
    in_environment(|environment| {
        let seen = allocation_counter::measure(|| drop(path.evaluate(environment)));
        assert!(seen.count_total > 0);
    });
}

#[test]
fn conditions_do_not_allocate() {
    let rules = [
        json!({"Variable": "$.order.kind", "StringEquals": "x"}),
        json!({"Variable": "$.order.kind", "StringMatches": "a*b"}),
        json!({"Variable": "$.order.total", "NumericGreaterThanPath": "$limit.of[0]"}),
        json!({"Variable": "$.order.lines[1]", "IsPresent": true}),
        json!({"Not": {"And": [
            {"Variable": "$.order.kind", "IsString": true},
            {"Variable": "$.order.total", "NumericLessThan": 100},
        ]}}),
    ];
    for rule in rules {
        let condition = Condition::compile_json_path(&rule).unwrap();
        in_environment(|environment| {
            let location = "Choices[0]/Condition";
            let seen = allocation_counter::measure(|| {
                assert!(condition.evaluate(environment, location).is_ok());
            });
            assert_eq!(seen.count_total, 0, "{rule}");
        });
    }
}
