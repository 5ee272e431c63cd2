//! History events as GetExecutionHistory shows them.

use engine::{Detail, HistoryEvent};

use crate::json::JsonObject;

/// Writes an event. Inputs and outputs are left out unless `with_data`.
pub(crate) fn write(object: &mut JsonObject, event: &HistoryEvent, with_data: bool) {
    object.time("timestamp", event.timestamp);
    object.text("type", event.event_type);
    object.number("id", u64::from(event.id));
    object.number("previousEventId", u64::from(event.previous_event_id));
    if let Some((key, details)) = &event.details {
        object.object(key, |object| {
            for (name, detail) in details {
                write_detail(object, name, detail, with_data);
            }
        });
    }
}

fn write_detail(object: &mut JsonObject, name: &str, detail: &Detail, with_data: bool) {
    match detail {
        Detail::Text(text) => object.text(name, text),
        Detail::Number(number) => object.number(name, *number),
        Detail::RoleArn(role) => object.object(name, |object| object.text("roleArn", role)),
        Detail::Data(_) | Detail::Parameters(_) | Detail::Variables(_) if !with_data => {}
        Detail::Parameters(payload) => object.text(name, payload.text()),
        Detail::Data(payload) => {
            object.text(name, payload.text());
            not_truncated(object, name);
        }
        Detail::Variables(variables) => {
            object.object(name, |object| {
                for (variable, value) in variables {
                    object.text(variable, value.text());
                }
            });
            not_truncated(object, name);
        }
    }
}

fn not_truncated(object: &mut JsonObject, name: &str) {
    object.object(&format!("{name}Details"), |object| object.boolean("truncated", false));
}

#[cfg(test)]
mod tests {
    use asl::{Payload, Timestamp};
    use expect_test::{Expect, expect};

    use super::*;

    fn check(event: &HistoryEvent, with_data: bool, expected: Expect) {
        let mut object = JsonObject::new();
        write(&mut object, event, with_data);
        expected.assert_eq(&String::from_utf8(object.finish()).unwrap());
    }

    fn event(details: Option<(&'static str, Vec<(&'static str, Detail)>)>) -> HistoryEvent {
        HistoryEvent {
            id: 3,
            previous_event_id: 2,
            timestamp: Timestamp(1_667_510_400_123),
            event_type: "PassStateExited",
            details,
        }
    }

    #[test]
    fn details_look_as_recorded() {
        check(
            &event(None),
            true,
            expect![[
                r#"{"timestamp":1667510400.123,"type":"PassStateExited","id":3,"previousEventId":2}"#
            ]],
        );
        let payload = Payload::from_valid_text(r#"{"a": 1}"#);
        let exited = event(Some((
            "stateExitedEventDetails",
            vec![
                ("name", Detail::Text("A".into())),
                ("output", Detail::Data(payload.clone())),
                ("assignedVariables", Detail::Variables(vec![("x".into(), payload)])),
                ("parameters", Detail::Parameters(Payload::from_valid_text("{}"))),
                ("timeoutInSeconds", Detail::Number(5)),
                ("taskCredentials", Detail::RoleArn("arn:r".into())),
            ],
        )));
        check(
            &exited,
            true,
            expect![[
                r#"{"timestamp":1667510400.123,"type":"PassStateExited","id":3,"previousEventId":2,"stateExitedEventDetails":{"name":"A","output":"{\"a\": 1}","outputDetails":{"truncated":false},"assignedVariables":{"x":"{\"a\": 1}"},"assignedVariablesDetails":{"truncated":false},"parameters":"{}","timeoutInSeconds":5,"taskCredentials":{"roleArn":"arn:r"}}}"#
            ]],
        );
        check(
            &exited,
            false,
            expect![[
                r#"{"timestamp":1667510400.123,"type":"PassStateExited","id":3,"previousEventId":2,"stateExitedEventDetails":{"name":"A","timeoutInSeconds":5,"taskCredentials":{"roleArn":"arn:r"}}}"#
            ]],
        );
    }
}
