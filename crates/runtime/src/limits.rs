//! Every bound of a runtime, with its unit and its reason.

/// Writes in one commit. More wait for the next one.
pub const COMMIT_WRITES_MAX: usize = 4_096;
/// Bytes of journals and records in one commit, so that one transaction stays short. A single
/// larger write still goes, alone.
pub const COMMIT_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Requests of all kinds that may wait for an answer at the same time, long polls aside.
pub const REQUESTS_MAX: usize = 10_000;
/// Commands that may wait for one execution's turn.
pub const QUEUED_COMMANDS_MAX: usize = 10_000;

/// Executions read from the store at the same time.
pub const LOADS_MAX: usize = 64;
/// Executions taken up at start before the next page of keys is asked for.
pub const RECOVERY_PAGE: usize = 1_000;
/// Wake-ups read from the store's index at once.
pub const DUE_PAGE: usize = 10_000;
/// Milliseconds into the future for which wake-ups are kept in memory.
pub const DUE_WINDOW_MS: i64 = 60_000;
/// Milliseconds before the end of that window at which the next one is read.
pub const DUE_MARGIN_MS: i64 = 15_000;
/// Milliseconds until the index is read again when a page was full of wake-ups that are due.
pub const DUE_PAGE_PAUSE_MS: i64 = 200;
/// An execution that only waits leaves memory at once if its wake-up is further away than this,
/// in milliseconds.
pub const EVICT_WAIT_MS: i64 = 5_000;
/// Bytes of memory of the executions kept there while nothing happens to them: their payloads,
/// parsed or not.
pub const RESIDENT_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Milliseconds before an execution is woken again whose wake-up changed nothing.
pub const FUTILE_WAKE_PAUSE_MS: i64 = 1_000;

/// Items that a Map Run reads at most (AWS quota).
pub const ITEMS_MAX: u64 = 100_000_000;
/// Bytes of items that are kept together. Of each Map Run that reads its items about as many are
/// in memory.
pub const ITEM_CHUNK_BYTES: usize = 256 * 1024;
/// Bytes of items in memory for one batch; one that takes more is closed.
pub const BATCH_ITEMS_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Chunks of items that are looked at together when they are removed.
pub const ITEM_CHUNKS_LISTED: usize = 32;
/// Children of a Map Run that are read together for the export of its results.
pub const RESULTS_PAGE: u32 = 64;

/// Milliseconds before the first repetition of what the store refused; doubled every time.
pub const RETRY_FIRST_MS: i64 = 50;
/// Milliseconds between repetitions at most.
pub const RETRY_MAX_MS: i64 = 5_000;

/// Milliseconds until the usage of synchronous executions is written.
pub const USAGE_PAUSE_MS: i64 = 1_000;

/// Milliseconds from the start to the first look for executions that are to be purged, between
/// looks that find more, and from the end of a pass to the next.
pub const PURGE_FIRST_MS: i64 = 60_000;
pub const PURGE_PAUSE_MS: i64 = 100;
pub const PURGE_PASS_MS: i64 = 3_600_000;
/// Executions looked at, and purged in one commit, so that it stays short.
pub const PURGE_PAGE: usize = 250;

/// Bytes of inputs kept beside the activity tasks that wait for a worker. The inputs of further
/// ones are read from their executions when a worker comes.
pub const OFFERED_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Seconds a test of a state may take (AWS quota).
pub const STATE_TEST_SECONDS_MAX: u64 = 300;
/// Synchronous Express executions under way at the same time. They live in memory only.
pub const SYNC_EXECUTIONS_MAX: usize = 10_000;

/// Definitions kept compiled though no state machine or execution in memory uses them.
pub const DEFINITIONS_CACHED_MAX: usize = 1_000;
/// Moments of progress a watcher may lag behind before it loses the oldest.
pub const WATCH_BUFFER: usize = 1_024;
/// Milliseconds between two looks at a turn that may take long. At the first look the turn is
/// told to end with the state it is at.
pub const LOOK_MS: u64 = 100;
/// Looks after which an evaluation is stopped: AWS gives an expression one second.
pub const EVALUATION_LOOKS_MAX: u32 = 10;
/// Looks after which a turn whose evaluation does not heed that is given up.
pub const ABANDON_LOOKS_MAX: u32 = 50;
/// Turns that may take long and run at the same time.
pub const LONG_TURNS_MAX: usize = 16;
/// Seconds a stop waits for turns under way to become durable.
pub const SHUTDOWN_SECONDS: u64 = 10;
/// Milliseconds the timer sleeps at most: a jump of the wall clock is seen after this long.
pub const SLEEP_MAX_MS: i64 = 10_000;
/// Records read from the store at once at start.
pub const RECORD_PAGE: usize = 1_000;
/// Executions loaded by one visit to a thread that may block.
pub const LOADS_PER_VISIT: usize = 16;

/// Milliseconds that a process has for an expression: AWS gives it one second.
pub const EVALUATION_MS: u64 = 1_000;
/// Seconds of a processor that a process may use for an expression: what ends it when nobody is
/// left who does.
pub const EVALUATION_CPU_SECONDS: u64 = 3;
/// Bytes of memory that a process may use for an expression: far more than AWS lets it.
pub const EVALUATION_BYTES: u64 = 512 << 20;
/// Processes for expressions that are kept while they have nothing to do.
pub const IDLE_EVALUATORS_MAX: usize = 4;
