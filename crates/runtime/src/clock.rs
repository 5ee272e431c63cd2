//! The one reader of the wall clock, a clock for tests that stands until it is moved, and one that
//! moves on by itself as soon as nothing else is to be done.

use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use asl::Timestamp;
use tokio::sync::watch;

use crate::limits::SLEEP_MAX_MS;

/// Tells the time and waits for it.
pub trait Clock: Send + Sync + 'static {
    /// This moment.
    fn now(&self) -> Timestamp;

    /// Waits until the clock shows `until`, or less long: whoever waits looks again.
    fn wait(&self, until: Timestamp) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;

    /// Something is being done that takes no time of this clock.
    fn begin_work(&self) {}

    /// It is done.
    fn end_work(&self) {}
}

/// Work that is under way as long as this lives.
pub(crate) struct Working(Arc<dyn Clock>);

impl Working {
    pub(crate) fn begin(clock: &Arc<dyn Clock>) -> Working {
        clock.begin_work();
        Working(Arc::clone(clock))
    }
}

impl Drop for Working {
    fn drop(&mut self) {
        self.0.end_work();
    }
}

/// The machine's clock.
#[derive(Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }

    fn wait(&self, until: Timestamp) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        // Sleeping is by the steady clock, so a long sleep would not see the wall clock jump.
        let milliseconds = until.0.saturating_sub(self.now().0).clamp(0, SLEEP_MAX_MS);
        let milliseconds = u64::try_from(milliseconds).unwrap_or(0);
        Box::pin(tokio::time::sleep(Duration::from_millis(milliseconds)))
    }
}

/// A clock that stands still until a test moves it.
#[derive(Debug)]
pub struct ManualClock {
    now: watch::Sender<Timestamp>,
    /// Serialises moves, so that two of them add up.
    moving: Mutex<()>,
}

impl ManualClock {
    /// A clock that shows `now`.
    pub fn new(now: Timestamp) -> ManualClock {
        ManualClock { now: watch::Sender::new(now), moving: Mutex::new(()) }
    }

    /// Moves the clock on and wakes everyone whose moment has come.
    pub fn advance(&self, by: Duration) {
        let _moving = self.moving.lock().expect("no holder of the lock panics");
        let milliseconds = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        let now = self.now.borrow().plus_milliseconds(milliseconds);
        self.now.send_replace(now);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self.now.borrow()
    }

    fn wait(&self, until: Timestamp) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(async move {
            let mut now = self.now.subscribe();
            // The sender lives as long as `self`.
            let _ = now.wait_for(|now| *now >= until).await;
        })
    }
}

/// How often the others of a thread get their turn before nothing counts as to be done: what one
/// wakes may wake the next.
const YIELDS: usize = 32;

/// A clock that stands while something is to be done, and then shows the next moment that
/// somebody waits for: a year of waiting takes no time. It stands as well until it is started.
/// For a runtime on a Tokio runtime of one thread, so that who is woken is seen to be busy.
#[derive(Debug)]
pub struct SkippingClock {
    now: Mutex<Timestamp>,
    /// How much is under way; 1 more while the clock is stopped.
    work: watch::Sender<usize>,
}

impl SkippingClock {
    /// A clock that shows `now` and is stopped.
    pub fn new(now: Timestamp) -> SkippingClock {
        SkippingClock { now: Mutex::new(now), work: watch::Sender::new(1) }
    }

    /// From now on moments are skipped.
    pub fn start(&self) {
        self.end_work();
    }

    /// From now on it stands.
    pub fn stop(&self) {
        self.begin_work();
    }

    /// Whether nothing is to be done, after everybody was asked.
    async fn is_quiet(&self) -> bool {
        for _ in 0..YIELDS {
            tokio::task::yield_now().await;
            if *self.work.borrow() > 0 {
                return false;
            }
        }
        true
    }
}

impl Clock for SkippingClock {
    fn now(&self) -> Timestamp {
        *self.now.lock().expect("no holder of the lock panics")
    }

    fn wait(&self, until: Timestamp) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(async move {
            let mut work = self.work.subscribe();
            loop {
                // The sender lives as long as `self`.
                let _ = work.wait_for(|work| *work == 0).await;
                if self.is_quiet().await {
                    let mut now = self.now.lock().expect("no holder of the lock panics");
                    *now = until.max(*now);
                    return;
                }
            }
        })
    }

    fn begin_work(&self) {
        self.work.send_modify(|work| *work += 1);
    }

    fn end_work(&self) {
        self.work.send_modify(|work| *work = work.saturating_sub(1));
    }
}
