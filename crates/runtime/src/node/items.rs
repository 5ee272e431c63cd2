//! Items that Map Runs read: having them read and kept, fetching them when there is room for
//! children, removing them when they are of no use any more. Having results exported.

use std::collections::{BTreeMap, HashMap, VecDeque};

use asl::Payload;
use engine::{Command, ItemsWanted, MapRun, MapRunId, MapRunStatus, ReadItem, TaskFailure};
use store::{ExecutionKey, StoreError, Write};

use super::executions::{Entry, Phase, Reader, Then};
use super::map_runs::ChildOf;
use super::resources::Operation;
use super::{Answer, Node, Output, ReplyId};
use crate::definitions::LoadError;
use crate::items::{ItemFetch, ItemReading, deletions};
use crate::limits;
use crate::results::ResultExport;
use crate::timers::Alarm;

/// What this process has at hand of the items of Map Runs.
#[derive(Default)]
pub(super) struct MapRunItems {
    /// Of the Map Runs that read their items, as long as they run.
    fed: HashMap<ExecutionKey, BTreeMap<MapRunId, Feed>>,
    /// Readings and exports under way that are waited for.
    calls: HashMap<(ExecutionKey, MapRunId), MapRunCall>,
    last_call: u64,
    /// What the store did not answer.
    unread: Vec<ItemFetch>,
    failures: u32,
}

/// Items that were fetched and have no child yet.
#[derive(Default)]
struct Feed {
    first: u64,
    items: VecDeque<ReadItem>,
    bytes: usize,
    is_fetching: bool,
    /// First and end of what was last given to the execution.
    offered: Option<(u64, u64)>,
}

/// A reading or an export for a Map Run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MapRunCall {
    pub(crate) key: ExecutionKey,
    pub(crate) map_run: MapRunId,
    /// Tells it from others for the same Map Run.
    pub(crate) number: u64,
}

/// What came of a reading or an export.
#[derive(Debug)]
pub enum MapRunReturn {
    ItemsRead(Result<u64, TaskFailure>),
    ResultsWritten(Result<Payload, TaskFailure>),
}

impl Feed {
    fn end(&self) -> u64 {
        self.first + self.items.len() as u64
    }

    /// Forgets what is before this item.
    fn begin_with(&mut self, first: u64) {
        if first < self.first || first > self.end() {
            *self = Feed { first, is_fetching: self.is_fetching, ..Feed::default() };
        }
        while self.first < first {
            let item = self.items.pop_front();
            self.bytes -= item.map_or(0, |item| item.value.size());
            self.first += 1;
        }
    }

    fn push(&mut self, item: ReadItem) {
        self.bytes += item.value.size();
        self.items.push_back(item);
    }

    /// What is to be given to the execution now; none if that would bring nothing.
    fn offer(&mut self, wanted: ItemsWanted, total: u64) -> Option<(Vec<ReadItem>, bool)> {
        let count = wanted.most.unwrap_or(usize::MAX).min(self.items.len());
        // A batch that takes more than this is closed.
        let is_end = self.end() >= total || self.bytes >= limits::BATCH_ITEMS_BYTES_MAX;
        let place = (wanted.first, self.end());
        let was_too_little = wanted.most.is_none() && !is_end && self.offered == Some(place);
        if count == 0 || was_too_little {
            return None;
        }
        self.offered = Some(place);
        Some((self.items.iter().take(count).cloned().collect(), is_end))
    }
}

impl Node {
    /// Has the items of a Map Run read.
    pub(super) fn read_items(&mut self, key: ExecutionKey, map_run: MapRunId) {
        let Some((run, known)) = self.map_run_of(key, map_run) else { return };
        let Some(reading) = &run.settings.reading else { return };
        let call = ItemReading {
            execution_arn: known.identity.arn.clone(),
            region: known.identity.region.clone(),
            map_run_arn: run.settings.arn.clone(),
            arguments: reading.arguments.clone(),
            program: std::sync::Arc::clone(&known.definition.program),
            state: run.state,
        };
        let max_items = reading.max_items;
        let reading = Box::new(call);
        if let Some(call) = self.begin_map_run_call(key, map_run) {
            self.outputs.push_back(Output::ReadItems { call, reading, max_items });
        }
    }

    /// Has the results of a Map Run exported.
    pub(super) fn write_results(&mut self, key: ExecutionKey, map_run: MapRunId) {
        let Some((run, known)) = self.map_run_of(key, map_run) else { return };
        let Some(arguments) = &run.settings.writing else { return };
        let export = Box::new(ResultExport {
            execution_arn: known.identity.arn.clone(),
            region: known.identity.region.clone(),
            map_run_arn: run.settings.arn.clone(),
            arguments: arguments.clone(),
            children: run.children_count(),
            program: std::sync::Arc::clone(&known.definition.program),
            state: run.state,
        });
        if run.status != MapRunStatus::Running {
            // Nobody waits for it.
            let call = self.next_map_run_call(key, map_run);
            return self.outputs.push_back(Output::WriteResults { call, export });
        }
        if let Some(call) = self.begin_map_run_call(key, map_run) {
            self.outputs.push_back(Output::WriteResults { call, export });
        }
    }

    fn next_map_run_call(&mut self, key: ExecutionKey, map_run: MapRunId) -> MapRunCall {
        self.items.last_call += 1;
        MapRunCall { key, map_run, number: self.items.last_call }
    }

    /// A call that is waited for; none if one is under way.
    fn begin_map_run_call(&mut self, key: ExecutionKey, map_run: MapRunId) -> Option<MapRunCall> {
        if self.items.calls.contains_key(&(key, map_run)) {
            return None;
        }
        let call = self.next_map_run_call(key, map_run);
        self.items.calls.insert((key, map_run), call);
        Some(call)
    }

    fn map_run_of(
        &self,
        key: ExecutionKey,
        map_run: MapRunId,
    ) -> Option<(&MapRun, &super::executions::Known)> {
        let resident = self.executions.get(key)?;
        let Phase::Idle(execution) = &resident.phase else { return None };
        Some((execution.map_run(map_run)?, resident.known.as_ref()?))
    }

    /// A reading or an export has ended.
    pub(super) fn map_run_returned(&mut self, call: MapRunCall, outcome: MapRunReturn) {
        let MapRunCall { key, map_run, .. } = call;
        // Without its mark nobody waits for it.
        if self.items.calls.get(&(key, map_run)) != Some(&call) {
            return;
        }
        self.items.calls.remove(&(key, map_run));
        if self.is_stopping() {
            return;
        }
        let command = match outcome {
            MapRunReturn::ItemsRead(result) => Command::ItemsRead { map_run, result },
            MapRunReturn::ResultsWritten(result) => Command::ResultsWritten { map_run, result },
        };
        self.command(key, Entry { command, then: Then::Nothing });
    }

    /// Gives an execution the items that its Map Runs have room for, or has them fetched.
    pub(super) fn feed_map_runs(&mut self, key: ExecutionKey) {
        let Some(Phase::Idle(execution)) = self.executions.get(key).map(|held| &held.phase) else {
            return;
        };
        let is_fed =
            |run: &&MapRun| run.status == MapRunStatus::Running && run.settings.reading.is_some();
        let runs: Vec<(MapRunId, Option<ItemsWanted>, u64)> = execution
            .map_runs()
            .filter(is_fed)
            .map(|run| (run.id, run.items_wanted(), run.total_items.unwrap_or(0)))
            .collect();
        for (map_run, wanted, total) in runs {
            let feed = self.items.fed.entry(key).or_default().entry(map_run).or_default();
            let Some(wanted) = wanted else { continue };
            feed.begin_with(wanted.first);
            if let Some((items, is_end)) = feed.offer(wanted, total) {
                let first = wanted.first;
                let command = Command::ItemsFetched { map_run, first, items, is_end };
                if let Some(resident) = self.executions.get_mut(key) {
                    resident.queue.push_back(Entry { command, then: Then::Nothing });
                }
            } else if !feed.is_fetching && feed.end() < total {
                feed.is_fetching = true;
                let first = feed.end();
                let fetch = ItemFetch { key, map_run, first, count: None, child: None };
                self.outputs.push_back(Output::FetchItems(fetch));
            }
        }
    }

    /// The store was asked for kept items.
    pub(super) fn items_fetched(
        &mut self,
        fetch: ItemFetch,
        result: Result<Vec<ReadItem>, LoadError>,
    ) {
        let items = match result {
            Ok(items) => items,
            Err(error) => {
                tracing::warn!(%error, "items of a Map Run could not be read, trying again");
                self.items.unread.push(fetch);
                self.items.failures += 1;
                let at = self.retry_moment(self.items.failures);
                return self.timers.set(at, Alarm::MapRunChildren);
            }
        };
        self.items.failures = 0;
        let ItemFetch { key, map_run, first, child, .. } = fetch;
        if let Some(index) = child {
            let command = Command::RestartChild { map_run, index, items: Some(items) };
            return self.command(key, Entry { command, then: Then::Nothing });
        }
        let feed = self.items.fed.get_mut(&key).and_then(|runs| runs.get_mut(&map_run));
        let Some(feed) = feed else { return };
        feed.is_fetching = false;
        if items.is_empty() {
            let why = format!("item {first} of a Map Run is not in the store");
            return self.isolate(key, why);
        }
        if feed.end() == first {
            items.into_iter().for_each(|item| feed.push(item));
        }
        self.visit(key);
    }

    /// Asks the store again for what it could not tell.
    pub(super) fn fetch_again(&mut self) {
        let unread = std::mem::take(&mut self.items.unread);
        self.outputs.extend(unread.into_iter().map(Output::FetchItems));
    }

    /// A turn is durable: what its Map Runs that are over have here is let go.
    pub(super) fn tend_items(&mut self, key: ExecutionKey) {
        let Some(fed) = self.items.fed.get_mut(&key) else { return };
        let Some(Phase::Idle(execution)) = self.executions.get(key).map(|held| &held.phase) else {
            return;
        };
        let is_running = execution.status == engine::Status::Running;
        let run_of = |id: &MapRunId| execution.map_run(*id);
        let is_over = |id: &MapRunId| {
            !is_running || run_of(id).is_none_or(|run| run.status != MapRunStatus::Running)
        };
        let over: Vec<(MapRunId, Option<MapRunStatus>, bool)> = fed
            .keys()
            .filter(|id| is_over(id))
            .map(|id| {
                let run = run_of(id);
                let is_read = run.is_some_and(|run| run.total_items.is_some());
                (*id, run.map(|run| run.status), is_read)
            })
            .collect();
        fed.retain(|id, _| !is_over(id));
        if fed.is_empty() {
            self.items.fed.remove(&key);
        }
        for (map_run, status, is_read) in over {
            // An export goes on, though nobody waits for it any more.
            if let Some(call) = self.items.calls.remove(&(key, map_run))
                && !is_read
            {
                self.outputs.push_back(Output::CancelReading { call });
            }
            // Those of a Map Run that was not successful are for its redrive.
            if status == Some(MapRunStatus::Succeeded) {
                self.list_kept_items(key, map_run, String::new());
            }
        }
    }

    fn list_kept_items(&mut self, key: ExecutionKey, map_run: MapRunId, after: String) {
        self.outputs.push_back(Output::ListKeptItems { key, map_run, after });
    }

    /// Items that are of no use any more. Those that cannot be listed now go with their execution.
    pub(super) fn kept_items_listed(
        &mut self,
        key: ExecutionKey,
        map_run: MapRunId,
        result: Result<Vec<String>, StoreError>,
    ) {
        match result {
            Ok(keys) => {
                if let Some(last) = keys.last().cloned() {
                    self.keep_unattended(deletions(keys));
                    self.list_kept_items(key, map_run, last);
                }
            }
            Err(error) => tracing::warn!(%error, "items of a Map Run could not be removed"),
        }
    }

    /// Makes items durable that were read.
    pub(super) fn keep_items(&mut self, reply: ReplyId, writes: Vec<Write>) {
        let name = match writes.first() {
            Some(Write::PutRecord { key, .. } | Write::DeleteRecord { key, .. }) => key.clone(),
            _ => return self.reply(reply, Ok(Answer::Done)),
        };
        let operation = Operation::unregistered(format!("items {name}"), reply);
        self.keep_operation(operation, writes);
    }

    /// A child that this process looked for is not in the store: it is started again with its
    /// items.
    pub(super) fn restart_lost_child(&mut self, child: ChildOf) {
        self.read(child.parent, Reader::LostMapRunChild(child));
    }

    /// The same, once the parent is there.
    pub(super) fn restart_child(&mut self, child: ChildOf) {
        let ChildOf { parent: key, run: map_run, index } = child;
        let Some((run, _)) = self.map_run_of(key, map_run) else { return };
        if let Some((first, count)) = run.kept_items_of(index) {
            let fetch = ItemFetch { key, map_run, first, count: Some(count), child: Some(index) };
            return self.outputs.push_back(Output::FetchItems(fetch));
        }
        let command = Command::RestartChild { map_run, index, items: None };
        if let Some(resident) = self.executions.get_mut(key) {
            resident.queue.push_back(Entry { command, then: Then::Nothing });
        }
    }
}
