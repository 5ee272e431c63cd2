//! AWS's scheme of throttling: a bucket that holds tokens up to its size and is refilled at a
//! steady rate. Time comes in with the question, so a bucket reads no clock.

use asl::Timestamp;

/// The size of a bucket, in tokens, and how many come back in a second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    pub bucket_size: u32,
    pub refill_per_second: u32,
}

/// Thousandths of a token: a rate per second is one of thousandths per millisecond.
const WHOLE: i64 = 1_000;

/// A bucket. Full at first.
#[derive(Debug, Clone)]
pub struct TokenBucket {
    rate: Rate,
    /// Thousandths of tokens; below zero where more was used than there was.
    level: i64,
    at: Timestamp,
}

impl TokenBucket {
    pub fn full(rate: Rate, now: Timestamp) -> TokenBucket {
        TokenBucket { rate, level: i64::from(rate.bucket_size) * WHOLE, at: now }
    }

    /// Takes one token, if there is one.
    pub fn take(&mut self, now: Timestamp) -> bool {
        self.take_up_to(1, now) == 1
    }

    /// Takes as many tokens as there are, at most `most`, and says how many.
    pub fn take_up_to(&mut self, most: u32, now: Timestamp) -> u32 {
        self.refill(now);
        let there = u32::try_from((self.level / WHOLE).max(0)).unwrap_or(u32::MAX);
        let taken = there.min(most);
        self.level -= i64::from(taken) * WHOLE;
        taken
    }

    /// Corrects what was taken by what was used: what is left comes back, and what was used
    /// beyond it is owed.
    pub fn settle(&mut self, taken: u32, used: u32) {
        let full = i64::from(self.rate.bucket_size) * WHOLE;
        let left = (i64::from(taken) - i64::from(used)) * WHOLE;
        self.level = self.level.saturating_add(left).min(full);
    }

    /// The moment at which there is a token again; none if there never will be.
    pub fn next_token(&mut self, now: Timestamp) -> Option<Timestamp> {
        self.refill(now);
        let missing = WHOLE - self.level;
        if missing <= 0 {
            return Some(self.at);
        }
        let refill = i64::from(self.rate.refill_per_second);
        if refill == 0 || self.rate.bucket_size == 0 {
            return None;
        }
        Some(self.at.plus_milliseconds((missing - 1) / refill + 1))
    }

    /// Whether it is as it was at first.
    pub fn is_full(&mut self, now: Timestamp) -> bool {
        self.refill(now);
        self.level >= i64::from(self.rate.bucket_size) * WHOLE
    }

    /// A clock that goes back takes nothing away.
    fn refill(&mut self, now: Timestamp) {
        let passed = now.0.saturating_sub(self.at.0);
        if passed <= 0 {
            return;
        }
        self.at = now;
        let more = passed.saturating_mul(i64::from(self.rate.refill_per_second));
        let full = i64::from(self.rate.bucket_size) * WHOLE;
        self.level = self.level.saturating_add(more).min(full);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate { bucket_size: 10, refill_per_second: 4 };

    fn at(milliseconds: i64) -> Timestamp {
        Timestamp(1_000_000 + milliseconds)
    }

    #[test]
    fn a_bucket_gives_what_it_holds_and_what_comes_back() {
        let mut bucket = TokenBucket::full(RATE, at(0));
        assert!((0..10).all(|_| bucket.take(at(0))));
        assert!(!bucket.take(at(0)));
        assert_eq!(bucket.next_token(at(0)), Some(at(250)));
        assert!(!bucket.take(at(249)));
        assert!(bucket.take(at(250)));
        assert!(!bucket.take(at(250)));
        assert_eq!(bucket.take_up_to(100, at(1_000)), 3);
        assert!(!bucket.is_full(at(3_000)));
        // More than it holds never comes back.
        assert!(bucket.is_full(at(1_000_000)));
        assert_eq!(bucket.take_up_to(100, at(1_000_000)), 10);
    }

    #[test]
    fn what_was_used_beyond_what_was_taken_is_owed() {
        let mut bucket = TokenBucket::full(RATE, at(0));
        assert_eq!(bucket.take_up_to(8, at(0)), 8);
        bucket.settle(8, 3);
        assert_eq!(bucket.take_up_to(100, at(0)), 7);
        bucket.settle(7, 12);
        assert_eq!(bucket.take_up_to(100, at(0)), 0);
        assert_eq!(bucket.next_token(at(0)), Some(at(1_500)));
        assert_eq!(bucket.take_up_to(100, at(1_500)), 1);
        bucket.settle(5, 0);
        assert_eq!(bucket.take_up_to(100, at(1_500)), 5);
        bucket.settle(100, 0);
        assert_eq!(bucket.take_up_to(100, at(1_500)), 10);
    }

    #[test]
    fn a_clock_that_goes_back_changes_nothing() {
        let mut bucket = TokenBucket::full(RATE, at(0));
        assert_eq!(bucket.take_up_to(10, at(0)), 10);
        assert!(!bucket.take(at(-5_000)));
        assert!(bucket.take(at(250)));
        assert!(!bucket.take(at(100)));
        assert!(!bucket.take(at(499)));
    }

    #[test]
    fn a_bucket_that_is_never_refilled_says_so() {
        let rate = Rate { bucket_size: 1, refill_per_second: 0 };
        let mut bucket = TokenBucket::full(rate, at(0));
        assert_eq!(bucket.next_token(at(0)), Some(at(0)));
        assert!(bucket.take(at(0)));
        assert_eq!(bucket.next_token(at(0)), None);
        assert!(!bucket.take(at(i64::MAX / 2)));
    }
}
