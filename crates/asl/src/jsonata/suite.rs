//! The official test suite, without AWS's restrictions: with a context, and with wider limits.

use jlens_core::{Bindings, Options};
use serde_json::Value;

use super::functions;

fn data(name: &str) -> String {
    let path = format!("{}/../../testdata/jsonata-2.0.6/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(path).unwrap()
}

/// What an expression gives, with AWS's functions: a value, nothing, or the code of an error.
fn evaluate(
    text: &str,
    input: Option<&Value>,
    bindings: &Value,
    depth: Option<u64>,
) -> Result<Option<Value>, String> {
    let mut bound: Bindings = functions::fixed().clone();
    for (name, value) in bindings.as_object().into_iter().flatten() {
        bound = bound.var(name, value.clone());
    }
    let depth = depth.map_or(1000, |depth| usize::try_from(depth).unwrap());
    let options = Options::new().now(0).seed(1).max_depth(depth).max_steps(3_000_000);
    let expression =
        jlens_core::Expression::compile(text).map_err(|error| error.code().to_owned())?;
    expression.evaluate_with(input, &bound, &options).map_err(|error| match error.code() {
        // The suite's own bounds have one code.
        "D1011" | "U1006" => "U1001".to_owned(),
        code => code.to_owned(),
    })
}

/// Whether the values are equal, numbers by value; `unordered` disregards the order of arrays.
fn same(left: &Value, right: &Value, unordered: bool) -> bool {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => left.as_f64() == right.as_f64(),
        (Value::Array(left), Value::Array(right)) if unordered => {
            left.len() == right.len()
                && left.iter().all(|item| right.iter().any(|other| same(item, other, false)))
        }
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len()
                && left.iter().zip(right).all(|(left, right)| same(left, right, false))
        }
        (Value::Object(left), Value::Object(right)) => {
            left.len() == right.len()
                && left
                    .iter()
                    .all(|(key, left)| right.get(key).is_some_and(|right| same(left, right, false)))
        }
        _ => left == right,
    }
}

#[test]
fn answers_are_those_of_the_suite() {
    let datasets: Value = serde_json::from_str(&data("datasets.json")).unwrap();
    let mut differing = Vec::new();
    for line in data("cases.jsonl").lines() {
        let Ok(case) = serde_json::from_str::<Value>(line) else {
            let parts: Vec<&str> = line.split('"').collect();
            differing.push(format!("{}/{}; no JSON text in Rust", parts[3], parts[7]));
            continue;
        };
        let text = case["expr"].as_str().unwrap();
        let input = match case.get("dataset").and_then(Value::as_str) {
            Some(dataset) => datasets.get(dataset),
            None => case.get("data"),
        };
        let answer = evaluate(text, input, &case["bindings"], case["depth"].as_u64());
        let code =
            case.get("code").or_else(|| case.get("error").and_then(|error| error.get("code")));
        let fits = match (&answer, code.and_then(Value::as_str)) {
            (Err(found), Some(code)) => found == code,
            (Ok(Some(value)), None) => case
                .get("result")
                .is_some_and(|result| same(value, result, case["unordered"] == true)),
            (Ok(None), None) => case.get("undefinedResult").is_some(),
            _ => false,
        };
        if !fits {
            differing.push(format!(
                "{}/{}; {answer:?}",
                case["group"].as_str().unwrap(),
                case["case"].as_str().unwrap()
            ));
        }
    }
    let name = |line: &str| line.split(';').next().unwrap().to_owned();
    let gaps: Vec<String> =
        data("known_gaps.txt").lines().filter(|line| !line.starts_with('#')).map(name).collect();
    let found: Vec<String> = differing.iter().map(|line| name(line)).collect();
    assert_eq!(found, gaps, "what differs now: {differing:#?}");
}
