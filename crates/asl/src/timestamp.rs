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
        let _ = text;
        todo!()
    }

    /// The ISO 8601 text in UTC, with milliseconds unless they are zero:
    /// `2024-01-02T03:04:05.678Z`, `2024-01-02T03:04:05Z`.
    pub fn to_iso_8601(self) -> String {
        todo!()
    }
}
