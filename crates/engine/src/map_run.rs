//! A Map Run: the children of one distributed Map state, each an execution of its own, and how
//! far they are. What a child does is in its own journal; of each only its status is kept here,
//! and its result as long as the results together fit the state's output.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use asl::{Payload, ScopeIndex, StateIndex, Timestamp, name_based_uuid};
use serde_json::{Value, json};

use crate::failure::{DATA_LIMIT_EXCEEDED, RUNTIME};
use crate::{Event, Identity, Status, limits};

/// Names a Map Run of an execution: the id of its MapRunStarted event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MapRunId(pub u32);

/// What makes an execution the child of a Map Run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MapRunChild {
    pub map_run_arn: Box<str>,
    /// Which of its children it is.
    pub index: u32,
    /// How many items it works on.
    pub items: u32,
    /// The scope of the program that it runs.
    pub processor: ScopeIndex,
    /// The redrive of the Map Run that started it; 0 before the first.
    pub first_attempt: u32,
}

/// The status of a Map Run, in AWS's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MapRunStatus {
    Running,
    Succeeded,
    Failed,
    Aborted,
}

impl MapRunStatus {
    /// `RUNNING`, `SUCCEEDED`, …
    pub fn name(self) -> &'static str {
        match self {
            MapRunStatus::Running => "RUNNING",
            MapRunStatus::Succeeded => "SUCCEEDED",
            MapRunStatus::Failed => "FAILED",
            MapRunStatus::Aborted => "ABORTED",
        }
    }
}

/// What a Map Run is started with, all of it evaluated.
#[derive(Debug, Clone, PartialEq)]
pub struct MapRunSettings {
    pub arn: Box<str>,
    /// 0: no limit but AWS's.
    pub max_concurrency: u32,
    /// 0: none, unless the percentage says otherwise.
    pub tolerated_failure_count: u64,
    /// 0 to 100; 0: none, unless the count says otherwise.
    pub tolerated_failure_percentage: f64,
    pub batching: Option<Batching>,
    pub reading: Option<Reading>,
    /// The arguments of the ResultWriter, where it exports.
    pub writing: Option<Payload>,
}

/// How items are grouped.
#[derive(Debug, Clone, PartialEq)]
pub struct Batching {
    /// 0: as many as fit.
    pub max_items: u64,
    /// Bytes of a child's input.
    pub max_bytes: u64,
    pub input: Option<Payload>,
}

/// Where items are read from.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// `Parameters` or `Arguments` of the ItemReader.
    pub arguments: Payload,
    /// 0: all.
    pub max_items: u64,
}

/// An item that a Map Run reads.
#[derive(Debug, Clone, PartialEq)]
pub struct ReadItem {
    pub value: Payload,
    /// `$$.Map.Item.Source`: `S3://bucket/key`, or `S3://bucket` of the entries of a listing.
    pub source: Arc<str>,
    /// Whether it is a member of an object: `{"Key": …, "Value": …}`.
    pub is_pair: bool,
}

/// Items for which there is room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ItemsWanted {
    /// The number of the first one.
    pub first: u64,
    /// More of them are of no use now. None where they are in batches: how many fit is not known.
    pub most: Option<usize>,
}

/// What UpdateMapRun changes; what is absent stays.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct MapRunUpdate {
    pub max_concurrency: Option<u32>,
    pub tolerated_failure_count: Option<u64>,
    pub tolerated_failure_percentage: Option<f64>,
}

/// How a child ended.
#[derive(Debug, Clone, PartialEq)]
pub struct ChildEnd {
    /// Never `Running`.
    pub status: Status,
    pub start_date: Timestamp,
    pub stop_date: Timestamp,
    pub input: Payload,
    pub output: Option<Payload>,
    pub error: Option<Box<str>>,
    pub cause: Option<Box<str>>,
    /// How often it was redriven; 0 of an Express one, which starts anew.
    pub redrive_count: u32,
    pub redrive_date: Option<Timestamp>,
}

/// Numbers of children or items by status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MapRunCounts {
    pub pending: u64,
    pub running: u64,
    pub succeeded: u64,
    pub failed: u64,
    pub timed_out: u64,
    pub aborted: u64,
    /// Those that were not successful and wait to be redriven. They are counted here alone.
    pub pending_redrive: u64,
    /// Those that were not successful and cannot be redriven. They are counted above, too.
    pub failures_not_redrivable: u64,
}

impl MapRunCounts {
    /// All of them.
    pub fn total(&self) -> u64 {
        self.pending
            + self.running
            + self.succeeded
            + self.failed
            + self.timed_out
            + self.aborted
            + self.pending_redrive
    }

    /// The number of this status.
    pub fn of(&mut self, status: Status) -> &mut u64 {
        match status {
            Status::Running => &mut self.running,
            Status::Succeeded => &mut self.succeeded,
            Status::Failed => &mut self.failed,
            Status::TimedOut => &mut self.timed_out,
            Status::Aborted => &mut self.aborted,
        }
    }
}

/// A Map Run of an execution.
#[derive(Debug, Clone, PartialEq)]
pub struct MapRun {
    pub id: MapRunId,
    pub state: StateIndex,
    pub settings: MapRunSettings,
    pub status: MapRunStatus,
    pub start_date: Timestamp,
    pub stop_date: Option<Timestamp>,
    /// How often it was redriven, and when last.
    pub redrive_count: u32,
    pub redrive_date: Option<Timestamp>,
    /// What its event in the history points at.
    pub(crate) previous: u32,
    /// How many items there are; none as long as they are being read.
    pub total_items: Option<u64>,
    /// The items where they come from the state's data: an array; the pairs of an object.
    pub(crate) items: Option<Payload>,
    pub(crate) items_are_pairs: bool,
    /// Of each child that was started: how it is, or how it ended if it waits to be redriven.
    children: Vec<Status>,
    /// The first item of each child and the end, where items are in batches.
    offsets: Vec<u64>,
    running: BTreeSet<u32>,
    /// Those that wait to be redriven.
    to_redrive: BTreeSet<u32>,
    /// Those that cannot be redriven.
    not_redrivable: BTreeSet<u32>,
    executions: MapRunCounts,
    item_counts: MapRunCounts,
    results: BTreeMap<u32, Payload>,
    results_bytes: u64,
    /// Of those children that were not successful and are in the state's output all the same:
    /// what they take there.
    failure_bytes: BTreeMap<u32, u64>,
    /// Whether a result was let go because the output is too large anyway.
    is_too_large: bool,
    /// What it failed with.
    error: Option<Box<str>>,
    /// The state's result, once the results are exported.
    written: Option<Payload>,
}

impl MapRun {
    pub(crate) fn new(
        id: MapRunId,
        state: StateIndex,
        settings: MapRunSettings,
        started: &Event,
        items: Option<(Payload, bool)>,
    ) -> MapRun {
        let (items, items_are_pairs) =
            items.map_or((None, false), |(all, pairs)| (Some(all), pairs));
        let length = items.as_ref().and_then(|items| items.value().as_array()).map(Vec::len);
        let total = length.map(|length| length as u64);
        MapRun {
            id,
            state,
            settings,
            status: MapRunStatus::Running,
            start_date: started.at,
            stop_date: None,
            redrive_count: 0,
            redrive_date: None,
            previous: started.previous,
            total_items: total,
            items,
            items_are_pairs,
            children: Vec::new(),
            offsets: vec![0],
            running: BTreeSet::new(),
            to_redrive: BTreeSet::new(),
            not_redrivable: BTreeSet::new(),
            executions: MapRunCounts::default(),
            item_counts: MapRunCounts { pending: total.unwrap_or(0), ..MapRunCounts::default() },
            results: BTreeMap::new(),
            results_bytes: 0,
            failure_bytes: BTreeMap::new(),
            is_too_large: false,
            error: None,
            written: None,
        }
    }

    /// The first item that no child has.
    pub(crate) fn next_item(&self) -> u64 {
        self.first_item(u32::try_from(self.children.len()).expect("children have u32 indexes"))
    }

    /// The first item of a child, or of the next one.
    pub(crate) fn first_item(&self, index: u32) -> u64 {
        match &self.settings.batching {
            None => u64::from(index),
            Some(_) => self.offsets[index as usize],
        }
    }

    /// How many items a child has.
    pub(crate) fn items_of(&self, index: u32) -> u32 {
        match &self.settings.batching {
            None => 1,
            Some(_) => {
                let at = index as usize;
                u32::try_from(self.offsets[at + 1] - self.offsets[at])
                    .expect("a batch has fewer than 2^32 items")
            }
        }
    }

    /// The index of the next child.
    pub(crate) fn next_index(&self) -> u32 {
        u32::try_from(self.children.len()).expect("children have u32 indexes")
    }

    /// How many more children may run now.
    pub(crate) fn room(&self) -> usize {
        let most = match self.settings.max_concurrency {
            0 => limits::MAP_RUN_CONCURRENCY,
            most => most.min(limits::MAP_RUN_CONCURRENCY),
        };
        (most as usize).saturating_sub(self.running.len())
    }

    /// Whether another child is to be started now.
    pub(crate) fn wants_children(&self) -> bool {
        self.status == MapRunStatus::Running
            && self.room() > 0
            && self.total_items.is_some_and(|total| self.next_item() < total)
    }

    /// The children that are to be redriven next, `most` at most; those that are started for the
    /// first time come after them.
    pub(crate) fn next_to_redrive(&self, most: usize) -> Vec<u32> {
        match self.status {
            MapRunStatus::Running => {
                self.to_redrive.iter().copied().take(self.room().min(most)).collect()
            }
            _ => Vec::new(),
        }
    }

    /// Whether every child has ended.
    pub(crate) fn is_complete(&self) -> bool {
        self.running.is_empty()
            && self.to_redrive.is_empty()
            && self.total_items.is_some_and(|total| self.next_item() >= total)
    }

    /// Whether more has failed than is tolerated. A child that was stopped by itself has failed
    /// too. Where one bound is 0 the other one counts.
    pub(crate) fn is_intolerable(&self) -> bool {
        let counts = &self.item_counts;
        let failed = counts.failed + counts.timed_out + counts.aborted;
        if failed == 0 {
            return false;
        }
        let MapRunSettings { tolerated_failure_count: most, tolerated_failure_percentage, .. } =
            &self.settings;
        let (most, most_percent) = (*most, *tolerated_failure_percentage);
        let total = self.total_items.unwrap_or(0).max(1);
        let percent = failed as f64 * 100.0 / total as f64;
        match (most > 0, most_percent > 0.0) {
            (false, false) => true,
            (by_count, by_percentage) => {
                by_count && failed > most || by_percentage && percent > most_percent
            }
        }
    }

    /// Whether the execution can bring it on without anything happening first.
    pub(crate) fn is_ready(&self) -> bool {
        self.status == MapRunStatus::Running
            && (self.is_intolerable()
                || self.room() > 0 && !self.to_redrive.is_empty()
                || self.wants_children() && self.items.is_some()
                || self.is_complete()
                    && (self.settings.writing.is_none() || self.written.is_some()))
    }

    /// The kept items for which children could be started now.
    pub fn items_wanted(&self) -> Option<ItemsWanted> {
        let is_waiting = self.items.is_none()
            && self.to_redrive.is_empty()
            && !self.is_intolerable()
            && self.wants_children();
        is_waiting.then(|| ItemsWanted {
            first: self.next_item(),
            most: self.settings.batching.is_none().then(|| self.room()),
        })
    }

    /// The first item of a child that was started, and how many it has, where the items were
    /// read and are kept outside of the execution.
    pub fn kept_items_of(&self, index: u32) -> Option<(u64, u32)> {
        (self.items.is_none() && index < self.next_index())
            .then(|| (self.first_item(index), self.items_of(index)))
    }

    /// How many children were started.
    pub fn children_count(&self) -> u32 {
        self.next_index()
    }

    /// Whether its items are being read.
    pub(crate) fn is_reading(&self) -> bool {
        self.status == MapRunStatus::Running
            && self.settings.reading.is_some()
            && self.total_items.is_none()
    }

    /// Whether its results are being exported.
    pub(crate) fn is_writing(&self) -> bool {
        self.status == MapRunStatus::Running
            && self.settings.writing.is_some()
            && self.written.is_none()
            && self.is_complete()
            && !self.is_intolerable()
    }

    /// Whether the results that there are will be exported though it comes to a bad end now.
    pub(crate) fn exports_unfinished(&self) -> bool {
        self.settings.writing.is_some()
            && self.written.is_none()
            && !self.is_writing()
            && !self.children.is_empty()
    }

    /// The children that have not ended, as far as is known here.
    pub fn running(&self) -> impl Iterator<Item = u32> + '_ {
        self.running.iter().copied()
    }

    /// Whether a child has not ended, as far as is known here.
    pub fn is_running(&self, index: u32) -> bool {
        self.status == MapRunStatus::Running && self.running.contains(&index)
    }

    /// Whether a child that was not successful waits to be redriven.
    pub fn is_to_be_redriven(&self, index: u32) -> bool {
        self.to_redrive.contains(&index)
    }

    /// The children that wait to be redriven, with how they ended.
    pub fn to_redrive(&self) -> impl Iterator<Item = (u32, Status)> + '_ {
        self.to_redrive.iter().map(|index| (*index, self.children[*index as usize]))
    }

    /// Whether a redrive of its execution goes on with it, as on AWS: not where it succeeded,
    /// failed because its data were too large, or because of a `States.Runtime` error.
    pub(crate) fn is_redrivable(&self) -> bool {
        let error = self.error.as_deref();
        matches!(self.status, MapRunStatus::Failed | MapRunStatus::Aborted)
            && error != Some(RUNTIME)
            && error != Some(DATA_LIMIT_EXCEEDED)
            && !self.is_too_large
    }

    /// The children by status. How many the pending items will make is only guessed where they
    /// are in batches: as few as may be.
    pub fn execution_counts(&self) -> MapRunCounts {
        let mut counts = self.executions;
        counts.pending = match &self.settings.batching {
            None => self.item_counts.pending,
            Some(batching) if batching.max_items > 0 => {
                self.item_counts.pending.div_ceil(batching.max_items)
            }
            Some(_) => self.item_counts.pending.min(1),
        };
        counts
    }

    /// The items by the status of their children.
    pub fn item_counts(&self) -> MapRunCounts {
        self.item_counts
    }

    pub(crate) fn read(&mut self, total: u64) {
        self.total_items = Some(total);
        self.item_counts.pending = total;
    }

    pub(crate) fn start_children(&mut self, items: &[u32]) {
        for count in items {
            let index = self.next_index();
            self.children.push(Status::Running);
            self.running.insert(index);
            if self.settings.batching.is_some() {
                let end = self.offsets.last().copied().unwrap_or(0) + u64::from(*count);
                self.offsets.push(end);
            }
            let items = u64::from(*count);
            self.executions.running += 1;
            self.item_counts.pending = self.item_counts.pending.saturating_sub(items);
            self.item_counts.running += items;
        }
    }

    pub(crate) fn end_child(
        &mut self,
        index: u32,
        status: Status,
        result: Option<&Payload>,
        bytes: u64,
    ) {
        self.running.remove(&index);
        let items = u64::from(self.items_of(index));
        let before = std::mem::replace(&mut self.children[index as usize], status);
        for (counts, count) in [(&mut self.executions, 1), (&mut self.item_counts, items)] {
            *counts.of(before) -= count;
            *counts.of(status) += count;
        }
        self.results_bytes += bytes;
        if status != Status::Succeeded && bytes > 0 {
            self.failure_bytes.insert(index, bytes);
        }
        self.is_too_large |= bytes > 0 && result.is_none();
        if let Some(result) = result {
            self.results.insert(index, result.clone());
        }
    }

    /// It goes on with what was not successful, and with the items that no child has.
    pub(crate) fn redrive(&mut self, redrive_count: u32, at: Timestamp) {
        self.status = MapRunStatus::Running;
        self.stop_date = None;
        self.redrive_count = redrive_count;
        self.redrive_date = Some(at);
        (self.error, self.written) = (None, None);
        if self.children.is_empty() && self.settings.reading.is_some() {
            // The items are read again: nothing was made of them yet.
            self.total_items = None;
            self.item_counts.pending = 0;
        }
        let statuses = self.children.iter().zip(0_u32..);
        let unsuccessful = statuses.filter(|(status, _)| **status != Status::Succeeded);
        let to_redrive: BTreeSet<u32> = unsuccessful.map(|(_, index)| index).collect();
        self.to_redrive = &to_redrive - &self.not_redrivable;
        for index in self.to_redrive.clone() {
            self.count_to_redrive(index, true);
        }
    }

    /// Counts a child as one that waits to be redriven, or as what it was before.
    fn count_to_redrive(&mut self, index: u32, waits: bool) {
        let status = self.children[index as usize];
        let items = u64::from(self.items_of(index));
        for (counts, count) in [(&mut self.executions, 1), (&mut self.item_counts, items)] {
            match waits {
                true => {
                    *counts.of(status) -= count;
                    counts.pending_redrive += count;
                }
                false => {
                    counts.pending_redrive -= count;
                    *counts.of(status) += count;
                }
            }
        }
    }

    /// These children run again, and what they were is forgotten.
    pub(crate) fn redrive_children(&mut self, children: &[u32]) {
        for index in children {
            self.to_redrive.remove(index);
            self.count_to_redrive(*index, false);
            self.results.remove(index);
            self.results_bytes -= self.failure_bytes.remove(index).unwrap_or(0);
            let before = std::mem::replace(&mut self.children[*index as usize], Status::Running);
            let items = u64::from(self.items_of(*index));
            for (counts, count) in [(&mut self.executions, 1), (&mut self.item_counts, items)] {
                *counts.of(before) -= count;
                counts.running += count;
            }
            self.running.insert(*index);
        }
    }

    /// A child cannot be redriven, now and later.
    pub(crate) fn keep_child(&mut self, index: u32) {
        if self.not_redrivable.insert(index) {
            self.executions.failures_not_redrivable += 1;
            self.item_counts.failures_not_redrivable += u64::from(self.items_of(index));
        }
    }

    pub(crate) fn update(&mut self, update: &MapRunUpdate) {
        let settings = &mut self.settings;
        settings.max_concurrency = update.max_concurrency.unwrap_or(settings.max_concurrency);
        settings.tolerated_failure_count =
            update.tolerated_failure_count.unwrap_or(settings.tolerated_failure_count);
        settings.tolerated_failure_percentage =
            update.tolerated_failure_percentage.unwrap_or(settings.tolerated_failure_percentage);
    }

    pub(crate) fn write(&mut self, output: Payload) {
        self.written = Some(output);
    }

    /// The run is over. What was running is stopped; what waited to be redriven is as it was.
    pub(crate) fn end(&mut self, status: MapRunStatus, error: Option<&str>, at: Timestamp) {
        self.status = status;
        self.stop_date = Some(at);
        self.error = error.map(Into::into);
        for index in std::mem::take(&mut self.running) {
            self.end_child(index, Status::Aborted, None, 0);
        }
        for index in std::mem::take(&mut self.to_redrive) {
            self.count_to_redrive(index, false);
        }
        // A redrive goes on with them.
        if !self.is_redrivable() {
            self.items = None;
            self.results.clear();
        }
    }

    /// Whether its results are more than the state's output may be.
    pub(crate) fn is_too_large(&self, most: usize) -> bool {
        self.is_too_large || self.results_bytes > most as u64
    }

    /// The payloads that it holds.
    pub(crate) fn kept_payloads(&self) -> impl Iterator<Item = &Payload> {
        self.items.iter().chain(self.results.values()).chain(&self.written)
    }

    /// Bytes of the results so far.
    pub(crate) fn results_bytes(&self) -> u64 {
        self.results_bytes
    }

    /// The state's result where the results were exported.
    pub(crate) fn written(&self) -> Option<&Payload> {
        self.written.as_ref()
    }

    /// The results so far, by child.
    pub(crate) fn results(&self) -> impl Iterator<Item = &Payload> {
        self.results.values()
    }
}

/// The UUID in the ARN of a Map Run.
fn uuid_of(map_run_arn: &str) -> &str {
    map_run_arn.rsplit(':').next().unwrap_or(map_run_arn)
}

/// `<name>/<label>` of a Map Run's ARN, and what stands before `mapRun:`.
fn split(map_run_arn: &str) -> (&str, &str) {
    let (scope, rest) = map_run_arn.split_once(":mapRun:").unwrap_or((map_run_arn, ""));
    (scope, rest.rsplit_once(':').map_or(rest, |(labelled, _)| labelled))
}

/// The ARN of a Map Run: `mapRun:<machine>/<label>:<uuid>`. Without a label a name of the state
/// takes its place; the UUID follows from the execution and the place in its history.
pub(crate) fn map_run_arn(
    identity: &Identity,
    label: Option<&str>,
    state_name: &str,
    id: MapRunId,
) -> Box<str> {
    let machine_arn = &identity.state_machine_arn;
    let (scope, name) = machine_arn.split_once(":stateMachine:").unwrap_or((machine_arn, ""));
    // A child's own machine has a label already.
    let name = name.split_once('/').map_or(name, |(name, _)| name);
    let unlabelled;
    let label = match label {
        Some(label) => label,
        None => {
            unlabelled = name_based_uuid(&format!("{scope}:{name}/{state_name}"));
            &unlabelled
        }
    };
    let uuid = name_based_uuid(&format!("{}#{}", identity.arn, id.0));
    format!("{scope}:mapRun:{name}/{label}:{uuid}").into()
}

/// The name of a child: it follows from the Map Run and the child's place.
pub fn child_name(map_run_arn: &str, index: u32) -> String {
    name_based_uuid(&format!("{}#{index}", uuid_of(map_run_arn)))
}

/// The state machine that the children of a Map Run belong to: `stateMachine:<machine>/<label>`.
pub fn labelled_machine_arn(map_run_arn: &str) -> String {
    let (scope, labelled) = split(map_run_arn);
    format!("{scope}:stateMachine:{labelled}")
}

/// The ARN of a child.
pub fn child_arn(map_run_arn: &str, index: u32, express: bool) -> Box<str> {
    let (scope, labelled) = split(map_run_arn);
    let name = child_name(map_run_arn, index);
    match express {
        false => format!("{scope}:execution:{labelled}:{name}").into(),
        true => {
            let uuid = name_based_uuid(&format!("{name}#express"));
            format!("{scope}:express:{labelled}:{name}:{uuid}").into()
        }
    }
}

/// A child as the files of a ResultWriter show it.
pub fn child_record(map_run_arn: &str, index: u32, express: bool, end: &ChildEnd) -> Value {
    let mut record = serde_json::Map::new();
    if let Some(cause) = &end.cause {
        record.insert("Cause".into(), json!(&**cause));
    }
    if let Some(error) = &end.error {
        record.insert("Error".into(), json!(&**error));
    }
    record.insert("ExecutionArn".into(), json!(&*child_arn(map_run_arn, index, express)));
    record.insert("Input".into(), json!(end.input.text()));
    record.insert("InputDetails".into(), json!({ "Included": true }));
    record.insert("Name".into(), json!(child_name(map_run_arn, index)));
    if let Some(output) = &end.output {
        record.insert("Output".into(), json!(output.text()));
        record.insert("OutputDetails".into(), json!({ "Included": true }));
    }
    record.insert("RedriveCount".into(), json!(end.redrive_count));
    if let Some(date) = end.redrive_date {
        record.insert("RedriveDate".into(), json!(date.to_iso_8601()));
    }
    if end.status == Status::Succeeded {
        let reason = "Execution is SUCCEEDED and cannot be redriven";
        record.insert("RedriveStatus".into(), json!("NOT_REDRIVABLE"));
        record.insert("RedriveStatusReason".into(), json!(reason));
    } else {
        record.insert("RedriveStatus".into(), json!("REDRIVABLE_BY_MAP_RUN"));
    }
    record.insert("StartDate".into(), json!(end.start_date.to_iso_8601()));
    record.insert("StateMachineArn".into(), json!(labelled_machine_arn(map_run_arn)));
    record.insert("Status".into(), json!(end.status.name()));
    record.insert("StopDate".into(), json!(end.stop_date.to_iso_8601()));
    Value::Object(record)
}
