//! When an attempt is made again, and after how long. None of it shows in the history.

use std::time::{Duration, SystemTime};

use jiff::Timestamp;

use super::moment;
use super::parse::{Headers, header};

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

/// Codes by which services say that a signature is not of now, or of nobody they know, which a
/// clock that is wrong brings about as well.
const CLOCK: [&str; 6] = [
    "AuthFailure",
    "InvalidSignatureException",
    "RequestExpired",
    "RequestInTheFuture",
    "RequestTimeTooSkewed",
    "SignatureDoesNotMatch",
];
/// Clocks that are farther apart than this make signatures void.
const CLOCKS_APART: Duration = Duration::from_secs(240);

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

/// How far the service's clock is ahead of `now`, in milliseconds, where that is why a signature
/// was refused.
pub(super) fn clock_skew(code: Option<&str>, headers: &Headers, now: SystemTime) -> Option<i64> {
    if !code.is_some_and(|code| CLOCK.contains(&code)) {
        return None;
    }
    let theirs = moment::of_text(header(headers, "date")?)?;
    let ours = Timestamp::try_from(now).ok()?;
    let skew = theirs.as_millisecond() - ours.as_millisecond();
    (skew.unsigned_abs() > CLOCKS_APART.as_millis() as u64).then_some(skew)
}

/// How long a service wants to be left alone, at most as long as any wait may be.
pub(super) fn wanted_wait(headers: &Headers) -> Option<Duration> {
    let number = |name: &str| header(headers, name).and_then(|text| text.trim().parse().ok());
    let milliseconds = number("x-amz-retry-after").map(Duration::from_millis);
    milliseconds.or(number("retry-after").map(Duration::from_secs)).map(|it| it.min(WAIT_MAX))
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

    #[test]
    fn services_may_say_how_long() {
        let check = |name: &str, value: &str, expected: Option<Duration>| {
            let headers = vec![(name.to_owned(), value.to_owned())];
            assert_eq!(wanted_wait(&headers), expected, "{name}: {value}");
        };
        check("Retry-After", "2", Some(Duration::from_secs(2)));
        check("x-amz-retry-after", "1500", Some(Duration::from_millis(1_500)));
        check("Retry-After", "86400", Some(WAIT_MAX));
        check("Retry-After", "Fri, 26 Mar 2021 07:42:02 GMT", None);
        check("Date", "2", None);
    }

    #[test]
    fn a_refused_signature_tells_the_time() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_616_744_522);
        let check = |code: &str, date: &str, expected: Option<i64>| {
            let headers = vec![("Date".to_owned(), date.to_owned())];
            assert_eq!(clock_skew(Some(code), &headers, now), expected, "{code} {date}");
        };
        check("RequestTimeTooSkewed", "Fri, 26 Mar 2021 08:42:02 GMT", Some(3_600_000));
        check("InvalidSignatureException", "Fri, 26 Mar 2021 07:32:02 GMT", Some(-600_000));
        // It is another reason.
        check("InvalidSignatureException", "Fri, 26 Mar 2021 07:43:02 GMT", None);
        check("AccessDenied", "Fri, 26 Mar 2021 08:42:02 GMT", None);
        check("RequestExpired", "yesterday", None);
    }
}
