//! The context object: `$$` and `$states.context`.

use asl::{Program, StateKind};
use serde_json::{Map, Value, json};

use crate::frame::MapItem;
use crate::{Execution, FrameId};

/// `$$.Map.Item.Source` of items that come with the state's data.
pub(crate) const STATE_DATA: &str = "STATE_DATA";

/// What only some fields see of the context object.
#[derive(Default)]
pub(crate) struct Extra {
    /// `$$.Task.Token`, for the arguments of a task that waits for its token.
    pub(crate) task_token: Option<String>,
    /// `$$.Map.Item`, for `ItemSelector`.
    pub(crate) item: Option<MapItem>,
    /// `$$.Map.Item.Source`, for `ItemSelector`.
    pub(crate) item_source: Option<Box<str>>,
}

/// The context object as the state that `frame` is in sees it.
pub(crate) fn build(
    program: &Program,
    execution: &Execution,
    frame: FrameId,
    extra: &Extra,
) -> Value {
    let identity = &execution.identity;
    let mut object = Map::new();
    let mut of_execution = json!({
        "Id": &*identity.arn,
        "Input": execution.input().value(),
        "StartTime": execution.start_date().to_iso_8601(),
        "Name": &*identity.name,
    });
    if !identity.role_arn.is_empty() {
        of_execution["RoleArn"] = json!(&*identity.role_arn);
    }
    // Recorded: synchronous executions do not show it, other Express ones do.
    if !execution.is_synchronous {
        of_execution["RedriveCount"] = json!(execution.redrive_count());
    }
    if let Some(at) = execution.redrive_date() {
        of_execution["RedriveTime"] = json!(at.to_iso_8601());
    }
    object.insert("Execution".into(), of_execution);
    object.insert(
        "StateMachine".into(),
        json!({ "Id": &*identity.state_machine_arn, "Name": &*identity.state_machine_name }),
    );
    if let Some(current) = execution.frame(frame).current() {
        let state = program.state(current.state);
        let mut of_state = json!({
            "Name": &*state.name,
            "EnteredTime": current.entered_at.to_iso_8601(),
        });
        if matches!(state.kind, StateKind::Task(_) | StateKind::Parallel { .. } | StateKind::Map(_))
        {
            of_state["RetryCount"] = json!(current.retry_count);
        }
        object.insert("State".into(), of_state);
    }
    if let Some(token) = &extra.task_token {
        object.insert("Task".into(), json!({ "Token": token }));
    }
    if let Some(item) = extra.item.as_ref().or_else(|| innermost_item(execution, frame)) {
        object.insert("Map".into(), of_item(item, extra.item_source.as_deref()));
    }
    Value::Object(object)
}

/// `$$.Map`.
pub(crate) fn of_item(item: &MapItem, source: Option<&str>) -> Value {
    let mut of_item = Map::new();
    of_item.insert("Index".into(), json!(item.index));
    if let Some(key) = &item.key {
        of_item.insert("Key".into(), json!(&**key));
    }
    of_item.insert("Value".into(), item.value.value().clone());
    of_item.extend(source.map(|source| ("Source".to_owned(), json!(source))));
    json!({ "Item": of_item })
}

fn innermost_item(execution: &Execution, frame: FrameId) -> Option<&MapItem> {
    let mut next = Some(frame);
    while let Some(id) = next {
        let frame = execution.frame(id);
        if frame.item.is_some() {
            return frame.item.as_ref();
        }
        next = frame.parent;
    }
    None
}
