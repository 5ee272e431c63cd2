//! Prints how long each hostile JSONata expression takes, and how it ends.
//!
//! `cargo xtask bench --only hostile`; with expressions behind it, those instead of the ones in
//! `testdata/jsonata/hostile.txt`.

#![expect(clippy::print_stdout, reason = "it prints figures")]

use std::cell::Cell;
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use asl::{ContextObject, Environment, Expression, Interrupt, Timestamp, VariableMap, Variables};
use serde_json::json;

const HOSTILE: &str = include_str!("../../../testdata/jsonata/hostile.txt");

fn main() {
    let given: Vec<String> = std::env::args().skip(1).collect();
    let expressions: Vec<&str> = match given.is_empty() {
        true => HOSTILE.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).collect(),
        false => given.iter().map(String::as_str).collect(),
    };
    for text in expressions {
        let begun = Instant::now();
        let interrupt = Arc::new(Interrupt::default());
        let (sender, done) = mpsc::channel();
        let (owned, given) = (text.to_owned(), Arc::clone(&interrupt));
        std::thread::spawn(move || sender.send(evaluate(&owned, &given)));
        // As the server does: stopped after a second, given up after five.
        let outcome = done.recv_timeout(Duration::from_secs(1)).or_else(|_| {
            interrupt.stop();
            done.recv_timeout(Duration::from_secs(4))
        });
        let outcome = outcome.unwrap_or_else(|_| "GIVEN UP: it heeds nothing".to_owned());
        let outcome: String = outcome.chars().take(110).collect();
        println!("{:6} ms  {text}\n           {outcome}", begun.elapsed().as_millis());
    }
}

fn evaluate(text: &str, interrupt: &Arc<Interrupt>) -> String {
    let (input, variables) = (json!({}), VariableMap::new());
    let context = ContextObject::new(&|| json!({}));
    let environment = Environment {
        input: &input,
        states_input: None,
        result: None,
        error_output: None,
        context: &context,
        variables: Variables { scopes: &[&variables] },
        now: Timestamp(1_700_000_000_123),
        random: &Cell::new(3),
        interrupt: Some(&|| Arc::clone(interrupt)),
        elsewhere: None,
    };
    match Expression::compile(text) {
        Err(error) => format!("refused: {}", error.message()),
        Ok(expression) => match expression.evaluate(&environment, "Output") {
            Ok(value) => format!("{} bytes", value.to_string().len()),
            Err(error) => {
                let start =
                    format!("The JSONata expression '{text}' specified for the field 'Output' ");
                error.cause.trim_start_matches(&start).to_owned()
            }
        },
    }
}
