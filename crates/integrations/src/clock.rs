//! The moment, for deadlines, headers and log lines.

use jiff::Timestamp;

/// Milliseconds since 1970.
pub(crate) fn now_milliseconds() -> i64 {
    Timestamp::now().as_millisecond()
}

/// As the `Date` header has it: `Fri, 26 Mar 2021 07:42:02 GMT`.
pub(crate) fn http_date(milliseconds: i64) -> String {
    format_utc(milliseconds, "%a, %d %b %Y %H:%M:%S GMT")
}

/// As the names of log streams begin: `2021/03/26`.
pub(crate) fn log_stream_date(milliseconds: i64) -> String {
    format_utc(milliseconds, "%Y/%m/%d")
}

/// For log files: `2021-03-26T07:42:02.123Z`.
pub(crate) fn iso_8601(milliseconds: i64) -> String {
    format_utc(milliseconds, "%Y-%m-%dT%H:%M:%S.%3fZ")
}

fn format_utc(milliseconds: i64, format: &str) -> String {
    let timestamp = Timestamp::from_millisecond(milliseconds).unwrap_or(Timestamp::UNIX_EPOCH);
    timestamp.strftime(format).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_formatted() {
        let moment = 1_616_744_522_123;
        assert_eq!(http_date(moment), "Fri, 26 Mar 2021 07:42:02 GMT");
        assert_eq!(log_stream_date(moment), "2021/03/26");
        assert_eq!(iso_8601(moment), "2021-03-26T07:42:02.123Z");
    }
}
