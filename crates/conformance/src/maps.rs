//! Recordings of Map states whose form is not that of the others: how they are made alike before
//! they are compared.

use serde_json::{Value, json};

use crate::case::Case;

/// Gives a case whose history was asked for by a reconstructed step the names and rules that the
/// recorded ones have for a Map Run's ARN.
pub(crate) fn complete_reconstructed(file: &mut Value) {
    const PARTS: [(&str, &str); 2] =
        [("{{map-run-1}}", "<MapRunArnPart0_0idx>"), ("{{map-run-2}}", "<MapRunArnPart1_0idx>")];
    let text = file["recorded"].to_string();
    let rules = file["placeholders"].to_string();
    let is_complete = !text.contains(PARTS[0].1) || rules.contains(PARTS[0].1);
    let Some(steps) = file["steps"].as_array_mut().filter(|_| !is_complete) else { return };
    let Some(step) = steps
        .iter_mut()
        .find(|step| step["reconstructed"] == true && step["operation"] == "GetExecutionHistory")
    else {
        return;
    };
    let events = text_of_events(&text);
    let Some(at) = events.iter().position(|kind| kind == "MapRunStarted") else { return };
    let pointer = format!("/events/{at}/mapRunStartedEventDetails/mapRunArn");
    let arn = "arn:aws:states:us-east-1:111111111111:mapRun:sm-1/{{map-run-1}}:{{map-run-2}}";
    step["bind"][pointer] = arn.into();
    if let Some(rules) = file["placeholders"].as_array_mut() {
        let end = rules.len().saturating_sub(1);
        let machine = ("sm-1", "<ArnPart_0idx>");
        let added = PARTS.into_iter().chain([machine]);
        let added = added.map(|(regex, with)| json!({ "regex": regex, "with": with }));
        rules.splice(end..end, added);
    }
}

/// The types of the events of a recorded history.
fn text_of_events(recorded: &str) -> Vec<String> {
    let recorded: Value = serde_json::from_str(recorded).unwrap_or_default();
    let events = recorded["get_execution_history"]["events"].as_array().cloned();
    let kind = |event: Value| event["type"].as_str().unwrap_or_default().to_owned();
    events.unwrap_or_default().into_iter().map(kind).collect()
}

/// Whether a recording without a date is of the time in which MapStateExited pointed at
/// MapRunSucceeded: it shows that it does.
pub(crate) fn is_old(case: &Case) -> bool {
    let events = case.recorded["get_execution_history"]["events"].as_array();
    let events = events.map_or(&[][..], Vec::as_slice);
    let succeeded = events.iter().find(|event| event["type"] == "MapRunSucceeded");
    case.validated_on.is_none()
        && succeeded.is_some_and(|succeeded| {
            events.iter().any(|event| {
                event["type"] == "MapStateExited" && event["previousEventId"] == succeeded["id"]
            })
        })
}

/// At that time the input of a state that was entered was written without white space.
pub(crate) fn compact_entered_inputs(answers: &mut Value) {
    let Value::Object(answers) = answers else { return };
    for answer in answers.values_mut() {
        for event in answer.get_mut("events").and_then(Value::as_array_mut).into_iter().flatten() {
            let input = event.pointer_mut("/stateEnteredEventDetails/input");
            if let Some(Value::String(text)) = input
                && let Ok(value) = serde_json::from_str::<Value>(text)
            {
                *text = value.to_string();
            }
        }
    }
}

/// The recording's test put words in the place of what a listing says of the moment and the
/// content of objects, and spelled the output anew.
pub(crate) fn spell_listings(case: &Case, text: &mut String) {
    if !case.recorded.to_string().contains("<Etag-") {
        return;
    }
    let Ok(Value::Array(items)) = serde_json::from_str::<Value>(text) else { return };
    let entries: Vec<String> = items
        .iter()
        .filter_map(|item| {
            let key = item.get("Key")?.as_str()?;
            let is_moment = item.get("LastModified")?.is_f64();
            let is_quoted = item.get("Etag")?.as_str()?.starts_with('"');
            (is_moment && is_quoted).then_some(())?;
            let member = |(name, value): (&String, &Value)| {
                let value = match name.as_str() {
                    "Etag" => json!(format!("<Etag-{key}>")),
                    "LastModified" => json!("<date>"),
                    _ => value.clone(),
                };
                format!("{}: {value}", Value::from(name.as_str()))
            };
            let members: Vec<String> = item.as_object()?.iter().map(member).collect();
            Some(format!("{{{}}}", members.join(", ")))
        })
        .collect();
    if entries.len() == items.len() && !items.is_empty() {
        *text = format!("[{}]", entries.join(", "));
    }
}
