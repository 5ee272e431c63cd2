//! The store in memory: the oracle the others are compared with, and what `run` uses.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard};

use crate::records::{
    ExecutionKey, ExecutionQuery, ExecutionRow, ExecutionsOf, ListPlace, NewExecution, Outcome,
    PurgeQuery, Purgeable, RowState, TurnWrite, Usage, UsageEntry, Write,
};
use crate::{Store, StoreError};

/// Keeps everything until it is dropped.
#[derive(Default)]
pub struct MemoryStore {
    contents: Mutex<Contents>,
}

/// How much a [`MemoryStore`] holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MemorySizes {
    pub executions: usize,
    /// Turns of all executions.
    pub turns: usize,
    /// Bytes in all journals.
    pub journal_bytes: usize,
    pub records: usize,
    /// Bytes in the bodies of all records.
    pub record_bytes: usize,
}

impl MemoryStore {
    /// A second store with the same contents that goes its own way from here: what a crash at
    /// this moment leaves behind.
    pub fn fork(&self) -> MemoryStore {
        MemoryStore { contents: Mutex::new(self.contents().clone()) }
    }

    /// How much it holds. Takes time linear in the contents.
    pub fn sizes(&self) -> MemorySizes {
        let contents = self.contents();
        let journals = || contents.executions.values().flat_map(|held| &held.journal);
        MemorySizes {
            executions: contents.executions.len(),
            turns: journals().count(),
            journal_bytes: journals().map(|turn| turn.len()).sum(),
            records: contents.records.len(),
            record_bytes: contents.records.values().map(|body| body.len()).sum(),
        }
    }

    fn contents(&self) -> MutexGuard<'_, Contents> {
        self.contents.lock().expect("no holder of the lock panics")
    }
}

impl Store for MemoryStore {
    fn commit(&self, writes: &[Write]) -> Result<Vec<Outcome>, StoreError> {
        let mut contents = self.contents();
        Ok(writes.iter().map(|write| contents.apply(write)).collect())
    }

    fn execution(&self, key: ExecutionKey) -> Result<Option<ExecutionRow>, StoreError> {
        Ok(self.contents().executions.get(&key).map(|held| held.row(key)))
    }

    fn execution_by_arn(&self, arn: &str) -> Result<Option<ExecutionRow>, StoreError> {
        let contents = self.contents();
        Ok(contents.by_arn.get(arn).map(|key| contents.executions[key].row(*key)))
    }

    fn journal(&self, key: ExecutionKey) -> Result<Vec<Vec<u8>>, StoreError> {
        let contents = self.contents();
        let turns = contents.executions.get(&key).map_or(&[][..], |held| &held.journal);
        Ok(turns.iter().map(|turn| turn.to_vec()).collect())
    }

    fn list_executions(&self, query: &ExecutionQuery) -> Result<Vec<ExecutionRow>, StoreError> {
        let contents = self.contents();
        let (kind, arn) = match &query.of {
            ExecutionsOf::StateMachine(arn) => (ListKind::StateMachine, arn),
            ExecutionsOf::Version(arn) => (ListKind::Version, arn),
            ExecutionsOf::Alias(arn) => (ListKind::Alias, arn),
            ExecutionsOf::MapRun(arn) => (ListKind::MapRun, arn),
        };
        let Some(places) = contents.lists.get(&(kind, Box::from(arn.as_str()))) else {
            return Ok(Vec::new());
        };
        let beyond =
            query.after.map_or(Bound::Unbounded, |place| Bound::Excluded(list_order(place)));
        Ok(places
            .range((beyond, Bound::Unbounded))
            .map(|&(_, Reverse(key))| contents.executions[&key].row(key))
            .filter(|row| query.status.is_none_or(|status| row.state.status == status))
            .take(query.limit)
            .collect())
    }

    fn executions_before(
        &self,
        before: ExecutionKey,
        limit: usize,
    ) -> Result<Vec<ExecutionRow>, StoreError> {
        let contents = self.contents();
        let below = contents.executions.range(..before).rev();
        Ok(below.take(limit).map(|(key, held)| held.row(*key)).collect())
    }

    fn due(&self, until: i64, limit: usize) -> Result<Vec<(ExecutionKey, i64)>, StoreError> {
        let contents = self.contents();
        let wakes = contents.wakes.iter().take_while(|(wake, _)| *wake <= until);
        Ok(wakes.map(|(wake, key)| (*key, *wake)).take(limit).collect())
    }

    fn to_recover(
        &self,
        after: ExecutionKey,
        limit: usize,
    ) -> Result<Vec<ExecutionKey>, StoreError> {
        let contents = self.contents();
        let beyond = (Bound::Excluded(after), Bound::Unbounded);
        Ok(contents.recover.range(beyond).take(limit).copied().collect())
    }

    fn count_open(&self, state_machine_arn: &str) -> Result<u64, StoreError> {
        Ok(self.contents().open.get(state_machine_arn).copied().unwrap_or(0))
    }

    fn count_children(&self, map_run_arn: &str) -> Result<Vec<(u8, u64)>, StoreError> {
        let contents = self.contents();
        let mut counts = BTreeMap::new();
        let places = contents.lists.get(&(ListKind::MapRun, map_run_arn.into()));
        for (_, Reverse(key)) in places.into_iter().flatten() {
            *counts.entry(contents.executions[key].state.status).or_default() += 1;
        }
        Ok(counts.into_iter().collect())
    }

    fn highest_key(&self) -> Result<ExecutionKey, StoreError> {
        Ok(self.contents().executions.last_key_value().map(|(key, _)| *key).unwrap_or_default())
    }

    fn purgeable(&self, query: &PurgeQuery) -> Result<Purgeable, StoreError> {
        let contents = self.contents();
        let mut found = Purgeable::default();
        let beyond = (Bound::Excluded(query.after), Bound::Unbounded);
        for (key, held) in contents.executions.range(beyond).take(query.limit) {
            if query.is_beyond(held.new.start_date) {
                found.looked_to = None;
                break;
            }
            let is_listed = held.new.listed || held.new.map_run_arn.is_some();
            if query.takes(is_listed, held.state.stop_date) {
                found.executions.push((*key, held.turns()));
            }
            found.looked_to = Some(*key);
        }
        Ok(found)
    }

    fn usage(&self, from: i64, until: i64) -> Result<Vec<UsageEntry>, StoreError> {
        let contents = self.contents();
        let days = contents.usage.range((from, Box::from(""))..(until.max(from), Box::from("")));
        let entry = |((day, arn), usage): (&(i64, Box<str>), &Usage)| UsageEntry {
            day: *day,
            state_machine_arn: arn.clone(),
            usage: *usage,
        };
        Ok(days.map(entry).collect())
    }

    fn record(&self, kind: &str, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let contents = self.contents();
        Ok(contents.records.get(&(kind.to_owned(), key.to_owned())).map(|body| body.to_vec()))
    }

    fn records(
        &self,
        kind: &str,
        prefix: &str,
        after: &str,
        limit: usize,
    ) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        let contents = self.contents();
        let start = (kind.to_owned(), prefix.max(after).to_owned());
        Ok(contents
            .records
            .range(start..)
            .take_while(|((of, key), _)| of == kind && key.starts_with(prefix))
            .filter(|((_, key), _)| key.as_str() > after)
            .take(limit)
            .map(|((_, key), body)| (key.clone(), body.to_vec()))
            .collect())
    }
}

#[derive(Clone, Default)]
struct Contents {
    executions: BTreeMap<ExecutionKey, Held>,
    by_arn: BTreeMap<Box<str>, ExecutionKey>,
    lists: BTreeMap<(ListKind, Box<str>), BTreeSet<ListOrder>>,
    wakes: BTreeSet<(i64, ExecutionKey)>,
    recover: BTreeSet<ExecutionKey>,
    /// By state machine.
    open: BTreeMap<Box<str>, u64>,
    /// By kind and key.
    records: BTreeMap<(String, String), Arc<[u8]>>,
    /// By day and state machine.
    usage: BTreeMap<(i64, Box<str>), Usage>,
}

/// An execution. Its parts are shared, so that a fork is cheap.
#[derive(Clone)]
struct Held {
    new: Arc<NewExecution>,
    state: RowState,
    journal: Vec<Arc<[u8]>>,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum ListKind {
    StateMachine,
    Version,
    Alias,
    MapRun,
}

type ListOrder = (Reverse<i64>, Reverse<ExecutionKey>);

fn list_order(place: ListPlace) -> ListOrder {
    (Reverse(place.moment), Reverse(place.key))
}

impl Contents {
    fn apply(&mut self, write: &Write) -> Outcome {
        match write {
            Write::Turn(turn) => return self.apply_turn(turn),
            Write::PutRecord { kind, key, body } => {
                self.records.insert(((*kind).to_owned(), key.clone()), body.as_slice().into());
            }
            Write::DeleteRecord { kind, key } => {
                self.records.remove(&((*kind).to_owned(), key.clone()));
            }
            Write::AddUsage(entry) => {
                self.add_usage(entry.day, &entry.state_machine_arn, entry.usage);
            }
            Write::Purge { key, turns } => return self.purge(*key, *turns),
        }
        Outcome::Committed
    }

    fn apply_turn(&mut self, turn: &TurnWrite) -> Outcome {
        let turns = self.executions.get(&turn.key).map_or(0, Held::turns);
        if turn.turns_before != turns || turn.new.is_some() != (turns == 0) {
            return Outcome::Conflict;
        }
        if let Some(new) = &turn.new {
            if self.by_arn.contains_key(&new.arn) {
                return Outcome::NameTaken;
            }
            self.by_arn.insert(new.arn.clone(), turn.key);
            let held = Held {
                new: Arc::new(new.clone()),
                state: turn.state,
                journal: Vec::with_capacity(1),
            };
            self.executions.insert(turn.key, held);
        } else {
            self.remove_from_indexes(turn.key);
        }
        let held = self.executions.get_mut(&turn.key).expect("inserted above or before");
        held.state = turn.state;
        held.journal.push(turn.journal.as_slice().into());
        let machine_arn = held.new.state_machine_arn.clone();
        self.add_to_indexes(turn.key);
        self.add_usage(turn.usage.day, &machine_arn, turn.usage.usage);
        Outcome::Committed
    }

    fn add_usage(&mut self, day: i64, machine_arn: &str, usage: Usage) {
        if !usage.is_zero() {
            *self.usage.entry((day, machine_arn.into())).or_default() += usage;
        }
    }

    fn purge(&mut self, key: ExecutionKey, turns: u32) -> Outcome {
        let Some(held) = self.executions.get(&key) else { return Outcome::Committed };
        let is_last = self.executions.last_key_value().is_some_and(|(last, _)| *last == key);
        if held.turns() != turns || held.state.status == 0 || is_last {
            return Outcome::Conflict;
        }
        self.remove_from_indexes(key);
        let held = self.executions.remove(&key).expect("looked at above");
        self.by_arn.remove(&held.new.arn);
        Outcome::Committed
    }

    fn add_to_indexes(&mut self, key: ExecutionKey) {
        let held = &self.executions[&key];
        for list in held.lists() {
            self.lists.entry(list).or_default().insert(list_order(held.place(key)));
        }
        if let Some(wake) = held.state.wake {
            self.wakes.insert((wake, key));
        }
        if held.state.recover {
            self.recover.insert(key);
        }
        if held.state.status == 0 {
            *self.open.entry(held.new.state_machine_arn.clone()).or_default() += 1;
        }
    }

    fn remove_from_indexes(&mut self, key: ExecutionKey) {
        let held = &self.executions[&key];
        for list in held.lists() {
            let places = self.lists.get_mut(&list).expect("listed executions have their lists");
            places.remove(&list_order(held.place(key)));
        }
        if let Some(wake) = held.state.wake {
            self.wakes.remove(&(wake, key));
        }
        self.recover.remove(&key);
        if held.state.status == 0 {
            let open = self.open.get_mut(&held.new.state_machine_arn);
            *open.expect("counted when it became open") -= 1;
        }
    }
}

impl Held {
    fn turns(&self) -> u32 {
        u32::try_from(self.journal.len()).expect("a turn's number is a u32")
    }

    fn row(&self, key: ExecutionKey) -> ExecutionRow {
        ExecutionRow { key, turns: self.turns(), new: (*self.new).clone(), state: self.state }
    }

    fn place(&self, key: ExecutionKey) -> ListPlace {
        ListPlace { moment: self.state.moment(self.new.start_date), key }
    }

    /// The lists it stands in.
    fn lists(&self) -> impl Iterator<Item = (ListKind, Box<str>)> + use<> {
        let new = Arc::clone(&self.new);
        let arns = [
            Some((ListKind::StateMachine, new.state_machine_arn.clone())),
            new.version_arn.clone().map(|arn| (ListKind::Version, arn)),
            new.alias_arn.clone().map(|arn| (ListKind::Alias, arn)),
        ];
        let child = new.map_run_arn.clone().map(|arn| (ListKind::MapRun, arn));
        arns.into_iter().flatten().filter(move |_| new.listed).chain(child)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::DayUsage;

    fn turn(key: u64, turns_before: u32) -> Write {
        let state = RowState { wake: Some(5), recover: true, ..RowState::default() };
        let new = (turns_before == 0).then(|| NewExecution {
            arn: format!("arn:{key}").into(),
            name: "name".into(),
            state_machine_arn: "machine".into(),
            version_arn: None,
            alias_arn: None,
            map_run_arn: None,
            start_date: 1,
            listed: true,
            header: Vec::new(),
        });
        let journal = vec![1, 2, 3];
        let (key, usage) = (ExecutionKey(key), DayUsage::default());
        Write::Turn(TurnWrite { key, turns_before, journal, state, usage, new })
    }

    #[test]
    fn a_fork_goes_its_own_way() {
        let store = MemoryStore::default();
        store.commit(&[turn(1, 0), turn(2, 0)]).unwrap();
        let fork = store.fork();
        store.commit(&[turn(1, 1), turn(3, 0)]).unwrap();
        let body = vec![0; 10];
        fork.commit(&[Write::PutRecord { kind: "kind", key: "key".into(), body }]).unwrap();
        assert_eq!(
            store.sizes(),
            MemorySizes { executions: 3, turns: 4, journal_bytes: 12, records: 0, record_bytes: 0 }
        );
        assert_eq!(
            fork.sizes(),
            MemorySizes { executions: 2, turns: 2, journal_bytes: 6, records: 1, record_bytes: 10 }
        );
        assert_eq!(fork.execution(ExecutionKey(3)).unwrap(), None);
        assert_eq!(fork.count_open("machine").unwrap(), 2);
    }
}
