//! What a process leaves behind when it ends, and what the next one makes of it.

use std::sync::Arc;

use runtime::RuntimeError;
use serde_json::json;
use store::{SqliteStore, Store};

use crate::harness::{FUNCTION, World, one_call, request};

#[tokio::test]
async fn calls_under_way_are_made_again() {
    let world = World::new().await;
    let machine = world.machine("Work", one_call()).await;
    let arn = world.start_one(&machine, json!({"n": 1})).await;
    let mut call = world.call().await;
    assert!(!call.call.dispatch.recovered);
    let world = world.crash().await;
    call.cancelled().await;
    let call = world.call().await;
    assert!(call.call.dispatch.recovered);
    assert_eq!(call.call.dispatch.parameters.text(), r#"{"n":1}"#);
    call.succeed(json!(2));
    assert_eq!(world.output(&arn).await, json!(2));
    assert!(world.try_call().is_none());
}

#[tokio::test]
async fn waits_go_on() {
    let world = World::new().await;
    let wait = json!({"W": {"Type": "Wait", "Seconds": 100, "End": true}});
    let machine = world.machine("Sleep", wait).await;
    let arn = world.start_one(&machine, json!(1)).await;
    world.advance(40);
    let world = world.crash().await;
    world.advance(59);
    assert_eq!(world.runtime.describe_execution(&arn).await.unwrap().status.name(), "RUNNING");
    world.advance(1);
    assert_eq!(world.output(&arn).await, json!(1));
    // One whose moment passed while nobody was there ends at the next start.
    let late = world.start_one(&machine, json!(2)).await;
    let clock = Arc::clone(&world.clock);
    let options = world.options.clone();
    let store = Arc::clone(&world.store);
    drop(world);
    clock.advance(std::time::Duration::from_secs(1000));
    let world = World::start(store, options, clock).await;
    assert_eq!(world.output(&late).await, json!(2));
}

#[tokio::test]
async fn a_wait_far_away_costs_no_memory_and_is_found() {
    let world = World::new().await;
    let wait = json!({"W": {"Type": "Wait", "SecondsPath": "$", "End": true}});
    let machine = world.machine("Sleep", wait).await;
    let mut sleepers = Vec::new();
    for seconds in [3, 30, 61, 100, 300, 1000] {
        sleepers.push((seconds, world.start_one(&machine, json!(seconds)).await));
    }
    let mut now = 0;
    for (seconds, arn) in sleepers {
        while now < seconds {
            let by = (seconds - now).min(20);
            world.advance(by);
            now += by;
            world.runtime.describe_execution(&arn).await.unwrap();
        }
        assert_eq!(world.output(&arn).await, json!(seconds));
        let ended = world.runtime.describe_execution(&arn).await.unwrap();
        assert_eq!(ended.stop_date.unwrap().0 - ended.start_date.0, seconds as i64 * 1000);
    }
}

#[tokio::test]
async fn a_long_run_goes_on_where_it_was() {
    // More states than one turn passes.
    let world = World::new().await;
    let mut states = serde_json::Map::new();
    for n in 0..1200 {
        let next = format!("S{}", n + 1);
        states.insert(format!("S{n}"), json!({"Type": "Pass", "Next": next}));
    }
    states.insert("S1200".into(), json!({"Type": "Task", "Resource": FUNCTION, "End": true}));
    let machine = world.machine("Long", states.into()).await;
    let arn = world.start_one(&machine, json!(1)).await;
    let world = world.crash().await;
    world.call().await.succeed(json!(2));
    assert_eq!(world.output(&arn).await, json!(2));
    assert_eq!(world.history(&arn).await.len(), 1 + 2 * 1200 + 5 + 1);
}

#[tokio::test]
async fn a_stop_is_graceful() {
    let world = World::new().await;
    let machine = world.machine("Work", one_call()).await;
    let arn = world.start_one(&machine, json!(1)).await;
    let mut call = world.call().await;
    world.runtime.shutdown().await;
    call.cancelled().await;
    let refused = world.runtime.start_execution(request(&machine, json!(1))).await.unwrap_err();
    assert!(matches!(refused, RuntimeError::Stopping), "{refused}");
    let refused = world.runtime.describe_execution(&arn).await.unwrap_err();
    assert!(matches!(refused, RuntimeError::Stopping), "{refused}");
    let world = world.crash().await;
    world.call().await.succeed(json!(2));
    assert_eq!(world.output(&arn).await, json!(2));
}

#[tokio::test]
async fn a_stop_answers_those_who_wait() {
    let world = World::new().await;
    let activity = world.activity("Approve").await;
    let machine = world.machine("Work", one_call()).await;
    let arn = world.start_one(&machine, json!(1)).await;
    let runtime = Arc::clone(&world.runtime);
    let polling = tokio::spawn(async move { runtime.get_activity_task(&activity, None).await });
    let runtime = Arc::clone(&world.runtime);
    let waiting = tokio::spawn(async move { runtime.wait_for_end(&arn).await });
    tokio::task::yield_now().await;
    world.runtime.shutdown().await;
    assert!(polling.await.unwrap().unwrap().is_none());
    assert!(matches!(waiting.await.unwrap(), Err(RuntimeError::Stopping)));
}

#[tokio::test]
async fn many_left_behind_are_taken_up() {
    let world = World::new().await;
    let machine = world.machine("Work", one_call()).await;
    for n in 0..2500 {
        world.start_one(&machine, json!(n)).await;
        world.call().await;
    }
    let world = world.crash().await;
    let mut seen = vec![false; 2500];
    for _ in 0..2500 {
        let call = world.call().await;
        let n = call.call.dispatch.parameters.value().as_u64().unwrap() as usize;
        assert!(!std::mem::replace(&mut seen[n], true), "{n} is called once");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_all_works_on_disk() {
    let folder = tempfile::tempdir().unwrap();
    // The threads of a runtime that has ended may hold the store for a moment.
    let open = async || {
        let opening = async {
            loop {
                match SqliteStore::open(folder.path()) {
                    Ok(store) => return Arc::new(store) as Arc<dyn Store>,
                    Err(_) => tokio::task::yield_now().await,
                }
            }
        };
        let patience = std::time::Duration::from_secs(20);
        tokio::time::timeout(patience, opening).await.expect("the folder is free")
    };
    let world = World::over(open().await, runtime::RuntimeOptions::default()).await;
    let machine = world.machine("Work", one_call()).await;
    let arn = world.start_one(&machine, json!({"n": 1})).await;
    world.call().await;
    let World { runtime, clock, options, store, .. } = world;
    runtime.shutdown().await;
    drop((runtime, store));
    let world = World::start(open().await, options, clock).await;
    world.call().await.succeed(json!(2));
    assert_eq!(world.output(&arn).await, json!(2));
}
