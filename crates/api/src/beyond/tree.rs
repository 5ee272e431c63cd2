//! An execution and those that its tasks started, and theirs.

use std::sync::Arc;

use runtime::{ChildExecution, ExecutionDescription};

use super::Refusal;
use super::parameters::Parameters;
use crate::api::Api;
use crate::json::JsonObject;

/// Executions in one answer.
const NODES_MAX: usize = 1_000;
/// How deep it goes.
const DEPTH_MAX: usize = 20;

/// An execution of the tree.
struct Branch {
    /// How its parent started it; none for the root.
    child: Option<ChildExecution>,
    execution: ExecutionDescription,
    children: Vec<Branch>,
    /// Whether there are children that are not shown.
    is_cut: bool,
}

/// `GET /api/executions/{executionArn}/tree`
pub(super) async fn tree(
    api: &Arc<Api>,
    arn: &str,
    query: &Parameters,
) -> Result<Vec<u8>, Refusal> {
    query.check_known()?;
    crate::arn::execution_arn(arn)?;
    let mut left = NODES_MAX;
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
    left: &'a mut usize,
) -> std::pin::Pin<Box<dyn Future<Output = Result<Branch, Refusal>> + Send + 'a>> {
    Box::pin(async move {
        let mut branch = Branch { child, execution, children: Vec::new(), is_cut: false };
        let found = api.runtime.children(&branch.execution.identity.arn).await?;
        for child in found {
            if *left == 0 || depth == 0 {
                branch.is_cut = true;
                break;
            }
            *left -= 1;
            // It may have been purged.
            let Ok(execution) = api.runtime.describe_execution(&child.execution_arn).await else {
                continue;
            };
            let grown = grow(api, Some(child), execution, depth - 1, left).await?;
            branch.children.push(grown);
        }
        Ok(branch)
    })
}

fn write(item: &mut JsonObject, branch: &Branch) {
    let identity = &branch.execution.identity;
    item.text("executionArn", &identity.arn);
    item.text("stateMachineArn", &identity.state_machine_arn);
    item.text("name", &identity.name);
    item.text("type", if identity.express { "EXPRESS" } else { "STANDARD" });
    item.text("status", branch.execution.status.name());
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
}
