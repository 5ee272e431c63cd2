//! Query parameters: decoded, each at most once, and none that means nothing.

use std::sync::Mutex;

use asl::Timestamp;

use crate::error::ApiError;

/// Why the lock can be taken.
const HELD: &str = "nobody panics while holding it";

/// The parameters of a request.
#[derive(Debug)]
pub(crate) struct Parameters {
    given: Vec<(String, String)>,
    /// The names that were asked for.
    known: Mutex<Vec<&'static str>>,
}

impl Parameters {
    pub(crate) fn parse(query: &str) -> Result<Parameters, ApiError> {
        let mut given: Vec<(String, String)> = Vec::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let spaced = |text: &str| decode(&text.replace('+', " "));
            let (Some(name), Some(value)) = (spaced(name), spaced(value)) else {
                return Err(ApiError::validation("The query is not percent-encoded UTF-8"));
            };
            if given.iter().any(|(known, _)| *known == name) {
                return Err(ApiError::validation(format!("The parameter '{name}' comes twice")));
            }
            given.push((name, value));
        }
        Ok(Parameters { given, known: Mutex::default() })
    }

    pub(crate) fn text(&self, name: &'static str) -> Option<&str> {
        self.known.lock().expect(HELD).push(name);
        let found = self.given.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// A number within bounds.
    pub(crate) fn number(
        &self,
        name: &'static str,
        least: usize,
        most: usize,
    ) -> Result<Option<usize>, ApiError> {
        let Some(text) = self.text(name) else { return Ok(None) };
        match text.parse() {
            Ok(number) if (least..=most).contains(&number) => Ok(Some(number)),
            _ => Err(ApiError::validation(format!(
                "The parameter '{name}' must be a number from {least} to {most}"
            ))),
        }
    }

    pub(crate) fn boolean(&self, name: &'static str) -> Result<Option<bool>, ApiError> {
        match self.text(name) {
            None => Ok(None),
            Some("true") => Ok(Some(true)),
            Some("false") => Ok(Some(false)),
            Some(_) => {
                Err(ApiError::validation(format!("The parameter '{name}' must be true or false")))
            }
        }
    }

    /// A moment: ISO 8601, or seconds since 1970.
    pub(crate) fn moment(&self, name: &'static str) -> Result<Option<Timestamp>, ApiError> {
        let Some(text) = self.text(name) else { return Ok(None) };
        let seconds = || {
            let seconds: f64 = text.parse().ok()?;
            let is_sane = seconds.is_finite() && seconds.abs() < 1e12;
            #[expect(clippy::cast_possible_truncation, reason = "it was bounded")]
            is_sane.then(|| Timestamp((seconds * 1000.0).round() as i64))
        };
        match Timestamp::parse(text).or_else(seconds) {
            Some(moment) => Ok(Some(moment)),
            None => Err(ApiError::validation(format!(
                "The parameter '{name}' must be a timestamp such as 2026-01-01T00:00:00Z, or \
                 seconds since 1970"
            ))),
        }
    }

    /// One of some words.
    pub(crate) fn status(&self, name: &'static str) -> Result<Option<engine::Status>, ApiError> {
        use engine::Status;
        let Some(text) = self.text(name) else { return Ok(None) };
        let all =
            [Status::Running, Status::Succeeded, Status::Failed, Status::TimedOut, Status::Aborted];
        match all.into_iter().find(|status| status.name() == text) {
            Some(status) => Ok(Some(status)),
            None => {
                let names = all.map(Status::name).join(", ");
                Err(ApiError::validation(format!("The parameter '{name}' is one of {names}")))
            }
        }
    }

    /// Refuses what nobody asked for: a filter that is misspelled must not find everything.
    pub(crate) fn check_known(&self) -> Result<(), ApiError> {
        let known = self.known.lock().expect(HELD);
        match self.given.iter().find(|(name, _)| !known.contains(&name.as_str())) {
            Some((name, _)) => Err(ApiError::validation(format!(
                "There is no parameter '{name}': {} are known",
                known.join(", ")
            ))),
            None => Ok(()),
        }
    }
}

/// A percent-encoded text.
pub(crate) fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, behind)) = rest.split_first() {
        if byte != b'%' {
            bytes.push(byte);
            rest = behind;
            continue;
        }
        let (digits, behind) = behind.split_at_checked(2)?;
        let digits = std::str::from_utf8(digits).ok()?;
        if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return None;
        }
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        rest = behind;
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_decoded_and_checked() {
        let query = Parameters::parse("a=1%202+3&b=%C3%A9&c&d=2026-01-01T00:00:00Z&e=1.5").unwrap();
        assert_eq!(query.text("a"), Some("1 2 3"));
        assert_eq!(query.text("b"), Some("é"));
        assert_eq!(query.text("c"), Some(""));
        assert_eq!(query.moment("d").unwrap(), Some(Timestamp(1_767_225_600_000)));
        assert!(query.check_known().is_err());
        assert_eq!(query.moment("e").unwrap(), Some(Timestamp(1_500)));
        query.check_known().unwrap();
        assert!(query.moment("a").is_err());
        assert!(query.number("a", 1, 9).is_err());
        assert!(query.boolean("a").is_err());
        assert!(query.status("a").is_err());
        assert_eq!(query.number("z", 1, 9).unwrap(), None);
        for wrong in ["a=%", "a=%4", "a=%+4", "a=%ff", "a=1&a=2"] {
            assert!(Parameters::parse(wrong).is_err(), "{wrong}");
        }
    }
}
