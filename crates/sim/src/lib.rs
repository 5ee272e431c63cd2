//! The seeded world: generated programs, faulty store and tasks, a virtual clock, checkers.
//!
//! Everything follows from one seed, so a failing seed replays exactly.

mod generate;
mod random;

pub use generate::{ACTIVITIES, generate_definition, generate_input};
pub use random::Random;
