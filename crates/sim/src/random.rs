//! The one source of chance.

use std::cell::Cell;

/// A SplitMix64 generator.
#[derive(Debug, Clone)]
pub struct Random(Cell<u64>);

impl Random {
    pub fn new(seed: u64) -> Random {
        Random(Cell::new(seed))
    }

    /// The next 64 bits.
    pub fn next(&self) -> u64 {
        asl::next_random(&self.0)
    }

    /// A number below `bound`, which must not be 0.
    pub fn below(&self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// True once in `times` times on the average.
    pub fn once_in(&self, times: u64) -> bool {
        self.below(times) == 0
    }

    /// One of the choices.
    pub fn choose<'c, T>(&self, choices: &'c [T]) -> &'c T {
        &choices[self.below(choices.len() as u64) as usize]
    }

    /// A generator of its own, whose later draws do not disturb this one.
    pub fn fork(&self) -> Random {
        Random::new(self.next())
    }
}
