//! State machines, versions, activities and tags.

use std::sync::Arc;

use asl::MachineType;
use runtime::{NewStateMachine, RuntimeError, StateMachineUpdate};
use serde_json::json;

use crate::harness::{SCOPE, World, new_machine, one_call, request};

fn pass() -> serde_json::Value {
    json!({"A": {"Type": "Pass", "End": true}})
}

fn tags(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

#[tokio::test]
async fn creating_again_gives_the_same_machine() {
    let world = World::new().await;
    let new = new_machine("Order", MachineType::Standard, &pass());
    let (first, version) = world.runtime.create_state_machine(new.clone()).await.unwrap();
    assert!(version.is_none() && first.revision_id.is_none());
    world.advance(10);
    let other_role = NewStateMachine {
        role_arn: "arn:aws:iam::123456789012:role/other".into(),
        tags: tags(&[("a", "1")]),
        logging_configuration: Some(json!({"level": "OFF"})),
        ..new.clone()
    };
    let (second, _) = world.runtime.create_state_machine(other_role).await.unwrap();
    assert_eq!((second.creation_date, second.role_arn), (first.creation_date, first.role_arn));
    assert!(world.runtime.tags(&first.arn).unwrap().is_empty());
    let different = [
        NewStateMachine { machine_type: MachineType::Express, ..new.clone() },
        NewStateMachine { definition: format!("{} ", new.definition).into(), ..new.clone() },
        NewStateMachine { tracing_configuration: Some(json!({"enabled": true})), ..new.clone() },
        NewStateMachine { publish: Some(None), ..new.clone() },
    ];
    for other in different {
        let error = world.runtime.create_state_machine(other).await.unwrap_err();
        assert!(matches!(error, RuntimeError::StateMachineAlreadyExists(_)), "{error}");
    }
    let invalid = NewStateMachine { definition: "{}".into(), ..new };
    let error = world.runtime.create_state_machine(invalid).await.unwrap_err();
    assert!(matches!(error, RuntimeError::InvalidDefinition(found) if !found.is_empty()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_creations_agree() {
    let world = Arc::new(World::new().await);
    let creations: Vec<_> = (0..8)
        .map(|n| {
            let world = Arc::clone(&world);
            tokio::spawn(async move {
                let states = json!({"A": {"Type": "Pass", "Result": n % 2, "End": true}});
                let new = new_machine("Order", MachineType::Standard, &states);
                world.runtime.create_state_machine(new).await.map(|(machine, _)| machine.definition)
            })
        })
        .collect();
    let mut created = Vec::new();
    for creation in creations {
        created.extend(creation.await.unwrap().ok());
    }
    let arn = format!("{SCOPE}:stateMachine:Order");
    let now = world.runtime.state_machine(&arn).unwrap().definition;
    assert_eq!(created, vec![now; 4]);
}

#[tokio::test]
async fn updates_make_revisions_and_versions() {
    let world = World::new().await;
    let arn = world.machine("Order", pass()).await;
    let update = |definition: Option<serde_json::Value>, publish: bool| StateMachineUpdate {
        definition: definition
            .map(|states| new_machine("Order", MachineType::Standard, &states).definition),
        publish: publish.then(|| Some("text".to_owned())),
        ..StateMachineUpdate::default()
    };
    // Nothing changes but that there is a version now.
    let (machine, version) =
        world.runtime.update_state_machine(&arn, update(Some(pass()), true)).await.unwrap();
    assert!(machine.revision_id.is_none());
    assert_eq!(&*version.unwrap().arn, format!("{arn}:1"));
    let (_, version) = world.runtime.update_state_machine(&arn, update(None, true)).await.unwrap();
    assert_eq!(&*version.unwrap().arn, format!("{arn}:1"), "the same content");

    world.advance(5);
    let changed = json!({"B": {"Type": "Pass", "Result": 2, "End": true}});
    let (machine, version) =
        world.runtime.update_state_machine(&arn, update(Some(changed), true)).await.unwrap();
    assert_eq!(machine.update_date.0 - machine.creation_date.0, 5000);
    assert!(machine.revision_id.is_some());
    assert_eq!(&*version.unwrap().arn, format!("{arn}:2"));

    // Versions stay as they were, and can be started.
    let first = world.runtime.state_machine_version(&format!("{arn}:1")).unwrap();
    assert!(first.machine.definition.contains("\"A\""));
    assert_eq!(first.description.as_deref(), Some("text"));
    let started = world.start_one(&format!("{arn}:1"), json!(1)).await;
    assert_eq!(world.output(&started).await, json!(1));
    let described = world.runtime.describe_execution(&started).await.unwrap();
    let by = described.identity.state_machine_version_arn.as_deref();
    assert_eq!(by, Some(&*format!("{arn}:1")));
    assert_eq!(&*described.identity.state_machine_arn, arn);
    let of_execution = world.runtime.state_machine_of_execution(&started).await.unwrap();
    assert_eq!(of_execution.definition, first.machine.definition);

    let started = world.start_one(&arn, json!(1)).await;
    assert_eq!(world.output(&started).await, json!(2));
    for unknown in [format!("{arn}:3"), format!("{arn}x")] {
        let error = world.runtime.start_execution(request(&unknown, json!(1))).await.unwrap_err();
        assert!(matches!(error, RuntimeError::StateMachineDoesNotExist(_)), "{error}");
    }
}

#[tokio::test]
async fn a_machine_without_executions_is_deleted_at_once() {
    let world = World::new().await;
    let arn = world.machine("Order", pass()).await;
    world.start_one(&arn, json!(1)).await;
    world.runtime.tag_resource(&arn, tags(&[("a", "1")])).await.unwrap();
    world.runtime.delete_state_machine(&arn).await.unwrap();
    let gone = world.runtime.state_machine(&arn);
    assert!(matches!(gone, Err(RuntimeError::StateMachineDoesNotExist(_))));
    world.runtime.delete_state_machine(&arn).await.unwrap();
    assert_eq!(world.machine("Order", pass()).await, arn, "the name is free");
    assert!(world.runtime.tags(&arn).unwrap().is_empty());
}

#[tokio::test]
async fn executions_of_a_deleted_machine_end_at_their_next_transition() {
    let world = World::new().await;
    let mut states = one_call();
    states["Work"] = json!({"Type": "Task", "Resource": states["Work"]["Resource"], "Next": "A"});
    states["A"] = json!({"Type": "Pass", "End": true});
    let arn = world.machine("Order", states).await;
    let running = world.start_one(&arn, json!(1)).await;
    let call = world.call().await;
    world.runtime.delete_state_machine(&arn).await.unwrap();
    assert!(world.runtime.state_machine(&arn).unwrap().deleting);
    let refused = world.runtime.start_execution(request(&arn, json!(1))).await.unwrap_err();
    assert!(matches!(refused, RuntimeError::StateMachineDeleting(_)), "{refused}");
    // Also after a restart.
    drop(call);
    let world = world.crash().await;
    world.call().await.succeed(json!(1));
    let ended = world.runtime.wait_for_end(&running).await.unwrap();
    assert_eq!(ended.status.name(), "ABORTED");
    while world.runtime.state_machine(&arn).is_ok() {
        tokio::task::yield_now().await;
    }
    // What ran is still there.
    world.runtime.describe_execution(&running).await.unwrap();
    assert_eq!(world.history(&running).await.last(), Some(&"ExecutionAborted"));
}

#[tokio::test]
async fn tags_belong_to_machines_and_activities() {
    let world = World::new().await;
    let arn = world.activity("Approve").await;
    world.runtime.tag_resource(&arn, tags(&[("a", "1"), ("b", "2")])).await.unwrap();
    world.runtime.tag_resource(&arn, tags(&[("a", "3"), ("c", "4")])).await.unwrap();
    world.runtime.untag_resource(&arn, vec!["b".to_owned(), "x".to_owned()]).await.unwrap();
    assert_eq!(world.runtime.tags(&arn).unwrap(), tags(&[("a", "3"), ("c", "4")]));
    let many: Vec<_> = (0..49).map(|n| (format!("k{n}"), String::new())).collect();
    let error = world.runtime.tag_resource(&arn, many).await.unwrap_err();
    assert!(matches!(error, RuntimeError::TooManyTags { most: 50, .. }), "{error}");
    let unknown = world.runtime.tag_resource("nothing", tags(&[("a", "1")])).await.unwrap_err();
    assert!(matches!(unknown, RuntimeError::ResourceNotFound(_)), "{unknown}");
}

#[tokio::test]
async fn lists_are_in_order_and_paged() {
    let world = World::new().await;
    for name in ["c", "a", "b"] {
        world.machine(name, pass()).await;
        world.activity(name).await;
    }
    let list = |after: &str, limit: usize| {
        let machines = world.runtime.list_state_machines(SCOPE, after, limit).unwrap();
        machines.iter().map(|machine| machine.name.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(list("", 10), ["a", "b", "c"]);
    assert_eq!(list(&format!("{SCOPE}:stateMachine:a"), 1), ["b"]);
    let elsewhere = "arn:aws:states:eu-west-1:";
    assert!(world.runtime.list_state_machines(elsewhere, "", 10).unwrap().is_empty());
    let after = format!("{SCOPE}:activity:b");
    let activities = world.runtime.list_activities(SCOPE, &after, 10).unwrap();
    assert_eq!(activities.len(), 1);
}

#[tokio::test]
async fn everything_registered_survives() {
    let world = World::new().await;
    let new = NewStateMachine {
        tags: tags(&[("b", "2"), ("a", "1")]),
        publish: Some(None),
        ..new_machine("Order", MachineType::Standard, &pass())
    };
    let (before, version) = world.runtime.create_state_machine(new.clone()).await.unwrap();
    let activity = world.activity("Approve").await;
    let secret = world.runtime.page_token_secret();
    let world = world.crash().await;
    assert_eq!(world.runtime.page_token_secret(), secret);
    let after = world.runtime.state_machine(&before.arn).unwrap();
    assert_eq!(after.definition, before.definition);
    assert_eq!(world.runtime.tags(&before.arn).unwrap(), tags(&[("b", "2"), ("a", "1")]));
    world.runtime.activity(&activity).unwrap();
    let (_, again) = world.runtime.create_state_machine(new).await.unwrap();
    assert_eq!(again.unwrap().arn, version.unwrap().arn);
    let started = world.start_one(&before.arn, json!(1)).await;
    assert_eq!(world.output(&started).await, json!(1));
}
