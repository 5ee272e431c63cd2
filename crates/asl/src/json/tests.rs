//! Valid and invalid texts.

use expect_test::{Expect, expect};

use super::*;

fn check(texts: &[&str], expected: Expect) {
    let mut shown = String::new();
    for text in texts {
        let outcome = match (parse_json(text), parse_document(text)) {
            (Ok(payload), Ok(Some(node))) => {
                assert_eq!(payload.value(), &node.to_value(), "{text}");
                "valid".to_owned()
            }
            (Err(error), Ok(None)) => format!("nothing; {error:?}"),
            (Err(error), Err(again)) => {
                assert_eq!(error, again);
                format!("{}:{} {}", error.line, error.column, error.message)
            }
            (fast, slow) => panic!("the parsers differ over {text:?}: {fast:?}, {slow:?}"),
        };
        let _ = writeln!(shown, "{text:?}\n    {outcome}");
    }
    expected.assert_eq(&shown);
}

#[test]
fn valid_texts() {
    let texts = [
        "{}",
        " [1, -0, 1.50, 1e3, 1E-2, true, false, null, \"a\"]\n",
        r#""\u00e9\ud83d\ude00\n\/""#,
        r#"{"a": {"b": [[], {}]}, "c": "ü"}"#,
        r#"{"a": 1, "b": 2, "a": 3}"#,
        "12345678901234567890123",
        "2",
    ];
    for text in texts {
        let node = parse_document(text).unwrap().unwrap();
        assert_eq!(node.to_value(), *parse_json(text).unwrap().value(), "{text}");
    }
}

#[test]
fn a_repeated_key_keeps_its_first_place_and_its_last_value() {
    let text = r#"{"a": 1, "b": 2, "a": 3}"#;
    let node = parse_document(text).unwrap().unwrap();
    assert_eq!(node.to_value().to_string(), r#"{"a":3,"b":2}"#);
    let keys: Vec<String> = (0..40).map(|n| format!("\"k{}\":{n}", n % 20)).collect();
    let text = format!("{{{}}}", keys.join(","));
    let node = parse_document(&text).unwrap().unwrap();
    assert_eq!(node.to_value(), *parse_json(&text).unwrap().value());
    assert_eq!(node.as_object().unwrap().iter().count(), 20);
}

#[test]
fn a_deep_text_is_refused_where_it_gets_too_deep() {
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let inner = if open == "[" { "" } else { "1" };
        for depth in [127, 128, 10_000, 100_000] {
            let text = format!("{}{inner}{}", open.repeat(depth), close.repeat(depth));
            let outcome = parse_json(&text);
            assert_eq!(outcome.is_ok(), depth < 128, "{depth}");
            if let Err(error) = outcome {
                assert_eq!(
                    error.message,
                    "Document nesting depth (128) exceeds the maximum allowed (127)"
                );
            }
            // Without an end as well.
            assert!(parse_json(&open.repeat(depth)).is_err());
        }
    }
}

#[test]
fn a_long_source_is_cut() {
    let text = format!("{{\"a\": \"{}\"", "ü".repeat(600));
    let error = parse_json(&text).unwrap_err();
    assert!(error.message.contains("üüü\"[truncated 108 chars]; line: 1, column: 1]"));
    let error = parse_json(&"a".repeat(300)).unwrap_err();
    assert!(error.message.contains("aaa...': was expecting"));
}

#[test]
fn places() {
    let text = "{\n  \"é\": [1,\n \"x\"]}";
    let node = parse_document(text).unwrap().unwrap();
    let member = node.as_object().unwrap().iter().next().unwrap();
    let table = crate::document::LineTable::new(text);
    let show = |span| {
        let (from, to) = table.positions(span);
        format!("{}:{}-{}:{}", from.line, from.column, to.line, to.column)
    };
    assert_eq!(show(node.span), "1:1-3:7");
    assert_eq!(show(member.key_span), "2:3-2:6");
    assert_eq!(show(member.value.span), "2:8-3:6");
    assert_eq!(show(member.value.as_array().unwrap()[1].span), "3:2-3:5");
}

#[test]
fn invalid_texts() {
    check(
        &[
            "not some json",
            "{'not': 'json'",
            "",
            "  ",
            "{",
            "[",
            "[1",
            "[1,",
            "{\"a\"",
            "{\"a\":",
            "{\"a\":1",
            "{\"a\":1,",
            "{\"a\":1,}",
            "[1,]",
            "[1 2]",
            "{\"a\" 1}",
            "{\"a\":1 \"b\":2}",
            "{\"a\":}",
            "[}",
            "{]",
            "{\"a\":1]",
            "}",
            "]",
            "{} {}",
            "{} x",
            "1 2",
            "12x",
            "[12x]",
            "[tru]",
            "nul",
            "trueish",
            "NaN",
            "[Infinity]",
            "-",
            "-x",
            "[-]",
            "01",
            "-01",
            "1.",
            "1.e3",
            "[1e]",
            "[1e+]",
            "1e400",
            "\"abc",
            "{\"abc",
            "\"a\\",
            "\"a\\x\"",
            "\"\\u12g4\"",
            "\"\\u12",
            "\"\\ud800\"",
            "\"\\ud800\\u0041\"",
            "\"a\nb\"",
            "{\"a\tb\":1}",
            "\0",
            "[1,\0]",
            "// x\n{}",
            "{\"a\": /* */ 1}",
            "#",
            "{\n  \"a\": 1\n  \"b\": 2\n}",
            "€",
            "[+1]",
            "\u{feff}{}",
            "\"a\0\"",
        ],
        expect![[r##"
            "not some json"
                1:4 Unrecognized token 'not': was expecting (JSON String, Number, Array, Object or token 'null', 'true' or 'false')
            "{'not': 'json'"
                1:3 Unexpected character (''' (code 39)): was expecting double-quote to start field name
            ""
                nothing; JsonSyntaxError { message: "No content to map due to end-of-input", line: 1, column: 1 }
            "  "
                nothing; JsonSyntaxError { message: "No content to map due to end-of-input", line: 1, column: 1 }
            "{"
                1:2 Unexpected end-of-input: expected close marker for Object (start marker at [Source: (String)"{"; line: 1, column: 1])
            "["
                1:2 Unexpected end-of-input: expected close marker for Array (start marker at [Source: (String)"["; line: 1, column: 1])
            "[1"
                1:3 Unexpected end-of-input: expected close marker for Array (start marker at [Source: (String)"[1"; line: 1, column: 1])
            "[1,"
                1:4 Unexpected end-of-input within/between Array entries
            "{\"a\""
                1:5 Unexpected end-of-input within/between Object entries
            "{\"a\":"
                1:6 Unexpected end-of-input within/between Object entries
            "{\"a\":1"
                1:7 Unexpected end-of-input: expected close marker for Object (start marker at [Source: (String)"{"a":1"; line: 1, column: 1])
            "{\"a\":1,"
                1:8 Unexpected end-of-input within/between Object entries
            "{\"a\":1,}"
                1:9 Unexpected character ('}' (code 125)): was expecting double-quote to start field name
            "[1,]"
                1:5 Unexpected character (']' (code 93)): expected a valid value (JSON String, Number, Array, Object or token 'null', 'true' or 'false')
            "[1 2]"
                1:5 Unexpected character ('2' (code 50)): was expecting comma to separate Array entries
            "{\"a\" 1}"
                1:7 Unexpected character ('1' (code 49)): was expecting a colon to separate field name and value
            "{\"a\":1 \"b\":2}"
                1:9 Unexpected character ('"' (code 34)): was expecting comma to separate Object entries
            "{\"a\":}"
                1:7 Unexpected character ('}' (code 125)): expected a value
            "[}"
                1:3 Unexpected close marker '}': expected ']' (for Array starting at [Source: (String)"[}"; line: 1, column: 1])
            "{]"
                1:3 Unexpected close marker ']': expected '}' (for Object starting at [Source: (String)"{]"; line: 1, column: 1])
            "{\"a\":1]"
                1:8 Unexpected close marker ']': expected '}' (for Object starting at [Source: (String)"{"a":1]"; line: 1, column: 1])
            "}"
                1:2 Unexpected close marker '}': expected ']' (for root starting at [Source: (String)"}"; line: 1, column: 0])
            "]"
                1:2 Unexpected close marker ']': expected '}' (for root starting at [Source: (String)"]"; line: 1, column: 0])
            "{} {}"
                1:4 Trailing token (of type START_OBJECT) found after value (bound as `com.fasterxml.jackson.databind.JsonNode`): not allowed as per `DeserializationFeature.FAIL_ON_TRAILING_TOKENS`
            "{} x"
                1:5 Unrecognized token 'x': was expecting (JSON String, Number, Array, Object or token 'null', 'true' or 'false')
            "1 2"
                1:4 Trailing token (of type VALUE_NUMBER_INT) found after value (bound as `com.fasterxml.jackson.databind.JsonNode`): not allowed as per `DeserializationFeature.FAIL_ON_TRAILING_TOKENS`
            "12x"
                1:4 Unexpected character ('x' (code 120)): Expected space separating root-level values
            "[12x]"
                1:5 Unexpected character ('x' (code 120)): was expecting comma to separate Array entries
            "[tru]"
                1:5 Unrecognized token 'tru': was expecting (JSON String, Number, Array, Object or token 'null', 'true' or 'false')
            "nul"
                1:4 Unrecognized token 'nul': was expecting (JSON String, Number, Array, Object or token 'null', 'true' or 'false')
            "trueish"
                1:8 Unrecognized token 'trueish': was expecting (JSON String, Number, Array, Object or token 'null', 'true' or 'false')
            "NaN"
                1:4 Non-standard token 'NaN': enable `JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS` to allow
            "[Infinity]"
                1:10 Non-standard token 'Infinity': enable `JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS` to allow
            "-"
                1:2 Unexpected character ((CTRL-CHAR, code 0)) in numeric value: expected digit (0-9) to follow minus sign, for valid numeric value
            "-x"
                1:3 Unexpected character ('x' (code 120)) in numeric value: expected digit (0-9) to follow minus sign, for valid numeric value
            "[-]"
                1:4 Unexpected character (']' (code 93)) in numeric value: expected digit (0-9) to follow minus sign, for valid numeric value
            "01"
                1:2 Invalid numeric value: Leading zeroes not allowed
            "-01"
                1:3 Invalid numeric value: Leading zeroes not allowed
            "1."
                1:3 Unexpected character ((CTRL-CHAR, code 0)) in numeric value: Decimal point not followed by a digit
            "1.e3"
                1:4 Unexpected character ('e' (code 101)) in numeric value: Decimal point not followed by a digit
            "[1e]"
                1:5 Unexpected character (']' (code 93)) in numeric value: Exponent indicator not followed by a digit
            "[1e+]"
                1:6 Unexpected character (']' (code 93)) in numeric value: Exponent indicator not followed by a digit
            "1e400"
                1:6 Numeric value (1e400) out of range
            "\"abc"
                1:5 Unexpected end-of-input: was expecting closing quote for a string value
            "{\"abc"
                1:6 Unexpected end-of-input in field name
            "\"a\\"
                1:4 Unexpected end-of-input in character escape sequence
            "\"a\\x\""
                1:5 Unrecognized character escape 'x' (code 120)
            "\"\\u12g4\""
                1:7 Unexpected character ('g' (code 103)): expected a hex-digit for character escape sequence
            "\"\\u12"
                1:6 Unexpected end-of-input in character escape sequence
            "\"\\ud800\""
                1:8 Incomplete surrogate pair in character escape sequence: \ud800
            "\"\\ud800\\u0041\""
                1:14 Incomplete surrogate pair in character escape sequence: \ud800
            "\"a\nb\""
                1:4 Illegal unquoted character ((CTRL-CHAR, code 10)): has to be escaped using backslash to be included in string value
            "{\"a\tb\":1}"
                1:5 Illegal unquoted character ((CTRL-CHAR, code 9)): has to be escaped using backslash to be included in name
            "\0"
                1:2 Illegal character ((CTRL-CHAR, code 0)): only regular white space (\r, \n, \t) is allowed between tokens
            "[1,\0]"
                1:5 Illegal character ((CTRL-CHAR, code 0)): only regular white space (\r, \n, \t) is allowed between tokens
            "// x\n{}"
                1:2 Unexpected character ('/' (code 47)): maybe a (non-standard) comment? (not recognized as one since Feature 'ALLOW_COMMENTS' not enabled for parser)
            "{\"a\": /* */ 1}"
                1:8 Unexpected character ('/' (code 47)): maybe a (non-standard) comment? (not recognized as one since Feature 'ALLOW_COMMENTS' not enabled for parser)
            "#"
                1:2 Unexpected character ('#' (code 35)): expected a valid value (JSON String, Number, Array, Object or token 'null', 'true' or 'false')
            "{\n  \"a\": 1\n  \"b\": 2\n}"
                3:4 Unexpected character ('"' (code 34)): was expecting comma to separate Object entries
            "€"
                1:2 Unexpected character ('€' (code 8364 / 0x20ac)): expected a valid value (JSON String, Number, Array, Object or token 'null', 'true' or 'false')
            "[+1]"
                1:3 Unexpected character ('+' (code 43)): expected a valid value (JSON String, Number, Array, Object or token 'null', 'true' or 'false')
            "\u{feff}{}"
                1:2 Unexpected character ('﻿' (code 65279 / 0xfeff)): expected a valid value (JSON String, Number, Array, Object or token 'null', 'true' or 'false')
            "\"a\0\""
                1:4 Illegal unquoted character ((CTRL-CHAR, code 0)): has to be escaped using backslash to be included in string value
        "##]],
    );
}

/// Whatever is only looked through is what the parser reads, and nothing else.
#[test]
fn the_quick_look_is_as_strict_as_the_parser() {
    let deep = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
    let mut texts: Vec<String> = [
        r#"{"a": [1, -2.5, true, null, "x\n\"y"], "b": {"c": ""}}"#,
        r#"["\ud83d\ude00", 1e5, 0.1E-3, 12345678901234567890]"#,
        " \t\r\n[ ] ",
        r#""\u0041""#,
    ]
    .map(str::to_owned)
    .into();
    texts.extend([deep(127), deep(128), "9".repeat(310), format!("[{}.5]", "1".repeat(299))]);
    texts.extend(
        ["\"\u{1}\"", "[1]2", "\"\\ud800\"", "-", "01", "1.", "+1", "\u{feff}1"].map(Into::into),
    );
    let (mut quick, mut valid) = (0, 0);
    let mut check = |text: &str| {
        let is_valid = Payload::parse(text).is_ok();
        let is_quick = is_plainly_valid(text);
        assert!(is_valid || !is_quick, "{text}");
        assert_eq!(parse_json(text).is_ok(), is_valid, "{text}");
        quick += u32::from(is_quick);
        valid += u32::from(is_valid);
    };
    for text in &texts {
        check(text);
        for (at, _) in text.char_indices().take(60) {
            let end = text[at..].chars().next().map_or(at, |char| at + char.len_utf8());
            check(&format!("{}{}", &text[..at], &text[end..]));
            for other in ["\"", "\\", "{", "]", ",", ":", "0", "-", "e", ".", "\u{0}", "ü"] {
                check(&format!("{}{other}{}", &text[..at], &text[end..]));
                check(&format!("{}{other}{}", &text[..at], &text[at..]));
            }
        }
    }
    assert!(quick > 200 && valid > quick, "{quick} of {valid}");
}
