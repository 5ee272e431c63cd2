//! Distributed Maps that read their items, and export their results: through crashes, stops and
//! failures.

use std::sync::Arc;

use asl::{MachineType, Payload};
use engine::Status;
use runtime::RuntimeOptions;
use serde_json::{Value, json};
use store::{MemoryStore, SqliteStore, Store};

use crate::harness::{World, one_call};

/// A Map over what is read, whose children pass their input on, unless `processor` says otherwise.
fn reading(more: Value, states: Option<Value>) -> Value {
    let states = states.unwrap_or_else(|| json!({"P": {"Type": "Pass", "End": true}}));
    let first = states.as_object().unwrap().keys().next().unwrap().clone();
    let mut state = json!({
        "Type": "Map",
        "Label": "L",
        "ItemReader": {
            "Resource": "arn:aws:states:::s3:getObject",
            "ReaderConfig": {"InputType": "JSON"},
            "Parameters": {"Bucket": "bucket", "Key.$": "$.key"},
        },
        "ItemProcessor": {
            "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "EXPRESS"},
            "StartAt": first,
            "States": states,
        },
        "End": true,
    });
    state.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!({"M": state})
}

fn exporting() -> Value {
    json!({"ResultWriter": {
        "Resource": "arn:aws:states:::s3:putObject",
        "Parameters": {"Bucket": "bucket", "Prefix": "results"},
    }})
}

/// How many chunks of items are kept.
fn kept(world: &World) -> usize {
    world.store.records("map_run_items", "", "", 10_000).unwrap().len()
}

/// Waits until no items are kept.
async fn nothing_kept(world: &World) {
    let wait = async {
        while kept(world) > 0 {
            tokio::task::spawn_blocking(|| ()).await.unwrap();
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), wait)
        .await
        .expect("items are removed");
}

#[tokio::test]
async fn items_are_read_and_then_forgotten() {
    let world = World::new().await;
    let selector = json!({"ItemSelector": {
        "index.$": "$$.Map.Item.Index",
        "value.$": "$$.Map.Item.Value",
        "source.$": "$$.Map.Item.Source",
    }});
    let machine = world.machine("m", reading(selector, None)).await;
    let arn = world.start_one(&machine, json!({"key": "a.json"})).await;
    let read = world.reading().await;
    assert_eq!(read.reading.arguments.value(), &json!({"Bucket": "bucket", "Key": "a.json"}));
    assert_eq!(read.reading.state_name(), "M");
    read.give(vec![json!("a"), json!([2])]);
    let source = "S3://bucket/key";
    assert_eq!(
        world.output(&arn).await,
        json!([
            {"index": 0, "value": "a", "source": source},
            {"index": 1, "value": [2], "source": source},
        ])
    );
    nothing_kept(&world).await;
}

#[tokio::test]
async fn there_may_be_no_items_or_too_many() {
    let world = World::new().await;
    let machine = world.machine("m", reading(json!({}), None)).await;
    let arn = world.start_one(&machine, json!({"key": "k"})).await;
    world.reading().await.give(Vec::new());
    assert_eq!(world.output(&arn).await, json!([]));

    let mut states = reading(json!({}), None);
    states["M"]["ItemReader"]["ReaderConfig"]["MaxItems"] = 2.into();
    let machine = world.machine("few", states).await;
    let arn = world.start_one(&machine, json!({"key": "k"})).await;
    world.reading().await.give(vec![json!(1), json!(2), json!(3)]);
    assert_eq!(world.output(&arn).await, json!([1, 2]));
}

/// Enough of them for many chunks.
fn many() -> Vec<Value> {
    (0..1_000).map(|n| json!({"n": n, "text": "x".repeat(1_000)})).collect()
}

#[tokio::test]
async fn batches_are_filled_over_the_bounds_of_what_is_kept_together() {
    let world = World::new().await;
    let more = json!({
        "ItemSelector": {"n.$": "$$.Map.Item.Value.n"},
        "ItemBatcher": {"MaxItemsPerBatch": 300},
        "MaxConcurrency": 1,
    });
    let machine = world.machine("m", reading(more, None)).await;
    let arn = world.start_one(&machine, json!({"key": "k"})).await;
    world.reading().await.give(many());
    let output = world.output(&arn).await;
    let batches = output.as_array().unwrap();
    let sizes: Vec<usize> =
        batches.iter().map(|batch| batch["Items"].as_array().unwrap().len()).collect();
    assert_eq!(sizes, [300, 300, 300, 100]);
    let numbers = batches.iter().flat_map(|batch| batch["Items"].as_array().unwrap());
    let numbers: Vec<i64> = numbers.map(|item| item["n"].as_i64().unwrap()).collect();
    assert_eq!(numbers, (0..1_000).collect::<Vec<i64>>());
}

#[tokio::test]
async fn what_was_read_survives_a_crash() {
    let folder = tempfile::tempdir().unwrap();
    let stores: [Arc<dyn Store>; 2] =
        [Arc::new(MemoryStore::default()), Arc::new(SqliteStore::open(folder.path()).unwrap())];
    for store in stores {
        let world = World::over(store, RuntimeOptions::default()).await;
        let more = json!({"MaxConcurrency": 3, "ItemSelector": {"n.$": "$$.Map.Item.Value.n"}});
        let machine = world.machine("m", reading(more, Some(one_call()))).await;
        let arn = world.start_one(&machine, json!({"key": "k"})).await;
        // The first time the process ends while it reads.
        let _lost = world.reading().await;
        let world = world.crash().await;
        let items: Vec<Value> = many().into_iter().take(700).collect();
        world.reading().await.give(items);
        loop {
            let call = world.call().await;
            let number = call.call.dispatch.parameters.value()["n"].clone();
            if number == 350 {
                break;
            }
            call.succeed(number);
        }
        // Children are under way, and items of the same chunk have none yet.
        let world = world.crash().await;
        let ended = world.output(&arn);
        tokio::pin!(ended);
        let output = loop {
            tokio::select! {
                output = &mut ended => break output,
                call = world.call() => {
                    let number = call.call.dispatch.parameters.value()["n"].clone();
                    call.succeed(number);
                }
            }
        };
        let expected: Vec<i64> = (0..700).collect();
        assert_eq!(output, json!(expected));
        nothing_kept(&world).await;
    }
}

#[tokio::test]
async fn a_stop_ends_the_reading() {
    let world = World::new().await;
    let machine = world.machine("m", reading(json!({}), None)).await;
    let arn = world.start_one(&machine, json!({"key": "k"})).await;
    let mut read = world.reading().await;
    world.runtime.stop_execution(&arn, None, None).await.unwrap();
    read.cancelled().await;
    read.give(vec![json!(1)]);
    let ended = world.runtime.wait_for_end(&arn).await.unwrap();
    assert_eq!(ended.status, Status::Aborted);
}

#[tokio::test]
async fn what_cannot_be_read_fails_the_state() {
    let world = World::new().await;
    let more = json!({"Catch": [{"ErrorEquals": ["States.ItemReaderFailed"], "Next": "C"}]});
    let mut states = reading(more, None);
    states["C"] = json!({"Type": "Pass", "Parameters": {"error.$": "$.Error"}, "End": true});
    let machine = world.machine("m", states).await;
    let arn = world.start_one(&machine, json!({"key": "k"})).await;
    world.reading().await.fail("States.ItemReaderFailed");
    assert_eq!(world.output(&arn).await, json!({"error": "States.ItemReaderFailed"}));
}

#[tokio::test]
async fn results_are_exported_once_all_children_have_ended() {
    let world = World::new().await;
    let machine = world.machine("m", reading(exporting(), None)).await;
    let arn = world.start_one(&machine, json!({"key": "k"})).await;
    world.reading().await.give((0..200).map(Value::from).collect());
    // The process ends while it writes.
    let _lost = world.export().await;
    let world = world.crash().await;
    let export = world.export().await;
    let outputs: Vec<Option<Payload>> =
        export.children.iter().map(|child| child.end.output.clone()).collect();
    let expected: Vec<Option<Payload>> = (0..200).map(|n| Some(json!(n).into())).collect();
    assert_eq!(outputs, expected);
    assert_eq!(export.export.arguments.value()["Prefix"], json!("results"));
    export.succeed(json!({"where": "there"}));
    assert_eq!(world.output(&arn).await, json!({"where": "there"}));
}

#[tokio::test]
async fn what_there_is_is_exported_where_the_run_does_not_succeed() {
    let world = World::new().await;
    let mut more = exporting();
    more["MaxConcurrency"] = 2.into();
    let machine = world.machine("m", reading(more, Some(one_call()))).await;
    let start = async || {
        let arn = world.start_one(&machine, json!({"key": "k"})).await;
        world.reading().await.give((0..3).map(Value::from).collect());
        let (first, second) = (world.call().await, world.call().await);
        let is_first = first.call.dispatch.parameters.value() == &json!(0);
        (arn, if is_first { [first, second] } else { [second, first] })
    };
    let statuses = async || {
        let export = world.export().await;
        let statuses: Vec<(u32, Status)> =
            export.children.iter().map(|child| (child.index, child.end.status)).collect();
        export.succeed(json!("nobody waits for this"));
        statuses
    };
    // One fails, which is too many; the other one is stopped.
    let (arn, [first, _second]) = start().await;
    first.fail("E");
    let ended = world.runtime.wait_for_end(&arn).await.unwrap();
    assert_eq!(ended.status, Status::Failed);
    assert_eq!(statuses().await, [(0, Status::Failed), (1, Status::Aborted)]);
    // Somebody stops it.
    let (arn, [first, _second]) = start().await;
    first.succeed(json!("done"));
    let _third = world.call().await;
    world.runtime.stop_execution(&arn, None, None).await.unwrap();
    let expected = [(0, Status::Succeeded), (1, Status::Aborted), (2, Status::Aborted)];
    assert_eq!(statuses().await, expected);
}

#[tokio::test]
async fn express_machines_read_items_nowhere() {
    // A distributed Map is refused there; its children may be Express.
    let world = World::new().await;
    let states = reading(json!({}), None);
    let machine = crate::harness::new_machine("m", MachineType::Express, &states);
    assert!(world.runtime.create_state_machine(machine).await.is_err());
}
