//! The ids of requests: UUIDs that need not be secret, so that one draw of randomness serves
//! them all.

use std::sync::atomic::{AtomicU64, Ordering};

use uuid::Uuid;

/// Gives out request ids.
pub(crate) struct RequestIds {
    seed: (u64, u64),
    count: AtomicU64,
}

impl RequestIds {
    pub(crate) fn new() -> RequestIds {
        RequestIds { seed: Uuid::new_v4().as_u64_pair(), count: AtomicU64::new(0) }
    }

    /// An id that was not given out before.
    pub(crate) fn next(&self) -> Uuid {
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        let high = mix(self.seed.0.wrapping_add(count));
        let low = mix(self.seed.1.wrapping_add(count));
        let bytes = Uuid::from_u64_pair(high, low).into_bytes();
        uuid::Builder::from_random_bytes(bytes).into_uuid()
    }
}

/// Spreads neighbouring numbers over all of them; different numbers stay different.
fn mix(number: u64) -> u64 {
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn ids_are_different_random_uuids() {
        let ids = RequestIds::new();
        let given: BTreeSet<Uuid> = (0..1000).map(|_| ids.next()).collect();
        assert_eq!(given.len(), 1000);
        assert!(given.iter().all(|id| id.get_version_num() == 4));
    }
}
