//! Figures side by side.

use crate::load::Seen;

/// What one measurement gave.
pub(crate) struct Figure {
    pub(crate) name: &'static str,
    pub(crate) callers: usize,
    /// Answers a second.
    pub(crate) rate: f64,
    /// As a share of the bare server's.
    pub(crate) of_baseline: Option<f64>,
    /// Milliseconds that 50, 90, 99 and 99.9 of 100 requests stayed below.
    pub(crate) latencies: [f64; 4],
    /// Microseconds of CPU for a request.
    pub(crate) server_cpu: f64,
    pub(crate) generator_cpu: f64,
    /// State transitions of an execution.
    pub(crate) transitions: u32,
}

impl Figure {
    pub(crate) fn new(name: &'static str, callers: usize, transitions: u32, seen: &Seen) -> Figure {
        Figure {
            name,
            callers,
            rate: seen.rate(),
            of_baseline: None,
            latencies: [0.5, 0.9, 0.99, 0.999].map(|share| seen.latency(share)),
            server_cpu: 0.0,
            generator_cpu: 0.0,
            transitions,
        }
    }

    pub(crate) fn print(&self) {
        let [p50, p90, p99, p999] = self.latencies;
        let share = match self.of_baseline {
            Some(share) => format!("{:.0} %", share * 100.0),
            None => String::new(),
        };
        let transitions = match self.transitions {
            0 => String::new(),
            count => format!("{:.0}", self.rate * f64::from(count)),
        };
        println!(
            "{:22} {:>7} {:>11.0} {:>8} {:>13} {p50:>8.2} {p90:>8.2} {p99:>8.2} {p999:>8.2} {:>10.0} {:>10.0}",
            self.name,
            self.callers,
            self.rate,
            share,
            transitions,
            self.server_cpu,
            self.generator_cpu,
        );
    }
}

pub(crate) fn print_head() {
    println!(
        "{:22} {:>7} {:>11} {:>8} {:>13} {:>8} {:>8} {:>8} {:>8} {:>10} {:>10}",
        "",
        "callers",
        "requests/s",
        "of bare",
        "transitions/s",
        "50 % ms",
        "90 % ms",
        "99 % ms",
        "99.9 %",
        "server µs",
        "client µs",
    );
}

/// The figure with the median rate.
pub(crate) fn median(mut rounds: Vec<Figure>) -> Option<Figure> {
    rounds.sort_by(|one, other| one.rate.total_cmp(&other.rate));
    let middle = rounds.len() / 2;
    rounds.into_iter().nth(middle)
}
