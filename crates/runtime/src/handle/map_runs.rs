//! Map Runs: what is asked and changed of them.

use std::sync::Arc;

use asl::{StateIndex, Timestamp};
use engine::{MapRun, MapRunCounts, MapRunId, MapRunSettings, MapRunStatus, MapRunUpdate, Status};
use store::{ExecutionQuery, ExecutionRow, ExecutionsOf, ListPlace, Store};

use super::{Runtime, RuntimeError, blocking, wrong_answer};
use crate::definitions::LoadError;
use crate::node::{Answer, Request};
use crate::records::{self, MapRunRecord, kind};
use crate::status::{status_code, status_of_code};
use crate::{ExecutionDescription, ExecutionSummary, load, query};

/// Which children of a Map Run are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ChildFilter {
    /// Only those with this status; a child that waits to be redriven has none of these.
    pub status: Option<Status>,
    /// Only those that wait to be redriven.
    pub pending_redrive: bool,
    /// Only those that were redriven, or were not.
    pub redriven: Option<bool>,
}

impl ChildFilter {
    fn takes(&self, child: &ExecutionSummary) -> bool {
        let status =
            self.status.is_none_or(|wanted| child.status == wanted && !child.pending_redrive);
        status
            && (child.pending_redrive || !self.pending_redrive)
            && self.redriven.is_none_or(|redriven| redriven == (child.redrive_count > 0))
    }
}

/// Children that one request looks at before it answers with fewer than were asked for.
const CHILDREN_LOOKED_AT: usize = 1_000;

/// A Map Run as DescribeMapRun and ListMapRuns show it.
#[derive(Debug, Clone)]
pub struct MapRunDescription {
    pub execution_arn: Box<str>,
    /// The Map state, in the program of its execution.
    pub state: StateIndex,
    pub status: MapRunStatus,
    pub start_date: Timestamp,
    pub stop_date: Option<Timestamp>,
    pub settings: MapRunSettings,
    pub item_counts: MapRunCounts,
    pub execution_counts: MapRunCounts,
    /// How many results were exported.
    pub results_written: u64,
    pub redrive_count: u32,
    /// When it was redriven last.
    pub redrive_date: Option<Timestamp>,
}

impl Runtime {
    /// DescribeMapRun. The counts are those of the children as they are kept at this moment.
    pub async fn describe_map_run(&self, arn: &str) -> Result<MapRunDescription, RuntimeError> {
        let (execution_arn, run) = self.map_run(arn).await?;
        let driver = Arc::clone(&self.driver);
        blocking(move || describe(&*driver.store, &execution_arn, &run)).await
    }

    /// ListMapRuns: those of an execution, the newest first.
    pub async fn list_map_runs(
        &self,
        execution_arn: &str,
    ) -> Result<Vec<MapRunDescription>, RuntimeError> {
        let runs = self.runs_of(execution_arn).await?;
        let (driver, arn) = (Arc::clone(&self.driver), execution_arn.to_owned());
        blocking(move || runs.iter().rev().map(|run| describe(&*driver.store, &arn, run)).collect())
            .await
    }

    /// ListExecutions of a Map Run, the newest first: those that the filter takes, beyond a place.
    /// An error where there is no such run.
    pub async fn list_map_run_children(
        &self,
        arn: &str,
        filter: ChildFilter,
        after: Option<ListPlace>,
        limit: usize,
    ) -> Result<Vec<ExecutionSummary>, RuntimeError> {
        let (_, run) = self.map_run(arn).await?;
        let (driver, arn) = (Arc::clone(&self.driver), arn.to_owned());
        blocking(move || {
            let mut children = Vec::new();
            let mut after = after;
            loop {
                let query = ExecutionQuery {
                    of: ExecutionsOf::MapRun(arn.clone()),
                    status: filter.status.map(status_code),
                    after,
                    limit: limit.clamp(1, CHILDREN_LOOKED_AT),
                };
                let rows = driver.store.list_executions(&query)?;
                let is_end = rows.len() < query.limit;
                for row in rows {
                    after = Some(row.place());
                    let child = summary_in(row, &run)?;
                    if filter.takes(&child) {
                        children.push(child);
                        if children.len() == limit {
                            return Ok(children);
                        }
                    }
                }
                if is_end {
                    return Ok(children);
                }
            }
        })
        .await
    }

    /// Whether an execution is the child of a Map Run and waits to be redriven by it.
    pub(super) async fn is_pending_redrive(
        &self,
        described: &ExecutionDescription,
    ) -> Result<bool, RuntimeError> {
        let over = !matches!(described.status, Status::Running | Status::Succeeded);
        let Some(child) = described.identity.map_run.as_ref().filter(|_| over) else {
            return Ok(false);
        };
        match self.map_run(&child.map_run_arn).await {
            Ok((_, run)) => Ok(run.is_to_be_redriven(child.index)),
            // Its Map Run was purged before it.
            Err(RuntimeError::ReferenceNotFound(_) | RuntimeError::ExecutionDoesNotExist(_)) => {
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    /// A Map Run as it is now, and the execution that it belongs to.
    async fn map_run(&self, arn: &str) -> Result<(Box<str>, MapRun), RuntimeError> {
        let MapRunRecord { execution_arn, run } = self.map_run_record(arn).await?;
        let runs = self.runs_of(&execution_arn).await?;
        let found = runs.into_iter().find(|held| held.id == MapRunId(run));
        let found = found.ok_or_else(|| RuntimeError::ReferenceNotFound(arn.to_owned()))?;
        Ok((execution_arn, found))
    }

    /// UpdateMapRun.
    pub async fn update_map_run(
        &self,
        arn: &str,
        update: MapRunUpdate,
    ) -> Result<(), RuntimeError> {
        let record = self.map_run_record(arn).await?;
        let execution_arn = record.execution_arn;
        let map_run = MapRunId(record.run);
        let request = Request::UpdateMapRun { execution_arn, map_run, update };
        self.ask(request).await.map(|_| ())
    }

    /// Whose Map Run this is; an error where there is none.
    async fn map_run_record(&self, arn: &str) -> Result<MapRunRecord, RuntimeError> {
        let (driver, arn) = (Arc::clone(&self.driver), arn.to_owned());
        blocking(move || {
            let Some(bytes) = driver.store.record(kind::MAP_RUN, &arn)? else {
                return Err(RuntimeError::ReferenceNotFound(arn));
            };
            let record = records::decode(&bytes);
            record.map_err(|error| LoadError::record(kind::MAP_RUN, &arn, &error).into())
        })
        .await
    }

    /// The Map Runs of an execution, from memory or from its journal.
    async fn runs_of(&self, execution_arn: &str) -> Result<Vec<MapRun>, RuntimeError> {
        match self.ask(Request::MapRuns { execution_arn: execution_arn.into() }).await? {
            Answer::MapRuns(runs) => Ok(runs),
            Answer::Elsewhere => {
                let (driver, arn) = (Arc::clone(&self.driver), execution_arn.to_owned());
                blocking(move || {
                    let row = query::row(&*driver.store, &arn)?;
                    let (identity, _) = load::identity(&row)?;
                    let mut journal = driver.store.journal(row.key)?;
                    journal.truncate(row.turns as usize);
                    let execution = load::fold(Arc::new(identity), &journal, &row)?;
                    Ok(execution.map_runs().cloned().collect())
                })
                .await
            }
            _ => Err(wrong_answer()),
        }
    }
}

/// A child as ListExecutions shows it.
fn summary_in(row: ExecutionRow, run: &MapRun) -> Result<ExecutionSummary, RuntimeError> {
    let (identity, _) = load::identity(&row)?;
    let index = identity.map_run.as_ref().map(|child| child.index);
    let mut child = query::summary(row)?;
    let over = !matches!(child.status, Status::Running | Status::Succeeded);
    child.pending_redrive = over && index.is_some_and(|index| run.is_to_be_redriven(index));
    Ok(child)
}

/// A Map Run, with the numbers of its children as the store has them.
fn describe(
    store: &dyn Store,
    execution_arn: &str,
    run: &MapRun,
) -> Result<MapRunDescription, RuntimeError> {
    let mut counts = MapRunCounts::default();
    for (code, count) in store.count_children(&run.settings.arn)? {
        let status = status_of_code(code).ok_or_else(|| {
            LoadError::Damaged(format!("a child of {} has an unknown status", run.settings.arn))
        })?;
        *counts.of(status) += count;
    }
    let known = run.execution_counts();
    counts.pending = known.total().saturating_sub(counts.total());
    counts.failures_not_redrivable = known.failures_not_redrivable;
    if run.status == MapRunStatus::Running && run.redrive_count > 0 {
        // Children that are about to run again are in the store as they ended.
        counts = known;
    }
    let item_counts = match &run.settings.batching {
        None => counts,
        Some(_) => run.item_counts(),
    };
    let exported = run.status == MapRunStatus::Succeeded && run.settings.writing.is_some();
    Ok(MapRunDescription {
        execution_arn: execution_arn.into(),
        state: run.state,
        status: run.status,
        start_date: run.start_date,
        stop_date: run.stop_date,
        settings: run.settings.clone(),
        item_counts,
        execution_counts: counts,
        results_written: if exported { counts.total() - counts.pending } else { 0 },
        redrive_count: run.redrive_count,
        redrive_date: run.redrive_date,
    })
}
