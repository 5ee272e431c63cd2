//! Every operation that lists, page by page: a walk in pages of any size is the whole list, in its
//! order, and a token serves nothing but the request that it was given for, for 24 hours.

use std::sync::Arc;
use std::time::Duration;

use api::ApiOptions;
use asl::Timestamp;
use runtime::{ManualClock, RuntimeOptions};
use serde_json::{Value, json};

use crate::server::{Connection, Server};

const ROLE: &str = "arn:aws:iam::123456789012:role/role";
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const INVALID_TOKEN: &str = "400 InvalidToken: Invalid Token: 'Invalid token'";

/// A list: what asks for it, and where the items are.
struct List {
    operation: &'static str,
    request: Value,
    items: &'static str,
    /// Items that there must be.
    count: usize,
    /// What items are known by, and the order that they must be in.
    order: fn(&Value) -> String,
}

struct World {
    server: Server,
    clock: Arc<ManualClock>,
    connection: Connection,
}

impl World {
    async fn start() -> World {
        let clock = Arc::new(ManualClock::new(Timestamp(1_772_366_400_000)));
        let (options, api) = (RuntimeOptions::default(), ApiOptions::default());
        let server = Server::start_over(options, api, None, clock.clone()).await;
        let connection = server.connect().await;
        World { server, clock, connection }
    }

    async fn call(&mut self, operation: &str, request: &Value) -> Value {
        let response = self.connection.call(operation, request.to_string().as_bytes()).await;
        assert_eq!(response.status, 200, "{operation} {request}: {}", response.body);
        // So that moments differ.
        self.clock.advance(Duration::from_secs(1));
        response.json()
    }

    async fn refusal(&mut self, operation: &str, request: &Value) -> String {
        let response = self.connection.call(operation, request.to_string().as_bytes()).await;
        response.error()
    }

    async fn create(&mut self, name: &str, definition: &Value) -> String {
        let definition = definition.to_string();
        let request = json!({"name": name, "definition": definition, "roleArn": ROLE});
        let created = self.call("CreateStateMachine", &request).await;
        created["stateMachineArn"].as_str().unwrap().to_owned()
    }

    /// Starts an execution, and waits for its end if it comes by itself.
    async fn run(&mut self, machine: &str, name: &str, input: &Value, ends: bool) -> String {
        let request = json!({"stateMachineArn": machine, "name": name, "input": input.to_string()});
        let started = self.call("StartExecution", &request).await;
        let execution = started["executionArn"].as_str().unwrap().to_owned();
        if ends {
            self.server.runtime.wait_for_end(&execution).await.unwrap();
        }
        execution
    }

    /// Everything, in one page.
    async fn whole(&mut self, list: &List) -> Vec<Value> {
        let answer =
            self.call(list.operation, &with(&list.request, "maxResults", json!(1000))).await;
        assert!(answer.get("nextToken").is_none());
        answer[list.items].as_array().unwrap().clone()
    }

    /// Walks through a list in pages of so many items; a token of it, if there was one.
    async fn walk(&mut self, list: &List, size: usize, whole: &[Value]) -> Option<String> {
        let mut request = with(&list.request, "maxResults", json!(size));
        let mut seen = Vec::new();
        let mut first_token = None;
        loop {
            let answer = self.call(list.operation, &request).await;
            let page = answer[list.items].as_array().unwrap();
            seen.extend_from_slice(page);
            let Some(token) = answer.get("nextToken") else { break };
            assert_eq!(page.len(), size, "{}: all pages but the last are full", list.operation);
            let text = token.as_str().unwrap();
            assert!(text.len() <= 1024);
            first_token.get_or_insert_with(|| text.to_owned());
            request = with(&request, "nextToken", token.clone());
        }
        assert_eq!(seen, whole, "{} in pages of {size}", list.operation);
        first_token
    }
}

fn with(request: &Value, key: &str, value: Value) -> Value {
    let mut request = request.clone();
    request[key] = value;
    request
}

/// The newest first: a text that is the smaller, the later.
fn newest_first(item: &Value) -> String {
    let moment = item.get("stopDate").unwrap_or(&item["startDate"]).as_f64().unwrap();
    format!("{:020.3}", 1e12 - moment)
}

/// Fills a server with several of everything.
async fn lists(world: &mut World) -> Vec<List> {
    let pass = json!({"StartAt": "P", "States": {"P": {"Type": "Pass", "End": true}}});
    let fail = json!({"StartAt": "F", "States": {"F": {"Type": "Fail"}}});
    let wait = |seconds: u64| json!({"Type": "Wait", "Seconds": seconds, "End": true});
    let long = 90 * 24 * 60 * 60;
    for name in ["m3", "m1", "m5", "m2", "m4"] {
        world.create(name, &pass).await;
        world.call("CreateActivity", &json!({"name": name.replace('m', "a")})).await;
    }
    // Executions of every status, by version, by alias and by neither.
    let choice = json!({"StartAt": "C", "TimeoutSeconds": long, "States": {
        "C": {"Type": "Choice", "Default": "P", "Choices": [
            {"Variable": "$.fail", "BooleanEquals": true, "Next": "F"},
            {"Variable": "$.wait", "BooleanEquals": true, "Next": "W"}]},
        "P": {"Type": "Pass", "End": true}, "F": {"Type": "Fail"}, "W": wait(long)}});
    let machine = world.create("mixed", &choice).await;
    for number in 1..=6 {
        let definition = with(&choice, "Comment", json!(number.to_string())).to_string();
        let request =
            json!({"stateMachineArn": machine, "definition": definition, "publish": true});
        world.call("UpdateStateMachine", &request).await;
        let version =
            json!([{"stateMachineVersionArn": format!("{machine}:{number}"), "weight": 100}]);
        let alias = json!({"name": format!("alias{number}"), "routingConfiguration": version});
        world.call("CreateStateMachineAlias", &alias).await;
    }
    let (version, alias) = (format!("{machine}:1"), format!("{machine}:alias1"));
    for number in 0..4 {
        for arn in [&machine, &version, &alias] {
            let kind = arn.rsplit(':').next().unwrap();
            let input = json!({"fail": true, "wait": false});
            world.run(arn, &format!("fail-{kind}-{number}"), &input, true).await;
            let input = json!({"fail": false, "wait": false});
            world.run(arn, &format!("pass-{kind}-{number}"), &input, true).await;
            let input = json!({"fail": false, "wait": true});
            world.run(arn, &format!("wait-{kind}-{number}"), &input, false).await;
            let name = format!("stop-{kind}-{number}");
            let stopped = world.run(arn, &name, &input, false).await;
            world.call("StopExecution", &json!({"executionArn": stopped})).await;
        }
    }
    let short = json!({"StartAt": "W", "TimeoutSeconds": 5, "States": {"W": wait(long)}});
    let short = world.create("short", &short).await;
    for number in 0..4 {
        let execution = world.run(&short, &format!("late-{number}"), &json!({}), false).await;
        world.clock.advance(Duration::from_secs(10));
        world.server.runtime.wait_for_end(&execution).await.unwrap();
    }
    let (mapped, map_run) = map_runs(world, &fail).await;
    let mut lists = vec![
        list("ListStateMachines", json!({}), "stateMachines", 8, |item| text(item, "name")),
        list("ListActivities", json!({}), "activities", 5, |item| text(item, "name")),
        list(
            "ListStateMachineVersions",
            json!({"stateMachineArn": machine}),
            "stateMachineVersions",
            6,
            // Newest first; there are fewer than ten.
            |item| {
                let arn = text(item, "stateMachineVersionArn");
                let number: u32 = arn.rsplit(':').next().unwrap().parse().unwrap();
                (10 - number).to_string()
            },
        ),
        list(
            "ListStateMachineAliases",
            json!({"stateMachineArn": machine}),
            "stateMachineAliases",
            6,
            |item| text(item, "stateMachineAliasArn"),
        ),
        list("ListMapRuns", json!({"executionArn": mapped}), "mapRuns", 3, |item| {
            format!("{:020.3}", 1e12 - item["startDate"].as_f64().unwrap())
        }),
    ];
    for (request, count) in [
        (json!({"stateMachineArn": machine}), 48),
        (json!({"stateMachineArn": machine, "statusFilter": "RUNNING"}), 12),
        (json!({"stateMachineArn": machine, "statusFilter": "SUCCEEDED"}), 12),
        (json!({"stateMachineArn": machine, "statusFilter": "FAILED"}), 12),
        (json!({"stateMachineArn": machine, "statusFilter": "ABORTED"}), 12),
        (json!({"stateMachineArn": machine, "statusFilter": "TIMED_OUT"}), 0),
        (json!({"stateMachineArn": short, "statusFilter": "TIMED_OUT"}), 4),
        (json!({"stateMachineArn": version}), 32),
        (json!({"stateMachineArn": alias}), 16),
        (json!({"stateMachineArn": alias, "statusFilter": "FAILED"}), 4),
        (json!({"mapRunArn": map_run}), 7),
        (json!({"mapRunArn": map_run, "statusFilter": "FAILED"}), 7),
        (json!({"mapRunArn": map_run, "redriveFilter": "NOT_REDRIVEN"}), 7),
        (json!({"mapRunArn": map_run, "redriveFilter": "REDRIVEN"}), 0),
    ] {
        lists.push(list("ListExecutions", request, "executions", count, newest_first));
    }
    for (request, order) in [
        (json!({"executionArn": mapped}), event_id as fn(&Value) -> String),
        (json!({"executionArn": mapped, "reverseOrder": true}), |item| {
            format!("{:03}", 999 - item["id"].as_u64().unwrap())
        }),
        (json!({"executionArn": mapped, "includeExecutionData": false}), event_id),
    ] {
        lists.push(list("GetExecutionHistory", request, "events", 20, order));
    }
    lists
}

/// An execution with three Map Runs; and the ARN of the first of them.
async fn map_runs(world: &mut World, processor: &Value) -> (String, String) {
    let map = |name: &str, next: &str| {
        // Names of states are distinct in a whole definition.
        let state = processor["States"]["F"].clone();
        let mut processor = json!({"StartAt": name, "States": {name: state}});
        processor["ProcessorConfig"] = json!({"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"});
        let mut state = json!({
            "Type": "Map", "ItemProcessor": processor, "ToleratedFailurePercentage": 100,
            "ResultPath": null,
        });
        match next {
            "" => state["End"] = json!(true),
            next => state["Next"] = json!(next),
        }
        state
    };
    let definition = json!({"StartAt": "A", "States": {"A": map("FA", "B"), "B": map("FB", "C"), "C": map("FC", "")}});
    let machine = world.create("maps", &definition).await;
    let items = json!([1, 2, 3, 4, 5, 6, 7]);
    let execution = world.run(&machine, "mapped", &items, true).await;
    let runs = world.call("ListMapRuns", &json!({"executionArn": execution})).await;
    let arn = runs["mapRuns"][2]["mapRunArn"].as_str().unwrap().to_owned();
    (execution, arn)
}

fn list(
    operation: &'static str,
    request: Value,
    items: &'static str,
    count: usize,
    order: fn(&Value) -> String,
) -> List {
    List { operation, request, items, count, order }
}

fn text(item: &Value, key: &str) -> String {
    item[key].as_str().unwrap().to_owned()
}

fn event_id(item: &Value) -> String {
    format!("{:03}", item["id"].as_u64().unwrap())
}

#[tokio::test]
async fn pages_of_any_size_make_up_the_list_in_its_order() {
    let mut world = World::start().await;
    for list in lists(&mut world).await {
        let whole = world.whole(&list).await;
        let shown = format!("{} {}", list.operation, list.request);
        assert_eq!(whole.len(), list.count, "{shown}: {whole:#?}");
        let order: Vec<String> = whole.iter().map(list.order).collect();
        let mut sorted = order.clone();
        sorted.sort();
        assert_eq!(order, sorted, "{shown}");
        for size in [1, 2, 3, list.count.max(2) - 1, list.count.max(1), list.count + 1] {
            let token = world.walk(&list, size, &whole).await;
            assert_eq!(token.is_some(), size < list.count, "{shown} in pages of {size}");
        }
        // Absent and 0 mean 100.
        for request in [list.request.clone(), with(&list.request, "maxResults", json!(0))] {
            let answer = world.call(list.operation, &request).await;
            assert_eq!(answer[list.items].as_array().unwrap(), &whole, "{shown}");
        }
    }
}

#[tokio::test]
async fn absent_and_zero_mean_a_hundred_items() {
    let mut world = World::start().await;
    for number in 0..101 {
        world.call("CreateActivity", &json!({"name": format!("a{number}")})).await;
    }
    for request in [json!({}), json!({"maxResults": 0}), json!({"maxResults": null})] {
        let answer = world.call("ListActivities", &request).await;
        assert_eq!(answer["activities"].as_array().unwrap().len(), 100);
        let next = with(&request, "nextToken", answer["nextToken"].clone());
        let answer = world.call("ListActivities", &next).await;
        assert_eq!(answer["activities"].as_array().unwrap().len(), 1);
        assert!(answer.get("nextToken").is_none());
    }
}

#[tokio::test]
async fn bounds_are_refused_in_awss_words() {
    let mut world = World::start().await;
    for list in lists(&mut world).await {
        let longest = if list.operation == "ListExecutions" { 3096 } else { 1024 };
        let long = "x".repeat(longest + 1);
        for (key, value, shown, constraint) in [
            ("maxResults", json!(1001), "1001", "value less than or equal to 1000"),
            ("maxResults", json!(-1), "-1", "value greater than or equal to 0"),
            ("nextToken", json!(""), "", "length greater than or equal to 1"),
            ("nextToken", json!(long), &long, &format!("length less than or equal to {longest}")),
        ] {
            let expected = format!(
                "400 ValidationException: 1 validation error detected: Value '{shown}' at '{key}' \
                 failed to satisfy constraint: Member must have {constraint}"
            );
            let request = with(&list.request, key, value);
            assert_eq!(world.refusal(list.operation, &request).await, expected);
        }
    }
}

#[tokio::test]
async fn a_token_serves_only_what_it_was_given_for() {
    let mut world = World::start().await;
    let lists = lists(&mut world).await;
    let mut tokens = Vec::new();
    for (at, list) in lists.iter().enumerate() {
        let whole = world.whole(list).await;
        if let Some(token) = world.walk(list, 2, &whole).await {
            tokens.push((at, token));
        }
    }
    assert!(tokens.len() > lists.len() / 2);
    for (of, token) in &tokens {
        for (at, list) in lists.iter().enumerate() {
            let request = with(&list.request, "nextToken", json!(token));
            // What is shown of events is no matter of where the list goes on.
            let same_place = list.operation == "GetExecutionHistory"
                && lists[*of].operation == list.operation
                && list.request.get("reverseOrder") == lists[*of].request.get("reverseOrder");
            if at == *of || same_place {
                world.call(list.operation, &request).await;
            } else {
                let refusal = world.refusal(list.operation, &request).await;
                assert_eq!(refusal, INVALID_TOKEN, "a token of {of} in {at}");
            }
        }
        // The same with a sign changed, cut off, or behind it.
        let list = &lists[*of];
        let middle = token.len() / 2;
        let other = if token[middle..].starts_with('A') { "B" } else { "A" };
        for changed in [
            format!("{}{other}{}", &token[..middle], &token[middle + 1..]),
            token[1..].to_owned(),
            token[..token.len() - 1].to_owned(),
            format!("{token}A"),
            "x".to_owned(),
        ] {
            let request = with(&list.request, "nextToken", json!(changed));
            assert_eq!(world.refusal(list.operation, &request).await, INVALID_TOKEN);
        }
    }
}

#[tokio::test]
async fn a_token_holds_for_24_hours() {
    let mut world = World::start().await;
    for list in lists(&mut world).await {
        if list.count < 3 {
            continue;
        }
        let first = with(&list.request, "maxResults", json!(2));
        let response = world.connection.call(list.operation, first.to_string().as_bytes()).await;
        let request = with(&first, "nextToken", response.json()["nextToken"].clone());
        world.clock.advance(DAY);
        let response = world.connection.call(list.operation, request.to_string().as_bytes()).await;
        assert_eq!(response.status, 200, "{}: {}", list.operation, response.body);
        world.clock.advance(Duration::from_millis(1));
        let refusal = world.refusal(list.operation, &request).await;
        assert_eq!(refusal, INVALID_TOKEN, "{}", list.operation);
    }
}
