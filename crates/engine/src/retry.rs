//! Which retrier or catcher takes a failure, and when the next attempt is.

use asl::{Retrier, Timestamp};

use crate::FrameId;
use crate::failure::{DATA_LIMIT_EXCEEDED, Failure, HEARTBEAT_TIMEOUT, TIMEOUT};
use crate::turn::Turn;

/// What a list of error names is asked for.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Purpose {
    Retry,
    Catch,
}

/// Whether one of the names takes the failure.
pub(crate) fn matches(names: &[Box<str>], failure: &Failure, purpose: Purpose) -> bool {
    let error = failure.error.as_deref();
    // A result that is too large stays too large: it may be caught, but is not tried again.
    if purpose == Purpose::Retry && error == Some(DATA_LIMIT_EXCEEDED) {
        return false;
    }
    names.iter().any(|name| match &**name {
        "States.ALL" => true,
        "States.TaskFailed" => {
            error == Some("States.TaskFailed")
                || failure.of_task && !matches!(error, Some(TIMEOUT | DATA_LIMIT_EXCEEDED))
        }
        "States.BranchFailed" => failure.of_branch || error == Some("States.BranchFailed"),
        "States.Timeout" => matches!(error, Some(TIMEOUT | HEARTBEAT_TIMEOUT)),
        name => error == Some(name),
    })
}

/// The retrier that takes the failure and has attempts left, by its place, and the moment of
/// the attempt. The first retrier that matches decides; a later one is not asked.
pub(crate) fn next_attempt(
    turn: &Turn<'_>,
    frame: FrameId,
    failure: &Failure,
) -> Option<(u32, Timestamp)> {
    let (index, retrier) = turn
        .state(frame)
        .retry
        .iter()
        .enumerate()
        .find(|(_, retrier)| matches(&retrier.error_equals, failure, Purpose::Retry))?;
    let used = match &turn.probe {
        None => turn.execution.current(frame).retries_by(index),
        Some(probe) => probe.borrow().retries,
    };
    turn.inspect(|inspection| inspection.retry_index = Some(index));
    if u64::from(used) >= retrier.max_attempts {
        return None;
    }
    let most = delay_milliseconds(retrier, used);
    turn.inspect(|inspection| inspection.retry_backoff_seconds = Some(most / 1000));
    let delay = match retrier.full_jitter {
        true => (most as f64 * turn.random_fraction()) as i64,
        false => most,
    };
    let index = u32::try_from(index).expect("a definition of 1 MB has fewer retriers");
    Some((index, turn.stamp.now.plus_milliseconds(delay)))
}

/// The delay before retry number `used + 1`, without jitter:
/// `min(IntervalSeconds × BackoffRate^used, MaxDelaySeconds)`.
fn delay_milliseconds(retrier: &Retrier, used: u32) -> i64 {
    let exponent = i32::try_from(used).unwrap_or(i32::MAX);
    let seconds = retrier.interval_seconds as f64 * retrier.backoff_rate.powi(exponent);
    let most = retrier.max_delay_seconds.unwrap_or(99_999_999) as f64;
    (seconds.min(most) * 1000.0).round() as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(error: Option<&str>, of_task: bool) -> Failure {
        Failure { error: error.map(Into::into), of_task, ..Failure::new("", "") }
    }

    #[test]
    fn names_take_failures_as_on_aws() {
        let check = |name: &str, error: Option<&str>, of_task, expected| {
            let names = [Box::from(name)];
            assert_eq!(
                matches(&names, &failure(error, of_task), Purpose::Catch),
                expected,
                "{name} {error:?}"
            );
        };
        check("States.ALL", None, true, true);
        check("States.ALL", Some("Mine"), false, true);
        check("States.TaskFailed", Some("Mine"), true, true);
        check("States.TaskFailed", Some("Mine"), false, false);
        check("States.TaskFailed", Some("States.Timeout"), true, false);
        check("States.Timeout", Some("States.HeartbeatTimeout"), true, true);
        check("States.HeartbeatTimeout", Some("States.Timeout"), true, false);
        check("States.TaskFailed", Some("States.HeartbeatTimeout"), true, true);
        check("States.TaskFailed", Some("States.DataLimitExceeded"), true, false);
        check("States.TaskFailed", Some("States.TaskFailed"), false, true);
        check("States.BranchFailed", Some("Mine"), true, false);
        check("States.DataLimitExceeded", Some("States.DataLimitExceeded"), true, true);
        check("Mine", Some("mine"), true, false);
        check("Mine", Some("Mine"), true, true);
        let large = failure(Some(DATA_LIMIT_EXCEEDED), true);
        for name in ["States.ALL", DATA_LIMIT_EXCEEDED] {
            assert!(!matches(&[Box::from(name)], &large, Purpose::Retry), "{name}");
        }
    }

    #[test]
    fn delays_grow_up_to_the_most() {
        let retrier = Retrier {
            error_equals: vec![],
            interval_seconds: 3,
            max_attempts: 5,
            backoff_rate: 2.0,
            max_delay_seconds: Some(10),
            full_jitter: false,
        };
        let delays: Vec<i64> = (0..4).map(|used| delay_milliseconds(&retrier, used)).collect();
        assert_eq!(delays, [3_000, 6_000, 10_000, 10_000]);
        assert_eq!(delay_milliseconds(&retrier, u32::MAX), 10_000);
    }
}
