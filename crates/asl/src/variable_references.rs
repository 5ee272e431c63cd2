//! Which variables the states of a program read: `variableReferences` of the API.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::{
    DistributedMap, Items, NumberField, Path, PathSetting, Program, State, StateKind, Template,
    WaitUntil,
};

/// The names found so far, without `$`.
type Names = BTreeSet<String>;

impl Program {
    /// The states that read variables, in order of their indexes, each with the names of the
    /// variables, without `$`, sorted.
    pub fn variable_references(&self) -> Vec<(Arc<str>, Vec<String>)> {
        let states = self.states.iter().filter_map(|state| {
            let names = state.variables();
            (!names.is_empty()).then(|| (Arc::clone(&state.name), names.into_iter().collect()))
        });
        states.collect()
    }
}

impl State {
    /// The names of the variables the state reads, without `$`.
    pub fn variables(&self) -> BTreeSet<String> {
        let mut names = Names::new();
        for setting in [&self.input_path, &self.output_path] {
            if let PathSetting::Path(path) = setting {
                add_path(path, &mut names);
            }
        }
        let templates =
            [&self.arguments, &self.result_selector, &self.output, &self.assign].into_iter();
        let catch = self.catch.iter().flat_map(|catcher| [&catcher.output, &catcher.assign]);
        for template in templates.chain(catch) {
            add_template(template.as_ref(), &mut names);
        }
        self.kind.add_variables(&mut names);
        names
    }
}

impl StateKind {
    fn add_variables(&self, names: &mut Names) {
        match self {
            StateKind::Pass { .. } | StateKind::Succeed | StateKind::Parallel { .. } => {}
            StateKind::Task(task) => {
                add_number(task.timeout_seconds.as_ref(), names);
                add_number(task.heartbeat_seconds.as_ref(), names);
                add_template(task.credentials.as_ref(), names);
            }
            StateKind::Choice { rules, .. } => {
                for rule in rules {
                    rule.condition.collect_variables(names);
                    add_template(rule.assign.as_ref(), names);
                    add_template(rule.output.as_ref(), names);
                }
            }
            StateKind::Wait(until) => match until {
                WaitUntil::Seconds(_) | WaitUntil::Timestamp(_) => {}
                WaitUntil::SecondsPath(path) | WaitUntil::TimestampPath(path) => {
                    add_path(path, names);
                }
                WaitUntil::SecondsExpression(expression)
                | WaitUntil::TimestampExpression(expression) => {
                    names.extend(expression.variables().iter().cloned());
                }
            },
            StateKind::Fail { error, cause } => {
                add_template(error.as_ref(), names);
                add_template(cause.as_ref(), names);
            }
            StateKind::Map(map) => {
                match &map.items {
                    Items::Input => {}
                    Items::Path(path) => add_path(path, names),
                    Items::Template(template) => template.collect_variables(names),
                }
                add_template(map.item_selector.as_ref(), names);
                let numbers = [
                    &map.max_concurrency,
                    &map.tolerated_failure_count,
                    &map.tolerated_failure_percentage,
                ];
                for number in numbers {
                    add_number(number.as_ref(), names);
                }
                if let Some(distributed) = &map.distributed {
                    distributed.add_variables(names);
                }
            }
        }
    }
}

impl DistributedMap {
    fn add_variables(&self, names: &mut Names) {
        if let Some(reader) = &self.reader {
            add_template(reader.arguments.as_ref(), names);
            add_number(reader.config.max_items.as_ref(), names);
        }
        if let Some(batcher) = &self.batcher {
            add_number(batcher.max_items.as_ref(), names);
            add_number(batcher.max_input_bytes.as_ref(), names);
            add_template(batcher.batch_input.as_ref(), names);
        }
        if let Some(writer) = &self.writer {
            add_template(writer.arguments.as_ref(), names);
        }
    }
}

fn add_path(path: &Path, names: &mut Names) {
    names.extend(path.variable_name().map(str::to_owned));
}

fn add_template(template: Option<&Template>, names: &mut Names) {
    if let Some(template) = template {
        template.collect_variables(names);
    }
}

fn add_number(number: Option<&NumberField>, names: &mut Names) {
    match number {
        None | Some(NumberField::Literal(_)) => {}
        Some(NumberField::Path(path)) => add_path(path, names),
        Some(NumberField::Expression(expression)) => {
            names.extend(expression.variables().iter().cloned());
        }
    }
}
