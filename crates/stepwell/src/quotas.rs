//! `[quotas]`: how much there may be, where an operator wants more than AWS allows.

use runtime::Quotas;
use serde::Deserialize;

/// `[quotas]` as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct QuotasTable {
    state_machines: Option<u64>,
    activities: Option<u64>,
    open_executions: Option<u64>,
    activity_pollers: Option<u64>,
    versions: Option<u64>,
    aliases: Option<u64>,
    tags: Option<u64>,
}

impl QuotasTable {
    /// The quotas, or what is wrong with one.
    pub(crate) fn settle(&self) -> Result<Quotas, String> {
        let aws = Quotas::default();
        Ok(Quotas {
            state_machines: at_most("state_machines", self.state_machines, 1, 10_000_000)?
                .unwrap_or(aws.state_machines),
            activities: at_most("activities", self.activities, 1, 10_000_000)?
                .unwrap_or(aws.activities),
            open_executions: at_most("open_executions", self.open_executions, 1, 1_000_000_000)?
                .unwrap_or(aws.open_executions),
            activity_pollers: at_most("activity_pollers", self.activity_pollers, 1, 1_000_000)?
                .unwrap_or(aws.activity_pollers),
            versions: at_most("versions", self.versions, 1, 1_000_000)?.unwrap_or(aws.versions),
            aliases: at_most("aliases", self.aliases, 1, 1_000_000)?.unwrap_or(aws.aliases),
            tags: at_most("tags", self.tags, 1, 1_000)?.unwrap_or(aws.tags),
        })
    }
}

/// A number within its bounds.
fn at_most<T: TryFrom<u64>>(
    name: &str,
    given: Option<u64>,
    least: u64,
    most: u64,
) -> Result<Option<T>, String> {
    let Some(given) = given else { return Ok(None) };
    let wrong = || format!("{name} is {given}, it must be {least} to {most}");
    if !(least..=most).contains(&given) {
        return Err(wrong());
    }
    T::try_from(given).map(Some).map_err(|_| wrong())
}
