//! Executions that tasks of other executions start: once for each attempt, awaited without memory,
//! stopped when nobody waits for them any more.

use std::sync::Arc;

use asl::{MachineType, Payload};
use engine::{Status, TaskFailure};
use runtime::{ExecutionDescription, RuntimeError, RuntimeOptions};
use serde_json::{Value, json};
use store::MemoryStore;

use crate::harness::{Call, World, one_activity, one_call, request};

/// A machine of one Task state that starts an execution.
fn starting(pattern: &str, more: Value) -> Value {
    let mut state = json!({
        "Type": "Task",
        "Resource": format!("arn:aws:states:::states:startExecution{pattern}"),
        "Parameters": {"StateMachineArn": "child", "Input": {}},
        "End": true
    });
    state.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!({"Start": state})
}

fn result(child: &ExecutionDescription) -> Result<Payload, TaskFailure> {
    match child.status {
        Status::Succeeded => Ok(child.output.clone().unwrap()),
        status => Err(TaskFailure {
            error: Some("States.TaskFailed".into()),
            cause: Some(status.name().into()),
        }),
    }
}

/// What the runner of a `.sync` task does, up to the point from which the node waits.
async fn start_and_wait(call: &Call, machine: &str, name: Option<&str>) -> String {
    let executions = call.call.executions.clone();
    let name = name.map(str::to_owned);
    let request = runtime::StartRequest { name, ..request(machine, json!({})) };
    let started = executions.start(request).await.unwrap();
    call.submit(json!({"ExecutionArn": started.execution_arn})).await.unwrap();
    let arn = started.execution_arn.to_string();
    let awaited = arn.clone();
    tokio::spawn(async move { executions.finish(&awaited, result).await });
    arn
}

#[tokio::test]
async fn a_parent_gets_what_its_child_gives() {
    let world = World::new().await;
    let child = world.machine("child", one_call()).await;
    let parent = world.machine("parent", starting(".sync", json!({}))).await;
    let parent_arn = world.start_one(&parent, json!({})).await;
    let mut call = world.call().await;
    let child_arn = start_and_wait(&call, &child, None).await;
    call.cancelled().await;
    world.call().await.succeed(json!({"answer": 42}));
    assert_eq!(world.output(&parent_arn).await, json!({"answer": 42}));
    let described = world.runtime.describe_execution(&child_arn).await.unwrap();
    assert_eq!(described.parent_execution_arn.as_deref(), Some(&*parent_arn));
    let children = world.runtime.children(&parent_arn).await.unwrap();
    let found: Vec<_> = children
        .iter()
        .map(|child| (&*child.execution_arn, &*child.state_name, child.task.0, child.is_awaited))
        .collect();
    assert_eq!(found, [(&*child_arn, "Start", 3, true)]);
    assert!(world.try_cancelled().is_none());
}

#[tokio::test]
async fn a_child_that_is_over_before_it_is_awaited_is_found() {
    let world = World::new().await;
    let child = world.machine("child", json!({"A": {"Type": "Pass", "End": true}})).await;
    let parent = world.machine("parent", starting(".sync", json!({}))).await;
    let parent_arn = world.start_one(&parent, json!({})).await;
    let call = world.call().await;
    let started = call.call.executions.start(request(&child, json!({"a": 1}))).await.unwrap();
    world.output(&started.execution_arn).await;
    start_and_wait(&call, &child, None).await;
    assert_eq!(world.output(&parent_arn).await, json!({"a": 1}));
}

#[tokio::test]
async fn one_attempt_starts_one_child_however_often_it_asks() {
    let world = World::new().await;
    let child = world.machine("child", one_call()).await;
    let express = world.machine_of("express", MachineType::Express, one_call()).await;
    let parent = world.machine("parent", starting("", json!({}))).await;
    let parent_arn = world.start_one(&parent, json!({})).await;
    let call = world.call().await;
    let start = |machine: &str, name: Option<&str>, executions: &runtime::ChildExecutions| {
        let name = name.map(str::to_owned);
        let request = runtime::StartRequest { name, ..request(machine, json!({})) };
        let executions = executions.clone();
        async move { executions.start(request).await.map(|started| started.execution_arn) }
    };
    let before = &call.call.executions;
    let unnamed = start(&child, None, before).await.unwrap();
    let named = start(&child, Some("mine"), before).await.unwrap();
    let sent = start(&express, None, before).await.unwrap();
    assert_eq!(start(&child, None, before).await.unwrap(), unnamed);
    for _ in 0..3 {
        world.call().await.succeed(json!(1));
    }
    // None of them is called again after the crash.
    for arn in [&unnamed, &named, &sent] {
        world.output(arn).await;
    }
    let world = world.crash().await;
    let call = world.call().await;
    assert!(call.call.dispatch.recovered);
    let after = &call.call.executions;
    assert_eq!(start(&child, None, after).await.unwrap(), unnamed);
    assert_eq!(start(&child, Some("mine"), after).await.unwrap(), named);
    assert_eq!(start(&express, None, after).await.unwrap(), sent);
    // Somebody else's execution of that name is not ours.
    world.start_named(&child, "theirs", json!({})).await.unwrap();
    world.call().await.succeed(json!(1));
    world.output(&named.replace("mine", "theirs")).await;
    let taken = start(&child, Some("theirs"), after).await;
    assert!(matches!(taken, Err(RuntimeError::ExecutionAlreadyExists(_))), "{taken:?}");
    call.succeed(json!("done"));
    world.output(&parent_arn).await;
}

#[tokio::test]
async fn children_are_stopped_with_their_parents() {
    for how in ["stop", "timeout"] {
        let world = World::new().await;
        let child = world.machine("child", one_call()).await;
        let more = json!({"TimeoutSeconds": 60});
        let parent = world.machine("parent", starting(".sync", more)).await;
        let parent_arn = world.start_one(&parent, json!({})).await;
        let call = world.call().await;
        let child_arn = start_and_wait(&call, &child, None).await;
        let mut work = world.call().await;
        match how {
            "stop" => {
                world.runtime.stop_execution(&parent_arn, None, None).await.unwrap();
            }
            _ => world.advance(61),
        }
        work.cancelled().await;
        let ended = world.runtime.wait_for_end(&child_arn).await.unwrap();
        assert_eq!(ended.status, Status::Aborted, "{how}");
    }
}

#[tokio::test]
async fn a_child_that_is_not_awaited_outlives_its_parent() {
    for pattern in ["", ".waitForTaskToken"] {
        let world = World::new().await;
        let child = world.machine("child", one_call()).await;
        let parent = world.machine("parent", starting(pattern, json!({}))).await;
        let parent_arn = world.start_one(&parent, json!({})).await;
        let call = world.call().await;
        let started = call.call.executions.start(request(&child, json!({}))).await.unwrap();
        let work = world.call().await;
        world.runtime.stop_execution(&parent_arn, None, None).await.unwrap();
        let world = world.crash().await;
        drop(work);
        world.call().await.succeed(json!(1));
        assert_eq!(world.output(&started.execution_arn).await, json!(1));
    }
}

#[tokio::test]
async fn a_token_ends_the_parent_and_leaves_the_child() {
    let world = World::new().await;
    let child = world.machine("child", one_call()).await;
    let more = json!({"Parameters": {"StateMachineArn": "c", "Input": {"t.$": "$$.Task.Token"}}});
    let parent = world.machine("parent", starting(".sync", more)).await;
    let parent_arn = world.start_one(&parent, json!({})).await;
    let call = world.call().await;
    let child_arn = start_and_wait(&call, &child, None).await;
    let parameters = call.call.dispatch.parameters.value().clone();
    let token = parameters["Input"]["t"].as_str().unwrap();
    world.runtime.send_task_success(token, json!("early").into()).await.unwrap();
    assert_eq!(world.output(&parent_arn).await, json!("early"));
    // Not even the next process takes it for one that was left over.
    let world = world.crash().await;
    world.call().await.succeed(json!("late"));
    assert_eq!(world.output(&child_arn).await, json!("late"));
}

#[tokio::test]
async fn waiting_goes_on_in_the_next_process() {
    let world = World::new().await;
    let child = world.machine("child", one_call()).await;
    let parent = world.machine("parent", starting(".sync", json!({}))).await;
    let parent_arn = world.start_one(&parent, json!({})).await;
    let call = world.call().await;
    let child_arn = start_and_wait(&call, &child, None).await;
    let world = world.crash().await;
    // The parent's call with what it submitted, and the child's own.
    let mut calls = [world.call().await, world.call().await];
    calls.sort_by_key(|call| call.call.dispatch.submitted.is_none());
    let [waiting, work] = calls;
    let submitted = waiting.call.dispatch.submitted.clone().unwrap();
    assert_eq!(submitted.value()["ExecutionArn"], json!(child_arn));
    let executions = waiting.call.executions.clone();
    tokio::spawn(async move { executions.finish(&child_arn, result).await });
    work.succeed(json!(5));
    assert_eq!(world.output(&parent_arn).await, json!(5));
}

#[tokio::test]
async fn a_parent_that_waits_leaves_memory() {
    let options = RuntimeOptions { resident_executions_max: 1, ..RuntimeOptions::default() };
    let world = World::over(Arc::new(MemoryStore::default()), options).await;
    let activity = world.activity("work").await;
    let child = world.machine("child", one_activity(&activity)).await;
    let parent = world.machine("parent", starting(".sync", json!({}))).await;
    let mut parents = Vec::new();
    for _ in 0..20 {
        parents.push(world.start_one(&parent, json!({})).await);
        let mut call = world.call().await;
        start_and_wait(&call, &child, None).await;
        call.cancelled().await;
    }
    for number in 0..20 {
        let task = world.runtime.get_activity_task(&activity, None).await.unwrap().unwrap();
        world.runtime.send_task_success(&task.task_token, json!(number).into()).await.unwrap();
    }
    let mut outputs = Vec::new();
    for parent in parents {
        outputs.push(world.output(&parent).await.as_u64().unwrap());
    }
    outputs.sort_unstable();
    assert_eq!(outputs, (0..20).collect::<Vec<u64>>());
    assert!(world.try_call().is_none(), "no call is made again for a parent that was evicted");
}
