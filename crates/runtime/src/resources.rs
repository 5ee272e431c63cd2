//! The things that are registered: state machines and activities.

use std::sync::Arc;

use asl::{MachineType, Program, Timestamp};
use serde_json::Value;

/// A registered state machine, as it is now.
#[derive(Debug, Clone)]
pub struct StateMachine {
    pub arn: Box<str>,
    pub name: Box<str>,
    pub machine_type: MachineType,
    pub role_arn: Box<str>,
    pub creation_date: Timestamp,
    /// Absent before the first update.
    pub revision_id: Option<Box<str>>,
    /// When the present revision was made: the creation, or the last update.
    pub update_date: Timestamp,
    /// The text, as it was given.
    pub definition: Arc<str>,
    pub program: Arc<Program>,
    /// `loggingConfiguration`, `tracingConfiguration`, `encryptionConfiguration` as they were
    /// given; the API layer checks them and fills in defaults.
    pub logging_configuration: Option<Value>,
    pub tracing_configuration: Option<Value>,
    pub encryption_configuration: Option<Value>,
    pub deleting: bool,
}

/// A registered state machine as ListStateMachines shows it.
#[derive(Debug, Clone)]
pub struct StateMachineSummary {
    pub arn: Box<str>,
    pub name: Box<str>,
    pub machine_type: MachineType,
    pub creation_date: Timestamp,
}

/// What CreateStateMachine needs. Checked by the API layer: name, sizes, configurations.
#[derive(Debug, Clone)]
pub struct NewStateMachine {
    pub arn: Box<str>,
    pub name: Box<str>,
    pub machine_type: MachineType,
    pub role_arn: Box<str>,
    pub definition: Arc<str>,
    pub logging_configuration: Option<Value>,
    pub tracing_configuration: Option<Value>,
    pub encryption_configuration: Option<Value>,
    pub tags: Vec<(String, String)>,
    /// Publish the first version as well, with this description.
    pub publish: Option<Option<String>>,
}

/// What UpdateStateMachine changes; absent parts stay.
#[derive(Debug, Clone, Default)]
pub struct StateMachineUpdate {
    pub role_arn: Option<Box<str>>,
    pub definition: Option<Arc<str>>,
    pub logging_configuration: Option<Value>,
    pub tracing_configuration: Option<Value>,
    pub encryption_configuration: Option<Value>,
    pub publish: Option<Option<String>>,
}

/// A published version of a state machine.
#[derive(Debug, Clone)]
pub struct StateMachineVersion {
    pub arn: Box<str>,
    pub creation_date: Timestamp,
    pub description: Option<String>,
    /// The machine as it was when the version was published.
    pub machine: StateMachine,
}

/// A published version without the machine that it pictures.
#[derive(Debug, Clone)]
pub struct PublishedVersion {
    pub arn: Box<str>,
    pub creation_date: Timestamp,
    pub description: Option<String>,
}

/// An alias of a state machine: one or two of its versions.
#[derive(Debug, Clone)]
pub struct StateMachineAlias {
    pub arn: Box<str>,
    pub name: Box<str>,
    pub description: Option<String>,
    pub routes: Vec<Route>,
    pub creation_date: Timestamp,
    pub update_date: Timestamp,
}

/// A version that an alias leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    pub version_arn: Box<str>,
    /// Its share of the starts in percent.
    pub weight: u8,
}

/// What CreateStateMachineAlias needs. Checked by the API layer: the name, and that the routes
/// are one or two different versions of the same state machine whose weights make 100.
#[derive(Debug, Clone)]
pub struct NewStateMachineAlias {
    pub state_machine_arn: Box<str>,
    pub name: Box<str>,
    pub description: Option<String>,
    pub routes: Vec<Route>,
}

/// What UpdateStateMachineAlias changes; absent parts stay. Routes are checked as for a new one.
#[derive(Debug, Clone, Default)]
pub struct StateMachineAliasUpdate {
    pub description: Option<String>,
    pub routes: Option<Vec<Route>>,
}

/// A registered activity.
#[derive(Debug, Clone)]
pub struct Activity {
    pub arn: Box<str>,
    pub name: Box<str>,
    pub creation_date: Timestamp,
    pub encryption_configuration: Option<Value>,
}
