//! ListExecutions, newest first.

use asl::MachineType;
use engine::Status;
use runtime::{
    ChildFilter, ExecutionKey, ExecutionQuery, ExecutionSummary, ExecutionsOf, ListPlace,
    status_code,
};

use crate::arn::{Qualifier, map_run_arn, state_machine_arn};
use crate::constraints::{Kind, Member};
use crate::dispatch::{Call, Operation};
use crate::error::ApiError;
use crate::input::machine_type;
use crate::json::JsonObject;
use crate::pages;
use crate::shapes::{ARN, LONG_ARN, MAX_RESULTS, page_items};

pub(crate) const OPERATION: Operation = Operation {
    name: "ListExecutions",
    request: &[
        Member::optional("stateMachineArn", ARN),
        Member::optional(
            "statusFilter",
            Kind::one_of(&[
                "SUCCEEDED",
                "TIMED_OUT",
                PENDING_REDRIVE,
                "ABORTED",
                "FAILED",
                "RUNNING",
            ]),
        ),
        Member::optional("maxResults", MAX_RESULTS),
        Member::optional("nextToken", Kind::text(1, 3096)),
        Member::optional("mapRunArn", LONG_ARN),
        Member::optional("redriveFilter", Kind::one_of(&["REDRIVEN", "NOT_REDRIVEN"])),
    ],
    run: Some(|call| Box::pin(run(call))),
};

/// A status that only children of Map Runs have.
const PENDING_REDRIVE: &str = "PENDING_REDRIVE";

/// The status as lists and descriptions show it.
pub(crate) fn status_name(status: Status, pending_redrive: bool) -> &'static str {
    match pending_redrive {
        true => PENDING_REDRIVE,
        false => status.name(),
    }
}

async fn run(call: Call<'_>) -> Result<Vec<u8>, ApiError> {
    let of = executions_of(&call)?;
    let status = call.request.text("statusFilter").unwrap_or_default();
    let map_run = call.request.text("mapRunArn");
    let arn = call.request.text("stateMachineArn").or(map_run).unwrap_or_default();
    let redrive_filter = call.request.text("redriveFilter").unwrap_or_default();
    let binding = [OPERATION.name, arn, status, redrive_filter];
    let after = pages::number_places(&call, &binding)?
        .map(|[moment, key]| ListPlace { moment: moment.cast_signed(), key: ExecutionKey(key) });
    let items = page_items(call.request.integer("maxResults"));
    let runtime = &call.api.runtime;
    let mut executions = match map_run {
        Some(map_run) => {
            let filter = ChildFilter {
                status: status_of(status),
                pending_redrive: status == PENDING_REDRIVE,
                redriven: match redrive_filter {
                    "" => None,
                    filter => Some(filter == "REDRIVEN"),
                },
            };
            runtime.list_map_run_children(map_run, filter, after, items + 1).await?
        }
        None => {
            let status = status_of(status).map(status_code);
            let query = ExecutionQuery { of, status, after, limit: items + 1 };
            runtime.list_executions(query).await?
        }
    };
    let has_more = executions.len() > items;
    executions.truncate(items);

    let mut response = JsonObject::with_capacity(128 + 512 * executions.len());
    response.objects("executions", &executions, write);
    if let Some(last) = executions.last().filter(|_| has_more) {
        let place = [last.place.moment.cast_unsigned(), last.place.key.0];
        let place = place.map(u64::to_be_bytes).concat();
        pages::write_next(&mut response, &call, &binding, &place);
    }
    Ok(response.finish())
}

/// Whose executions are asked for, if that makes sense.
fn executions_of(call: &Call<'_>) -> Result<ExecutionsOf, ApiError> {
    let request = &call.request;
    match (request.text("stateMachineArn"), request.text("mapRunArn")) {
        (Some(arn), None) => {
            let parsed = state_machine_arn(arn)?;
            if machine_type(call, arn, parsed)? == MachineType::Express {
                return Err(ApiError::type_not_supported());
            }
            if request.text("redriveFilter").is_some() {
                return Err(ApiError::validation("redriveFilter can only be set with a mapRunArn"));
            }
            if request.text("statusFilter") == Some(PENDING_REDRIVE) {
                return Err(ApiError::validation(
                    "The statusFilter PENDING_REDRIVE can only be set with a mapRunArn",
                ));
            }
            let arn = arn.to_owned();
            Ok(match parsed.qualifier {
                None => ExecutionsOf::StateMachine(arn),
                Some(Qualifier::Version(_)) => ExecutionsOf::Version(arn),
                Some(Qualifier::Alias(_)) => ExecutionsOf::Alias(arn),
            })
        }
        (None, Some(map_run)) => {
            map_run_arn(map_run)?;
            Ok(ExecutionsOf::MapRun(map_run.to_owned()))
        }
        _ => Err(ApiError::validation(
            "Exactly one of stateMachineArn and mapRunArn must be specified",
        )),
    }
}

/// The status of this name; none for the empty text, which means all.
fn status_of(status: &str) -> Option<Status> {
    [Status::Running, Status::Succeeded, Status::Failed, Status::TimedOut, Status::Aborted]
        .into_iter()
        .find(|known| known.name() == status)
}

fn write(item: &mut JsonObject, execution: &ExecutionSummary) {
    item.text("executionArn", &execution.execution_arn);
    item.text("stateMachineArn", &execution.state_machine_arn);
    item.text("name", &execution.name);
    item.text("status", status_name(execution.status, execution.pending_redrive));
    item.time("startDate", execution.start_date);
    item.optional_time("stopDate", execution.stop_date);
    if let Some((map_run_arn, items)) = &execution.map_run {
        item.text("mapRunArn", map_run_arn);
        item.number("itemCount", u64::from(*items));
    }
    item.optional_text("stateMachineVersionArn", execution.version_arn.as_deref());
    item.optional_text("stateMachineAliasArn", execution.alias_arn.as_deref());
    item.number("redriveCount", u64::from(execution.redrive_count));
    item.optional_time("redriveDate", execution.redrive_date);
}
