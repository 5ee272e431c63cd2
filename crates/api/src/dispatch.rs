//! The table of all operations: the row of one that this server does not have yet says so.

use std::pin::Pin;

use crate::api::Api;
use crate::auth::Caller;
use crate::constraints::Member;
use crate::error::ApiError;
use crate::operations::*;
use crate::request::Members;

/// An operation of the API.
pub(crate) struct Operation {
    /// As in `X-Amz-Target`, behind the dot.
    pub(crate) name: &'static str,
    /// What the request may hold.
    pub(crate) request: &'static [Member],
    /// None where the operation is not there yet.
    pub(crate) run: Option<Run>,
}

/// Does the work of an operation, whose request fits its table, and gives the response's body.
pub(crate) type Run = for<'c> fn(Call<'c>) -> Answer<'c>;

/// The body of a response on its way.
pub(crate) type Answer<'c> = Pin<Box<dyn Future<Output = Result<Vec<u8>, ApiError>> + Send + 'c>>;

/// One request to an operation.
pub(crate) struct Call<'c> {
    pub(crate) api: &'c Api,
    pub(crate) caller: Caller<'c>,
    pub(crate) request: Members<'c>,
    /// The header `X-Amzn-Trace-Id`.
    pub(crate) trace_header: Option<&'c str>,
    /// The header `traceparent` of the W3C.
    pub(crate) trace_parent: Option<&'c str>,
}

/// All operations of AWS's model of 2016-11-23, by name.
pub(crate) static OPERATIONS: [Operation; 37] = [
    create_activity::OPERATION,
    create_state_machine::OPERATION,
    create_state_machine_alias::OPERATION,
    delete_activity::OPERATION,
    delete_state_machine::OPERATION,
    delete_state_machine_alias::OPERATION,
    delete_state_machine_version::OPERATION,
    describe_activity::OPERATION,
    describe_execution::OPERATION,
    describe_map_run::OPERATION,
    describe_state_machine::OPERATION,
    describe_state_machine_alias::OPERATION,
    describe_state_machine_for_execution::OPERATION,
    get_activity_task::OPERATION,
    get_execution_history::OPERATION,
    list_activities::OPERATION,
    list_executions::OPERATION,
    list_map_runs::OPERATION,
    list_state_machine_aliases::OPERATION,
    list_state_machine_versions::OPERATION,
    list_state_machines::OPERATION,
    list_tags_for_resource::OPERATION,
    publish_state_machine_version::OPERATION,
    redrive_execution::OPERATION,
    send_task_failure::OPERATION,
    send_task_heartbeat::OPERATION,
    send_task_success::OPERATION,
    start_execution::OPERATION,
    start_sync_execution::OPERATION,
    stop_execution::OPERATION,
    tag_resource::OPERATION,
    test_state::OPERATION,
    untag_resource::OPERATION,
    update_map_run::OPERATION,
    update_state_machine::OPERATION,
    update_state_machine_alias::OPERATION,
    validate_state_machine_definition::OPERATION,
];

/// The operation with this name.
pub(crate) fn find(name: &str) -> Option<&'static Operation> {
    let found = OPERATIONS.binary_search_by(|operation| operation.name.cmp(name));
    found.ok().map(|index| &OPERATIONS[index])
}

/// The names of all operations of AWS's API, and whether this server has them: for
/// documentation.
pub fn operations() -> impl Iterator<Item = (&'static str, bool)> {
    OPERATIONS.iter().map(|operation| (operation.name, operation.run.is_some()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_every_row_is_found() {
        assert!(OPERATIONS.is_sorted_by(|one, other| one.name < other.name));
        for operation in &OPERATIONS {
            assert_eq!(find(operation.name).map(|found| found.name), Some(operation.name));
        }
        assert!(find("Startexecution").is_none());
        assert!(find("").is_none());
    }
}
