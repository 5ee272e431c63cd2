//! What the operations of services answer, from AWS's service models, and whether a mock could
//! be such an answer. `service_outputs/` has a file per service; a service without one is not
//! checked.

use serde_json::{Map, Value};

/// How much is checked of what an answer has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// Also that what the service always answers is there.
    Strict,
    /// Only what is there.
    Present,
}

/// An operation of a service.
pub(super) struct Call<'r> {
    /// As `aws-sdk:` resources name it.
    pub(super) service: &'r str,
    /// In camelCase, as resources name it.
    pub(super) operation: &'r str,
    /// A member of the answer that is any JSON.
    pub(super) payload: Option<&'static str>,
}

macro_rules! services {
    ($($name:literal)*) => {
        &[$(($name, include_str!(concat!("../../service_outputs/", $name, ".json")))),*]
    };
}

/// The services of which something is known, by name.
static SERVICES: &[(&str, &str)] = services! {
    "acm" "athena" "batch" "bedrock" "bedrockruntime" "cloudformation" "cloudwatch"
    "cloudwatchlogs" "codebuild" "cognitoidentityprovider" "comprehend" "databrew" "dynamodb"
    "ecr" "ecs" "efs" "eks" "emr" "emrcontainers" "emrserverless" "eventbridge" "firehose" "glue"
    "iam" "kinesis" "kms" "lambda" "mediaconvert" "organizations" "pipes" "polly" "rdsdata"
    "redshiftdata" "rekognition" "route53" "s3" "sagemaker" "scheduler" "secretsmanager" "ses"
    "sesv2" "sfn" "sns" "sqs" "ssm" "sts" "textract" "transcribe" "translate" "xray"
};

/// The model of a service.
struct Model {
    operations: Map<String, Value>,
    shapes: Map<String, Value>,
}

impl Model {
    fn of(service: &str) -> Option<Model> {
        let found = SERVICES.binary_search_by(|(name, _)| (*name).cmp(service)).ok()?;
        let model: Value = serde_json::from_str(SERVICES[found].1).ok()?;
        let Value::Object(mut model) = model else { return None };
        let mut part = |name| match model.remove(name) {
            Some(Value::Object(part)) => Some(part),
            _ => None,
        };
        Some(Model { operations: part("operations")?, shapes: part("shapes")? })
    }

    /// What an operation answers; none if it is not known, or answers nothing.
    fn output(&self, operation: &str) -> Option<&str> {
        self.operations.get(&capitalised(operation))?.as_str()
    }
}

/// Whether the answer of an operation is known.
#[cfg(test)]
pub(super) fn is_known(service: &str, operation: &str) -> bool {
    Model::of(service).is_some_and(|model| model.output(operation).is_some())
}

/// Checks an answer. What is wrong with it is in AWS's words.
pub(super) fn check(answer: &Value, call: &Call<'_>, mode: Mode) -> Result<(), String> {
    let Some(model) = Model::of(call.service) else { return Ok(()) };
    let Some(output) = model.output(call.operation) else { return Ok(()) };
    if !answer.is_object() {
        return Err("Mocked result must be a JSON object".to_owned());
    }
    let check = Check { model: &model, mode };
    check.value(answer, output, "", call.payload)
}

struct Check<'m> {
    model: &'m Model,
    mode: Mode,
}

impl Check<'_> {
    /// Checks a value against the shape that a reference names. `skipped` is a member of it that
    /// is any JSON.
    fn value(
        &self,
        value: &Value,
        reference: &str,
        field: &str,
        skipped: Option<&str>,
    ) -> Result<(), String> {
        let Some(name) = reference.strip_prefix('#') else {
            return self.kind(value, reference, field);
        };
        let Some(shape) = self.model.shapes.get(name) else { return Ok(()) };
        if let Some(members) = shape.get("members").and_then(Value::as_object) {
            return self.structure(value, members, shape.get("required"), field, skipped);
        }
        if let Some(element) = shape.get("list").and_then(Value::as_str) {
            let Value::Array(elements) = value else {
                return Err(must_be(field, "an array"));
            };
            return elements.iter().try_for_each(|value| self.value(value, element, field, None));
        }
        if let Some(element) = shape.get("map").and_then(Value::as_str) {
            let Value::Object(members) = value else {
                return Err(must_be(field, "an object"));
            };
            return members.values().try_for_each(|value| self.value(value, element, field, None));
        }
        if let Some(values) = shape.get("enum").and_then(Value::as_array) {
            self.kind(value, "string", field)?;
            return match values.contains(value) {
                true => Ok(()),
                false => Err(format!("Field '{field}' is not an expected value")),
            };
        }
        if let Some(kind) = shape.get("kind").and_then(Value::as_str) {
            self.kind(value, kind, field)?;
            return self.bounds(value, shape, field);
        }
        Ok(())
    }

    fn structure(
        &self,
        value: &Value,
        members: &Map<String, Value>,
        required: Option<&Value>,
        field: &str,
        skipped: Option<&str>,
    ) -> Result<(), String> {
        let Value::Object(given) = value else { return Err(must_be(field, "an object")) };
        if self.mode == Mode::Strict {
            let required = required.and_then(Value::as_array).into_iter().flatten();
            for name in required.filter_map(Value::as_str).map(capitalised) {
                if !given.contains_key(&name) {
                    return Err(format!("Required field '{name}' is missing"));
                }
            }
        }
        for (name, reference) in members {
            let name = capitalised(name);
            let is_skipped = skipped == Some(name.as_str());
            let Some(value) = given.get(&name).filter(|value| !value.is_null() && !is_skipped)
            else {
                continue;
            };
            if let Some(reference) = reference.as_str() {
                self.value(value, reference, &name, None)?;
            }
        }
        Ok(())
    }

    fn kind(&self, value: &Value, kind: &str, field: &str) -> Result<(), String> {
        match kind {
            "string" if !value.is_string() => Err(must_be(field, "a string")),
            "number" if !value.is_number() => Err(must_be(field, "a number")),
            "boolean" if !value.is_boolean() => Err(must_be(field, "a boolean")),
            _ => Ok(()),
        }
    }

    fn bounds(&self, value: &Value, shape: &Value, field: &str) -> Result<(), String> {
        let bound = |name: &str| shape.get(name).and_then(Value::as_f64);
        let (size, too_small, too_large) = match value {
            Value::String(text) => (
                text.chars().count() as f64,
                "is smaller than the minimum length",
                "exceeds the maximum length",
            ),
            _ => (
                value.as_f64().unwrap_or_default(),
                "is less than the minimum value",
                "exceeds the maximum value",
            ),
        };
        if bound("min").is_some_and(|min| size < min) {
            return Err(format!("Field '{field}' {too_small}"));
        }
        if bound("max").is_some_and(|max| size > max) {
            return Err(format!("Field '{field}' {too_large}"));
        }
        Ok(())
    }
}

fn must_be(field: &str, what: &str) -> String {
    format!("Field '{field}' must be {what}")
}

/// Service tasks show all members with a capital first letter.
fn capitalised(name: &str) -> String {
    let mut characters = name.chars();
    let first = characters.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(characters).collect()
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    #[test]
    fn every_service_of_the_folder_is_there_and_reads() {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("service_outputs");
        let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
        let mut names: Vec<String> = files
            .filter(|file| file.extension().is_some_and(|extension| extension == "json"))
            .map(|file| file.file_stem().unwrap().to_str().unwrap().to_owned())
            .collect();
        names.sort();
        assert_eq!(names, SERVICES.iter().map(|(name, _)| *name).collect::<Vec<_>>());
        for name in names {
            let model = Model::of(&name).unwrap();
            for reference in model.operations.values().filter_map(Value::as_str) {
                let shape = reference.strip_prefix('#').unwrap();
                assert!(model.shapes.contains_key(shape), "{name}: {shape}");
            }
        }
    }
}
