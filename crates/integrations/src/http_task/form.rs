//! URL encoding: of query strings, and of request bodies that are forms.

use serde_json::{Map, Value};

/// How arrays are written in a form (`Transform.RequestEncodingOptions.ArrayFormat`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum ArrayFormat {
    /// `a[0]=x&a[1]=y`
    #[default]
    Indices,
    /// `a=x&a=y`
    Repeat,
    /// `a=x,y`
    Commas,
    /// `a[]=x&a[]=y`
    Brackets,
}

impl ArrayFormat {
    pub(crate) fn parse(name: &str) -> Option<ArrayFormat> {
        match name {
            "INDICES" => Some(ArrayFormat::Indices),
            "REPEAT" => Some(ArrayFormat::Repeat),
            "COMMAS" => Some(ArrayFormat::Commas),
            "BRACKETS" => Some(ArrayFormat::Brackets),
            _ => None,
        }
    }
}

/// The form of an object. Nested objects become `a[b]=c`; empty ones and empty arrays leave
/// nothing, `null` an empty value.
pub(crate) fn encode_form(object: &Map<String, Value>, format: ArrayFormat) -> String {
    let mut form = String::new();
    for (key, value) in object {
        append(&mut form, key, value, format);
    }
    form
}

fn append(form: &mut String, key: &str, value: &Value, format: ArrayFormat) {
    match value {
        Value::Object(object) => {
            for (name, value) in object {
                append(form, &format!("{key}[{name}]"), value, format);
            }
        }
        Value::Array(items) if items.is_empty() => {}
        Value::Array(items) if format == ArrayFormat::Commas => {
            let texts: Vec<String> = items.iter().map(text_of).collect();
            append_pair(form, key, &texts.join(","));
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                let key = match format {
                    ArrayFormat::Indices => format!("{key}[{index}]"),
                    ArrayFormat::Brackets => format!("{key}[]"),
                    ArrayFormat::Repeat | ArrayFormat::Commas => key.to_owned(),
                };
                append(form, &key, item, format);
            }
        }
        value => append_pair(form, key, &text_of(value)),
    }
}

/// `key=value`, both encoded, after an `&` where something stands already.
pub(crate) fn append_pair(form: &mut String, key: &str, value: &str) {
    if !form.is_empty() {
        form.push('&');
    }
    percent_encode(form, key);
    form.push('=');
    percent_encode(form, value);
}

/// A scalar without quotes; anything else as JSON.
pub(crate) fn text_of(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Everything but unreserved characters, space as `%20`.
pub(crate) fn percent_encode(to: &mut String, text: &str) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            to.push(char::from(byte));
        } else {
            const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
            to.push('%');
            to.push(char::from(DIGITS[usize::from(byte >> 4)]));
            to.push(char::from(DIGITS[usize::from(byte & 15)]));
        }
    }
}

/// Encodes what can never stand in a URL and leaves the rest as it is.
pub(crate) fn repair_url(url: &str) -> String {
    let mut repaired = String::with_capacity(url.len());
    for character in url.chars() {
        if character.is_ascii_graphic() && !"\"<>\\^`{|}".contains(character) {
            repaired.push(character);
        } else {
            percent_encode(&mut repaired, character.encode_utf8(&mut [0; 4]));
        }
    }
    repaired
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};
    use serde_json::json;

    use super::*;

    fn check(object: Value, expected: &Expect) {
        let mut text = String::new();
        for name in ["INDICES", "REPEAT", "COMMAS", "BRACKETS"] {
            let format = ArrayFormat::parse(name).unwrap();
            text.push_str(&format!("{}\n", encode_form(object.as_object().unwrap(), format)));
        }
        expected.assert_eq(&text);
    }

    #[test]
    fn arrays_have_four_forms() {
        check(
            json!({"array": ["a", "b"]}),
            &expect![[r#"
                array%5B0%5D=a&array%5B1%5D=b
                array=a&array=b
                array=a%2Cb
                array%5B%5D=a&array%5B%5D=b
            "#]],
        );
        check(
            json!({"description": "Monthly subscription", "metadata": {"order_details": "ä&b"}, "n": [1.5, true, null],
                "empty": [], "none": {}, "x": [{"y": 1}]}),
            &expect![[r#"
                description=Monthly%20subscription&metadata%5Border_details%5D=%C3%A4%26b&n%5B0%5D=1.5&n%5B1%5D=true&n%5B2%5D=&x%5B0%5D%5By%5D=1
                description=Monthly%20subscription&metadata%5Border_details%5D=%C3%A4%26b&n=1.5&n=true&n=&x%5By%5D=1
                description=Monthly%20subscription&metadata%5Border_details%5D=%C3%A4%26b&n=1.5%2Ctrue%2C&x=%7B%22y%22%3A1%7D
                description=Monthly%20subscription&metadata%5Border_details%5D=%C3%A4%26b&n%5B%5D=1.5&n%5B%5D=true&n%5B%5D=&x%5B%5D%5By%5D=1
            "#]],
        );
    }

    #[test]
    fn urls_are_repaired() {
        assert_eq!(
            repair_url("https://x/a b?q=ü%20&r={1}"),
            "https://x/a%20b?q=%C3%BC%20&r=%7B1%7D"
        );
    }
}
