//! The one source of chance.

use std::cell::Cell;

/// A SplitMix64 generator.
#[derive(Debug)]
pub struct Random(Cell<u64>);

impl Random {
    /// Everything drawn follows from the seed.
    pub fn new(seed: u64) -> Random {
        Random(Cell::new(seed))
    }

    /// The next 64 bits.
    pub fn bits(&self) -> u64 {
        asl::next_random(&self.0)
    }

    /// A number below `bound`, which must not be 0.
    pub fn below(&self, bound: usize) -> usize {
        usize::try_from(self.bits() % bound as u64).expect("it is below a usize")
    }

    /// True once in `times` times on the average.
    pub fn once_in(&self, times: usize) -> bool {
        self.below(times) == 0
    }

    /// One of the choices, of which there must be one.
    pub fn choose<'c, T: ?Sized + 'c>(&self, choices: &[&'c T]) -> &'c T {
        choices[self.below(choices.len())]
    }
}
