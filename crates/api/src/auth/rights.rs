//! What each role may call. There are no policies: four roles stand for the usual ones.

use super::access_keys::Role;

/// What an operation does to the world, which decides who may call it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// Shows something, payloads included.
    Read,
    /// Does the work of tasks.
    Work,
    /// Starts and ends executions.
    Operate,
    /// Changes what there is to run, or runs a definition of the caller's own.
    Administer,
}

impl Role {
    /// Whether holders of the role may do such a thing.
    pub(crate) fn may(self, access: Access) -> bool {
        match self {
            Role::Admin => true,
            Role::Operator => access != Access::Administer,
            Role::Worker => access == Access::Work,
            Role::Reader => access == Access::Read,
        }
    }
}

/// What an operation of AWS's API needs.
pub(crate) fn access_of(operation: &str) -> Access {
    match operation {
        "GetActivityTask" | "SendTaskFailure" | "SendTaskHeartbeat" | "SendTaskSuccess" => {
            Access::Work
        }
        "RedriveExecution" | "StartExecution" | "StartSyncExecution" | "StopExecution"
        | "UpdateMapRun" => Access::Operate,
        "GetExecutionHistory" | "ValidateStateMachineDefinition" => Access::Read,
        read if read.starts_with("Describe") || read.starts_with("List") => Access::Read,
        _ => Access::Administer,
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::dispatch::OPERATIONS;

    #[test]
    fn every_operation_is_for_some() {
        let mut table = String::new();
        for role in [Role::Reader, Role::Worker, Role::Operator, Role::Admin] {
            let may = OPERATIONS.iter().filter(|operation| role.may(access_of(operation.name)));
            let names: Vec<&str> = may.map(|operation| operation.name).collect();
            table.push_str(&format!("{role:?} {}: {}\n", names.len(), names.join(" ")));
        }
        expect![[r#"
            Reader 15: DescribeActivity DescribeExecution DescribeMapRun DescribeStateMachine DescribeStateMachineAlias DescribeStateMachineForExecution GetExecutionHistory ListActivities ListExecutions ListMapRuns ListStateMachineAliases ListStateMachineVersions ListStateMachines ListTagsForResource ValidateStateMachineDefinition
            Worker 4: GetActivityTask SendTaskFailure SendTaskHeartbeat SendTaskSuccess
            Operator 24: DescribeActivity DescribeExecution DescribeMapRun DescribeStateMachine DescribeStateMachineAlias DescribeStateMachineForExecution GetActivityTask GetExecutionHistory ListActivities ListExecutions ListMapRuns ListStateMachineAliases ListStateMachineVersions ListStateMachines ListTagsForResource RedriveExecution SendTaskFailure SendTaskHeartbeat SendTaskSuccess StartExecution StartSyncExecution StopExecution UpdateMapRun ValidateStateMachineDefinition
            Admin 37: CreateActivity CreateStateMachine CreateStateMachineAlias DeleteActivity DeleteStateMachine DeleteStateMachineAlias DeleteStateMachineVersion DescribeActivity DescribeExecution DescribeMapRun DescribeStateMachine DescribeStateMachineAlias DescribeStateMachineForExecution GetActivityTask GetExecutionHistory ListActivities ListExecutions ListMapRuns ListStateMachineAliases ListStateMachineVersions ListStateMachines ListTagsForResource PublishStateMachineVersion RedriveExecution SendTaskFailure SendTaskHeartbeat SendTaskSuccess StartExecution StartSyncExecution StopExecution TagResource TestState UntagResource UpdateMapRun UpdateStateMachine UpdateStateMachineAlias ValidateStateMachineDefinition
        "#]].assert_eq(&table);
    }
}
