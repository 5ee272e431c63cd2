//! The projection of events to what GetExecutionHistory shows.

use asl::{Payload, Program, Resource, State, StateIndex, StateKind, Timestamp};

use crate::states::role_arn;
use crate::{Event, EventKind, Identity};

/// One event as AWS shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct HistoryEvent {
    pub id: u32,
    pub previous_event_id: u32,
    pub timestamp: Timestamp,
    /// AWS's `type`, for example `PassStateEntered`.
    pub event_type: &'static str,
    /// The key of the details object (`stateEnteredEventDetails`) and its members in AWS's
    /// order; none where AWS has none.
    pub details: Option<Details>,
}

/// A details object: its key and its members.
pub type Details = (&'static str, Vec<(&'static str, Detail)>);

/// The value of a member of a details object.
#[derive(Debug, Clone, PartialEq)]
pub enum Detail {
    Text(Box<str>),
    Number(u64),
    /// An input or output: JSON text, left out when execution data is not wanted, followed by
    /// `<member>Details: {"truncated": false}`.
    Data(Payload),
    /// `parameters` of TaskScheduled: JSON text without a details sibling.
    Parameters(Payload),
    /// `assignedVariables`: name to JSON text, followed by `assignedVariablesDetails`.
    Variables(Vec<(Box<str>, Payload)>),
    /// `taskCredentials`: `{"roleArn": …}`.
    RoleArn(Box<str>),
}

/// What AWS's history shows of an event; none for facts that it does not show.
pub fn project(event: &Event, program: &Program, identity: &Identity) -> Option<HistoryEvent> {
    if !event.kind.is_history() {
        return None;
    }
    let (event_type, details) = match &event.kind {
        EventKind::ExecutionStarted { .. }
        | EventKind::ExecutionSucceeded { .. }
        | EventKind::ExecutionFailed { .. }
        | EventKind::ExecutionAborted { .. }
        | EventKind::ExecutionTimedOut { .. }
        | EventKind::ExecutionRedriven { .. } => of_execution(&event.kind, identity),
        EventKind::TaskScheduled { .. }
        | EventKind::TaskStarted { .. }
        | EventKind::TaskSubmitted { .. }
        | EventKind::JobSubmitted { .. }
        | EventKind::TaskSubmitFailed { .. }
        | EventKind::TaskSucceeded { .. }
        | EventKind::TaskFailed { .. }
        | EventKind::TaskTimedOut { .. } => of_task(&event.kind, program, identity),
        kind => of_state(kind, program),
    };
    Some(HistoryEvent {
        id: event.id,
        previous_event_id: event.previous,
        timestamp: event.at,
        event_type,
        details,
    })
}

type Projected = (&'static str, Option<Details>);

fn of_execution(kind: &EventKind, identity: &Identity) -> Projected {
    match kind {
        EventKind::ExecutionStarted { input, .. } => {
            let mut members = vec![
                ("input", Detail::Data(input.clone())),
                ("roleArn", Detail::Text(identity.role_arn.clone())),
            ];
            members.extend(text("stateMachineAliasArn", &identity.state_machine_alias_arn));
            members.extend(text("stateMachineVersionArn", &identity.state_machine_version_arn));
            ("ExecutionStarted", Some(("executionStartedEventDetails", members)))
        }
        EventKind::ExecutionSucceeded { output } => {
            let members = vec![("output", Detail::Data(output.clone()))];
            ("ExecutionSucceeded", Some(("executionSucceededEventDetails", members)))
        }
        EventKind::ExecutionFailed { error, cause } => {
            ("ExecutionFailed", Some(("executionFailedEventDetails", failure(error, cause))))
        }
        EventKind::ExecutionAborted { error, cause } => {
            ("ExecutionAborted", Some(("executionAbortedEventDetails", failure(error, cause))))
        }
        EventKind::ExecutionTimedOut { error, cause } => {
            ("ExecutionTimedOut", Some(("executionTimedOutEventDetails", failure(error, cause))))
        }
        EventKind::ExecutionRedriven { redrive_count, .. } => {
            let members = vec![("redriveCount", Detail::Number(u64::from(*redrive_count)))];
            ("ExecutionRedriven", Some(("executionRedrivenEventDetails", members)))
        }
        _ => unreachable!("only events of the execution come here"),
    }
}

fn of_state(kind: &EventKind, program: &Program) -> Projected {
    match kind {
        EventKind::StateEntered { state, input, .. } => {
            let state = program.state(*state);
            let members = vec![
                ("name", Detail::Text((*state.name).into())),
                ("input", Detail::Data(input.clone())),
            ];
            (entered(&state.kind), Some(("stateEnteredEventDetails", members)))
        }
        EventKind::StateExited { state, output, assigned, .. } => {
            let state = program.state(*state);
            let mut members = vec![
                ("name", Detail::Text((*state.name).into())),
                ("output", Detail::Data(output.clone())),
            ];
            if !assigned.is_empty() {
                members.push(("assignedVariables", Detail::Variables(assigned.clone())));
            }
            (exited(&state.kind), Some(("stateExitedEventDetails", members)))
        }
        EventKind::StateAborted { state, .. } => (aborted(&program.state(*state).kind), None),
        EventKind::EvaluationFailed { state, error, cause, location, .. } => {
            let mut members = vec![
                ("error", Detail::Text(error.clone())),
                ("cause", Detail::Text(cause.clone())),
            ];
            members.extend(text("location", location));
            members.push(("state", Detail::Text((*program.state(*state).name).into())));
            ("EvaluationFailed", Some(("evaluationFailedEventDetails", members)))
        }
        EventKind::ParallelStarted { .. } => ("ParallelStateStarted", None),
        EventKind::ParallelSucceeded { .. } => ("ParallelStateSucceeded", None),
        EventKind::ParallelFailed { .. } => ("ParallelStateFailed", None),
        EventKind::MapStarted { length, .. } => {
            let members = vec![("length", Detail::Number(u64::from(*length)))];
            ("MapStateStarted", Some(("mapStateStartedEventDetails", members)))
        }
        EventKind::DistributedMapStarted { length, .. } => {
            let members = vec![("length", Detail::Number(u64::from(*length)))];
            ("MapStateStarted", Some(("mapStateStartedEventDetails", members)))
        }
        EventKind::MapRunStarted { settings, .. } => {
            let members = vec![("mapRunArn", Detail::Text(settings.arn.clone()))];
            ("MapRunStarted", Some(("mapRunStartedEventDetails", members)))
        }
        EventKind::MapRunRedriven { map_run_arn, redrive_count, .. } => {
            let members = vec![
                ("mapRunArn", Detail::Text(map_run_arn.clone())),
                ("redriveCount", Detail::Number(u64::from(*redrive_count))),
            ];
            ("MapRunRedriven", Some(("mapRunRedrivenEventDetails", members)))
        }
        EventKind::MapRunSucceeded { .. } => ("MapRunSucceeded", None),
        EventKind::MapRunFailed { error, cause, .. } => {
            ("MapRunFailed", Some(("mapRunFailedEventDetails", failure(error, cause))))
        }
        EventKind::MapRunAborted { .. } => ("MapRunAborted", None),
        EventKind::MapSucceeded { .. } => ("MapStateSucceeded", None),
        EventKind::MapFailed { .. } => ("MapStateFailed", None),
        EventKind::IterationStarted { state, index, .. } => (
            "MapIterationStarted",
            iteration("mapIterationStartedEventDetails", program, *state, *index),
        ),
        EventKind::IterationSucceeded { state, index, .. } => (
            "MapIterationSucceeded",
            iteration("mapIterationSucceededEventDetails", program, *state, *index),
        ),
        EventKind::IterationFailed { state, index, .. } => (
            "MapIterationFailed",
            iteration("mapIterationFailedEventDetails", program, *state, *index),
        ),
        EventKind::IterationAborted { state, index, .. } => (
            "MapIterationAborted",
            iteration("mapIterationAbortedEventDetails", program, *state, *index),
        ),
        _ => unreachable!("other kinds are projected elsewhere"),
    }
}

fn of_task(kind: &EventKind, program: &Program, identity: &Identity) -> Projected {
    match kind {
        EventKind::TaskScheduled {
            state,
            parameters,
            timeout_seconds,
            heartbeat_seconds,
            credentials,
            ..
        } => {
            let resource = resource(program.state(*state));
            let mut members = Vec::new();
            let (event_type, key) = match resource {
                Resource::LambdaFunction { arn } => {
                    members.push(("resource", Detail::Text(arn.clone())));
                    members.push(("input", Detail::Data(parameters.clone())));
                    ("LambdaFunctionScheduled", "lambdaFunctionScheduledEventDetails")
                }
                Resource::Activity { arn } => {
                    members.push(("resource", Detail::Text(arn.clone())));
                    members.push(("input", Detail::Data(parameters.clone())));
                    ("ActivityScheduled", "activityScheduledEventDetails")
                }
                Resource::Service { .. } => {
                    members.extend(resource_members(resource));
                    members.push(("region", Detail::Text(identity.region.clone())));
                    members.push(("parameters", Detail::Parameters(parameters.clone())));
                    ("TaskScheduled", "taskScheduledEventDetails")
                }
            };
            members.extend(
                timeout_seconds.map(|seconds| ("timeoutInSeconds", Detail::Number(seconds))),
            );
            // AWS's LambdaFunctionScheduledEventDetails has no such member.
            let beats = heartbeat_seconds.filter(|_| event_type != "LambdaFunctionScheduled");
            members.extend(beats.map(|seconds| ("heartbeatInSeconds", Detail::Number(seconds))));
            let role_arn = credentials.as_ref().and_then(role_arn);
            members.extend(role_arn.map(|arn| ("taskCredentials", Detail::RoleArn(arn.into()))));
            (event_type, Some((key, members)))
        }
        EventKind::TaskStarted { state, worker_name, .. } => {
            let resource = resource(program.state(*state));
            match resource {
                Resource::LambdaFunction { .. } => ("LambdaFunctionStarted", None),
                Resource::Activity { .. } => {
                    let members = text("workerName", worker_name).into_iter().collect();
                    ("ActivityStarted", Some(("activityStartedEventDetails", members)))
                }
                Resource::Service { .. } => {
                    ("TaskStarted", Some(("taskStartedEventDetails", resource_members(resource))))
                }
            }
        }
        EventKind::TaskSubmitted { state, output, .. }
        | EventKind::JobSubmitted { state, output, .. } => {
            let mut members = resource_members(resource(program.state(*state)));
            members.push(("output", Detail::Data(output.clone())));
            ("TaskSubmitted", Some(("taskSubmittedEventDetails", members)))
        }
        EventKind::TaskSubmitFailed { state, error, cause, .. } => {
            let mut members = resource_members(resource(program.state(*state)));
            members.extend(failure(error, cause));
            ("TaskSubmitFailed", Some(("taskSubmitFailedEventDetails", members)))
        }
        EventKind::TaskSucceeded { state, output, .. } => {
            let resource = resource(program.state(*state));
            let (event_type, key) = match resource {
                Resource::LambdaFunction { .. } => {
                    ("LambdaFunctionSucceeded", "lambdaFunctionSucceededEventDetails")
                }
                Resource::Activity { .. } => ("ActivitySucceeded", "activitySucceededEventDetails"),
                Resource::Service { .. } => ("TaskSucceeded", "taskSucceededEventDetails"),
            };
            let mut members = resource_members(resource);
            members.push(("output", Detail::Data(output.clone())));
            (event_type, Some((key, members)))
        }
        EventKind::TaskFailed { state, error, cause, .. } => {
            let resource = resource(program.state(*state));
            let (event_type, key) = match resource {
                Resource::LambdaFunction { .. } => {
                    ("LambdaFunctionFailed", "lambdaFunctionFailedEventDetails")
                }
                Resource::Activity { .. } => ("ActivityFailed", "activityFailedEventDetails"),
                Resource::Service { .. } => ("TaskFailed", "taskFailedEventDetails"),
            };
            let mut members = resource_members(resource);
            members.extend(failure(error, cause));
            (event_type, Some((key, members)))
        }
        EventKind::TaskTimedOut { state, error, cause, .. } => {
            let resource = resource(program.state(*state));
            let (event_type, key) = match resource {
                Resource::LambdaFunction { .. } => {
                    ("LambdaFunctionTimedOut", "lambdaFunctionTimedOutEventDetails")
                }
                Resource::Activity { .. } => ("ActivityTimedOut", "activityTimedOutEventDetails"),
                Resource::Service { .. } => ("TaskTimedOut", "taskTimedOutEventDetails"),
            };
            let mut members = resource_members(resource);
            members.extend(failure(&Some(error.clone()), cause));
            (event_type, Some((key, members)))
        }
        _ => unreachable!("only events of tasks come here"),
    }
}

fn resource(state: &State) -> &Resource {
    match &state.kind {
        StateKind::Task(task) => &task.resource,
        _ => unreachable!("an event of a task is about a Task state"),
    }
}

/// `resourceType` and `resource`, which only services have.
fn resource_members(resource: &Resource) -> Vec<(&'static str, Detail)> {
    match resource {
        Resource::Service { .. } => vec![
            ("resourceType", Detail::Text(resource.resource_type().into())),
            ("resource", Detail::Text(resource.resource_name().into())),
        ],
        _ => Vec::new(),
    }
}

fn text(name: &'static str, value: &Option<Box<str>>) -> Option<(&'static str, Detail)> {
    value.clone().map(|value| (name, Detail::Text(value)))
}

fn failure(error: &Option<Box<str>>, cause: &Option<Box<str>>) -> Vec<(&'static str, Detail)> {
    text("error", error).into_iter().chain(text("cause", cause)).collect()
}

fn iteration(
    key: &'static str,
    program: &Program,
    state: StateIndex,
    index: u32,
) -> Option<Details> {
    let name = Detail::Text((*program.state(state).name).into());
    Some((key, vec![("name", name), ("index", Detail::Number(u64::from(index)))]))
}

fn entered(kind: &StateKind) -> &'static str {
    match kind {
        StateKind::Pass { .. } => "PassStateEntered",
        StateKind::Task(_) => "TaskStateEntered",
        StateKind::Choice { .. } => "ChoiceStateEntered",
        StateKind::Wait(_) => "WaitStateEntered",
        StateKind::Succeed => "SucceedStateEntered",
        StateKind::Fail { .. } => "FailStateEntered",
        StateKind::Parallel { .. } => "ParallelStateEntered",
        StateKind::Map(_) => "MapStateEntered",
    }
}

fn exited(kind: &StateKind) -> &'static str {
    match kind {
        StateKind::Pass { .. } => "PassStateExited",
        StateKind::Task(_) => "TaskStateExited",
        StateKind::Choice { .. } => "ChoiceStateExited",
        StateKind::Wait(_) => "WaitStateExited",
        StateKind::Succeed => "SucceedStateExited",
        StateKind::Parallel { .. } => "ParallelStateExited",
        StateKind::Map(_) => "MapStateExited",
        StateKind::Fail { .. } => unreachable!("a Fail state is never left"),
    }
}

fn aborted(kind: &StateKind) -> &'static str {
    match kind {
        StateKind::Task(_) => "TaskStateAborted",
        StateKind::Wait(_) => "WaitStateAborted",
        StateKind::Parallel { .. } => "ParallelStateAborted",
        StateKind::Map(_) => "MapStateAborted",
        _ => unreachable!("only states that take time are cut off"),
    }
}
