//! The one reader of the wall clock, and a clock for tests that stands until it is moved.

use std::pin::Pin;
use std::sync::Mutex;
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
