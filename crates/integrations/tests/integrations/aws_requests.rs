//! Requests and answers of many services, held against what botocore makes of them
//! (`testdata/aws_requests/`, made by `cargo xtask requests`).

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use bytes::Bytes;
use integrations::aws::{WireRequest, parse_response, serialize, service_spelling, task_spelling};
use serde_json::{Map, Value, json};
use service_models::{
    Location, Operation, Protocol, Reference, Service, ShapeType, TimestampFormat,
};

/// Service, operation and side of cases that are meant to differ.
const DIFFERENT: &[(&str, &str, &str)] = &[
    // JSON in headers is a text to the Java SDK; botocore parses it.
    ("lex-runtime", "PostContent", "answer"),
];

struct Case {
    service: &'static Service,
    operation: &'static Operation,
    value: Value,
}

fn cases() -> Vec<Case> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../testdata/aws_requests");
    let mut cases = Vec::new();
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "jsonl") {
            continue;
        }
        let text = std::fs::read_to_string(path).unwrap();
        let mut lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let head = lines.next().unwrap();
        let name = head["service"].as_str().unwrap();
        let found = service_models::services().map(service_models::ServiceEntry::service);
        let service = found.into_iter().find(|service| *service.folder == *name).unwrap();
        for value in lines {
            let operation = service.operation(value["operation"].as_str().unwrap()).unwrap();
            cases.push(Case { service, operation, value });
        }
    }
    cases
}

fn sorted(mut pairs: Vec<(String, String)>) -> Value {
    pairs.sort();
    json!(pairs)
}

/// A request in the form of the data.
fn shown(service: &Service, request: &WireRequest) -> Value {
    let text = String::from_utf8(request.body.to_vec()).unwrap();
    let is_form = matches!(service.protocol, Protocol::Query | Protocol::Ec2);
    let body = match text.as_str() {
        "" => Value::Null,
        text if is_form => json!({ "form": form(text) }),
        text => json!({ "text": text }),
    };
    let headers: Map<String, Value> = request
        .headers
        .iter()
        .map(|(name, value)| (name.to_ascii_lowercase(), value.as_str().into()))
        .collect();
    let mut shown = json!({
        "method": request.method,
        "path": request.path,
        "query": sorted(request.query.clone()),
        "headers": headers,
        "body": body,
    });
    if let Some(prefix) = &request.host_prefix {
        shown["host_prefix"] = prefix.as_str().into();
    }
    shown
}

fn form(text: &str) -> BTreeMap<String, String> {
    let decode = |text: &str| {
        let mut bytes = Vec::new();
        let mut rest = text.as_bytes();
        while let [first, after @ ..] = rest {
            if *first == b'%' {
                let code = std::str::from_utf8(&after[..2]).unwrap();
                bytes.push(u8::from_str_radix(code, 16).unwrap());
                rest = &after[2..];
            } else {
                bytes.push(*first);
                rest = after;
            }
        }
        String::from_utf8(bytes).unwrap()
    };
    let pairs = text.split('&').map(|pair| pair.split_once('=').unwrap());
    pairs.map(|(name, value)| (decode(name), decode(value))).collect()
}

/// The same without what does not matter: the spelling of JSON and XML, numbers as texts.
fn canonical(request: &Value) -> Value {
    let mut request = request.clone();
    if let Some(text) = request["body"]["text"].as_str() {
        let text = text.to_owned();
        request["body"] = match serde_json::from_str::<Value>(&text) {
            Ok(value) => json!({ "json": numbers(value) }),
            Err(_) => json!({ "text": xml(&text) }),
        };
    }
    // What the body is, is told by us in XML, too.
    if let Some(headers) = request["headers"].as_object_mut()
        && headers.get("content-type") == Some(&json!("application/xml"))
    {
        headers.shift_remove("content-type");
    }
    request
}

/// `<a></a>` and `<a />` are the same; quotes need not be escaped in texts.
fn xml(text: &str) -> String {
    let text = text.replace("&quot;", "\"");
    let text = text.split_once("?>").map_or(text.clone(), |(_, rest)| rest.trim_start().to_owned());
    let mut shown = String::new();
    let mut rest = text.as_str();
    while let Some(at) = rest.find(" />") {
        let start = rest[..at].rfind('<').unwrap();
        let name = rest[start + 1..at].split(' ').next().unwrap();
        shown.push_str(&rest[..at]);
        shown.push_str(&format!("></{name}>"));
        rest = &rest[at + 3..];
    }
    shown + rest
}

/// 7 and 7.0 are the same number.
fn numbers(value: Value) -> Value {
    match value {
        Value::Number(number) => json!(number.as_f64()),
        Value::Array(items) => items.into_iter().map(numbers).collect(),
        Value::Object(members) => {
            members.into_iter().map(|(name, value)| (name, numbers(value))).collect()
        }
        other => other,
    }
}

fn is_known(case: &Case, part: &str) -> bool {
    DIFFERENT.iter().any(|(folder, operation, of)| {
        *folder == &*case.service.folder && *operation == &*case.operation.name && *of == part
    })
}

#[test]
fn requests_are_those_of_botocore() {
    let (mut count, mut services) = (0, BTreeMap::<Protocol, Vec<&str>>::new());
    let mut failures = Vec::new();
    for case in cases() {
        let Case { service, operation, value } = &case;
        // By way of the spelling of tasks.
        let parameters =
            task_spelling(service, operation.input.as_ref(), value["parameters"].clone());
        let ours = service_spelling(service, operation, &parameters, false)
            .map_err(|problems| problems.join(", "))
            .and_then(|input| serialize(service, operation, &input, None, "token"));
        let theirs = canonical(&value["request"]);
        let ours = ours.map(|request| canonical(&shown(service, &request)));
        if ours.as_ref() != Ok(&theirs) && !is_known(&case, "request") {
            let ours = ours.map_or_else(|error| error, |request| request.to_string());
            failures.push(format!("{} {}\n  {theirs}\n  {ours}", service.folder, operation.name));
        }
        count += 1;
        let of = services.entry(service.protocol).or_default();
        if !of.contains(&&*service.folder) {
            of.push(&service.folder);
        }
    }
    assert!(failures.is_empty(), "{} of {count}:\n{}", failures.len(), failures.join("\n"));
    assert_eq!(services.len(), 5, "every protocol is there");
    let all: usize = services.values().map(Vec::len).sum();
    assert!(all >= 40 && count >= 500, "{all} services, {count} cases");
}

#[test]
fn answers_are_read_as_by_botocore() {
    let mut failures = Vec::new();
    let cases = cases();
    for case in &cases {
        let Case { service, operation, value } = case;
        let answer = &value["answer"];
        let headers: Vec<(String, String)> = answer["headers"]
            .as_object()
            .unwrap()
            .iter()
            .map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned()))
            .collect();
        let body = Bytes::from(answer["body"].as_str().unwrap().to_owned());
        let ours = parse_response(service, operation, 200, &headers, &body);
        let ours = ours.map(|(output, _)| numbers(output));
        let theirs = numbers(answer["output"].clone());
        if ours.as_ref() != Ok(&theirs) && !is_known(case, "answer") {
            let ours = ours.map_or_else(|error| error, |output| output.to_string());
            failures.push(format!(
                "{} {}\n  {}\n  {theirs}\n  {ours}",
                service.folder, operation.name, answer["body"]
            ));
        }
    }
    let (failed, all) = (failures.len(), cases.len());
    assert!(failures.is_empty(), "{failed} of {all}:\n{}", failures.join("\n"));
}

/// What is special about a member that has a value.
fn kinds(
    service: &Service,
    reference: &Reference,
    value: &Value,
    found: &mut BTreeSet<&'static str>,
) {
    let shape = service.shape(reference);
    let is_list = shape.shape_type == ShapeType::List;
    let format = reference.timestamp_format.or(shape.timestamp_format);
    let is_xml = matches!(service.protocol, Protocol::RestXml | Protocol::Query | Protocol::Ec2);
    let is_flat = reference.is_flattened || shape.is_flattened;
    let namespace = reference.xml_namespace.is_some() || shape.xml_namespace.is_some();
    let is = |kind: &'static str, holds: bool| holds.then_some(kind);
    found.extend(
        [
            is("header", reference.location == Some(Location::Header)),
            is("headers by prefix", reference.location == Some(Location::Headers)),
            is("query string", reference.location == Some(Location::QueryString)),
            is("path", reference.location == Some(Location::Uri)),
            is("host prefix", reference.is_host_label),
            is("idempotency token", reference.is_idempotency_token),
            is("JSON in a text", reference.is_json),
            is("blob", shape.shape_type == ShapeType::Blob),
            is("streaming blob", shape.shape_type == ShapeType::Blob && shape.is_streaming),
            is("document", shape.is_document),
            is("XML attribute", reference.is_xml_attribute),
            is("XML namespace", service.protocol == Protocol::RestXml && namespace),
            is("flattened list", is_xml && is_flat && is_list),
            is("list", is_xml && !is_flat && is_list),
            is("flattened map", is_xml && is_flat && shape.shape_type == ShapeType::Map),
            is("map", shape.shape_type == ShapeType::Map),
            is("seconds", format == Some(TimestampFormat::UnixTimestamp)),
            is("ISO 8601", format == Some(TimestampFormat::Iso8601)),
            is("RFC 822", format == Some(TimestampFormat::Rfc822)),
            is("moment", shape.shape_type == ShapeType::Timestamp && format.is_none()),
        ]
        .into_iter()
        .flatten(),
    );
    match value {
        Value::Object(given) if shape.shape_type == ShapeType::Structure => {
            for (name, value) in given {
                let member = shape.member(name).or_else(|| shape.property(name));
                if let Some(member) = member {
                    kinds(service, &member.reference, value, found);
                }
            }
        }
        Value::Object(given) if shape.shape_type == ShapeType::Map => {
            given.values().for_each(|value| kinds(service, shape.value(), value, found));
        }
        Value::Array(items) if is_list => {
            items.iter().for_each(|item| kinds(service, shape.element(), item, found));
        }
        _ => {}
    }
}

/// The cases leave out no way in which a service has a member written. (No input has a flattened
/// map in XML, or says that a moment is written in seconds.)
#[test]
fn the_cases_have_every_kind_of_member() {
    let mut found = BTreeSet::new();
    for case in cases() {
        if let Some(input) = &case.operation.input {
            kinds(case.service, input, &case.value["parameters"], &mut found);
        }
    }
    let all = [
        "ISO 8601",
        "JSON in a text",
        "RFC 822",
        "XML attribute",
        "XML namespace",
        "blob",
        "document",
        "flattened list",
        "header",
        "headers by prefix",
        "host prefix",
        "idempotency token",
        "list",
        "map",
        "moment",
        "path",
        "query string",
        "streaming blob",
    ];
    assert_eq!(found.into_iter().collect::<Vec<_>>(), all);
}
