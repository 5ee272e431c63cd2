//! What one PutLogEvents may hold, by the API reference of CloudWatch Logs: events in the order
//! of time, 1 MiB with 26 bytes more for each, 10,000 of them, within 24 hours.

use asl::Timestamp;

/// Bytes of a batch: the sum of its events' messages in UTF-8, and [`EVENT_OVERHEAD`] for each.
pub(super) const BATCH_BYTES_MAX: usize = 1_048_576;
const EVENT_OVERHEAD: usize = 26;
/// Bytes of an event that fits a batch by itself.
pub(super) const EVENT_BYTES_MAX: usize = BATCH_BYTES_MAX;
const BATCH_EVENTS_MAX: usize = 10_000;
/// Milliseconds between the first and the last event of a batch.
const BATCH_SPAN_MAX_MS: i64 = 24 * 60 * 60 * 1_000;

/// One event of a log stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogEvent {
    pub at: Timestamp,
    pub message: String,
}

impl LogEvent {
    /// As a batch counts them.
    pub(super) fn bytes(&self) -> usize {
        self.message.len() + EVENT_OVERHEAD
    }
}

/// Events that wait to be sent.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    events: Vec<LogEvent>,
    bytes: usize,
}

impl Waiting {
    /// As batches count them.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn push(&mut self, event: LogEvent) {
        self.bytes += event.bytes();
        self.events.push(event);
    }

    /// The earliest events, as many as one call may have.
    pub(super) fn take_batch(&mut self) -> Vec<LogEvent> {
        // Records of one execution stay in their order: the sort is stable.
        self.events.sort_by_key(|event| event.at);
        let mut bytes = 0;
        let mut count = 0;
        for event in self.events.iter().take(BATCH_EVENTS_MAX) {
            let span = event.at.0.saturating_sub(self.events[0].at.0);
            if bytes + event.bytes() > BATCH_BYTES_MAX || span > BATCH_SPAN_MAX_MS {
                break;
            }
            bytes += event.bytes();
            count += 1;
        }
        self.bytes -= bytes;
        let rest = self.events.split_off(count);
        std::mem::replace(&mut self.events, rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 24 * 60 * 60 * 1_000;

    /// Moments and lengths of events; how many each batch has.
    fn check(events: impl IntoIterator<Item = (i64, usize)>, batches: &[usize]) {
        let mut waiting = Waiting::default();
        let mut all = Vec::new();
        for (at, length) in events {
            let event = LogEvent { at: Timestamp(at), message: "x".repeat(length) };
            all.push(event.clone());
            waiting.push(event);
        }
        let mut taken = Vec::new();
        let mut counts = Vec::new();
        loop {
            let batch = waiting.take_batch();
            if batch.is_empty() {
                break;
            }
            counts.push(batch.len());
            taken.extend(batch);
        }
        assert_eq!(counts, batches);
        assert_eq!(waiting.bytes(), 0);
        all.sort_by_key(|event| event.at);
        assert_eq!(taken, all);
    }

    #[test]
    fn no_events_make_no_batch() {
        check([], &[]);
    }

    #[test]
    fn a_batch_has_at_most_ten_thousand_events() {
        check((0..10_000).map(|at| (at, 1)), &[10_000]);
        check((0..10_001).map(|at| (at, 1)), &[10_000, 1]);
    }

    #[test]
    fn a_batch_has_at_most_a_mebibyte_with_26_bytes_for_each_event() {
        let half = BATCH_BYTES_MAX / 2 - EVENT_OVERHEAD;
        check([(0, half), (0, half)], &[2]);
        check([(0, half), (0, half + 1)], &[1, 1]);
        check([(0, BATCH_BYTES_MAX - EVENT_OVERHEAD), (0, 0)], &[1, 1]);
    }

    #[test]
    fn a_batch_spans_at_most_a_day_and_is_in_the_order_of_time() {
        check([(DAY, 1), (0, 1)], &[2]);
        check([(DAY + 1, 1), (0, 1), (1, 1)], &[2, 1]);
        check([(3 * DAY, 1), (0, 1), (DAY + 5, 1)], &[1, 1, 1]);
    }
}
