//! A case as its file has it.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::Value;

use crate::maps;

/// One recorded case.
#[derive(Debug)]
pub struct Case {
    /// The file below the folder of the data, without `.json`: the name by which it is asked for.
    pub name: String,
    pub group: String,
    /// Other services that it touches.
    pub needs: Vec<String>,
    pub(crate) steps: Vec<Step>,
    pub(crate) services: Vec<Service>,
    /// What its test did to other services.
    pub(crate) surroundings: Vec<Value>,
    /// Members of `recorded` that are no answer of one step.
    pub(crate) derived: Vec<String>,
    /// The rules as they stand there.
    pub(crate) placeholders: Vec<Value>,
    pub(crate) noise: Vec<String>,
    /// The day, as `2024-06-26`, on which the recording was last seen to hold on AWS.
    pub(crate) validated_on: Option<String>,
    pub(crate) recorded: Value,
}

/// One call.
#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) operation: String,
    pub(crate) request: Value,
    pub(crate) expect: Expect,
    pub(crate) wait_for: Option<String>,
    /// Pointer into the answer -> template.
    pub(crate) bind: Vec<(String, String)>,
}

/// What was recorded of an answer; pointers into the case's file, without `#/recorded`.
#[derive(Debug)]
pub(crate) enum Expect {
    /// Nothing: but it succeeds.
    Success,
    Response(String),
    Error(String),
    /// Pointer into the answer, pointer into the recording.
    Parts(Vec<(String, String)>),
}

/// One call that a task makes, with its answer.
#[derive(Debug, Clone)]
pub(crate) struct Service {
    pub(crate) service: String,
    pub(crate) operation: String,
    pub(crate) request: Value,
    pub(crate) response: Value,
}

/// Cases whose outcome hangs on a name: name in the file -> name that has the original's form.
const RENAMED: &[(&str, &[(&str, &str)])] = &[
    // The recording shows that the name of nothing is made from the name of something.
    ("error_handling/task_lambda.no_such_function", NO_SUCH_FUNCTION),
    ("error_handling/task_lambda.no_such_function_catch", NO_SUCH_FUNCTION),
    ("error_handling/task_service_lambda.no_such_function", NO_SUCH_FUNCTION),
    ("error_handling/task_service_lambda.no_such_function_catch", NO_SUCH_FUNCTION),
    ("api/core/sfn_api.invalid_start_execution_arn", &[("name-1", "statemachine_invalid_sm-1")]),
    ("error_handling/aws_sdk.dynamodb_put_item_no_such_table", NO_SUCH_TABLE),
    ("error_handling/task_service_dynamodb.put_item_no_such_table", NO_SUCH_TABLE),
    // They split the name of the machine at "-".
    ("intrinsic_functions/generic.nested_calls_1", &[("sm-1", "sm1")]),
    ("intrinsic_functions/generic.nested_calls_2", &[("sm-1", "sm1")]),
    // The list is in the order of names that ended with 0, 1, … 12.
    (
        "api/core/sfn_api.list_sms_pagination",
        &[
            ("sm-01", "sm-a"),
            ("sm-11", "sm-b"),
            ("sm-12", "sm-c"),
            ("sm-13", "sm-d"),
            ("sm-02", "sm-e"),
            ("sm-03", "sm-f"),
            ("sm-04", "sm-g"),
            ("sm-05", "sm-h"),
            ("sm-06", "sm-i"),
            ("sm-07", "sm-j"),
            ("sm-08", "sm-k"),
            ("sm-09", "sm-l"),
            ("sm-10", "sm-m"),
        ],
    ),
];

/// The rules of these cases look for the beginning of the tables' names.
const NO_SUCH_TABLE: &[(&str, &str)] = &[("name-1", "no_such_test_table_1")];
const NO_SUCH_FUNCTION: &[(&str, &str)] = &[("name-1", "no_such_function-1")];

/// The folder of the data in the repository.
pub fn folder() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.join("../../testdata/conformance/executions")
}

/// All cases, by name.
///
/// # Errors
/// A file that is not as the data's README says.
pub fn load_all() -> Result<Vec<Case>> {
    let index = std::fs::read_to_string(folder().join("INDEX.jsonl")).context("INDEX.jsonl")?;
    let mut cases = Vec::new();
    for line in index.lines() {
        let entry: Value = serde_json::from_str(line)?;
        let file = entry["file"].as_str().context("a file in each line of the index")?;
        let mut text = std::fs::read_to_string(folder().join(file)).context(file.to_owned())?;
        let name = file.trim_end_matches(".json");
        let renamed = RENAMED.iter().filter(|(case, _)| *case == name);
        for (old, new) in renamed.flat_map(|(_, names)| *names) {
            text = text.replace(old, new);
        }
        let mut content = serde_json::from_str(&text)?;
        maps::complete_reconstructed(&mut content);
        cases.push(parse(name, &content).context(file.to_owned())?);
    }
    cases.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(cases)
}

fn parse(name: &str, file: &Value) -> Result<Case> {
    let list = |name: &str| file[name].as_array().map(Vec::as_slice).unwrap_or_default();
    let strings =
        |name: &str| list(name).iter().filter_map(Value::as_str).map(String::from).collect();
    Ok(Case {
        name: name.to_owned(),
        group: file["group"].as_str().context("group")?.to_owned(),
        needs: strings("needs"),
        steps: list("steps").iter().map(parse_step).collect::<Result<_>>()?,
        services: list("services").iter().map(parse_service).collect::<Result<_>>()?,
        surroundings: list("surroundings").to_vec(),
        derived: strings("derived"),
        placeholders: list("placeholders").to_vec(),
        noise: strings("noise"),
        validated_on: file["validated_on"].as_str().map(String::from),
        recorded: match &file["recorded"] {
            Value::Null => Value::Object(serde_json::Map::new()),
            recorded => recorded.clone(),
        },
    })
}

fn parse_step(step: &Value) -> Result<Step> {
    let expect = if step.get("response").is_some() {
        Expect::Response(reference(&step["response"])?)
    } else if step.get("error").is_some() {
        Expect::Error(reference(&step["error"])?)
    } else if let Some(parts) = step["response_parts"].as_object() {
        let parts = parts.iter().map(|(place, of)| Ok((place.clone(), reference(of)?)));
        Expect::Parts(parts.collect::<Result<_>>()?)
    } else {
        Expect::Success
    };
    let bind = step["bind"].as_object().into_iter().flatten();
    let bind =
        bind.filter_map(|(place, template)| Some((place.clone(), template.as_str()?.into())));
    Ok(Step {
        operation: step["operation"].as_str().context("operation")?.to_owned(),
        request: step["request"].clone(),
        expect,
        wait_for: step["await"].as_str().map(String::from),
        bind: bind.collect(),
    })
}

fn parse_service(service: &Value) -> Result<Service> {
    Ok(Service {
        service: service["service"].as_str().context("service")?.to_owned(),
        operation: service["operation"].as_str().context("operation")?.to_owned(),
        request: service["request"].clone(),
        response: service["response"].clone(),
    })
}

fn reference(value: &Value) -> Result<String> {
    let text = value["$ref"].as_str().context("$ref")?;
    Ok(text.strip_prefix("#/recorded").context("a reference into recorded")?.to_owned())
}
