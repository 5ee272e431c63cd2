//! What is read of executions straight from the store: everything here is durable. May block.

use std::collections::HashMap;
use std::sync::Arc;

use asl::{Resource, ScopeIndex, StateKind, Timestamp};
use engine::{EventKind, FrameId, HistoryEvent, TaskId, decode_turn, project};
use serde_json::Value;
use store::{ExecutionQuery, ExecutionRow, Store};

use crate::definitions::{Definition, Definitions, LoadError};
use crate::load;
use crate::node::description;
use crate::records::{ExecutionHeader, StateMachineRecord};
use crate::status::status_of_code;
use crate::{
    ChildExecution, ExecutionDescription, ExecutionSummary, HistoryPage, RuntimeError, StateMachine,
};

impl From<LoadError> for RuntimeError {
    fn from(error: LoadError) -> RuntimeError {
        RuntimeError::Store(error.into_store_error())
    }
}

pub(crate) fn row(store: &dyn Store, arn: &str) -> Result<ExecutionRow, RuntimeError> {
    store.execution_by_arn(arn)?.ok_or_else(|| RuntimeError::ExecutionDoesNotExist(arn.to_owned()))
}

/// DescribeExecution for an execution that is not in memory.
pub(crate) fn describe(store: &dyn Store, arn: &str) -> Result<ExecutionDescription, RuntimeError> {
    let row = row(store, arn)?;
    let (identity, header) = load::identity(&row)?;
    // A turn may be added between the two reads; the row says what it saw.
    let mut journal = store.journal(row.key)?;
    journal.truncate(row.turns as usize);
    let execution = load::fold(Arc::new(identity), &journal, &row)?;
    // Only Express executions are billed by memory, and those are not described from the store.
    Ok(description(&execution, header.trace_header, header.parent.as_ref(), None))
}

/// The executions that the tasks of an execution started, in the order of its history.
pub(crate) fn children(
    store: &dyn Store,
    definitions: &Definitions,
    arn: &str,
) -> Result<Vec<ChildExecution>, RuntimeError> {
    let row = row(store, arn)?;
    let (_, header) = load::identity(&row)?;
    let definition = definitions.load(store, header.definition)?;
    let mut attempts: HashMap<FrameId, TaskId> = HashMap::new();
    let mut children: Vec<ChildExecution> = Vec::new();
    for (turn, bytes) in store.journal(row.key)?.iter().enumerate() {
        let events = decode_turn(bytes).map_err(|error| {
            LoadError::Damaged(format!(
                "turn {turn} of the execution {arn} cannot be read: {error}"
            ))
        })?;
        for event in events {
            let (frame, state, output) = match event.kind {
                EventKind::TaskScheduled { frame, .. } => {
                    attempts.insert(frame, TaskId(event.id));
                    continue;
                }
                EventKind::JobSubmitted { frame, state, output }
                | EventKind::TaskSubmitted { frame, state, output }
                | EventKind::TaskSucceeded { frame, state, output } => (frame, state, output),
                _ => continue,
            };
            let state = definition.program.state(state);
            let StateKind::Task(task_state) = &state.kind else { continue };
            let resource = &task_state.resource;
            let (Resource::Service { service, action, .. }, Some(task)) =
                (resource, attempts.get(&frame))
            else {
                continue;
            };
            if (&**service, &**action) != ("states", "startExecution")
                || children.iter().rev().any(|child| child.task == *task)
            {
                continue;
            }
            if let Some(execution_arn) = output.value().get("ExecutionArn").and_then(Value::as_str)
            {
                children.push(ChildExecution {
                    execution_arn: execution_arn.into(),
                    state_name: (*state.name).into(),
                    task: *task,
                    is_awaited: resource.waits_for_job(),
                });
            }
        }
    }
    Ok(children)
}

/// GetExecutionHistory.
pub(crate) fn history(
    store: &dyn Store,
    definitions: &Definitions,
    arn: &str,
    from: u32,
    limit: usize,
    reverse: bool,
) -> Result<HistoryPage, RuntimeError> {
    let row = row(store, arn)?;
    let (identity, header) = load::identity(&row)?;
    let definition = definitions.load(store, header.definition)?;
    let journal = store.journal(row.key)?;
    let mut page = HistoryPage { events: Vec::new(), next: None };
    let is_wanted =
        |id: u32| id != 0 && (from == 0 || if reverse { id <= from } else { id >= from });
    let decode = |at: usize, turn: &[u8]| {
        decode_turn(turn).map_err(|error| {
            LoadError::Damaged(format!("turn {at} of the execution {arn} cannot be read: {error}"))
        })
    };
    let mut take = |event: &engine::Event| -> bool {
        if !is_wanted(event.id) {
            return true;
        }
        if page.events.len() == limit {
            page.next = Some(event.id);
            return false;
        }
        let shown: Option<HistoryEvent> = project(event, &definition.program, &identity);
        page.events.extend(shown);
        true
    };
    if reverse {
        for (at, turn) in journal.iter().enumerate().rev() {
            if !decode(at, turn)?.iter().rev().all(&mut take) {
                break;
            }
        }
    } else {
        for (at, turn) in journal.iter().enumerate() {
            if !decode(at, turn)?.iter().all(&mut take) {
                break;
            }
        }
    }
    Ok(page)
}

/// ListExecutions.
pub(crate) fn list(
    store: &dyn Store,
    query: &ExecutionQuery,
) -> Result<Vec<ExecutionSummary>, RuntimeError> {
    store.list_executions(query)?.into_iter().map(summary).collect()
}

pub(crate) fn summary(row: ExecutionRow) -> Result<ExecutionSummary, RuntimeError> {
    let place = row.place();
    let map_run = match &row.new.map_run_arn {
        None => None,
        Some(arn) => {
            let (identity, _) = load::identity(&row)?;
            let items = identity.map_run.map_or(0, |child| child.items);
            Some((arn.clone(), items))
        }
    };
    let code = row.state.status;
    let status = status_of_code(code).ok_or_else(|| {
        LoadError::Damaged(format!("the execution {} has the unknown status {code}", row.new.arn))
    })?;
    Ok(ExecutionSummary {
        execution_arn: row.new.arn,
        state_machine_arn: row.new.state_machine_arn,
        version_arn: row.new.version_arn,
        alias_arn: row.new.alias_arn,
        name: row.new.name,
        status,
        start_date: Timestamp(row.new.start_date),
        stop_date: row.state.stop_date.map(Timestamp),
        redrive_count: row.state.redrive_count,
        redrive_date: row.state.redrive_date.map(Timestamp),
        map_run,
        pending_redrive: false,
        place,
    })
}

/// The state machine as it was when an execution started.
pub(crate) fn machine_of_execution(
    store: &dyn Store,
    definitions: &Definitions,
    arn: &str,
) -> Result<StateMachine, RuntimeError> {
    let row = row(store, arn)?;
    let (identity, header) = load::identity(&row)?;
    let ExecutionHeader { definition, machine_type, update_date, revision_id, .. } = header;
    let definition = definitions.load(store, definition)?;
    let text = match &identity.map_run {
        None => Arc::clone(&definition.text),
        Some(child) => processor_text(&definition, child.processor),
    };
    Ok(StateMachine {
        arn: identity.state_machine_arn,
        name: identity.state_machine_name,
        machine_type,
        role_arn: header.role_arn,
        // Not kept with executions, and not shown for them.
        creation_date: Timestamp(update_date),
        revision_id,
        update_date: Timestamp(update_date),
        definition: text,
        program: Arc::clone(&definition.program),
        logging_configuration: header.configurations.logging,
        tracing_configuration: header.configurations.tracing,
        encryption_configuration: header.configurations.encryption,
        deleting: false,
    })
}

/// The part of a definition that the children of a Map Run run; all of it where that cannot be
/// found.
fn processor_text(definition: &Definition, processor: ScopeIndex) -> Arc<str> {
    let program = &definition.program;
    let mut path = Vec::new();
    let mut scope = processor;
    while let Some(container) = program.scope(scope).container {
        let state = program.state(container);
        let branch = match &state.kind {
            StateKind::Parallel { branches } => branches.iter().position(|held| *held == scope),
            _ => None,
        };
        path.push((&state.name, branch));
        scope = state.scope;
    }
    let find = || {
        let mut value: Value = serde_json::from_str(&definition.text).ok()?;
        for (name, branch) in path.iter().rev() {
            let mut state = value.get_mut("States")?.get_mut(&***name)?.take();
            value = match branch {
                Some(branch) => state.get_mut("Branches")?.get_mut(*branch)?.take(),
                None => match state.get_mut("ItemProcessor") {
                    Some(processor) => processor.take(),
                    None => state.get_mut("Iterator")?.take(),
                },
            };
        }
        Some(Arc::from(value.to_string()))
    };
    find().unwrap_or_else(|| Arc::clone(&definition.text))
}

/// A registered state machine with its definition.
pub(crate) fn machine(
    store: &dyn Store,
    definitions: &Definitions,
    record: &StateMachineRecord,
) -> Result<StateMachine, RuntimeError> {
    let definition = definitions.load(store, record.definition)?;
    Ok(StateMachine {
        arn: record.arn.clone(),
        name: record.name.clone(),
        machine_type: record.machine_type,
        role_arn: record.role_arn.clone(),
        creation_date: Timestamp(record.creation_date),
        revision_id: record.revision_id.clone(),
        update_date: Timestamp(record.update_date),
        definition: Arc::clone(&definition.text),
        program: Arc::clone(&definition.program),
        logging_configuration: record.configurations.logging.clone(),
        tracing_configuration: record.configurations.tracing.clone(),
        encryption_configuration: record.configurations.encryption.clone(),
        deleting: record.deleting,
    })
}
