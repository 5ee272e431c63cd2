//! Fail: ends its scope with an error.

use asl::Template;
use serde_json::Value;

use crate::FrameId;
use crate::failure::Failure;
use crate::turn::{Sight, Stop, Turn};

impl Turn<'_> {
    pub(super) fn fail(
        &mut self,
        frame: FrameId,
        error: Option<&Template>,
        cause: Option<&Template>,
    ) -> Result<(), Stop> {
        let error = self.text(frame, error, "Error")?;
        let cause = self.text(frame, cause, "Cause")?;
        Err(Failure::given(error, cause).into())
    }

    /// The text of `Error` or `Cause`, or of their `…Path` forms.
    fn text(
        &self,
        frame: FrameId,
        template: Option<&Template>,
        field: &str,
    ) -> Result<Option<Box<str>>, Stop> {
        let Some(template) = template else { return Ok(None) };
        let input = self.raw_input(frame);
        let is_path = matches!(template, Template::Path(_) | Template::Intrinsic(_));
        let location = if is_path { format!("{field}Path") } else { field.to_owned() };
        let value = self.evaluate(frame, Sight::input(input.value()), |environment| {
            template.evaluate(environment, &location)
        })?;
        match (value, template) {
            (Value::String(text), _) => Ok(Some(text.into_boxed_str())),
            (other, Template::Expression(expression)) => {
                let error = expression.unexpected_type("string", &other, field);
                Err(Failure::of_state(error, self.prefix(frame)).into())
            }
            (other, _) => {
                let other = asl::json_text(&other);
                let cause =
                    format!("The {location} field must refer to a string, but was: {other}");
                Err(self.runtime_error(frame, cause).into())
            }
        }
    }
}
