//! Wait: hands its input on after a time.

use asl::{Expression, Path, Payload, Timestamp, WaitUntil};
use serde_json::Value;

use super::{plain, whole};
use crate::dataflow::Exit;
use crate::failure::Failure;
use crate::turn::{Sight, Stop, Turn};
use crate::{EventKind, FrameId, limits};

impl Turn<'_> {
    pub(super) fn wait(&mut self, frame: FrameId, until: &WaitUntil) -> Result<(), Stop> {
        let effective = self.effective_input(frame)?;
        let now = self.stamp.now;
        let until = match until {
            WaitUntil::Seconds(seconds) => now.plus_seconds(*seconds),
            WaitUntil::Timestamp(moment) => *moment,
            WaitUntil::SecondsPath(path) => self.seconds_path(frame, &effective, path)?,
            WaitUntil::TimestampPath(path) => self.timestamp_path(frame, &effective, path)?,
            WaitUntil::SecondsExpression(expression) => {
                self.seconds_expression(frame, &effective, expression)?
            }
            WaitUntil::TimestampExpression(expression) => {
                self.timestamp_expression(frame, &effective, expression)?
            }
        };
        if until > now.plus_seconds(limits::WAIT_SECONDS_MAX) {
            return Err(self.runtime_error(frame, "Wait state delay is too long.").into());
        }
        if until <= now {
            return self.wait_is_over(frame);
        }
        let state = self.execution.current(frame).state;
        self.emit(frame, EventKind::WaitScheduled { frame, state, until })?;
        Ok(())
    }

    /// The time has come.
    pub(crate) fn wait_is_over(&mut self, frame: FrameId) -> Result<(), Stop> {
        let effective = self.effective_input(frame)?;
        let state = self.state(frame);
        self.pass_on(frame, &effective, Exit::of(state), state.next)
    }

    fn seconds_path(
        &self,
        frame: FrameId,
        effective: &Payload,
        path: &Path,
    ) -> Result<Timestamp, Stop> {
        let value = self.path_value(frame, effective, path, "SecondsPath")?;
        let text = path.text();
        let cause = match whole(&value) {
            Some(seconds) if seconds >= 0 => {
                return Ok(self.stamp.now.plus_seconds(seconds.unsigned_abs()));
            }
            Some(seconds) => {
                format!(
                    "The SecondsPath parameter references a negative value: {text} == {seconds}"
                )
            }
            None => format!(
                "The SecondsPath parameter cannot be parsed as a long value: {text} == {}",
                plain(&value)
            ),
        };
        Err(self.runtime_error(frame, cause).into())
    }

    fn timestamp_path(
        &self,
        frame: FrameId,
        effective: &Payload,
        path: &Path,
    ) -> Result<Timestamp, Stop> {
        let value = self.path_value(frame, effective, path, "TimestampPath")?;
        value.as_str().and_then(Timestamp::parse).ok_or_else(|| {
            let cause = format!(
                "The TimestampPath parameter does not reference a valid ISO-8601 extended offset \
                 date-time format string: {} == {}",
                path.text(),
                plain(&value)
            );
            self.runtime_error(frame, cause).into()
        })
    }

    /// What a `…Path` field of a Wait state refers to.
    fn path_value(
        &self,
        frame: FrameId,
        effective: &Payload,
        path: &Path,
        field: &str,
    ) -> Result<Value, Stop> {
        let value = self.evaluate(frame, Sight::input(effective.value()), |environment| {
            Ok(path.evaluate(environment).ok().map(|value| value.into_owned()))
        })?;
        value.ok_or_else(|| {
            let text = path.text();
            let cause = format!("The {field} parameter does not reference an input value: {text}");
            self.runtime_error(frame, cause).into()
        })
    }

    fn seconds_expression(
        &self,
        frame: FrameId,
        effective: &Payload,
        expression: &Expression,
    ) -> Result<Timestamp, Stop> {
        let value = self.expression_value(frame, effective, expression, "Seconds")?;
        let error = match (&value, whole(&value)) {
            (_, Some(seconds)) if seconds >= 0 => {
                return Ok(self.stamp.now.plus_seconds(seconds.unsigned_abs()));
            }
            (_, Some(seconds)) => asl::EvaluationError::query(
                format!("The Seconds field has a negative value: {seconds}"),
                "Seconds",
            ),
            (Value::Number(_), None) => asl::EvaluationError::query(
                format!("The Seconds field cannot be parsed as a long value: {}", plain(&value)),
                "Seconds",
            ),
            _ => expression.unexpected_type("number", &value, "Seconds"),
        };
        Err(Failure::of_state(error, self.prefix(frame)).into())
    }

    fn timestamp_expression(
        &self,
        frame: FrameId,
        effective: &Payload,
        expression: &Expression,
    ) -> Result<Timestamp, Stop> {
        let value = self.expression_value(frame, effective, expression, "Timestamp")?;
        let error = match &value {
            Value::String(text) => match Timestamp::parse(text) {
                Some(moment) => return Ok(moment),
                None => {
                    let cause = format!(
                        "The Timestamp field cannot be parsed as an ISO-8601 extended offset \
                         date-time format string: {text}"
                    );
                    asl::EvaluationError::query(cause, "Timestamp")
                }
            },
            _ => expression.unexpected_type("string", &value, "Timestamp"),
        };
        Err(Failure::of_state(error, self.prefix(frame)).into())
    }

    fn expression_value(
        &self,
        frame: FrameId,
        effective: &Payload,
        expression: &Expression,
        field: &str,
    ) -> Result<Value, Stop> {
        Ok(self.evaluate(frame, Sight::input(effective.value()), |environment| {
            expression.evaluate(environment, field)
        })?)
    }
}
