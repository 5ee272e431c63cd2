//! Tasks that wait for their job (`.sync`): submitted once, found again after a restart,
//! cancelled when nobody waits any more.

use std::sync::atomic::Ordering;

use serde_json::{Value, json};

use crate::harness::World;

fn one_job(more: Value) -> Value {
    let mut state = json!({
        "Type": "Task",
        "Resource": "arn:aws:states:::batch:submitJob.sync",
        "Parameters": {"JobName": "j", "JobQueue": "q", "JobDefinition": "d"},
        "End": true
    });
    let members = state.as_object_mut().unwrap();
    members.extend(more.as_object().unwrap().clone());
    json!({"Work": state})
}

const SUBMITTED: [&str; 5] =
    ["ExecutionStarted", "TaskStateEntered", "TaskScheduled", "TaskStarted", "TaskSubmitted"];

#[tokio::test]
async fn a_submission_is_durable_before_the_job_is_awaited() {
    let world = World::new().await;
    let machine = world.machine("m", one_job(json!({}))).await;
    let arn = world.start_one(&machine, json!({})).await;
    let call = world.call().await;
    assert!(call.call.dispatch.submitted.is_none());
    call.submit(json!({"JobId": "1"})).await.unwrap();
    assert_eq!(world.history(&arn).await, SUBMITTED);
    call.succeed(json!({"Status": "SUCCEEDED"}));
    assert_eq!(world.output(&arn).await, json!({"Status": "SUCCEEDED"}));
    assert_eq!(
        world.history(&arn).await[5..],
        ["TaskSucceeded", "TaskStateExited", "ExecutionSucceeded"]
    );
    assert!(world.try_cancelled().is_none());
}

#[tokio::test]
async fn a_submitted_job_is_found_again_and_not_cancelled_by_a_shutdown() {
    let world = World::new().await;
    let machine = world.machine("m", one_job(json!({}))).await;
    let arn = world.start_one(&machine, json!({})).await;
    let first = world.call().await;
    assert!(!first.call.dispatch.recovered);
    // The process ends before the submission is reported.
    let world = world.crash().await;
    let second = world.call().await;
    assert!(second.call.dispatch.recovered && second.call.dispatch.submitted.is_none());
    second.submit(json!({"JobId": "1"})).await.unwrap();
    world.runtime.shutdown().await;
    assert!(world.try_cancelled().is_none(), "a shutdown leaves jobs alone");
    let world = world.crash().await;
    let third = world.call().await;
    let submitted = third.call.dispatch.submitted.as_ref().unwrap();
    assert_eq!(*submitted.value(), json!({"JobId": "1"}));
    third.succeed(json!(7));
    assert_eq!(world.output(&arn).await, json!(7));
    let history = world.history(&arn).await;
    assert_eq!(history.iter().filter(|kind| **kind == "TaskSubmitted").count(), 1);
}

#[tokio::test]
async fn the_job_of_a_stopped_execution_is_cancelled() {
    let world = World::new().await;
    let machine = world.machine("m", one_job(json!({}))).await;
    let arn = world.start_one(&machine, json!({})).await;
    let mut call = world.call().await;
    call.submit(json!({"JobId": "1"})).await.unwrap();
    world.runtime.stop_execution(&arn, None, None).await.unwrap();
    call.cancelled().await;
    let cancelled = world.cancelled().await;
    assert_eq!(*cancelled.submitted.unwrap().value(), json!({"JobId": "1"}));
    assert_eq!(cancelled.call.dispatch.task, call.call.dispatch.task);
    assert_eq!(cancelled.call.dispatch.parameters, call.call.dispatch.parameters);
}

#[tokio::test]
async fn a_job_that_is_being_submitted_is_cancelled_once_it_has_a_name() {
    let world = World::new().await;
    let machine = world.machine("m", one_job(json!({"TimeoutSeconds": 5}))).await;
    let arn = world.start_one(&machine, json!({})).await;
    let mut call = world.call().await;
    world.advance(6);
    world.runtime.wait_for_end(&arn).await.unwrap();
    assert_eq!(world.history(&arn).await[4..], ["TaskTimedOut", "ExecutionFailed"]);
    assert!(world.try_cancelled().is_none());
    let recorded = call.submit(json!({"JobId": "1"}));
    let cancelled = world.cancelled().await;
    assert_eq!(*cancelled.submitted.unwrap().value(), json!({"JobId": "1"}));
    call.cancelled().await;
    drop(recorded);
}

#[tokio::test]
async fn a_job_that_was_not_submitted_leaves_nothing_to_cancel() {
    let world = World::new().await;
    let machine = world.machine("m", one_job(json!({}))).await;
    let arn = world.start_one(&machine, json!({})).await;
    let call = world.call().await;
    call.fail("Batch.ClientException");
    let ended = world.runtime.wait_for_end(&arn).await.unwrap();
    assert_eq!(ended.error.as_deref(), Some("Batch.ClientException"));
    assert_eq!(world.history(&arn).await[4..], ["TaskSubmitFailed", "ExecutionFailed"]);
    assert!(world.try_cancelled().is_none());
}

#[tokio::test]
async fn a_token_ends_the_task_and_leaves_the_job() {
    let world = World::new().await;
    let parameters = json!({"Parameters": {"JobName.$": "$$.Task.Token"}});
    let machine = world.machine("m", one_job(parameters)).await;
    let arn = world.start_one(&machine, json!({})).await;
    let mut call = world.call().await;
    call.submit(json!({"JobId": "1"})).await.unwrap();
    let parameters = call.call.dispatch.parameters.value().clone();
    let token = parameters["JobName"].as_str().unwrap();
    world.runtime.send_task_success(token, json!("early").into()).await.unwrap();
    assert_eq!(world.output(&arn).await, json!("early"));
    call.cancelled().await;
    assert!(world.try_cancelled().is_none());
}

/// Every process cancels what the ones before it did not come to, until that is done.
#[tokio::test]
async fn a_cancellation_outlives_the_process() {
    let credentials = json!({"Credentials": {"RoleArn": "arn:aws:iam::123456789012:role/r"}});
    let world = World::new().await;
    let machine = world.machine("m", one_job(credentials)).await;
    let arn = world.start_one(&machine, json!({})).await;
    let call = world.call().await;
    call.submit(json!({"JobId": "1"})).await.unwrap();
    world.holds_cancels.store(true, Ordering::Relaxed);
    world.runtime.stop_execution(&arn, None, None).await.unwrap();
    let first = world.cancelled().await;
    let mut world = world;
    for held in [true, false] {
        world.holds_cancels.store(held, Ordering::Relaxed);
        world = world.crash().await;
        let again = world.cancelled().await;
        assert_eq!(again.submitted, first.submitted);
        assert_eq!(again.call.execution_arn, first.call.execution_arn);
        assert_eq!(again.call.region, first.call.region);
        let (one, other) = (&again.call.dispatch, &first.call.dispatch);
        assert_eq!((one.task, &one.resource), (other.task, &other.resource));
        assert_eq!(one.started, other.started);
        assert_eq!(one.parameters, other.parameters);
        assert_eq!(one.credentials, other.credentials);
    }
    world.runtime.shutdown().await;
    let world = world.crash().await;
    assert!(world.try_cancelled().is_none(), "it was cancelled before");
}

/// A job that was submitted while its execution was stopped is known by its name afterwards.
#[tokio::test]
async fn a_job_that_was_submitted_too_late_is_cancelled_by_the_next_process() {
    let world = World::new().await;
    let machine = world.machine("m", one_job(json!({}))).await;
    let arn = world.start_one(&machine, json!({})).await;
    let call = world.call().await;
    world.holds_cancels.store(true, Ordering::Relaxed);
    world.runtime.stop_execution(&arn, None, None).await.unwrap();
    let recorded = call.submit(json!({"JobId": "1"}));
    world.cancelled().await;
    // The name is kept before anything else that becomes durable now.
    world.machine("other", one_job(json!({}))).await;
    let world = world.crash().await;
    let again = world.cancelled().await;
    assert_eq!(*again.submitted.unwrap().value(), json!({"JobId": "1"}));
    drop(recorded);
}

/// A submission that failed while its execution was stopped leaves nothing behind, and so does
/// one that is being made while the process ends: it may have come about.
#[tokio::test]
async fn only_what_may_run_is_cancelled_later() {
    for fails in [true, false] {
        let world = World::new().await;
        let machine = world.machine("m", one_job(json!({}))).await;
        let arn = world.start_one(&machine, json!({})).await;
        let call = world.call().await;
        world.runtime.stop_execution(&arn, None, None).await.unwrap();
        if fails {
            call.fail("Batch.ClientException");
            world.runtime.shutdown().await;
        }
        let world = world.crash().await;
        if fails {
            assert!(world.try_cancelled().is_none());
        } else {
            let cancelled = world.cancelled().await;
            assert!(cancelled.submitted.is_none() && cancelled.call.dispatch.recovered);
        }
    }
}
