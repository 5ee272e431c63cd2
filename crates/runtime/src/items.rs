//! Items that a Map Run reads. What they are is fixed when they are read: they are kept in the
//! store, in chunks, and children are started from there. A process that ends while they are
//! read leaves nothing that counts: the next one reads them again, from the first.
//!
//! A chunk is a record. Its key ends with the number of the first item behind it, so that the
//! chunk of an item is the first one beyond the item's own number.

use std::pin::Pin;
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use asl::{ItemReader, Payload, Program, StateIndex, StateKind};
use engine::{MapRunId, ReadItem};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use store::{ExecutionKey, Store, Write};

use crate::definitions::LoadError;
use crate::driver::Driver;
use crate::node::Request;
use crate::records::{self, kind};
use crate::{RuntimeError, limits};

/// What a Map Run wants read.
#[derive(Debug, Clone)]
pub struct ItemReading {
    pub execution_arn: Box<str>,
    pub region: Box<str>,
    pub map_run_arn: Box<str>,
    /// `Parameters` or `Arguments` of the ItemReader, evaluated.
    pub arguments: Payload,
    pub(crate) program: Arc<Program>,
    pub(crate) state: StateIndex,
}

impl ItemReading {
    /// The name of the Map state.
    pub fn state_name(&self) -> &str {
        &self.program.state(self.state).name
    }

    /// The state's ItemReader.
    pub fn reader(&self) -> &ItemReader {
        let StateKind::Map(map) = &self.program.state(self.state).kind else {
            unreachable!("a Map Run is of a Map state")
        };
        let reader = map.distributed.as_ref().and_then(|map| map.reader.as_ref());
        reader.expect("only what an ItemReader says is read")
    }
}

/// Whom items are given to, one after the other.
pub struct ItemSink {
    target: Target,
    chunk: Chunk,
    /// How many were given so far.
    total: u64,
    most: u64,
    source: Arc<str>,
    are_pairs: bool,
}

enum Target {
    Store { driver: Weak<Driver>, key: ExecutionKey, map_run: MapRunId },
    Memory(Arc<Mutex<Vec<ReadItem>>>),
}

impl ItemSink {
    /// One that keeps at most `max_items` items in memory (0: all): for a look at what a reader
    /// gives, without an execution.
    pub fn in_memory(max_items: u64) -> (ItemSink, Arc<Mutex<Vec<ReadItem>>>) {
        let items = Arc::new(Mutex::new(Vec::new()));
        (ItemSink::new(Target::Memory(Arc::clone(&items)), max_items), items)
    }

    pub(crate) fn in_store(
        driver: Weak<Driver>,
        key: ExecutionKey,
        map_run: MapRunId,
        max_items: u64,
    ) -> ItemSink {
        ItemSink::new(Target::Store { driver, key, map_run }, max_items)
    }

    fn new(target: Target, max_items: u64) -> ItemSink {
        ItemSink {
            target,
            chunk: Chunk::default(),
            total: 0,
            most: if max_items == 0 { limits::ITEMS_MAX } else { max_items },
            source: "".into(),
            are_pairs: false,
        }
    }

    /// Says where the next items come from (`S3://bucket/key`), and whether they are the members
    /// of an object.
    pub fn set_source(&mut self, source: &str, are_pairs: bool) {
        if &*self.source != source {
            self.source = source.into();
        }
        self.are_pairs = are_pairs;
    }

    /// Whether no more items are wanted.
    pub fn is_full(&self) -> bool {
        self.total >= self.most
    }

    /// Takes an item, which is JSON text. What comes when the sink is full is dropped. Ready when
    /// there is room for the next one; never, if the runtime stops.
    ///
    /// # Errors
    /// It is no JSON text.
    pub async fn put(&mut self, item: String) -> Result<(), serde_json::Error> {
        if self.is_full() {
            return Ok(());
        }
        let item = RawValue::from_string(item)?;
        self.total += 1;
        self.chunk.push(item, &self.source, self.are_pairs);
        if self.chunk.bytes >= limits::ITEM_CHUNK_BYTES {
            self.keep_chunk().await;
        }
        Ok(())
    }

    /// Ready when all items are durable; how many there are.
    pub async fn finish(mut self) -> u64 {
        self.keep_chunk().await;
        self.total
    }

    async fn keep_chunk(&mut self) {
        let chunk = std::mem::take(&mut self.chunk);
        if chunk.items.is_empty() {
            return;
        }
        match &self.target {
            Target::Memory(items) => {
                let mut held = items.lock().expect("nobody panics while holding it");
                held.extend(chunk.items());
            }
            Target::Store { driver, key, map_run } => {
                let write = Write::PutRecord {
                    kind: kind::MAP_RUN_ITEMS,
                    key: place(*key, *map_run, self.total),
                    body: records::encode(&chunk),
                };
                keep(driver, vec![write]).await;
            }
        }
    }

    /// Removes what a former reading left behind.
    pub(crate) async fn clear(&self) {
        let Target::Store { driver, key, map_run } = &self.target else { return };
        let (key, map_run) = (*key, *map_run);
        let mut after = String::new();
        loop {
            let Some(strong) = driver.upgrade() else { return std::future::pending().await };
            let store = Arc::clone(&strong.store);
            drop(strong);
            let from = after.clone();
            let listed =
                tokio::task::spawn_blocking(move || list(&*store, key, Some(map_run), &from)).await;
            match listed {
                Ok(Ok(keys)) if keys.is_empty() => return,
                Ok(Ok(keys)) => {
                    after = keys.last().cloned().unwrap_or_default();
                    keep(driver, deletions(keys)).await;
                }
                Ok(Err(_)) | Err(_) => pause().await,
            }
        }
    }
}

/// Makes writes durable. A store that does not answer is asked again; a runtime that stops never
/// answers.
async fn keep(driver: &Weak<Driver>, writes: Vec<Write>) {
    loop {
        let Some(strong) = driver.upgrade() else { return std::future::pending().await };
        let (_, receiver) = strong.ask(Request::KeepItems { writes: writes.clone() });
        drop(strong);
        match receiver.await {
            Ok(Ok(_)) => return,
            Ok(Err(RuntimeError::Stopping)) | Err(_) => return std::future::pending().await,
            Ok(Err(_)) => pause().await,
        }
    }
}

pub(crate) async fn pause() {
    tokio::time::sleep(Duration::from_millis(limits::RETRY_FIRST_MS.unsigned_abs())).await;
}

/// Items as they are kept.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Chunk {
    /// Where runs of items come from: how many, the source, whether they are members of an object.
    #[serde(rename = "from")]
    sources: Vec<(u64, Arc<str>, bool)>,
    items: Vec<Box<RawValue>>,
    #[serde(skip)]
    bytes: usize,
}

impl Chunk {
    pub(crate) fn push(&mut self, item: Box<RawValue>, source: &Arc<str>, is_pair: bool) {
        self.bytes += item.get().len();
        self.items.push(item);
        match self.sources.last_mut() {
            Some((count, last, pairs)) if last == source && *pairs == is_pair => *count += 1,
            _ => self.sources.push((1, Arc::clone(source), is_pair)),
        }
    }

    fn items(self) -> impl Iterator<Item = ReadItem> {
        let sources = self.sources.into_iter().flat_map(|(count, source, is_pair)| {
            (0..count).map(move |_| (Arc::clone(&source), is_pair))
        });
        self.items.into_iter().zip(sources).map(|(item, (source, is_pair))| ReadItem {
            value: Payload::from_valid_text(Box::<str>::from(item)),
            source,
            is_pair,
        })
    }
}

/// The beginning of the keys of an execution's items, or of those of one Map Run.
fn prefix(key: ExecutionKey, map_run: Option<MapRunId>) -> String {
    match map_run {
        None => format!("{:020}/", key.0),
        Some(map_run) => format!("{:020}/{:010}/", key.0, map_run.0),
    }
}

/// The key of the chunk that ends before this item.
fn place(key: ExecutionKey, map_run: MapRunId, end: u64) -> String {
    format!("{}{end:012}", prefix(key, Some(map_run)))
}

/// Keys of kept items beyond `after`, a few at a time. May block.
pub(crate) fn list(
    store: &dyn Store,
    key: ExecutionKey,
    map_run: Option<MapRunId>,
    after: &str,
) -> Result<Vec<String>, store::StoreError> {
    let prefix = prefix(key, map_run);
    let found = store.records(kind::MAP_RUN_ITEMS, &prefix, after, limits::ITEM_CHUNKS_LISTED)?;
    Ok(found.into_iter().map(|(key, _)| key).collect())
}

/// What removes kept items.
pub(crate) fn deletions(keys: Vec<String>) -> Vec<Write> {
    let deletion = |key| Write::DeleteRecord { kind: kind::MAP_RUN_ITEMS, key };
    keys.into_iter().map(deletion).collect()
}

/// Kept items that a node wants to have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemFetch {
    pub(crate) key: ExecutionKey,
    pub(crate) map_run: MapRunId,
    pub(crate) first: u64,
    /// These many; as many as are kept together if absent.
    pub(crate) count: Option<u32>,
    /// The child that is to be started again with them.
    pub(crate) child: Option<u32>,
}

/// Reads kept items. May block.
pub(crate) fn fetch(store: &dyn Store, fetch: &ItemFetch) -> Result<Vec<ReadItem>, LoadError> {
    let prefix = prefix(fetch.key, Some(fetch.map_run));
    let mut items = Vec::new();
    let most = fetch.count.map_or(usize::MAX, |count| count as usize);
    let mut next = fetch.first;
    while items.len() < most {
        let after = place(fetch.key, fetch.map_run, next);
        let found = store.records(kind::MAP_RUN_ITEMS, &prefix, &after, 1)?;
        let Some((key, body)) = found.into_iter().next() else { break };
        let chunk: Chunk = records::decode(&body)
            .map_err(|error| LoadError::record(kind::MAP_RUN_ITEMS, &key, &error))?;
        let end: u64 = key[prefix.len()..].parse().unwrap_or(0);
        let first = end.saturating_sub(chunk.items.len() as u64);
        let skipped = usize::try_from(next.saturating_sub(first)).unwrap_or(usize::MAX);
        items.extend(chunk.items().skip(skipped));
        if end <= next {
            break;
        }
        next = end;
        if fetch.count.is_none() {
            break;
        }
    }
    items.truncate(most);
    Ok(items)
}

/// A future of somebody who reads or writes for a Map Run.
pub type MapRunWork<T> =
    Pin<Box<dyn Future<Output = Result<T, engine::TaskFailure>> + Send + 'static>>;

#[cfg(test)]
mod tests {
    use store::MemoryStore;

    use super::*;

    fn item(number: u64) -> Box<RawValue> {
        RawValue::from_string(format!("{{\"n\":{number}}}")).unwrap()
    }

    /// Keeps these many items in chunks of `size`.
    fn keep_all(store: &MemoryStore, total: u64, size: u64) {
        let mut chunk = Chunk::default();
        for number in 0..total {
            let source: Arc<str> = format!("S3://bucket/{}", number / 3).into();
            chunk.push(item(number), &source, number % 2 == 1);
            if (number + 1) % size == 0 || number + 1 == total {
                let body = records::encode(&std::mem::take(&mut chunk));
                let key = place(ExecutionKey(7), MapRunId(4), number + 1);
                store.commit(&[Write::PutRecord { kind: kind::MAP_RUN_ITEMS, key, body }]).unwrap();
            }
        }
    }

    #[test]
    fn items_are_found_by_their_number() {
        let store = MemoryStore::default();
        keep_all(&store, 25, 4);
        let check = |first: u64, count: Option<u32>, expected: &[u64]| {
            let wanted =
                ItemFetch { key: ExecutionKey(7), map_run: MapRunId(4), first, count, child: None };
            let found = fetch(&store, &wanted).unwrap();
            let expected: Vec<ReadItem> = expected
                .iter()
                .map(|number| ReadItem {
                    value: Payload::from_valid_text(item(*number).get()),
                    source: format!("S3://bucket/{}", number / 3).into(),
                    is_pair: number % 2 == 1,
                })
                .collect();
            assert_eq!(found, expected, "{wanted:?}");
        };
        check(0, None, &[0, 1, 2, 3]);
        check(3, None, &[3]);
        check(4, None, &[4, 5, 6, 7]);
        check(24, None, &[24]);
        check(25, None, &[]);
        check(2, Some(7), &[2, 3, 4, 5, 6, 7, 8]);
        check(23, Some(7), &[23, 24]);
    }

    #[test]
    fn keys_of_other_map_runs_are_left_alone() {
        let store = MemoryStore::default();
        keep_all(&store, 8, 2);
        let listed = |key, run: Option<u32>| {
            list(&store, ExecutionKey(key), run.map(MapRunId), "").unwrap().len()
        };
        assert_eq!(listed(7, None), 4);
        assert_eq!(listed(7, Some(4)), 4);
        assert_eq!(listed(7, Some(5)), 0);
        assert_eq!(listed(70, None), 0);
    }
}
