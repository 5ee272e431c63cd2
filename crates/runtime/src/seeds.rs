//! The source of everything random a node needs, itself seeded from outside: the same seed gives
//! the same run.

/// A generator of random numbers (xoshiro256++). Good for seeds and for names that must not
/// meet; not for secrets.
#[derive(Debug, Clone)]
pub struct Seeds([u64; 4]);

impl Seeds {
    /// A generator from random bytes.
    pub fn from_bytes(bytes: [u8; 32]) -> Seeds {
        let mut state = [0_u64; 4];
        for (word, chunk) in state.iter_mut().zip(bytes.chunks_exact(8)) {
            *word = u64::from_le_bytes(chunk.try_into().expect("a chunk has eight bytes"));
        }
        if state == [0; 4] {
            return Seeds::from_number(0);
        }
        Seeds(state)
    }

    /// A generator from one number, for tests and simulations.
    pub fn from_number(mut number: u64) -> Seeds {
        let mut state = [0_u64; 4];
        for word in &mut state {
            number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut mixed = number;
            mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            *word = mixed ^ (mixed >> 31);
        }
        Seeds(state)
    }

    /// The next number.
    pub fn next_number(&mut self) -> u64 {
        let [a, b, c, d] = &mut self.0;
        let result = a.wrapping_add(*d).rotate_left(23).wrapping_add(*a);
        let shifted = *b << 17;
        *c ^= *a;
        *d ^= *b;
        *b ^= *c;
        *a ^= *d;
        *c ^= shifted;
        *d = d.rotate_left(45);
        result
    }

    /// A UUID of version 4 as text.
    pub fn next_uuid(&mut self) -> String {
        let mut bytes = [0_u8; 16];
        bytes[..8].copy_from_slice(&self.next_number().to_le_bytes());
        bytes[8..].copy_from_slice(&self.next_number().to_le_bytes());
        uuid::Builder::from_random_bytes(bytes).into_uuid().to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_seed_gives_one_sequence() {
        let mut first = Seeds::from_number(7);
        let mut second = first.clone();
        for _ in 0..100 {
            assert_eq!(first.next_number(), second.next_number());
        }
        assert_ne!(Seeds::from_number(8).next_number(), Seeds::from_number(7).next_number());
        assert_ne!(Seeds::from_bytes([0; 32]).next_number(), 0);
    }

    #[test]
    fn uuids_are_of_version_4() {
        let mut seeds = Seeds::from_number(1);
        let uuid = seeds.next_uuid();
        assert_eq!((uuid.len(), uuid.as_bytes()[14]), (36, b'4'));
        assert_ne!(uuid, seeds.next_uuid());
    }
}
