//! What can be asked about versions and aliases.

use asl::Timestamp;

use super::wrong_answer;
use crate::node::{Answer, ResourceRequest};
use crate::{
    NewStateMachineAlias, PublishedVersion, Runtime, RuntimeError, StateMachineAlias,
    StateMachineAliasUpdate,
};

impl Runtime {
    /// PublishStateMachineVersion: the version that has the present content, a new one if there
    /// is none. A `revision_id` must be that of the present revision (`INITIAL` before the first
    /// update).
    pub async fn publish_state_machine_version(
        &self,
        arn: &str,
        revision_id: Option<String>,
        description: Option<String>,
    ) -> Result<PublishedVersion, RuntimeError> {
        let request = ResourceRequest::PublishVersion { arn: arn.into(), revision_id, description };
        match self.ask_resource(request).await? {
            Answer::Version(version) => Ok(version.shown()),
            _ => Err(wrong_answer()),
        }
    }

    /// DeleteStateMachineVersion. Unknown ARNs are no error.
    pub async fn delete_state_machine_version(&self, arn: &str) -> Result<(), RuntimeError> {
        self.change_resource(ResourceRequest::DeleteVersion { arn: arn.into() }).await
    }

    /// Versions of a state machine with numbers below `below`, the newest first, each with its
    /// number.
    pub fn list_state_machine_versions(
        &self,
        arn: &str,
        below: u64,
        limit: usize,
    ) -> Result<Vec<(u64, PublishedVersion)>, RuntimeError> {
        let records = self.driver.look(|node| node.registry().list_versions(arn, below, limit))?;
        Ok(records.iter().map(|(number, record)| (*number, record.shown())).collect())
    }

    /// CreateStateMachineAlias; an equal one is answered as it is.
    pub async fn create_state_machine_alias(
        &self,
        new: NewStateMachineAlias,
    ) -> Result<StateMachineAlias, RuntimeError> {
        self.ask_alias(ResourceRequest::CreateAlias { new }).await
    }

    /// UpdateStateMachineAlias.
    pub async fn update_state_machine_alias(
        &self,
        arn: &str,
        update: StateMachineAliasUpdate,
    ) -> Result<StateMachineAlias, RuntimeError> {
        self.ask_alias(ResourceRequest::UpdateAlias { arn: arn.into(), update }).await
    }

    /// DeleteStateMachineAlias. Unknown ARNs are no error.
    pub async fn delete_state_machine_alias(&self, arn: &str) -> Result<(), RuntimeError> {
        self.change_resource(ResourceRequest::DeleteAlias { arn: arn.into() }).await
    }

    /// The alias with this ARN.
    pub fn state_machine_alias(&self, arn: &str) -> Result<StateMachineAlias, RuntimeError> {
        self.driver.look(|node| node.registry().alias(arn)).map(|record| record.shown())
    }

    /// Aliases of a state machine or of a version, by ARN, beyond the ARN `after`.
    pub fn list_state_machine_aliases(
        &self,
        arn: &str,
        after: &str,
        limit: usize,
    ) -> Result<Vec<StateMachineAlias>, RuntimeError> {
        let records = self.driver.look(|node| node.registry().list_aliases(arn, after, limit))?;
        Ok(records.iter().map(|record| record.shown()).collect())
    }

    async fn ask_alias(&self, request: ResourceRequest) -> Result<StateMachineAlias, RuntimeError> {
        match self.ask_resource(request).await? {
            Answer::Alias(alias) => Ok(alias.shown()),
            _ => Err(wrong_answer()),
        }
    }
}

impl crate::records::VersionRecord {
    /// The version without the machine's picture.
    fn shown(&self) -> PublishedVersion {
        PublishedVersion {
            arn: self.arn.clone(),
            creation_date: Timestamp(self.creation_date),
            description: self.description.clone(),
        }
    }
}
