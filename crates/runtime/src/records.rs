//! What the runtime keeps in the store besides journals: JSON bodies in an envelope with a
//! version. Every version ever written has a fixture in `testdata/formats/` and still decodes.

use std::fmt;

use asl::MachineType;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

/// Kinds of records in the store.
pub(crate) mod kind {
    pub(crate) const STATE_MACHINE: &str = "state_machine";
    pub(crate) const VERSION: &str = "version";
    pub(crate) const ALIAS: &str = "alias";
    pub(crate) const DEFINITION: &str = "definition";
    pub(crate) const ACTIVITY: &str = "activity";
    pub(crate) const TAGS: &str = "tags";
    pub(crate) const MAP_RUN: &str = "map_run";
    pub(crate) const MAP_RUN_ITEMS: &str = "map_run_items";
    pub(crate) const SECRET: &str = "secret";
    pub(crate) const STATUS_CHANGES: &str = "status_changes";
    pub(crate) const JOB_CANCEL: &str = "job_cancel";
}

/// The key of the one secret.
pub(crate) const SECRET_KEY: &str = "task-token";
/// The version of every body written by this program.
const VERSION: u32 = 1;

/// Why stored bytes are not a record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RecordError {
    #[error("it has format version {found}, this program reads up to {VERSION}")]
    NewerVersion { found: u32 },
    #[error("it is damaged: {0}")]
    Damaged(String),
}

#[derive(Serialize)]
struct Envelope<'a, T> {
    version: u32,
    body: &'a T,
}

#[derive(Deserialize)]
struct OpenEnvelope<'a> {
    version: u32,
    #[serde(borrow)]
    body: &'a RawValue,
}

/// The bytes of a record.
pub(crate) fn encode<T: Serialize>(body: &T) -> Vec<u8> {
    serde_json::to_vec(&Envelope { version: VERSION, body })
        .expect("records have string keys and no value that JSON lacks")
}

/// The record of these bytes.
pub(crate) fn decode<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, RecordError> {
    let damaged = |error: serde_json::Error| RecordError::Damaged(error.to_string());
    let envelope: OpenEnvelope<'a> = serde_json::from_slice(bytes).map_err(damaged)?;
    if envelope.version > VERSION {
        return Err(RecordError::NewerVersion { found: envelope.version });
    }
    serde_json::from_str(envelope.body.get()).map_err(damaged)
}

/// Names a definition by its content: SHA-256 over the machine's type and the text.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DefinitionHash([u8; 32]);

impl DefinitionHash {
    /// The name of this definition.
    pub(crate) fn of(definition: &str, machine_type: MachineType) -> DefinitionHash {
        let mut hash = Sha256::new();
        hash.update(machine_type_name(machine_type));
        hash.update([0]);
        hash.update(definition);
        DefinitionHash(hash.finalize().into())
    }
}

impl fmt::Display for DefinitionHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for DefinitionHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for DefinitionHash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for DefinitionHash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <&str>::deserialize(deserializer)?;
        let wrong = || serde::de::Error::custom("a definition's hash is 64 hexadecimal digits");
        if text.len() != 64 || !text.is_ascii() {
            return Err(wrong());
        }
        let mut bytes = [0_u8; 32];
        for (at, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&text[at * 2..at * 2 + 2], 16).map_err(|_| wrong())?;
        }
        Ok(DefinitionHash(bytes))
    }
}

/// `STANDARD` or `EXPRESS`.
pub(crate) fn machine_type_name(machine_type: MachineType) -> &'static str {
    match machine_type {
        MachineType::Standard => "STANDARD",
        MachineType::Express => "EXPRESS",
    }
}

mod machine_type_text {
    use asl::MachineType;
    use serde::{Deserialize, Deserializer, Serializer};

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature serde calls")]
    pub(super) fn serialize<S: Serializer>(
        machine_type: &MachineType,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(super::machine_type_name(*machine_type))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<MachineType, D::Error> {
        match <&str>::deserialize(deserializer)? {
            "STANDARD" => Ok(MachineType::Standard),
            "EXPRESS" => Ok(MachineType::Express),
            other => Err(serde::de::Error::unknown_variant(other, &["STANDARD", "EXPRESS"])),
        }
    }
}

/// The text of a definition, under its hash. Never changed and never deleted: executions refer
/// to it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct DefinitionRecord {
    #[serde(with = "machine_type_text", rename = "type")]
    pub(crate) machine_type: MachineType,
    pub(crate) text: Box<str>,
}

/// `loggingConfiguration`, `tracingConfiguration`, `encryptionConfiguration` as they were given.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Configurations {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) logging: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) tracing: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) encryption: Option<Value>,
}

impl Configurations {
    /// Whether both mean the same once AWS's defaults are filled in.
    pub(crate) fn is_equal(&self, other: &Configurations) -> bool {
        let same = |a: &Option<Value>, b: &Option<Value>, defaults: &[(&str, Value)]| {
            with_defaults(a.as_ref(), defaults) == with_defaults(b.as_ref(), defaults)
        };
        same(
            &self.logging,
            &other.logging,
            &[
                ("level", "OFF".into()),
                ("includeExecutionData", false.into()),
                ("destinations", Value::Array(Vec::new())),
            ],
        ) && same(&self.tracing, &other.tracing, &[("enabled", false.into())])
            && same(&self.encryption, &other.encryption, &[("type", "AWS_OWNED_KEY".into())])
    }
}

/// A configuration with the defaults of absent members filled in.
fn with_defaults(
    value: Option<&Value>,
    defaults: &[(&str, Value)],
) -> serde_json::Map<String, Value> {
    let mut members = match value {
        Some(Value::Object(members)) => members.clone(),
        _ => serde_json::Map::new(),
    };
    members.retain(|_, value| !value.is_null());
    for (name, default) in defaults {
        members.entry(*name).or_insert_with(|| default.clone());
    }
    members
}

/// A state machine as it is now, under its ARN.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct StateMachineRecord {
    pub(crate) arn: Box<str>,
    pub(crate) name: Box<str>,
    #[serde(with = "machine_type_text", rename = "type")]
    pub(crate) machine_type: MachineType,
    pub(crate) role_arn: Box<str>,
    pub(crate) definition: DefinitionHash,
    /// Milliseconds since 1970.
    pub(crate) creation_date: i64,
    /// Milliseconds since 1970.
    pub(crate) update_date: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) revision_id: Option<Box<str>>,
    #[serde(default)]
    pub(crate) configurations: Configurations,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) deleting: bool,
    /// `publish` and `versionDescription` of the creation: its repetition compares them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) created_with: Option<CreatedWithVersion>,
    /// The highest version number given out; numbers are never used again.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(crate) versions: u64,
    /// The version that has the present content, if it was published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) published: Option<u64>,
}

impl StateMachineRecord {
    /// What the row of an execution that starts now says of it.
    pub(crate) fn execution_header(
        &self,
        trace_header: Option<String>,
        test_case: Option<Box<str>>,
        parent: Option<ParentRecord>,
    ) -> ExecutionHeader {
        ExecutionHeader {
            role_arn: self.role_arn.clone(),
            definition: self.definition,
            machine_type: self.machine_type,
            update_date: self.update_date,
            revision_id: self.revision_id.clone(),
            trace_header,
            test_case,
            configurations: self.configurations.clone(),
            parent,
            map_run: None,
        }
    }
}

/// That a creation published a version as well.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct CreatedWithVersion {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) description: Option<String>,
}

/// The attempt of a task that started an execution.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParentRecord {
    /// Its execution's ARN.
    pub execution: Box<str>,
    /// The same execution's key.
    pub key: u64,
    pub task: u32,
    /// Whether the execution is stopped when the task is stopped or timed out.
    pub awaited: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature serde calls")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// A published version, under its ARN.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VersionRecord {
    pub(crate) arn: Box<str>,
    /// Milliseconds since 1970.
    pub(crate) creation_date: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) description: Option<String>,
    /// The machine as it was.
    pub(crate) machine: StateMachineRecord,
}

/// An alias, under its ARN.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AliasRecord {
    pub(crate) arn: Box<str>,
    pub(crate) name: Box<str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) description: Option<String>,
    pub(crate) routes: Vec<RouteRecord>,
    /// Milliseconds since 1970.
    pub(crate) creation_date: i64,
    /// Milliseconds since 1970.
    pub(crate) update_date: i64,
}

/// A version that an alias leads to, and its share of the starts in percent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct RouteRecord {
    pub(crate) version_arn: Box<str>,
    pub(crate) weight: u8,
}

/// An activity, under its ARN.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ActivityRecord {
    pub(crate) arn: Box<str>,
    pub(crate) name: Box<str>,
    /// Milliseconds since 1970.
    pub(crate) creation_date: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) encryption: Option<Value>,
}

/// The tags of a resource, under its ARN, in the order they were given.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct TagsRecord {
    pub(crate) tags: Vec<(String, String)>,
}

/// The secret of a data directory, in base64.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SecretRecord {
    pub(crate) secret: String,
}

/// What an execution's row says once and for ever, besides its ARNs: the rest of its identity,
/// and the state machine as it was.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ExecutionHeader {
    pub(crate) role_arn: Box<str>,
    pub(crate) definition: DefinitionHash,
    #[serde(with = "machine_type_text", rename = "type")]
    pub(crate) machine_type: MachineType,
    /// When the revision of the state machine was made, in milliseconds since 1970.
    pub(crate) update_date: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) revision_id: Option<Box<str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) trace_header: Option<String>,
    /// The test case that the execution was started with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) test_case: Option<Box<str>>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) configurations: Configurations,
    /// Where a task of another execution started it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) parent: Option<ParentRecord>,
    /// Of a child of a Map Run: which.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) map_run: Option<ChildLink>,
}

/// What binds a child to its Map Run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ChildLink {
    pub(crate) arn: Box<str>,
    /// The key of the execution that the Map Run belongs to.
    pub(crate) parent: u64,
    /// The Map Run's number there.
    pub(crate) run: u32,
    pub(crate) index: u32,
    pub(crate) items: u32,
    /// The scope of the definition that it runs.
    pub(crate) processor: u32,
    /// The redrive of the Map Run that started it; 0 before the first.
    #[serde(default, skip_serializing_if = "is_before_redrives")]
    pub(crate) attempt: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature serde calls")]
fn is_before_redrives(attempt: &u32) -> bool {
    *attempt == 0
}

/// Whose Map Run it is, under its ARN.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct MapRunRecord {
    pub(crate) execution_arn: Box<str>,
    /// The Map Run's number there.
    pub(crate) run: u32,
}

fn is_default(configurations: &Configurations) -> bool {
    *configurations == Configurations::default()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;
    use std::sync::Arc;

    use serde_json::json;

    use super::*;
    use crate::items::Chunk;

    /// What the fixture of this name holds must decode to `expected`, and `expected` must still
    /// be written so. `UPDATE_EXPECT=1` writes a fixture that is not there yet.
    fn check<T>(fixture: &str, expected: &T)
    where
        T: Serialize + for<'a> Deserialize<'a> + PartialEq + fmt::Debug,
    {
        let path =
            PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../testdata/formats").join(fixture);
        let encoded = encode(expected);
        if std::env::var_os("UPDATE_EXPECT").is_some() && !path.exists() {
            fs::write(&path, &encoded).unwrap();
        }
        let stored = fs::read(&path).unwrap();
        assert_eq!(decode::<T>(stored.trim_ascii_end()).unwrap(), *expected, "{fixture}");
        assert_eq!(
            String::from_utf8_lossy(stored.trim_ascii_end()),
            String::from_utf8_lossy(&encoded),
            "{fixture}: the format changed; keep the fixture, add another"
        );
    }

    fn machine() -> StateMachineRecord {
        StateMachineRecord {
            arn: "arn:aws:states:us-east-1:123456789012:stateMachine:Order".into(),
            name: "Order".into(),
            machine_type: MachineType::Standard,
            role_arn: "arn:aws:iam::123456789012:role/r".into(),
            definition: DefinitionHash::of("{}", MachineType::Standard),
            creation_date: 1_700_000_000_123,
            update_date: 1_700_000_001_123,
            revision_id: Some("0b7c6f2e-7d9b-4d43-9a39-f1c1b5a0d001".into()),
            configurations: Configurations {
                logging: Some(json!({"level": "ALL"})),
                tracing: None,
                encryption: None,
            },
            deleting: true,
            created_with: Some(CreatedWithVersion { description: Some("first".into()) }),
            versions: 3,
            published: Some(3),
        }
    }

    #[test]
    fn stored_formats_still_decode() {
        check("state_machine_1.json", &machine());
        check(
            "state_machine_1_least.json",
            &StateMachineRecord {
                machine_type: MachineType::Express,
                revision_id: None,
                configurations: Configurations::default(),
                deleting: false,
                created_with: None,
                versions: 0,
                published: None,
                ..machine()
            },
        );
        check(
            "version_1.json",
            &VersionRecord {
                arn: "arn:aws:states:us-east-1:123456789012:stateMachine:Order:3".into(),
                creation_date: 1_700_000_002_123,
                description: Some("third".into()),
                machine: machine(),
            },
        );
        check(
            "alias_1.json",
            &AliasRecord {
                arn: "arn:aws:states:us-east-1:123456789012:stateMachine:Order:PROD".into(),
                name: "PROD".into(),
                description: Some("what customers use".into()),
                routes: vec![
                    RouteRecord {
                        version_arn: "arn:aws:states:us-east-1:123456789012:stateMachine:Order:3"
                            .into(),
                        weight: 90,
                    },
                    RouteRecord {
                        version_arn: "arn:aws:states:us-east-1:123456789012:stateMachine:Order:4"
                            .into(),
                        weight: 10,
                    },
                ],
                creation_date: 1_700_000_003_123,
                update_date: 1_700_000_004_123,
            },
        );
        check(
            "activity_1.json",
            &ActivityRecord {
                arn: "arn:aws:states:us-east-1:123456789012:activity:Approve".into(),
                name: "Approve".into(),
                creation_date: 1_700_000_000_123,
                encryption: Some(json!({"type": "AWS_OWNED_KEY"})),
            },
        );
        check(
            "status_changes_1.json",
            &crate::status_changes::StatusChangesRecord {
                execution: "arn:aws:states:us-east-1:123456789012:execution:m:e".into(),
                turns: 3,
            },
        );
        let cancel = crate::job_cancels::JobCancelRecord {
            execution: "arn:aws:states:us-east-1:123456789012:execution:m:e".into(),
            key: 17,
            task: 3,
            region: "us-east-1".into(),
            state: "Work".into(),
            resource: "arn:aws:states:::glue:startJobRun.sync".into(),
            parameters: r#"{"JobName":"j"}"#.into(),
            credentials: Some(r#"{"RoleArn":"arn:aws:iam::123456789012:role/r"}"#.into()),
            started: None,
            submitted: Some(r#"{"JobRunId":"r"}"#.into()),
        };
        check("job_cancel_1.json", &cancel);
        check(
            "job_cancel_1_started.json",
            &crate::job_cancels::JobCancelRecord {
                started: Some(1_700_000_000_123),
                credentials: None,
                submitted: None,
                ..cancel
            },
        );
        check(
            "tags_1.json",
            &TagsRecord { tags: vec![("b".into(), "2".into()), ("a".into(), String::new())] },
        );
        let header = ExecutionHeader {
            role_arn: "arn:aws:iam::123456789012:role/r".into(),
            definition: DefinitionHash::of("{}", MachineType::Standard),
            machine_type: MachineType::Standard,
            update_date: 1_700_000_001_123,
            revision_id: Some("0b7c6f2e-7d9b-4d43-9a39-f1c1b5a0d001".into()),
            trace_header: Some("Root=1-2-3".into()),
            test_case: None,
            configurations: Configurations {
                logging: None,
                tracing: Some(json!({"enabled": true})),
                encryption: None,
            },
            parent: None,
            map_run: None,
        };
        check("execution_header_1.json", &header);
        let parent = ParentRecord {
            execution: "arn:aws:states:us-east-1:123456789012:execution:Order:one".into(),
            key: 17,
            task: 3,
            awaited: true,
        };
        check(
            "execution_header_1_child.json",
            &ExecutionHeader { parent: Some(parent), ..header.clone() },
        );
        check(
            "execution_header_1_least.json",
            &ExecutionHeader {
                revision_id: None,
                trace_header: None,
                configurations: Configurations::default(),
                ..header.clone()
            },
        );
        let arn = "arn:aws:states:us-east-1:123456789012:mapRun:Order/Each:u";
        let child = ChildLink {
            arn: arn.into(),
            parent: 7,
            run: 4,
            index: 99,
            items: 10,
            processor: 1,
            attempt: 0,
        };
        check(
            "execution_header_1_map_run.json",
            &ExecutionHeader { map_run: Some(child.clone()), ..header.clone() },
        );
        check(
            "execution_header_1_map_run_redriven.json",
            &ExecutionHeader { map_run: Some(ChildLink { attempt: 2, ..child }), ..header.clone() },
        );
        check(
            "map_run_1.json",
            &MapRunRecord {
                execution_arn: "arn:aws:states:us-east-1:123456789012:execution:Order:a".into(),
                run: 4,
            },
        );
        check(
            "execution_header_1_test_case.json",
            &ExecutionHeader { test_case: Some("HappyPath".into()), ..header },
        );
    }

    #[test]
    fn kept_items_still_decode() {
        let mut items = Chunk::default();
        let first: Arc<str> = "S3://bucket/a.csv".into();
        let raw = |text: &str| RawValue::from_string(text.to_owned()).unwrap();
        items.push(raw(r#"{"id":"1"}"#), &first, false);
        items.push(raw(r#"{"id":"2"}"#), &first, false);
        items.push(raw(r#"{"Key":"k","Value":[1.50]}"#), &"S3://bucket/b.json".into(), true);
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
            .join("../../testdata/formats/map_run_items_1.json");
        let encoded = encode(&items);
        if std::env::var_os("UPDATE_EXPECT").is_some() && !path.exists() {
            fs::write(&path, &encoded).unwrap();
        }
        let stored = fs::read(&path).unwrap();
        let decoded: Chunk = decode(stored.trim_ascii_end()).unwrap();
        for chunk in [decoded, items] {
            let expected = String::from_utf8_lossy(stored.trim_ascii_end());
            assert_eq!(String::from_utf8_lossy(&encode(&chunk)), expected);
        }
    }

    #[test]
    fn what_is_newer_or_damaged_is_said_so() {
        let newer = decode::<TagsRecord>(br#"{"version":2,"body":{}}"#).unwrap_err();
        assert_eq!(newer, RecordError::NewerVersion { found: 2 });
        for text in ["", "{}", r#"{"version":1,"body":{}}"#, r#"{"version":1}"#, "\0"] {
            let error = decode::<TagsRecord>(text.as_bytes()).unwrap_err();
            assert!(matches!(error, RecordError::Damaged(_)), "{text}: {error}");
        }
    }

    #[test]
    fn configurations_are_equal_by_meaning() {
        let none = Configurations::default();
        let spelled = Configurations {
            logging: Some(json!({"includeExecutionData": false, "level": "OFF"})),
            tracing: Some(json!({"enabled": false})),
            encryption: Some(json!({"type": "AWS_OWNED_KEY", "kmsKeyId": null})),
        };
        assert!(none.is_equal(&spelled));
        let traced = Configurations { tracing: Some(json!({"enabled": true})), ..none.clone() };
        assert!(!none.is_equal(&traced));
    }
}
