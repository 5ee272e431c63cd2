//! Finds executions by their ARN's hash: the newest in memory and in a log, the others in an index.
//!
//! A hash falls anywhere in the index, so that a commit of a thousand executions would rewrite a
//! thousand of its pages. Instead a commit appends its hashes to the log, as one row, and to
//! `recent` in memory. When `recent` is large it becomes `moving`, and each commit moves a few of
//! its entries into the index, in the order of hashes, so that those of one page go together.
//! When all are moved, their rows of the log are deleted.

use std::collections::BTreeSet;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use rusqlite::{Connection, Result, params};

/// So many recent entries start to move.
pub(super) const RECENT_MAX: usize = 128 * 1024;
/// Entries moved in a commit, beside two for each new one: the index keeps up with any rate.
const MOVED_MIN: usize = 8;

/// A hash of ARNs.
pub(super) type ArnHash = fn(&str) -> i64;

/// A hash and the key of the execution.
type Entry = (i64, i64);

/// What is not, or not for sure, in the index. An entry is here before its execution can be read,
/// so that whoever sees the execution finds it by its ARN too.
pub(super) struct ArnIndex {
    pub(super) hash: ArnHash,
    newest: RwLock<Newest>,
}

#[derive(Default)]
struct Newest {
    recent: BTreeSet<Entry>,
    moving: BTreeSet<Entry>,
}

/// The writer's part.
pub(super) struct ArnWriter {
    recent_max: usize,
    /// Where the moving of entries has come to; `None` where nothing moves.
    moved_to: Option<Entry>,
    /// The last row of the log that holds entries that move.
    moving_until: i64,
    /// Of the commit under way.
    pending: Pending,
}

#[derive(Default)]
struct Pending {
    new: Vec<Entry>,
    /// The row of the log that holds the new ones.
    log_row: i64,
    moved_to: Option<Entry>,
    done_moving: bool,
}

impl ArnIndex {
    /// Reads what the log holds.
    pub(super) fn load(connection: &Connection, hash: ArnHash) -> Result<ArnIndex> {
        let mut select = connection.prepare("SELECT entries FROM arn_log ORDER BY id")?;
        let mut rows = select.query([])?;
        let mut entries: Vec<Entry> = Vec::new();
        while let Some(row) = rows.next()? {
            entries.extend(decode(row.get_ref(0)?.as_blob()?));
        }
        let newest = Newest { recent: entries.into_iter().collect(), moving: BTreeSet::new() };
        Ok(ArnIndex { hash, newest: RwLock::new(newest) })
    }

    fn read(&self) -> RwLockReadGuard<'_, Newest> {
        self.newest.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Newest> {
        self.newest.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keys of executions that may have a hash: there are no others, yet one whose commit is
    /// under way or failed may have no row.
    pub(super) fn find(&self, connection: &Connection, hash: i64) -> Result<Vec<i64>> {
        // In this order: what leaves the memory is in the index before.
        let mut keys = Vec::new();
        {
            let newest = self.read();
            keys.extend(with_hash(&newest.recent, hash));
            keys.extend(with_hash(&newest.moving, hash));
        }
        let mut select =
            connection.prepare_cached("SELECT execution FROM arn_index WHERE hash = ?1")?;
        for key in select.query_map([hash], |row| row.get(0))? {
            keys.push(key?);
        }
        keys.sort_unstable();
        keys.dedup();
        Ok(keys)
    }
}

impl ArnWriter {
    pub(super) fn new(recent_max: usize) -> ArnWriter {
        ArnWriter { recent_max, moved_to: None, moving_until: 0, pending: Pending::default() }
    }

    pub(super) fn add(&mut self, index: &ArnIndex, hash: i64, key: i64) {
        index.write().recent.insert((hash, key));
        self.pending.new.push((hash, key));
    }

    /// Writes what was added, as part of the transaction that is open.
    pub(super) fn write(&mut self, index: &ArnIndex, connection: &Connection) -> Result<()> {
        if self.pending.new.is_empty() {
            return Ok(());
        }
        let mut insert = connection.prepare_cached("INSERT INTO arn_log (entries) VALUES (?1)")?;
        self.pending.log_row = insert.insert([encode(&self.pending.new)])?;
        let Some(from) = self.moved_to else { return Ok(()) };

        let newest = index.read();
        let count = 2 * self.pending.new.len() + MOVED_MIN;
        // An entry may be there from an earlier run that ended while entries moved, and its
        // execution may be purged.
        let mut insert = connection.prepare_cached(
            "INSERT INTO arn_index SELECT ?1, ?2 \
             WHERE EXISTS (SELECT 1 FROM executions WHERE key = ?2) ON CONFLICT DO NOTHING",
        )?;
        let mut moved = 0;
        for entry in newest.moving.range(from..).take(count) {
            insert.execute(params![entry.0, entry.1])?;
            self.pending.moved_to = Some(*entry);
            moved += 1;
        }
        if moved < count {
            self.pending.done_moving = true;
            let mut delete = connection.prepare_cached("DELETE FROM arn_log WHERE id <= ?1")?;
            delete.execute([self.moving_until])?;
        }
        Ok(())
    }

    /// Goes on from what the transaction kept, after it has committed.
    pub(super) fn committed(&mut self, index: &ArnIndex) {
        let Pending { new, log_row, moved_to, done_moving } = std::mem::take(&mut self.pending);
        if new.is_empty() {
            return;
        }
        let mut newest = index.write();
        if done_moving {
            newest.moving = BTreeSet::new();
            self.moved_to = None;
        } else if moved_to.is_some() {
            self.moved_to = moved_to;
        }
        if self.moved_to.is_none() && newest.recent.len() >= self.recent_max {
            newest.moving = std::mem::take(&mut newest.recent);
            self.moved_to = Some((i64::MIN, i64::MIN));
            self.moving_until = log_row;
        }
    }

    /// Forgets what the transaction did not keep.
    pub(super) fn rolled_back(&mut self, index: &ArnIndex) {
        let mut newest = index.write();
        for entry in std::mem::take(&mut self.pending).new {
            newest.recent.remove(&entry);
        }
    }
}

fn with_hash(entries: &BTreeSet<Entry>, hash: i64) -> impl Iterator<Item = i64> {
    entries.range((hash, i64::MIN)..=(hash, i64::MAX)).map(|(_, key)| *key)
}

fn encode(entries: &[Entry]) -> Vec<u8> {
    let numbers = entries.iter().flat_map(|(hash, key)| [hash.to_le_bytes(), key.to_le_bytes()]);
    numbers.flatten().collect()
}

fn decode(bytes: &[u8]) -> impl Iterator<Item = Entry> {
    let (numbers, _) = bytes.as_chunks::<8>();
    numbers.chunks_exact(2).map(|pair| (i64::from_le_bytes(pair[0]), i64::from_le_bytes(pair[1])))
}

/// The hash that executions are found by. It is part of the stored format.
pub(super) fn hash(arn: &str) -> i64 {
    // FNV-1a, then a mix that spreads the last bytes over all bits.
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in arn.bytes() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    hash = (hash ^ (hash >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93);
    (hash ^ (hash >> 32)).cast_signed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_part_of_the_format() {
        assert_eq!(hash(""), -162702791582339457);
        let arn = "arn:aws:states:us-east-1:123456789012:execution:a:b";
        assert_eq!(hash(arn), -3969195899432426762);
    }

    #[test]
    fn entries_come_back_from_the_log() {
        let entries = [(7, 8), (i64::MIN, 1), (-1, i64::MAX), (7, 9)];
        assert_eq!(decode(&encode(&entries)).collect::<Vec<_>>(), entries);
    }
}
