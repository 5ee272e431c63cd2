//! What AWS takes for the use of Step Functions, as data: `prices.json`, or a file of the user's.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use crate::failure::Failure;

/// Where a Region has no prices of its own.
const DEFAULT_REGION: &str = "us-east-1";
const BUILT_IN: &str = include_str!("prices.json");
/// Megabytes times milliseconds in a gigabyte-hour.
const GIGABYTE_HOUR: f64 = 1024.0 * 3_600_000.0;

/// Prices by Region.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Prices {
    pub(crate) source: String,
    pub(crate) date: String,
    pub(crate) currency: String,
    /// State transitions of an account and month that cost nothing.
    pub(crate) free_state_transitions: u64,
    regions: BTreeMap<String, RegionPrices>,
}

/// The prices of one Region, each for one unit.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RegionPrices {
    state_transitions: f64,
    express_requests: f64,
    /// Cheaper the more there is in a month.
    express_gigabyte_hours: Vec<Tier>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Tier {
    /// Gigabyte-hours of the month; none for all that is left.
    up_to: Option<f64>,
    price: f64,
}

/// What was used in a month.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Used {
    pub(crate) standard_executions: u64,
    pub(crate) state_transitions: u64,
    pub(crate) express_requests: u64,
    pub(crate) express_billed_megabyte_milliseconds: u64,
}

impl Used {
    pub(crate) fn add(&mut self, other: Used) {
        self.standard_executions += other.standard_executions;
        self.state_transitions += other.state_transitions;
        self.express_requests += other.express_requests;
        self.express_billed_megabyte_milliseconds += other.express_billed_megabyte_milliseconds;
    }

    pub(crate) fn gigabyte_hours(&self) -> f64 {
        self.express_billed_megabyte_milliseconds as f64 / GIGABYTE_HOUR
    }
}

/// What it costs, before anything that is free.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Cost {
    pub(crate) transitions: f64,
    pub(crate) requests: f64,
    pub(crate) duration: f64,
}

impl Cost {
    pub(crate) fn total(&self) -> f64 {
        self.transitions + self.requests + self.duration
    }
}

impl Prices {
    /// The prices of this file, or those this program knows.
    pub(crate) fn load(file: Option<&Path>) -> Result<Prices, Failure> {
        let (text, name) = match file {
            None => (BUILT_IN.to_owned(), "the built-in prices".to_owned()),
            Some(path) => {
                let name = path.display().to_string();
                let text = std::fs::read_to_string(path)
                    .map_err(|error| Failure::usage(format!("cannot read {name}: {error}")))?;
                (text, name)
            }
        };
        let prices: Prices = serde_json::from_str(&text)
            .map_err(|error| Failure::usage(format!("{name} are no prices: {error}")))?;
        if !prices.regions.contains_key(DEFAULT_REGION) {
            let error = format!("{name} have no prices of {DEFAULT_REGION}");
            return Err(Failure::usage(error));
        }
        Ok(prices)
    }

    /// The Region whose prices count for a Region.
    pub(crate) fn region_of<'r>(&self, region: &'r str) -> &'r str {
        if self.regions.contains_key(region) { region } else { DEFAULT_REGION }
    }

    /// What a month costs in a Region.
    pub(crate) fn cost(&self, region: &str, used: &Used) -> Cost {
        let prices = &self.regions[self.region_of(region)];
        let mut left = used.gigabyte_hours();
        let (mut duration, mut from) = (0.0, 0.0);
        for tier in &prices.express_gigabyte_hours {
            let here = tier.up_to.map_or(left, |up_to| left.min((up_to - from).max(0.0)));
            duration += here * tier.price;
            left -= here;
            from = tier.up_to.unwrap_or(from);
        }
        Cost {
            transitions: used.state_transitions as f64 * prices.state_transitions,
            requests: used.express_requests as f64 * prices.express_requests,
            duration,
        }
    }

    /// What so many transitions cost in a Region.
    pub(crate) fn transitions(&self, region: &str, count: u64) -> f64 {
        let used = Used { state_transitions: count, ..Used::default() };
        self.cost(region, &used).transitions
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(used: Used, transitions: f64, requests: f64, duration: f64) {
        let prices = Prices::load(None).unwrap();
        let cost = prices.cost("eu-central-1", &used);
        let near = |a: f64, b: f64| (a - b).abs() < 0.005;
        assert!(near(cost.transitions, transitions), "{cost:?}");
        assert!(near(cost.requests, requests), "{cost:?}");
        assert!(near(cost.duration, duration), "{cost:?}");
    }

    /// AWS's examples on its page of prices.
    #[test]
    fn examples_of_aws() {
        let express = |count: u64, milliseconds: u64, megabytes: u64| Used {
            express_requests: count,
            express_billed_megabyte_milliseconds: count * milliseconds * megabytes,
            ..Used::default()
        };
        check(express(100_000_000, 10_000, 64), 0.0, 100.0, 382.97);
        check(express(1_000_000, 30_000, 64), 0.0, 1.0, 31.25);
        let standard = Used { state_transitions: 1_000_000, ..Used::default() };
        check(standard, 25.0, 0.0, 0.0);
    }
}
