//! Texts that nobody writes by accident.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{diagnose, single};
use crate::{MachineType, compile};

#[test]
fn deep_nesting_is_refused() {
    for (open, close) in [("[", "]"), ("{\"States\":", "}"), ("{\"a\":[", "]}")] {
        let text = format!("{}1{}", open.repeat(10_000), close.repeat(10_000));
        assert!(diagnose(&text, MachineType::Standard).contains("nesting depth"));
        assert!(compile(&open.repeat(10_000), MachineType::Standard).program.is_none());
    }
}

#[test]
fn deeply_nested_states_are_compiled() {
    let mut scope = json!({"StartAt": "S0", "States": {"S0": {"Type": "Succeed"}}});
    for depth in 1..40 {
        let name = format!("S{depth}");
        let state = json!({"Type": "Map", "ItemProcessor": scope, "End": true});
        scope = json!({"StartAt": name, "States": {name.clone(): state}});
    }
    let compiled = compile(&scope.to_string(), MachineType::Standard);
    let program = compiled.program.expect("the definition is valid");
    assert_eq!(program.states.len(), 40);
    for (index, state) in program.states.iter().enumerate() {
        assert_eq!(&*state.name, format!("S{}", 39 - index));
        assert_eq!(program.scope(state.scope).start_at.0 as usize, index);
    }
}

#[test]
fn nul_bytes_and_controls() {
    for text in ["\0", "{\0}", "{\"a\0\": 1}", "{\"StartAt\": \"\0\"}", "\u{1b}[2J", "\u{feff}{}"] {
        assert!(compile(text, MachineType::Standard).program.is_none());
    }
    let escaped = r#"{"StartAt":"\u0000","States":{"\u0000":{"Type":"Succeed"}}}"#;
    assert!(compile(escaped, MachineType::Standard).program.is_some());
}

#[test]
fn a_megabyte() {
    let names = (0..20_000).map(|n| format!(r#""S{n}":{{"Type":"Pass","Next":"S{}"}}"#, n + 1));
    let states = names.collect::<Vec<_>>().join(",");
    let chain =
        format!(r#"{{"StartAt":"S0","States":{{{states},"S20000":{{"Type":"Succeed"}}}}}}"#);
    let program = compile(&chain, MachineType::Standard).program.unwrap();
    assert_eq!(program.states.len(), 20_001);
    let fields = (0..50_000).map(|n| format!(r#""F{n}":1"#)).collect::<Vec<_>>().join(",");
    let many = &single(&[&format!(r#""Type":"Succeed",{fields}"#)])[0];
    assert_eq!(compile(many, MachineType::Standard).diagnostics.len(), 50_000);
    let text = &single(&[&format!(r#""Type":"Succeed","Comment":"{}""#, "x".repeat(1_000_000))])[0];
    assert!(compile(text, MachineType::Standard).program.is_some());
}

/// Valid definitions that use most of the language.
fn seeds() -> Vec<Value> {
    let texts = [include_str!("seed_json_path.json"), include_str!("seed_jsonata.json")];
    texts.iter().map(|text| serde_json::from_str(text).unwrap()).collect()
}

#[test]
fn the_seeds_are_valid() {
    for seed in seeds() {
        assert_eq!(diagnose(&seed.to_string(), MachineType::Standard), "");
    }
}

/// What a mutation puts in place of a value.
fn replacement() -> impl Strategy<Value = Value> {
    let odd = [
        json!(null),
        json!(true),
        json!(-1),
        json!(0.5),
        json!(1e300),
        json!(""),
        json!("$"),
        json!("$.a[*]"),
        json!("$$.Map.Item.Index"),
        json!("States.Format('{}', $.a)"),
        json!("{% $states.result + %}"),
        json!("{% $states.result %}"),
        json!("{%"),
        json!("JSONata"),
        json!("JSONPath"),
        json!("Map"),
        json!("Parallel"),
        json!("States.ALL"),
        json!("arn:aws:states:::sqs:sendMessage.sync"),
        json!([]),
        json!({}),
        json!([{}]),
        json!({"a.$": "$", "a": 1}),
    ];
    prop_oneof![
        proptest::sample::select(odd.to_vec()),
        any::<i64>().prop_map(|number| json!(number)),
        ".{0,8}".prop_map(|text| json!(text)),
    ]
}

/// One change to a definition.
#[derive(Debug, Clone)]
enum Mutation {
    Replace(usize, Value),
    Remove(usize),
    Copy(usize, usize),
}

fn mutation() -> impl Strategy<Value = Mutation> {
    prop_oneof![
        (any::<usize>(), replacement()).prop_map(|(at, value)| Mutation::Replace(at, value)),
        any::<usize>().prop_map(Mutation::Remove),
        (any::<usize>(), any::<usize>()).prop_map(|(from, to)| Mutation::Copy(from, to)),
    ]
}

/// Pointers to all values in a document.
fn pointers(value: &Value, prefix: &str, found: &mut Vec<String>) {
    found.push(prefix.to_owned());
    match value {
        Value::Object(members) => {
            for (key, member) in members {
                let key = key.replace('~', "~0").replace('/', "~1");
                pointers(member, &format!("{prefix}/{key}"), found);
            }
        }
        Value::Array(elements) => {
            for (index, element) in elements.iter().enumerate() {
                pointers(element, &format!("{prefix}/{index}"), found);
            }
        }
        _ => {}
    }
}

fn apply(document: &mut Value, mutation: &Mutation) {
    let mut found = Vec::new();
    pointers(document, "", &mut found);
    let at = |number: &usize| found[number % found.len()].clone();
    match mutation {
        Mutation::Replace(place, value) => {
            *document.pointer_mut(&at(place)).unwrap() = value.clone();
        }
        Mutation::Copy(from, to) => {
            let value = document.pointer(&at(from)).unwrap().clone();
            *document.pointer_mut(&at(to)).unwrap() = value;
        }
        Mutation::Remove(place) => {
            let pointer = at(place);
            let Some((parent, key)) = pointer.rsplit_once('/') else { return };
            match document.pointer_mut(parent).unwrap() {
                Value::Object(members) => {
                    members.shift_remove(&key.replace("~1", "/").replace("~0", "~"));
                }
                Value::Array(elements) => {
                    elements.remove(key.parse().unwrap());
                }
                _ => {}
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]

    #[test]
    fn mutated_definitions_do_no_harm(
        seed in 0..2usize,
        mutations in proptest::collection::vec(mutation(), 1..6),
        express in any::<bool>(),
    ) {
        let mut document = seeds().swap_remove(seed);
        for mutation in &mutations {
            apply(&mut document, mutation);
        }
        let machine_type = if express { MachineType::Express } else { MachineType::Standard };
        let text = document.to_string();
        diagnose(&text, machine_type);
        let compiled = compile(&text, machine_type);
        for found in &compiled.diagnostics {
            crate::render_diagnostic("a.json", &text, found);
        }
        if let Some(program) = compiled.program {
            for state in &program.states {
                prop_assert!((state.scope.0 as usize) < program.scopes.len());
            }
            for scope in &program.scopes {
                prop_assert!((scope.start_at.0 as usize) < program.states.len());
            }
            program.variable_references();
        }
    }

    #[test]
    fn cut_texts_do_no_harm(seed in 0..2usize, from in 0..4000usize, to in 0..4000usize) {
        let text = seeds()[seed].to_string();
        let cut = text.get(from.min(to).min(text.len())..from.max(to).min(text.len()));
        diagnose(cut.unwrap_or_default(), MachineType::Standard);
    }

    #[test]
    fn any_text_does_no_harm(text in "\\PC{0,40}") {
        diagnose(&text, MachineType::Standard);
    }
}
