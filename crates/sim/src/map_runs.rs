//! What must hold of Map Runs and their children when nothing happens any more.

use std::collections::BTreeMap;

use engine::{EventKind, FrameId, Status};
use runtime::status_code;
use store::{ExecutionQuery, ExecutionsOf, MemoryStore, Store};

use crate::checkers::events;
use crate::nested::{ORPHAN_MS, rows};

/// A Map Run as its parent's journal tells of it.
#[derive(Default)]
struct Told {
    started: u64,
    ended: BTreeMap<u32, Status>,
    over_at: Option<i64>,
    has_succeeded: bool,
}

/// No child is lost, none runs on after its run, and what a run counted is what its children are.
/// The number of children.
pub(crate) fn check(store: &MemoryStore) -> usize {
    let mut children = 0;
    for row in rows(store) {
        let mut current: BTreeMap<FrameId, Box<str>> = BTreeMap::new();
        let mut runs: BTreeMap<Box<str>, Told> = BTreeMap::new();
        for event in events(store, row.key) {
            let Some((frame, _)) = event.kind.place() else { continue };
            if let EventKind::MapRunStarted { settings, .. } = &event.kind {
                current.insert(frame, settings.arn.clone());
                runs.insert(settings.arn.clone(), Told::default());
            }
            let Some(told) = current.get(&frame).and_then(|arn| runs.get_mut(arn)) else {
                continue;
            };
            match event.kind {
                EventKind::ChildrenStarted { items, .. } => told.started += items.len() as u64,
                EventKind::ChildEnded { index, status, .. } => {
                    let before = told.ended.insert(index, status);
                    assert!(before.is_none(), "a child ended twice");
                }
                EventKind::MapRunSucceeded { .. } => {
                    told.has_succeeded = true;
                    told.over_at = Some(event.at.0);
                }
                EventKind::MapRunFailed { .. } | EventKind::MapRunAborted { .. } => {
                    told.over_at = Some(event.at.0);
                }
                _ => {}
            }
        }
        children += runs.iter().map(|(arn, told)| check_run(store, arn, told)).sum::<usize>();
    }
    children
}

fn check_run(store: &MemoryStore, arn: &str, told: &Told) -> usize {
    let of = ExecutionsOf::MapRun(arn.to_owned());
    let query = ExecutionQuery { of, status: None, after: None, limit: usize::MAX };
    let rows = store.list_executions(&query).expect("a store in memory answers");
    let over_at = told.over_at.unwrap_or_else(|| panic!("a Map Run never ends: {arn}"));
    assert!(rows.len() as u64 <= told.started, "a child was started that nobody wanted");
    for row in &rows {
        let stopped = row.state.stop_date.expect("every child is over");
        assert!(
            stopped <= over_at + ORPHAN_MS,
            "a child ran on for {} ms after its Map Run: {}",
            stopped - over_at,
            row.new.arn
        );
    }
    for (index, status) in &told.ended {
        let child = engine::child_arn(arn, *index, false);
        let row = rows.iter().find(|row| row.new.arn == child);
        let row = row.unwrap_or_else(|| panic!("a child that ended is lost: {child}"));
        assert_eq!(row.state.status, status_code(*status), "{child}");
    }
    if told.has_succeeded {
        assert_eq!(told.ended.len() as u64, told.started, "a run waits for all its children");
        assert_eq!(rows.len() as u64, told.started);
    }
    rows.len()
}
