//! Map, distributed: a child execution for every item or batch, under a Map Run.

use std::sync::Arc;

use asl::{DistributedMap, ItemBatcher, Map, Payload, ResultTransformation, StateKind, Timestamp};
use serde_json::{Value, json};

use crate::context::{Extra, STATE_DATA};
use crate::failure::Failure;
use crate::frame::{MapItem, Phase};
use crate::map_run::{self, Batching, MapRun, MapRunSettings, ReadItem, Reading};
use crate::states::Bounds;
use crate::turn::{Flow, Over, Sight, Stop, Turn};
use crate::{
    ChildEnd, ChildStart, Effect, EventKind, FrameId, MapRunId, MapRunStatus, MapRunUpdate,
    Refusal, Status, TaskFailure, limits,
};

const THRESHOLD_EXCEEDED: &str = "States.ExceedToleratedFailureThreshold";
pub(crate) const ITEM_READER_FAILED: &str = "States.ItemReaderFailed";

impl Turn<'_> {
    /// Starts a Map Run.
    pub(super) fn distributed_map(
        &mut self,
        frame: FrameId,
        map: &Map,
        distributed: &DistributedMap,
    ) -> Result<(), Stop> {
        let effective = self.effective_input(frame)?;
        let items = match distributed.reader {
            Some(_) => None,
            None => Some(self.distributed_items(frame, &effective, map)?),
        };
        let length = items.as_ref().and_then(|(items, _)| items.value().as_array());
        let length = length.map_or(0, Vec::len);
        let state = self.execution.current(frame).state;
        let length = u32::try_from(length).expect("a payload has fewer than 2^32 items");
        self.emit(frame, EventKind::DistributedMapStarted { frame, state, length })?;

        let count = self.tolerated_failure_count(frame, &effective, map)?;
        let percentage = self.tolerated_failure_percentage(frame, &effective, map)?;
        let max_concurrency = match &map.max_concurrency {
            None => 0,
            Some(number) => {
                self.whole_number(frame, &effective, number, "MaxConcurrency", Bounds::COUNT)?
            }
        };
        let batching = match &distributed.batcher {
            None => None,
            Some(batcher) => Some(self.batching(frame, &effective, batcher)?),
        };
        let (reading, is_negative) = self.reading(frame, &effective, distributed)?;
        let writing = match distributed.writer.as_ref().filter(|writer| writer.exports) {
            None => None,
            Some(writer) => Some(self.s3_arguments(
                frame,
                &effective,
                "ResultWriter",
                writer.arguments.as_ref(),
            )?),
        };
        // The run is named by its own event, which is the next one.
        let id = MapRunId(self.execution.last_id + 1);
        let name = &self.state(frame).name;
        let label = distributed.label.as_deref();
        let settings = MapRunSettings {
            arn: map_run::map_run_arn(&self.execution.identity, label, name, id),
            max_concurrency: u32::try_from(max_concurrency).unwrap_or(u32::MAX),
            tolerated_failure_count: count.unwrap_or(0).unsigned_abs(),
            tolerated_failure_percentage: percentage.unwrap_or(0.0),
            batching,
            reading,
            writing,
        };
        let settings = Box::new(settings);
        self.emit(frame, EventKind::MapRunStarted { frame, state, settings, items })?;
        if is_negative {
            let failure = Failure::new(ITEM_READER_FAILED, "field MaxItems must be positive");
            self.fail_map_run(frame, failure)?;
        } else {
            self.begin_map_run(id);
        }
        Ok(())
    }

    /// Has the results exported, if it is time.
    fn ask_for_writing(&mut self, id: MapRunId) {
        if self.execution.map_run_expected(id).is_writing() {
            self.effects.push(Effect::WriteResults { map_run: id });
        }
    }

    /// The items as an array, and whether they are the pairs of an object.
    fn distributed_items(
        &self,
        frame: FrameId,
        effective: &Payload,
        map: &Map,
    ) -> Result<(Payload, bool), Stop> {
        let items = self.items(frame, effective, map)?;
        let items = Failure::check_data(items, &self.state(frame).name, &self.limits)?;
        match items.value() {
            Value::Object(pairs) => {
                let pairs = pairs.iter().map(|(key, value)| json!({ "Key": key, "Value": value }));
                Ok((Payload::from_value(Value::Array(pairs.collect())), true))
            }
            _ => Ok((items, false)),
        }
    }

    fn batching(
        &self,
        frame: FrameId,
        effective: &Payload,
        batcher: &ItemBatcher,
    ) -> Result<Batching, Stop> {
        let number = |number: &Option<asl::NumberField>, field| match number {
            None => Ok(0),
            Some(number) => self
                .whole_number(frame, effective, number, field, Bounds::COUNT)
                .map(i64::unsigned_abs),
        };
        let max_items = number(&batcher.max_items, "ItemBatcher/MaxItemsPerBatch")?;
        let most = self.limits.payload_bytes as u64;
        let max_bytes = match number(&batcher.max_input_bytes, "ItemBatcher/MaxInputBytesPerBatch")?
        {
            0 => most,
            bytes => bytes.min(most),
        };
        let input = match &batcher.batch_input {
            None => None,
            Some(template) => {
                let sight = Sight::input(effective.value());
                Some(self.evaluate(frame, sight, |environment| {
                    template.evaluate_payload(environment, "ItemBatcher/BatchInput")
                })?)
            }
        };
        Ok(Batching { max_items, max_bytes, input })
    }

    /// Where the items are read from, and whether `MaxItems` is negative.
    fn reading(
        &self,
        frame: FrameId,
        effective: &Payload,
        distributed: &DistributedMap,
    ) -> Result<(Option<Reading>, bool), Stop> {
        let Some(reader) = &distributed.reader else { return Ok((None, false)) };
        let max_items = match &reader.config.max_items {
            None => 0,
            Some(number) => self.whole_number(
                frame,
                effective,
                number,
                "ItemReader/ReaderConfig/MaxItems",
                Bounds::NONE,
            )?,
        };
        let arguments =
            self.s3_arguments(frame, effective, "ItemReader", reader.arguments.as_ref())?;
        let reading = Reading { arguments, max_items: max_items.max(0).unsigned_abs() };
        Ok((Some(reading), max_items < 0))
    }

    /// `Parameters` or `Arguments` of a reader or writer, which is `field` of the state.
    fn s3_arguments(
        &self,
        frame: FrameId,
        effective: &Payload,
        field: &str,
        template: Option<&asl::Template>,
    ) -> Result<Payload, Stop> {
        let Some(template) = template else { return Ok(Payload::from_valid_text("{}")) };
        let location = match self.state(frame).query_language {
            asl::QueryLanguage::JsonPath => format!("{field}/Parameters"),
            asl::QueryLanguage::Jsonata => format!("{field}/Arguments"),
        };
        let sight = Sight::input(effective.value());
        Ok(self.evaluate(frame, sight, |environment| {
            template.evaluate_payload(environment, &location)
        })?)
    }

    /// Goes on with a Map Run that was not successful: with its children that were not, and with
    /// the items that no child has.
    pub(crate) fn redrive_map_run(&mut self, frame: FrameId, id: MapRunId) -> Flow {
        let run = self.execution.map_run_expected(id);
        let redrive_count = run.redrive_count + 1;
        if redrive_count > limits::MAP_RUN_REDRIVES_MAX {
            // Our own words: AWS documents the error, not its cause.
            let most = limits::MAP_RUN_REDRIVES_MAX;
            let cause = format!("The Map Run was redriven {most} times, which is the most.");
            let failure = self.runtime_error(frame, cause);
            return self.settle(frame, Err(failure.into()));
        }
        let kind = EventKind::MapRunRedriven {
            frame,
            state: run.state,
            map_run: id,
            map_run_arn: run.settings.arn.clone(),
            redrive_count,
        };
        // It stands where MapRunStarted does.
        self.emit_after(run.previous, kind)?;
        self.begin_map_run(id);
        Ok(())
    }

    /// Has done outside what a Map Run needs first.
    fn begin_map_run(&mut self, id: MapRunId) {
        if self.execution.map_run_expected(id).is_reading() {
            self.effects.push(Effect::ReadItems { map_run: id });
        } else {
            self.ask_for_writing(id);
        }
    }

    /// Has these children run again.
    fn redrive_children(&mut self, frame: FrameId, id: MapRunId, children: Vec<u32>) -> Flow {
        let run = self.execution.map_run_expected(id);
        let wanted = |index: &u32| {
            let items = run.items_of(*index);
            let start = ChildStart { items, ..self.child_start(frame, id, *index) };
            Effect::StartChild(Box::new(start))
        };
        let effects: Vec<Effect> = children.iter().map(wanted).collect();
        self.states_passed += u32::try_from(children.len()).unwrap_or(u32::MAX);
        let state = self.execution.current(frame).state;
        self.emit(frame, EventKind::ChildrenRedriven { frame, state, children })?;
        self.effects.extend(effects);
        Ok(())
    }

    /// Brings a Map Run on: fails it, starts children, or ends it.
    pub(crate) fn bring_map_run_on(&mut self, frame: FrameId, id: MapRunId) -> Flow {
        let run = self.execution.map_run_expected(id);
        if run.is_intolerable() {
            let cause = "The specified tolerated failure threshold was exceeded";
            return self.fail_map_run(frame, Failure::new(THRESHOLD_EXCEEDED, cause));
        }
        let most = limits::TRANSITIONS_PER_TURN.saturating_sub(self.states_passed).max(1);
        let children = run.next_to_redrive(most as usize);
        if !children.is_empty() {
            return self.redrive_children(frame, id, children);
        }
        if run.wants_children() {
            let Some(items) = run.items.clone() else { return Ok(()) };
            let first = usize::try_from(run.next_item()).unwrap_or(usize::MAX);
            let Value::Array(values) = items.value() else { return Ok(()) };
            let items = Items::data(&values[first.min(values.len())..], run.items_are_pairs);
            return self.start_children(frame, id, &items, true);
        }
        self.end_map_run(frame, id)
    }

    /// Items for children that there is room for were fetched.
    pub(crate) fn items_fetched(
        &mut self,
        id: MapRunId,
        first: u64,
        items: &[ReadItem],
        is_end: bool,
    ) -> Result<Option<Refusal>, Over> {
        let run = self.execution.map_run(id).filter(|run| run.wants_children());
        let (Some(run), Some(frame)) = (run, self.execution.frame_of_map_run(id)) else {
            return Ok(Some(Refusal::TaskOver));
        };
        if run.next_item() != first {
            return Ok(Some(Refusal::TaskOver));
        }
        self.start_children(frame, id, &Items::Read(items), is_end)?;
        Ok(None)
    }

    /// Starts children with the items that are next, as many as there is room for. Where items
    /// are in batches and more follow these, a batch that could take more is left for later.
    fn start_children(
        &mut self,
        frame: FrameId,
        id: MapRunId,
        items: &Items<'_>,
        is_end: bool,
    ) -> Flow {
        let run = self.execution.map_run_expected(id);
        let most = limits::TRANSITIONS_PER_TURN.saturating_sub(self.states_passed).max(1);
        let room = run.room().min(most as usize);
        let (mut index, first_item) = (run.next_index(), run.next_item());
        let batching = run.settings.batching.clone();
        let mut counts = Vec::new();
        let mut effects = Vec::new();
        let mut at = 0;
        while counts.len() < room && at < items.len() {
            let made = match &batching {
                None => self
                    .child_input(frame, first_item + at as u64, items.get(at))
                    .map(|input| (input, 1)),
                Some(batching) => match self.next_batch(frame, batching, first_item, items, at) {
                    Ok((_, taken))
                        if at + taken == items.len()
                            && !is_end
                            && taken < batching.item_limit() =>
                    {
                        break;
                    }
                    made => made,
                },
            };
            let (input, taken) = match made {
                Ok(made) => made,
                Err(Stop::Over) => return Err(Over),
                Err(Stop::Failed(failure)) => return self.fail_map_run(frame, failure),
            };
            let count = u32::try_from(taken).expect("a batch has fewer than 2^32 items");
            effects.push(self.start_effect(frame, id, index, count, input));
            counts.push(count);
            index += 1;
            at += taken;
        }
        if counts.is_empty() {
            return Ok(());
        }
        self.states_passed += u32::try_from(counts.len()).unwrap_or(u32::MAX);
        let state = self.execution.current(frame).state;
        self.emit(frame, EventKind::ChildrenStarted { frame, state, items: counts })?;
        self.effects.extend(effects);
        Ok(())
    }

    fn start_effect(
        &self,
        frame: FrameId,
        id: MapRunId,
        index: u32,
        items: u32,
        input: Payload,
    ) -> Effect {
        let start = ChildStart { input: Some(input), items, ..self.child_start(frame, id, index) };
        Effect::StartChild(Box::new(start))
    }

    /// What is known of a child without its input.
    fn child_start(&self, frame: FrameId, id: MapRunId, index: u32) -> ChildStart {
        let run = self.execution.map_run_expected(id);
        let state = self.program.state(run.state);
        let StateKind::Map(map) = &state.kind else { unreachable!("a Map Run is of a Map state") };
        debug_assert!(self.execution.frames.contains_key(&frame));
        ChildStart {
            map_run: id,
            map_run_arn: run.settings.arn.clone(),
            index,
            items: 0,
            processor: map.processor,
            express: is_express(map),
            attempt: run.redrive_count,
            input: None,
        }
    }

    /// The effects that take up the children of a Map Run after a crash.
    pub(crate) fn child_effects(&self, frame: FrameId) -> Vec<Effect> {
        let Some(Phase::MapRun(id)) =
            self.execution.frame(frame).current().map(|current| &current.phase)
        else {
            return Vec::new();
        };
        let run = self.execution.map_run_expected(*id);
        let find = |index| {
            let items = run.items_of(index);
            let start = ChildStart { items, ..self.child_start(frame, *id, index) };
            Effect::StartChild(Box::new(start))
        };
        let mut effects: Vec<Effect> = run.running().map(find).collect();
        if run.is_reading() {
            effects.push(Effect::ReadItems { map_run: *id });
        }
        if run.is_writing() {
            effects.push(Effect::WriteResults { map_run: *id });
        }
        effects
    }

    /// A child was lost before its start became durable: it is started again. `items` are
    /// absent where they are in the state's data.
    pub(crate) fn restart_child(
        &mut self,
        id: MapRunId,
        index: u32,
        items: Option<&[ReadItem]>,
    ) -> Result<Option<Refusal>, Over> {
        let run = self.execution.map_run(id).filter(|run| run.is_running(index));
        let (Some(run), Some(frame)) = (run, self.execution.frame_of_map_run(id)) else {
            return Ok(Some(Refusal::TaskOver));
        };
        let (first, count) = (run.first_item(index), run.items_of(index));
        let kept = run.items.clone();
        let items = match (items, &kept) {
            (Some(items), _) => Items::Read(items),
            (None, Some(all)) => {
                let all = all.value().as_array().map_or(&[][..], Vec::as_slice);
                let from = usize::try_from(first).unwrap_or(usize::MAX).min(all.len());
                let to = from.saturating_add(count as usize).min(all.len());
                Items::data(&all[from..to], run.items_are_pairs)
            }
            (None, None) => return Ok(Some(Refusal::TaskOver)),
        };
        if items.len() < count as usize {
            return Ok(Some(Refusal::TaskOver));
        }
        let batching = run.settings.batching.clone();
        let input = match &batching {
            None => self.child_input(frame, first, items.get(0)),
            Some(batching) => {
                let inputs = self.item_inputs(frame, first, &items);
                inputs.map(|inputs| batch_input(batching, &inputs))
            }
        };
        match input {
            Ok(input) => {
                let effect = self.start_effect(frame, id, index, count, input);
                self.effects.push(effect);
            }
            Err(Stop::Over) => return Err(Over),
            Err(Stop::Failed(failure)) => self.fail_map_run(frame, failure)?,
        }
        Ok(None)
    }

    /// The input of a child that has one item.
    fn child_input(&self, frame: FrameId, at: u64, item: ReadItem) -> Result<Payload, Stop> {
        let input = self.item_input(frame, at, item)?;
        Ok(Failure::check_data(input, &self.state(frame).name, &self.limits)?)
    }

    fn item_input(&self, frame: FrameId, at: u64, item: ReadItem) -> Result<Payload, Stop> {
        let StateKind::Map(map) = &self.state(frame).kind else {
            unreachable!("a Map Run is of a Map state")
        };
        let ReadItem { value, source, is_pair } = item;
        let Some(selector) = &map.item_selector else {
            return Ok(value);
        };
        let effective = self.effective_input(frame)?;
        let key = match is_pair {
            true => value.value().get("Key").and_then(Value::as_str).map(Into::into),
            false => None,
        };
        let item = MapItem { index: u32::try_from(at).unwrap_or(u32::MAX), value, key };
        let item_source = Some(Box::from(&*source));
        let extra = Extra { item: Some(item), item_source, task_token: None };
        let sight = Sight::input(effective.value());
        Ok(self.evaluate_with(frame, sight, &extra, |environment| {
            selector.evaluate_payload(environment, "ItemSelector")
        })?)
    }

    fn item_inputs(
        &self,
        frame: FrameId,
        first: u64,
        items: &Items<'_>,
    ) -> Result<Vec<Payload>, Stop> {
        let input = |at| self.item_input(frame, first + at as u64, items.get(at));
        (0..items.len()).map(input).collect()
    }

    /// The input of the next batch, which begins at the item `from` of these, and how many it
    /// takes. `first` is the number of the first of these items.
    fn next_batch(
        &self,
        frame: FrameId,
        batching: &Batching,
        first: u64,
        items: &Items<'_>,
        from: usize,
    ) -> Result<(Payload, usize), Stop> {
        let mut inputs = Vec::new();
        let mut bytes = batch_input(batching, &[]).size() as u64;
        for at in (from..items.len()).take(batching.item_limit()) {
            let input = self.item_input(frame, first + at as u64, items.get(at))?;
            let comma = u64::from(!inputs.is_empty());
            if !inputs.is_empty() && bytes + comma + input.size() as u64 > batching.max_bytes {
                break;
            }
            bytes += comma + input.size() as u64;
            inputs.push(input);
        }
        let taken = inputs.len();
        let input = batch_input(batching, &inputs);
        Ok((Failure::check_data(input, &self.state(frame).name, &self.limits)?, taken))
    }

    /// A child cannot be redriven: it stays as it ended.
    pub(crate) fn keep_child(
        &mut self,
        id: MapRunId,
        index: u32,
        end: &ChildEnd,
    ) -> Result<Option<Refusal>, Over> {
        let refused = self.end_child(id, index, end)?;
        if refused.is_none()
            && end.status != Status::Succeeded
            && let Some(frame) = self.execution.frame_of_map_run(id)
        {
            let state = self.execution.current(frame).state;
            self.emit(frame, EventKind::ChildNotRedriven { frame, state, index })?;
        }
        Ok(refused)
    }

    /// A child has ended.
    pub(crate) fn end_child(
        &mut self,
        id: MapRunId,
        index: u32,
        end: &ChildEnd,
    ) -> Result<Option<Refusal>, Over> {
        let run = self.execution.map_run(id).filter(|run| run.is_running(index));
        let (Some(run), Some(frame)) = (run, self.execution.frame_of_map_run(id)) else {
            return Ok(Some(Refusal::TaskOver));
        };
        let result = self.child_result(run, index, end);
        let bytes = result.as_ref().map_or(0, |result| result.size() as u64 + 1);
        // What cannot become the state's output any more is not kept.
        let fits = run.results_bytes() + bytes <= self.limits.payload_bytes as u64;
        let result = result.filter(|_| fits);
        let (state, status) = (run.state, end.status);
        self.emit(frame, EventKind::ChildEnded { frame, state, index, status, result, bytes })?;
        self.ask_for_writing(id);
        Ok(None)
    }

    /// What a child adds to the state's output.
    fn child_result(&self, run: &MapRun, index: u32, end: &ChildEnd) -> Option<Payload> {
        if run.settings.writing.is_some() {
            return None;
        }
        let StateKind::Map(map) = &self.program.state(run.state).kind else { return None };
        let writer = map.distributed.as_ref().and_then(|map| map.writer.as_ref());
        let as_record = match writer {
            None => false,
            Some(writer) => {
                end.status != Status::Succeeded
                    || writer.transformation == Some(ResultTransformation::None)
            }
        };
        if as_record {
            let record = map_run::child_record(&run.settings.arn, index, is_express(map), end);
            return Some(Payload::from_value(record));
        }
        end.output.clone().filter(|_| end.status == Status::Succeeded)
    }

    /// The items were read and are kept.
    pub(crate) fn items_read(
        &mut self,
        id: MapRunId,
        result: Result<u64, TaskFailure>,
    ) -> Result<Option<Refusal>, Over> {
        let run = self.execution.map_run(id);
        let is_reading = run.is_some_and(MapRun::is_reading);
        let Some(frame) = self.execution.frame_of_map_run(id).filter(|_| is_reading) else {
            return Ok(Some(Refusal::TaskOver));
        };
        let state = self.execution.current(frame).state;
        match result {
            Ok(total) => {
                self.emit(frame, EventKind::ItemsRead { frame, state, total })?;
                self.ask_for_writing(id);
            }
            Err(TaskFailure { error, cause }) => {
                self.fail_map_run(frame, Failure::given(error, cause))?;
            }
        }
        Ok(None)
    }

    /// The results were exported.
    pub(crate) fn results_written(
        &mut self,
        id: MapRunId,
        result: Result<Payload, TaskFailure>,
    ) -> Result<Option<Refusal>, Over> {
        let run = self.execution.map_run(id);
        let is_writing = run.is_some_and(MapRun::is_writing);
        let Some(frame) = self.execution.frame_of_map_run(id).filter(|_| is_writing) else {
            return Ok(Some(Refusal::TaskOver));
        };
        let state = self.execution.current(frame).state;
        match result {
            Ok(output) => {
                self.emit(frame, EventKind::ResultsWritten { frame, state, output })?;
            }
            Err(TaskFailure { error, cause }) => {
                self.fail_map_run(frame, Failure::given(error, cause))?;
            }
        }
        Ok(None)
    }

    /// UpdateMapRun.
    pub(crate) fn update_map_run(
        &mut self,
        id: MapRunId,
        update: MapRunUpdate,
    ) -> Result<Option<Refusal>, Over> {
        let run = self.execution.map_run(id);
        if !run.is_some_and(|run| run.status == MapRunStatus::Running) {
            return Ok(Some(Refusal::TaskOver));
        }
        self.emit_after(0, EventKind::MapRunUpdated { map_run: id, update })?;
        Ok(None)
    }

    /// Every child has ended, and not too many badly.
    fn end_map_run(&mut self, frame: FrameId, id: MapRunId) -> Flow {
        let run = self.execution.map_run_expected(id);
        if run.is_too_large(self.limits.payload_bytes) {
            let failure = Failure::too_large(&self.state(frame).name);
            return self.fail_map_run(frame, failure);
        }
        let result = match run.written() {
            Some(output) => output.clone(),
            None => self.joined_results(run),
        };
        let state = self.execution.current(frame).state;
        let succeeded = self.emit(frame, EventKind::MapRunSucceeded { frame, state })?;
        self.emit_after(succeeded, EventKind::MapSucceeded { frame, state })?;
        let outcome = self.finish(frame, result);
        self.settle(frame, outcome)
    }

    fn joined_results(&self, run: &MapRun) -> Payload {
        let StateKind::Map(map) = &self.program.state(run.state).kind else {
            unreachable!("a Map Run is of a Map state")
        };
        let writer = map.distributed.as_ref().and_then(|map| map.writer.as_ref());
        let flatten = writer
            .is_some_and(|writer| writer.transformation == Some(ResultTransformation::Flatten));
        let mut text = String::from("[");
        for result in run.results() {
            let part = match result.value() {
                Value::Array(items) if flatten && items.is_empty() => continue,
                Value::Array(_) if flatten => {
                    let text = result.text().trim();
                    &text[1..text.len() - 1]
                }
                _ => result.text(),
            };
            if text.len() > 1 {
                text.push(',');
            }
            text.push_str(part);
        }
        text.push(']');
        Payload::from_valid_text(text)
    }

    /// The run fails, and with it the state. What still runs is stopped.
    fn fail_map_run(&mut self, frame: FrameId, failure: Failure) -> Flow {
        self.stop_children(frame);
        let state = self.execution.current(frame).state;
        let kind = EventKind::MapRunFailed {
            frame,
            state,
            error: failure.error.clone(),
            cause: failure.cause.clone(),
        };
        self.emit(frame, kind)?;
        self.state_failed(frame, failure)
    }

    /// The Map Run that a frame is in comes to a bad end: has its running children stopped, and
    /// the results exported that there are.
    fn stop_children(&mut self, frame: FrameId) {
        let Some(Phase::MapRun(id)) =
            self.execution.frame(frame).current().map(|current| &current.phase)
        else {
            return;
        };
        let run = self.execution.map_run_expected(*id);
        let StateKind::Map(map) = &self.program.state(run.state).kind else { return };
        let arn = |index| map_run::child_arn(&run.settings.arn, index, is_express(map));
        let children: Vec<(u32, Box<str>)> =
            run.running().map(|index| (index, arn(index))).collect();
        if !children.is_empty() {
            self.effects.push(Effect::StopChildren { map_run: *id, children });
        }
        if self.execution.map_run_expected(*id).exports_unfinished() {
            self.effects.push(Effect::WriteResults { map_run: *id });
        }
    }

    /// Cuts a Map Run off. `previous` is what the event points at.
    pub(crate) fn abort_map_run(&mut self, frame: FrameId, previous: u32) -> Result<u32, Over> {
        let state = self.execution.current(frame).state;
        self.stop_children(frame);
        self.emit_after(previous, EventKind::MapRunAborted { frame, state })
    }

    /// Cuts off every Map Run because the whole execution ends. A history that is full tells
    /// nothing of it: its last event is the end of the execution, which ends them too.
    pub(crate) fn abort_map_runs(&mut self, at: Timestamp) {
        let frames: Vec<FrameId> = self
            .execution
            .frames
            .iter()
            .filter(|(_, frame)| {
                frame.current().is_some_and(|current| matches!(current.phase, Phase::MapRun(_)))
            })
            .map(|(id, _)| *id)
            .collect();
        for frame in frames {
            self.stop_children(frame);
            if self.execution.last_id + 3 > self.limits.history_events {
                continue;
            }
            let previous = self.execution.frame(frame).last_id;
            let state = self.execution.current(frame).state;
            let aborted = self.record(previous, at, EventKind::MapRunAborted { frame, state });
            self.record(aborted, at, EventKind::StateAborted { frame, state });
        }
    }
}

/// Items that a Map Run has at hand.
enum Items<'a> {
    /// From the state's data.
    Data { values: &'a [Value], are_pairs: bool, source: Arc<str> },
    /// Read and kept.
    Read(&'a [ReadItem]),
}

impl Items<'_> {
    fn data(values: &[Value], are_pairs: bool) -> Items<'_> {
        Items::Data { values, are_pairs, source: STATE_DATA.into() }
    }

    fn len(&self) -> usize {
        match self {
            Items::Data { values, .. } => values.len(),
            Items::Read(items) => items.len(),
        }
    }

    /// An item that is there.
    fn get(&self, at: usize) -> ReadItem {
        match self {
            Items::Data { values, are_pairs, source } => ReadItem {
                value: Payload::from_value(values[at].clone()),
                source: Arc::clone(source),
                is_pair: *are_pairs,
            },
            Items::Read(items) => items[at].clone(),
        }
    }
}

impl Batching {
    /// How many items a batch may have.
    fn item_limit(&self) -> usize {
        match self.max_items {
            0 => usize::MAX,
            most => usize::try_from(most).unwrap_or(usize::MAX),
        }
    }
}

fn is_express(map: &Map) -> bool {
    map.distributed
        .as_ref()
        .is_some_and(|distributed| distributed.execution_type == asl::MachineType::Express)
}

/// `{"BatchInput": …, "Items": […]}`
fn batch_input(batching: &Batching, inputs: &[Payload]) -> Payload {
    let mut text = String::from("{");
    if let Some(input) = &batching.input {
        text.push_str("\"BatchInput\":");
        text.push_str(input.text());
        text.push(',');
    }
    text.push_str("\"Items\":[");
    for (at, input) in inputs.iter().enumerate() {
        if at > 0 {
            text.push(',');
        }
        text.push_str(input.text());
    }
    text.push_str("]}");
    Payload::from_valid_text(text)
}
