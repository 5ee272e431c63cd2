//! Versions and aliases of state machines.

use runtime::{
    ExecutionQuery, ExecutionsOf, NewStateMachineAlias, Route, RuntimeError,
    StateMachineAliasUpdate, StateMachineUpdate,
};
use serde_json::{Value, json};

use crate::harness::{World, new_machine};

fn result(number: u64) -> Value {
    json!({"A": {"Type": "Pass", "Result": number, "End": true}})
}

/// A machine with as many versions, each of which gives its number.
async fn versions(world: &World, count: u64) -> String {
    let arn = world.machine("Order", result(0)).await;
    for number in 1..=count {
        let new = new_machine("Order", asl::MachineType::Standard, &result(number));
        let update = StateMachineUpdate {
            definition: Some(new.definition),
            publish: Some(None),
            ..StateMachineUpdate::default()
        };
        world.runtime.update_state_machine(&arn, update).await.unwrap();
    }
    arn
}

fn routes(arn: &str, weights: &[(u64, u8)]) -> Vec<Route> {
    let route = |(number, weight): &(u64, u8)| Route {
        version_arn: format!("{arn}:{number}").into(),
        weight: *weight,
    };
    weights.iter().map(route).collect()
}

fn alias(arn: &str, name: &str, weights: &[(u64, u8)]) -> NewStateMachineAlias {
    NewStateMachineAlias {
        state_machine_arn: arn.into(),
        name: name.into(),
        description: None,
        routes: routes(arn, weights),
    }
}

#[tokio::test]
async fn starts_follow_the_weights_and_say_so() {
    let world = World::new().await;
    let arn = versions(&world, 2).await;
    let prod = alias(&arn, "PROD", &[(1, 20), (2, 80)]);
    let prod = world.runtime.create_state_machine_alias(prod).await.unwrap().arn;
    let mut counts = [0; 2];
    for _ in 0..200 {
        let started = world.start_one(&prod, json!(null)).await;
        let output = world.output(&started).await;
        let described = world.runtime.describe_execution(&started).await.unwrap();
        let identity = &described.identity;
        assert_eq!(identity.state_machine_alias_arn.as_deref(), Some(&*prod));
        let version = identity.state_machine_version_arn.as_deref();
        assert_eq!(version, Some(&*format!("{arn}:{output}")));
        counts[usize::try_from(output.as_u64().unwrap()).unwrap() - 1] += 1;
    }
    // Both are met; the smaller share is met less often. The chance of anything else is below
    // one in a thousand million.
    assert!(counts[0] > 0 && counts[0] < counts[1], "{counts:?}");
    let listed = |of| ExecutionQuery { of, status: None, after: None, limit: 1000 };
    let count = async |of| world.runtime.list_executions(listed(of)).await.unwrap().len();
    assert_eq!(count(ExecutionsOf::Alias(prod.to_string())).await, 200);
    assert_eq!(count(ExecutionsOf::Version(format!("{arn}:1"))).await, counts[0]);
    assert_eq!(count(ExecutionsOf::StateMachine(arn)).await, 200);
}

#[tokio::test]
async fn aliases_outlive_the_process_and_go_with_their_machine() {
    let world = World::new().await;
    let arn = versions(&world, 2).await;
    let prod = alias(&arn, "PROD", &[(1, 100)]);
    let prod = world.runtime.create_state_machine_alias(prod).await.unwrap();
    world.advance(5);
    let update = StateMachineAliasUpdate {
        description: Some("d".into()),
        routes: Some(routes(&arn, &[(2, 100)])),
    };
    world.runtime.update_state_machine_alias(&prod.arn, update.clone()).await.unwrap();
    world.advance(5);
    // The same again changes nothing.
    let updated = world.runtime.update_state_machine_alias(&prod.arn, update).await.unwrap();
    assert_eq!(updated.update_date.0 - updated.creation_date.0, 5000);

    let world = world.crash().await;
    let kept = world.runtime.state_machine_alias(&prod.arn).unwrap();
    assert_eq!((kept.description.as_deref(), kept.update_date), (Some("d"), updated.update_date));
    assert_eq!(world.output(&world.start_one(&prod.arn, json!(null)).await).await, json!(2));
    let error = world.runtime.delete_state_machine_version(&format!("{arn}:2")).await.unwrap_err();
    assert!(matches!(error, RuntimeError::Conflict(_)), "{error}");
    world.runtime.delete_state_machine_version(&format!("{arn}:1")).await.unwrap();

    world.runtime.delete_state_machine(&arn).await.unwrap();
    let error = world.runtime.state_machine_alias(&prod.arn).unwrap_err();
    assert!(matches!(error, RuntimeError::ReferenceNotFound(_)), "{error}");
    // A machine of the same name begins anew.
    let again = world.machine("Order", result(0)).await;
    assert!(world.runtime.list_state_machine_versions(&again, u64::MAX, 10).unwrap().is_empty());
    assert!(world.runtime.list_state_machine_aliases(&again, "", 10).unwrap().is_empty());
}

#[tokio::test]
async fn there_are_at_most_a_thousand_versions_and_a_hundred_aliases() {
    let world = World::new().await;
    let arn = versions(&world, 1000).await;
    let definition = new_machine("Order", asl::MachineType::Standard, &result(5000)).definition;
    let update =
        StateMachineUpdate { definition: Some(definition), ..StateMachineUpdate::default() };
    world.runtime.update_state_machine(&arn, update).await.unwrap();
    let publish = || world.runtime.publish_state_machine_version(&arn, None, None);
    let error = publish().await.unwrap_err();
    assert!(matches!(error, RuntimeError::ServiceQuotaExceeded(_)), "{error}");
    world.runtime.delete_state_machine_version(&format!("{arn}:7")).await.unwrap();
    assert_eq!(&*publish().await.unwrap().arn, format!("{arn}:1001"));

    for number in 0..100 {
        let new = alias(&arn, &format!("alias-{number}"), &[(1, 100)]);
        world.runtime.create_state_machine_alias(new).await.unwrap();
    }
    let new = alias(&arn, "one-more", &[(1, 100)]);
    let error = world.runtime.create_state_machine_alias(new).await.unwrap_err();
    assert!(matches!(error, RuntimeError::ServiceQuotaExceeded(_)), "{error}");
}
