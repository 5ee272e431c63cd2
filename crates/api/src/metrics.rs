//! `/metrics` in Prometheus's text format: what the API counts itself, the runtime's own
//! numbers, and whatever else a source adds.

use std::fmt::{Debug, Write as _};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::api::Api;
use crate::dispatch::{OPERATIONS, Operation};
use crate::error::ErrorType;
use crate::throttling::throttled_names;
use runtime::Rate;

/// Where more metrics come from.
pub trait MetricsSource: Debug + Send + Sync {
    /// Appends whole families.
    fn write(&self, text: &mut String);
}

/// Begins a family of samples. `kind` is `counter`, `gauge` or `histogram`.
pub fn write_family(text: &mut String, name: &str, kind: &str, help: &str) {
    // Writing to memory cannot fail.
    let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
}

/// One sample with at most one label.
pub fn write_sample(
    text: &mut String,
    name: &str,
    label: Option<(&str, &str)>,
    value: impl std::fmt::Display,
) {
    text.push_str(name);
    if let Some((label, content)) = label {
        let _ = write!(text, "{{{label}=\"{}\"}}", escaped(content));
    }
    let _ = writeln!(text, " {value}");
}

/// The samples of a histogram: `counts` of values up to each of `bounds`, and one more for all
/// beyond them.
pub fn write_histogram(
    text: &mut String,
    name: &str,
    label: Option<(&str, &str)>,
    bounds: &[f64],
    counts: &[u64],
    sum: f64,
) {
    let labels = label
        .map_or(String::new(), |(label, content)| format!("{label}=\"{}\",", escaped(content)));
    let mut total = 0;
    for (at, count) in counts.iter().enumerate() {
        total += count;
        let bound = bounds.get(at).map_or("+Inf".to_owned(), f64::to_string);
        let _ = writeln!(text, "{name}_bucket{{{labels}le=\"{bound}\"}} {total}");
    }
    let labels = labels.trim_end_matches(',');
    let braces = if labels.is_empty() { String::new() } else { format!("{{{labels}}}") };
    let _ = writeln!(text, "{name}_sum{braces} {sum}\n{name}_count{braces} {total}");
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

/// What is counted of requests: no locks, and nothing that grows.
#[derive(Debug)]
pub(crate) struct RequestMetrics {
    /// In the order of the operations.
    operations: [OperationMetrics; OPERATIONS.len()],
}

impl Default for RequestMetrics {
    fn default() -> RequestMetrics {
        RequestMetrics { operations: std::array::from_fn(|_| OperationMetrics::default()) }
    }
}

#[derive(Debug, Default)]
struct OperationMetrics {
    calls: AtomicU64,
    errors: AtomicU64,
    throttled: AtomicU64,
    microseconds: AtomicU64,
}

impl RequestMetrics {
    fn of(&self, operation: &Operation) -> Option<&OperationMetrics> {
        let at = OPERATIONS.binary_search_by(|row| row.name.cmp(operation.name)).ok()?;
        self.operations.get(at)
    }

    /// Counts a call that was answered.
    pub(crate) fn count(&self, operation: &Operation, took: Duration, error: Option<ErrorType>) {
        let Some(metrics) = self.of(operation) else { return };
        metrics.calls.fetch_add(1, Ordering::Relaxed);
        metrics.errors.fetch_add(u64::from(error.is_some()), Ordering::Relaxed);
        let throttled = error == Some(ErrorType::Throttling);
        metrics.throttled.fetch_add(u64::from(throttled), Ordering::Relaxed);
        let microseconds = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        metrics.microseconds.fetch_add(microseconds, Ordering::Relaxed);
    }

    fn write(&self, text: &mut String) {
        let rows = || OPERATIONS.iter().zip(&self.operations).filter(|(_, row)| row.is_used());
        let mut family = |name: &str, help: &str, value: &dyn Fn(&OperationMetrics) -> String| {
            write_family(text, name, "counter", help);
            for (operation, row) in rows() {
                write_sample(text, name, Some(("api_name", operation.name)), value(row));
            }
        };
        let shown = |counter: &AtomicU64| counter.load(Ordering::Relaxed).to_string();
        family(
            "states_api_consumed_capacity_total",
            "Calls of an API operation (ConsumedCapacity by APIName).",
            &|row| shown(&row.calls),
        );
        family(
            "states_api_throttled_events_total",
            "Calls of an API operation that were throttled (ThrottledEvents by APIName).",
            &|row| shown(&row.throttled),
        );
        family("stepwell_api_errors_total", "Calls that were answered with an error.", &|row| {
            shown(&row.errors)
        });
        family(
            "stepwell_api_seconds_total",
            "Seconds that calls took, long polls included.",
            &|row| format!("{}", row.microseconds.load(Ordering::Relaxed) as f64 / 1e6),
        );
    }
}

impl OperationMetrics {
    fn is_used(&self) -> bool {
        self.calls.load(Ordering::Relaxed) > 0 || self.throttled.load(Ordering::Relaxed) > 0
    }
}

/// The rates of the operations that may be throttled, in the server's own Region.
fn write_rates(api: &Api, text: &mut String) {
    let Some(throttling) = &api.options.throttling else { return };
    let rates: Vec<(&str, Rate)> = throttled_names()
        .filter_map(|name| Some((name, throttling.rate(name, &api.options.region)?)))
        .collect();
    let mut family = |name: &str, help: &str, value: &dyn Fn(Rate) -> u32| {
        write_family(text, name, "gauge", help);
        for (operation, rate) in &rates {
            write_sample(text, name, Some(("api_name", operation)), value(*rate));
        }
    };
    family(
        "states_api_provisioned_bucket_size",
        "Calls that an operation takes at once (ProvisionedBucketSize by APIName).",
        &|rate| rate.bucket_size,
    );
    family(
        "states_api_provisioned_refill_rate",
        "Calls a second that an operation takes (ProvisionedRefillRate by APIName).",
        &|rate| rate.refill_per_second,
    );
}

/// Everything, as text.
pub(crate) fn text(api: &Api) -> String {
    let mut text = String::new();
    api.request_metrics.write(&mut text);
    write_rates(api, &mut text);
    let statistics = api.runtime.statistics();
    let mut gauge = |name: &str, help: &str, value: usize| {
        write_family(&mut text, name, "gauge", help);
        write_sample(&mut text, name, None, value);
    };
    gauge("stepwell_resident_executions", "Executions in memory.", statistics.resident_executions);
    gauge(
        "stepwell_waiting_commits",
        "Turns and operations that wait for the next commit.",
        statistics.waiting_commits,
    );
    gauge(
        "stepwell_open_requests",
        "Requests that wait for an answer, long polls included.",
        statistics.open_requests,
    );
    gauge(
        "stepwell_activity_polls",
        "GetActivityTask calls that wait for a task.",
        statistics.activity_polls,
    );
    gauge("stepwell_task_calls", "Calls of tasks under way.", statistics.task_calls);
    gauge(
        "states_open_execution_count",
        "Standard executions that are open, without children of Map Runs (OpenExecutionCount).",
        usize::try_from(statistics.open_executions).unwrap_or(usize::MAX),
    );
    gauge(
        "states_open_execution_limit",
        "Standard executions of an account and Region that may be open (OpenExecutionLimit).",
        usize::try_from(api.quotas.open_executions).unwrap_or(usize::MAX),
    );
    let ready = usize::from(api.runtime.readiness().is_ok());
    gauge("stepwell_ready", "1 where /readyz answers 200.", ready);
    if let Some(source) = &api.options.metrics {
        source.write(&mut text);
    }
    text
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    #[test]
    fn samples_are_prometheus_text() {
        let mut text = String::new();
        write_family(&mut text, "a_total", "counter", "Help.");
        write_sample(&mut text, "a_total", Some(("arn", "x\"y\\z\n")), 3);
        write_sample(&mut text, "b", None, 1.5);
        write_histogram(&mut text, "c", Some(("arn", "x")), &[0.1, 1.0], &[1, 0, 2], 7.25);
        write_histogram(&mut text, "d", None, &[1.0], &[0, 0], 0.0);
        expect![[r##"
            # HELP a_total Help.
            # TYPE a_total counter
            a_total{arn="x\"y\\z\n"} 3
            b 1.5
            c_bucket{arn="x",le="0.1"} 1
            c_bucket{arn="x",le="1"} 1
            c_bucket{arn="x",le="+Inf"} 3
            c_sum{arn="x"} 7.25
            c_count{arn="x"} 3
            d_bucket{le="1"} 0
            d_bucket{le="+Inf"} 0
            d_sum 0
            d_count 0
        "##]]
        .assert_eq(&text);
    }
}
