//! Prints what templates and Choice rules cost beside the bare evaluators, in the same run.
//!
//! `cargo xtask bench --only language`; fails where a bound does not hold.

#![expect(clippy::print_stdout, reason = "a benchmark prints figures")]

use std::cell::Cell;
use std::hint::black_box;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use asl::{
    Condition, ContextObject, Environment, Expression, MachineType, Path, Payload, Template,
    Timestamp, VariableMap, Variables,
};
use engine::{Command, Execution, Identity, Stamp, TaskId, World, step};
use serde_json::{Map, Value, json};

/// How much a template or a Choice may cost beside the bare evaluator.
const RATIO_MAX: f64 = 1.2;
/// How long a Choice with 20 rules may take.
const CHOICE_NANOSECONDS_MAX: f64 = 2_000.0;

const PATHS: [(&str, &str); 5] = [
    ("id", "$.order.id"),
    ("name", "$.order.customer.name"),
    ("city", "$.order.customer.address.city"),
    ("first", "$.order.lines[0].sku"),
    ("total", "$.order.total"),
];
const EXPRESSIONS: [(&str, &str); 5] = [
    ("id", "$states.input.order.id"),
    ("name", "$uppercase($states.input.order.customer.name)"),
    ("city", "$states.input.order.customer.address.city & ', ' & $states.input.order.id"),
    ("sum", "$sum($states.input.order.lines.quantity)"),
    ("total", "$states.input.order.total * 1.19 > 100 ? 'large' : 'small'"),
];

fn input() -> Value {
    json!({
        "order": {
            "id": 17,
            "customer": {"name": "Ada", "address": {"street": "Main Street 1", "city": "London"}},
            "lines": [{"sku": "a", "quantity": 2}, {"sku": "b", "quantity": 1}],
            "total": 120.5,
            "kind": "express"
        },
        "trace": ["one", "two", "three"]
    })
}

/// The nanoseconds of one call: the least of many short rounds, which others disturb the least.
/// The calls take turns, so that a noisy while is noisy for both.
fn times(mut first: impl FnMut(), mut second: impl FnMut()) -> (f64, f64) {
    const CALLS: u32 = 500;
    let round = |call: &mut dyn FnMut()| {
        let begun = Instant::now();
        (0..CALLS).for_each(|_| call());
        begun.elapsed().as_nanos() as f64 / f64::from(CALLS)
    };
    let mut least = (f64::INFINITY, f64::INFINITY);
    for _ in 0..300 {
        least = (least.0.min(round(&mut first)), least.1.min(round(&mut second)));
    }
    least
}

#[derive(Default)]
struct Report {
    failed: bool,
}

impl Report {
    fn ratio(&mut self, name: &str, bare: f64, ours: f64) {
        let ratio = ours / bare;
        let holds = ratio <= RATIO_MAX;
        self.failed |= !holds;
        let verdict = if holds { "" } else { "  TOO MUCH" };
        println!("{name:44} {bare:9.0} ns bare {ours:9.0} ns {ratio:6.2}{verdict}");
    }

    fn bound(&mut self, name: &str, nanoseconds: f64) {
        let holds = nanoseconds < CHOICE_NANOSECONDS_MAX;
        self.failed |= !holds;
        let verdict = if holds { "" } else { "  TOO MUCH" };
        println!("{name:44} {:9} {nanoseconds:14.0} ns{verdict}", "");
    }
}

fn main() -> ExitCode {
    let mut report = Report::default();
    let input = input();
    let context = ContextObject::new(&|| json!({}));
    let variables = VariableMap::new();
    let environment = Environment {
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
    };
    templates(&mut report, &environment);
    conditions(&mut report, &environment);
    choice_states(&mut report, &input);
    if report.failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn templates(report: &mut Report, environment: &Environment<'_>) {
    let fields: Map<String, Value> =
        PATHS.iter().map(|(name, path)| (format!("{name}.$"), json!(path))).collect();
    let template = Template::compile_json_path(&Value::Object(fields)).expect("it is valid");
    let paths: Vec<(&str, Path)> =
        PATHS.iter().map(|(name, path)| (*name, Path::parse(path).expect("it is valid"))).collect();
    let bare = || {
        let mut object = Map::with_capacity(paths.len());
        for (name, path) in &paths {
            let value = path.evaluate(environment).expect("it is there").into_owned();
            object.insert((*name).to_owned(), value);
        }
        black_box(object);
    };
    let ours = || {
        black_box(template.evaluate(environment, "Parameters")).expect("all are there");
    };
    let (bare, ours) = times(bare, ours);
    report.ratio("template of five paths", bare, ours);

    let fields: Map<String, Value> = EXPRESSIONS
        .iter()
        .map(|(name, expression)| ((*name).to_owned(), json!(format!("{{% {expression} %}}"))))
        .collect();
    let template = Template::compile_jsonata(&Value::Object(fields)).expect("it is valid");
    let document = json!({"states": {"input": environment.input}});
    let bare_expressions: Vec<(&str, jlens_core::Expression)> =
        EXPRESSIONS.iter().map(|(name, expression)| (*name, bare_expression(expression))).collect();
    let bindings = jlens_core::Bindings::new();
    let bare = || {
        let mut object = Map::with_capacity(bare_expressions.len());
        for (name, expression) in &bare_expressions {
            let value = expression.evaluate(Some(&document), &bindings).expect("it is valid");
            object.insert((*name).to_owned(), value.expect("it is there"));
        }
        black_box(object);
    };
    let ours = || {
        black_box(template.evaluate(environment, "Output")).expect("all are there");
    };
    let (bare, ours) = times(bare, ours);
    report.ratio("template of five expressions", bare, ours);
}

/// The expression over a parsed document that holds `$states`.
fn bare_expression(text: &str) -> jlens_core::Expression {
    let text = text.replace("$states.", "states.");
    jlens_core::Expression::compile(&text).expect("it is valid")
}

fn conditions(report: &mut Report, environment: &Environment<'_>) {
    let rule = json!({"Variable": "$.order.kind", "StringEquals": "express"});
    let condition = Condition::compile_json_path(&rule).expect("it is valid");
    let path = Path::parse("$.order.kind").expect("it is valid");
    let bare = || {
        let value = path.evaluate(environment).expect("it is there");
        black_box(value.as_str() == Some("express"));
    };
    let ours = || {
        black_box(condition.evaluate(environment, "Choices[0]/Condition")).expect("it is there");
    };
    let (bare, ours) = times(bare, ours);
    println!("{:44} {bare:9.0} ns bare {ours:9.0} ns", "one data test (path alone beside it)");

    let text = "$states.input.order.kind = 'express' and $states.input.order.total > 100";
    let condition = Condition::Expression(Expression::compile(text).expect("it is valid"));
    let bare_condition = bare_expression(text);
    let document = json!({"states": {"input": environment.input}});
    let bindings = jlens_core::Bindings::new();
    let bare = || {
        black_box(bare_condition.evaluate(Some(&document), &bindings)).expect("it is valid");
    };
    let ours = || {
        black_box(condition.evaluate(environment, "Choices[0]/Condition")).expect("it is valid");
    };
    let (bare, ours) = times(bare, ours);
    report.ratio("a Condition", bare, ours);
}

struct NoWorld;

impl World for NoWorld {
    fn task_token(&self, task: TaskId) -> String {
        task.0.to_string()
    }

    fn activity_exists(&self, _: &str) -> bool {
        true
    }
}

/// A whole Choice state of 20 rules, the last of which matches, less the same state of one rule
/// that matches: what the other rules cost, and one Choice less.
fn choice_states(report: &mut Report, input: &Value) {
    let json_path = |at: usize| json!({"Variable": "$.order.kind", "StringEquals": rule_value(at), "Next": "Z"});
    let jsonata = |at: usize| {
        let condition = format!("{{% $states.input.order.kind = '{}' %}}", rule_value(at));
        json!({"Condition": condition, "Next": "Z"})
    };
    let languages: [(&str, &dyn Fn(usize) -> Value); 2] =
        [("JSONPath", &json_path), ("JSONata", &jsonata)];
    for (language, rule) in languages {
        let of_rules = |first: usize| {
            let rules: Vec<Value> = (first..20).map(rule).collect();
            let definition = json!({"QueryLanguage": language, "StartAt": "A", "States": {
                "A": {"Type": "Choice", "Choices": rules}, "Z": {"Type": "Succeed"}}});
            execution(&definition.to_string(), input)
        };
        let (all, last) = times(of_rules(0), of_rules(19));
        report.bound(&format!("Choice of 20 rules, {language}"), (all - last) * 20.0 / 19.0);
        println!("{:44} {:9} {all:14.0} ns", format!("  its whole execution, {language}"), "");
    }
}

fn rule_value(at: usize) -> String {
    if at == 19 { "express".to_owned() } else { format!("kind-{at}") }
}

/// Starts an execution, which ends at once.
fn execution(definition: &str, input: &Value) -> impl FnMut() + use<> {
    let program = asl::compile(definition, MachineType::Standard).program.expect("it is valid");
    let identity = Arc::new(Identity {
        arn: "arn:aws:states:us-east-1:123456789012:execution:machine:run".into(),
        name: "run".into(),
        state_machine_arn: "arn:aws:states:us-east-1:123456789012:stateMachine:machine".into(),
        state_machine_name: "machine".into(),
        state_machine_version_arn: None,
        state_machine_alias_arn: None,
        role_arn: "arn:aws:iam::123456789012:role/role".into(),
        region: "us-east-1".into(),
        express: false,
        test_case: None,
        map_run: None,
    });
    let input = Payload::from_value(input.clone());
    move || {
        let mut execution = Execution::new(Arc::clone(&identity));
        let stamp = Stamp { now: Timestamp(1_700_000_000_000), seed: 1, world: &NoWorld };
        let command = Command::Start { input: input.clone() };
        black_box(step(&program, &mut execution, command, stamp));
    }
}
