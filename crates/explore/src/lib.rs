//! Explores a state machine: looks for data and task outcomes that lead to each of its ends.
//!
//! It runs executions with the engine itself. Tasks are mocked, time passes by itself, and
//! everything follows from the definition, so that two explorations of it are the same. What is
//! found is given with the input and the outcomes that it needs, and was run with them.

mod drive;
mod machines;
mod reads;
mod route;
mod search;
mod shape;
mod wishes;

use asl::{Diagnostic, MachineType, Program, StateIndex, StateKind};
use serde_json::Value;

use crate::drive::{INPUT, task_source};
use crate::machines::Machine;
pub use crate::route::Exit;
use crate::search::{Found, Ground, search};

/// What was found out about a definition.
#[derive(Debug, Clone, PartialEq)]
pub struct Exploration {
    /// Every state that ends the machine, a branch or a processor, in order of the definition;
    /// those of distributed Maps come after all others.
    pub ends: Vec<End>,
}

/// An end, and how it is reached.
#[derive(Debug, Clone, PartialEq)]
pub struct End {
    /// The states around it, the outermost first.
    pub inside: Vec<String>,
    pub state: String,
    /// Its `Type`.
    pub kind: &'static str,
    /// A path to it, or why none was found.
    pub path: Result<Path, String>,
}

/// A path to an end with what makes an execution take it.
#[derive(Debug, Clone, PartialEq)]
pub struct Path {
    pub steps: Vec<Step>,
    /// The execution's input; of a processor of a distributed Map, that of the child execution.
    pub input: Value,
    /// What every task gives that is called on the way, by the name of its state.
    pub tasks: Vec<(String, Outcome)>,
}

/// A state on a path.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    pub state: String,
    pub exit: Exit,
}

/// What a task gives.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    Output(Value),
    Error(String),
}

/// Explores a definition in JSON.
///
/// # Errors
/// The diagnostics of one that is not valid.
pub fn explore(
    definition: &str,
    machine_type: MachineType,
) -> Result<Exploration, Vec<Diagnostic>> {
    let compiled = asl::compile(definition, machine_type);
    if compiled.program.is_none() {
        return Err(compiled.diagnostics);
    }
    let value: Value = serde_json::from_str(definition).expect("a valid definition is JSON");
    let is_express = machine_type == MachineType::Express;
    let mut ends = Vec::new();
    for machine in machines::split(value, is_express) {
        ends.extend(explore_machine(&machine));
    }
    Ok(Exploration { ends })
}

fn explore_machine(machine: &Machine) -> Vec<End> {
    let machine_type = match machine.is_express {
        true => MachineType::Express,
        false => MachineType::Standard,
    };
    let compiled = asl::compile(&machine.definition.to_string(), machine_type);
    // A processor that never ends has no ends.
    let Some(program) = compiled.program else { return Vec::new() };
    let states = texts(&program, &machine.definition);
    let ground = Ground { program, states, is_express: machine.is_express };
    let ends = route::ends(&ground.program).into_iter();
    ends.map(|end| {
        let around = route::containers(&ground.program, end).into_iter();
        let around = around.map(|(container, _)| ground.program.state(container).name.to_string());
        let state = ground.program.state(end);
        End {
            inside: machine.inside.iter().cloned().chain(around).collect(),
            state: state.name.to_string(),
            kind: match machine.map_runs.contains(&state.name.to_string()) {
                true => "Map",
                false => state.kind.name(),
            },
            path: search(&ground, &route::routes(&ground.program, end))
                .map(|found| path(&ground.program, &found)),
        }
    })
    .collect()
}

/// The states of a machine as they are written, by index.
fn texts(program: &Program, definition: &Value) -> Vec<(Value, bool)> {
    let mut texts = vec![(Value::Null, false); program.states.len()];
    let by_name = program.states.iter().enumerate().map(|(at, state)| (&*state.name, at));
    let places: std::collections::BTreeMap<&str, usize> = by_name.collect();
    collect(definition, &mut |name, state| {
        if let Some(place) = places.get(name) {
            let language = program.states[*place].query_language;
            texts[*place] = (state.clone(), language == asl::QueryLanguage::Jsonata);
        }
    });
    texts
}

/// Calls `found` with every state of a scope, at any depth.
fn collect(scope: &Value, found: &mut dyn FnMut(&str, &Value)) {
    for (name, state) in scope["States"].as_object().into_iter().flatten() {
        found(name, state);
        for branch in state["Branches"].as_array().into_iter().flatten() {
            collect(branch, found);
        }
        for processor in ["ItemProcessor", "Iterator"] {
            if let Some(processor) = state.get(processor) {
                collect(processor, found);
            }
        }
    }
}

/// What was found, for people.
fn path(program: &Program, found: &Found) -> Path {
    let name = |state: StateIndex| program.state(state).name.to_string();
    let steps = found.route.legs.iter();
    let mut called: Vec<StateIndex> = Vec::new();
    for visit in &found.trace.visits {
        let is_task = matches!(program.state(visit.state).kind, StateKind::Task(_));
        if is_task && !called.contains(&visit.state) {
            called.push(visit.state);
        }
    }
    let outcome = |state: &StateIndex| match found.route.fails.get(state) {
        Some(error) => Outcome::Error(error.clone()),
        None => Outcome::Output(found.world.value(&task_source(&name(*state)), false)),
    };
    Path {
        steps: steps.map(|leg| Step { state: name(leg.state), exit: leg.exit }).collect(),
        input: found.world.value(INPUT, false),
        tasks: called.iter().map(|state| (name(*state), outcome(state))).collect(),
    }
}
