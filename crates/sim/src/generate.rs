//! Random valid state machines. They always come to an end: a state's successors stand behind
//! it, and every task has a timeout.

use serde_json::{Map, Value, json};

use crate::Random;

/// The activities that generated machines use.
pub const ACTIVITIES: [&str; 2] = [
    "arn:aws:states:us-east-1:123456789012:activity:first",
    "arn:aws:states:us-east-1:123456789012:activity:second",
];

/// Error names that tasks, Fail states, retriers and catchers share, so that they meet.
pub(crate) const ERRORS: [&str; 3] = ["Broken", "Refused", "Mine"];

/// A definition of a Standard machine.
pub fn generate_definition(random: &Random) -> Value {
    let mut generator = Generator { random, names: 0 };
    let mut definition = generator.scope(2);
    if random.once_in(8) {
        definition["TimeoutSeconds"] = json!(1 + random.below(5_000));
    }
    definition
}

/// A definition of a Standard machine whose tasks also start executions of another one.
pub(crate) fn generate_parent(random: &Random, child: &str) -> Value {
    let mut definition = generate_definition(random);
    let pattern = || *random.choose(&[".sync", ".sync", ".sync:2", "", ".waitForTaskToken"]);
    let start = |state: &mut Value| {
        let mut parameters = json!({ "StateMachineArn": child, "Input": generate_input(random) });
        if random.once_in(4) {
            // Meets itself when it is tried again.
            parameters["Name.$"] =
                "States.Format('{}-{}', $$.Execution.Name, $$.State.Name)".into();
        }
        let resource = format!("arn:aws:states:::states:startExecution{}", pattern());
        state["Resource"] = resource.into();
        state["Parameters"] = parameters;
        state["TimeoutSeconds"] = (60 + random.below(3_000)).into();
        if let Some(members) = state.as_object_mut() {
            members.remove("HeartbeatSeconds");
        }
    };
    each_task(&mut definition, &mut |state| {
        if random.once_in(2) {
            start(state);
        }
    });
    distribute(&mut definition, random);
    definition
}

/// Lets some Maps run their items as executions of their own.
fn distribute(value: &mut Value, random: &Random) {
    if value["Type"] == json!("Map") && random.once_in(2) {
        let execution_type = match is_for_express(&value["ItemProcessor"]) && random.once_in(2) {
            true => "EXPRESS",
            false => "STANDARD",
        };
        value["ItemProcessor"]["ProcessorConfig"] =
            json!({ "Mode": "DISTRIBUTED", "ExecutionType": execution_type });
        value["ItemSelector"] = generate_input(random);
        value["ToleratedFailurePercentage"] = (*random.choose(&[0, 30, 100])).into();
        if random.once_in(4) {
            value["ItemBatcher"] = json!({ "MaxItemsPerBatch": 2, "BatchInput": 1 });
        }
    }
    match value {
        Value::Object(members) => {
            members.values_mut().for_each(|value| distribute(value, random));
        }
        Value::Array(items) => items.iter_mut().for_each(|value| distribute(value, random)),
        _ => {}
    }
}

/// Whether Express executions can run these states.
fn is_for_express(processor: &Value) -> bool {
    let text = processor.to_string();
    !["activity:", ".sync", ".waitForTaskToken", r#""Map""#].iter().any(|word| text.contains(word))
}

/// Shows every Task state of a definition.
fn each_task(value: &mut Value, see: &mut dyn FnMut(&mut Value)) {
    if value["Type"] == json!("Task") {
        return see(value);
    }
    match value {
        Value::Object(members) => members.values_mut().for_each(|value| each_task(value, see)),
        Value::Array(items) => items.iter_mut().for_each(|value| each_task(value, see)),
        _ => {}
    }
}

/// An input that suits every generated definition.
pub fn generate_input(random: &Random) -> Value {
    let items: Vec<u64> = (0..random.below(5)).collect();
    json!({ "items": items, "n": random.below(10), "text": "x".repeat(random.below(40) as usize) })
}

struct Generator<'r> {
    random: &'r Random,
    names: u32,
}

impl Generator<'_> {
    /// A machine, branch or processor; `depth` is how many containers may stand in each other.
    fn scope(&mut self, depth: u32) -> Value {
        let length = 1 + self.random.below(4) as usize;
        let names: Vec<String> = (0..length)
            .map(|_| {
                self.names += 1;
                format!("State{}", self.names)
            })
            .collect();
        let mut states = Map::new();
        for (index, name) in names.iter().enumerate() {
            // The next state is always reachable; further jumps only go forward.
            let later = &names[index + 1..];
            states.insert(name.clone(), self.state(later, depth));
        }
        json!({ "StartAt": names[0], "States": states })
    }

    fn state(&mut self, later: &[String], depth: u32) -> Value {
        let kinds: &[&str] = match (later.is_empty(), depth) {
            (true, 0) => &["Pass", "Task", "Task", "Wait", "Succeed", "Fail"],
            (true, _) => &["Pass", "Task", "Wait", "Succeed", "Fail", "Parallel", "Map"],
            (false, 0) => &["Pass", "Task", "Task", "Wait", "Choice"],
            (false, _) => &["Pass", "Task", "Task", "Wait", "Choice", "Parallel", "Map", "Map"],
        };
        let mut state = match *self.random.choose(kinds) {
            "Pass" => self.pass(depth),
            "Task" => self.task(),
            "Wait" => json!({ "Type": "Wait", "Seconds": self.random.below(900) }),
            "Succeed" => return json!({ "Type": "Succeed" }),
            "Fail" => {
                return json!({ "Type": "Fail", "Error": self.random.choose(&ERRORS), "Cause": "" });
            }
            "Choice" => return self.choice(later),
            "Parallel" => self.parallel(depth - 1),
            _ => self.map(depth - 1),
        };
        match later.first() {
            Some(next) => state["Next"] = json!(next),
            None => state["End"] = json!(true),
        }
        if matches!(state["Type"].as_str(), Some("Task" | "Parallel" | "Map")) {
            self.retry_and_catch(&mut state, later);
        }
        state
    }

    fn pass(&mut self, depth: u32) -> Value {
        match self.random.below(4) {
            0 => json!({ "Type": "Pass", "Result": { "a": [1, 2.5, null] }, "ResultPath": "$" }),
            // An inner scope may not assign an outer one's names.
            1 => json!({
                "Type": "Pass",
                "Assign": { (format!("v{depth}.$")): "$", (format!("w{depth}")): self.random.below(100) }
            }),
            2 => json!({
                "Type": "Pass",
                "Parameters": { "in.$": "$", "id.$": "States.UUID()", "name.$": "$$.State.Name" }
            }),
            _ => json!({ "Type": "Pass" }),
        }
    }

    fn task(&mut self) -> Value {
        let timeout = 5 + self.random.below(600);
        let heartbeat = 1 + self.random.below(timeout - 1);
        let mut state = match self.random.below(5) {
            4 => json!({
                "Type": "Task",
                "Resource": "arn:aws:states:::batch:submitJob.sync",
                "Parameters": { "JobName": "job", "JobQueue": "queue", "JobDefinition.$": "$$.State.Name" }
            }),
            0 => json!({
                "Type": "Task",
                "Resource": "arn:aws:lambda:us-east-1:123456789012:function:plain"
            }),
            1 => json!({
                "Type": "Task",
                "Resource": "arn:aws:states:::lambda:invoke",
                "Parameters": { "FunctionName": "invoked", "Payload.$": "$" }
            }),
            2 => json!({
                "Type": "Task",
                "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken",
                "Parameters": {
                    "FunctionName": "callback",
                    "Payload": { "token.$": "$$.Task.Token", "try.$": "$$.State.RetryCount" }
                }
            }),
            _ => json!({ "Type": "Task", "Resource": self.random.choose(&ACTIVITIES) }),
        };
        state["TimeoutSeconds"] = json!(timeout);
        if self.random.once_in(3) {
            state["HeartbeatSeconds"] = json!(heartbeat);
        }
        if self.random.once_in(3) {
            state["ResultPath"] = Value::Null;
        }
        state
    }

    fn choice(&mut self, later: &[String]) -> Value {
        let target = self.random.choose(later);
        json!({
            "Type": "Choice",
            "Choices": [{
                "Variable": "$$.Execution.Input.n",
                "NumericLessThan": self.random.below(10),
                "Next": target
            }],
            "Default": later[0]
        })
    }

    fn parallel(&mut self, depth: u32) -> Value {
        let branches: Vec<Value> = (0..=self.random.below(3)).map(|_| self.scope(depth)).collect();
        json!({ "Type": "Parallel", "Branches": branches })
    }

    fn map(&mut self, depth: u32) -> Value {
        json!({
            "Type": "Map",
            "ItemsPath": "$$.Execution.Input.items",
            "MaxConcurrency": self.random.below(4),
            "ItemProcessor": self.scope(depth)
        })
    }

    fn retry_and_catch(&mut self, state: &mut Value, later: &[String]) {
        if self.random.once_in(2) {
            state["Retry"] = json!([{
                "ErrorEquals": [self.random.choose(&["States.ALL", "Broken", "States.Timeout"])],
                "IntervalSeconds": 1 + self.random.below(60),
                "MaxAttempts": self.random.below(4),
                "BackoffRate": 1.5,
                "JitterStrategy": self.random.choose(&["FULL", "NONE"])
            }]);
        }
        if self.random.once_in(2) && !later.is_empty() {
            state["Catch"] = json!([{
                "ErrorEquals": [self.random.choose(&["States.ALL", "Mine", "States.TaskFailed"])],
                "Next": self.random.choose(later)
            }]);
        }
    }
}
