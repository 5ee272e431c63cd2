//! Whether answers are as `docs/openapi.json` says.

use std::sync::LazyLock;

use serde_json::Value;

use crate::server::Response;

static DOCUMENT: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("../../../../docs/openapi.json")).unwrap());

/// Checks an answer: its status is documented, its content type too, and a JSON body has the
/// documented shape, with no member that is not documented.
#[track_caller]
pub(crate) fn check(method: &str, path: &str, response: &Response) {
    let Some(operation) = operation(method, path) else {
        assert_eq!(response.status, 404, "{method} {path} is not documented");
        return;
    };
    let documented = &operation["responses"][response.status.to_string()];
    assert!(documented.is_object(), "{method} {path}: status {} is new", response.status);
    let Some(content_type) = response.header("content-type") else {
        assert!(documented["content"].is_null(), "{method} {path}: nothing comes");
        return;
    };
    let content_type = content_type.split(';').next().unwrap();
    let content = &documented["content"][content_type];
    assert!(content.is_object(), "{method} {path}: {content_type} is new");
    if content_type == "application/json" {
        fits(&content["schema"], &response.json(), &format!("{method} {path}"));
    }
}

/// Checks a value that comes otherwise.
#[track_caller]
pub(crate) fn check_value(schema: &str, value: &Value) {
    fits(&serde_json::json!({"$ref": format!("#/components/schemas/{schema}")}), value, schema);
}

/// The documented operation at a path.
fn operation(method: &str, path: &str) -> Option<&'static Value> {
    let path = path.split('?').next().unwrap();
    let fits = |template: &str| {
        let (template, path) = (template.split('/'), path.split('/'));
        template.clone().count() == path.clone().count()
            && template.zip(path).all(|(known, given)| known.starts_with('{') || known == given)
    };
    let paths = DOCUMENT["paths"].as_object().unwrap();
    let (_, operations) = paths.iter().find(|(template, _)| fits(template))?;
    operations.get(method)
}

/// Compares a value with a schema, as far as this document uses schemas.
#[track_caller]
fn fits(schema: &Value, value: &Value, at: &str) {
    if let Some(name) = schema["$ref"].as_str() {
        let name = name.strip_prefix("#/components/schemas/").unwrap();
        let named = &DOCUMENT["components"]["schemas"][name];
        assert!(named.is_object(), "{at}: no schema {name}");
        return fits(named, value, at);
    }
    let is_right = match schema["type"].as_str() {
        Some("object") => value.is_object(),
        Some("array") => value.is_array(),
        Some("string") => value.is_string(),
        Some("integer") => value.is_u64() || value.is_i64(),
        Some("number") => value.is_number(),
        Some("boolean") => value.is_boolean(),
        other => panic!("{at}: the type {other:?} is not known here"),
    };
    assert!(is_right, "{at} is no {}: {value}", schema["type"]);
    if let Some(values) = schema["enum"].as_array() {
        assert!(values.contains(value), "{at}: {value} is none of {values:?}");
    }
    for name in schema["required"].as_array().into_iter().flatten() {
        assert!(value.get(name.as_str().unwrap()).is_some(), "{at} has no {name}: {value}");
    }
    for item in value.as_array().into_iter().flatten() {
        fits(&schema["items"], item, &format!("{at}[]"));
    }
    let Some(properties) = schema["properties"].as_object() else { return };
    for (name, member) in value.as_object().into_iter().flatten() {
        let property = properties.get(name);
        let property = property.unwrap_or_else(|| panic!("{at}.{name} is not documented"));
        fits(property, member, &format!("{at}.{name}"));
    }
}
