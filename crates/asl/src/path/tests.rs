use serde_json::{Value, json};

use super::*;
use crate::environment::with_environment;

fn evaluate(path: &str, input: &Value) -> Result<String, String> {
    let path = Path::parse(path).map_err(|error| error.message)?;
    with_environment(input, |environment| {
        let value = path.evaluate_field(environment);
        value.map(|value| value.to_string()).map_err(|error| error.cause)
    })
}

#[test]
fn misses_are_told_in_jayways_words() {
    let check = |path, expected| {
        let answer = evaluate(path, &json!({"x": {"y": [1]}, "n": null}));
        assert_eq!(answer.unwrap_or_else(|cause| cause), expected, "{path}");
    };
    check("$.a", "Invalid path '$.a' : No results for path: $['a']");
    check(
        "$.no.such.result.path",
        "Invalid path '$.no.such.result.path' : Missing property in path $['no']",
    );
    check("$.x.y[3]", "Invalid path '$.x.y[3]' : No results for path: $['x']['y'][3]");
    check("$$.Execution.Name", "\"n\"");
    check(
        "$$.Execution.Id",
        "Invalid path '$$.Execution.Id' : No results for path: $['Execution']['Id']",
    );
    check("$.n", "null");
    check("$.missing[*]", "[]");
    check("$.missing[?(@.a)]", "[]");
    check("$..missing", "[]");
    check("$.x.y[0,5]", "[1]");
}

#[test]
fn quoted_names_have_escapes() {
    let check = |path, name: &str| {
        let answer = evaluate(path, &json!({name: 1}));
        assert_eq!(answer.as_deref(), Ok("1"), "{path}");
    };
    check(r#"$['it\'s']"#, "it's");
    check(r#"$["say \"so\""]"#, "say \"so\"");
    // Recorded on AWS.
    check(r#"$['Test\""Name"']"#, "Test\\\"\"Name\"");
}

#[test]
fn texts_that_are_no_paths_are_refused() {
    for text in [
        "",
        "a",
        "$.",
        "$..",
        "$.a.",
        "$.a..",
        "$.a...b",
        "$[",
        "$[]",
        "$.a[0",
        "$['a",
        "$.a b",
        "$.a[?(@.b]",
        "$.a[?(@.b = 1)]",
        "$.a[?(1)]",
        "$.a[:]",
        "$$$",
        "$-a",
        "$ .a",
        "$.f(1)",
    ] {
        assert!(Path::parse(text).is_err(), "{text}");
    }
    assert!(Path::parse(&format!("$[?({}@.a{})]", "(".repeat(500), ")".repeat(500))).is_err());
}

#[test]
fn reference_paths_name_one_node() {
    for (text, expected) in [
        ("$", true),
        ("$.a.b[0]['c']", true),
        ("$$.Execution.Id", true),
        ("$name.a", true),
        ("$.a[-1]", true),
        ("$.a[*]", false),
        ("$.a[0,1]", false),
        ("$['a','b']", false),
        ("$..a", false),
        ("$.a.length()", false),
    ] {
        assert_eq!(Path::parse(text).unwrap().is_reference_path(), expected, "{text}");
    }
}

/// The lines of a list in `testdata`, without comments.
fn listed(name: &str) -> Vec<String> {
    let path = format!("{}/../../testdata/jsonpath/{name}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect()
}

#[test]
fn answers_are_those_of_jayway() {
    let cases: Value = serde_json::from_str(&listed("cases.json").join("\n")).unwrap();
    let mut differing = Vec::new();
    for case in cases["cases"].as_array().unwrap() {
        let text = case["path"].as_str().unwrap();
        let document = &cases["documents"][case["document"].as_str().unwrap()];
        if let (Ok(path), Some(definite)) = (Path::parse(text), case["definite"].as_bool()) {
            assert_eq!(path.is_definite(), definite, "{text}");
        }
        let answer = evaluate(text, document).unwrap_or("error".to_owned());
        let expected = case.get("result").map_or("error".to_owned(), Value::to_string);
        if answer != expected {
            differing.push(format!("{text} => {answer}"));
        }
    }
    let gaps = listed("known_gaps.txt");
    assert_eq!(differing, gaps, "left: what differs; right: known_gaps.txt");
}
