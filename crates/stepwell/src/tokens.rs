//! Task tokens on their way out, so that `dev` and `run` can say how to answer one.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};

use asl::Payload;
use engine::{EventKind, FrameId, TaskFailure};
use runtime::{
    ItemReading, ItemSink, MapRunWork, Progress, ResultExport, ResultSource, TaskCall, TaskRunner,
};

/// The tokens of tasks that wait for one.
#[derive(Debug, Default)]
pub(crate) struct Tokens(Mutex<HashMap<Attempt, String>>);

/// An execution's ARN and the number of a task in it.
type Attempt = (Box<str>, u32);

impl Tokens {
    fn lock(&self) -> MutexGuard<'_, HashMap<Attempt, String>> {
        self.0.lock().expect("nobody panics while holding it")
    }
}

/// Passes calls on, and remembers their tokens.
pub(crate) struct RememberingRunner {
    pub(crate) runner: Arc<dyn TaskRunner>,
    pub(crate) tokens: Arc<Tokens>,
}

impl TaskRunner for RememberingRunner {
    fn run(
        &self,
        call: TaskCall,
    ) -> Pin<Box<dyn Future<Output = Result<Payload, TaskFailure>> + Send>> {
        if let Some(token) = &call.dispatch.task_token {
            let key = (call.execution_arn.clone(), call.dispatch.task.0);
            self.tokens.lock().insert(key, token.clone());
        }
        self.runner.run(call)
    }

    fn cancel(
        &self,
        call: TaskCall,
        submitted: Option<Payload>,
    ) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        self.runner.cancel(call, submitted)
    }

    fn read_items(&self, reading: ItemReading, sink: ItemSink) -> MapRunWork<u64> {
        self.runner.read_items(reading, sink)
    }

    fn write_results(&self, export: ResultExport, results: ResultSource) -> MapRunWork<Payload> {
        self.runner.write_results(export, results)
    }
}

/// Follows progress to the moments at which a task begins to wait for its token.
#[derive(Debug)]
pub(crate) struct TokenWatch {
    tokens: Arc<Tokens>,
    /// The task that is under way, by execution and frame.
    tasks: HashMap<(Box<str>, FrameId), u32>,
}

impl TokenWatch {
    pub(crate) fn new(tokens: Arc<Tokens>) -> TokenWatch {
        TokenWatch { tokens, tasks: HashMap::new() }
    }

    /// Somebody showed a text to the person: a token in it need not be shown again.
    pub(crate) fn shown(&self, text: &str) {
        let mut tokens = self.tokens.lock();
        tokens.retain(|_, token| !text.contains(token.as_str()));
    }

    /// States that began to wait, each with its token.
    pub(crate) fn waiting(&mut self, progress: &Progress) -> Vec<(String, String)> {
        let arn = &progress.identity.arn;
        let mut waiting = Vec::new();
        for event in progress.events.iter() {
            match &event.kind {
                EventKind::TaskScheduled { frame, .. } => {
                    self.tasks.insert((arn.clone(), *frame), event.id);
                }
                EventKind::TaskSubmitted { frame, state, .. } => {
                    let task = self.tasks.remove(&(arn.clone(), *frame));
                    let mut tokens = self.tokens.lock();
                    let token = task.and_then(|task| tokens.remove(&(arn.clone(), task)));
                    let name = progress.program.state(*state).name.to_string();
                    waiting.extend(token.map(|token| (name, token)));
                }
                _ => {}
            }
        }
        if progress.status != engine::Status::Running {
            self.tasks.retain(|(execution, _), _| execution != arn);
            let mut tokens = self.tokens.lock();
            tokens.retain(|(execution, _), _| execution != arn);
        }
        waiting
    }
}

/// The options with which the AWS CLI reaches a server: where nobody `signs`, also on a machine
/// without an AWS account.
pub(crate) fn cli_options(url: &str, region: &str, signs: bool) -> String {
    let unsigned = if signs { "" } else { " --no-sign-request" };
    format!("--endpoint-url {url} --region {region}{unsigned}")
}

/// The command that answers a token.
pub(crate) fn answer_command(url: &str, region: &str, signs: bool, token: &str) -> String {
    let options = cli_options(url, region, signs);
    format!(
        "aws stepfunctions send-task-success {options} --task-output '{{}}' --task-token {token}"
    )
}
