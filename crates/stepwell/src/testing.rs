//! `stepwell test`: what it finds, how a case is run, what it is held against, and how that is
//! told.

mod case_file;
mod check;
mod coverage;
mod report;
mod runner;

pub(crate) use case_file::{Case, TestFile};
pub(crate) use coverage::Coverage;
pub(crate) use report::{junit, show_machine, summary};
pub(crate) use runner::{Machine, Observed, Runner};

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use asl::Program;

pub(crate) use check::differences;

/// A state machine and its test cases.
pub(crate) struct Suite {
    pub(crate) name: String,
    pub(crate) path: PathBuf,
    pub(crate) program: Arc<Program>,
    pub(crate) cases: Vec<Case>,
}

/// What came of a case.
pub(crate) struct Outcome {
    pub(crate) case: String,
    /// None where the case did not end in time.
    pub(crate) observed: Option<Observed>,
    /// What it took on this machine.
    pub(crate) took: Duration,
    /// What was otherwise than expected; none where it passed.
    pub(crate) failures: Vec<String>,
}

impl Outcome {
    pub(crate) fn passed(&self) -> bool {
        self.failures.is_empty()
    }
}

/// What came of a state machine's cases.
pub(crate) struct SuiteOutcome<'s> {
    pub(crate) suite: &'s Suite,
    pub(crate) outcomes: Vec<Outcome>,
    pub(crate) coverage: Coverage,
}
