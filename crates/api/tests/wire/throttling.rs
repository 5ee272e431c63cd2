//! Operations that are called too often, by a clock that the test moves.

use std::sync::Arc;
use std::time::Duration;

use api::{ApiOptions, Throttling};
use asl::Timestamp;
use runtime::{ManualClock, Rate, RuntimeOptions};
use serde_json::json;

use crate::server::Server;

const MACHINES: &str = "arn:aws:states:us-east-1:123456789012:stateMachine:";

struct World {
    server: Server,
    clock: Arc<ManualClock>,
}

impl World {
    async fn start(throttling: Throttling) -> World {
        let clock = Arc::new(ManualClock::new(Timestamp(1_772_366_400_000)));
        let options =
            ApiOptions { throttling: Some(Arc::new(throttling)), ..ApiOptions::default() };
        let server =
            Server::start_over(RuntimeOptions::default(), options, None, clock.clone()).await;
        World { server, clock }
    }

    /// How many of so many calls were not throttled; others must be answered in AWS's words.
    async fn passed(&self, calls: usize, operation: &str, body: &str) -> usize {
        let mut connection = self.server.connect().await;
        let mut passed = 0;
        for _ in 0..calls {
            let response = connection.call(operation, body.as_bytes()).await;
            if response.body.contains("Throttling") {
                assert_eq!(response.status, 400);
                let expected = r#"{"__type":"com.amazon.coral.availability#ThrottlingException","message":"Rate exceeded"}"#;
                assert_eq!(response.body, expected);
            } else {
                passed += 1;
            }
        }
        passed
    }

    async fn create(&self, name: &str, machine_type: &str) {
        let definition = r#"{"StartAt":"A","States":{"A":{"Type":"Succeed"}}}"#;
        let role = "arn:aws:iam::123456789012:role/any";
        let body =
            json!({"name": name, "definition": definition, "roleArn": role, "type": machine_type});
        let answer = self.server.call("CreateStateMachine", &body.to_string()).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
    }

    async fn metric(&self, line: &str) -> bool {
        let mut connection = self.server.connect().await;
        connection.send(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
        let text = connection.response().await.unwrap().body;
        text.lines().any(|found| found == line)
    }
}

#[tokio::test]
async fn calls_beyond_the_bucket_are_refused_until_it_is_refilled() {
    let mut throttling = Throttling::new(false);
    throttling.set("ListActivities", Some(Rate { bucket_size: 3, refill_per_second: 2 }));
    let world = World::start(throttling).await;
    assert_eq!(world.passed(5, "ListActivities", "{}").await, 3);
    world.clock.advance(Duration::from_millis(499));
    assert_eq!(world.passed(1, "ListActivities", "{}").await, 0);
    world.clock.advance(Duration::from_millis(1));
    assert_eq!(world.passed(2, "ListActivities", "{}").await, 1);
    world.clock.advance(Duration::from_secs(60));
    assert_eq!(world.passed(5, "ListActivities", "{}").await, 3);
    assert_eq!(world.passed(50, "ListStateMachines", "{}").await, 50);
    // What is wrong with a call does not matter to its bucket.
    world.clock.advance(Duration::from_secs(60));
    assert_eq!(world.passed(4, "ListActivities", r#"{"maxResults":-1}"#).await, 3);
    let throttled = r#"states_api_throttled_events_total{api_name="ListActivities"} 7"#;
    assert!(world.metric(throttled).await);
    let size = r#"states_api_provisioned_bucket_size{api_name="ListActivities"} 3"#;
    assert!(world.metric(size).await);
    world.server.stop().await;
}

#[tokio::test]
async fn starts_of_express_executions_have_a_bucket_of_their_own() {
    let mut throttling = Throttling::new(false);
    throttling.set("StartExecution", Some(Rate { bucket_size: 2, refill_per_second: 1 }));
    throttling.set("StartExecutionExpress", Some(Rate { bucket_size: 4, refill_per_second: 1 }));
    let world = World::start(throttling).await;
    world.create("standard", "STANDARD").await;
    world.create("express", "EXPRESS").await;
    let start = |name: &str| json!({"stateMachineArn": format!("{MACHINES}{name}")}).to_string();
    assert_eq!(world.passed(6, "StartExecution", &start("express")).await, 4);
    assert_eq!(world.passed(6, "StartExecution", &start("standard")).await, 2);
    world.clock.advance(Duration::from_secs(1));
    assert_eq!(world.passed(3, "StartExecution", &start("unknown")).await, 1);
    assert_eq!(world.passed(9, "StartSyncExecution", &start("express")).await, 9);
    world.server.stop().await;
}

#[tokio::test]
async fn awss_rates() {
    let world = World::start(Throttling::new(true)).await;
    assert_eq!(world.passed(103, "ListStateMachines", "{}").await, 100);
    world.clock.advance(Duration::from_secs(1));
    assert_eq!(world.passed(9, "ListStateMachines", "{}").await, 5);
    world.server.stop().await;
}
