//! Requests to every operation, made up from AWS's service model: whatever comes, the server
//! answers, and never with a fault of its own. The requests follow from a seed, which a failure
//! names; `STEPWELL_FUZZ_REQUESTS` and `STEPWELL_FUZZ_SEED` say how many and which.

use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::server::Server;

/// Requests where nothing is said; `cargo xtask fuzz` makes as many as it is told.
const REQUESTS: u64 = 10_000;
/// How deep made-up structures go.
const DEPTH_MAX: u32 = 6;
const SCOPE: &str = "arn:aws:states:us-east-1:123456789012";

/// A generator of random numbers (SplitMix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        bits ^ (bits >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound as u64).unwrap()
    }

    fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }

    fn pick<'t, T>(&mut self, from: &'t [T]) -> &'t T {
        &from[self.below(from.len())]
    }
}

/// Definitions of states and machines: good ones, and ones that are not.
fn definitions() -> Vec<String> {
    let task = "arn:aws:lambda:us-east-1:123456789012:function:f";
    let pass = json!({"Type": "Pass", "End": true});
    let map = json!({"Type": "Map", "ItemProcessor": {"StartAt": "P", "States": {"P": pass}},
        "End": true});
    let parallel = json!({"Type": "Parallel", "Branches": [{"StartAt": "P", "States": {"P": pass}}],
        "End": true});
    let states = [
        pass.clone(),
        json!({"Type": "Succeed"}),
        json!({"Type": "Fail", "Error": "E"}),
        json!({"Type": "Wait", "Seconds": 0, "End": true}),
        json!({"Type": "Choice", "Choices": [{"Variable": "$.a", "IsPresent": true, "Next": "X"}]}),
        json!({"Type": "Task", "Resource": task, "End": true}),
        json!({"Type": "Task", "Resource": "arn:aws:states:::dynamodb:putItem",
            "Parameters": {"TableName": "t", "Item": {}}, "Next": "X"}),
        json!({"Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
            "Parameters": {"QueueUrl": "q", "MessageBody": "b"}, "End": true}),
        json!({"Type": "Pass", "QueryLanguage": "JSONata", "Output": "{% $states.input %}",
            "End": true}),
        map,
        parallel,
    ];
    let machines = states.iter().map(|state| json!({"StartAt": "S", "States": {"S": state}}));
    let all = machines.chain(states.iter().cloned()).map(|definition| definition.to_string());
    all.chain(["{}", "[]", "{", ""].map(str::to_owned)).collect()
}

/// What makes requests.
struct Maker {
    model: Value,
    definitions: Vec<String>,
    /// Texts of earlier answers: ARNs, tokens, revisions.
    seen: Vec<String>,
    random: Random,
}

impl Maker {
    fn new(seed: u64) -> Maker {
        let path = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../testdata/service_model/stepfunctions-2016-11-23.json"
        );
        let kinds = [
            "stateMachine:a",
            "stateMachine:a:1",
            "stateMachine:a:PROD",
            "activity:a",
            "execution:a:a",
            "express:a:a:u",
            "mapRun:a/L:u",
            "stateMachine:a/L",
            "x",
        ];
        Maker {
            model: serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap(),
            definitions: definitions(),
            seen: kinds.iter().map(|kind| format!("{SCOPE}:{kind}")).collect(),
            random: Random(seed),
        }
    }

    fn value(&mut self, name: &str, member: &str, depth: u32) -> Value {
        if self.random.one_in(40) {
            let strange = [
                json!(null),
                json!(true),
                json!(-1),
                json!(1e300),
                json!("\u{0}"),
                json!([]),
                json!({}),
                json!([[null]]),
                json!({"a": {}}),
            ];
            return self.random.pick(&strange).clone();
        }
        let shape = self.model["shapes"][name].clone();
        match shape["type"].as_str().unwrap() {
            "structure" => self.structure(&shape, depth),
            "list" if depth < DEPTH_MAX => {
                let element = shape["member"]["shape"].as_str().unwrap();
                let count = *self.random.pick(&[0, 1, 1, 1, 2, 3]);
                (0..count).map(|_| self.value(element, member, depth + 1)).collect()
            }
            "list" => json!([]),
            "integer" if member == "weight" && self.random.one_in(2) => json!(100),
            "boolean" => json!(self.random.one_in(2)),
            "integer" | "long" | "float" | "double" => {
                let (min, max) = (shape["min"].as_i64().unwrap_or(0), shape["max"].as_i64());
                let numbers = [min, min - 1, min + 1, max.unwrap_or(9), max.unwrap_or(9) + 1, 100];
                json!(self.random.pick(&numbers))
            }
            _ => Value::String(self.text(&shape, name, member)),
        }
    }

    fn structure(&mut self, shape: &Value, depth: u32) -> Value {
        let required: Vec<&str> =
            shape["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let mut object = Map::new();
        for (member, of) in shape["members"].as_object().unwrap() {
            let given = match required.contains(&member.as_str()) {
                true => !self.random.one_in(20),
                false => depth < DEPTH_MAX && self.random.one_in(3),
            };
            if given {
                let shape = of["shape"].as_str().unwrap();
                let value = self.value(shape, member, depth + 1);
                object.insert(member.clone(), value);
            }
        }
        Value::Object(object)
    }

    fn text(&mut self, shape: &Value, name: &str, member: &str) -> String {
        if let Some(values) = shape["enum"].as_array() {
            return self.random.pick(values).as_str().unwrap().to_owned();
        }
        let max = usize::try_from(shape["max"].as_u64().unwrap_or(40)).unwrap();
        match self.random.below(30) {
            0 => return String::new(),
            1 => return "a".repeat(max.min(300_000) + 1),
            2 => return "\u{fc}\u{1f600}\u{ffff}".to_owned(),
            _ => {}
        }
        let payloads = ["{}", "null", "[1,2]", "{\"a\":1}", "\"x\"", "{", "1.0"];
        let names = ["a", "PROD", "b.c-d_e", "S", "P", "StateName", "a b", "1"];
        match name {
            "Definition" => self.random.pick(&self.definitions.clone()).clone(),
            "SensitiveData" | "SensitiveDataJobInput" => (*self.random.pick(&payloads)).to_owned(),
            "Arn" if member == "roleArn" => "arn:aws:iam::123456789012:role/r".to_owned(),
            "Arn"
            | "LongArn"
            | "TaskToken"
            | "PageToken"
            | "ListExecutionsPageToken"
            | "RevisionId" => self.seen(member),
            _ => (*self.random.pick(&names)).to_owned(),
        }
    }

    /// A text of an earlier answer; mostly one of the same member, if there was one.
    fn seen(&mut self, member: &str) -> String {
        let fitting: Vec<String> = match member {
            "stateMachineVersionArn" => self.ending_in(|end| end.parse::<u64>().is_ok()),
            "stateMachineAliasArn" => self.ending_in(|end| end == "PROD"),
            _ => self.seen.iter().filter(|text| fits(member, text)).cloned().collect(),
        };
        match fitting.is_empty() || self.random.one_in(4) {
            true => self.random.pick(&self.seen.clone()).clone(),
            false => self.random.pick(&fitting).clone(),
        }
    }

    fn ending_in(&self, is_end: impl Fn(&str) -> bool) -> Vec<String> {
        let machines = self.seen.iter().filter(|text| text.contains(":stateMachine:"));
        machines.filter(|text| is_end(text.rsplit(':').next().unwrap())).cloned().collect()
    }

    /// Remembers the texts of an answer that later requests may name.
    fn learn(&mut self, value: &Value, key: &str) {
        match value {
            Value::Object(members) => {
                members.iter().for_each(|(key, value)| self.learn(value, key));
            }
            Value::Array(values) => values.iter().for_each(|value| self.learn(value, key)),
            Value::String(text)
                if (key.ends_with("Arn") || key.ends_with("Token") || key == "revisionId")
                    && !self.seen.contains(text) =>
            {
                self.seen.push(text.clone());
                if self.seen.len() > 400 {
                    // Executions and tokens are many; state machines and versions stay.
                    let goes = |text: &String| !text.contains(":stateMachine:");
                    let at = self.seen.iter().skip(9).position(goes).unwrap_or(0);
                    self.seen.remove(9 + at);
                }
            }
            _ => {}
        }
    }
}

/// Whether a text is of the kind that a member names.
fn fits(member: &str, text: &str) -> bool {
    let kind = match member {
        "executionArn" => ":execution:",
        "activityArn" => ":activity:",
        "stateMachineArn" | "resourceArn" => ":stateMachine:",
        "taskToken" | "nextToken" | "revisionId" => return !text.starts_with("arn:"),
        _ => return false,
    };
    text.contains(kind)
}

fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_request_is_answered_with_a_fault() {
    let (requests, seed) =
        (number("STEPWELL_FUZZ_REQUESTS", REQUESTS), number("STEPWELL_FUZZ_SEED", 1));
    let server = Server::start_polling(Duration::from_millis(1)).await;
    let mut connection = server.connect().await;
    let mut maker = Maker::new(seed);
    let operations: Vec<(String, String)> = maker.model["operations"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, operation)| {
            (name.clone(), operation["input"]["shape"].as_str().unwrap().to_owned())
        })
        .collect();
    let machine = json!({"name": "a", "roleArn": "arn:aws:iam::123456789012:role/r",
        "definition": maker.definitions[0], "publish": true});
    assert_eq!(
        connection.call("CreateStateMachine", machine.to_string().as_bytes()).await.status,
        200
    );
    let mut answered = vec![[0_u64; 2]; operations.len()];
    for request in 0..requests {
        let at = usize::try_from(request).unwrap() % operations.len();
        let (name, input) = &operations[at];
        // Else hardly anything would live long enough to be referred to.
        if name == "DeleteStateMachine" && !maker.random.one_in(8) {
            continue;
        }
        let shape = maker.model["shapes"][input].clone();
        let body = maker.structure(&shape, 0).to_string();
        let response = connection.call(name, body.as_bytes()).await;
        let shown = &body[..body.len().min(2_000)];
        assert!(
            response.status == 200 || response.status == 400,
            "seed {seed}, request {request}: {name} {shown}\n{} {}",
            response.status,
            response.body
        );
        answered[at][usize::from(response.status == 200)] += 1;
        maker.learn(&response.json(), "");
    }
    server.stop().await;
    if requests < 5_000 {
        return;
    }
    // A fuzz that only meets refusals shows little. Some operations want what hardly ever comes
    // about by chance: a task's token, a Map Run.
    let good = answered.iter().filter(|[_, good]| *good > 0).count();
    assert!(good >= 28, "only {good} operations were ever answered with success");
}
