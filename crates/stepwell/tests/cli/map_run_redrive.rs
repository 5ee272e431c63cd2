//! The redrive of a Map Run by a server that is killed again and again meanwhile.

use std::collections::BTreeMap;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::Folder;
use crate::server::Process;

const ITEMS: usize = 6;

/// A server over a folder, which may be another process every time one looks.
struct Server<'f> {
    folder: &'f Folder,
    process: Process,
}

impl Server<'_> {
    fn start(folder: &Folder) -> Server<'_> {
        Server { folder, process: Server::process(folder) }
    }

    fn process(folder: &Folder) -> Process {
        Process::start(folder.command(&["serve", "--listen", "127.0.0.1:0"]))
    }

    /// Kills it without a word, and starts another.
    fn kill(&mut self) {
        self.process.signal(Signal::KILL);
        self.process = Server::process(self.folder);
    }

    fn call(&self, operation: &str, request: &Value) -> Value {
        self.process.call(operation, request)
    }

    /// The next task of a child: its item and its token.
    fn task(&self, activity: &Value) -> (Value, Value) {
        let task = self.call("GetActivityTask", &json!({"activityArn": activity}));
        (serde_json::from_str(task["input"].as_str().unwrap()).unwrap(), task["taskToken"].clone())
    }

    fn ended(&self, execution: &Value) -> Value {
        loop {
            let described = self.call("DescribeExecution", execution);
            if described["status"] != "RUNNING" {
                return described;
            }
        }
    }
}

fn definition(activity: &Value) -> String {
    json!({
        "StartAt": "Each",
        "States": {"Each": {
            "Type": "Map",
            "Label": "Items",
            "MaxConcurrency": 3,
            "End": true,
            "ItemProcessor": {
                "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
                "StartAt": "Before",
                "States": {
                    "Before": {"Type": "Pass", "Next": "Work"},
                    "Work": {"Type": "Task", "Resource": activity, "End": true},
                },
            },
        }},
    })
    .to_string()
}

#[test]
fn a_map_run_is_redriven_by_a_server_that_is_killed_again_and_again() {
    let folder = Folder::with(&[]);
    let mut server = Server::start(&folder);
    let activity = server.call("CreateActivity", &json!({"name": "work"}))["activityArn"].clone();
    let machine = server.call(
        "CreateStateMachine",
        &json!({
            "name": "each",
            "definition": definition(&activity),
            "roleArn": "arn:aws:iam::123456789012:role/r",
        }),
    );
    let input = json!((0..ITEMS).collect::<Vec<_>>()).to_string();
    let start = json!({"stateMachineArn": machine["stateMachineArn"], "input": input});
    let execution = json!({
        "executionArn": server.call("StartExecution", &start)["executionArn"]
    });

    // One child succeeds, one fails, the others are stopped or never begin.
    let (first, token) = server.task(&activity);
    server.call("SendTaskSuccess", &json!({"taskToken": token, "output": first.to_string()}));
    let (_, token) = server.task(&activity);
    server.call("SendTaskFailure", &json!({"taskToken": token, "error": "Bad"}));
    assert_eq!(server.ended(&execution)["error"], "States.ExceedToleratedFailureThreshold");
    let run = server.call("ListMapRuns", &execution)["mapRuns"][0]["mapRunArn"].clone();
    let run = json!({"mapRunArn": run});

    server.call("RedriveExecution", &execution);
    server.kill();
    // Each of the others is run once more, whenever the server is killed.
    let mut tokens = BTreeMap::new();
    for at in 0..ITEMS - 1 {
        let (item, token) = server.task(&activity);
        assert_ne!(item, first, "what succeeded is not run again");
        assert!(tokens.insert(item.to_string(), token.clone()).is_none(), "it is run once more");
        if at % 2 == 0 {
            server.kill();
        }
        server.call("SendTaskSuccess", &json!({"taskToken": token, "output": item.to_string()}));
        if at % 2 == 1 {
            server.kill();
        }
    }
    let ended = server.ended(&execution);
    assert_eq!((&ended["status"], &ended["output"]), (&json!("SUCCEEDED"), &json!(input)));
    assert_eq!(ended["redriveCount"], 1);

    let described = server.call("DescribeMapRun", &run);
    assert_eq!(
        (&described["status"], &described["redriveCount"]),
        (&json!("SUCCEEDED"), &json!(1))
    );
    assert_eq!(described["executionCounts"]["succeeded"], ITEMS);
    assert_eq!(described["executionCounts"]["total"], ITEMS);
    let children = server.call("ListExecutions", &run)["executions"].clone();
    assert_eq!(children.as_array().unwrap().len(), ITEMS);
    for child in children.as_array().unwrap() {
        let child = json!({"executionArn": child["executionArn"]});
        let history = server.call("GetExecutionHistory", &child);
        let count = |name: &str| {
            let events = history["events"].as_array().unwrap().iter();
            events.filter(|event| event["type"] == name).count()
        };
        assert_eq!((count("PassStateEntered"), count("ExecutionSucceeded")), (1, 1));
        assert!(count("ActivityScheduled") <= 2 && count("ExecutionRedriven") <= 1);
    }
}
