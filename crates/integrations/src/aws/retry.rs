//! When an attempt is made again, and after how long. None of it shows in the history.

use std::time::Duration;

/// Attempts in all, as in AWS's SDKs.
pub(super) const ATTEMPTS_MAX: u32 = 3;
/// The first wait is up to this long, each further one up to twice as long as the one before.
const BASE: Duration = Duration::from_millis(100);
const BASE_THROTTLED: Duration = Duration::from_millis(500);
const WAIT_MAX: Duration = Duration::from_secs(20);

/// Codes by which services say that there are too many calls.
const THROTTLING: [&str; 15] = [
    "BandwidthLimitExceeded",
    "EC2ThrottledException",
    "PriorRequestNotComplete",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestThrottledException",
    "SlowDown",
    "ThrottledException",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
    "TransactionInProgressException",
    "ThrottlingErrorException",
    "RequestThrottledError",
];
/// Codes of passing trouble.
const TRANSIENT: [&str; 4] =
    ["RequestTimeout", "RequestTimeoutException", "InternalError", "InternalFailure"];

/// What kind of failure an attempt had, as far as it matters to the next one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Failure {
    /// It will fail again.
    Final,
    Transient,
    Throttled,
}

/// Classifies an answered error.
pub(super) fn classify(status: u16, code: Option<&str>) -> Failure {
    let is_among = |codes: &[&str]| code.is_some_and(|code| codes.contains(&code));
    if status == 429 || is_among(&THROTTLING) {
        Failure::Throttled
    } else if matches!(status, 500 | 502 | 503 | 504) || is_among(&TRANSIENT) {
        Failure::Transient
    } else {
        Failure::Final
    }
}

/// The wait before the attempt with this number (the second is 1). `random` is in 0..1.
pub(super) fn wait(failure: Failure, attempt: u32, random: f64) -> Duration {
    let base = match failure {
        Failure::Throttled => BASE_THROTTLED,
        _ => BASE,
    };
    let longest = base.saturating_mul(1 << (attempt - 1).min(16)).min(WAIT_MAX);
    longest.mul_f64(random)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_passes_is_tried_again() {
        assert_eq!(classify(503, None), Failure::Transient);
        assert_eq!(classify(400, Some("ThrottlingException")), Failure::Throttled);
        assert_eq!(classify(429, None), Failure::Throttled);
        assert_eq!(classify(400, Some("ValidationException")), Failure::Final);
        assert_eq!(classify(400, Some("RequestTimeout")), Failure::Transient);
        // A quota, not a rate.
        assert_eq!(classify(400, Some("LimitExceededException")), Failure::Final);
        assert_eq!(wait(Failure::Transient, 1, 1.0), Duration::from_millis(100));
        assert_eq!(wait(Failure::Throttled, 2, 0.5), Duration::from_millis(500));
        assert_eq!(wait(Failure::Throttled, 30, 1.0), WAIT_MAX);
    }
}
