//! Execution logs: which events a state machine's `loggingConfiguration` wants, and how a record
//! looks that AWS sends to CloudWatch Logs.

use engine::{Detail, HistoryEvent};
use serde_json::Value;

use crate::json::JsonObject;

/// Bytes of an input or output in a record, as it is escaped there; what is beyond is cut off
/// (AWS: 248 KiB, from the size of a log event).
const DATA_BYTES_MAX: usize = 248 * 1024;

/// What is logged of a state machine's executions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogSettings<'c> {
    level: Level,
    with_data: bool,
    pub log_group_region: &'c str,
    /// The name of the log group.
    pub log_group: &'c str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Level {
    All,
    Error,
    Fatal,
}

impl<'c> LogSettings<'c> {
    /// Reads a `loggingConfiguration` that CreateStateMachine accepted. None where nothing is
    /// to be logged.
    pub fn of(configuration: &'c Value) -> Option<LogSettings<'c>> {
        let level = match configuration["level"].as_str()? {
            "ALL" => Level::All,
            "ERROR" => Level::Error,
            "FATAL" => Level::Fatal,
            _ => return None,
        };
        let group = &configuration["destinations"][0]["cloudWatchLogsLogGroup"]["logGroupArn"];
        // arn:aws:logs:<region>:<account>:log-group:<name>:*
        let mut parts = group.as_str()?.splitn(7, ':').skip(3);
        let log_group_region = parts.next()?;
        let log_group = parts.nth(2)?.trim_end_matches(":*");
        let with_data = configuration["includeExecutionData"] == true;
        Some(LogSettings { level, with_data, log_group_region, log_group })
    }

    /// Whether events of this type are logged, by AWS's table.
    fn wants(&self, event_type: &str) -> bool {
        let is_fatal =
            matches!(event_type, "ExecutionAborted" | "ExecutionFailed" | "ExecutionTimedOut");
        match self.level {
            Level::All => true,
            Level::Fatal => is_fatal,
            Level::Error => {
                is_fatal
                    || event_type == "FailStateEntered"
                    || ["Failed", "TimedOut", "Aborted"]
                        .iter()
                        .any(|ending| event_type.ends_with(ending))
            }
        }
    }

    /// The record of an event: JSON on one line; none if it is not to be logged.
    pub fn record(
        &self,
        event: &HistoryEvent,
        execution_arn: &str,
        redrive_count: u32,
    ) -> Option<String> {
        if !self.wants(event.event_type) {
            return None;
        }
        let mut record = JsonObject::new();
        record.text("id", &event.id.to_string());
        record.text("type", event.event_type);
        record.object("details", |details| {
            for (name, detail) in event.details.iter().flat_map(|(_, members)| members) {
                write_detail(details, name, detail, self.with_data);
            }
        });
        record.text("previous_event_id", &event.previous_event_id.to_string());
        record.text("event_timestamp", &event.timestamp.0.to_string());
        record.text("execution_arn", execution_arn);
        record.text("redrive_count", &redrive_count.to_string());
        String::from_utf8(record.finish()).ok()
    }
}

fn write_detail(details: &mut JsonObject, name: &str, detail: &Detail, with_data: bool) {
    match detail {
        Detail::Text(text) => details.text(name, text),
        Detail::Number(number) => details.number(name, *number),
        Detail::RoleArn(role) => details.object(name, |details| details.text("roleArn", role)),
        Detail::Data(_) | Detail::Parameters(_) | Detail::Variables(_) if !with_data => {}
        Detail::Parameters(payload) => details.text(name, cut(payload.text()).0),
        Detail::Data(payload) => {
            let (text, truncated) = cut(payload.text());
            details.text(name, text);
            write_truncated(details, name, truncated);
        }
        Detail::Variables(variables) => {
            let mut truncated = false;
            details.object(name, |details| {
                for (variable, value) in variables {
                    let (text, is_cut) = cut(value.text());
                    truncated |= is_cut;
                    details.text(variable, text);
                }
            });
            write_truncated(details, name, truncated);
        }
    }
}

fn write_truncated(details: &mut JsonObject, name: &str, truncated: bool) {
    details.object(&format!("{name}Details"), |details| details.boolean("truncated", truncated));
}

/// As much of a text as a record may hold of it, and whether that is less than all.
fn cut(text: &str) -> (&str, bool) {
    if text.len().saturating_mul(6) <= DATA_BYTES_MAX {
        return (text, false);
    }
    let mut bytes = 0;
    for (at, character) in text.char_indices() {
        bytes += match character {
            '"' | '\\' | '\n' | '\r' | '\t' | '\u{8}' | '\u{c}' => 2,
            control if control < ' ' => 6,
            character => character.len_utf8(),
        };
        if bytes > DATA_BYTES_MAX {
            return (&text[..at], true);
        }
    }
    (text, false)
}

#[cfg(test)]
mod tests {
    use asl::{Payload, Timestamp};
    use expect_test::{Expect, expect};
    use serde_json::json;

    use super::*;

    fn configuration(level: &str, with_data: bool) -> Value {
        let arn = "arn:aws:logs:us-east-1:123456789012:log-group:/aws/vendedlogs/states/m:*";
        json!({
            "level": level,
            "includeExecutionData": with_data,
            "destinations": [{"cloudWatchLogsLogGroup": {"logGroupArn": arn}}],
        })
    }

    fn event(event_type: &'static str, members: Vec<(&'static str, Detail)>) -> HistoryEvent {
        HistoryEvent {
            id: 4,
            previous_event_id: 3,
            timestamp: Timestamp(1_667_510_400_123),
            event_type,
            details: (!members.is_empty()).then_some(("x", members)),
        }
    }

    #[test]
    fn records_look_as_on_aws() {
        let check = |with_data, event: &HistoryEvent, expected: Expect| {
            let configuration = configuration("ALL", with_data);
            let settings = LogSettings::of(&configuration).unwrap();
            assert_eq!(settings.log_group_region, "us-east-1");
            assert_eq!(settings.log_group, "/aws/vendedlogs/states/m");
            expected.assert_eq(&settings.record(event, "arn:e", 1).unwrap());
        };
        let payload = Payload::from_valid_text(r#"{"a": "ü"}"#);
        let exited = event(
            "PassStateExited",
            vec![
                ("name", Detail::Text("A".into())),
                ("output", Detail::Data(payload.clone())),
                ("assignedVariables", Detail::Variables(vec![("x".into(), payload)])),
            ],
        );
        check(
            true,
            &exited,
            expect![[
                r#"{"id":"4","type":"PassStateExited","details":{"name":"A","output":"{\"a\": \"ü\"}","outputDetails":{"truncated":false},"assignedVariables":{"x":"{\"a\": \"ü\"}"},"assignedVariablesDetails":{"truncated":false}},"previous_event_id":"3","event_timestamp":"1667510400123","execution_arn":"arn:e","redrive_count":"1"}"#
            ]],
        );
        check(
            false,
            &exited,
            expect![[
                r#"{"id":"4","type":"PassStateExited","details":{"name":"A"},"previous_event_id":"3","event_timestamp":"1667510400123","execution_arn":"arn:e","redrive_count":"1"}"#
            ]],
        );
        check(
            true,
            &event("ParallelStateStarted", Vec::new()),
            expect![[
                r#"{"id":"4","type":"ParallelStateStarted","details":{},"previous_event_id":"3","event_timestamp":"1667510400123","execution_arn":"arn:e","redrive_count":"1"}"#
            ]],
        );
    }

    #[test]
    fn levels_are_as_in_awss_table() {
        let check = |level: &str, expected: Expect| {
            let configuration = configuration(level, false);
            let Some(settings) = LogSettings::of(&configuration) else {
                return expected.assert_eq("nothing");
            };
            let types = [
                "ExecutionStarted",
                "ExecutionSucceeded",
                "ExecutionFailed",
                "ExecutionAborted",
                "ExecutionTimedOut",
                "FailStateEntered",
                "PassStateEntered",
                "TaskFailed",
                "TaskSubmitFailed",
                "TaskTimedOut",
                "LambdaFunctionScheduleFailed",
                "LambdaFunctionStartFailed",
                "MapIterationAborted",
                "WaitStateAborted",
                "ParallelStateFailed",
                "MapRunFailed",
                "TaskSucceeded",
                "EvaluationFailed",
            ];
            let logged: Vec<&str> = types.into_iter().filter(|name| settings.wants(name)).collect();
            expected.assert_eq(&logged.join(" "));
        };
        check(
            "ALL",
            expect![
                "ExecutionStarted ExecutionSucceeded ExecutionFailed ExecutionAborted ExecutionTimedOut FailStateEntered PassStateEntered TaskFailed TaskSubmitFailed TaskTimedOut LambdaFunctionScheduleFailed LambdaFunctionStartFailed MapIterationAborted WaitStateAborted ParallelStateFailed MapRunFailed TaskSucceeded EvaluationFailed"
            ],
        );
        check(
            "ERROR",
            expect![
                "ExecutionFailed ExecutionAborted ExecutionTimedOut FailStateEntered TaskFailed TaskSubmitFailed TaskTimedOut LambdaFunctionScheduleFailed LambdaFunctionStartFailed MapIterationAborted WaitStateAborted ParallelStateFailed MapRunFailed EvaluationFailed"
            ],
        );
        check("FATAL", expect!["ExecutionFailed ExecutionAborted ExecutionTimedOut"]);
        check("OFF", expect!["nothing"]);
    }

    #[test]
    fn large_data_is_cut_where_its_escaped_form_is_too_long() {
        let check = |text: &str, kept: usize| {
            let (start, is_cut) = cut(text);
            assert_eq!((start.len(), is_cut), (kept, kept < text.len()));
        };
        check(&"a".repeat(DATA_BYTES_MAX), DATA_BYTES_MAX);
        check(&"a".repeat(DATA_BYTES_MAX + 1), DATA_BYTES_MAX);
        check(&"\"".repeat(DATA_BYTES_MAX), DATA_BYTES_MAX / 2);
        check(&"ü".repeat(DATA_BYTES_MAX), DATA_BYTES_MAX);
        check(&format!("a{}", "ü".repeat(DATA_BYTES_MAX)), DATA_BYTES_MAX - 1);
    }
}
