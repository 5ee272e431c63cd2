//! `Retry` and `Catch`.

use super::Compiler;
use super::state::{BOTH, StateReader};
use super::values::Visible;
use crate::validate::fields::{FieldTable, Support, check_table, require};
use crate::validate::{Field, Reader};
use crate::{Catcher, ResultPath, Retrier};

const RETRIER_FIELDS: FieldTable = &[
    ("BackoffRate", BOTH),
    ("Comment", BOTH),
    ("ErrorEquals", BOTH),
    ("IntervalSeconds", BOTH),
    ("JitterStrategy", BOTH),
    ("MaxAttempts", BOTH),
    ("MaxDelaySeconds", BOTH),
];

const CATCHER_FIELDS: FieldTable = &[
    ("Assign", BOTH),
    ("Comment", BOTH),
    ("ErrorEquals", BOTH),
    ("Next", BOTH),
    ("Output", Support::JsonataOnly),
    ("ResultPath", Support::JsonPathOnly),
];

/// The longest first interval, in seconds, and the greatest number of attempts.
const MAX_COUNT: i64 = 99_999_999;
/// The longest delay: 366 days, in seconds.
const MAX_DELAY_SECONDS: i64 = 31_622_400;

impl<'n> Compiler<'n> {
    /// `Retry`; none where something was wrong.
    pub(super) fn retry(&mut self, state: &StateReader<'n, '_>) -> Option<Vec<Retrier>> {
        let Some(field) = state.field("Retry") else { return Some(Vec::new()) };
        let elements = self.array(&field, false);
        let last = elements.len().saturating_sub(1);
        let mut retriers = Vec::new();
        let mut is_complete = true;
        for (index, element) in elements.iter().enumerate() {
            let retrier =
                self.object(element).and_then(|reader| self.retrier(&reader, index == last));
            is_complete &= retrier.is_some();
            retriers.extend(retrier);
        }
        is_complete.then_some(retriers)
    }

    fn retrier(&mut self, reader: &Reader<'n>, is_last: bool) -> Option<Retrier> {
        check_table(&mut self.findings, reader, None, RETRIER_FIELDS);
        self.comment(reader);
        let error_equals = self.error_equals(reader, is_last);
        let interval = self.bounded(reader, "IntervalSeconds", (0, MAX_COUNT), 1);
        let attempts = self.bounded(reader, "MaxAttempts", (0, MAX_COUNT), 3);
        let backoff_rate = match reader.field("BackoffRate") {
            Some(field) => self.number(&field, 1.0, f64::INFINITY),
            None => Some(2.0),
        };
        let max_delay_seconds = reader
            .field("MaxDelaySeconds")
            .and_then(|field| self.integer(&field, 1, MAX_DELAY_SECONDS));
        let jitter = self.one_of(reader, "JitterStrategy", &["NONE", "FULL"]);
        Some(Retrier {
            error_equals: error_equals?,
            interval_seconds: interval?,
            max_attempts: attempts?,
            backoff_rate: backoff_rate?,
            max_delay_seconds,
            full_jitter: jitter == Some("FULL"),
        })
    }

    fn bounded(
        &mut self,
        reader: &Reader<'n>,
        key: &str,
        (min, max): (i64, i64),
        default: u64,
    ) -> Option<u64> {
        match reader.field(key) {
            Some(field) => self.integer(&field, min, max),
            None => Some(default),
        }
    }

    /// `ErrorEquals`; `States.ALL` must be alone in the last retrier or catcher.
    fn error_equals(&mut self, reader: &Reader<'n>, is_last: bool) -> Option<Vec<Box<str>>> {
        require(&mut self.findings, reader, &["ErrorEquals"]);
        let field = reader.field("ErrorEquals")?;
        let elements = self.array(&field, true);
        let is_alone = elements.len() == 1;
        let mut names = Vec::new();
        for element in &elements {
            let name = self.string(element)?;
            if name == "States.ALL" && !(is_alone && is_last) {
                let message = "States.ALL must appear alone and at end of list";
                self.findings.schema(message, &element.site);
            }
            names.push(name.into());
        }
        field.node.as_array().map(|_| names)
    }

    /// `Catch`; none where something was wrong.
    pub(super) fn catch(&mut self, state: &StateReader<'n, '_>) -> Option<Vec<Catcher>> {
        let Some(field) = state.field("Catch") else { return Some(Vec::new()) };
        let elements = self.array(&field, false);
        let last = elements.len().saturating_sub(1);
        let mut catchers = Vec::new();
        let mut is_complete = true;
        for (index, element) in elements.iter().enumerate() {
            let catcher = self.catcher(element, state, index == last);
            is_complete &= catcher.is_some();
            catchers.extend(catcher);
        }
        is_complete.then_some(catchers)
    }

    fn catcher(
        &mut self,
        element: &Field<'n>,
        state: &StateReader<'n, '_>,
        is_last: bool,
    ) -> Option<Catcher> {
        let reader = self.object(element)?;
        check_table(&mut self.findings, &reader, Some(state.language), CATCHER_FIELDS);
        self.comment(&reader);
        let error_equals = self.error_equals(&reader, is_last);
        require(&mut self.findings, &reader, &["Next"]);
        let next = reader.field("Next").and_then(|field| self.target(&field, state.surroundings));
        let field = |key: &str, support: Support| {
            if support.includes(state.language) { reader.field(key) } else { None }
        };
        let visible = Visible { result: false, error_output: true };
        let result_path = match field("ResultPath", Support::JsonPathOnly) {
            Some(field) => self.result_path(&field),
            None => ResultPath::Whole,
        };
        let output = field("Output", Support::JsonataOnly)
            .and_then(|field| self.template(&field, state.language, visible));
        let assign = field("Assign", Support::Both).and_then(|field| {
            self.assign(&field, state.language, visible, state.surroundings.scope)
        });
        Some(Catcher { error_equals: error_equals?, next: next?, result_path, output, assign })
    }
}
