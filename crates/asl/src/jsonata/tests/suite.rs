//! The official test suite, without AWS's restrictions: with a context, and with wider limits.

use std::cell::Cell;

use jlens_core::{Bindings, Options};
use serde_json::{Value, json};

use super::super::functions;
use super::Expression;
use crate::environment::next_random;
use crate::{ContextObject, Environment, Timestamp, Variables};

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

/// The suite's expressions with pieces dropped, doubled and swapped, as expressions of a state:
/// nothing panics, and what fails says so in the words for a field.
#[test]
fn mutated_expressions_do_no_harm() {
    let rounds: usize = std::env::var("STEPWELL_SLOW").map_or(1, |_| 50);
    let datasets: Value = serde_json::from_str(&data("datasets.json")).unwrap();
    let random = Cell::new(11);
    let context = ContextObject::new(&|| json!({}));
    let mut evaluated = 0;
    for line in data("cases.jsonl").lines() {
        let Ok(case) = serde_json::from_str::<Value>(line) else { continue };
        let input = case["dataset"].as_str().map_or(&case["data"], |dataset| &datasets[dataset]);
        for _ in 0..rounds {
            let text = mutated(case["expr"].as_str().unwrap(), &random);
            let Ok(expression) = Expression::compile(&format!("$states.input.({text})")) else {
                continue;
            };
            let environment = Environment {
                input,
                states_input: None,
                result: None,
                error_output: None,
                context: &context,
                variables: Variables::default(),
                now: Timestamp(0),
                random: &random,
                interrupt: None,
                elsewhere: None,
            };
            evaluated += 1;
            if let Err(error) = expression.evaluate(&environment, "Output") {
                assert_eq!(error.location.as_deref(), Some("Output"));
                assert!(error.cause.starts_with("The JSONata expression '"), "{}", error.cause);
            }
        }
    }
    assert!(evaluated > 500 * rounds, "{evaluated}");
}

fn mutated(text: &str, random: &Cell<u64>) -> String {
    let mut characters: Vec<char> = text.chars().collect();
    let below = |bound: usize| (next_random(random) % (bound as u64).max(1)) as usize;
    for _ in 0..below(3) {
        let (from, to) = (below(characters.len()), below(characters.len()));
        match below(4) {
            0 if from < characters.len() => drop(characters.remove(from)),
            1 if from < to => characters.extend_from_within(from..to),
            2 if from.max(to) < characters.len() => characters.swap(from, to),
            _ => characters.insert(
                from,
                ['(', ')', '$', '.', '[', ']', '{', '}', '"', '9', '=', '*'][below(12)],
            ),
        }
    }
    characters.into_iter().collect()
}
