//! What must hold of Map Runs and their children when nothing happens any more.

use std::collections::BTreeMap;

use engine::{EventKind, FrameId, Status};
use runtime::status_code;
use store::{ExecutionQuery, ExecutionRow, ExecutionsOf, MemoryStore, Store};

use crate::checkers::{check_history, events};
use crate::nested::{ORPHAN_MS, rows};

/// A Map Run as its parent's journal tells of it.
#[derive(Default)]
struct Told {
    started: u64,
    ended: BTreeMap<u32, Status>,
    redrives: u32,
    /// Children that were to run again: the last redrive that wanted it, and when.
    wanted: BTreeMap<u32, (u32, i64)>,
    over_at: Option<i64>,
    has_succeeded: bool,
}

/// No child is lost, none runs on after its run, and what a run counted is what its children are.
/// The numbers of children, and of redrives of Map Runs.
pub(crate) fn check(store: &MemoryStore) -> (usize, usize) {
    let (mut children, mut redrives) = (0, 0);
    for row in rows(store) {
        let mut current: BTreeMap<FrameId, Box<str>> = BTreeMap::new();
        let mut runs: BTreeMap<Box<str>, Told> = BTreeMap::new();
        for event in events(store, row.key) {
            let Some((frame, _)) = event.kind.place() else { continue };
            if let EventKind::MapRunStarted { settings, .. } = &event.kind {
                current.insert(frame, settings.arn.clone());
                let before = runs.insert(settings.arn.clone(), Told::default());
                assert!(before.is_none(), "a Map Run starts once");
            }
            if let EventKind::MapRunRedriven { map_run_arn, redrive_count, .. } = &event.kind {
                current.insert(frame, map_run_arn.clone());
                let told = runs.get_mut(map_run_arn).expect("what is redriven was started");
                assert!(told.over_at.take().is_some(), "only what is over is redriven");
                assert!(!told.has_succeeded, "what succeeded is not redriven");
                told.redrives += 1;
                assert_eq!(told.redrives, *redrive_count);
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
                EventKind::ChildrenRedriven { children, .. } => {
                    for index in children {
                        let before = told.ended.remove(&index);
                        assert_ne!(before, Some(Status::Succeeded), "a success is kept");
                        told.wanted.insert(index, (told.redrives, event.at.0));
                    }
                }
                EventKind::ChildNotRedriven { index, .. } => {
                    told.wanted.remove(&index);
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
        redrives += runs.values().map(|told| told.redrives as usize).sum::<usize>();
    }
    (children, redrives)
}

fn check_run(store: &MemoryStore, arn: &str, told: &Told) -> usize {
    let of = ExecutionsOf::MapRun(arn.to_owned());
    let query = ExecutionQuery { of, status: None, after: None, limit: usize::MAX };
    let rows = store.list_executions(&query).expect("a store in memory answers");
    let over_at = told.over_at.unwrap_or_else(|| panic!("a Map Run never ends: {arn}"));
    assert!(rows.len() as u64 <= told.started, "a child was started that nobody wanted");
    let is_express = rows.iter().any(|row| row.new.arn.contains(":express:"));
    for row in &rows {
        check_child(store, row, told.redrives);
        let stopped = row.state.stop_date.expect("every child is over");
        assert!(
            stopped <= over_at + ORPHAN_MS,
            "a child ran on for {} ms after its Map Run: {}",
            stopped - over_at,
            row.new.arn
        );
    }
    for (index, status) in &told.ended {
        let child = engine::child_arn(arn, *index, is_express);
        let row = rows.iter().find(|row| row.new.arn == child);
        let row = row.unwrap_or_else(|| panic!("a child that ended is lost: {child}"));
        assert_eq!(row.state.status, status_code(*status), "{child}");
        if let Some(wanted) = told.wanted.get(index)
            && *status != Status::Succeeded
        {
            assert!(has_run_again(store, row, *wanted), "an old end was told again: {child}");
        }
    }
    if told.has_succeeded {
        assert_eq!(told.ended.len() as u64, told.started, "a run waits for all its children");
        assert_eq!(rows.len() as u64, told.started);
    }
    rows.len()
}

/// Whether a child ran for a redrive, or was started for the first time by it.
fn has_run_again(store: &MemoryStore, row: &ExecutionRow, (attempt, at): (u32, i64)) -> bool {
    let events = events(store, row.key);
    let is_new = events.first().is_some_and(|event| event.at.0 >= at);
    let is_it = |kind: &EventKind| matches!(kind, EventKind::AttemptStarted { attempt: made } if *made >= attempt);
    is_new || events.iter().any(|event| is_it(&event.kind))
}

/// A child runs at most once for its Map Run's start and for each of its redrives, ends as often,
/// and is never run again once it has succeeded.
fn check_child(store: &MemoryStore, row: &ExecutionRow, redrives: u32) {
    let arn = &row.new.arn;
    let (mut starts, mut ends, mut attempt) = (0, 0, 0);
    let mut has_succeeded = false;
    for event in events(store, row.key) {
        match event.kind {
            EventKind::ExecutionStarted { .. } | EventKind::ExecutionRedriven { .. } => starts += 1,
            EventKind::AttemptStarted { attempt: next } => {
                assert!(!has_succeeded, "a child that succeeded runs again: {arn}");
                assert!(attempt < next && next <= redrives, "attempts rise: {arn}");
                attempt = next;
            }
            kind if kind.is_end() => {
                ends += 1;
                has_succeeded = matches!(kind, EventKind::ExecutionSucceeded { .. });
            }
            _ => {}
        }
        assert!(starts - ends == 1 || starts == ends, "one run at a time: {arn}");
    }
    assert_eq!(starts, ends, "every run of a child ends: {arn}");
    assert!(starts <= redrives + 1, "a child runs once for each redrive: {arn}");
    if !arn.contains(":express:") {
        check_history(arn, &events(store, row.key));
    }
}
