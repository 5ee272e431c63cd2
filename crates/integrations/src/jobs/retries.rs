//! Whether a job that failed is tried again: `EvaluateOnExit` of AWS Batch.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::parameters::text;

/// Rules of a job at most (AWS Batch).
const RULES_MAX: usize = 5;
/// Exit codes that are looked for in an array on Kubernetes.
const EXIT_CODES: std::ops::RangeInclusive<i32> = 1..=255;

/// When a job that failed is tried again, and when it is not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RetryRule {
    /// `RETRY` or `EXIT`, in any case.
    pub action: String,
    /// All that are given must fit; `*` at the end stands for any text.
    #[serde(default)]
    pub on_exit_code: Option<String>,
    #[serde(default)]
    pub on_reason: Option<String>,
    #[serde(default)]
    pub on_status_reason: Option<String>,
}

impl RetryRule {
    fn fits(&self, exit_code: i32, reason: &str, status_reason: &str) -> bool {
        let fits = |pattern: &Option<String>, text: &str| {
            pattern.as_deref().is_none_or(|pattern| match pattern.strip_suffix('*') {
                Some(start) => text.starts_with(start),
                None => text == pattern,
            })
        };
        fits(&self.on_exit_code, &exit_code.to_string())
            && fits(&self.on_reason, reason)
            && fits(&self.on_status_reason, status_reason)
    }

    fn is_exit(&self) -> bool {
        self.action.eq_ignore_ascii_case("EXIT")
    }

    /// As DescribeJobs shows it.
    pub(super) fn show(&self) -> Value {
        let mut shown = json!({"Action": self.action});
        for (name, value) in [
            ("OnExitCode", &self.on_exit_code),
            ("OnReason", &self.on_reason),
            ("OnStatusReason", &self.on_status_reason),
        ] {
            if let Some(value) = value {
                shown[name] = value.as_str().into();
            }
        }
        shown
    }
}

/// What is wrong with rules.
pub(super) fn check(rules: &[RetryRule]) -> Result<(), String> {
    if rules.len() > RULES_MAX {
        return Err(format!("evaluateOnExit must have at most {RULES_MAX} rules."));
    }
    for rule in rules {
        if !rule.is_exit() && !rule.action.eq_ignore_ascii_case("RETRY") {
            return Err(format!("evaluateOnExit action {} must be RETRY or EXIT.", rule.action));
        }
        let patterns = [&rule.on_exit_code, &rule.on_reason, &rule.on_status_reason];
        if patterns.iter().all(|pattern| pattern.is_none()) {
            return Err("evaluateOnExit needs onExitCode, onReason or onStatusReason.".to_owned());
        }
    }
    Ok(())
}

/// The rules of a `RetryStrategy`, if it has any.
pub(super) fn read(strategy: &Value) -> Option<Vec<RetryRule>> {
    let rules = strategy.get("EvaluateOnExit")?.as_array()?;
    let read = |rule: &Value| RetryRule {
        action: text(rule, "Action").unwrap_or_default(),
        on_exit_code: text(rule, "OnExitCode"),
        on_reason: text(rule, "OnReason"),
        on_status_reason: text(rule, "OnStatusReason"),
    };
    Some(rules.iter().map(read).collect())
}

/// Whether an attempt that failed is followed by another: the first rule that fits says it, and
/// without one it is.
pub(super) fn is_retried(
    rules: &[RetryRule],
    exit_code: i32,
    reason: &str,
    status_reason: &str,
) -> bool {
    let rule = rules.iter().find(|rule| rule.fits(exit_code, reason, status_reason));
    rule.is_none_or(|rule| !rule.is_exit())
}

/// The exit codes after which nothing is tried again, for who can look at nothing else.
pub(super) fn final_exit_codes(rules: &[RetryRule], status_reason: &str) -> Vec<i32> {
    EXIT_CODES.filter(|code| !is_retried(rules, *code, "", status_reason)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(text: &str) -> Vec<RetryRule> {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn the_first_rule_that_fits_decides() {
        let rules = rules(
            r#"[{"action": "exit", "on_exit_code": "4*"}, {"action": "RETRY", "on_reason": "OutOfMemory*"},
                {"action": "EXIT", "on_status_reason": "Essential*", "on_exit_code": "1"},
                {"action": "Exit", "on_reason": "*"}]"#,
        );
        let retried = |code, reason| is_retried(&rules, code, reason, "Essential container");
        assert!(!retried(4, "OutOfMemoryError") && !retried(42, ""));
        assert!(retried(137, "OutOfMemoryError: x"));
        assert!(!retried(1, "") && !retried(2, ""));
        assert!(is_retried(&[], 1, "", ""), "without rules everything is");
        assert!(is_retried(&rules[..1], 14, "", ""), "without one that fits it is");
        assert_eq!(final_exit_codes(&rules[..1], "").len(), 1 + 10);
    }

    #[test]
    fn rules_are_checked() {
        let wrong = |text: &str| check(&rules(text)).unwrap_err();
        assert!(wrong(r#"[{"action": "STOP", "on_reason": "*"}]"#).contains("RETRY or EXIT"));
        assert!(wrong(r#"[{"action": "EXIT"}]"#).contains("onExitCode"));
        let many = [r#"{"action": "EXIT", "on_reason": "*"}"#; 6].join(",");
        assert!(wrong(&format!("[{many}]")).contains("at most 5"));
    }
}
