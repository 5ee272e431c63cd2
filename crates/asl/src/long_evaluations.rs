//! Whether evaluations of a program may take long, so that they must not run where others wait
//! for them.

use crate::{Expression, Items, NumberField, Program, State, StateKind, Template, WaitUntil};

impl Program {
    /// Whether an expression may take longer than its text and its data tell.
    pub fn may_take_long(&self) -> bool {
        self.states.iter().any(|state| {
            let mut found = false;
            state.visit_expressions(&mut |expression| found |= expression.may_take_long());
            found
        })
    }
}

impl State {
    fn visit_expressions(&self, visit: &mut dyn FnMut(&Expression)) {
        let own = [&self.arguments, &self.result_selector, &self.output, &self.assign];
        let caught = self.catch.iter().flat_map(|catcher| [&catcher.output, &catcher.assign]);
        for template in own.into_iter().chain(caught).flatten() {
            in_template(template, visit);
        }
        match &self.kind {
            StateKind::Pass { .. } | StateKind::Succeed | StateKind::Parallel { .. } => {}
            StateKind::Task(task) => {
                in_number(task.timeout_seconds.as_ref(), visit);
                in_number(task.heartbeat_seconds.as_ref(), visit);
                task.credentials.iter().for_each(|template| in_template(template, visit));
            }
            StateKind::Choice { rules, .. } => {
                for rule in rules {
                    rule.condition.visit_expressions(visit);
                    let templates = rule.assign.iter().chain(&rule.output);
                    templates.for_each(|template| in_template(template, visit));
                }
            }
            StateKind::Wait(
                WaitUntil::SecondsExpression(expression)
                | WaitUntil::TimestampExpression(expression),
            ) => visit(expression),
            StateKind::Wait(_) => {}
            StateKind::Fail { error, cause } => {
                error.iter().chain(cause).for_each(|template| in_template(template, visit));
            }
            StateKind::Map(map) => {
                if let Items::Template(template) = &map.items {
                    in_template(template, visit);
                }
                map.item_selector.iter().for_each(|template| in_template(template, visit));
                in_number(map.max_concurrency.as_ref(), visit);
                in_number(map.tolerated_failure_count.as_ref(), visit);
                in_number(map.tolerated_failure_percentage.as_ref(), visit);
                let Some(distributed) = &map.distributed else { return };
                if let Some(reader) = &distributed.reader {
                    reader.arguments.iter().for_each(|template| in_template(template, visit));
                    in_number(reader.config.max_items.as_ref(), visit);
                }
                if let Some(batcher) = &distributed.batcher {
                    in_number(batcher.max_items.as_ref(), visit);
                    in_number(batcher.max_input_bytes.as_ref(), visit);
                    batcher.batch_input.iter().for_each(|template| in_template(template, visit));
                }
                if let Some(writer) = &distributed.writer {
                    writer.arguments.iter().for_each(|template| in_template(template, visit));
                }
            }
        }
    }
}

fn in_template(template: &Template, visit: &mut dyn FnMut(&Expression)) {
    template.visit_expressions("", &mut |expression, _| visit(expression));
}

fn in_number(number: Option<&NumberField>, visit: &mut dyn FnMut(&Expression)) {
    if let Some(NumberField::Expression(expression)) = number {
        visit(expression);
    }
}
