//! `[quotas]`: how much there may be, where an operator wants more than AWS allows.

use api::ApiOptions;
use engine::limits::Limits;
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
    payload_bytes: Option<u64>,
    variable_bytes: Option<u64>,
    variables_bytes: Option<u64>,
    history_events: Option<u64>,
    definition_characters: Option<u64>,
    request_bytes: Option<u64>,
}

/// What came of it.
#[derive(Debug)]
pub(crate) struct QuotaSettings {
    pub(crate) quotas: Quotas,
    pub(crate) limits: Limits,
    pub(crate) definition_characters: usize,
    pub(crate) request_bytes: usize,
}

impl QuotasTable {
    /// The quotas, or what is wrong with one.
    pub(crate) fn settle(&self) -> Result<QuotaSettings, String> {
        let aws = ApiOptions::default();
        let (definition, request) = (aws.definition_characters_max, aws.request_bytes_max);
        Ok(QuotaSettings {
            quotas: self.quotas()?,
            limits: self.limits()?,
            definition_characters: raised(
                "definition_characters",
                self.definition_characters,
                definition,
                16 << 20,
            )?,
            request_bytes: raised("request_bytes", self.request_bytes, request, 64 << 20)?,
        })
    }

    fn limits(&self) -> Result<Limits, String> {
        let aws = Limits::default();
        let (payload, variable) = (aws.payload_bytes, aws.variable_bytes);
        Ok(Limits {
            payload_bytes: raised("payload_bytes", self.payload_bytes, payload, 8 << 20)?,
            variable_bytes: raised("variable_bytes", self.variable_bytes, variable, 8 << 20)?,
            variables_bytes: raised(
                "variables_bytes",
                self.variables_bytes,
                aws.variables_bytes,
                256 << 20,
            )?,
            history_events: raised(
                "history_events",
                self.history_events,
                aws.history_events,
                1_000_000,
            )?,
        })
    }

    fn quotas(&self) -> Result<Quotas, String> {
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

/// A number that is AWS's or more.
fn raised<T: TryFrom<u64> + Copy>(
    name: &str,
    given: Option<u64>,
    aws: T,
    most: u64,
) -> Result<T, String>
where
    u64: TryFrom<T>,
{
    let least = u64::try_from(aws).unwrap_or(u64::MAX);
    Ok(at_most(name, given, least, most)?.unwrap_or(aws))
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
