//! Activities, their workers, and task tokens.

use std::sync::Arc;
use std::time::Duration;

use runtime::{ActivityTask, RuntimeError};
use serde_json::json;

use crate::harness::{World, one_activity, one_call};

async fn poll(world: &World, activity: &str) -> Option<ActivityTask> {
    let poll = world.runtime.get_activity_task(activity, Some("worker".to_owned()));
    tokio::time::timeout(Duration::from_secs(20), poll).await.expect("the poll ends").unwrap()
}

/// AWS's answer names the activity.
fn assert_over(answer: &Result<(), RuntimeError>, activity: &str) {
    let named = match answer {
        Err(RuntimeError::ActivityTaskTimedOut(arn)) => arn,
        other => panic!("{other:?}"),
    };
    assert_eq!(named, activity);
}

/// Lets everything that can happen without the clock happen.
async fn quiet() {
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_worker_gets_a_task_and_answers_it() {
    let world = World::new().await;
    let activity = world.activity("Approve").await;
    let machine = world.machine("Work", one_activity(&activity)).await;
    let arn = world.start_one(&machine, json!({"n": 1})).await;
    let task = poll(&world, &activity).await.unwrap();
    assert_eq!(task.input.text(), r#"{"n":1}"#);
    world.runtime.send_task_heartbeat(&task.task_token).await.unwrap();
    world.runtime.send_task_success(&task.task_token, json!(2).into()).await.unwrap();
    assert_eq!(world.output(&arn).await, json!(2));
    let expected = [
        "ExecutionStarted",
        "TaskStateEntered",
        "ActivityScheduled",
        "ActivityStarted",
        "ActivitySucceeded",
        "TaskStateExited",
        "ExecutionSucceeded",
    ];
    assert_eq!(world.history(&arn).await, expected);
    // The execution is over.
    let late = world.runtime.send_task_success(&task.task_token, json!(3).into()).await;
    assert_over(&late, &activity);
}

#[tokio::test]
async fn workers_wait_for_tasks() {
    let world = Arc::new(World::new().await);
    let activity = world.activity("Approve").await;
    let machine = world.machine("Work", one_activity(&activity)).await;
    let workers: Vec<_> = (0..3)
        .map(|_| {
            let (world, activity) = (Arc::clone(&world), activity.clone());
            tokio::spawn(async move { poll(&world, &activity).await })
        })
        .collect();
    quiet().await;
    for n in 0..3 {
        world.start_one(&machine, json!(n)).await;
    }
    for (n, worker) in workers.into_iter().enumerate() {
        assert_eq!(worker.await.unwrap().unwrap().input.value(), &json!(n), "in turn");
    }
}

#[tokio::test]
async fn a_poll_ends_with_nothing() {
    let world = Arc::new(World::new().await);
    let activity = world.activity("Approve").await;
    let polling = {
        let (world, activity) = (Arc::clone(&world), activity.clone());
        tokio::spawn(async move { poll(&world, &activity).await })
    };
    quiet().await;
    world.advance(59);
    quiet().await;
    assert!(!polling.is_finished());
    world.advance(1);
    assert!(polling.await.unwrap().is_none());
    let unknown = world.runtime.get_activity_task("nothing", None).await;
    assert!(matches!(unknown, Err(RuntimeError::ActivityDoesNotExist(_))));
}

#[tokio::test]
async fn a_task_is_not_lost_to_a_worker_that_goes_away() {
    let world = World::new().await;
    let activity = world.activity("Approve").await;
    let machine = world.machine("Work", one_activity(&activity)).await;
    // Gone while it waits: the place in the queue is free.
    let waiting = tokio::time::timeout(
        Duration::from_millis(1),
        world.runtime.get_activity_task(&activity, None),
    );
    assert!(waiting.await.is_err());
    let arn = world.start_one(&machine, json!(1)).await;
    let task = poll(&world, &activity).await.unwrap();
    world.runtime.send_task_success(&task.task_token, json!(2).into()).await.unwrap();
    assert_eq!(world.output(&arn).await, json!(2));
}

#[tokio::test]
async fn too_many_workers_are_refused() {
    let world = Arc::new(World::new().await);
    let activity = world.activity("Approve").await;
    for _ in 0..1000 {
        let (world, activity) = (Arc::clone(&world), activity.clone());
        tokio::spawn(async move { poll(&world, &activity).await });
    }
    quiet().await;
    let refused = world.runtime.get_activity_task(&activity, None).await;
    assert!(matches!(refused, Err(RuntimeError::ActivityWorkerLimitExceeded(_))), "{refused:?}");
}

#[tokio::test]
async fn a_token_is_good_for_one_attempt() {
    let world = World::new().await;
    let activity = world.activity("Approve").await;
    let mut states = one_activity(&activity);
    states["Work"]["TimeoutSeconds"] = json!(10);
    states["Work"]["Retry"] =
        json!([{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 1, "MaxAttempts": 1}]);
    let machine = world.machine("Work", states).await;
    let arn = world.start_one(&machine, json!(1)).await;
    let first = poll(&world, &activity).await.unwrap();
    world.advance(10);
    let late = world.runtime.send_task_heartbeat(&first.task_token).await;
    assert_over(&late, &activity);
    world.advance(1);
    let second = poll(&world, &activity).await.unwrap();
    assert_ne!(first.task_token, second.task_token);
    let late = world.runtime.send_task_success(&first.task_token, json!("late").into()).await;
    assert_over(&late, &activity);
    world.runtime.send_task_success(&second.task_token, json!("ok").into()).await.unwrap();
    assert_eq!(world.output(&arn).await, json!("ok"));
    for token in ["", "nonsense", &format!("{}A", first.task_token)] {
        let wrong = world.runtime.send_task_success(token, json!(1).into()).await;
        assert!(matches!(wrong, Err(RuntimeError::InvalidToken)), "{token}: {wrong:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_of_two_answers_counts() {
    let world = Arc::new(World::new().await);
    let activity = world.activity("Approve").await;
    let machine = world.machine("Work", one_activity(&activity)).await;
    for _ in 0..20 {
        let arn = world.start_one(&machine, json!(1)).await;
        let task = poll(&world, &activity).await.unwrap();
        let answers: Vec<_> = (0..4)
            .map(|n| {
                let (world, token) = (Arc::clone(&world), task.task_token.clone());
                tokio::spawn(async move {
                    let answer = world.runtime.send_task_success(&token, json!(n).into()).await;
                    answer.map(|()| n)
                })
            })
            .collect();
        let mut accepted = Vec::new();
        for answer in answers {
            accepted.extend(answer.await.unwrap().ok());
        }
        assert_eq!(accepted.len(), 1);
        assert_eq!(world.output(&arn).await, json!(accepted[0]));
    }
}

#[tokio::test]
async fn a_callback_ends_the_task_that_waits_for_it() {
    let world = World::new().await;
    let machine = world
        .machine(
            "Callback",
            json!({"Work": {
                "Type": "Task",
                "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken",
                "Parameters": {
                    "FunctionName": "work",
                    "Payload": {"token.$": "$$.Task.Token"},
                },
                "HeartbeatSeconds": 100,
                "End": true,
            }}),
        )
        .await;
    let arn = world.start_one(&machine, json!({})).await;
    let call = world.call().await;
    let token = call.call.dispatch.task_token.clone().unwrap();
    assert_eq!(call.call.dispatch.parameters.value()["Payload"]["token"], json!(token));
    call.succeed(json!({}));
    // Long after its call came back it is out of memory, and its token is still good.
    for _ in 0..10 {
        world.advance(90);
        world.runtime.send_task_heartbeat(&token).await.unwrap();
    }
    world.runtime.send_task_success(&token, json!({"ok": true}).into()).await.unwrap();
    assert_eq!(world.output(&arn).await, json!({"ok": true}));
}

#[tokio::test]
async fn a_deleted_activity_fails_the_tasks_that_come_to_it() {
    let world = World::new().await;
    let activity = world.activity("Approve").await;
    let machine = world.machine("Work", one_activity(&activity)).await;
    world.runtime.delete_activity(&activity).await.unwrap();
    world.runtime.delete_activity(&activity).await.unwrap();
    let arn = world.start_one(&machine, json!(1)).await;
    let ended = world.runtime.wait_for_end(&arn).await.unwrap();
    assert_eq!(ended.error.as_deref(), Some("States.Runtime"));
}

#[tokio::test]
async fn a_worker_gets_what_a_former_process_offered() {
    let world = World::new().await;
    let activity = world.activity("Approve").await;
    let machine = world.machine("Work", one_activity(&activity)).await;
    let offered = world.start_one(&machine, json!("offered")).await;
    let world = world.crash().await;
    let task = poll(&world, &activity).await.unwrap();
    assert_eq!(task.input.value(), &json!("offered"));
    // What a worker has taken is not offered again.
    let world = world.crash().await;
    let started = world.start_one(&machine, json!("started")).await;
    let other = poll(&world, &activity).await.unwrap();
    assert_eq!(other.input.value(), &json!("started"));
    world.runtime.send_task_success(&task.task_token, json!(1).into()).await.unwrap();
    world.runtime.send_task_success(&other.task_token, json!(2).into()).await.unwrap();
    assert_eq!(world.output(&offered).await, json!(1));
    assert_eq!(world.output(&started).await, json!(2));
}

#[tokio::test]
async fn a_withdrawn_task_reaches_no_worker() {
    let world = World::new().await;
    let activity = world.activity("Approve").await;
    let machine = world.machine("Work", one_activity(&activity)).await;
    let stopped = world.start_one(&machine, json!(1)).await;
    world.runtime.stop_execution(&stopped, None, None).await.unwrap();
    world.start_one(&machine, json!(2)).await;
    assert_eq!(poll(&world, &activity).await.unwrap().input.value(), &json!(2));
    let call = world.machine("Call", one_call()).await;
    world.start_one(&call, json!({})).await;
}
