//! The children of Map Runs: started when their parent wants it, found again after a crash,
//! their ends told to the parent, stopped when nobody waits for them any more.
//!
//! A child is an execution like any other; its row says whose it is. Its parent keeps which of
//! its children have not ended. After a crash the parent looks for each of them in the store,
//! by its ARN, which follows from its place: what is not there is started again, what has ended
//! is taken in. A child that is taken up asks in turn whether its parent still waits for it.

use std::collections::HashMap;
use std::sync::Arc;

use engine::{
    ChildEnd, ChildStart, Command, Effect, Execution, Identity, MapRunChild, MapRunId,
    NotRedrivable, Refusal, Status, child_arn, child_name, labelled_machine_arn,
};
use store::ExecutionKey;

use super::executions::{Entry, FirstTurn, Known, Phase, Reader, Resident, Then};
use super::{Answer, Node, Output, ReplyId};
use crate::arns;
use crate::records::{ChildLink, ExecutionHeader};
use crate::timers::Alarm;

/// Names a child by its parent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChildOf {
    pub(crate) parent: ExecutionKey,
    pub(crate) run: MapRunId,
    pub(crate) index: u32,
}

/// What the store says of a child.
pub enum FoundChild {
    /// There is none with its ARN: its start never became durable.
    Absent,
    Open(ExecutionKey),
    Ended {
        key: ExecutionKey,
        /// The redrive of its Map Run that it ran for last.
        attempt: u32,
        end: Box<ChildEnd>,
    },
}

/// The children that this process takes care of.
#[derive(Default)]
pub(super) struct MapRunChildren {
    /// Those whose end the parent is to be told, with the redrive of the Map Run that they run
    /// for. The end of an earlier run of theirs is not told, unless they succeeded in it.
    known: HashMap<ChildOf, u32>,
    /// Those looked for in the store, with their ARNs.
    sought: HashMap<ChildOf, Box<str>>,
    /// Those that the store could not be asked for.
    unread: Vec<ChildOf>,
    failures: u32,
}

impl ChildLink {
    /// The child that has this link.
    pub(crate) fn child(&self) -> ChildOf {
        ChildOf { parent: ExecutionKey(self.parent), run: MapRunId(self.run), index: self.index }
    }
}

impl Node {
    /// Does what a Map Run of an execution wants done outside.
    pub(super) fn perform_for_map_run(&mut self, key: ExecutionKey, effect: Effect) {
        match effect {
            Effect::ReadItems { map_run } => self.read_items(key, map_run),
            Effect::WriteResults { map_run } => self.write_results(key, map_run),
            Effect::StartChild(start) => self.child_wanted(key, *start),
            Effect::StopChildren { map_run, children } => {
                self.stop_children(key, map_run, children);
            }
            _ => unreachable!("only what is for Map Runs comes here"),
        }
    }

    /// DescribeMapRun, ListMapRuns.
    pub(super) fn map_runs_of(&mut self, reply: ReplyId, arn: &str) {
        match self.executions.key_of(arn) {
            Some(key) => self.read(key, Reader::MapRuns(reply)),
            None => self.reply(reply, Ok(Answer::Elsewhere)),
        }
    }

    /// A Map Run wants a child to run.
    pub(super) fn child_wanted(&mut self, parent: ExecutionKey, start: ChildStart) {
        // The next process finds it missing and starts it.
        if self.is_stopping() {
            return;
        }
        let child = ChildOf { parent, run: start.map_run, index: start.index };
        let is_new = self.map_runs.known.insert(child, start.attempt) != Some(start.attempt);
        let arn = child_arn(&start.map_run_arn, start.index, start.express);
        let is_in_memory = self.executions.key_of(&arn).is_some();
        match start.input.clone() {
            // Also where it is being looked for: its parent may have left memory and have been
            // read again meanwhile. If it is there after all its name is taken.
            Some(input) if !is_in_memory => self.start_child(child, arn, &start, input),
            // Its parent is in the middle of what its turn wants done: what is known of a child
            // in memory is told later, too.
            _ if is_new => self.seek(child, arn),
            _ => {}
        }
    }

    /// Starts a child that is not in memory; its ARN says whether it is in the store.
    fn start_child(
        &mut self,
        child: ChildOf,
        arn: Box<str>,
        start: &ChildStart,
        input: asl::Payload,
    ) {
        let known = self.executions.get(child.parent).and_then(|parent| parent.known.clone());
        let Some(Known { identity: parent, definition, header, logging, .. }) = known else {
            self.map_runs.known.remove(&child);
            return;
        };
        let machine_arn = labelled_machine_arn(&start.map_run_arn);
        let identity = Arc::new(Identity {
            name: child_name(&start.map_run_arn, start.index).into(),
            state_machine_name: arns::last_part(&machine_arn).into(),
            state_machine_arn: machine_arn.into(),
            state_machine_version_arn: None,
            state_machine_alias_arn: None,
            role_arn: parent.role_arn.clone(),
            region: parent.region.clone(),
            express: start.express,
            test_case: parent.test_case.clone(),
            map_run: Some(MapRunChild {
                map_run_arn: start.map_run_arn.clone(),
                index: start.index,
                items: start.items,
                processor: start.processor,
                first_attempt: start.attempt,
            }),
            arn,
        });
        let header = Arc::new(ExecutionHeader {
            machine_type: match start.express {
                true => asl::MachineType::Express,
                false => asl::MachineType::Standard,
            },
            trace_header: None,
            parent: None,
            map_run: Some(ChildLink {
                arn: start.map_run_arn.clone(),
                parent: child.parent.0,
                run: child.run.0,
                index: child.index,
                items: start.items,
                processor: start.processor.0,
                attempt: start.attempt,
            }),
            ..(*header).clone()
        });
        let key = ExecutionKey(self.next_key);
        self.next_key += 1;
        let mut resident = Resident::loading();
        resident.phase = Phase::Idle(Box::new(Execution::new(Arc::clone(&identity))));
        resident.input = Some(input);
        resident.known = Some(Known { identity, definition, header, logging, parent: None });
        resident.first = Some(Box::new(FirstTurn { starter: None }));
        self.executions.insert(key, resident);
        self.begin_turn(key);
    }

    /// Looks for a child in the store.
    fn seek(&mut self, child: ChildOf, arn: Box<str>) {
        if self.map_runs.sought.insert(child, arn.clone()).is_none() {
            self.outputs.push_back(Output::FindMapRunChild { child, arn });
        }
    }

    /// The store was asked for a child.
    pub(super) fn child_found(
        &mut self,
        child: ChildOf,
        result: Result<FoundChild, crate::definitions::LoadError>,
    ) {
        let found = match result {
            Ok(found) => found,
            Err(error) => {
                tracing::warn!(%error, "a child of a Map Run could not be read, trying again");
                self.map_runs.unread.push(child);
                self.map_runs.failures += 1;
                let at = self.retry_moment(self.map_runs.failures);
                return self.timers.set(at, Alarm::MapRunChildren);
            }
        };
        self.map_runs.failures = 0;
        let arn = self.map_runs.sought.remove(&child).unwrap_or_default();
        let is_in_memory = self.executions.key_of(&arn).is_some();
        let wanted = self.map_runs.known.get(&child).copied();
        match (found, wanted) {
            // It was started while it was looked for.
            (FoundChild::Absent, _) if is_in_memory => {}
            (FoundChild::Absent, Some(_)) => {
                self.map_runs.known.remove(&child);
                self.restart_lost_child(child);
            }
            (FoundChild::Open(key), Some(0)) => self.visit(key),
            (FoundChild::Open(key), Some(attempt)) => self.redrive_child(key, child, attempt, arn),
            (FoundChild::Open(key), None) => self.stop_map_run_child(key),
            (FoundChild::Ended { attempt, end, .. }, Some(wanted))
                if attempt >= wanted || end.status == Status::Succeeded =>
            {
                self.tell_end(child, end);
            }
            (FoundChild::Ended { key, .. }, Some(wanted)) => {
                self.redrive_child(key, child, wanted, arn);
            }
            (FoundChild::Absent | FoundChild::Ended { .. }, None) => {}
        }
    }

    /// Has a child run again, unless it does so already.
    fn redrive_child(&mut self, key: ExecutionKey, child: ChildOf, attempt: u32, arn: Box<str>) {
        let command = Command::RedriveChild { attempt };
        self.reopen(key, Entry { command, then: Then::RedriveChild { child, arn } });
    }

    /// Whether a child is still to run again.
    pub(super) fn is_child_wanted(&self, child: ChildOf) -> bool {
        self.map_runs.known.contains_key(&child)
    }

    /// A child was redriven and that is durable; or it was refused.
    pub(super) fn child_redriven(
        &mut self,
        key: ExecutionKey,
        child: ChildOf,
        refusal: Option<Refusal>,
    ) {
        let Some(Phase::Idle(execution)) = self.executions.get(key).map(|held| &held.phase) else {
            return;
        };
        match refusal {
            // Its Map Run has ended meanwhile.
            None if !self.is_child_wanted(child) => {
                let command = Command::Stop { error: None, cause: None };
                // It is settled once all of its turn is let out.
                if let Some(resident) = self.executions.get_mut(key) {
                    resident.queue.push_back(Entry { command, then: Then::Nothing });
                }
            }
            // What succeeded is told where every end is.
            None | Some(Refusal::NotRedrivable(NotRedrivable::Succeeded)) => {}
            Some(_) => {
                let end = Box::new(child_end(execution));
                self.keep_child(child, end);
            }
        }
    }

    /// A child stays as it ended.
    pub(super) fn keep_child(&mut self, child: ChildOf, end: Box<ChildEnd>) {
        // The next process tries again.
        if self.map_runs.known.remove(&child).is_none() || self.is_stopping() {
            return;
        }
        let ChildOf { parent, run, index } = child;
        let command = Command::KeepChild { map_run: run, index, end };
        self.command(parent, Entry { command, then: Then::Nothing });
    }

    /// A child that was to be redriven is not in the store any more.
    pub(super) fn child_to_redrive_vanished(&mut self, child: ChildOf, arn: Box<str>) {
        if self.is_child_wanted(child) {
            self.seek(child, arn);
        }
    }

    /// Asks the store again for what it could not tell.
    pub(super) fn seek_again(&mut self) {
        for child in std::mem::take(&mut self.map_runs.unread) {
            if let Some(arn) = self.map_runs.sought.get(&child).cloned() {
                self.outputs.push_back(Output::FindMapRunChild { child, arn });
            }
        }
    }

    /// A child in memory is over, and that is durable.
    pub(super) fn map_run_child_ended(&mut self, key: ExecutionKey) {
        let Some(resident) = self.executions.get(key) else {
            return;
        };
        let (Phase::Idle(execution), Some(known)) = (&resident.phase, &resident.known) else {
            return;
        };
        let Some(child) = known.header.map_run.as_ref().map(ChildLink::child) else {
            return;
        };
        let Some(wanted) = self.map_runs.known.get(&child) else {
            return;
        };
        if execution.attempt() >= *wanted || execution.status == Status::Succeeded {
            let end = Box::new(child_end(execution));
            self.tell_end(child, end);
        }
    }

    /// A child that was to be read has ended.
    pub(super) fn child_ended_in_store(&mut self, arn: &str, link: &ChildLink) {
        let child = link.child();
        if self.is_child_wanted(child) {
            self.seek(child, arn.into());
        }
    }

    fn tell_end(&mut self, child: ChildOf, end: Box<ChildEnd>) {
        self.map_runs.known.remove(&child);
        // The next process finds it ended.
        if self.is_stopping() {
            return;
        }
        let ChildOf { parent, run, index } = child;
        let command = Command::EndChild { map_run: run, index, end };
        self.command(parent, Entry { command, then: Then::Nothing });
    }

    /// A Map Run is over: these children are stopped.
    pub(super) fn stop_children(
        &mut self,
        parent: ExecutionKey,
        run: MapRunId,
        children: Vec<(u32, Box<str>)>,
    ) {
        for (index, arn) in children {
            let child = ChildOf { parent, run, index };
            self.map_runs.known.remove(&child);
            match self.executions.key_of(&arn) {
                Some(key) => self.stop_map_run_child(key),
                None => self.seek(child, arn),
            }
        }
    }

    fn stop_map_run_child(&mut self, key: ExecutionKey) {
        let command = Command::Stop { error: None, cause: None };
        self.command(key, Entry { command, then: Then::Nothing });
    }

    /// An execution was read. If it is a child that this process does not know its parent is
    /// asked whether it still waits for it.
    pub(super) fn check_child(&mut self, key: ExecutionKey) {
        let Some(known) = self.executions.get(key).and_then(|held| held.known.as_ref()) else {
            return;
        };
        let Some(child) = known.header.map_run.as_ref().map(ChildLink::child) else {
            return;
        };
        if !self.is_child_wanted(child) {
            self.read(child.parent, Reader::MapRunChild { key, child });
        }
    }

    /// The parent of a child was read: the redrive of its Map Run that waits for it, if one does.
    pub(super) fn child_checked(&mut self, key: ExecutionKey, child: ChildOf, wanted: Option<u32>) {
        let known = self.executions.get(key).and_then(|held| held.known.as_ref());
        let arn = known.map(|known| known.identity.arn.clone()).unwrap_or_default();
        match wanted {
            None => self.stop_map_run_child(key),
            Some(attempt) => {
                self.map_runs.known.insert(child, attempt);
                match attempt {
                    0 => self.visit(key),
                    _ => self.redrive_child(key, child, attempt, arn),
                }
            }
        }
    }

    /// A child's first turn did not become durable: it is started once more.
    pub(super) fn child_start_lost(&mut self, key: ExecutionKey) {
        let Some(resident) = self.executions.get_mut(key) else {
            return;
        };
        let known = resident.known.clone().expect("what has run is known");
        resident.turns = 0;
        resident.phase = Phase::Idle(Box::new(Execution::new(known.identity)));
        self.begin_turn(key);
    }

    /// The key of a child is taken, though keys are given out once: it is started under another.
    pub(super) fn child_start_collided(&mut self, key: ExecutionKey) {
        let Some(mut resident) = self.executions.remove(key) else {
            return;
        };
        let known = resident.known.clone().expect("what has run is known");
        resident.turns = 0;
        resident.phase = Phase::Idle(Box::new(Execution::new(known.identity)));
        let key = ExecutionKey(self.next_key);
        self.next_key += 1;
        self.executions.insert(key, resident);
        self.begin_turn(key);
    }

    /// The ARN of a child is taken: it was started before after all.
    pub(super) fn child_name_taken(&mut self, arn: &str, link: &ChildLink) {
        // Where nobody waits for it any more it is stopped.
        self.seek(link.child(), arn.into());
    }

    /// Whether an execution is the child of a Map Run.
    pub(super) fn is_child(&self, key: ExecutionKey) -> bool {
        let known = self.executions.get(key).and_then(|held| held.known.as_ref());
        known.is_some_and(|known| known.header.map_run.is_some())
    }
}

/// How an execution that is over ended.
pub(crate) fn child_end(execution: &Execution) -> ChildEnd {
    ChildEnd {
        status: execution.status,
        start_date: execution.start_date(),
        stop_date: execution.stop_date().unwrap_or(execution.start_date()),
        input: execution.input().clone(),
        output: execution.output().cloned(),
        error: execution.error().map(Into::into),
        cause: execution.cause().map(Into::into),
        redrive_count: execution.redrive_count(),
        redrive_date: execution.redrive_date(),
    }
}
