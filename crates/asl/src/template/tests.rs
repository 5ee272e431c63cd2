use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::environment::with_environment;
use crate::{Condition, ReferencePath, VariableMap, Variables};

/// Calls `test` with an environment of this input and a few variables.
fn with_variables<T>(input: &Value, test: impl FnOnce(&Environment<'_>) -> T) -> T {
    let variables: VariableMap = [("v", json!({"a": [1, 2]})), ("name", json!("n"))]
        .into_iter()
        .map(|(name, value)| (name.into(), Payload::from(value)))
        .collect();
    with_environment(input, |environment| {
        test(&Environment { variables: Variables { scopes: &[&variables] }, ..*environment })
    })
}

fn json_path(template: Value, input: Value) -> String {
    let template = match Template::compile_json_path(&template) {
        Ok(template) => template,
        Err(errors) => return shown(&errors),
    };
    with_variables(&input, |environment| {
        template
            .evaluate(environment, "Parameters")
            .map_or_else(|error| error.cause, |value| value.to_string())
    })
}

fn jsonata(template: Value, input: Value) -> String {
    let template = match Template::compile_jsonata(&template) {
        Ok(template) => template,
        Err(errors) => return shown(&errors),
    };
    with_variables(&input, |environment| {
        let outcome = template.evaluate(environment, "Output");
        outcome.map_or_else(|error| error.location.unwrap(), |value| value.to_string())
    })
}

fn shown(errors: &[TemplateError]) -> String {
    let errors = errors
        .iter()
        .map(|error| format!("{}: {} at {}", error.code(), error.message(), error.location));
    errors.collect::<Vec<_>>().join("; ")
}

#[test]
fn json_path_templates_are_filled() {
    let input = json!({"a": {"b": null}, "list": [1, 2]});
    let check =
        |template: Value, expected: &str| assert_eq!(json_path(template, input.clone()), expected);
    check(json!({"x.$": "$.a", "y": "$.a"}), r#"{"y":"$.a","x":{"b":null}}"#);
    check(json!({"x.$": "$.a.b"}), r#"{"x":null}"#);
    check(json!({"x.$": "$$.Execution.Name"}), r#"{"x":"n"}"#);
    check(json!({"x.$": "$v.a[1]"}), r#"{"x":2}"#);
    check(json!({"x.$": "$.list[7]"}), r#"{"x":null}"#);
    check(json!({"x.$": "$.none[*]"}), r#"{"x":[]}"#);
    check(
        json!([{"x.$": "States.Format('{}', $name)"}, "$.a", "States.UUID()"]),
        r#"[{"x":"n"},"$.a","States.UUID()"]"#,
    );
    check(
        json!({"o": {"value.$": "$.no.such"}}),
        r#"The JSONPath '$.no.such' specified for the field 'value.$' could not be found in the input '{"a":{"b":null},"list":[1,2]}'"#,
    );
    check(
        json!({"x.$": "$nope"}),
        r#"The JSONPath '$nope' specified for the field 'x.$' could not be found in the input '{"a":{"b":null},"list":[1,2]}'"#,
    );
    check(
        json!({"a": {"x.$": "nope", "y.$": 1}, "b": [{"z.$": "States.Nope()"}], "c": 1, "c.$": "$"}),
        "SCHEMA_VALIDATION_FAILED: The value for the field 'x.$' must be a valid JSONPath or a valid intrinsic function call at /a; \
         SCHEMA_VALIDATION_FAILED: The value for the field 'y.$' must be a valid JSONPath or a valid intrinsic function call at /a; \
         SCHEMA_VALIDATION_FAILED: The value for the field 'z.$' must be a valid JSONPath or a valid intrinsic function call at /b[0]; \
         SCHEMA_VALIDATION_FAILED: The fields 'c' and 'c.$' cannot be used together at ",
    );
}

#[test]
fn jsonata_templates_are_filled() {
    let input = json!({"a": 1});
    let check =
        |template: Value, expected: &str| assert_eq!(jsonata(template, input.clone()), expected);
    check(json!("{% $states.input.a %}"), "1");
    check(
        json!({"x": ["{% $name %}", " {% 1 %} ", "text", {"y": "{%$states.input%}"}]}),
        r#"{"x":["n"," {% 1 %} ","text",{"y":{"a":1}}]}"#,
    );
    check(json!({"x": ["{% 1 %}", {"y": "{% $nope %}"}]}), "Output/x[1]/y");
    check(json!("{% $nope %}"), "Output");
    check(
        json!({"x": "{% 1 + %}", "y": ["{% a %}"], "z": "{% 1"}),
        "INVALID_JSONATA_EXPRESSION: Unexpected end of expression at /x; \
         UNSUPPORTED_JSONATA_EXPRESSION: Reference to 'a' at the top level is not supported. at /y[0]; \
         INVALID_JSONATA_EXPRESSION: A JSONata expression must start with '{%' and end with '%}' at /z",
    );
}

#[test]
fn literals_are_shared() {
    let template = Template::compile_json_path(&json!({"a": [1, {"b": "$.c"}]})).unwrap();
    let Template::Literal(literal) = &template else { panic!("{template:?}") };
    let filled = with_variables(&json!({}), |environment| {
        template.evaluate_payload(environment, "Parameters").unwrap()
    });
    assert!(filled.is_same(literal));
}

#[test]
fn paths_and_calls_of_fail_states() {
    assert!(matches!(Template::from_path_text("$.a"), Some(Template::Path(_))));
    assert!(matches!(Template::from_path_text("States.Format('a')"), Some(Template::Intrinsic(_))));
    for text in ["a", "$.a[*]", "States.Array()", "States.MathAdd(1, 2)", ""] {
        assert!(Template::from_path_text(text).is_none(), "{text}");
    }
    let failure = with_variables(&json!({"a": 1}), |environment| {
        Template::from_path_text("$.E").unwrap().evaluate(environment, "ErrorPath").unwrap_err()
    });
    assert_eq!(
        failure.cause,
        r#"The JSONPath '$.E' specified for the field 'ErrorPath' could not be found in the input '{"a":1}'"#
    );
}

#[test]
fn variables_and_expressions_are_listed() {
    let mut names = BTreeSet::new();
    let template = json!({"a.$": "$v.a", "b": [{"c.$": "States.Format('{}', $name, States.Array($x))"}], "d.$": "$.y"});
    Template::compile_json_path(&template).unwrap().collect_variables(&mut names);
    let template =
        Template::compile_jsonata(&json!({"a": "{% $y %}", "b": ["{% $z.k %}"]})).unwrap();
    template.collect_variables(&mut names);
    assert_eq!(names.into_iter().collect::<Vec<_>>(), ["name", "v", "x", "y", "z"]);
    let mut places = Vec::new();
    template.visit_expressions("Output", &mut |expression, place| {
        places.push(format!("{place}: {}", expression.text()));
    });
    assert_eq!(places, ["Output/a: $y", "Output/b[0]: $z.k"]);
}

/// A text of parts that the languages know.
fn texts() -> impl Strategy<Value = String> {
    let parts = prop::sample::select(vec![
        "$",
        "$$",
        ".",
        "..",
        "a",
        "v",
        "states",
        "input",
        "[",
        "]",
        "[0]",
        "[-1]",
        "[*]",
        "[?(",
        "@",
        ")",
        "(",
        "'",
        "\"",
        "\\",
        ",",
        ":",
        "1",
        "-2",
        "0.5",
        "==",
        "=~",
        "/x/",
        "&&",
        "!",
        " in ",
        "{",
        "}",
        "States.Format",
        "States.Array",
        "null",
        "true",
        " ",
        "*",
        "%",
        "~>",
        "|",
        "^",
        "#$i",
        "@$j",
        ":=",
        "function",
        "$v",
        "$name",
        "$sum",
        "$map",
        "?",
        "??",
        "?:",
        "é",
        "\u{10000}",
        "\n",
        "`",
        ";",
        "+",
        "-",
        "=",
        "!=",
        "&",
        "<",
        ">",
        "and",
        "or",
    ]);
    prop::collection::vec(parts, 0..14).prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever is written, nothing panics, and what is accepted can be evaluated.
    #[test]
    fn nothing_panics(text in texts()) {
        let input = json!({"a": [{"a": 1, "v": "x"}, [2, null], "é"], "v": {"a": {"input": 1.5}}, "input": [1, 2, 3]});
        with_variables(&input, |environment| {
            if let Ok(path) = Path::parse(&text) {
                let _ = path.evaluate_field(environment);
                prop_assert_eq!(path.text(), &text);
            }
            if let Ok(path) = ReferencePath::parse(&text) {
                let _ = path.assign(input.clone(), json!(1));
            }
            let template = json!({"x.$": text, "y": {"z.$": format!("States.Array({text})")}});
            if let Ok(template) = Template::compile_json_path(&template) {
                let _ = template.evaluate(environment, "Parameters");
            }
            let template = json!({"x": format!("{{%{text}%}}"), "y": format!("{{% ($states.input{text}) %}}")});
            if let Ok(template) = Template::compile_jsonata(&template) {
                let _ = template.evaluate(environment, "Output");
            }
            let rule = json!({"Variable": format!("$.{text}"), "StringMatches": text});
            if let Ok(condition) = Condition::compile_json_path(&rule) {
                let _ = condition.evaluate(environment, "Choices[0]/Condition");
            }
            Ok(())
        })?;
    }
}

/// What would fill the memory many times over is refused soon.
#[test]
fn hostile_templates_end() {
    let mut deep = json!(1);
    for _ in 0..100 {
        deep = json!([deep, "x"]);
    }
    let input = json!({"deep": deep, "text": "x".repeat(100_000)});
    let many = |call: &str, argument: &str| format!("{call}{}", vec![argument; 20_000].join(","));
    let template: serde_json::Map<String, Value> =
        (0..20_000).map(|at| (format!("{at}.$"), json!("$.text"))).collect();
    for template in [
        json!({"x.$": "$..*..*..*..*..*"}),
        json!({"x.$": "$..[?(@..*..*..*..*)]"}),
        json!({"x.$": many("States.Array(", "$.text") + ")"}),
        json!({"x.$": many(&format!("States.Format('{}',", "{}".repeat(20_000)), "$.text") + ")"}),
        Value::Object(template),
    ] {
        let template = Template::compile_json_path(&template).unwrap();
        let error = with_variables(&input, |environment| {
            template.evaluate(environment, "Parameters").unwrap_err()
        });
        assert_eq!(error.error, "States.DataLimitExceeded");
    }
}
