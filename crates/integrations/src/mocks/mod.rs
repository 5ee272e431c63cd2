//! Mocks: the file of Step Functions Local, read again when a test case is started.

mod config;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use asl::Payload;
use engine::TaskFailure;
use runtime::{MockedAttempt, Mocks};

pub use config::{
    MockConfig, MockFileError, MockedResponse, MockedResponses, TestCase, kind_name, known, object,
    parse, payload, read_responses,
};

use crate::failure::task_failure;

/// The name under which Step Functions Local looks for the file in the folder it runs in.
pub const MOCK_FILE_NAME: &str = "MockConfigFile.json";

/// Test cases for executions.
#[derive(Debug)]
pub struct MockedIntegrations {
    /// Where they are read from, if not only once.
    path: Option<PathBuf>,
    /// Whether tasks without a mock fail instead of doing their work.
    is_strict: bool,
    held: Mutex<Held>,
}

#[derive(Debug)]
struct Held {
    /// The last good one.
    config: Arc<MockConfig>,
    /// The text that was read last, good or not.
    text: Arc<str>,
    /// Whether the file was there the last time.
    is_readable: bool,
}

/// Why a mock file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum MockFileProblem {
    #[error("cannot read the mock file {}: {error}", path.display())]
    Unreadable { path: PathBuf, error: std::io::Error },
    #[error("{}:{error}", path.display())]
    Wrong { path: PathBuf, error: MockFileError },
}

impl MockedIntegrations {
    /// Test cases that do not change.
    pub fn fixed(config: MockConfig, is_strict: bool) -> Arc<MockedIntegrations> {
        let held = Held { config: Arc::new(config), text: "".into(), is_readable: true };
        Arc::new(MockedIntegrations { path: None, is_strict, held: Mutex::new(held) })
    }

    /// The test cases of a file. May block.
    pub fn open(path: &Path, is_strict: bool) -> Result<Arc<MockedIntegrations>, MockFileProblem> {
        let (text, config) = read(path)?;
        let held = Held { config: Arc::new(config), text: text.into(), is_readable: true };
        let path = Some(path.to_owned());
        Ok(Arc::new(MockedIntegrations { path, is_strict, held: Mutex::new(held) }))
    }

    /// The test cases as they are now.
    pub fn config(&self) -> Arc<MockConfig> {
        Arc::clone(&self.held().config)
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().expect("nobody panics while holding it")
    }
}

/// Reads and checks a mock file. May block.
pub fn read(path: &Path) -> Result<(String, MockConfig), MockFileProblem> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| MockFileProblem::Unreadable { path: path.to_owned(), error })?;
    match MockConfig::parse(&text) {
        Ok(config) => Ok((text, config)),
        Err(error) => Err(MockFileProblem::Wrong { path: path.to_owned(), error }),
    }
}

impl Mocks for MockedIntegrations {
    fn refresh(&self) {
        let Some(path) = &self.path else { return };
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) => {
                let mut held = self.held();
                if std::mem::replace(&mut held.is_readable, false) {
                    let path = path.display();
                    tracing::error!(%path, %error, "the mock file cannot be read; its last good contents are kept");
                }
                return;
            }
        };
        let mut held = self.held();
        held.is_readable = true;
        if *held.text == *text {
            return;
        }
        held.text = text.as_str().into();
        let path = path.display();
        match MockConfig::parse(&text) {
            Ok(config) => {
                held.config = Arc::new(config);
                tracing::info!(%path, "the mock file changed");
            }
            Err(error) => {
                tracing::error!(%path, %error, "the mock file is wrong; its last good contents are kept");
            }
        }
    }

    fn check(&self, state_machine_name: &str, test_case: &str) -> Result<(), String> {
        let config = self.config();
        if config.test_case(state_machine_name, test_case).is_some() {
            return Ok(());
        }
        let known: Vec<&str> = config.test_cases(state_machine_name).collect();
        Err(match known.is_empty() {
            true => format!("the mock file has no test case of {state_machine_name}"),
            false => {
                let known = known.join(", ");
                format!("no such test case of {state_machine_name}; there are {known}")
            }
        })
    }

    fn answer(&self, attempt: &MockedAttempt<'_>) -> Option<Result<Payload, TaskFailure>> {
        let MockedAttempt { state_machine_name, test_case, state_name, number } = *attempt;
        let config = self.config();
        let Some(case) = config.test_case(state_machine_name, test_case) else {
            let cause = format!("The mock file has no test case '{test_case}' any more.");
            return Some(Err(task_failure("States.Runtime", cause)));
        };
        case.answer(state_name, number).or_else(|| {
            let cause = format!("The test case '{test_case}' has no mock for the state.");
            self.is_strict.then(|| Err(task_failure("States.Runtime", cause)))
        })
    }
}
