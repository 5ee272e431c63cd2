//! Executions as the store has them: folding a journal, and looking what became of a batch whose
//! answer was lost. Reads only, and may block; nothing here decides.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use asl::Timestamp;
use engine::{Effect, EventKind, Execution, Identity, MapRunChild, Stamp, decode_turn};
use store::{ExecutionKey, ExecutionRow, PurgeQuery, Purgeable, Store, StoreError, Write};

use crate::definitions::{Definition, LoadError};
use crate::node::{FoundChild, Input, Output, ParentState, child_end};
use crate::query;
use crate::records::{self, ExecutionHeader, ParentRecord};
use crate::surroundings::Surroundings;
use crate::{arns, items, limits};

/// An execution read from the store.
pub struct Loaded {
    pub(crate) row: ExecutionRow,
    /// Absent where the execution is over: then the row says all that commands need, except a
    /// redrive.
    pub(crate) open: Option<OpenExecution>,
}

/// An execution, folded.
pub(crate) struct OpenExecution {
    pub(crate) execution: Box<Execution>,
    pub(crate) definition: Arc<Definition>,
    pub(crate) header: Arc<ExecutionHeader>,
    /// What a new process must do for it.
    pub(crate) effects: Vec<Effect>,
}

/// What the store says of one write of a batch whose answer was lost.
pub enum Finding {
    /// It is there.
    Durable,
    /// It is not there; for a turn, the execution as it is instead.
    Absent(Option<Box<Loaded>>),
}

/// Does what a node wants of its store, and gives back what is not for the store. May block.
pub fn perform(
    store: &dyn Store,
    surroundings: &Surroundings,
    output: Output,
    now: Timestamp,
) -> Result<Input, Output> {
    Ok(match output {
        Output::Commit(writes) => {
            let result = catch_unwind(AssertUnwindSafe(|| store.commit(&writes)))
                .unwrap_or_else(|panic| Err(StoreError::Failed(panic_text(&*panic))));
            Input::Committed { writes, result }
        }
        Output::Check(writes) => {
            let result = check(store, surroundings, &writes, now);
            Input::Checked { writes, result }
        }
        Output::Load(key) => Input::Loaded { key, result: load(store, surroundings, key, now) },
        Output::Reopen(key) => Input::Loaded { key, result: reopen(store, surroundings, key, now) },
        Output::ListPurgeable(query) => Input::PurgeableListed { result: purgeable(store, &query) },
        Output::Resolve(arn) => {
            let result = store.execution_by_arn(&arn);
            Input::Resolved { arn, result }
        }
        Output::LoadDefinition(hash) => {
            let result = surroundings.definitions.load(store, hash);
            Input::DefinitionLoaded { hash, result }
        }
        Output::ListDue { until, limit } => {
            Input::DueListed { until, result: store.due(until, limit) }
        }
        Output::ListRecovery { after, limit } => {
            Input::RecoveryListed { result: store.to_recover(after, limit) }
        }
        Output::DescribeChild { place, arn, result } => {
            let described = query::describe(store, &arn);
            Input::ChildDescribed { place, arn, result, described }
        }
        Output::CheckParent { child, parent } => {
            let result = parent_state(store, &parent).map_err(LoadError::into_store_error);
            Input::ParentChecked { child, parent, result }
        }
        Output::FindMapRunChild { child, arn } => {
            Input::MapRunChildFound { child, result: find_child(store, &arn) }
        }
        Output::FetchItems(fetch) => {
            let result = items::fetch(store, &fetch);
            Input::ItemsFetched { fetch, result }
        }
        Output::ListKeptItems { key, map_run, after } => {
            let result = items::list(store, key, Some(map_run), &after);
            Input::KeptItemsListed { key, map_run, result }
        }
        Output::CountOpen(machine_arn) => {
            let result = store.count_open(&machine_arn);
            Input::OpenCounted { machine_arn, result }
        }
        other => return Err(other),
    })
}

/// Reads an execution. None if there is none with this key.
pub fn load(
    store: &dyn Store,
    surroundings: &Surroundings,
    key: ExecutionKey,
    now: Timestamp,
) -> Result<Option<Box<Loaded>>, LoadError> {
    let Some(row) = store.execution(key)? else {
        return Ok(None);
    };
    if row.state.status != 0 {
        return Ok(Some(Box::new(Loaded { row, open: None })));
    }
    open(store, surroundings, row, now)
}

/// Reads an execution, and folds it also if it is over. None if there is none with this key.
pub fn reopen(
    store: &dyn Store,
    surroundings: &Surroundings,
    key: ExecutionKey,
    now: Timestamp,
) -> Result<Option<Box<Loaded>>, LoadError> {
    match store.execution(key)? {
        Some(row) => open(store, surroundings, row, now),
        None => Ok(None),
    }
}

fn open(
    store: &dyn Store,
    surroundings: &Surroundings,
    row: ExecutionRow,
    now: Timestamp,
) -> Result<Option<Box<Loaded>>, LoadError> {
    let key = row.key;
    let journal = store.journal(key)?;
    load_open(store, surroundings, row, &journal, now).map(|loaded| Some(Box::new(loaded)))
}

fn load_open(
    store: &dyn Store,
    surroundings: &Surroundings,
    row: ExecutionRow,
    journal: &[Vec<u8>],
    now: Timestamp,
) -> Result<Loaded, LoadError> {
    let (identity, header) = identity(&row)?;
    let definition = surroundings.definitions.load(store, header.definition)?;
    let execution = fold(Arc::new(identity), journal, &row)?;
    let effects = recovery_effects(&execution, &definition, surroundings, row.key, now)?;
    let open = OpenExecution {
        execution: Box::new(execution),
        definition,
        header: Arc::new(header),
        effects,
    };
    Ok(Loaded { row, open: Some(open) })
}

/// The effects a process must perform for an execution that it has just loaded.
pub(crate) fn recovery_effects(
    execution: &Execution,
    definition: &Definition,
    surroundings: &Surroundings,
    key: ExecutionKey,
    now: Timestamp,
) -> Result<Vec<Effect>, LoadError> {
    if !execution.needs_recovery() {
        return Ok(Vec::new());
    }
    let world = surroundings.of(key);
    let stamp = Stamp { now, seed: 0, world: &world };
    catch_unwind(AssertUnwindSafe(|| engine::recover(&definition.program, execution, stamp)))
        .map_err(|panic| {
            let arn = &execution.identity.arn;
            let text = panic_text(&*panic);
            LoadError::Damaged(format!("taking up the execution {arn} failed: {text}"))
        })
}

/// Executions that are to be purged, and items that are kept for them. One that has many items
/// is left for a later pass, when those of this one are gone.
pub fn purgeable(
    store: &dyn Store,
    query: &PurgeQuery,
) -> Result<(Purgeable, Vec<String>), StoreError> {
    let mut found = store.purgeable(query)?;
    let mut kept = Vec::new();
    let mut purged = Vec::with_capacity(found.executions.len());
    for (key, turns) in found.executions {
        let items = items::list(store, key, None, "")?;
        if items.len() < limits::ITEM_CHUNKS_LISTED {
            purged.push((key, turns));
        }
        kept.extend(items);
    }
    found.executions = purged;
    Ok((found, kept))
}

/// Looks for the child of a Map Run.
pub(crate) fn find_child(store: &dyn Store, arn: &str) -> Result<FoundChild, LoadError> {
    let Some(row) = store.execution_by_arn(arn)? else {
        return Ok(FoundChild::Absent);
    };
    if row.state.status == 0 {
        return Ok(FoundChild::Open(row.key));
    }
    let (identity, _) = identity(&row)?;
    let mut journal = store.journal(row.key)?;
    journal.truncate(row.turns as usize);
    let execution = fold(Arc::new(identity), &journal, &row)?;
    let end = Box::new(child_end(&execution));
    Ok(FoundChild::Ended { key: row.key, attempt: execution.attempt(), end })
}

/// Folds a journal to the execution that wrote it.
pub(crate) fn fold(
    identity: Arc<Identity>,
    journal: &[Vec<u8>],
    row: &ExecutionRow,
) -> Result<Execution, LoadError> {
    let arn = Arc::clone(&identity);
    let damaged = |turn: usize, what: &dyn std::fmt::Display| {
        LoadError::Damaged(format!(
            "turn {turn} of the execution {} cannot be read: {what}",
            arn.arn
        ))
    };
    if journal.len() != row.turns as usize {
        let found = journal.len();
        return Err(damaged(found, &format!("{} turns were kept, {found} are there", row.turns)));
    }
    let mut execution = Execution::new(identity);
    for (turn, bytes) in journal.iter().enumerate() {
        let events = decode_turn(bytes).map_err(|error| damaged(turn, &error))?;
        catch_unwind(AssertUnwindSafe(|| {
            for event in &events {
                execution.apply(event);
            }
        }))
        .map_err(|panic| damaged(turn, &panic_text(&*panic)))?;
    }
    Ok(execution)
}

/// Who the execution of this row is, and what its header says besides.
pub(crate) fn identity(row: &ExecutionRow) -> Result<(Identity, ExecutionHeader), LoadError> {
    let new = &row.new;
    let header: ExecutionHeader = records::decode(&new.header)
        .map_err(|error| LoadError::record("header of the execution", &new.arn, &error))?;
    let identity = Identity {
        arn: new.arn.clone(),
        name: new.name.clone(),
        state_machine_arn: new.state_machine_arn.clone(),
        state_machine_name: arns::last_part(&new.state_machine_arn).into(),
        state_machine_version_arn: new.version_arn.clone(),
        state_machine_alias_arn: new.alias_arn.clone(),
        role_arn: header.role_arn.clone(),
        region: arns::region(&new.arn).into(),
        express: header.machine_type == asl::MachineType::Express,
        test_case: header.test_case.clone(),
        map_run: header.map_run.as_ref().map(|link| MapRunChild {
            map_run_arn: link.arn.clone(),
            index: link.index,
            items: link.items,
            processor: asl::ScopeIndex(link.processor),
            first_attempt: link.attempt,
        }),
    };
    Ok((identity, header))
}

/// The task that started the execution of this row, if one did.
pub fn parent(row: &ExecutionRow) -> Result<Option<ParentRecord>, LoadError> {
    let header: ExecutionHeader = records::decode(&row.new.header)
        .map_err(|error| LoadError::record("header of the execution", &row.new.arn, &error))?;
    Ok(header.parent)
}

/// What became of the task that started an execution.
pub fn parent_state(store: &dyn Store, parent: &ParentRecord) -> Result<ParentState, LoadError> {
    let (key, task) = parent.place();
    let row = store.execution(key)?.filter(|row| row.new.arn == parent.execution);
    let Some(row) = row else {
        return Ok(ParentState::Unknown);
    };
    let mut journal = store.journal(key)?;
    journal.truncate(row.turns as usize);
    let (identity, _) = identity(&row)?;
    if fold(Arc::new(identity), &journal, &row)?.task_state(task).is_some() {
        return Ok(ParentState::Waits);
    }
    let events = journal.iter().filter_map(|bytes| decode_turn(bytes).ok()).flatten();
    let mut attempt = events.skip_while(|event| event.id != task.0);
    let Some(EventKind::TaskScheduled { frame: own, .. }) = attempt.next().map(|event| event.kind)
    else {
        return Ok(ParentState::Unknown);
    };
    let end = attempt.find_map(|event| match event.kind {
        EventKind::TaskSucceeded { frame, .. }
        | EventKind::TaskFailed { frame, .. }
        | EventKind::TaskSubmitFailed { frame, .. } => (frame == own).then_some(ParentState::Left),
        EventKind::TaskTimedOut { frame, .. } | EventKind::TaskScheduled { frame, .. } => {
            (frame == own).then_some(ParentState::Gone)
        }
        _ => None,
    });
    Ok(end.unwrap_or(ParentState::Gone))
}

/// Looks what became of each write of a batch whose answer was lost.
pub fn check(
    store: &dyn Store,
    surroundings: &Surroundings,
    writes: &[Write],
    now: Timestamp,
) -> Result<Vec<Finding>, StoreError> {
    writes
        .iter()
        .map(|write| match write {
            Write::Turn(turn) => {
                let Some(row) = store.execution(turn.key)? else {
                    return Ok(Finding::Absent(None));
                };
                let journal = store.journal(turn.key)?;
                // The bytes are compared so that the turn of somebody else is not taken for ours.
                let is_there = row.turns > turn.turns_before
                    && journal.get(turn.turns_before as usize) == Some(&turn.journal);
                if is_there {
                    return Ok(Finding::Durable);
                }
                if row.state.status != 0 {
                    return Ok(Finding::Absent(Some(Box::new(Loaded { row, open: None }))));
                }
                let loaded = load_open(store, surroundings, row, &journal, now)
                    .map_err(LoadError::into_store_error)?;
                Ok(Finding::Absent(Some(Box::new(loaded))))
            }
            Write::PutRecord { kind, key, body } => {
                let is_there = store.record(kind, key)?.as_ref() == Some(body);
                Ok(if is_there { Finding::Durable } else { Finding::Absent(None) })
            }
            // Sums do not say who added: rather one is lost than counted twice.
            Write::AddUsage(_) => Ok(Finding::Durable),
            Write::Purge { key, .. } => {
                let is_gone = store.execution(*key)?.is_none();
                Ok(if is_gone { Finding::Durable } else { Finding::Absent(None) })
            }
            Write::DeleteRecord { kind, key } => {
                let is_gone = store.record(kind, key)?.is_none();
                Ok(if is_gone { Finding::Durable } else { Finding::Absent(None) })
            }
        })
        .collect()
}

/// What a panic said.
pub(crate) fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("a panic without a text").to_owned()
}
