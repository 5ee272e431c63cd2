//! `GET /api/usage`: what executions used, by state machine and day, in the units that AWS bills.

use std::collections::BTreeMap;

use asl::Timestamp;
use runtime::{Usage, UsageEntry};

use crate::api::Api;
use crate::error::ApiError;
use crate::json::JsonObject;

/// Milliseconds of a day.
const DAY_MS: i64 = 24 * 60 * 60 * 1_000;
/// Days of one answer at most, so that it stays bounded.
const DAYS_MAX: i64 = 366;

/// The answer, for an account or for all. `query` is what follows the `?`: `month=2026-11`, or
/// `from` and `until` as dates; the present month if nothing is said.
pub(crate) async fn answer(
    api: &Api,
    query: &str,
    account: Option<&str>,
) -> Result<Vec<u8>, ApiError> {
    let (from, until) = days(query, api.now())?;
    let entries = api.runtime.usage(from, until).await?;
    let entries = entries.into_iter().filter(|entry| {
        account.is_none_or(|account| arn_part(&entry.state_machine_arn, 4) == account)
    });
    Ok(write(from, until, entries))
}

/// The first day, and the day after the last.
fn days(query: &str, now: Timestamp) -> Result<(i64, i64), ApiError> {
    let (mut month, mut from, mut until) = (None, None, None);
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        match name {
            "month" => month = Some(value.to_owned()),
            "from" => from = Some(day(value)?),
            "until" => until = Some(day(value)?),
            _ => return Err(ApiError::validation(format!("unknown parameter: {name}"))),
        }
    }
    let (first, last) = match (month, from, until) {
        (None, Some(from), Some(until)) => (from, until),
        (None, None, None) => {
            let today = date(now.0.div_euclid(DAY_MS));
            month_days(&today[..7])?
        }
        (Some(month), None, None) => month_days(&month)?,
        _ => {
            let message = "give month, or from and until, or nothing for the present month";
            return Err(ApiError::validation(message));
        }
    };
    if last <= first || last - first > DAYS_MAX {
        let message = format!("until must be 1 to {DAYS_MAX} days after from");
        return Err(ApiError::validation(message));
    }
    Ok((first, last))
}

/// The days of a month such as `2026-11`.
fn month_days(month: &str) -> Result<(i64, i64), ApiError> {
    let wrong = || ApiError::validation(format!("not a month such as 2026-11: {month}"));
    let first = day(&format!("{month}-01")).map_err(|_| wrong())?;
    // Into the next month, wherever it begins.
    let next = date(first + 31);
    Ok((first, day(&format!("{}-01", &next[..7])).map_err(|_| wrong())?))
}

/// A date such as `2026-11-22`, in days since 1970.
fn day(text: &str) -> Result<i64, ApiError> {
    let is_date =
        text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    let moment = is_date.then(|| Timestamp::parse(&format!("{text}T00:00:00Z"))).flatten();
    let moment = moment
        .ok_or_else(|| ApiError::validation(format!("not a date such as 2026-11-22: {text}")))?;
    Ok(moment.0.div_euclid(DAY_MS))
}

fn date(day: i64) -> String {
    Timestamp(day.saturating_mul(DAY_MS)).to_iso_8601().chars().take(10).collect()
}

fn arn_part(arn: &str, at: usize) -> &str {
    arn.split(':').nth(at).unwrap_or_default()
}

fn write(from: i64, until: i64, entries: impl Iterator<Item = UsageEntry>) -> Vec<u8> {
    let mut machines: BTreeMap<Box<str>, Vec<(i64, Usage)>> = BTreeMap::new();
    let mut total = Usage::default();
    for UsageEntry { day, state_machine_arn, usage } in entries {
        total += usage;
        machines.entry(state_machine_arn).or_default().push((day, usage));
    }
    let mut body = JsonObject::new();
    body.text("from", &date(from));
    body.text("until", &date(until));
    body.object("total", |object| write_usage(object, &total));
    body.objects("stateMachines", &machines, |object, (arn, days)| {
        object.text("stateMachineArn", arn);
        object.text("accountId", arn_part(arn, 4));
        object.text("region", arn_part(arn, 3));
        let mut sum = Usage::default();
        for (_, usage) in days {
            sum += *usage;
        }
        object.object("total", |object| write_usage(object, &sum));
        object.objects("days", days, |object, (day, usage)| {
            object.text("date", &date(*day));
            write_usage(object, usage);
        });
    });
    body.finish()
}

fn write_usage(object: &mut JsonObject, usage: &Usage) {
    object.number("standardExecutions", usage.executions);
    object.number("stateTransitions", usage.transitions);
    object.number("expressRequests", usage.requests);
    object.number("expressBilledMilliseconds", usage.milliseconds);
    object.number("expressBilledMegabyteMilliseconds", usage.megabyte_milliseconds);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a query means on 22 November 2026, or why it is refused.
    fn check(query: &str, expected: Result<(&str, &str), &str>) {
        let now = Timestamp::parse("2026-11-22T23:59:59Z").unwrap();
        let found = days(query, now);
        let found = found.map(|(from, until)| (date(from), date(until)));
        let found = found.as_ref().map(|(from, until)| (from.as_str(), until.as_str()));
        match (found, expected) {
            (Ok(found), Ok(expected)) => assert_eq!(found, expected, "{query}"),
            (Err(error), Err(expected)) => {
                assert_eq!(error.message.as_deref(), Some(expected), "{query}");
            }
            (found, _) => panic!("{query}: {found:?}"),
        }
    }

    #[test]
    fn queries_name_days() {
        check("", Ok(("2026-11-01", "2026-12-01")));
        check("month=2024-02", Ok(("2024-02-01", "2024-03-01")));
        check("month=2026-12", Ok(("2026-12-01", "2027-01-01")));
        check("from=2026-01-31&until=2026-02-01", Ok(("2026-01-31", "2026-02-01")));
        check("month=2026", Err("not a month such as 2026-11: 2026"));
        check("month=2026-13", Err("not a month such as 2026-11: 2026-13"));
        check("from=2026-02-30&until=2026-03-01", Err("not a date such as 2026-11-22: 2026-02-30"));
        check("from=1&until=2", Err("not a date such as 2026-11-22: 1"));
        check("from=2026-01-02&until=2026-01-02", Err("until must be 1 to 366 days after from"));
        check("from=2020-01-02&until=2026-01-02", Err("until must be 1 to 366 days after from"));
        let both = "give month, or from and until, or nothing for the present month";
        check("month=2026-01&from=2026-01-01", Err(both));
        check("from=2026-01-01", Err(both));
        check("machine=a", Err("unknown parameter: machine"));
    }
}
