//! Tests of one state that wait for something.

use std::sync::Arc;
use std::time::Duration;

use asl::{MachineType, Payload, StateIndex, VariableMap};
use engine::{StateTest, TestStatus, TestedState};
use runtime::StateTestRequest;
use serde_json::{Value, json};

use crate::harness::{FUNCTION, SCOPE, World};

fn begin(world: &World, state: &Value) -> tokio::task::JoinHandle<TestedState> {
    let compiled = asl::compile_state(&state.to_string(), "Tested", MachineType::Standard);
    let request = StateTestRequest {
        program: Arc::new(compiled.program.unwrap()),
        test: StateTest {
            state: StateIndex(0),
            input: Payload::from(json!({"a": 1})),
            variables: VariableMap::new(),
            context: None,
            mock: None,
            retries: 0,
            error_is_of_task: false,
            failed_iterations: None,
            item_reader_data: None,
        },
        arn_scope: SCOPE.to_owned(),
        role_arn: None,
        inspector: None,
    };
    let runtime = Arc::clone(&world.runtime);
    tokio::spawn(async move { runtime.test_state(request).await.unwrap() })
}

/// Lets the test come to where it waits.
async fn settle(test: &mut tokio::task::JoinHandle<TestedState>) {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert!(!test.is_finished());
}

async fn end(test: tokio::task::JoinHandle<TestedState>) -> TestedState {
    tokio::time::timeout(Duration::from_secs(20), test).await.expect("the test ends").unwrap()
}

#[tokio::test]
async fn a_wait_is_waited_for_but_not_for_ever() {
    let world = World::new().await;
    let mut test = begin(&world, &json!({"Type": "Wait", "Seconds": 10, "Next": "B"}));
    settle(&mut test).await;
    world.advance(9);
    settle(&mut test).await;
    world.advance(1);
    let tested = end(test).await;
    assert_eq!((tested.status, tested.next), (TestStatus::Succeeded, Some(StateIndex(1))));

    let mut test = begin(&world, &json!({"Type": "Wait", "Seconds": 301, "End": true}));
    settle(&mut test).await;
    world.advance(300);
    let tested = end(test).await;
    assert_eq!(
        (tested.status, tested.error.as_deref()),
        (TestStatus::Failed, Some("States.Timeout"))
    );
}

#[tokio::test]
async fn a_task_is_called_and_timed_out() {
    let world = World::new().await;
    let state = json!({
        "Type": "Task", "Resource": FUNCTION, "TimeoutSeconds": 7, "ResultPath": "$.r",
        "Retry": [{"ErrorEquals": ["States.Timeout"], "IntervalSeconds": 3}], "End": true,
    });
    let test = begin(&world, &state);
    let call = world.call().await;
    assert_eq!(call.call.dispatch.parameters.value(), &json!({"a": 1}));
    call.succeed(json!(2));
    let tested = end(test).await;
    assert_eq!(tested.output.unwrap().value(), &json!({"a": 1, "r": 2}));
    assert_eq!(tested.inspection.result.unwrap().value(), &json!(2));

    let mut test = begin(&world, &state);
    let mut call = world.call().await;
    settle(&mut test).await;
    world.advance(7);
    let tested = end(test).await;
    assert_eq!(
        (tested.status, tested.error.as_deref()),
        (TestStatus::Retriable, Some("States.Timeout"))
    );
    assert_eq!(tested.inspection.retry_backoff_seconds, Some(3));
    call.cancelled().await;
}
