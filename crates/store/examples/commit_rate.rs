//! How many executions a second the store keeps, by the size of batches.
//!
//! `cargo run --release -p store --example commit_rate [SECONDS [FOLDER]]`: each line is measured
//! for so many seconds (3 unless told) in a fresh data directory below the folder.

#![expect(clippy::print_stdout, reason = "this program prints what it measures")]

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use store::{
    DayUsage, ExecutionKey, NewExecution, Outcome, RowState, SqliteStore, Store, TurnWrite, Write,
};

const BATCHES: [usize; 5] = [1, 16, 64, 256, 1_000];

const OVER: RowState =
    RowState { status: 1, stop_date: Some(1_700_000_000_100), recover: false, ..RUNNING };
const WAITING: RowState = RowState { wake: Some(1_800_000_000_000), recover: false, ..RUNNING };
const RUNNING: RowState = RowState {
    status: 0,
    stop_date: None,
    wake: None,
    recover: true,
    redrive_count: 0,
    redrive_date: None,
};

fn main() {
    let mut arguments = std::env::args().skip(1);
    let seconds = arguments.next().map_or(3.0, |text| text.parse().expect("a number of seconds"));
    let parent = arguments.next().map_or_else(std::env::temp_dir, PathBuf::from);
    let time = Duration::from_secs_f64(seconds);
    println!("executions of one turn that are over after it, 500 bytes of journal");
    for batch in BATCHES {
        measure(&parent, batch, time, &[OVER]);
    }
    println!("executions of one turn that wait");
    for batch in [64, 1_000] {
        measure(&parent, batch, time, &[WAITING]);
    }
    println!("executions of three turns, a thousand under way at once");
    for batch in [64, 1_000] {
        measure(&parent, batch, time, &[RUNNING, RUNNING, OVER]);
    }
    open(&parent);
}

/// Numbers that look random and are the same in every run.
struct Names(u64);

impl Names {
    fn next(&mut self) -> String {
        let mut half = || {
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            mixed ^ (mixed >> 31)
        };
        let (high, low) = (half(), half());
        let text = format!("{high:016x}{low:016x}");
        [&text[..8], &text[8..12], &text[12..16], &text[16..20], &text[20..]].join("-")
    }
}

fn turn(key: u64, turns_before: u32, state: RowState, name: Option<String>) -> Write {
    let moment = 1_700_000_000_000 + key.cast_signed() / 50;
    let state = RowState { stop_date: state.stop_date.map(|_| moment + 100), ..state };
    let new = name.map(|name| NewExecution {
        arn: format!("arn:aws:states:eu-central-1:123456789012:execution:OrderFulfilment:{name}")
            .into(),
        name: name.into(),
        state_machine_arn: "arn:aws:states:eu-central-1:123456789012:stateMachine:OrderFulfilment"
            .into(),
        version_arn: None,
        alias_arn: None,
        map_run_arn: None,
        start_date: moment,
        listed: true,
        header: vec![b'h'; 60],
    });
    let journal = vec![b'j'; 500];
    let usage = DayUsage::default();
    Write::Turn(TurnWrite { key: ExecutionKey(key), turns_before, journal, state, usage, new })
}

/// Each execution has a turn for each state. Executions start in groups of a thousand, or of a
/// batch where that is more, and the turns of a group go side by side.
fn measure(parent: &Path, batch: usize, time: Duration, states: &[RowState]) {
    let folder = tempfile::tempdir_in(parent).expect("a folder for the store");
    let store = SqliteStore::open(folder.path()).expect("the store opens");
    let mut names = Names(1);
    let group = if states.len() == 1 { batch } else { batch.max(1_000) };
    let mut key = 0;
    let mut commits: Vec<Duration> = Vec::new();
    let mut busy = Duration::ZERO;
    while busy < time {
        let mut writes: Vec<Write> = Vec::new();
        for (turns_before, state) in (0..).zip(states) {
            for of_group in 0..group {
                let key = key + 1 + of_group as u64;
                let name = (turns_before == 0).then(|| names.next());
                writes.push(turn(key, turns_before, *state, name));
            }
        }
        key += group as u64;
        for chunk in writes.chunks(batch) {
            let start = Instant::now();
            let outcomes = store.commit(chunk).expect("the store commits");
            let took = start.elapsed();
            assert!(outcomes.iter().all(|outcome| *outcome == Outcome::Committed));
            commits.push(took);
            busy += took;
        }
    }
    commits.sort_unstable();
    let at =
        |share: f64| commits[((commits.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
    let seconds = busy.as_secs_f64();
    let size: u64 = std::fs::read_dir(folder.path())
        .expect("the folder is there")
        .map(|entry| entry.and_then(|entry| entry.metadata()).map_or(0, |data| data.len()))
        .sum();
    println!(
        "  batch {batch:>4}: {:>7.0} executions/s, {:>7.0} turns/s; commit ms: median {:.2}, \
         99 % {:.2}, longest {:.1}; {} executions, {} MB",
        key as f64 / seconds,
        (key as usize * states.len()) as f64 / seconds,
        at(0.5),
        at(0.99),
        at(1.0),
        key,
        size / 1_000_000,
    );
}

/// How long it takes to open a store in which many executions wait.
fn open(parent: &Path) {
    let folder = tempfile::tempdir_in(parent).expect("a folder for the store");
    let mut names = Names(2);
    let store = SqliteStore::open(folder.path()).expect("the store opens");
    for group in 0..100 {
        let writes: Vec<Write> = (1..=1_000)
            .map(|of_group| turn(group * 1_000 + of_group, 0, WAITING, Some(names.next())))
            .collect();
        store.commit(&writes).expect("the store commits");
    }
    let start = Instant::now();
    drop(store);
    let closed = start.elapsed();
    let start = Instant::now();
    let store = SqliteStore::open(folder.path()).expect("the store opens");
    let due = store.due(i64::MAX, 1).expect("the store reads");
    let recover = store.to_recover(ExecutionKey(0), 1_000).expect("the store reads");
    let opened = start.elapsed();
    assert!(due.len() == 1 && recover.is_empty());
    println!(
        "100000 executions that wait: closed in {:.1} ms, opened in {:.1} ms",
        closed.as_secs_f64() * 1e3,
        opened.as_secs_f64() * 1e3
    );
}
