//! Map Runs: what is asked and changed of them.

use std::sync::Arc;

use asl::Timestamp;
use engine::{MapRun, MapRunCounts, MapRunId, MapRunSettings, MapRunStatus, MapRunUpdate};
use store::Store;

use super::{Runtime, RuntimeError, blocking, wrong_answer};
use crate::definitions::LoadError;
use crate::node::{Answer, Request};
use crate::records::{self, MapRunRecord, kind};
use crate::status::status_of_code;
use crate::{load, query};

/// A Map Run as DescribeMapRun and ListMapRuns show it.
#[derive(Debug, Clone)]
pub struct MapRunDescription {
    pub execution_arn: Box<str>,
    pub status: MapRunStatus,
    pub start_date: Timestamp,
    pub stop_date: Option<Timestamp>,
    pub settings: MapRunSettings,
    pub item_counts: MapRunCounts,
    pub execution_counts: MapRunCounts,
    /// How many results were exported.
    pub results_written: u64,
}

impl Runtime {
    /// DescribeMapRun. The counts are those of the children as they are kept at this moment.
    pub async fn describe_map_run(&self, arn: &str) -> Result<MapRunDescription, RuntimeError> {
        let record = self.map_run_record(arn).await?;
        let runs = self.runs_of(&record.execution_arn).await?;
        let run = runs.into_iter().find(|run| run.id == MapRunId(record.run));
        let run = run.ok_or_else(|| RuntimeError::ReferenceNotFound(arn.to_owned()))?;
        let driver = Arc::clone(&self.driver);
        blocking(move || describe(&*driver.store, &record.execution_arn, &run)).await
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
    let item_counts = match &run.settings.batching {
        None => counts,
        Some(_) => run.item_counts(),
    };
    let exported = run.status == MapRunStatus::Succeeded && run.settings.writing.is_some();
    Ok(MapRunDescription {
        execution_arn: execution_arn.into(),
        status: run.status,
        start_date: run.start_date,
        stop_date: run.stop_date,
        settings: run.settings.clone(),
        item_counts,
        execution_counts: counts,
        results_written: if exported { counts.total() - counts.pending } else { 0 },
    })
}
