//! Mocks: what answers tasks of an execution that runs a test case, in the place of the work
//! outside.

use std::fmt;

use asl::Payload;
use engine::TaskFailure;

/// Test cases of state machines, each with answers for some of their tasks.
pub trait Mocks: fmt::Debug + Send + Sync + 'static {
    /// Looks whether the test cases changed. May block. Called before a test case is started.
    fn refresh(&self);

    /// Whether a state machine has a test case; otherwise why not, in a sentence.
    fn check(&self, state_machine_name: &str, test_case: &str) -> Result<(), String>;

    /// The answer to an attempt of a task; none where the work is to be done. Must be quick.
    fn answer(&self, attempt: &MockedAttempt<'_>) -> Option<Result<Payload, TaskFailure>>;
}

/// An attempt of a task for which an answer is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MockedAttempt<'a> {
    pub state_machine_name: &'a str,
    pub test_case: &'a str,
    pub state_name: &'a str,
    /// The attempt's number among all of this state in the execution, from 0: retries, loops
    /// and iterations of a Map count on.
    pub number: u32,
}

/// What stands between the ARN of a state machine and the name of a test case.
const SEPARATOR: char = '#';

/// Takes `<ARN>#<test case>` apart.
pub fn split_test_case(state_machine_arn: &str) -> (&str, Option<&str>) {
    match state_machine_arn.split_once(SEPARATOR) {
        Some((arn, test_case)) => (arn, Some(test_case)),
        None => (state_machine_arn, None),
    }
}
