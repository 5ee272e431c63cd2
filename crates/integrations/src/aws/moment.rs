//! Moments, as services write them.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Number, Value};
use service_models::TimestampFormat;

/// Reads a moment: seconds since 1970, or a text in any of AWS's forms.
pub(super) fn parse(value: &Value) -> Option<Timestamp> {
    match value {
        Value::Number(number) => of_seconds(number),
        Value::String(text) => of_text(text),
        _ => None,
    }
}

pub(super) fn of_text(text: &str) -> Option<Timestamp> {
    if let Ok(moment) = text.parse::<Timestamp>() {
        return Some(moment);
    }
    if let Ok(number) = text.parse::<Number>() {
        return of_seconds(&number);
    }
    if let Ok(zoned) = jiff::fmt::rfc2822::parse(text) {
        return Some(zoned.timestamp());
    }
    // Without an offset, UTC is meant.
    let date_time = text.parse::<jiff::civil::DateTime>().ok()?;
    date_time.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
}

fn of_seconds(number: &Number) -> Option<Timestamp> {
    if let Some(seconds) = number.as_i64() {
        return Timestamp::from_second(seconds).ok();
    }
    let seconds = number.as_f64()?;
    // Doubles hold milliseconds exactly enough, and services write no more.
    Timestamp::from_millisecond((seconds * 1000.0).round() as i64).ok()
}

/// As tasks show moments: `2024-03-26T07:42:02.123Z`, decimals in groups of three and only
/// where there are any.
pub(super) fn show(moment: Timestamp) -> String {
    let nanoseconds = moment.subsec_nanosecond();
    let form = match nanoseconds {
        0 => "%Y-%m-%dT%H:%M:%SZ",
        n if n % 1_000_000 == 0 => "%Y-%m-%dT%H:%M:%S.%3fZ",
        n if n % 1_000 == 0 => "%Y-%m-%dT%H:%M:%S.%6fZ",
        _ => "%Y-%m-%dT%H:%M:%S.%9fZ",
    };
    moment.strftime(form).to_string()
}

/// As a request has it.
pub(super) fn write(moment: Timestamp, format: TimestampFormat) -> Value {
    match format {
        TimestampFormat::Iso8601 => Value::from(show(moment)),
        TimestampFormat::Rfc822 => {
            Value::from(moment.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string())
        }
        TimestampFormat::UnixTimestamp => {
            let milliseconds = moment.as_millisecond();
            if milliseconds % 1000 == 0 {
                Value::from(milliseconds / 1000)
            } else {
                Value::from(milliseconds as f64 / 1000.0)
            }
        }
    }
}
