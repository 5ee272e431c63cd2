//! Made-up inputs for everything that reads what somebody wrote: definitions, paths, templates,
//! intrinsic calls, JSONata; and made-up executions of whatever the validator accepts.
//!
//! An input follows from a seed and the texts in `testdata/`. It is such a text changed, or one
//! made by a grammar, or mere bytes. What once failed is kept in `testdata/fuzz/` and is run
//! with every test.

mod corpus;
mod execution;
mod generate;
mod mutate;
mod random;
mod run;
mod targets;

pub use corpus::Corpus;
pub use random::Random;
pub use run::{Found, Limit, kept_inputs, run, run_noting};
pub use targets::Target;
