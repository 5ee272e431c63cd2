//! Tags of state machines and activities.

use crate::arn::{self, Arn, Resource};
use crate::constraints::{Kind, Member};
use crate::dispatch::Call;
use crate::error::ApiError;

/// What keys that belong to AWS begin with.
const RESERVED_PREFIX: &str = "aws:";

/// The rule of a tag's key.
pub(crate) const KEY: Kind = Kind::text(1, 128);

/// The rule of a list of tags.
pub(crate) const TAGS: Kind = Kind::list(&Kind::Structure(&[
    Member::optional("key", KEY),
    Member::optional("value", Kind::text(0, 256)),
]));

/// The member `tags` of a request, checked; of equal keys the last one counts.
pub(crate) fn read(call: &Call<'_>, resource: &str) -> Result<Vec<(String, String)>, ApiError> {
    let mut tags: Vec<(String, String)> = Vec::new();
    for tag in call.request.structures("tags").into_iter().flatten() {
        // AWS's model lets it be absent; a tag without a key is none all the same.
        let key = tag.text("key").ok_or_else(|| ApiError::validation("A tag must have a key"))?;
        let value = tag.text("value").unwrap_or_default();
        check(key, value)?;
        match tags.iter_mut().find(|(other, _)| other == key) {
            Some((_, earlier)) => value.clone_into(earlier),
            None => tags.push((key.to_owned(), value.to_owned())),
        }
        let most = call.api.quotas.tags;
        if tags.len() > most {
            return Err(ApiError::too_many_tags(resource, most));
        }
    }
    Ok(tags)
}

fn check(key: &str, value: &str) -> Result<(), ApiError> {
    if key.to_ascii_lowercase().starts_with(RESERVED_PREFIX) {
        return Err(ApiError::validation(
            "aws: prefixed tag key names are not allowed for external use.",
        ));
    }
    let is_allowed = |character: char| {
        character.is_alphanumeric() || character.is_whitespace() || "_.:/=+-@".contains(character)
    };
    if key.chars().chain(value.chars()).all(is_allowed) {
        return Ok(());
    }
    Err(ApiError::validation(format!(
        "Invalid tag: '{key}'. Keys and values may hold letters, digits, white space and the \
         characters _ . : / = + - @"
    )))
}

/// Checks that an ARN is that of something that has tags: a state machine or an activity.
/// Versions and aliases have none.
pub(crate) fn check_resource(resource: &str) -> Result<(), ApiError> {
    match Arn::parse(resource)?.resource {
        Resource::StateMachine { label: None, qualifier: None, .. } => Ok(()),
        Resource::StateMachine { .. } => Err(ApiError::resource_not_found(resource)),
        _ => arn::activity_arn(resource),
    }
}
