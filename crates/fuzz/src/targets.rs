//! The entry points: each takes bytes and must neither panic nor take long, whatever they are.

use std::cell::Cell;

use asl::{
    Condition, ContextObject, Definition, Environment, EvaluationError, Expression, IntrinsicCall,
    MachineType, Path, Payload, ReferencePath, Template, Timestamp, VariableMap, Variables,
};
use serde_json::{Value, json};

use crate::{Random, execution};

/// What is fuzzed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// Definitions in JSON and YAML: parsed, checked, compiled, linted.
    Definition,
    Path,
    /// Payload templates of both query languages, and Choice rules.
    Template,
    Intrinsic,
    Jsonata,
    /// Executions of whatever definition is valid, with made-up tasks.
    Execution,
}

impl Target {
    /// All of them.
    pub const ALL: [Target; 6] = [
        Target::Definition,
        Target::Path,
        Target::Template,
        Target::Intrinsic,
        Target::Jsonata,
        Target::Execution,
    ];

    /// Its name, which is also that of its folder in `testdata/fuzz/`.
    pub fn name(self) -> &'static str {
        match self {
            Target::Definition => "definition",
            Target::Path => "path",
            Target::Template => "template",
            Target::Intrinsic => "intrinsic",
            Target::Jsonata => "jsonata",
            Target::Execution => "execution",
        }
    }

    /// Tries one input. Gives whether it was valid. Panics where something is wrong.
    pub fn try_input(self, input: &[u8]) -> bool {
        let text = String::from_utf8_lossy(input);
        match self {
            Target::Definition => definition(&text),
            Target::Path => path(&text),
            Target::Template => template(&text),
            Target::Intrinsic => intrinsic(&text),
            Target::Jsonata => jsonata(&text),
            Target::Execution => execution::run(&text, &seed_of(input)),
        }
    }
}

/// An execution's chances follow from its definition.
fn seed_of(input: &[u8]) -> Random {
    let seed = input.iter().fold(0xCBF2_9CE4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01B3)
    });
    Random::new(seed)
}

fn definition(text: &str) -> bool {
    let mut is_valid = false;
    for machine_type in [MachineType::Standard, MachineType::Express] {
        let compiled = asl::compile(text, machine_type);
        let has_errors = compiled.diagnostics.iter().any(asl::Diagnostic::is_error);
        assert_eq!(
            compiled.program.is_none(),
            has_errors,
            "refused without a reason, or against it"
        );
        for diagnostic in compiled.diagnostics.iter().take(100) {
            asl::render_diagnostic("definition.json", text, diagnostic);
        }
        asl::describe_diagnostics(&compiled.diagnostics);
        if let Some(program) = &compiled.program {
            is_valid = true;
            program.variable_references();
            let names: Vec<&str> = program.states.iter().map(|state| &*state.name).collect();
            for name in names.iter().take(10) {
                asl::compile_state(text, name, machine_type);
            }
        }
        asl::lint(text, machine_type);
    }
    let yaml = Definition::from_yaml(text);
    let compiled = yaml.compile(MachineType::Standard);
    for diagnostic in compiled.diagnostics.iter().take(100) {
        asl::render_diagnostic("definition.yaml", text, diagnostic);
    }
    if let (Some(json), Some(_)) = (yaml.to_json(), &compiled.program) {
        assert!(
            asl::compile(&json, MachineType::Standard).program.is_some(),
            "valid as YAML and not as the JSON that it is"
        );
    }
    is_valid
}

fn path(text: &str) -> bool {
    if let Ok(path) = ReferencePath::parse(text) {
        for document in documents() {
            check(path.assign(document, json!({"new": 1})));
        }
    }
    let Ok(path) = Path::parse(text) else { return false };
    assert!(path.is_definite() || !path.is_reference_path(), "a reference path is definite");
    for document in documents() {
        in_environment(&document, |environment| {
            if let Ok(value) = path.evaluate(environment) {
                let is_whole = path.is_definite() || value.is_array();
                assert!(is_whole, "what is not definite gives an array");
            }
            check(path.evaluate_field(environment));
        });
    }
    true
}

fn template(text: &str) -> bool {
    let Ok(payload) = asl::parse_json(text) else { return false };
    let value = payload.value();
    let mut is_valid = false;
    for compiled in [Template::compile_json_path(value), Template::compile_jsonata(value)] {
        match compiled {
            Ok(template) => {
                is_valid = true;
                for document in documents() {
                    in_environment(&document, |environment| {
                        check(template.evaluate(environment, "Output"));
                    });
                }
            }
            Err(errors) => {
                assert!(!errors.is_empty(), "refused without a reason");
                for error in errors {
                    error.message();
                }
            }
        }
    }
    let rules = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
    for rule in rules {
        if let Ok(condition) = Condition::compile_json_path(rule) {
            for document in documents() {
                in_environment(&document, |environment| {
                    check(condition.evaluate(environment, "Choices[0]/Condition"));
                });
            }
        }
    }
    is_valid
}

fn intrinsic(text: &str) -> bool {
    let Some(call) = IntrinsicCall::parse(text) else { return false };
    for document in documents() {
        in_environment(&document, |environment| {
            check(call.evaluate(environment));
        });
    }
    true
}

fn jsonata(text: &str) -> bool {
    let Ok(expression) = Expression::compile(text) else { return false };
    for document in documents() {
        in_environment(&document, |environment| {
            check(expression.evaluate(environment, "Output"));
        });
    }
    true
}

/// Checks that a failure is one of AWS's.
fn check<T>(result: Result<T, EvaluationError>) {
    if let Err(EvaluationError { error, cause, .. }) = result {
        assert!(
            [
                "States.Runtime",
                "States.QueryEvaluationError",
                "States.ResultPathMatchFailure",
                "States.DataLimitExceeded"
            ]
            .contains(&error),
            "{error}: {cause}"
        );
        assert!(!cause.is_empty(), "{error} without a cause");
    }
}

/// What is evaluated against.
pub(crate) fn documents() -> [Value; 2] {
    [
        json!({
            "a": {"b": [1, 2.5, "x", null, true, {"a": 7}]},
            "list": [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}, {"a": "2"}, 5, [1, [2]], null],
            "text": "aGk= {} , a;b é💥",
            "nested": {"nested": {"nested": {"a": -0.0, "0": 1e300}}},
            "b": 9_007_199_254_740_993_i64,
            "x y": "2024-01-01T00:00:00Z",
            "length": 3
        }),
        json!([[1, 2, 3], "text", {"a": [{"b": 1}]}, 1e-7]),
    ]
}

fn in_environment(document: &Value, test: impl FnOnce(&Environment<'_>)) {
    let variables: VariableMap = [
        ("variable", json!({"a": [1, {"b": "x"}], "list": []})),
        ("v", json!(5)),
        ("x", json!("text")),
    ]
    .into_iter()
    .map(|(name, value)| (name.into(), Payload::from_value(value)))
    .collect();
    let context = ContextObject::new(&|| json!({"Execution": {"Name": "n", "Input": {}}}));
    test(&Environment {
        input: document,
        states_input: None,
        result: Some(&json!({"r": [1.0, {"a": null}]})),
        error_output: None,
        context: &context,
        variables: Variables { scopes: &[&variables] },
        now: Timestamp(1_700_000_000_123),
        random: &Cell::new(3),
        interrupt: None,
        elsewhere: None,
    });
}
