//! An execution, those that its tasks started, its Map Runs with their children, and theirs.

use std::sync::Arc;

use runtime::{ChildExecution, ChildFilter, ExecutionDescription, MapRunDescription};

use super::Refusal;
use super::parameters::Parameters;
use crate::api::Api;
use crate::json::JsonObject;
use crate::operations::describe_map_run::write_counts;
use crate::operations::list_executions::status_name;

/// Executions in one answer.
const NODES_MAX: usize = 1_000;
/// How deep it goes.
const DEPTH_MAX: usize = 20;
/// Children of a Map Run that are shown unless something else is asked for, and at most.
const RUN_CHILDREN: usize = 20;
const RUN_CHILDREN_MAX: usize = 1_000;

/// An execution of the tree.
struct Branch {
    /// How its parent started it; none for the root.
    child: Option<ChildExecution>,
    execution: ExecutionDescription,
    children: Vec<Branch>,
    runs: Vec<RunBranch>,
    /// Whether there are children that are not shown.
    is_cut: bool,
}

/// A Map Run of the tree.
struct RunBranch {
    state_name: Box<str>,
    run: MapRunDescription,
    children: Vec<Branch>,
    /// Whether there are children that are not shown.
    is_cut: bool,
}

/// What may still grow.
struct Growth {
    nodes: usize,
    run_children: usize,
}

/// `GET /api/executions/{executionArn}/tree`
pub(super) async fn tree(
    api: &Arc<Api>,
    arn: &str,
    query: &Parameters,
) -> Result<Vec<u8>, Refusal> {
    let run_children = query.number("mapRunChildren", 0, RUN_CHILDREN_MAX)?;
    query.check_known()?;
    crate::arn::execution_arn(arn)?;
    let run_children = run_children.unwrap_or(RUN_CHILDREN);
    let mut left = Growth { nodes: NODES_MAX, run_children };
    let root = api.runtime.describe_execution(arn).await?;
    let root = grow(api, None, root, DEPTH_MAX, &mut left).await?;
    let mut response = JsonObject::new();
    write(&mut response, &root);
    Ok(response.finish())
}

/// The tree below an execution.
fn grow<'a>(
    api: &'a Arc<Api>,
    child: Option<ChildExecution>,
    execution: ExecutionDescription,
    depth: usize,
    left: &'a mut Growth,
) -> std::pin::Pin<Box<dyn Future<Output = Result<Branch, Refusal>> + Send + 'a>> {
    Box::pin(async move {
        let arn = execution.identity.arn.clone();
        let (children, runs) = (Vec::new(), Vec::new());
        let mut branch = Branch { child, execution, children, runs, is_cut: false };
        let found = api.runtime.children(&arn).await?;
        for child in found {
            if left.nodes == 0 || depth == 0 {
                branch.is_cut = true;
                break;
            }
            left.nodes -= 1;
            // It may have been purged.
            let Ok(execution) = api.runtime.describe_execution(&child.execution_arn).await else {
                continue;
            };
            let grown = grow(api, Some(child), execution, depth - 1, left).await?;
            branch.children.push(grown);
        }
        // Express executions have none.
        if !branch.execution.identity.express {
            let mut runs = api.runtime.list_map_runs(&arn).await?;
            // In the order of their start, as the other children.
            runs.reverse();
            let machine = match runs.is_empty() {
                true => return Ok(branch),
                false => api.runtime.state_machine_of_execution(&arn).await?,
            };
            for run in runs {
                let state_name = (*machine.program.state(run.state).name).into();
                branch.runs.push(grow_run(api, state_name, run, depth, left).await?);
            }
        }
        Ok(branch)
    })
}

/// A Map Run and some of its children, as ListExecutions shows them: the newest first.
async fn grow_run(
    api: &Arc<Api>,
    state_name: Box<str>,
    run: MapRunDescription,
    depth: usize,
    left: &mut Growth,
) -> Result<RunBranch, Refusal> {
    let mut branch = RunBranch { state_name, run, children: Vec::new(), is_cut: false };
    let most = match depth {
        0 => 0,
        _ => left.run_children.min(left.nodes),
    };
    let arn = &branch.run.settings.arn;
    let filter = ChildFilter::default();
    let found = api.runtime.list_map_run_children(arn, filter, None, most + 1).await?;
    branch.is_cut = found.len() > most;
    for child in found.into_iter().take(most) {
        left.nodes = left.nodes.saturating_sub(1);
        // It may have been purged.
        let Ok(execution) = api.runtime.describe_execution(&child.execution_arn).await else {
            continue;
        };
        branch.children.push(grow(api, None, execution, depth - 1, left).await?);
    }
    Ok(branch)
}

fn write(item: &mut JsonObject, branch: &Branch) {
    let identity = &branch.execution.identity;
    item.text("executionArn", &identity.arn);
    item.text("stateMachineArn", &identity.state_machine_arn);
    item.text("name", &identity.name);
    item.text("type", if identity.express { "EXPRESS" } else { "STANDARD" });
    item.text("status", status_name(branch.execution.status, branch.execution.pending_redrive));
    item.time("startDate", branch.execution.start_date);
    item.optional_time("stopDate", branch.execution.stop_date);
    if let Some(child) = &branch.child {
        item.text("stateName", &child.state_name);
        item.number("taskScheduledEventId", u64::from(child.task.0));
        item.boolean("awaited", child.is_awaited);
    }
    if branch.is_cut {
        item.boolean("truncated", true);
    }
    item.objects("children", &branch.children, write);
    if !branch.runs.is_empty() {
        item.objects("mapRuns", &branch.runs, write_run);
    }
}

fn write_run(item: &mut JsonObject, branch: &RunBranch) {
    let run = &branch.run;
    item.text("mapRunArn", &run.settings.arn);
    item.text("stateName", &branch.state_name);
    item.text("status", run.status.name());
    item.time("startDate", run.start_date);
    item.optional_time("stopDate", run.stop_date);
    item.number("redriveCount", u64::from(run.redrive_count));
    let written = run.results_written;
    item.object("executionCounts", |object| write_counts(object, &run.execution_counts, written));
    if branch.is_cut {
        item.boolean("truncated", true);
    }
    item.objects("children", &branch.children, write);
}
