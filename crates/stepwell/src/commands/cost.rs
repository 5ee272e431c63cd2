//! `stepwell cost`: what the same work would have cost on AWS.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::process::ExitCode;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::cli::Cost as Arguments;
use crate::client::Client;
use crate::failure::Failure;
use crate::prices::{Cost, Prices, Used};
use crate::style::{Style, Tone};

/// The answer of `GET /api/usage`, as far as it matters here.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Usage {
    from: String,
    until: String,
    state_machines: Vec<Machine>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Machine {
    state_machine_arn: String,
    account_id: String,
    region: String,
    total: Used,
}

/// An account in a Region, which AWS bills as one.
#[derive(Debug, Default)]
struct Bill {
    used: Used,
    cost: Cost,
    /// Of the cost, what the account's free state transitions take away.
    free: f64,
}

/// Asks a server for its usage and prints the bill.
pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let prices = Prices::load(arguments.prices.as_deref())?;
    let client = Client::of(arguments.endpoint.as_deref(), arguments.ca_bundle.as_deref())?;
    let query = arguments.month.as_ref().map_or(String::new(), |month| format!("?month={month}"));
    let answer = client.get(&format!("/api/usage{query}"))?;
    let usage: Usage = serde_json::from_value(answer)
        .map_err(|error| Failure::unsuccessful(format!("the server's answer is odd: {error}")))?;
    let bills = bills(&usage, &prices);
    let mut stdout = std::io::stdout();
    let text = match arguments.json {
        true => format!("{:#}\n", as_json(&usage, &bills, &prices)),
        false => table(&usage, &bills, &prices, Style::of(&stdout)),
    };
    stdout
        .write_all(text.as_bytes())
        .map_err(|error| Failure::unsuccessful(format!("cannot write the bill: {error}")))?;
    Ok(ExitCode::SUCCESS)
}

fn bills(usage: &Usage, prices: &Prices) -> BTreeMap<(String, String), Bill> {
    let mut bills: BTreeMap<(String, String), Bill> = BTreeMap::new();
    for machine in &usage.state_machines {
        let place = (machine.account_id.clone(), machine.region.clone());
        bills.entry(place).or_default().used.add(machine.total);
    }
    // The free state transitions are those of the account, whatever the Region.
    let mut left: BTreeMap<String, u64> = BTreeMap::new();
    for ((account, region), bill) in &mut bills {
        bill.cost = prices.cost(region, &bill.used);
        let left = left.entry(account.clone()).or_insert(prices.free_state_transitions);
        let free = bill.used.state_transitions.min(*left);
        *left -= free;
        bill.free = prices.transitions(region, free);
    }
    bills
}

fn as_json(usage: &Usage, bills: &BTreeMap<(String, String), Bill>, prices: &Prices) -> Value {
    let of = |cost: &Cost| {
        json!({
            "stateTransitions": cost.transitions,
            "expressRequests": cost.requests,
            "expressDuration": cost.duration,
            "total": cost.total(),
        })
    };
    let bills: Vec<Value> = bills
        .iter()
        .map(|((account, region), bill)| {
            json!({
                "accountId": account,
                "region": region,
                "pricesOf": prices.region_of(region),
                "stateTransitions": bill.used.state_transitions,
                "expressRequests": bill.used.express_requests,
                "expressGigabyteHours": bill.used.gigabyte_hours(),
                "cost": of(&bill.cost),
                "freeTier": bill.free,
                "costAfterFreeTier": bill.cost.total() - bill.free,
            })
        })
        .collect();
    let machines: Vec<Value> = usage
        .state_machines
        .iter()
        .map(|machine| {
            json!({
                "stateMachineArn": machine.state_machine_arn,
                "stateTransitions": machine.total.state_transitions,
                "expressRequests": machine.total.express_requests,
                "expressGigabyteHours": machine.total.gigabyte_hours(),
                "cost": of(&prices.cost(&machine.region, &machine.total)),
            })
        })
        .collect();
    json!({
        "from": usage.from,
        "until": usage.until,
        "currency": prices.currency,
        "prices": { "source": prices.source, "date": prices.date },
        "bills": bills,
        "stateMachines": machines,
    })
}

fn table(
    usage: &Usage,
    bills: &BTreeMap<(String, String), Bill>,
    prices: &Prices,
    style: Style,
) -> String {
    let currency = &prices.currency;
    let mut text = String::new();
    let mut line = |content: String| {
        // Writing to memory cannot fail.
        let _ = writeln!(text, "{}", content.trim_end());
    };
    line(format!("What the same work would have cost on AWS, {} to {}", usage.from, usage.until));
    if bills.is_empty() {
        line("Nothing was used.".to_owned());
    }
    for ((account, region), bill) in bills {
        line(String::new());
        line(style.paint(Tone::Name, &format!("account {account}, {region}")));
        let hours = format!("{:.3}", bill.used.gigabyte_hours());
        for (what, amount, cost) in [
            ("state transitions", bill.used.state_transitions.to_string(), bill.cost.transitions),
            ("Express requests", bill.used.express_requests.to_string(), bill.cost.requests),
            ("Express gigabyte-hours", hours, bill.cost.duration),
        ] {
            line(format!("  {what:<24}{amount:>16}  {cost:>14.6} {currency}"));
        }
        let total = bill.cost.total();
        line(format!("  {:<24}{:>16}  {total:>14.6} {currency}", "together", ""));
        line(format!("  {:<24}{:>16}  {:>14.6} {currency}", "free tier", "", -bill.free));
        let rest = total - bill.free;
        line(format!("  {:<24}{:>16}  {rest:>14.6} {currency}", "with the free tier", ""));
        let of = prices.region_of(region);
        if of != region {
            line(style.paint(Tone::Dim, &format!("  at the prices of {of}")));
        }
    }
    if !usage.state_machines.is_empty() {
        line(String::new());
        line(style.paint(Tone::Name, "by state machine, before the free tier"));
    }
    for machine in &usage.state_machines {
        let cost = prices.cost(&machine.region, &machine.total).total();
        line(format!("  {cost:>14.6} {currency}  {}", machine.state_machine_arn));
    }
    line(String::new());
    line(style.paint(Tone::Dim, &format!("prices of {}, {}", prices.date, prices.source)));
    text
}
