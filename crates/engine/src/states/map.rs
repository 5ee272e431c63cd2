//! Map, inline: its processor for every item, the outputs in item order.

use asl::{Items, Map, NumberField, Payload, QueryLanguage, Template};
use serde_json::{Value, json};

use super::{Bounds, plain};
use crate::context::{Extra, STATE_DATA};
use crate::failure::Failure;
use crate::frame::{MapItem, MapProgress};
use crate::states::parallel::join;
use crate::turn::{Flow, Over, Sight, Stop, Turn};
use crate::{EventKind, FrameId};

const PERCENTAGE_OUT_OF_RANGE: &str = "ToleratedFailurePercentage must be between 0 and 100.";

impl Turn<'_> {
    pub(super) fn map(&mut self, frame: FrameId, map: &Map) -> Result<(), Stop> {
        if let Some(distributed) = &map.distributed {
            return self.distributed_map(frame, map, distributed);
        }
        let effective = self.effective_input(frame)?;
        // AWS reads them also where an inline Map does not use them.
        self.tolerated_failure_count(frame, &effective, map)?;
        self.tolerated_failure_percentage(frame, &effective, map)?;
        let max_concurrency = match &map.max_concurrency {
            None => 0,
            Some(number) => {
                self.whole_number(frame, &effective, number, "MaxConcurrency", Bounds::COUNT)?
            }
        };
        let items = Failure::check_data(
            self.items(frame, &effective, map)?,
            &self.state(frame).name,
            &self.limits,
        )?;
        let length = match items.value() {
            Value::Array(items) => items.len(),
            Value::Object(pairs) => pairs.len(),
            _ => 0,
        };
        let state = self.execution.current(frame).state;
        let kind = EventKind::MapStarted {
            frame,
            state,
            items,
            length: u32::try_from(length).expect("a payload has fewer than 2^32 items"),
            max_concurrency: u32::try_from(max_concurrency).unwrap_or(u32::MAX),
        };
        self.emit(frame, kind)?;
        Ok(())
    }

    /// `ToleratedFailureCount`.
    pub(crate) fn tolerated_failure_count(
        &self,
        frame: FrameId,
        effective: &Payload,
        map: &Map,
    ) -> Result<Option<i64>, Stop> {
        let Some(number) = &map.tolerated_failure_count else { return Ok(None) };
        self.whole_number(frame, effective, number, "ToleratedFailureCount", Bounds::COUNT)
            .map(Some)
    }

    /// `ToleratedFailurePercentage`.
    pub(crate) fn tolerated_failure_percentage(
        &self,
        frame: FrameId,
        effective: &Payload,
        map: &Map,
    ) -> Result<Option<f64>, Stop> {
        let sight = Sight::input(effective.value());
        match &map.tolerated_failure_percentage {
            None => Ok(None),
            Some(NumberField::Literal(percentage)) => Ok(Some(*percentage)),
            Some(NumberField::Path(path)) => {
                let field = "ToleratedFailurePercentagePath";
                let value = self.evaluate(frame, sight, |environment| {
                    Ok(path.evaluate_field(environment)?.into_owned())
                })?;
                // AWS takes a string of digits too.
                let digits = value.as_str().and_then(|text| text.trim().parse().ok());
                let cause = match value.as_f64().or(digits) {
                    Some(percentage) if (0.0..=100.0).contains(&percentage) => {
                        return Ok(Some(percentage));
                    }
                    Some(_) => PERCENTAGE_OUT_OF_RANGE.to_owned(),
                    None => format!(
                        "The {field} field refers to value \"{}\" which is not a valid float: {}",
                        plain(&value),
                        path.text()
                    ),
                };
                Err(self.runtime_error(frame, cause).into())
            }
            Some(NumberField::Expression(expression)) => {
                let field = "ToleratedFailurePercentage";
                let value = self.evaluate(frame, sight, |environment| {
                    expression.evaluate(environment, field)
                })?;
                let error = match value.as_f64() {
                    Some(percentage) if (0.0..=100.0).contains(&percentage) => {
                        return Ok(Some(percentage));
                    }
                    Some(_) => asl::EvaluationError::query(PERCENTAGE_OUT_OF_RANGE, field),
                    None => expression.unexpected_type("number", &value, field),
                };
                Err(Failure::of_state(error, self.prefix(frame)).into())
            }
        }
    }

    /// The array or object whose items the Map goes over.
    pub(crate) fn items(
        &self,
        frame: FrameId,
        effective: &Payload,
        map: &Map,
    ) -> Result<Payload, Stop> {
        let sight = Sight::input(effective.value());
        match &map.items {
            Items::Input if self.state(frame).query_language == QueryLanguage::Jsonata => {
                match is_collection(map, effective.value()) {
                    true => Ok(effective.clone()),
                    false => {
                        let cause = format!(
                            "Map state input must be an array but was: {}",
                            effective.text()
                        );
                        let error = asl::EvaluationError::query(cause, "");
                        Err(Failure::of_state(error, self.prefix(frame)).into())
                    }
                }
            }
            Items::Input => self.array_at(frame, map, effective.clone(), "$"),
            Items::Path(path) => {
                let value = self.evaluate(frame, sight, |environment| {
                    Ok(path.evaluate_field(environment)?.into_owned())
                })?;
                self.array_at(frame, map, Payload::from_value(value), path.text())
            }
            Items::Template(template) => {
                let items = self.evaluate(frame, sight, |environment| {
                    template.evaluate_payload(environment, "Items")
                })?;
                if is_collection(map, items.value()) {
                    return Ok(items);
                }
                let error = match template {
                    Template::Expression(expression) => {
                        expression.unexpected_type("array", items.value(), "Items")
                    }
                    _ => asl::EvaluationError::query(
                        format!("Map state input must be an array but was: {}", items.text()),
                        "Items",
                    ),
                };
                Err(Failure::of_state(error, self.prefix(frame)).into())
            }
        }
    }

    /// What a JSONPath Map goes over: inline only an array will do.
    fn array_at(
        &self,
        frame: FrameId,
        map: &Map,
        items: Payload,
        path: &str,
    ) -> Result<Payload, Stop> {
        if is_collection(map, items.value()) {
            return Ok(items);
        }
        // AWS names the path below its root, whichever root it is.
        let below = path.find(['.', '[']).map_or("", |at| &path[at..]);
        let cause = format!("Reference path \"${below}\" must point to array.");
        Err(self.runtime_error(frame, cause).into())
    }

    /// Starts as many iterations as there is room for.
    pub(crate) fn start_iterations(&mut self, frame: FrameId) -> Flow {
        while let Some(progress) = self.map_progress(frame).filter(|progress| progress.has_room()) {
            let index = progress.next_index;
            let previous = progress.iteration_previous;
            let item = item(&progress.items, index);
            let state = self.execution.current(frame).state;
            let input = match self.iteration_input(frame, &item) {
                Ok(input) => input,
                Err(stop) => return self.selection_failed(frame, stop),
            };
            let MapItem { index, value: item, key } = item;
            let kind = EventKind::IterationStarted { frame, state, index, item, key, input };
            self.emit_after(previous, kind)?;
        }
        Ok(())
    }

    /// An iteration cannot start. Those that run already are cut off.
    fn selection_failed(&mut self, frame: FrameId, stop: Stop) -> Flow {
        let failure = match stop {
            Stop::Over => return Err(Over),
            Stop::Failed(failure) => failure,
        };
        self.emit_evaluation_failed(frame, &failure)?;
        let last_id = self.execution.frame(frame).last_id;
        if !failure.is_fatal {
            self.abort_frames(frame, None, last_id)?;
        }
        self.fail_state(frame, failure, last_id)
    }

    fn map_progress(&self, frame: FrameId) -> Option<&MapProgress> {
        match &self.execution.frames.get(&frame)?.current()?.phase {
            crate::frame::Phase::Map(progress) => Some(progress),
            _ => None,
        }
    }

    pub(crate) fn iteration_input(&self, frame: FrameId, item: &MapItem) -> Result<Payload, Stop> {
        let state = self.state(frame);
        let asl::StateKind::Map(map) = &state.kind else { unreachable!("only a Map iterates") };
        let Some(selector) = &map.item_selector else { return Ok(item.value.clone()) };
        let effective = self.effective_input(frame)?;
        let extra = Extra {
            item: Some(item.clone()),
            item_source: Some(STATE_DATA.into()),
            ..Extra::default()
        };
        let input =
            self.evaluate_with(frame, Sight::input(effective.value()), &extra, |environment| {
                selector.evaluate_payload(environment, "ItemSelector")
            })?;
        Ok(Failure::check_data(input, &state.name, &self.limits)?)
    }

    /// The frame of an iteration has ended.
    pub(crate) fn iteration_is_over(&mut self, container: FrameId, frame: FrameId) -> Flow {
        let index = self.execution.frame(frame).index;
        let last_id = self.execution.frame(frame).last_id;
        let state = self.execution.current(container).state;
        let kind = EventKind::IterationSucceeded { frame: container, state, index };
        self.emit_after(last_id, kind)?;
        Ok(())
    }

    /// Every iteration has ended.
    pub(crate) fn map_is_over(
        &mut self,
        frame: FrameId,
        outputs: &[Option<Payload>],
    ) -> Result<(), Stop> {
        let result = join(outputs);
        let state = self.execution.current(frame).state;
        self.emit(frame, EventKind::MapSucceeded { frame, state })?;
        self.finish(frame, result)
    }
}

/// Whether a Map goes over it: an array, and in a distributed Map the pairs of an object.
fn is_collection(map: &Map, items: &Value) -> bool {
    items.is_array() || map.distributed.is_some() && items.is_object()
}

/// An item of an array, or a pair of an object as `{"Key": …, "Value": …}`.
pub(crate) fn item(items: &Payload, index: u32) -> MapItem {
    match items.value() {
        Value::Array(items) => {
            let value = Payload::from_value(items[index as usize].clone());
            MapItem { index, value, key: None }
        }
        Value::Object(pairs) => {
            let (key, value) =
                pairs.iter().nth(index as usize).expect("the index is below the length");
            let value = Payload::from_value(json!({ "Key": key, "Value": value }));
            MapItem { index, value, key: Some(key.as_str().into()) }
        }
        _ => unreachable!("the items of a Map that started are an array or an object"),
    }
}
