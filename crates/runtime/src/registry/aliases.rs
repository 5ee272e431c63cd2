//! Aliases: names for one or two versions of a state machine, between which a weighted choice is
//! made at every start.

use std::sync::Arc;

use asl::Timestamp;

use super::{Change, Registry, page};
use crate::records::{AliasRecord, RouteRecord};
use crate::{
    NewStateMachineAlias, Route, RuntimeError, StateMachineAlias, StateMachineAliasUpdate, arns,
};

impl AliasRecord {
    /// The version that a start leads to, by a random number.
    pub(super) fn route(&self, draw: u64) -> &str {
        let mut rest = draw % 100;
        let chosen = self.routes.iter().find(|route| {
            let is_it = rest < u64::from(route.weight);
            rest = rest.saturating_sub(u64::from(route.weight));
            is_it
        });
        let chosen = chosen.or(self.routes.last());
        &chosen.expect("an alias has one or two routes").version_arn
    }

    /// Whether the version is among its routes, with whatever weight.
    pub(super) fn leads_to(&self, version_arn: &str) -> bool {
        self.routes.iter().any(|route| *route.version_arn == *version_arn)
    }

    /// The alias as it is shown.
    pub(crate) fn shown(&self) -> StateMachineAlias {
        let route = |route: &RouteRecord| Route {
            version_arn: route.version_arn.clone(),
            weight: route.weight,
        };
        StateMachineAlias {
            arn: self.arn.clone(),
            name: self.name.clone(),
            description: self.description.clone(),
            routes: self.routes.iter().map(route).collect(),
            creation_date: Timestamp(self.creation_date),
            update_date: Timestamp(self.update_date),
        }
    }
}

impl Registry {
    pub(crate) fn alias(&self, arn: &str) -> Result<Arc<AliasRecord>, RuntimeError> {
        let found = self.aliases.get(arn).map(Arc::clone);
        found.ok_or_else(|| RuntimeError::ReferenceNotFound(arn.to_owned()))
    }

    /// CreateStateMachineAlias: an equal one is answered as it is.
    pub(crate) fn create_alias(
        &self,
        new: &NewStateMachineAlias,
        now: Timestamp,
    ) -> Result<(Vec<Change>, Arc<AliasRecord>), RuntimeError> {
        let machine_arn = &*new.state_machine_arn;
        let routes = self.routes(machine_arn, &new.routes)?;
        let arn: Box<str> = format!("{machine_arn}:{}", new.name).into();
        if let Some(existing) = self.aliases.get(&arn) {
            if existing.description == new.description && existing.routes == routes {
                return Ok((Vec::new(), Arc::clone(existing)));
            }
            return Err(RuntimeError::Conflict(
                "Failed to create alias because an alias with the same name and a different \
                 routing configuration already exists."
                    .to_owned(),
            ));
        }
        let most = self.quotas.aliases;
        let count = page(&self.aliases, &format!("{machine_arn}:"), "", most).len();
        if count >= most {
            return Err(RuntimeError::ServiceQuotaExceeded(format!(
                "The maximum number of aliases ({most}) of the state machine \
                 '{machine_arn}' was reached. Delete aliases that are not used."
            )));
        }
        let alias = Arc::new(AliasRecord {
            arn,
            name: new.name.clone(),
            description: new.description.clone(),
            routes,
            creation_date: now.0,
            update_date: now.0,
        });
        Ok((vec![Change::PutAlias(Arc::clone(&alias))], alias))
    }

    /// UpdateStateMachineAlias.
    pub(crate) fn update_alias(
        &self,
        arn: &str,
        update: &StateMachineAliasUpdate,
        now: Timestamp,
    ) -> Result<(Vec<Change>, Arc<AliasRecord>), RuntimeError> {
        let existing = self.alias(arn)?;
        let machine_arn = arns::machine_of(arn);
        let mut alias = (*existing).clone();
        match &update.routes {
            Some(routes) => alias.routes = self.routes(machine_arn, routes)?,
            None if self.is_deleting(machine_arn) => {
                return Err(RuntimeError::StateMachineDeleting(machine_arn.to_owned()));
            }
            None => {}
        }
        if update.description.is_some() {
            alias.description.clone_from(&update.description);
        }
        if alias == *existing {
            return Ok((Vec::new(), existing));
        }
        alias.update_date = now.0;
        let alias = Arc::new(alias);
        Ok((vec![Change::PutAlias(Arc::clone(&alias))], alias))
    }

    /// DeleteStateMachineAlias; an unknown one is no error.
    pub(crate) fn delete_alias(&self, arn: &str) -> Vec<Change> {
        match self.aliases.contains_key(arn) {
            true => vec![Change::RemoveAlias(arn.into())],
            false => Vec::new(),
        }
    }

    /// The aliases of a state machine, or of one of its versions, in the order of their ARNs,
    /// beyond the ARN `after`.
    pub(crate) fn list_aliases(
        &self,
        arn: &str,
        after: &str,
        limit: usize,
    ) -> Result<Vec<Arc<AliasRecord>>, RuntimeError> {
        if self.machines.contains_key(arn) {
            if self.is_deleting(arn) {
                return Err(RuntimeError::StateMachineDeleting(arn.to_owned()));
            }
            return Ok(page(&self.aliases, &format!("{arn}:"), after, limit));
        }
        let version = self.version(arn)?;
        let prefix = format!("{}:", version.machine.arn);
        let aliases = page(&self.aliases, &prefix, after, usize::MAX).into_iter();
        Ok(aliases.filter(|alias| alias.leads_to(arn)).take(limit).collect())
    }

    /// Routes as they are kept. Every one must lead to a version that exists.
    fn routes(
        &self,
        machine_arn: &str,
        routes: &[Route],
    ) -> Result<Vec<RouteRecord>, RuntimeError> {
        if self.is_deleting(machine_arn) {
            return Err(RuntimeError::StateMachineDeleting(machine_arn.to_owned()));
        }
        let record = |route: &Route| match self.versions.contains_key(&route.version_arn) {
            true => {
                Ok(RouteRecord { version_arn: route.version_arn.clone(), weight: route.weight })
            }
            false => Err(RuntimeError::ReferenceNotFound(route.version_arn.to_string())),
        };
        routes.iter().map(record).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_follow_the_weights() {
        let route = |version: &str, weight| RouteRecord { version_arn: version.into(), weight };
        let alias = |routes| AliasRecord {
            arn: "arn".into(),
            name: "name".into(),
            description: None,
            routes,
            creation_date: 0,
            update_date: 0,
        };
        let count = |alias: &AliasRecord| (0..100).filter(|draw| alias.route(*draw) == "1").count();
        assert_eq!(count(&alias(vec![route("1", 100)])), 100);
        for weight in [0, 1, 30, 99, 100] {
            let both = alias(vec![route("1", weight), route("2", 100 - weight)]);
            assert_eq!(count(&both), usize::from(weight));
        }
    }
}
