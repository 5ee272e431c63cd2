//! A moment in milliseconds since 1970, and how AWS reads and prints it.

/// Milliseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// This moment plus a number of milliseconds, saturating.
    pub fn plus_milliseconds(self, milliseconds: i64) -> Timestamp {
        Timestamp(self.0.saturating_add(milliseconds))
    }

    /// This moment plus a number of seconds, saturating.
    pub fn plus_seconds(self, seconds: u64) -> Timestamp {
        let milliseconds = i64::try_from(seconds).unwrap_or(i64::MAX).saturating_mul(1000);
        self.plus_milliseconds(milliseconds)
    }

    /// Reads an RFC 3339 timestamp as AWS does: a date, `T`, a time, up to nine digits of
    /// fraction, and `Z` or an offset. `None` for anything else.
    pub fn parse(text: &str) -> Option<Timestamp> {
        parse_instant(text).map(|instant| Timestamp(instant.as_millisecond()))
    }

    /// The ISO 8601 text in UTC, with milliseconds unless they are zero:
    /// `2024-01-02T03:04:05.678Z`, `2024-01-02T03:04:05Z`.
    pub fn to_iso_8601(self) -> String {
        let instant = jiff::Timestamp::from_millisecond(self.0).unwrap_or(if self.0 < 0 {
            jiff::Timestamp::MIN
        } else {
            jiff::Timestamp::MAX
        });
        let fraction = if instant.subsec_millisecond() == 0 { 0 } else { 3 };
        format!("{instant:.fraction$}")
    }
}

/// The instant a text names, to the nanosecond.
pub(crate) fn parse_instant(text: &str) -> Option<jiff::Timestamp> {
    let (seconds, rest) = text.split_at_checked(19)?;
    let shape_fits = seconds.bytes().enumerate().all(|(at, byte)| match at {
        4 | 7 => byte == b'-',
        10 => byte == b'T',
        13 | 16 => byte == b':',
        17 => (b'0'..=b'5').contains(&byte),
        _ => byte.is_ascii_digit(),
    });
    let offset = match rest.strip_prefix('.') {
        None => rest,
        Some(fraction) => {
            let offset = fraction.trim_start_matches(|character: char| character.is_ascii_digit());
            let digits = fraction.len() - offset.len();
            if !(1..=9).contains(&digits) {
                return None;
            }
            offset
        }
    };
    if !shape_fits || !is_offset(offset) {
        return None;
    }
    text.parse().ok().or_else(|| at_the_end_of_time(seconds))
}

/// The last day of the last year is a date, but its instants are beyond the library's last one.
fn at_the_end_of_time(seconds: &str) -> Option<jiff::Timestamp> {
    let date: jiff::civil::DateTime = seconds.parse().ok()?;
    (date.year() == 9999).then_some(jiff::Timestamp::MAX)
}

/// `Z`, or hours and minutes as in `+01:00`.
fn is_offset(text: &str) -> bool {
    let bytes = text.as_bytes();
    text == "Z"
        || bytes.len() == 6
            && matches!(bytes[0], b'+' | b'-')
            && bytes[3] == b':'
            && [1, 2, 4, 5].iter().all(|&at| bytes[at].is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps_are_read_as_aws_reads_them() {
        for (text, expected) in [
            ("2016-03-14T01:59:00Z", Some("2016-03-14T01:59:00Z")),
            ("2016-03-05T21:29:29.243167252Z", Some("2016-03-05T21:29:29.243Z")),
            ("2012-10-09T19:00:55+01:00", Some("2012-10-09T18:00:55Z")),
            ("2025-01-15T10:30:01.500Z", Some("2025-01-15T10:30:01.500Z")),
            ("2025-01-15T10:30:01.5-05:30", Some("2025-01-15T16:00:01.500Z")),
            ("1969-12-31T23:59:59.999Z", Some("1969-12-31T23:59:59.999Z")),
            ("2012-10-09T19:00:55", None),
            ("2023-02-24", None),
            ("2016-12-05 21:29:29Z", None),
            ("05-12-2016T21:29:29Z", None),
            ("2016-13-05T21:29:29Z", None),
            ("2016-12-05T25:29:29Z", None),
            ("2016-12-05T21:29:60Z", None),
            ("2016-12-05T21:29:29z", None),
            ("2016-12-05T21:29:29.Z", None),
            ("2016-12-05T21:29:29.1234567890Z", None),
            ("2016-12-05T21:29:29+0100", None),
            ("2016-12-05T21:29:29Z[UTC]", None),
            ("2016-02-30T21:29:29Z", None),
            ("2016-12-05T21:29:2\u{e9}Z", None),
            ("", None),
        ] {
            let printed = Timestamp::parse(text).map(Timestamp::to_iso_8601);
            assert_eq!(printed.as_deref(), expected, "{text}");
        }
        assert_eq!(
            Timestamp(i64::MAX).to_iso_8601(),
            jiff::Timestamp::MAX.to_string()[..23].to_owned() + "Z"
        );
    }
}
