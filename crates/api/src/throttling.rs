//! How often operations may be called: AWS's token buckets, one for each account, Region and
//! operation. Off unless rates are set.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use asl::{MachineType, Timestamp};
use runtime::{Rate, TokenBucket};

use crate::api::Api;
use crate::arn::state_machine_arn;
use crate::auth::Caller;
use crate::dispatch::{OPERATIONS, Operation};
use crate::error::{ApiError, ErrorType};
use crate::input;
use crate::request::Members;

/// StartExecution of an Express state machine has a bucket of its own.
const START_EXPRESS: &str = "StartExecutionExpress";
const START: &str = "StartExecution";
/// Buckets that are kept before full ones are thrown away, which lose nothing by it. Callers who
/// need not sign may name any account.
const BUCKETS_MAX: usize = 10_000;
/// The Regions where AWS's rates are higher.
const LARGE_REGIONS: [&str; 3] = ["us-east-1", "us-west-2", "eu-west-1"];

/// A row of AWS's quotas: names, and bucket size and refill rate in the large Regions and in all
/// others (page "Step Functions service quotas" of AWS's guide).
type Row = (&'static [&'static str], (u32, u32), (u32, u32));

const AWS_RATES: &[Row] = &[
    (
        &[
            "CreateActivity",
            "CreateStateMachine",
            "CreateStateMachineAlias",
            "DeleteActivity",
            "DeleteStateMachine",
            "DeleteStateMachineAlias",
            "DeleteStateMachineVersion",
            "ListMapRuns",
            "ListStateMachineAliases",
            "ListStateMachineVersions",
            "ListTagsForResource",
            "PublishStateMachineVersion",
            "UpdateMapRun",
            "UpdateStateMachine",
            "UpdateStateMachineAlias",
            "ValidateStateMachineDefinition",
        ],
        (100, 1),
        (100, 1),
    ),
    (
        &[
            "DescribeActivity",
            "DescribeMapRun",
            "DescribeStateMachineAlias",
            "DescribeStateMachineForExecution",
            "TagResource",
            "UntagResource",
        ],
        (200, 1),
        (200, 1),
    ),
    (
        &["GetActivityTask", "SendTaskFailure", "SendTaskHeartbeat", "SendTaskSuccess"],
        (3_000, 500),
        (1_500, 300),
    ),
    (&[START, "RedriveExecution"], (1_300, 300), (800, 150)),
    (&[START_EXPRESS], (6_000, 6_000), (6_000, 6_000)),
    (&["DescribeExecution"], (300, 15), (250, 10)),
    (&["DescribeStateMachine"], (200, 20), (200, 20)),
    (&["GetExecutionHistory"], (400, 20), (400, 20)),
    (&["ListActivities"], (100, 10), (100, 5)),
    (&["ListExecutions"], (200, 5), (100, 2)),
    (&["ListStateMachines"], (100, 5), (100, 5)),
    (&["StopExecution"], (1_000, 200), (500, 25)),
    (&["TestState"], (10, 50), (10, 50)),
];

/// AWS's rate of an operation in a Region; none for StartSyncExecution, which has no fixed one.
fn aws_rate(name: &str, region: &str) -> Option<Rate> {
    let (_, large, others) = AWS_RATES.iter().find(|(names, ..)| names.contains(&name))?;
    let is_large = LARGE_REGIONS.contains(&region);
    let (bucket_size, refill_per_second) = if is_large { *large } else { *others };
    Some(Rate { bucket_size, refill_per_second })
}

/// AWS's rate of state transitions of Standard executions in a Region.
pub fn aws_state_transitions(region: &str) -> Rate {
    let rate = if LARGE_REGIONS.contains(&region) { 5_000 } else { 800 };
    Rate { bucket_size: rate, refill_per_second: rate }
}

/// What can have a rate: every operation, and `StartExecutionExpress`.
pub fn throttled_names() -> impl Iterator<Item = &'static str> {
    OPERATIONS.iter().map(|operation| operation.name).chain([START_EXPRESS])
}

/// The rates of operations, and the buckets.
#[derive(Debug, Default)]
pub struct Throttling {
    /// Whether what has no rate of its own has AWS's.
    as_aws: bool,
    /// None for what is not throttled.
    own: HashMap<&'static str, Option<Rate>>,
    buckets: Mutex<HashMap<Key, TokenBucket>>,
}

/// Whose bucket it is, where, and of what.
type Key = (Box<str>, Box<str>, &'static str);

impl Throttling {
    /// With AWS's rates, or with none at all.
    pub fn new(as_aws: bool) -> Throttling {
        Throttling { as_aws, ..Throttling::default() }
    }

    /// Gives one of [`throttled_names`] a rate of its own, or frees it of any. False if there is
    /// no such name.
    pub fn set(&mut self, name: &str, rate: Option<Rate>) -> bool {
        let known = throttled_names().find(|known| *known == name);
        known.map(|known| self.own.insert(known, rate)).is_some()
    }

    /// Whether nothing is ever throttled.
    pub fn is_idle(&self) -> bool {
        !self.as_aws && self.own.values().all(Option::is_none)
    }

    /// The rate of an operation.
    pub(crate) fn rate(&self, name: &str, region: &str) -> Option<Rate> {
        match self.own.get(name) {
            Some(own) => *own,
            None if self.as_aws => aws_rate(name, region),
            None => None,
        }
    }

    fn take(&self, account: &str, region: &str, name: &'static str, now: Timestamp) -> bool {
        let Some(rate) = self.rate(name, region) else { return true };
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let mut key: Key = (account.into(), region.into(), name);
        if buckets.len() >= BUCKETS_MAX && !buckets.contains_key(&key) {
            buckets.retain(|_, bucket| !bucket.is_full(now));
            if buckets.len() >= BUCKETS_MAX {
                // Everybody else together, so that no number of accounts has no bounds.
                key = ("".into(), "".into(), name);
            }
        }
        buckets.entry(key).or_insert_with(|| TokenBucket::full(rate, now)).take(now)
    }
}

/// Refuses a call that comes too soon, in AWS's words.
pub(crate) fn check(
    api: &Api,
    operation: &Operation,
    caller: &Caller<'_>,
    request: &Members<'_>,
) -> Result<(), ApiError> {
    let Some(throttling) = &api.options.throttling else { return Ok(()) };
    let is_express = operation.name == START && starts_express(api, request);
    let name = if is_express { START_EXPRESS } else { operation.name };
    match throttling.take(caller.account, caller.region, name, api.runtime.now()) {
        true => Ok(()),
        false => Err(ApiError::new(ErrorType::Throttling, "Rate exceeded")),
    }
}

/// Whether StartExecution is asked of an Express state machine. One that does not exist is none.
fn starts_express(api: &Api, request: &Members<'_>) -> bool {
    let Some(text) = request.known_text("stateMachineArn") else { return false };
    let text = input::plain_arn(api, text);
    let Ok(arn) = state_machine_arn(text) else { return false };
    input::machine_type_of(api, text, arn).is_ok_and(|found| found == MachineType::Express)
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    const NOW: Timestamp = Timestamp(1_000_000);

    #[test]
    fn awss_rates() {
        let mut table = String::new();
        for name in throttled_names() {
            let shown = |region| match aws_rate(name, region) {
                Some(rate) => format!("{}/{}", rate.bucket_size, rate.refill_per_second),
                None => "none".to_owned(),
            };
            table += &format!("{name} {} {}\n", shown("eu-west-1"), shown("eu-central-1"));
        }
        expect![[r#"
            CreateActivity 100/1 100/1
            CreateStateMachine 100/1 100/1
            CreateStateMachineAlias 100/1 100/1
            DeleteActivity 100/1 100/1
            DeleteStateMachine 100/1 100/1
            DeleteStateMachineAlias 100/1 100/1
            DeleteStateMachineVersion 100/1 100/1
            DescribeActivity 200/1 200/1
            DescribeExecution 300/15 250/10
            DescribeMapRun 200/1 200/1
            DescribeStateMachine 200/20 200/20
            DescribeStateMachineAlias 200/1 200/1
            DescribeStateMachineForExecution 200/1 200/1
            GetActivityTask 3000/500 1500/300
            GetExecutionHistory 400/20 400/20
            ListActivities 100/10 100/5
            ListExecutions 200/5 100/2
            ListMapRuns 100/1 100/1
            ListStateMachineAliases 100/1 100/1
            ListStateMachineVersions 100/1 100/1
            ListStateMachines 100/5 100/5
            ListTagsForResource 100/1 100/1
            PublishStateMachineVersion 100/1 100/1
            RedriveExecution 1300/300 800/150
            SendTaskFailure 3000/500 1500/300
            SendTaskHeartbeat 3000/500 1500/300
            SendTaskSuccess 3000/500 1500/300
            StartExecution 1300/300 800/150
            StartSyncExecution none none
            StopExecution 1000/200 500/25
            TagResource 200/1 200/1
            TestState 10/50 10/50
            UntagResource 200/1 200/1
            UpdateMapRun 100/1 100/1
            UpdateStateMachine 100/1 100/1
            UpdateStateMachineAlias 100/1 100/1
            ValidateStateMachineDefinition 100/1 100/1
            StartExecutionExpress 6000/6000 6000/6000
        "#]]
        .assert_eq(&table);
    }

    #[test]
    fn every_account_and_region_has_its_own_bucket() {
        let mut throttling = Throttling::new(false);
        assert!(throttling.is_idle());
        let rate = Rate { bucket_size: 2, refill_per_second: 1 };
        assert!(throttling.set("ListExecutions", Some(rate)));
        assert!(!throttling.set("ListExecution", Some(rate)));
        assert!(!throttling.is_idle());
        let take = |account, region, now| throttling.take(account, region, "ListExecutions", now);
        assert!(take("1", "r", NOW) && take("1", "r", NOW) && !take("1", "r", NOW));
        assert!(take("2", "r", NOW) && take("1", "s", NOW));
        assert!(!take("1", "r", NOW.plus_milliseconds(999)));
        assert!(take("1", "r", NOW.plus_milliseconds(1_000)));
        assert!((0..100).all(|_| throttling.take("1", "r", "ListActivities", NOW)));
    }

    #[test]
    fn an_own_rate_goes_before_awss() {
        let mut throttling = Throttling::new(true);
        assert!((0..10).all(|_| throttling.take("1", "r", "TestState", NOW)));
        assert!(!throttling.take("1", "r", "TestState", NOW));
        throttling.set("StopExecution", None);
        assert!((0..10_000).all(|_| throttling.take("1", "r", "StopExecution", NOW)));
    }

    #[test]
    fn accounts_without_number_share_one_bucket() {
        let mut throttling = Throttling::new(false);
        throttling.set("TagResource", Some(Rate { bucket_size: 1, refill_per_second: 1 }));
        let take = |account: usize| throttling.take(&account.to_string(), "r", "TagResource", NOW);
        assert!((0..BUCKETS_MAX).all(take));
        assert!(take(BUCKETS_MAX));
        assert!(!take(BUCKETS_MAX + 1));
        let later = NOW.plus_seconds(1);
        assert!(throttling.take("new", "r", "TagResource", later));
        assert_eq!(throttling.buckets.lock().unwrap().len(), 1);
    }
}
