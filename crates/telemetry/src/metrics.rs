//! What is counted, under names that follow those of AWS's CloudWatch metrics: the namespace
//! `AWS/States`, then the metric in snake case, seconds in place of milliseconds.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use api::{write_family, write_histogram, write_sample};
use asl::{Resource, StateKind, Timestamp};
use engine::{Event, EventKind, FrameId};
use runtime::Progress;

use crate::cloudwatch_logs::LogCounts;
use crate::observe::SpanCounts;

/// State machines, activities, functions or integrations that are counted one by one. Further
/// ones are counted together, under [`OTHERS`].
const LABELS_MAX: usize = 1_000;
const OTHERS: &str = "others";
/// Tasks under way whose moments are remembered. Of further ones no time is measured.
const OPEN_TASKS_MAX: usize = 100_000;

/// Upper bounds of times, in seconds.
const SECONDS: [f64; 12] =
    [0.005, 0.025, 0.1, 0.25, 1.0, 2.5, 10.0, 60.0, 300.0, 3_600.0, 86_400.0, 604_800.0];
/// Upper bounds of the time of a commit, in seconds.
const COMMIT_SECONDS: [f64; 9] = [0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.1, 0.5, 2.5];
/// Upper bounds of the writes of a commit.
const COMMIT_WRITES: [f64; 8] = [1.0, 4.0, 16.0, 64.0, 256.0, 1_024.0, 2_048.0, 4_096.0];

/// Every counter of a group has a family: the name, and the help.
type Families = &'static [(&'static str, &'static str)];

/// Counters by state machine (`StateMachineArn`).
const EXECUTIONS: Families = &[
    ("states_executions_started_total", "Executions that were started (ExecutionsStarted)."),
    ("states_executions_succeeded_total", "Executions that succeeded (ExecutionsSucceeded)."),
    ("states_executions_failed_total", "Executions that failed (ExecutionsFailed)."),
    ("states_executions_timed_out_total", "Executions that timed out (ExecutionsTimedOut)."),
    ("states_executions_aborted_total", "Executions that were aborted (ExecutionsAborted)."),
    ("states_executions_redriven_total", "Redrives of executions (ExecutionsRedriven)."),
    (
        "states_consumed_capacity_total",
        "State transitions: states entered (ConsumedCapacity of StateTransition).",
    ),
];
const EXECUTION_TIMES: Families = &[(
    "states_execution_time_seconds",
    "Time from the start of an execution to its end (ExecutionTime).",
)];

/// Counters by activity (`ActivityArn`).
const ACTIVITIES: Families = &[
    ("states_activities_scheduled_total", "Activities that were scheduled (ActivitiesScheduled)."),
    ("states_activities_started_total", "Activities that a worker took (ActivitiesStarted)."),
    ("states_activities_succeeded_total", "Activities that succeeded (ActivitiesSucceeded)."),
    ("states_activities_failed_total", "Activities that failed (ActivitiesFailed)."),
    ("states_activities_timed_out_total", "Activities that timed out (ActivitiesTimedOut)."),
    (
        "states_activities_heartbeat_timed_out_total",
        "Activities whose heartbeat stayed away (ActivitiesHeartbeatTimedOut).",
    ),
];
const ACTIVITY_TIMES: Families = &[
    (
        "states_activity_schedule_time_seconds",
        "Time an activity waits for a worker (ActivityScheduleTime).",
    ),
    (
        "states_activity_run_time_seconds",
        "Time from the start of an activity to its end (ActivityRunTime).",
    ),
    (
        "states_activity_time_seconds",
        "Time from when an activity is scheduled to its end (ActivityTime).",
    ),
];

/// Counters by function (`LambdaFunctionArn`), where a function's ARN is the resource.
const FUNCTIONS: Families = &[
    (
        "states_lambda_functions_scheduled_total",
        "Lambda functions that were scheduled (LambdaFunctionsScheduled).",
    ),
    (
        "states_lambda_functions_started_total",
        "Lambda functions that were started (LambdaFunctionsStarted).",
    ),
    (
        "states_lambda_functions_succeeded_total",
        "Lambda functions that succeeded (LambdaFunctionsSucceeded).",
    ),
    (
        "states_lambda_functions_failed_total",
        "Lambda functions that failed (LambdaFunctionsFailed).",
    ),
    (
        "states_lambda_functions_timed_out_total",
        "Lambda functions that timed out (LambdaFunctionsTimedOut).",
    ),
    (
        "states_lambda_functions_heartbeat_timed_out_total",
        "Lambda functions whose heartbeat stayed away (no metric of AWS's).",
    ),
];
const FUNCTION_TIMES: Families = &[
    (
        "states_lambda_function_schedule_time_seconds",
        "Time a function waits to be started (LambdaFunctionScheduleTime).",
    ),
    (
        "states_lambda_function_run_time_seconds",
        "Time from the start of a function to its end (LambdaFunctionRunTime).",
    ),
    (
        "states_lambda_function_time_seconds",
        "Time from when a function is scheduled to its end (LambdaFunctionTime).",
    ),
];

/// Counters by integration (`ServiceIntegrationResourceArn`).
const INTEGRATIONS: Families = &[
    (
        "states_service_integrations_scheduled_total",
        "Tasks of services that were scheduled (ServiceIntegrationsScheduled).",
    ),
    (
        "states_service_integrations_started_total",
        "Tasks of services that were started (ServiceIntegrationsStarted).",
    ),
    (
        "states_service_integrations_succeeded_total",
        "Tasks of services that succeeded (ServiceIntegrationsSucceeded).",
    ),
    (
        "states_service_integrations_failed_total",
        "Tasks of services that failed (ServiceIntegrationsFailed).",
    ),
    (
        "states_service_integrations_timed_out_total",
        "Tasks of services that timed out (ServiceIntegrationsTimedOut).",
    ),
    (
        "states_service_integrations_heartbeat_timed_out_total",
        "Tasks of services whose heartbeat stayed away (no metric of AWS's).",
    ),
];
const INTEGRATION_TIMES: Families = &[
    (
        "states_service_integration_schedule_time_seconds",
        "Time a service's task waits to be started (ServiceIntegrationScheduleTime).",
    ),
    (
        "states_service_integration_run_time_seconds",
        "Time from the start of a service's task to its end (ServiceIntegrationRunTime).",
    ),
    (
        "states_service_integration_time_seconds",
        "Time from when a service's task is scheduled to its end (ServiceIntegrationTime).",
    ),
];

/// Where a task's counters stand.
const SCHEDULED: usize = 0;
const STARTED: usize = 1;
const SUCCEEDED: usize = 2;
const FAILED: usize = 3;
const TIMED_OUT: usize = 4;
const HEARTBEAT_TIMED_OUT: usize = 5;
/// Where a task's times stand.
const SCHEDULE_TIME: usize = 0;
const RUN_TIME: usize = 1;
const TIME: usize = 2;
/// Where an execution's counters stand behind those that tasks have too.
const EXECUTION_STARTED: usize = 0;
const EXECUTION_SUCCEEDED: usize = 1;
const EXECUTION_FAILED: usize = 2;
const EXECUTION_TIMED_OUT: usize = 3;
const EXECUTION_ABORTED: usize = 4;
const EXECUTION_REDRIVEN: usize = 5;
const TRANSITIONS: usize = 6;

/// What AWS has no metric for.
const OWN: &[(&str, &str, &str)] = &[
    ("stepwell_commit_writes", "histogram", "Turns and records in one commit."),
    ("stepwell_commit_seconds", "histogram", "Time of a commit, fsync included."),
    ("stepwell_commit_failures_total", "counter", "Commits that the store refused."),
    ("stepwell_telemetry_waiting_turns", "gauge", "Turns that wait to be counted and logged."),
    (
        "stepwell_telemetry_dropped_turns_total",
        "counter",
        "Turns that were neither counted nor logged, because too many waited.",
    ),
];

/// Execution logs on their way to CloudWatch Logs.
const LOG_RECORDS: [(&str, &str, &str); 3] = [
    (
        "stepwell_log_records_delivered_total",
        "counter",
        "Records of execution logs that CloudWatch Logs took.",
    ),
    (
        "stepwell_log_records_dropped_total",
        "counter",
        "Records of execution logs that CloudWatch Logs will not get: too many waited, or they were refused.",
    ),
    ("stepwell_log_records_waiting", "gauge", "Records of execution logs that are to be sent."),
];

/// Appends what became of execution logs that are sent.
pub(crate) fn write_log_counts(text: &mut String, counts: Option<&LogCounts>) {
    let values =
        counts.map_or([0; 3], |counts| [counts.delivered(), counts.dropped(), counts.waiting()]);
    for ((name, kind, help), value) in LOG_RECORDS.into_iter().zip(values) {
        write_family(text, name, kind, help);
        write_sample(text, name, None, value);
    }
}

/// Spans of traces on their way to a collector.
const SPANS: [(&str, &str); 2] = [
    ("stepwell_spans_exported_total", "Spans that the collector took."),
    (
        "stepwell_spans_dropped_total",
        "Spans that the collector will not get: too many waited, or it did not take them.",
    ),
];

/// Appends what became of spans.
pub(crate) fn write_span_counts(text: &mut String, counts: Option<&SpanCounts>) {
    let values = counts.map_or([0; 2], |counts| [counts.exported(), counts.dropped()]);
    for ((name, help), value) in SPANS.into_iter().zip(values) {
        write_family(text, name, "counter", help);
        write_sample(text, name, None, value);
    }
}

/// A histogram of values.
#[derive(Debug, Clone)]
struct Histogram {
    bounds: &'static [f64],
    counts: Vec<u64>,
    sum: f64,
}

impl Histogram {
    fn new(bounds: &'static [f64]) -> Histogram {
        Histogram { bounds, counts: vec![0; bounds.len() + 1], sum: 0.0 }
    }

    fn add(&mut self, value: f64) {
        let at = self.bounds.partition_point(|bound| *bound < value);
        self.counts[at] += 1;
        self.sum += value;
    }
}

/// The numbers of one state machine, activity, function or integration.
#[derive(Debug)]
struct Numbers {
    counts: [u64; 7],
    times: [Histogram; 3],
}

impl Default for Numbers {
    fn default() -> Numbers {
        Numbers { counts: [0; 7], times: std::array::from_fn(|_| Histogram::new(&SECONDS)) }
    }
}

/// Numbers by ARN.
#[derive(Debug, Default)]
struct Group(BTreeMap<Box<str>, Numbers>);

impl Group {
    fn of(&mut self, arn: &str) -> &mut Numbers {
        // Looked up twice, since an entry would need the name as its own.
        let name = if self.0.contains_key(arn) || self.0.len() < LABELS_MAX { arn } else { OTHERS };
        if !self.0.contains_key(name) {
            self.0.insert(name.into(), Numbers::default());
        }
        self.0.get_mut(name).expect("inserted above")
    }

    fn write(&self, text: &mut String, label: &str, counters: Families, times: Families) {
        for (at, (name, help)) in counters.iter().enumerate() {
            write_family(text, name, "counter", help);
            for (arn, numbers) in &self.0 {
                write_sample(text, name, Some((label, arn)), numbers.counts[at]);
            }
        }
        for (at, (name, help)) in times.iter().enumerate() {
            write_family(text, name, "histogram", help);
            for (arn, numbers) in &self.0 {
                let Histogram { bounds, counts, sum } = &numbers.times[at];
                write_histogram(text, name, Some((label, arn)), bounds, counts, *sum);
            }
        }
    }
}

/// The kinds of tasks.
#[derive(Clone, Copy)]
enum TaskGroup {
    Activities,
    Functions,
    Integrations,
}

/// When a task under way was scheduled and started.
#[derive(Debug, Clone, Copy)]
struct OpenTask {
    scheduled: Timestamp,
    started: Option<Timestamp>,
}

/// All numbers.
#[derive(Debug)]
pub(crate) struct Metrics {
    machines: Group,
    activities: Group,
    functions: Group,
    integrations: Group,
    open_tasks: HashMap<Box<str>, HashMap<FrameId, OpenTask>>,
    open_task_count: usize,
    commit_writes: Histogram,
    commit_seconds: Histogram,
    commit_failures: u64,
    dropped_turns: u64,
}

impl Default for Metrics {
    fn default() -> Metrics {
        Metrics {
            machines: Group::default(),
            activities: Group::default(),
            functions: Group::default(),
            integrations: Group::default(),
            open_tasks: HashMap::new(),
            open_task_count: 0,
            commit_writes: Histogram::new(&COMMIT_WRITES),
            commit_seconds: Histogram::new(&COMMIT_SECONDS),
            commit_failures: 0,
            dropped_turns: 0,
        }
    }
}

impl Metrics {
    pub(crate) fn commit(&mut self, writes: usize, took: Duration, succeeded: bool) {
        self.commit_writes.add(writes as f64);
        self.commit_seconds.add(took.as_secs_f64());
        self.commit_failures += u64::from(!succeeded);
    }

    pub(crate) fn drop_turn(&mut self) {
        self.dropped_turns += 1;
    }

    /// Counts what happened in a turn.
    pub(crate) fn turn(&mut self, progress: &Progress) {
        for event in progress.events.iter() {
            if self.execution_event(progress, event) {
                continue;
            }
            if let Some((frame, state)) = event.kind.place()
                && let StateKind::Task(task) = &progress.program.state(state).kind
            {
                self.task_event(progress, event, frame, &task.resource);
            }
        }
        if progress.status != engine::Status::Running
            && let Some(open) = self.open_tasks.remove(&progress.identity.arn)
        {
            self.open_task_count -= open.len();
        }
    }

    /// Counts an event of the whole execution or of any state; whether it was one.
    fn execution_event(&mut self, progress: &Progress, event: &Event) -> bool {
        let counter = match &event.kind {
            EventKind::ExecutionStarted { .. } => EXECUTION_STARTED,
            EventKind::ExecutionSucceeded { .. } => EXECUTION_SUCCEEDED,
            EventKind::ExecutionFailed { .. } => EXECUTION_FAILED,
            EventKind::ExecutionTimedOut { .. } => EXECUTION_TIMED_OUT,
            EventKind::ExecutionAborted { .. } => EXECUTION_ABORTED,
            EventKind::ExecutionRedriven { .. } => EXECUTION_REDRIVEN,
            EventKind::StateEntered { .. } => TRANSITIONS,
            _ => return false,
        };
        let numbers = self.machines.of(&progress.identity.state_machine_arn);
        numbers.counts[counter] += 1;
        if event.kind.is_end() {
            numbers.times[0].add(seconds(progress.start_date, event.at));
        }
        true
    }

    fn task_event(
        &mut self,
        progress: &Progress,
        event: &Event,
        frame: FrameId,
        resource: &Resource,
    ) {
        let counter = match &event.kind {
            EventKind::TaskScheduled { .. } => SCHEDULED,
            EventKind::TaskStarted { .. } => STARTED,
            EventKind::TaskSucceeded { .. } => SUCCEEDED,
            EventKind::TaskFailed { .. } | EventKind::TaskSubmitFailed { .. } => FAILED,
            EventKind::TaskTimedOut { error, .. } if &**error == "States.HeartbeatTimeout" => {
                HEARTBEAT_TIMED_OUT
            }
            EventKind::TaskTimedOut { .. } => TIMED_OUT,
            _ => return,
        };
        let (group, arn) = match resource {
            Resource::Activity { arn } => (TaskGroup::Activities, arn.to_string()),
            Resource::LambdaFunction { arn } => (TaskGroup::Functions, arn.to_string()),
            Resource::Service { .. } => (
                TaskGroup::Integrations,
                format!(
                    "arn:aws:states:::{}:{}",
                    resource.resource_type(),
                    resource.resource_name()
                ),
            ),
        };
        let open = self.follow(progress, event, frame, counter);
        let group = match group {
            TaskGroup::Activities => &mut self.activities,
            TaskGroup::Functions => &mut self.functions,
            TaskGroup::Integrations => &mut self.integrations,
        };
        let numbers = group.of(&arn);
        numbers.counts[counter] += 1;
        let Some(open) = open else { return };
        if counter == STARTED {
            numbers.times[SCHEDULE_TIME].add(seconds(open.scheduled, event.at));
        } else if counter != SCHEDULED {
            numbers.times[TIME].add(seconds(open.scheduled, event.at));
            if let Some(started) = open.started {
                numbers.times[RUN_TIME].add(seconds(started, event.at));
            }
        }
    }

    /// Remembers when a task began, until it is over; what is known of it.
    fn follow(
        &mut self,
        progress: &Progress,
        event: &Event,
        frame: FrameId,
        counter: usize,
    ) -> Option<OpenTask> {
        let arn = &progress.identity.arn;
        match counter {
            SCHEDULED => {
                if self.open_task_count < OPEN_TASKS_MAX {
                    let open = OpenTask { scheduled: event.at, started: None };
                    let tasks = self.open_tasks.entry(arn.clone()).or_default();
                    self.open_task_count += usize::from(tasks.insert(frame, open).is_none());
                }
                None
            }
            STARTED => {
                let open = self.open_tasks.get_mut(arn)?.get_mut(&frame)?;
                open.started = Some(event.at);
                Some(*open)
            }
            _ => {
                let tasks = self.open_tasks.get_mut(arn)?;
                let open = tasks.remove(&frame)?;
                self.open_task_count -= 1;
                if tasks.is_empty() {
                    self.open_tasks.remove(arn);
                }
                Some(open)
            }
        }
    }

    /// Appends everything.
    pub(crate) fn write(&self, text: &mut String, waiting_turns: usize) {
        self.machines.write(text, "state_machine_arn", EXECUTIONS, EXECUTION_TIMES);
        self.activities.write(text, "activity_arn", ACTIVITIES, ACTIVITY_TIMES);
        self.functions.write(text, "lambda_function_arn", FUNCTIONS, FUNCTION_TIMES);
        let label = "service_integration_resource_arn";
        self.integrations.write(text, label, INTEGRATIONS, INTEGRATION_TIMES);
        for (name, kind, help) in OWN {
            write_family(text, name, kind, help);
            let histogram = match *name {
                "stepwell_commit_writes" => Some(&self.commit_writes),
                "stepwell_commit_seconds" => Some(&self.commit_seconds),
                _ => None,
            };
            if let Some(Histogram { bounds, counts, sum }) = histogram {
                write_histogram(text, name, None, bounds, counts, *sum);
                continue;
            }
            let value = match *name {
                "stepwell_commit_failures_total" => self.commit_failures,
                "stepwell_telemetry_waiting_turns" => waiting_turns as u64,
                _ => self.dropped_turns,
            };
            write_sample(text, name, None, value);
        }
    }
}

fn seconds(from: Timestamp, to: Timestamp) -> f64 {
    to.0.saturating_sub(from.0).max(0) as f64 / 1_000.0
}
