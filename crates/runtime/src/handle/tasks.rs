//! What workers and callbacks report by their tokens.

use asl::Payload;
use engine::{Detail, TaskFailure};

use super::blocking;
use crate::node::{Request, TaskReport};
use crate::{Runtime, RuntimeError, query};

impl Runtime {
    /// SendTaskSuccess.
    pub async fn send_task_success(
        &self,
        token: &str,
        output: Payload,
    ) -> Result<(), RuntimeError> {
        self.report(token, TaskReport::Success(output)).await
    }

    /// SendTaskFailure.
    pub async fn send_task_failure(
        &self,
        token: &str,
        error: Option<String>,
        cause: Option<String>,
    ) -> Result<(), RuntimeError> {
        let failure = TaskFailure { error: error.map(Into::into), cause: cause.map(Into::into) };
        self.report(token, TaskReport::Failure(failure)).await
    }

    /// SendTaskHeartbeat.
    pub async fn send_task_heartbeat(&self, token: &str) -> Result<(), RuntimeError> {
        self.report(token, TaskReport::Heartbeat).await
    }

    async fn report(&self, token: &str, report: TaskReport) -> Result<(), RuntimeError> {
        let answer = self.ask(Request::Task { token: token.to_owned(), report }).await;
        match answer {
            Ok(_) => Ok(()),
            Err(error @ (RuntimeError::TaskTimedOut | RuntimeError::TaskDoesNotExist)) => {
                let activity = self.activity_of(token).await;
                Err(activity.map_or(error, RuntimeError::ActivityTaskTimedOut))
            }
            Err(error) => Err(error),
        }
    }

    /// The activity whose worker had this token, which AWS names in its answer. The history knows
    /// it: a token carries the id of its …Scheduled event.
    async fn activity_of(&self, token: &str) -> Option<String> {
        let driver = std::sync::Arc::clone(&self.driver);
        let (key, task) = driver.surroundings.tokens.open(token)?;
        let find = move || {
            let Some(row) = driver.store.execution(key)? else { return Ok(None) };
            let definitions = &driver.surroundings.definitions;
            query::history(&*driver.store, definitions, &row.new.arn, task.0, 1, false).map(Some)
        };
        // One that has left the store is told of as any other token.
        let page = blocking(find).await.ok()??;
        let scheduled = page.events.into_iter().find(|event| event.id == task.0)?;
        let (_, details) =
            scheduled.details.filter(|_| scheduled.event_type == "ActivityScheduled")?;
        details.into_iter().find_map(|(name, detail)| match detail {
            Detail::Text(arn) if name == "resource" => Some(arn.into()),
            _ => None,
        })
    }
}
