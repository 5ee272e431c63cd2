//! What a request may hold: the rules of its members, as each operation's table states them,
//! and the one place that checks them and words what is wrong.

use std::fmt::{self, Write as _};

use engine::limits::PAYLOAD_BYTES_MAX;

use crate::error::{ApiError, ErrorType};
use crate::request::{Members, Value};

/// The rule of one member of a structure.
#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    required: bool,
}

impl Member {
    pub(crate) const fn required(name: &'static str, kind: Kind) -> Member {
        Member { name, kind, required: true }
    }

    pub(crate) const fn optional(name: &'static str, kind: Kind) -> Member {
        Member { name, kind, required: false }
    }
}

#[cfg(test)]
impl Member {
    pub(crate) fn is_required(&self) -> bool {
        self.required
    }
}

/// What a member may be.
#[derive(Debug)]
pub(crate) enum Kind {
    Text(Text),
    Integer {
        min: i64,
        max: i64,
    },
    /// A number that may have a fraction.
    Float {
        min: i64,
        max: i64,
    },
    Boolean,
    Structure(&'static [Member]),
    List(List),
}

/// What a list may hold.
#[derive(Debug)]
pub(crate) struct List {
    pub(crate) element: &'static Kind,
    min: usize,
    max: usize,
}

/// What a text may be.
#[derive(Debug)]
pub(crate) struct Text {
    min: usize,
    max: usize,
    /// Whether the limits count bytes of UTF-8; otherwise characters as Java counts them.
    bytes: bool,
    /// Whether errors must not repeat the value.
    sensitive: bool,
    /// The values of an enumeration, in the order in which AWS names them; empty: any text.
    values: &'static [&'static str],
    pattern: Option<Pattern>,
}

/// The regular expressions of AWS's model, matched by hand.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Pattern {
    Ascii,
    /// Letters, digits, `_`, `-` and `.`, and not digits alone.
    CharacterRestrictedName,
    /// ASCII without white space and control characters.
    Visible,
}

impl Pattern {
    fn text(self) -> &'static str {
        match self {
            Pattern::Ascii => r"\p{ASCII}*",
            Pattern::CharacterRestrictedName => r"^(?=.*[a-zA-Z_\-\.])[a-zA-Z0-9_\-\.]+$",
            Pattern::Visible => "[!-~]+",
        }
    }

    fn matches(self, text: &str) -> bool {
        let is_punctuation = |byte: u8| matches!(byte, b'_' | b'-' | b'.');
        match self {
            Pattern::Ascii => text.is_ascii(),
            Pattern::CharacterRestrictedName => {
                text.bytes().all(|byte| byte.is_ascii_alphanumeric() || is_punctuation(byte))
                    && text.bytes().any(|byte| byte.is_ascii_alphabetic() || is_punctuation(byte))
            }
            Pattern::Visible => {
                !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic())
            }
        }
    }
}

/// Characters of a definition (AWS quota).
pub(crate) const DEFINITION_CHARACTERS_MAX: usize = 1_048_576;
/// No upper limit.
const UNLIMITED: usize = usize::MAX;

impl Kind {
    /// A text of `min` to `max` characters.
    pub(crate) const fn text(min: usize, max: usize) -> Kind {
        let text = Text { min, max, bytes: false, sensitive: false, values: &[], pattern: None };
        Kind::Text(text)
    }

    /// A text that errors do not repeat.
    pub(crate) const fn sensitive(min: usize, max: usize) -> Kind {
        Kind::Text(Text { min, max, bytes: false, sensitive: true, values: &[], pattern: None })
    }

    /// An input or output: limited in bytes, not repeated in errors.
    pub(crate) const fn payload() -> Kind {
        Kind::Text(Text {
            min: 0,
            max: PAYLOAD_BYTES_MAX,
            bytes: true,
            sensitive: true,
            values: &[],
            pattern: None,
        })
    }

    /// One of these texts.
    pub(crate) const fn one_of(values: &'static [&'static str]) -> Kind {
        let max = UNLIMITED;
        Kind::Text(Text { min: 0, max, bytes: false, sensitive: false, values, pattern: None })
    }

    /// A text of `min` to `max` characters that matches the pattern.
    pub(crate) const fn pattern(min: usize, max: usize, pattern: Pattern) -> Kind {
        let pattern = Some(pattern);
        Kind::Text(Text { min, max, bytes: false, sensitive: false, values: &[], pattern })
    }

    /// A whole number of at least `min`.
    pub(crate) const fn at_least(min: i64) -> Kind {
        Kind::Integer { min, max: i64::MAX }
    }

    /// A text of any length.
    pub(crate) const fn any_text() -> Kind {
        Kind::text(0, UNLIMITED)
    }

    /// A list of any length.
    pub(crate) const fn list(element: &'static Kind) -> Kind {
        Kind::bounded_list(element, 0, UNLIMITED)
    }

    /// A list of `min` to `max` elements.
    pub(crate) const fn bounded_list(element: &'static Kind, min: usize, max: usize) -> Kind {
        Kind::List(List { element, min, max })
    }

    fn is_sensitive(&self) -> bool {
        matches!(self, Kind::Text(text) if text.sensitive)
    }
}

#[cfg(test)]
impl Kind {
    /// The rule in a few words, so that it can be compared with AWS's model.
    pub(crate) fn describe(&self) -> String {
        let bounds = |kind: &str, min: Option<i64>, max: Option<i64>| {
            let min = min.map(|min| format!(" min {min}")).unwrap_or_default();
            let max = max.map(|max| format!(" max {max}")).unwrap_or_default();
            format!("{kind}{min}{max}")
        };
        let size = |size: usize| i64::try_from(size).ok().filter(|size| *size > 0);
        match self {
            Kind::Text(text) => {
                let mut words = bounds("string", size(text.min), size(text.max));
                if let Some(pattern) = text.pattern {
                    words.push_str(&format!(" pattern {}", pattern.text()));
                }
                if !text.values.is_empty() {
                    let mut values = text.values.to_vec();
                    values.sort_unstable();
                    words.push_str(&format!(" of {}", values.join(" ")));
                }
                if text.sensitive {
                    words.push_str(" sensitive");
                }
                words
            }
            Kind::Integer { min, max } => {
                bounds("integer", Some(*min), Some(*max).filter(|max| *max < i64::MAX))
            }
            Kind::Float { min, max } => bounds("float", Some(*min), Some(*max)),
            Kind::Boolean => "boolean".to_owned(),
            Kind::Structure(_) => "structure".to_owned(),
            Kind::List(list) => bounds("list", size(list.min), size(list.max)),
        }
    }
}

/// Bounds of the tables that an operator may raise. The default is AWS's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bounds {
    /// Bytes of an input or output.
    pub(crate) payload: usize,
    /// Characters of a definition.
    pub(crate) definition: usize,
}

impl Default for Bounds {
    fn default() -> Bounds {
        Bounds { payload: PAYLOAD_BYTES_MAX, definition: DEFINITION_CHARACTERS_MAX }
    }
}

impl Bounds {
    /// The upper bound that counts for a text.
    fn max(&self, rule: &Text) -> usize {
        match rule.max {
            PAYLOAD_BYTES_MAX if rule.bytes => self.payload,
            DEFINITION_CHARACTERS_MAX => self.definition,
            max => max,
        }
    }
}

/// Checks a request against the table of its operation. All that is wrong is in the one error.
pub(crate) fn check(request: &Members<'_>, bounds: &Bounds) -> Result<(), ApiError> {
    let mut findings = Findings { bounds: *bounds, ..Findings::default() };
    findings.check_members(request, &Path::Request);
    findings.into_result()
}

/// What was found wrong so far.
#[derive(Default)]
struct Findings {
    count: usize,
    text: String,
    bounds: Bounds,
}

impl Findings {
    fn into_result(self) -> Result<(), ApiError> {
        if self.count == 0 {
            return Ok(());
        }
        let Findings { count, text, .. } = self;
        let errors = if count == 1 { "error" } else { "errors" };
        let message = format!("{count} validation {errors} detected: {text}");
        Err(ApiError::new(ErrorType::ConstraintViolation, message))
    }

    /// Notes that the value, shown if it may be, fails a constraint.
    fn add(&mut self, value: Option<&str>, path: &Path<'_>, constraint: fmt::Arguments<'_>) {
        if self.count > 0 {
            self.text.push_str("; ");
        }
        self.count += 1;
        self.text.push_str("Value ");
        if let Some(value) = value {
            self.text.push_str(value);
            self.text.push(' ');
        }
        write!(self.text, "at '{path}' failed to satisfy constraint: Member must {constraint}")
            .expect("writing to a string cannot fail");
    }

    fn check_members(&mut self, members: &Members<'_>, parent: &Path<'_>) {
        for (rule, value) in members.iter() {
            let path = Path::Member(parent, rule.name);
            match value {
                Some(value) => self.check_value(&rule.kind, value, &path),
                None if rule.required => self.add_null(&rule.kind, &path),
                None => {}
            }
        }
    }

    fn add_null(&mut self, kind: &Kind, path: &Path<'_>) {
        let shown = if kind.is_sensitive() { None } else { Some("null") };
        self.add(shown, path, format_args!("not be null"));
    }

    fn check_value(&mut self, kind: &Kind, value: &Value<'_>, path: &Path<'_>) {
        match (kind, value) {
            (Kind::Text(rule), Value::Text(text)) => self.check_text(rule, text, path),
            (Kind::Integer { min, max }, Value::Integer(number)) => {
                self.check_number(number, number < min, number > max, (*min, *max), path);
            }
            (Kind::Float { min, max }, Value::Float(number)) => {
                let (is_low, is_high) = (*number < *min as f64, *number > *max as f64);
                self.check_number(number, is_low, is_high, (*min, *max), path);
            }
            (Kind::Structure(_), Value::Structure(members)) => self.check_members(members, path),
            (Kind::List(List { element, min, max }), Value::List(values)) => {
                if values.len() < *min {
                    let constraint = format_args!("have length greater than or equal to {min}");
                    self.add(Some(&shown_list(values)), path, constraint);
                }
                if values.len() > *max {
                    let constraint = format_args!("have length less than or equal to {max}");
                    self.add(Some(&shown_list(values)), path, constraint);
                }
                for (index, value) in values.iter().enumerate() {
                    let path = Path::Element(path, index + 1);
                    match value {
                        Some(value) => self.check_value(element, value, &path),
                        None => self.add_null(element, &path),
                    }
                }
            }
            // The decoder gives a member nothing but a value of its kind.
            _ => {}
        }
    }

    fn check_number(
        &mut self,
        number: &dyn fmt::Display,
        is_low: bool,
        is_high: bool,
        (min, max): (i64, i64),
        path: &Path<'_>,
    ) {
        let shown = format!("'{number}'");
        if is_low {
            let constraint = format_args!("have value greater than or equal to {min}");
            self.add(Some(&shown), path, constraint);
        }
        if is_high {
            let constraint = format_args!("have value less than or equal to {max}");
            self.add(Some(&shown), path, constraint);
        }
    }

    fn check_text(&mut self, rule: &Text, text: &str, path: &Path<'_>) {
        let max = self.bounds.max(rule);
        let mut fail = |constraint: fmt::Arguments<'_>| {
            let shown = (!rule.sensitive).then(|| format!("'{text}'"));
            self.add(shown.as_deref(), path, constraint);
        };
        if !rule.values.is_empty() && !rule.values.contains(&text) {
            fail(format_args!("satisfy enum value set: [{}]", rule.values.join(", ")));
        }
        if let Some(pattern) = rule.pattern
            && !pattern.matches(text)
        {
            fail(format_args!("satisfy regular expression pattern: {}", pattern.text()));
        }
        if rule.bytes {
            if text.len() > max {
                fail(format_args!("have size less than or equal to {max} bytes in UTF-8 encoding"));
            }
            return;
        }
        // No text has more characters than bytes, so that most need no counting.
        if text.len() < rule.min {
            fail(format_args!("have length greater than or equal to {}", rule.min));
        }
        if text.len() > max && text.encode_utf16().count() > max {
            fail(format_args!("have length less than or equal to {max}"));
        }
    }
}

/// A list inside an error.
fn shown_list(values: &[Option<Value<'_>>]) -> String {
    let mut text = String::from("'[");
    for (index, value) in values.iter().enumerate() {
        if index > 0 {
            text.push_str(", ");
        }
        write_shown(&mut text, value.as_ref());
    }
    text.push_str("]'");
    text
}

fn write_shown(text: &mut String, value: Option<&Value<'_>>) {
    let result = match value {
        None => write!(text, "null"),
        Some(Value::Text(value)) => write!(text, "{value}"),
        Some(Value::Integer(value)) => write!(text, "{value}"),
        Some(Value::Float(value)) => write!(text, "{value}"),
        Some(Value::Boolean(value)) => write!(text, "{value}"),
        Some(Value::List(values)) => write!(text, "[{} elements]", values.len()),
        Some(Value::Structure(members)) => {
            text.push('{');
            let given = members.iter().filter_map(|(rule, value)| Some((rule, value?)));
            for (index, (rule, value)) in given.enumerate() {
                if index > 0 {
                    text.push_str(", ");
                }
                text.push_str(rule.name);
                text.push('=');
                match rule.kind.is_sensitive() {
                    true => text.push_str("***"),
                    false => write_shown(text, Some(value)),
                }
            }
            text.push('}');
            Ok(())
        }
    };
    result.expect("writing to a string cannot fail");
}

/// Where in the request a value stands. Errors name elements of lists by their number from 1:
/// `tags.1.member.key`.
enum Path<'p> {
    Request,
    Member(&'p Path<'p>, &'static str),
    Element(&'p Path<'p>, usize),
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Path::Request => Ok(()),
            Path::Member(Path::Request, name) => formatter.write_str(name),
            Path::Member(parent, name) => write!(formatter, "{parent}.{name}"),
            Path::Element(list, number) => write!(formatter, "{list}.{number}.member"),
        }
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};
    use proptest::prelude::*;

    use super::*;
    use crate::dispatch;
    use crate::request::decode;

    fn check_request(operation: &str, body: &str, expected: Expect) {
        let operation = dispatch::find(operation).expect("an operation of the table");
        let answer = decode(operation.request, body.as_bytes())
            .and_then(|request| check(&request, &Bounds::default()));
        let shown = match answer {
            Ok(()) => "ok".to_owned(),
            Err(error) => error.message.unwrap_or_else(|| format!("{:?}", error.error_type)),
        };
        expected.assert_eq(&shown);
    }

    #[test]
    fn required_members() {
        check_request("ListStateMachines", "{}", expect!["ok"]);
        check_request(
            "StartExecution",
            "{}",
            expect![
                "1 validation error detected: Value null at 'stateMachineArn' failed to satisfy constraint: Member must not be null"
            ],
        );
        check_request(
            "StartExecution",
            r#"{"stateMachineArn":null}"#,
            expect![
                "1 validation error detected: Value null at 'stateMachineArn' failed to satisfy constraint: Member must not be null"
            ],
        );
        check_request(
            "SendTaskSuccess",
            r#"{"taskToken":"t"}"#,
            expect![
                "1 validation error detected: Value at 'output' failed to satisfy constraint: Member must not be null"
            ],
        );
        check_request(
            "CreateStateMachine",
            r#"{"name":"n"}"#,
            expect![
                "2 validation errors detected: Value at 'definition' failed to satisfy constraint: Member must not be null; Value null at 'roleArn' failed to satisfy constraint: Member must not be null"
            ],
        );
    }

    #[test]
    fn lengths() {
        let long = "a".repeat(81);
        check_request(
            "StartExecution",
            &format!(r#"{{"stateMachineArn":"","name":"{long}"}}"#),
            expect![
                "2 validation errors detected: Value '' at 'stateMachineArn' failed to satisfy constraint: Member must have length greater than or equal to 1; Value 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa' at 'name' failed to satisfy constraint: Member must have length less than or equal to 80"
            ],
        );
        let umlauts = "ü".repeat(80);
        check_request(
            "StartExecution",
            &format!(r#"{{"stateMachineArn":"a","name":"{umlauts}"}}"#),
            expect!["ok"],
        );
        let large = "a".repeat(262_145);
        check_request(
            "StartExecution",
            &format!(r#"{{"stateMachineArn":"a","input":"{large}"}}"#),
            expect![
                "1 validation error detected: Value at 'input' failed to satisfy constraint: Member must have size less than or equal to 262144 bytes in UTF-8 encoding"
            ],
        );
        let half = "ü".repeat(131_073);
        check_request(
            "SendTaskSuccess",
            &format!(r#"{{"taskToken":"a","output":"{half}"}}"#),
            expect![
                "1 validation error detected: Value at 'output' failed to satisfy constraint: Member must have size less than or equal to 262144 bytes in UTF-8 encoding"
            ],
        );
        check_request(
            "SendTaskFailure",
            &format!(r#"{{"taskToken":"a","error":"{}"}}"#, "e".repeat(257)),
            expect![
                "1 validation error detected: Value at 'error' failed to satisfy constraint: Member must have length less than or equal to 256"
            ],
        );
    }

    #[test]
    fn numbers_and_enumerations() {
        check_request(
            "ListExecutions",
            r#"{"maxResults":1001}"#,
            expect![
                "1 validation error detected: Value '1001' at 'maxResults' failed to satisfy constraint: Member must have value less than or equal to 1000"
            ],
        );
        check_request(
            "ListExecutions",
            r#"{"maxResults":-1}"#,
            expect![
                "1 validation error detected: Value '-1' at 'maxResults' failed to satisfy constraint: Member must have value greater than or equal to 0"
            ],
        );
        check_request("ListExecutions", r#"{"maxResults":1000}"#, expect!["ok"]);
        check_request(
            "ListExecutions",
            r#"{"statusFilter":"succeeded"}"#,
            expect![
                "1 validation error detected: Value 'succeeded' at 'statusFilter' failed to satisfy constraint: Member must satisfy enum value set: [SUCCEEDED, TIMED_OUT, PENDING_REDRIVE, ABORTED, FAILED, RUNNING]"
            ],
        );
        check_request(
            "StartExecution",
            r#"{"stateMachineArn":"a","traceHeader":"ü"}"#,
            expect![[
                r#"1 validation error detected: Value 'ü' at 'traceHeader' failed to satisfy constraint: Member must satisfy regular expression pattern: \p{ASCII}*"#
            ]],
        );
    }

    #[test]
    fn nested_members_are_named_by_their_path() {
        check_request(
            "TagResource",
            r#"{"resourceArn":"a","tags":[{"key":"k"},{"key":"","value":"v"},null]}"#,
            expect![
                "2 validation errors detected: Value '' at 'tags.2.member.key' failed to satisfy constraint: Member must have length greater than or equal to 1; Value null at 'tags.3.member' failed to satisfy constraint: Member must not be null"
            ],
        );
        check_request(
            "CreateStateMachine",
            r#"{"name":"n","definition":"d","roleArn":"r","loggingConfiguration":
                {"level":"LOUD","destinations":[{"cloudWatchLogsLogGroup":{"logGroupArn":""}}]},
                "encryptionConfiguration":{"kmsDataKeyReusePeriodSeconds":30}}"#,
            expect![
                "4 validation errors detected: Value 'LOUD' at 'loggingConfiguration.level' failed to satisfy constraint: Member must satisfy enum value set: [ALL, ERROR, FATAL, OFF]; Value '' at 'loggingConfiguration.destinations.1.member.cloudWatchLogsLogGroup.logGroupArn' failed to satisfy constraint: Member must have length greater than or equal to 1; Value '30' at 'encryptionConfiguration.kmsDataKeyReusePeriodSeconds' failed to satisfy constraint: Member must have value greater than or equal to 60; Value null at 'encryptionConfiguration.type' failed to satisfy constraint: Member must not be null"
            ],
        );
        check_request(
            "UntagResource",
            r#"{"resourceArn":"a","tagKeys":["k",""]}"#,
            expect![
                "1 validation error detected: Value '' at 'tagKeys.2.member' failed to satisfy constraint: Member must have length greater than or equal to 1"
            ],
        );
    }

    #[test]
    fn what_is_not_the_protocol() {
        for body in ["", "{", "[]", "null", "\"x\"", "{} x", "{\"a\":}", "{\"name\":\"\u{0}\"}"] {
            check_request("StartExecution", body, expect!["Serialization"]);
        }
        let deep = format!("{{\"name\":{}", "[".repeat(10_000));
        check_request("StartExecution", &deep, expect!["Start of list found where not expected."]);
        let deep_unknown = format!("{{\"x\":{}1{}}}", "[".repeat(10_000), "]".repeat(10_000));
        check_request(
            "StartExecution",
            &deep_unknown,
            expect![
                "1 validation error detected: Value null at 'stateMachineArn' failed to satisfy constraint: Member must not be null"
            ],
        );
        check_request(
            "StartExecution",
            r#"{"name":1}"#,
            expect!["NUMBER_VALUE can not be converted to a String"],
        );
        check_request(
            "StartExecution",
            r#"{"name":true}"#,
            expect!["TRUE_VALUE can not be converted to a String"],
        );
        check_request(
            "StartExecution",
            r#"{"name":{}}"#,
            expect!["Start of structure or map found where not expected."],
        );
        check_request(
            "ListExecutions",
            r#"{"maxResults":"1"}"#,
            expect!["STRING_VALUE can not be converted to an Integer"],
        );
        check_request("ListExecutions", r#"{"maxResults":1e3}"#, expect!["ok"]);
        check_request(
            "TagResource",
            r#"{"tags":{}}"#,
            expect!["Start of structure or map found where not expected."],
        );
        check_request("TagResource", r#"{"tags":"x"}"#, expect!["Expected list or null"]);
        check_request("TagResource", r#"{"tags":["x"]}"#, expect!["Expected null"]);
        check_request(
            "GetExecutionHistory",
            r#"{"reverseOrder":"true"}"#,
            expect!["STRING_VALUE can not be converted to a Boolean"],
        );
        check_request("StartExecution", r#"{"name":"\ud800"}"#, expect!["Serialization"]);
    }

    /// Decodes and checks a body as that of every operation.
    fn decode_as_all(body: &[u8]) {
        for operation in &dispatch::OPERATIONS {
            if let Ok(request) = decode(operation.request, body) {
                let _ = check(&request, &Bounds::default());
            }
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_decoder_panic(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            decode_as_all(&body);
        }

        #[test]
        fn no_json_makes_the_checks_panic(
            member in 0..64_usize,
            value in prop_oneof![
                Just("null".to_owned()),
                Just("true".to_owned()),
                Just("[null,{},[],1]".to_owned()),
                Just("[{\"key\":1},{\"cloudWatchLogsLogGroup\":null}]".to_owned()),
                Just("{\"destinations\":[{}],\"type\":\"\",\"level\":[]}".to_owned()),
                any::<f64>().prop_map(|number| number.to_string()),
                any::<i128>().prop_map(|number| number.to_string()),
                any::<String>().prop_map(|text| serde_json::to_string(&text).unwrap()),
            ],
        ) {
            for operation in &dispatch::OPERATIONS {
                let Some(rule) = operation.request.get(member % operation.request.len().max(1)) else {
                    continue;
                };
                decode_as_all(format!("{{\"{}\":{value}}}", rule.name).as_bytes());
            }
        }
    }
}
