//! The registered state machines, versions, activities and tags, in memory, and what an
//! operation on them changes.
//!
//! Deciding and applying are apart: an operation gives [`Change`]s, they become durable, and
//! only then [`Registry::apply`] makes them visible.

mod aliases;
mod versions;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::ops::Bound;
use std::sync::{Arc, PoisonError, RwLock};

use asl::Timestamp;
use store::{Store, Write};

use crate::definitions::{Definition, LoadError};
use crate::limits::RECORD_PAGE;
use crate::quotas::{Quotas, siblings_of};
use crate::records::{
    self, ActivityRecord, AliasRecord, Configurations, CreatedWithVersion, DefinitionRecord,
    StateMachineRecord, TagsRecord, VersionRecord, kind,
};
use crate::seeds::Seeds;
use crate::{Activity, NewStateMachine, RuntimeError, StateMachineUpdate};

/// The ARNs of the registered activities: what a running step may look up, from any thread.
#[derive(Default)]
pub(crate) struct Directory(RwLock<HashSet<Box<str>>>);

impl Directory {
    /// Whether an activity is registered under this ARN.
    pub(crate) fn has_activity(&self, arn: &str) -> bool {
        self.0.read().unwrap_or_else(PoisonError::into_inner).contains(arn)
    }

    fn set_activity(&self, arn: &str, exists: bool) {
        let mut activities = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if exists {
            activities.insert(arn.into());
        } else {
            activities.remove(arn);
        }
    }
}

/// A change of what is registered.
#[derive(Debug, Clone)]
pub(crate) enum Change {
    PutDefinition(Arc<Definition>),
    PutMachine(Arc<StateMachineRecord>),
    RemoveMachine(Box<str>),
    PutVersion(Arc<VersionRecord>),
    RemoveVersion(Box<str>),
    PutAlias(Arc<AliasRecord>),
    RemoveAlias(Box<str>),
    PutActivity(Arc<ActivityRecord>),
    RemoveActivity(Box<str>),
    PutTags(Box<str>, Vec<(String, String)>),
    RemoveTags(Box<str>),
}

impl Change {
    /// The write that makes the change durable.
    pub(crate) fn write(&self) -> Write {
        let put = |kind, key: &str, body| Write::PutRecord { kind, key: key.to_owned(), body };
        let delete = |kind, key: &str| Write::DeleteRecord { kind, key: key.to_owned() };
        match self {
            Change::PutDefinition(definition) => put(
                kind::DEFINITION,
                &definition.hash.to_string(),
                records::encode(&DefinitionRecord {
                    machine_type: definition.machine_type,
                    text: definition.text.as_ref().into(),
                }),
            ),
            Change::PutMachine(machine) => {
                put(kind::STATE_MACHINE, &machine.arn, records::encode(&**machine))
            }
            Change::RemoveMachine(arn) => delete(kind::STATE_MACHINE, arn),
            Change::PutVersion(version) => {
                put(kind::VERSION, &version.arn, records::encode(&**version))
            }
            Change::RemoveVersion(arn) => delete(kind::VERSION, arn),
            Change::PutAlias(alias) => put(kind::ALIAS, &alias.arn, records::encode(&**alias)),
            Change::RemoveAlias(arn) => delete(kind::ALIAS, arn),
            Change::PutActivity(activity) => {
                put(kind::ACTIVITY, &activity.arn, records::encode(&**activity))
            }
            Change::RemoveActivity(arn) => delete(kind::ACTIVITY, arn),
            Change::PutTags(arn, tags) => {
                put(kind::TAGS, arn, records::encode(&TagsRecord { tags: tags.clone() }))
            }
            Change::RemoveTags(arn) => delete(kind::TAGS, arn),
        }
    }
}

/// What an operation on a state machine answers.
#[derive(Debug, Clone)]
pub struct MachineAnswer {
    pub(crate) machine: Arc<StateMachineRecord>,
    pub(crate) version: Option<Arc<VersionRecord>>,
}

/// What a start refers to.
#[derive(Debug, Clone)]
pub(crate) struct StartTarget {
    pub(crate) machine: Arc<StateMachineRecord>,
    pub(crate) version_arn: Option<Box<str>>,
    pub(crate) alias_arn: Option<Box<str>>,
}

/// Everything that is registered and durable.
#[derive(Default)]
pub(crate) struct Registry {
    machines: BTreeMap<Box<str>, Arc<StateMachineRecord>>,
    versions: BTreeMap<Box<str>, Arc<VersionRecord>>,
    aliases: BTreeMap<Box<str>, Arc<AliasRecord>>,
    activities: BTreeMap<Box<str>, Arc<ActivityRecord>>,
    tags: BTreeMap<Box<str>, Vec<(String, String)>>,
    /// State machines that go once none of their executions runs.
    deleting: BTreeSet<Box<str>>,
    directory: Arc<Directory>,
    quotas: Quotas,
}

impl Registry {
    /// Reads everything that is registered. May block.
    pub(crate) fn load(store: &dyn Store, quotas: Quotas) -> Result<Registry, LoadError> {
        let mut registry = Registry { quotas, ..Registry::default() };
        each_record(store, kind::STATE_MACHINE, |machine| {
            registry.apply(Change::PutMachine(Arc::new(machine)));
        })?;
        each_record(store, kind::VERSION, |version| {
            registry.apply(Change::PutVersion(Arc::new(version)));
        })?;
        each_record(store, kind::ALIAS, |alias| {
            registry.apply(Change::PutAlias(Arc::new(alias)));
        })?;
        each_record(store, kind::ACTIVITY, |activity| {
            registry.apply(Change::PutActivity(Arc::new(activity)));
        })?;
        let mut tags = Vec::new();
        each_keyed_record(store, kind::TAGS, |arn, record: TagsRecord| {
            tags.push((arn, record.tags));
        })?;
        for (arn, tags) in tags {
            registry.apply(Change::PutTags(arn, tags));
        }
        Ok(registry)
    }

    pub(crate) fn directory(&self) -> &Arc<Directory> {
        &self.directory
    }

    /// Makes a durable change visible.
    pub(crate) fn apply(&mut self, change: Change) {
        match change {
            Change::PutDefinition(_) => {}
            Change::PutMachine(machine) => {
                if machine.deleting {
                    self.deleting.insert(machine.arn.clone());
                } else {
                    self.deleting.remove(&machine.arn);
                }
                self.machines.insert(machine.arn.clone(), machine);
            }
            Change::RemoveMachine(arn) => {
                self.machines.remove(&arn);
                self.deleting.remove(&arn);
            }
            Change::PutVersion(version) => {
                self.versions.insert(version.arn.clone(), version);
            }
            Change::RemoveVersion(arn) => {
                self.versions.remove(&arn);
            }
            Change::PutAlias(alias) => {
                self.aliases.insert(alias.arn.clone(), alias);
            }
            Change::RemoveAlias(arn) => {
                self.aliases.remove(&arn);
            }
            Change::PutActivity(activity) => {
                self.directory.set_activity(&activity.arn, true);
                self.activities.insert(activity.arn.clone(), activity);
            }
            Change::RemoveActivity(arn) => {
                self.directory.set_activity(&arn, false);
                self.activities.remove(&arn);
            }
            Change::PutTags(arn, tags) => {
                self.tags.insert(arn, tags);
            }
            Change::RemoveTags(arn) => {
                self.tags.remove(&arn);
            }
        }
    }

    pub(crate) fn machine(&self, arn: &str) -> Result<Arc<StateMachineRecord>, RuntimeError> {
        let found = self.machines.get(arn).map(Arc::clone);
        found.ok_or_else(|| RuntimeError::StateMachineDoesNotExist(arn.to_owned()))
    }

    pub(crate) fn version(&self, arn: &str) -> Result<Arc<VersionRecord>, RuntimeError> {
        let found = self.versions.get(arn).map(Arc::clone);
        found.ok_or_else(|| RuntimeError::StateMachineDoesNotExist(arn.to_owned()))
    }

    /// The version that has the present content of a state machine.
    fn published(&self, machine: &StateMachineRecord) -> Option<Arc<VersionRecord>> {
        let arn = version_arn(&machine.arn, machine.published?);
        self.versions.get(&arn).map(Arc::clone)
    }

    pub(crate) fn activity(&self, arn: &str) -> Result<Arc<ActivityRecord>, RuntimeError> {
        let found = self.activities.get(arn).map(Arc::clone);
        found.ok_or_else(|| RuntimeError::ActivityDoesNotExist(arn.to_owned()))
    }

    /// The tags of a state machine or activity.
    pub(crate) fn tags(&self, arn: &str) -> Result<Vec<(String, String)>, RuntimeError> {
        if !self.machines.contains_key(arn) && !self.activities.contains_key(arn) {
            return Err(RuntimeError::ResourceNotFound(arn.to_owned()));
        }
        Ok(self.tags.get(arn).cloned().unwrap_or_default())
    }

    /// State machines in the order of their ARNs.
    pub(crate) fn list_machines(
        &self,
        prefix: &str,
        after: &str,
        limit: usize,
    ) -> Vec<Arc<StateMachineRecord>> {
        page(&self.machines, prefix, after, limit)
    }

    /// Activities in the order of their ARNs.
    pub(crate) fn list_activities(
        &self,
        prefix: &str,
        after: &str,
        limit: usize,
    ) -> Vec<Arc<ActivityRecord>> {
        page(&self.activities, prefix, after, limit)
    }

    /// Whether a state machine is being deleted.
    pub(crate) fn is_deleting(&self, machine_arn: &str) -> bool {
        !self.deleting.is_empty() && self.deleting.contains(machine_arn)
    }

    pub(crate) fn deleting(&self) -> impl Iterator<Item = &str> {
        self.deleting.iter().map(|arn| &**arn)
    }

    /// What a plain, version or alias ARN starts. `draw` is a random number: it decides between
    /// the versions of an alias.
    pub(crate) fn start_target(&self, arn: &str, draw: u64) -> Result<StartTarget, RuntimeError> {
        let target = match (self.machines.get(arn), self.aliases.get(arn)) {
            (Some(machine), _) => {
                let machine = Arc::clone(machine);
                StartTarget { machine, version_arn: None, alias_arn: None }
            }
            (None, alias) => {
                let version = self.version(alias.map_or(arn, |alias| alias.route(draw)))?;
                StartTarget {
                    machine: Arc::new(version.machine.clone()),
                    version_arn: Some(version.arn.clone()),
                    alias_arn: alias.map(|alias| alias.arn.clone()),
                }
            }
        };
        let machine_arn = &target.machine.arn;
        if self.is_deleting(machine_arn) {
            return Err(RuntimeError::StateMachineDeleting(machine_arn.to_string()));
        }
        Ok(target)
    }

    /// CreateStateMachine: the changes, none where an equal machine exists.
    pub(crate) fn create_machine(
        &self,
        new: &NewStateMachine,
        definition: &Arc<Definition>,
        now: Timestamp,
    ) -> Result<(Vec<Change>, MachineAnswer), RuntimeError> {
        let configurations = Configurations {
            logging: new.logging_configuration.clone(),
            tracing: new.tracing_configuration.clone(),
            encryption: new.encryption_configuration.clone(),
        };
        let created_with = new
            .publish
            .as_ref()
            .map(|description| CreatedWithVersion { description: description.clone() });
        if let Some(existing) = self.machines.get(&new.arn) {
            if existing.deleting {
                return Err(RuntimeError::StateMachineDeleting(new.arn.to_string()));
            }
            // The role and the tags do not count, as on AWS.
            let equal = existing.definition == definition.hash
                && existing.machine_type == new.machine_type
                && existing.configurations.is_equal(&configurations)
                && existing.created_with == created_with;
            if !equal {
                return Err(RuntimeError::StateMachineAlreadyExists(new.arn.to_string()));
            }
            let version = created_with.and_then(|_| self.published(existing));
            let machine = Arc::clone(existing);
            return Ok((Vec::new(), MachineAnswer { machine, version }));
        }
        if new.tags.len() > self.quotas.tags {
            return Err(self.too_many_tags(&new.arn));
        }
        if is_full(&self.machines, &new.arn, self.quotas.state_machines) {
            return Err(RuntimeError::StateMachineLimitExceeded(new.arn.to_string()));
        }
        let mut machine = StateMachineRecord {
            arn: new.arn.clone(),
            name: new.name.clone(),
            machine_type: new.machine_type,
            role_arn: new.role_arn.clone(),
            definition: definition.hash,
            creation_date: now.0,
            update_date: now.0,
            revision_id: None,
            configurations,
            deleting: false,
            created_with,
            versions: 0,
            published: None,
        };
        let version = new
            .publish
            .as_ref()
            .map(|description| publish_version(&mut machine, description.clone(), now));
        let mut changes = vec![Change::PutDefinition(Arc::clone(definition))];
        if !new.tags.is_empty() {
            changes.push(Change::PutTags(new.arn.clone(), merge_tags(Vec::new(), &new.tags)));
        }
        let answer = finish_machine(&mut changes, machine, version);
        Ok((changes, answer))
    }

    /// UpdateStateMachine. `definition` is the new one, if there is one.
    pub(crate) fn update_machine(
        &self,
        arn: &str,
        update: &StateMachineUpdate,
        definition: Option<&Arc<Definition>>,
        now: Timestamp,
        seeds: &mut Seeds,
    ) -> Result<(Vec<Change>, MachineAnswer), RuntimeError> {
        let existing = self.machine(arn)?;
        if existing.deleting {
            return Err(RuntimeError::StateMachineDeleting(arn.to_owned()));
        }
        let mut machine = (*existing).clone();
        if let Some(role_arn) = &update.role_arn {
            machine.role_arn = role_arn.clone();
        }
        if let Some(definition) = definition {
            machine.definition = definition.hash;
        }
        let given = [
            (&mut machine.configurations.logging, &update.logging_configuration),
            (&mut machine.configurations.tracing, &update.tracing_configuration),
            (&mut machine.configurations.encryption, &update.encryption_configuration),
        ];
        for (held, given) in given {
            if given.is_some() {
                held.clone_from(given);
            }
        }
        let unchanged = machine.role_arn == existing.role_arn
            && machine.definition == existing.definition
            && machine.configurations.is_equal(&existing.configurations);
        let mut changes = Vec::new();
        if unchanged {
            machine = (*existing).clone();
        } else {
            machine.revision_id = Some(seeds.next_uuid().into());
            machine.update_date = now.0;
            machine.published = None;
            if let Some(definition) = definition {
                changes.push(Change::PutDefinition(Arc::clone(definition)));
            }
        }
        let Some(description) = &update.publish else {
            if unchanged {
                let answer = MachineAnswer { machine: existing, version: None };
                return Ok((changes, answer));
            }
            let answer = finish_machine(&mut changes, machine, None);
            return Ok((changes, answer));
        };
        // The same content is the same version.
        if let Some(version) = self.published(&machine) {
            let answer = MachineAnswer { machine: existing, version: Some(version) };
            return Ok((changes, answer));
        }
        self.check_room_for_version(arn)?;
        let version = publish_version(&mut machine, description.clone(), now);
        let answer = finish_machine(&mut changes, machine, Some(version));
        Ok((changes, answer))
    }

    /// DeleteStateMachine, first half: the machine takes no more starts.
    pub(crate) fn begin_deletion(&self, arn: &str) -> Vec<Change> {
        match self.machines.get(arn) {
            Some(machine) if !machine.deleting => {
                let machine = StateMachineRecord { deleting: true, ..(**machine).clone() };
                vec![Change::PutMachine(Arc::new(machine))]
            }
            _ => Vec::new(),
        }
    }

    /// DeleteStateMachine, second half: nothing of it runs any more.
    pub(crate) fn finish_deletion(&self, arn: &str) -> Vec<Change> {
        if !self.is_deleting(arn) {
            return Vec::new();
        }
        let versions = page(&self.versions, &format!("{arn}:"), "", usize::MAX);
        let mut changes: Vec<Change> = versions
            .into_iter()
            .map(|version| Change::RemoveVersion(version.arn.clone()))
            .collect();
        let aliases = page(&self.aliases, &format!("{arn}:"), "", usize::MAX);
        changes.extend(aliases.into_iter().map(|alias| Change::RemoveAlias(alias.arn.clone())));
        if self.tags.contains_key(arn) {
            changes.push(Change::RemoveTags(arn.into()));
        }
        changes.push(Change::RemoveMachine(arn.into()));
        changes
    }

    /// CreateActivity: an existing one stays as it is.
    pub(crate) fn create_activity(
        &self,
        activity: &Activity,
        tags: &[(String, String)],
        now: Timestamp,
    ) -> Result<(Vec<Change>, Arc<ActivityRecord>), RuntimeError> {
        if let Some(existing) = self.activities.get(&activity.arn) {
            return Ok((Vec::new(), Arc::clone(existing)));
        }
        if tags.len() > self.quotas.tags {
            return Err(self.too_many_tags(&activity.arn));
        }
        if is_full(&self.activities, &activity.arn, self.quotas.activities) {
            return Err(RuntimeError::ActivityLimitExceeded(activity.arn.to_string()));
        }
        let record = Arc::new(ActivityRecord {
            arn: activity.arn.clone(),
            name: activity.name.clone(),
            creation_date: now.0,
            encryption: activity.encryption_configuration.clone(),
        });
        let mut changes = vec![Change::PutActivity(Arc::clone(&record))];
        if !tags.is_empty() {
            changes.push(Change::PutTags(activity.arn.clone(), merge_tags(Vec::new(), tags)));
        }
        Ok((changes, record))
    }

    /// DeleteActivity; an unknown one is no error.
    pub(crate) fn delete_activity(&self, arn: &str) -> Vec<Change> {
        if !self.activities.contains_key(arn) {
            return Vec::new();
        }
        let mut changes = vec![Change::RemoveActivity(arn.into())];
        if self.tags.contains_key(arn) {
            changes.push(Change::RemoveTags(arn.into()));
        }
        changes
    }

    /// TagResource.
    pub(crate) fn tag(
        &self,
        arn: &str,
        tags: &[(String, String)],
    ) -> Result<Vec<Change>, RuntimeError> {
        let before = self.tags(arn)?;
        let after = merge_tags(before, tags);
        if after.len() > self.quotas.tags {
            return Err(self.too_many_tags(arn));
        }
        Ok(vec![Change::PutTags(arn.into(), after)])
    }

    fn too_many_tags(&self, arn: &str) -> RuntimeError {
        RuntimeError::TooManyTags { arn: arn.to_owned(), most: self.quotas.tags }
    }

    /// UntagResource.
    pub(crate) fn untag(&self, arn: &str, keys: &[String]) -> Result<Vec<Change>, RuntimeError> {
        let mut tags = self.tags(arn)?;
        let before = tags.len();
        tags.retain(|(key, _)| !keys.contains(key));
        if tags.len() == before {
            return Ok(Vec::new());
        }
        if tags.is_empty() {
            return Ok(vec![Change::RemoveTags(arn.into())]);
        }
        Ok(vec![Change::PutTags(arn.into(), tags)])
    }
}

/// The ARN of a version.
fn version_arn(machine_arn: &str, number: u64) -> Box<str> {
    format!("{machine_arn}:{number}").into_boxed_str()
}

/// Gives the next version number out and takes the version's picture of the machine.
fn publish_version(
    machine: &mut StateMachineRecord,
    description: Option<String>,
    now: Timestamp,
) -> Arc<VersionRecord> {
    machine.versions += 1;
    machine.published = Some(machine.versions);
    Arc::new(VersionRecord {
        arn: version_arn(&machine.arn, machine.versions),
        creation_date: now.0,
        description,
        machine: machine.clone(),
    })
}

fn finish_machine(
    changes: &mut Vec<Change>,
    machine: StateMachineRecord,
    version: Option<Arc<VersionRecord>>,
) -> MachineAnswer {
    let machine = Arc::new(machine);
    changes.push(Change::PutMachine(Arc::clone(&machine)));
    if let Some(version) = &version {
        changes.push(Change::PutVersion(Arc::clone(version)));
    }
    MachineAnswer { machine, version }
}

/// Replaces and adds tags.
fn merge_tags(mut tags: Vec<(String, String)>, more: &[(String, String)]) -> Vec<(String, String)> {
    for (key, value) in more {
        match tags.iter_mut().find(|(held, _)| held == key) {
            Some((_, held)) => held.clone_from(value),
            None => tags.push((key.clone(), value.clone())),
        }
    }
    tags
}

/// Whether there are as many of a kind in a Region and account as there may be.
fn is_full<T>(all: &BTreeMap<Box<str>, T>, arn: &str, most: usize) -> bool {
    // Counting those of one account takes long where there are many.
    let siblings = siblings_of(arn);
    let from = (Bound::Included(siblings), Bound::Unbounded);
    let others = || all.range::<str, _>(from).map(|(arn, _)| arn);
    all.len() >= most && others().take_while(|arn| arn.starts_with(siblings)).count() >= most
}

/// The entries whose key starts with `prefix` and is beyond `after`.
fn page<T>(
    table: &BTreeMap<Box<str>, Arc<T>>,
    prefix: &str,
    after: &str,
    limit: usize,
) -> Vec<Arc<T>> {
    let from = if after >= prefix { Bound::Excluded(after) } else { Bound::Included(prefix) };
    table
        .range::<str, _>((from, Bound::Unbounded))
        .take_while(|(arn, _)| arn.starts_with(prefix))
        .take(limit)
        .map(|(_, entry)| Arc::clone(entry))
        .collect()
}

fn each_record<T: for<'a> serde::Deserialize<'a>>(
    store: &dyn Store,
    kind: &'static str,
    mut take: impl FnMut(T),
) -> Result<(), LoadError> {
    each_keyed_record(store, kind, |_, record| take(record))
}

fn each_keyed_record<T: for<'a> serde::Deserialize<'a>>(
    store: &dyn Store,
    kind: &'static str,
    mut take: impl FnMut(Box<str>, T),
) -> Result<(), LoadError> {
    let mut after = String::new();
    loop {
        let page = store.records(kind, "", &after, RECORD_PAGE)?;
        let is_last = page.len() < RECORD_PAGE;
        for (key, bytes) in page {
            let record =
                records::decode(&bytes).map_err(|error| LoadError::record(kind, &key, &error))?;
            take(key.as_str().into(), record);
            after = key;
        }
        if is_last {
            return Ok(());
        }
    }
}

impl ActivityRecord {
    /// The activity as it is shown.
    pub(crate) fn shown(&self) -> Activity {
        Activity {
            arn: self.arn.clone(),
            name: self.name.clone(),
            creation_date: Timestamp(self.creation_date),
            encryption_configuration: self.encryption.clone(),
        }
    }
}
