//! Retriers and catchers that do nothing.

use super::{
    CATCHER_NEVER_MATCHES, FALLBACK_NEVER_REACHED, Linter, RETRIER_NEVER_MATCHES, StateSite,
};
use crate::document::Node;
use crate::validate::Field;
use crate::validate::fields::StateType;

/// Names that AWS's guide lists and no failure carries: it is `States.Runtime` instead, which
/// nothing takes.
const NEVER_RAISED: &[&str] =
    &["States.NoChoiceMatched", "States.ParameterPathFailure", "States.IntrinsicFailure"];

/// The longest list of delays that is added up.
const DELAYS_MAX: u32 = 100_000;

impl Linter {
    pub(super) fn error_handling(&mut self, state: &StateSite<'_>) {
        self.never_match(state, "Retry", RETRIER_NEVER_MATCHES);
        self.never_match(state, "Catch", CATCHER_NEVER_MATCHES);
        self.endless_retries(state);
    }

    /// Reports every entry of which all names are taken by earlier ones, or by none.
    fn never_match(&mut self, state: &StateSite<'_>, key: &str, code: &'static str) {
        let Some(list) = state.field(key) else { return };
        let mut earlier: Vec<&str> = Vec::new();
        for entry in list.elements() {
            let names = error_names(&entry);
            let reasons: Vec<String> = names
                .iter()
                .map_while(|name| never_matches(name, key, state.kind, &earlier))
                .collect();
            if !names.is_empty() && reasons.len() == names.len() {
                let message = format!("This never matches: {}.", reasons.join("; "));
                self.advise(code, message, &entry.site);
            }
            earlier.extend(names);
        }
    }

    /// Reports a retrier that goes on for longer than the execution may, if there is a catcher
    /// that waits for it.
    fn endless_retries(&mut self, state: &StateSite<'_>) {
        let Some(list) = state.field("Retry").filter(|_| state.has("Catch")) else { return };
        let catches: Vec<&str> = state
            .field("Catch")
            .iter()
            .flat_map(Field::elements)
            .flat_map(|e| names_of(&e))
            .collect();
        for entry in list.elements() {
            let taken = error_names(&entry);
            let waits = catches.iter().any(|caught| {
                *caught == "States.ALL" || taken.contains(caught) || taken.contains(&"States.ALL")
            });
            if waits && self.total_delay(&entry) > self.seconds_max() {
                let message = "These retries take longer than an execution may: what they were \
                               tried for is never caught.";
                self.advise(FALLBACK_NEVER_REACHED, message, &entry.site);
            }
        }
    }

    /// The seconds between the first failure and the last retry.
    fn total_delay(&self, retrier: &Field<'_>) -> f64 {
        let number = |key: &str, default: f64| {
            let node = retrier.node.as_object().and_then(|object| object.get(key));
            node.and_then(Node::as_number).and_then(serde_json::Number::as_f64).unwrap_or(default)
        };
        let most = number("MaxDelaySeconds", f64::INFINITY);
        let rate = number("BackoffRate", 2.0);
        let mut delay = number("IntervalSeconds", 1.0);
        let mut left = number("MaxAttempts", 3.0);
        let mut total = 0.0;
        for _ in 0..DELAYS_MAX {
            if left < 1.0 || total > self.seconds_max() {
                return total;
            }
            total += delay.min(most);
            delay *= rate;
            left -= 1.0;
        }
        // From here on the delays are about equal.
        total + left * delay.min(most)
    }
}

/// The names of an entry of `Retry` or `Catch`.
fn error_names<'n>(entry: &Field<'n>) -> Vec<&'n str> {
    names_of(entry).collect()
}

fn names_of<'n>(entry: &Field<'n>) -> impl Iterator<Item = &'n str> + use<'n> {
    let names = entry.node.as_object().and_then(|object| object.get("ErrorEquals")?.as_array());
    names.unwrap_or_default().iter().filter_map(Node::as_str)
}

/// Why a name never matches where it stands.
fn never_matches(name: &str, key: &str, kind: StateType, earlier: &[&str]) -> Option<String> {
    if name == "States.Runtime" {
        return Some("nothing takes States.Runtime".to_owned());
    }
    if name == "States.DataLimitExceeded" && key == "Retry" {
        return Some("States.DataLimitExceeded is never tried again".to_owned());
    }
    if NEVER_RAISED.contains(&name) {
        return Some(format!("a failure of this kind is States.Runtime, not {name}"));
    }
    let by = earlier.iter().find(|earlier| covers(earlier, name, kind))?;
    let verb = if key == "Retry" { "retried" } else { "caught" };
    Some(match *by == name {
        true => format!("{name} is {verb} further up"),
        false => format!("{name} is {verb} further up as {by}"),
    })
}

/// Whether everything that one name takes is taken by an earlier one.
fn covers(earlier: &str, name: &str, kind: StateType) -> bool {
    let is_own = !name.starts_with("States.") || name.starts_with("States.Http.");
    earlier == name
        || match earlier {
            "States.ALL" => true,
            "States.Timeout" => name == "States.HeartbeatTimeout",
            "States.TaskFailed" => {
                kind == StateType::Task
                    && (is_own || matches!(name, "States.HeartbeatTimeout" | "States.Permissions"))
            }
            "States.BranchFailed" => kind == StateType::Parallel && is_own,
            _ => false,
        }
}
