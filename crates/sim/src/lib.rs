//! The seeded world: generated programs, faulty store and tasks, a virtual clock, checkers.
//!
//! Everything follows from one seed, so a failing seed replays exactly.

mod checkers;
mod generate;
mod jobs;
mod map_runs;
mod nested;
mod random;
mod world;

pub use generate::{ACTIVITIES, generate_definition, generate_input};
pub use random::Random;
pub use world::{Summary, run};
