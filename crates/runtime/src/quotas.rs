//! How much there may be: AWS's quotas on numbers of things, which an operator can raise, and the
//! count of open executions.

use std::collections::HashMap;

/// Numbers of things. The default is AWS's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quotas {
    /// State machines of an account in a Region.
    pub state_machines: usize,
    /// Activities of an account in a Region.
    pub activities: usize,
    /// Standard executions of an account in a Region that are open at the same time; children of
    /// Map Runs do not count.
    pub open_executions: u64,
    /// Workers that poll one activity at the same time.
    pub activity_pollers: usize,
    /// Published versions of one state machine.
    pub versions: usize,
    /// Aliases of one state machine.
    pub aliases: usize,
    /// Tags of one resource.
    pub tags: usize,
}

impl Default for Quotas {
    fn default() -> Quotas {
        Quotas {
            state_machines: 100_000,
            activities: 100_000,
            open_executions: 1_000_000,
            activity_pollers: 1_000,
            versions: 1_000,
            aliases: 100,
            tags: 50,
        }
    }
}

/// Region and account of an ARN, as they stand in it.
pub(crate) fn place_of(arn: &str) -> &str {
    // arn:<partition>:<service>:<region>:<account>:…
    let mut colons = arn.match_indices(':').map(|(at, _)| at);
    match (colons.nth(2), colons.nth(1)) {
        (Some(from), Some(until)) => &arn[from + 1..until],
        _ => "",
    }
}

/// What ARNs in the same Region and account, and of the same kind, begin with.
pub(crate) fn siblings_of(arn: &str) -> &str {
    let end = arn.match_indices(':').nth(5).map_or(arn.len(), |(at, _)| at + 1);
    &arn[..end]
}

/// The open Standard executions of each account and Region, those that are durable.
#[derive(Debug, Default)]
pub(crate) struct OpenExecutions(HashMap<Box<str>, u64>);

impl OpenExecutions {
    pub(crate) fn of(&self, arn: &str) -> u64 {
        self.0.get(place_of(arn)).copied().unwrap_or(0)
    }

    /// All together.
    pub(crate) fn count(&self) -> u64 {
        self.0.values().sum()
    }

    pub(crate) fn add(&mut self, arn: &str, count: u64) {
        let place = place_of(arn);
        match self.0.get_mut(place) {
            Some(open) => *open += count,
            None => {
                self.0.insert(place.into(), count);
            }
        }
    }

    pub(crate) fn close(&mut self, arn: &str) {
        if let Some(open) = self.0.get_mut(place_of(arn)) {
            *open = open.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARN: &str = "arn:aws:states:us-east-1:123456789012:stateMachine:a:1";

    #[test]
    fn places_of_arns() {
        assert_eq!(place_of(ARN), "us-east-1:123456789012");
        assert_eq!(siblings_of(ARN), "arn:aws:states:us-east-1:123456789012:stateMachine:");
        assert_eq!(place_of("arn:aws"), "");
        assert_eq!(place_of(""), "");
    }

    #[test]
    fn each_place_is_counted_apart() {
        let mut open = OpenExecutions::default();
        let other = ARN.replace("us-east-1", "eu-west-1");
        open.add(ARN, 2);
        open.add(&other, 1);
        assert_eq!((open.of(ARN), open.of(&other), open.count()), (2, 1, 3));
        open.close(ARN);
        open.close(&other);
        open.close(&other);
        assert_eq!((open.of(ARN), open.of(&other), open.count()), (1, 0, 1));
    }
}
