//! `[throttling]`: how often operations may be called.

use std::collections::BTreeMap;
use std::fmt;

use api::{Throttling, throttled_names};
use runtime::Rate;
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserializer, MapAccess, Visitor};

/// The most that a bucket may hold or get in a second.
const TOKENS_MAX: u32 = 1_000_000_000;

/// `[throttling]` as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ThrottlingTable {
    #[serde(default)]
    rates: RatesName,
    #[serde(default)]
    operations: BTreeMap<String, RateEntry>,
}

/// `rates`: what counts where nothing else is said.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum RatesName {
    #[default]
    None,
    Aws,
}

/// A rate, or the word `unlimited`.
#[derive(Debug, Clone, Copy)]
enum RateEntry {
    Unlimited,
    Limited(Rate),
}

/// A rate as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RateTable {
    bucket_size: u32,
    refill_per_second: u32,
}

impl<'de> Deserialize<'de> for RateEntry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RateVisitor)
    }
}

struct RateVisitor;

impl<'de> Visitor<'de> for RateVisitor {
    type Value = RateEntry;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{ bucket_size = N, refill_per_second = N } or \"unlimited\"")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<RateEntry, E> {
        match text {
            "unlimited" => Ok(RateEntry::Unlimited),
            _ => Err(E::invalid_value(de::Unexpected::Str(text), &self)),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<RateEntry, A::Error> {
        let table = RateTable::deserialize(MapAccessDeserializer::new(map))?;
        let RateTable { bucket_size, refill_per_second } = table;
        for (name, value) in
            [("bucket_size", bucket_size), ("refill_per_second", refill_per_second)]
        {
            if !(1..=TOKENS_MAX).contains(&value) {
                let error = format!("{name} is {value}, it must be 1 to {TOKENS_MAX}");
                return Err(de::Error::custom(error));
            }
        }
        Ok(RateEntry::Limited(Rate { bucket_size, refill_per_second }))
    }
}

impl RateEntry {
    fn rate(self) -> Option<Rate> {
        match self {
            RateEntry::Unlimited => None,
            RateEntry::Limited(rate) => Some(rate),
        }
    }
}

/// What came of it.
#[derive(Debug, Default)]
pub(crate) struct ThrottlingSettings {
    /// Of the API's operations.
    rates: Vec<(String, Option<Rate>)>,
    as_aws: bool,
}

impl ThrottlingTable {
    /// The rates, or the name of an operation that there is not.
    pub(crate) fn settle(self) -> Result<ThrottlingSettings, String> {
        if let Some(name) =
            self.operations.keys().find(|name| !throttled_names().any(|it| it == *name))
        {
            return Err(format!(
                "`{name}` is no operation of Step Functions (nor StartExecutionExpress)"
            ));
        }
        Ok(ThrottlingSettings {
            rates: self.operations.into_iter().map(|(name, entry)| (name, entry.rate())).collect(),
            as_aws: self.rates == RatesName::Aws,
        })
    }
}

impl ThrottlingSettings {
    /// The buckets of the API's operations, if anything is throttled.
    pub(crate) fn operations(&self) -> Option<Throttling> {
        let mut throttling = Throttling::new(self.as_aws);
        for (name, rate) in &self.rates {
            throttling.set(name, *rate);
        }
        (!throttling.is_idle()).then_some(throttling)
    }
}
