//! Published versions: numbered pictures of a state machine.

use std::sync::Arc;

use asl::Timestamp;

use super::{Change, Registry, finish_machine, page, publish_version};
use crate::RuntimeError;
use crate::arns;
use crate::records::VersionRecord;

/// What PublishStateMachineVersion calls the revision of a machine that was never updated.
const INITIAL_REVISION: &str = "INITIAL";

impl Registry {
    /// PublishStateMachineVersion: the version that has the present content, whether it was there
    /// before or not.
    pub(crate) fn publish_version(
        &self,
        machine_arn: &str,
        revision_id: Option<&str>,
        description: Option<String>,
        now: Timestamp,
    ) -> Result<(Vec<Change>, Arc<VersionRecord>), RuntimeError> {
        let existing = self.machine(machine_arn)?;
        if existing.deleting {
            return Err(RuntimeError::StateMachineDeleting(machine_arn.to_owned()));
        }
        let present = existing.revision_id.as_deref().unwrap_or(INITIAL_REVISION);
        if let Some(asked) = revision_id
            && asked != present
        {
            return Err(RuntimeError::Conflict(format!(
                "Failed to publish the State Machine version for revision {asked}. The current \
                 State Machine revision is {present}."
            )));
        }
        if let Some(version) = self.published(&existing) {
            return Ok((Vec::new(), version));
        }
        self.check_room_for_version(machine_arn)?;
        let mut machine = (*existing).clone();
        let version = publish_version(&mut machine, description, now);
        let mut changes = Vec::new();
        finish_machine(&mut changes, machine, Some(Arc::clone(&version)));
        Ok((changes, version))
    }

    /// DeleteStateMachineVersion; an unknown one is no error.
    pub(crate) fn delete_version(&self, arn: &str) -> Result<Vec<Change>, RuntimeError> {
        if !self.versions.contains_key(arn) {
            return Ok(Vec::new());
        }
        let names: Vec<String> = page(&self.aliases, &machine_prefix(arn), "", usize::MAX)
            .into_iter()
            .filter(|alias| alias.leads_to(arn))
            .map(|alias| alias.name.to_string())
            .collect();
        if !names.is_empty() {
            return Err(RuntimeError::Conflict(format!(
                "Version to be deleted must not be referenced by an alias. Current list of \
                 aliases referencing this version: [{}]",
                names.join(", ")
            )));
        }
        Ok(vec![Change::RemoveVersion(arn.into())])
    }

    /// The versions of a state machine with numbers below `below`, the newest first.
    pub(crate) fn list_versions(
        &self,
        machine_arn: &str,
        below: u64,
        limit: usize,
    ) -> Result<Vec<(u64, Arc<VersionRecord>)>, RuntimeError> {
        self.machine(machine_arn)?;
        let mut versions: Vec<(u64, Arc<VersionRecord>)> =
            page(&self.versions, &format!("{machine_arn}:"), "", usize::MAX)
                .into_iter()
                .map(|version| (number(&version.arn), version))
                .filter(|(number, _)| *number < below)
                .collect();
        versions.sort_unstable_by_key(|(number, _)| std::cmp::Reverse(*number));
        versions.truncate(limit);
        Ok(versions)
    }

    /// Whether one more version may be published.
    pub(super) fn check_room_for_version(&self, machine_arn: &str) -> Result<(), RuntimeError> {
        let most = self.quotas.versions;
        let versions = page(&self.versions, &format!("{machine_arn}:"), "", most);
        if versions.len() < most {
            return Ok(());
        }
        Err(RuntimeError::ServiceQuotaExceeded(format!(
            "The maximum number of versions ({most}) of the state machine \
             '{machine_arn}' was reached. Delete versions that are not used."
        )))
    }
}

/// The number of a version.
fn number(version_arn: &str) -> u64 {
    arns::last_part(version_arn).parse().unwrap_or(0)
}

/// What the ARNs of the aliases beside a version begin with.
fn machine_prefix(version_arn: &str) -> String {
    format!("{}:", arns::machine_of(version_arn))
}
