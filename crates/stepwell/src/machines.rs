//! Definitions in files, as state machines of a runtime.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use asl::{Definition, Diagnostic, MachineType, Program, Resource, StateKind, Timestamp};
use runtime::{Activity, NewStateMachine, Runtime, RuntimeError, StateMachine, StateMachineUpdate};

use crate::config::{MachineSettings, Settings};
use crate::failure::Failure;

/// How the name of a definition's file ends. Where two files give a machine the same name, the
/// first ending counts.
pub(crate) const SUFFIXES: [&str; 3] = [".asl.json", ".asl.yaml", ".asl.yml"];

/// A definition in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Source {
    /// The state machine's name.
    pub(crate) name: String,
    pub(crate) path: PathBuf,
}

/// What became of a definition.
pub(crate) enum Registered {
    Created(StateMachine),
    Updated(StateMachine),
    /// It was there already, with this very definition.
    Unchanged(StateMachine),
}

impl Registered {
    pub(crate) fn machine(&self) -> &StateMachine {
        match self {
            Registered::Created(machine)
            | Registered::Updated(machine)
            | Registered::Unchanged(machine) => machine,
        }
    }
}

/// Why a definition did not become a state machine.
pub(crate) enum Refused {
    /// At least one of the findings is an error.
    Invalid(Vec<Diagnostic>),
    Other(String),
}

/// The definitions of a folder.
pub(crate) struct Sources {
    /// By name.
    pub(crate) sources: Vec<Source>,
    /// Files that are left out, each after the one that has its name.
    pub(crate) left_out: Vec<(PathBuf, PathBuf)>,
}

/// The definitions of a folder: every `NAME.asl.json` or `NAME.asl.yaml`, and those that the
/// configuration places elsewhere.
pub(crate) fn sources(folder: &Path, settings: &Settings) -> Result<Sources, Failure> {
    let mut sources: BTreeMap<String, Source> = BTreeMap::new();
    let mut left_out = Vec::new();
    let entries = std::fs::read_dir(folder).map_err(|error| {
        Failure::usage(format!("cannot read the folder {}: {error}", folder.display()))
    })?;
    for entry in entries.flatten() {
        // Names in messages are as short as the person wrote them.
        let path = match folder == Path::new(".") {
            true => PathBuf::from(entry.file_name()),
            false => entry.path(),
        };
        if let Some(name) = name_of(&path) {
            let other = sources.insert(name.clone(), Source { name: name.clone(), path });
            if let (Some(other), Some(this)) = (other, sources.get_mut(&name)) {
                let (kept, dropped) = match rank(&other.path) < rank(&this.path) {
                    true => (other.path.clone(), this.path.clone()),
                    false => (this.path.clone(), other.path.clone()),
                };
                this.path.clone_from(&kept);
                left_out.push((kept, dropped));
            }
        }
    }
    for (name, machine) in &settings.machines {
        if let Some(path) = &machine.definition {
            // The file of another name is this machine, not one of its own.
            sources.retain(|_, source| &source.path != path);
            let source = Source { name: name.clone(), path: path.clone() };
            sources.insert(name.clone(), source);
        }
    }
    left_out.sort();
    Ok(Sources { sources: sources.into_values().collect(), left_out })
}

/// The place of a file's ending among those that definitions have.
fn rank(path: &Path) -> usize {
    let name = path.to_string_lossy();
    SUFFIXES.iter().position(|suffix| name.ends_with(suffix)).unwrap_or(SUFFIXES.len())
}

/// A definition as it is written: in YAML if its file's name says so, else in JSON.
pub(crate) fn definition<'t>(path: &Path, text: &'t str) -> Definition<'t> {
    let extension = path.extension().and_then(|extension| extension.to_str());
    match extension {
        Some("yaml" | "yml") => Definition::from_yaml(text),
        _ => Definition::from_json(text),
    }
}

/// The machine's name in the name of its file.
pub(crate) fn name_of(path: &Path) -> Option<String> {
    let name = path.file_name()?.to_str()?;
    let name = SUFFIXES.iter().find_map(|suffix| name.strip_suffix(suffix))?;
    (!name.is_empty() && !name.starts_with('.')).then(|| name.to_owned())
}

/// Registers definitions under an account and a region.
pub(crate) struct Registrar<'r> {
    pub(crate) runtime: &'r Runtime,
    pub(crate) settings: &'r Settings,
}

impl Registrar<'_> {
    /// Creates or updates a state machine, and the activities that its definition names.
    pub(crate) async fn register(
        &self,
        name: &str,
        definition: Arc<str>,
        settings: &MachineSettings,
    ) -> Result<Registered, Refused> {
        if !api::is_name(name) {
            return Err(Refused::Other(format!(
                "`{name}` cannot be the name of a state machine: 1 to 80 characters without \
                 spaces, brackets and most punctuation; rename its file"
            )));
        }
        let arn = self.arn(name);
        let registered = match self.runtime.state_machine(&arn) {
            Ok(machine) if machine.machine_type != settings.machine_type => {
                return Err(Refused::Other(format!(
                    "{name} is of type {} in the data directory, and a type cannot change: \
                     delete the state machine first, or give it another name",
                    type_name(machine.machine_type)
                )));
            }
            Ok(machine) if machine.definition == definition => Registered::Unchanged(machine),
            Ok(_) => {
                let update = StateMachineUpdate {
                    definition: Some(definition),
                    role_arn: settings.role_arn.as_deref().map(Into::into),
                    ..StateMachineUpdate::default()
                };
                let updated = self.runtime.update_state_machine(&arn, update).await;
                Registered::Updated(updated.map_err(refused)?.0)
            }
            Err(RuntimeError::StateMachineDoesNotExist(_)) => {
                let new = self.new_machine(name, arn, definition, settings);
                let created = self.runtime.create_state_machine(new).await;
                Registered::Created(created.map_err(refused)?.0)
            }
            Err(error) => return Err(refused(error)),
        };
        self.register_activities(&registered.machine().program).await?;
        Ok(registered)
    }

    /// The ARN of the machine with a name.
    pub(crate) fn arn(&self, name: &str) -> Box<str> {
        let Settings { account_id, region, .. } = self.settings;
        let partition = partition(region);
        format!("arn:{partition}:states:{region}:{account_id}:stateMachine:{name}").into()
    }

    fn new_machine(
        &self,
        name: &str,
        arn: Box<str>,
        definition: Arc<str>,
        settings: &MachineSettings,
    ) -> NewStateMachine {
        let Settings { account_id, region, .. } = self.settings;
        let role_arn = settings.role_arn.clone().unwrap_or_else(|| {
            format!("arn:{}:iam::{account_id}:role/stepwell", partition(region))
        });
        NewStateMachine {
            arn,
            name: name.into(),
            machine_type: settings.machine_type,
            role_arn: role_arn.into(),
            definition,
            logging_configuration: None,
            tracing_configuration: None,
            encryption_configuration: None,
            tags: Vec::new(),
            publish: None,
        }
    }

    /// A worker can ask for tasks of an activity before the first execution comes to it.
    async fn register_activities(&self, program: &Program) -> Result<(), Refused> {
        for arn in activities(program) {
            if self.runtime.activity(arn).is_ok() {
                continue;
            }
            let name = arn.rsplit(':').next().unwrap_or(arn);
            let activity = Activity {
                arn: arn.into(),
                name: name.into(),
                creation_date: now(),
                encryption_configuration: None,
            };
            self.runtime.create_activity(activity, Vec::new()).await.map_err(refused)?;
        }
        Ok(())
    }
}

/// The ARNs of the activities that a machine's tasks name, each once.
pub(crate) fn activities(program: &Program) -> Vec<&str> {
    let mut arns: Vec<&str> = program
        .states
        .iter()
        .filter_map(|state| match &state.kind {
            StateKind::Task(task) => match &task.resource {
                Resource::Activity { arn } => Some(&**arn),
                _ => None,
            },
            _ => None,
        })
        .collect();
    arns.sort_unstable();
    arns.dedup();
    arns
}

/// Whether an execution may wait for somebody outside: for a task token or a worker.
pub(crate) fn needs_answers(program: &Program) -> bool {
    program.states.iter().any(|state| match &state.kind {
        StateKind::Task(task) => {
            matches!(task.resource, Resource::Activity { .. })
                || task.resource.waits_for_task_token()
        }
        _ => false,
    })
}

/// `STANDARD` or `EXPRESS`.
pub(crate) fn type_name(machine_type: MachineType) -> &'static str {
    match machine_type {
        MachineType::Standard => "STANDARD",
        MachineType::Express => "EXPRESS",
    }
}

fn refused(error: RuntimeError) -> Refused {
    match error {
        RuntimeError::InvalidDefinition(diagnostics) => Refused::Invalid(diagnostics),
        error => Refused::Other(error.to_string()),
    }
}

/// AWS's partition of a region.
fn partition(region: &str) -> &'static str {
    if region.starts_with("cn-") {
        "aws-cn"
    } else if region.starts_with("us-gov-") {
        "aws-us-gov"
    } else {
        "aws"
    }
}

fn now() -> Timestamp {
    Timestamp(jiff::Timestamp::now().as_millisecond())
}
