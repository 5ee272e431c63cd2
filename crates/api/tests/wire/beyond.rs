//! Our own paths: search, Express executions, events, trees.

use api::{AccessKey, AccessKeys, Role};
use asl::{MachineType, Payload};
use runtime::{NewStateMachine, StartRequest};
use serde_json::{Value, json};

use crate::openapi;
use crate::server::{Connection, Server};

const SCOPE: &str = "arn:aws:states:us-east-1:123456789012";

/// The status and body of a GET.
async fn get(connection: &mut Connection, path: &str) -> (u16, Value) {
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
    connection.send(request.as_bytes()).await;
    let response = connection.response().await.unwrap();
    openapi::check("get", path, &response);
    assert_eq!(response.header("content-type"), Some("application/json"));
    assert_eq!(response.header("access-control-allow-origin"), None);
    (response.status, response.json())
}

async fn create(connection: &mut Connection, name: &str, machine_type: &str, states: Value) {
    let first = states.as_object().unwrap().keys().next().unwrap();
    let definition = json!({"StartAt": first, "States": states}).to_string();
    let request = json!({"name": name, "type": machine_type, "definition": definition,
        "roleArn": "arn:aws:iam::123456789012:role/r"});
    let response = connection.call("CreateStateMachine", request.to_string().as_bytes()).await;
    assert_eq!(response.status, 200, "{}", response.body);
}

/// Starts an execution and waits for its end.
async fn run(
    server: &Server,
    connection: &mut Connection,
    machine: &str,
    name: &str,
    input: Value,
) {
    let request = json!({"stateMachineArn": format!("{SCOPE}:stateMachine:{machine}"),
        "name": name, "input": input.to_string()});
    let response = connection.call("StartExecution", request.to_string().as_bytes()).await;
    let arn = response.json()["executionArn"].as_str().unwrap().to_owned();
    server.runtime.wait_for_end(&arn).await.unwrap();
}

fn names(page: &Value) -> String {
    let names = page["executions"].as_array().unwrap().iter();
    names.map(|found| found["name"].as_str().unwrap()).collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn executions_are_found_by_every_filter() {
    let server = Server::start().await;
    let mut connection = server.connect().await;
    let choice = json!({"C": {"Type": "Choice", "Default": "Good",
            "Choices": [{"Variable": "$.bad", "IsPresent": true, "Next": "Bad"}]},
        "Good": {"Type": "Pass", "Result": {"fine": "yes"}, "End": true},
        "Bad": {"Type": "Fail", "ErrorPath": "$.bad", "Cause": "c"}});
    create(&mut connection, "one", "STANDARD", choice.clone()).await;
    create(&mut connection, "two", "STANDARD", choice).await;
    run(&server, &mut connection, "one", "a-1", json!({"order": 17})).await;
    run(&server, &mut connection, "one", "a-2", json!({"bad": "Lost"})).await;
    run(&server, &mut connection, "two", "b-1", json!({"bad": "Gone"})).await;
    run(&server, &mut connection, "two", "a-3", json!({"order": 18})).await;
    for (query, found) in [
        ("", "a-3 b-1 a-2 a-1"),
        ("?namePrefix=a-", "a-3 a-2 a-1"),
        ("?status=FAILED", "b-1 a-2"),
        ("?error=Lost", "a-2"),
        ("?error=Lo", ""),
        ("?state=Good&namePrefix=a", "a-3 a-1"),
        ("?text=%22order%22:17", "a-1"),
        ("?text=yes&maxResults=1000", "a-3 a-1"),
        ("?stateMachineArn=arn:aws:states:us-east-1:123456789012:stateMachine:one", "a-2 a-1"),
        (
            "?stateMachineArn=arn:aws:states:us-east-1:123456789012:stateMachine:one&status=FAILED",
            "a-2",
        ),
        ("?stateMachineArn=arn:aws:states:us-east-1:123456789012:stateMachine:none", ""),
        ("?startedFrom=2020-01-01T00:00:00Z&startedBefore=2100-01-01T00:00:00Z", "a-3 b-1 a-2 a-1"),
        ("?startedBefore=2020-01-01T00:00:00Z", ""),
        ("?startedFrom=4102444800", ""),
        ("?endedFrom=2020-01-01T00:00:00Z&status=SUCCEEDED", "a-3 a-1"),
        ("?endedBefore=1", ""),
    ] {
        let (status, page) = get(&mut connection, &format!("/api/executions{query}")).await;
        assert_eq!((status, names(&page).as_str()), (200, found), "{query}: {page}");
    }
    // Page by page, by key and by the index of a state machine.
    for filter in ["", "&stateMachineArn=arn:aws:states:us-east-1:123456789012:stateMachine:one"] {
        let (mut all, mut token) = (Vec::new(), String::new());
        loop {
            let path = format!("/api/executions?maxResults=1{filter}{token}");
            let (_, page) = get(&mut connection, &path).await;
            all.push(names(&page));
            match page["nextToken"].as_str() {
                Some(next) => token = format!("&nextToken={next}"),
                None => break,
            }
        }
        let expected = if filter.is_empty() { "a-3 b-1 a-2 a-1" } else { "a-2 a-1" };
        assert_eq!(all.join(" ").trim(), expected);
    }
    // A token is good for the filters it was given for.
    let (_, page) = get(&mut connection, "/api/executions?maxResults=1").await;
    let token = page["nextToken"].as_str().unwrap();
    let (status, refused) =
        get(&mut connection, &format!("/api/executions?maxResults=1&error=E&nextToken={token}"))
            .await;
    assert_eq!((status, refused["code"].as_str()), (400, Some("InvalidToken")));
    for (path, status, code) in [
        ("/api/executions?nam=a", 400, "ValidationException"),
        ("/api/executions?maxResults=0", 400, "ValidationException"),
        ("/api/executions?status=GOOD", 400, "ValidationException"),
        ("/api/executions/x", 400, "InvalidArn"),
        ("/api/nothing", 404, "NotFound"),
        ("/api/express/x", 404, "ExecutionDoesNotExist"),
    ] {
        let (found, body) = get(&mut connection, path).await;
        assert_eq!((found, body["code"].as_str()), (status, Some(code)), "{path}: {body}");
    }
    let (status, body) =
        get(&mut connection, &format!("/api/executions/{SCOPE}:execution:one:a-1")).await;
    assert_eq!((status, body["output"].as_str()), (200, Some(r#"{"fine":"yes"}"#)), "{body}");
    assert_eq!(body["stateTransitions"], 2);
    let (status, body) =
        get(&mut connection, &format!("/api/executions/{SCOPE}:execution:one:a-9")).await;
    assert_eq!((status, body["code"].as_str()), (404, Some("ExecutionDoesNotExist")));
    server.stop().await;
}

#[tokio::test]
async fn express_executions_are_listed_described_and_told() {
    let server = Server::start().await;
    let mut connection = server.connect().await;
    let task = json!({"T": {"Type": "Task", "End": true,
        "Resource": "arn:aws:lambda:us-east-1:123456789012:function:echo"}});
    create(&mut connection, "fast", "EXPRESS", task).await;
    let fail = json!({"F": {"Type": "Fail", "Error": "E"}});
    create(&mut connection, "bad", "EXPRESS", fail).await;
    for (machine, name, input) in [("fast", "x-1", "1"), ("fast", "x-2", "2"), ("bad", "x-3", "3")]
    {
        let request = json!({"stateMachineArn": format!("{SCOPE}:stateMachine:{machine}"),
            "name": name, "input": input});
        let response = connection.call("StartSyncExecution", request.to_string().as_bytes()).await;
        assert_eq!(response.status, 200);
    }
    for (query, found) in [
        ("", "x-3 x-2 x-1"),
        ("?status=FAILED", "x-3"),
        ("?stateMachineArn=arn:aws:states:us-east-1:123456789012:stateMachine:fast", "x-2 x-1"),
    ] {
        let (_, page) = get(&mut connection, &format!("/api/express{query}")).await;
        assert_eq!(names(&page), found, "{query}");
    }
    let (_, first) = get(&mut connection, "/api/express?maxResults=2").await;
    let token = first["nextToken"].as_str().unwrap();
    let (_, rest) =
        get(&mut connection, &format!("/api/express?maxResults=2&nextToken={token}")).await;
    assert_eq!((names(&first).as_str(), names(&rest).as_str()), ("x-3 x-2", "x-1"));
    assert_eq!(rest.get("nextToken"), None);
    let arn = rest["executions"][0]["executionArn"].as_str().unwrap();
    let (_, one) = get(&mut connection, &format!("/api/express/{arn}")).await;
    assert_eq!((one["input"].as_str(), one["output"].as_str()), (Some("1"), Some("1")));
    assert_eq!(get(&mut connection, &format!("/api/executions/{arn}")).await.1, one);
    let mut types = Vec::new();
    let mut token = String::new();
    loop {
        let path = format!("/api/express/{arn}/history?maxResults=3{token}");
        let (_, page) = get(&mut connection, &path).await;
        types.extend(page["events"].as_array().unwrap().iter().map(|event| event["type"].clone()));
        match page["nextToken"].as_str() {
            Some(next) => token = format!("&nextToken={next}"),
            None => break,
        }
    }
    let expected = json!([
        "ExecutionStarted",
        "TaskStateEntered",
        "LambdaFunctionScheduled",
        "LambdaFunctionStarted",
        "LambdaFunctionSucceeded",
        "TaskStateExited",
        "ExecutionSucceeded"
    ]);
    assert_eq!(Value::Array(types), expected);
    server.stop().await;
}

/// Follows an execution: the events that come, and the connection.
async fn follow(server: &Server, arn: &str, last: Option<u32>) -> Connection {
    let mut connection = server.connect().await;
    let last = last.map_or(String::new(), |id| format!("Last-Event-ID: {id}\r\n"));
    let request =
        format!("GET /api/executions/{arn}/events HTTP/1.1\r\nHost: localhost\r\n{last}\r\n");
    connection.send(request.as_bytes()).await;
    connection
}

#[tokio::test]
async fn an_execution_is_followed_to_its_end_and_none_of_its_events_is_lost() {
    let server = Server::start().await;
    let mut connection = server.connect().await;
    let states = json!({"A": {"Type": "Task", "Next": "B",
            "Resource": format!("{SCOPE}:activity:work")},
        "B": {"Type": "Pass", "End": true}});
    let activity = connection.call("CreateActivity", br#"{"name": "work"}"#).await;
    assert_eq!(activity.status, 200);
    create(&mut connection, "m", "STANDARD", states).await;
    let machine = format!("{SCOPE}:stateMachine:m");
    let request = json!({"stateMachineArn": machine, "name": "e"}).to_string();
    connection.call("StartExecution", request.as_bytes()).await;
    let arn = format!("{SCOPE}:execution:m:e");
    let mut early = follow(&server, &arn, None).await;
    early.read_until("ActivityScheduled").await;
    let poll = json!({"activityArn": format!("{SCOPE}:activity:work")}).to_string();
    let task = connection.call("GetActivityTask", poll.as_bytes()).await.json();
    early.read_until("ActivityStarted").await;
    let mut late = follow(&server, &arn, Some(3)).await;
    let done = json!({"taskToken": task["taskToken"], "output": "{\"x\": \"\\n\"}"}).to_string();
    connection.call("SendTaskSuccess", done.as_bytes()).await;
    let ids = |text: &str| {
        let ids = text.lines().filter_map(|line| line.strip_prefix("id: "));
        ids.map(|id| id.parse().unwrap()).collect::<Vec<u32>>()
    };
    let all = early.read_to_end_of_stream().await;
    assert!(all.contains("content-type: text/event-stream"), "{all}");
    assert_eq!(ids(&all), (1..=9).collect::<Vec<_>>());
    let data = all.lines().filter_map(|line| line.strip_prefix("data: "));
    let data: Vec<Value> = data.map(|data| serde_json::from_str(data).unwrap()).collect();
    data.iter().for_each(|event| openapi::check_value("HistoryEvent", event));
    assert_eq!(data.last().unwrap()["type"], "ExecutionSucceeded");
    assert_eq!(ids(&late.read_to_end_of_stream().await), (4..=9).collect::<Vec<_>>());
    // Who has everything is told that nothing will come.
    for (arn, last, status) in [(arn.clone(), Some(9), 204), (format!("{arn}x"), None, 404)] {
        let response = follow(&server, &arn, last).await.response().await.unwrap();
        assert_eq!(response.status, status);
        openapi::check("get", &format!("/api/executions/{arn}/events"), &response);
    }
    server.stop().await;
}

#[tokio::test]
async fn an_execution_alone_is_a_tree_and_the_description_is_served() {
    let server = Server::start().await;
    let mut connection = server.connect().await;
    create(&mut connection, "m", "STANDARD", json!({"A": {"Type": "Succeed"}})).await;
    run(&server, &mut connection, "m", "e", json!({})).await;
    let arn = format!("{SCOPE}:execution:m:e");
    let (status, tree) = get(&mut connection, &format!("/api/executions/{arn}/tree")).await;
    assert_eq!(
        (status, &tree["status"], &tree["children"]),
        (200, &json!("SUCCEEDED"), &json!([]))
    );
    let (_, description) = get(&mut connection, "/api/openapi.json").await;
    // Each path of it answers: with what there is, or that this execution is not.
    for path in description["paths"].as_object().unwrap().keys() {
        let path = path.replace("{executionArn}", &arn);
        // Jobs have their own tests.
        if path.starts_with("/api/jobs")
            || path.ends_with("/events")
            || path == "/api/approvals"
            || path == "/api/usage"
        {
            continue;
        }
        let (status, body) = get(&mut connection, &path).await;
        assert!(status == 200 || body["code"] == "ExecutionDoesNotExist", "{path}: {body}");
    }
    server.stop().await;
}

/// The children of a Map Run by name.
fn children(run: &Value) -> Vec<&str> {
    let children = run["children"].as_array().unwrap().iter();
    children.map(|child| child["executionArn"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_tree_shows_map_runs_and_as_many_of_their_children_as_are_wanted() {
    let server = Server::start().await;
    let mut connection = server.connect().await;
    let each = |execution_type: &str, states: Value| {
        json!({"Type": "Map", "Label": execution_type, "ToleratedFailurePercentage": 100,
            "End": true, "ItemProcessor": {"StartAt": "In", "States": states,
            "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": execution_type}}})
    };
    let mut inner = each("EXPRESS", json!({"Do": {"Type": "Pass", "End": true}}));
    inner["ItemProcessor"]["StartAt"] = json!("Do");
    inner["ItemsPath"] = json!("$.items");
    let outer = each("STANDARD", json!({"In": inner}));
    create(&mut connection, "m", "STANDARD", json!({"Out": outer})).await;
    let input = json!([{"items": [1, 2, 3]}, {"items": 1}]);
    run(&server, &mut connection, "m", "e", input).await;
    let arn = format!("{SCOPE}:execution:m:e");
    let path = format!("/api/executions/{arn}/tree");
    let (status, tree) = get(&mut connection, &path).await;
    assert_eq!(status, 200);
    let run = &tree["mapRuns"][0];
    assert_eq!((&run["stateName"], &run["status"]), (&json!("Out"), &json!("SUCCEEDED")));
    assert_eq!(run["executionCounts"]["failed"], 1);
    assert_eq!((children(run).len(), &run["truncated"]), (2, &Value::Null));
    let good = run["children"].as_array().unwrap().iter().find(|one| one["status"] == "SUCCEEDED");
    let nested = &good.unwrap()["mapRuns"][0];
    assert_eq!((&nested["stateName"], children(nested).len()), (&json!("In"), 3));
    let (_, tree) = get(&mut connection, &format!("{path}?mapRunChildren=1")).await;
    let run = &tree["mapRuns"][0];
    assert_eq!((children(run).len(), &run["truncated"]), (1, &json!(true)));
    let (_, tree) = get(&mut connection, &format!("{path}?mapRunChildren=0")).await;
    assert_eq!(children(&tree["mapRuns"][0]).len(), 0);
    let (status, _) = get(&mut connection, &format!("{path}?mapRunChildren=1001")).await;
    assert_eq!(status, 400);
    server.stop().await;
}

#[tokio::test]
async fn usage_and_approvals_answer_as_they_are_described() {
    let server = Server::start().await;
    let mut connection = server.connect().await;
    create(&mut connection, "m", "STANDARD", json!({"A": {"Type": "Succeed"}})).await;
    create(&mut connection, "x", "EXPRESS", json!({"A": {"Type": "Succeed"}})).await;
    run(&server, &mut connection, "m", "e", json!({})).await;
    run(&server, &mut connection, "x", "e", json!({})).await;
    let (status, usage) = get(&mut connection, "/api/usage").await;
    assert_eq!((status, usage["stateMachines"].as_array().unwrap().len()), (200, 2), "{usage}");
    assert_eq!(
        (&usage["total"]["stateTransitions"], &usage["total"]["expressRequests"]),
        (&json!(1), &json!(1))
    );
    assert_eq!(usage["stateMachines"][0]["days"].as_array().unwrap().len(), 1);
    assert_eq!(get(&mut connection, "/api/usage?month=x").await.0, 400);

    let states = json!({"T": {"Type": "Task", "End": true,
        "Resource": format!("{SCOPE}:activity:ask")}});
    connection.call("CreateActivity", br#"{"name": "ask"}"#).await;
    create(&mut connection, "asks", "STANDARD", states).await;
    let request = json!({"stateMachineArn": format!("{SCOPE}:stateMachine:asks")}).to_string();
    assert_eq!(connection.call("StartExecution", request.as_bytes()).await.status, 200);
    let poll = json!({"activityArn": format!("{SCOPE}:activity:ask")}).to_string();
    let task = connection.call("GetActivityTask", poll.as_bytes()).await.json();
    for (request, status) in [
        (json!({"taskToken": task["taskToken"], "message": "Go?", "expiresInSeconds": 60}), 200),
        (json!({"taskToken": task["taskToken"]}), 200),
        (json!({"taskToken": task["taskToken"], "expiresInSeconds": 31_622_401}), 400),
        (json!({"taskToken": "x"}), 400),
        (json!({}), 400),
    ] {
        let body = request.to_string();
        let head = format!(
            "POST /api/approvals HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\
             Content-Type: application/json\r\n\r\n{body}",
            body.len()
        );
        connection.send(head.as_bytes()).await;
        let response = connection.response().await.unwrap();
        assert_eq!(response.status, status, "{request}: {}", response.body);
        openapi::check("post", "/api/approvals", &response);
    }
    server.stop().await;
}

#[tokio::test]
async fn keys_see_their_own_account_only() {
    let key = |id: &str, account: &str| AccessKey {
        id: id.to_owned(),
        secret: "secret".to_owned(),
        session_token: None,
        role: Role::Reader,
        account: account.to_owned(),
        user: "u".to_owned(),
    };
    let keys = vec![key("AKIDONE", "123456789012"), key("AKIDTWO", "210987654321")];
    let server = Server::start_signed(AccessKeys::new(keys)).await;
    let started = start_directly(&server).await;
    let mut connection = server.connect().await;
    // A user and a password in base64.
    for (user, status, found) in
        [("QUtJRE9ORTpzZWNyZXQ=", 200, "e"), ("QUtJRFRXTzpzZWNyZXQ=", 403, "")]
    {
        let ask = |path: &str| {
            format!("GET {path} HTTP/1.1\r\nHost: h\r\nAuthorization: Basic {user}\r\n\r\n")
        };
        connection.send(ask("/api/executions").as_bytes()).await;
        assert_eq!(names(&connection.response().await.unwrap().json()), found);
        for what in ["", "/tree"] {
            connection.send(ask(&format!("/api/executions/{started}{what}")).as_bytes()).await;
            assert_eq!(connection.response().await.unwrap().status, status);
        }
    }
    connection.send(b"GET /api/executions HTTP/1.1\r\nHost: h\r\n\r\n").await;
    let refused = connection.response().await.unwrap();
    assert!(refused.status == 400 || refused.status == 403, "{}", refused.body);
    server.stop().await;
}

/// An execution that nobody had to sign for.
async fn start_directly(server: &Server) -> String {
    let new = NewStateMachine {
        arn: format!("{SCOPE}:stateMachine:m").into(),
        name: "m".into(),
        machine_type: MachineType::Standard,
        role_arn: "arn:aws:iam::123456789012:role/r".into(),
        definition: r#"{"StartAt":"S","States":{"S":{"Type":"Succeed"}}}"#.into(),
        logging_configuration: None,
        tracing_configuration: None,
        encryption_configuration: None,
        tags: Vec::new(),
        publish: None,
    };
    let machine = server.runtime.create_state_machine(new).await.unwrap().0;
    let request = StartRequest {
        state_machine_arn: machine.arn.to_string(),
        name: Some("e".to_owned()),
        input: Payload::from_valid_text("{}"),
        trace_header: None,
    };
    let started = server.runtime.start_execution(request).await.unwrap();
    server.runtime.wait_for_end(&started.execution_arn).await.unwrap();
    started.execution_arn.into()
}
