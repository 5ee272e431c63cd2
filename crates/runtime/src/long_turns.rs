//! Turns that may take long: each runs on a thread of its own, under the eye of somebody who has
//! a clock. No execution waits for another one's expressions.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use asl::Interrupt;
use tokio::sync::{Semaphore, oneshot};

use crate::limits;
use crate::turn::{TurnDone, TurnJob};

/// What is seen of a turn from outside.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    /// The evaluation under way, for as long as the turn holds it.
    evaluation: Mutex<Weak<Interrupt>>,
    is_late: AtomicBool,
}

impl Watch {
    /// An evaluation begins.
    pub(crate) fn begin(&self) -> Arc<Interrupt> {
        let interrupt = Arc::new(Interrupt::default());
        *self.evaluation.lock().expect("no holder of the lock panics") = Arc::downgrade(&interrupt);
        interrupt
    }

    /// Whether the turn should end with the state it is at.
    pub(crate) fn is_late(&self) -> bool {
        self.is_late.load(Ordering::Relaxed)
    }

    fn under_way(&self) -> Weak<Interrupt> {
        self.evaluation.lock().expect("no holder of the lock panics").clone()
    }
}

/// What a look at a turn's evaluation means.
#[derive(Debug, PartialEq)]
enum Verdict {
    GoesOn,
    /// It was told to stop, and did not.
    Abandon,
}

/// Looks at a turn again and again.
#[derive(Debug, Default)]
struct Looks {
    seen: Weak<Interrupt>,
    /// How often the same evaluation was seen.
    times: u32,
}

impl Looks {
    fn look(&mut self, watch: &Watch) -> Verdict {
        watch.is_late.store(true, Ordering::Relaxed);
        let under_way = watch.under_way();
        let Some(interrupt) = under_way.upgrade() else {
            self.times = 0;
            return Verdict::GoesOn;
        };
        self.times = if under_way.ptr_eq(&self.seen) { self.times + 1 } else { 0 };
        self.seen = under_way;
        if self.times >= limits::EVALUATION_LOOKS_MAX {
            interrupt.stop();
        }
        match self.times >= limits::ABANDON_LOOKS_MAX {
            true => Verdict::Abandon,
            false => Verdict::GoesOn,
        }
    }
}

/// Runs a turn on a thread of its own. One whose evaluation neither ends nor heeds its interrupt
/// is given up: its thread goes on alone, and the execution fails.
pub(crate) async fn run(job: TurnJob, places: Arc<Semaphore>) -> TurnDone {
    // Closed never: those who wait get their place.
    let place = places.acquire_owned().await;
    let key = job.key;
    let done = watch(move |watch| job.run_watched(watch)).await;
    drop(place);
    done.unwrap_or_else(|text| {
        tracing::error!(execution = key.0, "{text}");
        TurnDone { key, result: Err(text) }
    })
}

/// Does what may take long on a thread of its own, and keeps an eye on it. Gives up with the
/// reason.
pub(crate) async fn watch<T: Send + 'static>(
    work: impl FnOnce(&Watch) -> T + Send + 'static,
) -> Result<T, String> {
    let watch = Arc::new(Watch::default());
    let watched = Arc::clone(&watch);
    let (sender, mut done) = oneshot::channel();
    // No thread of the pool: a stop of the process waits for those.
    let thread = std::thread::Builder::new().name("stepwell-long-turn".to_owned());
    let spawned = thread.spawn(move || {
        // Nobody may wait any more.
        let _ = sender.send(work(&watched));
    });
    if let Err(error) = spawned {
        return Err(format!("there is no thread for an expression: {error}"));
    }
    let period = Duration::from_millis(limits::LOOK_MS);
    let mut looks = Looks::default();
    loop {
        match tokio::time::timeout(period, &mut done).await {
            Ok(Ok(done)) => return Ok(done),
            Ok(Err(_)) => return Err("an expression ended its thread".to_owned()),
            Err(_) if looks.look(&watch) == Verdict::GoesOn => {}
            Err(_) => return Err("an expression did not end and was given up".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_evaluation_that_is_seen_too_often_is_stopped_then_given_up() {
        let watch = Watch::default();
        let mut looks = Looks::default();
        let first = watch.begin();
        assert!(!watch.is_late());
        for _ in 0..limits::EVALUATION_LOOKS_MAX {
            assert_eq!(looks.look(&watch), Verdict::GoesOn);
        }
        assert!(watch.is_late());
        assert!(!first.is_stopped());
        // Another one has its own time.
        drop(first);
        let second = watch.begin();
        for _ in 0..limits::EVALUATION_LOOKS_MAX {
            assert_eq!(looks.look(&watch), Verdict::GoesOn);
        }
        assert!(!second.is_stopped());
        looks.look(&watch);
        assert!(second.is_stopped());
        while looks.look(&watch) == Verdict::GoesOn {
            assert!(looks.times < limits::ABANDON_LOOKS_MAX);
        }
    }

    #[test]
    fn between_evaluations_nothing_is_stopped() {
        let watch = Watch::default();
        let mut looks = Looks::default();
        for _ in 0..2 * limits::ABANDON_LOOKS_MAX {
            drop(watch.begin());
            assert_eq!(looks.look(&watch), Verdict::GoesOn);
        }
    }
}
