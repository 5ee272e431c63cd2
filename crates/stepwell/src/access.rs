//! `[[access_keys]]`: who may call the API, and as what.

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};

use api::{AccessKey, Role, is_account_id};
use serde::Deserialize;

/// `[[access_keys]]` as it is written.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AccessKeyTable {
    id: String,
    secret: Option<String>,
    secret_file: Option<PathBuf>,
    secret_env: Option<String>,
    session_token: Option<String>,
    role: RoleName,
    account: Option<String>,
    user: Option<String>,
}

/// `role`
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum RoleName {
    Admin,
    Operator,
    Worker,
    Reader,
}

impl From<RoleName> for Role {
    fn from(name: RoleName) -> Role {
        match name {
            RoleName::Admin => Role::Admin,
            RoleName::Operator => Role::Operator,
            RoleName::Worker => Role::Worker,
            RoleName::Reader => Role::Reader,
        }
    }
}

impl fmt::Debug for AccessKeyTable {
    /// Without the secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessKeyTable").field("id", &self.id).finish_non_exhaustive()
    }
}

/// The keys with their secrets, or what is wrong with one. Files are relative to `folder`.
pub(crate) fn access_keys(
    tables: Vec<AccessKeyTable>,
    folder: &Path,
    account_id: &str,
    environment: &dyn Fn(&str) -> Option<String>,
) -> Result<Vec<AccessKey>, String> {
    let mut ids = BTreeSet::new();
    let mut keys = Vec::with_capacity(tables.len());
    for (at, table) in tables.into_iter().enumerate() {
        let place = format!("access_keys[{at}]");
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.+=@".contains(&byte);
        if table.id.is_empty() || !table.id.bytes().all(is_plain) {
            return Err(format!(
                "{place}: the id `{}` may hold letters, digits and _-.+=@",
                table.id
            ));
        }
        if !ids.insert(table.id.clone()) {
            return Err(format!("{place}: there is another key with the id `{}`", table.id));
        }
        let account = table.account.clone().unwrap_or_else(|| account_id.to_owned());
        if !is_account_id(&account) {
            return Err(format!("{place}: the account `{account}` is not 12 digits"));
        }
        let secret = secret(&table, folder, environment)
            .map_err(|problem| format!("{place} ({}): {problem}", table.id))?;
        let user = table.user.unwrap_or_else(|| table.id.clone());
        let (role, session_token) = (table.role.into(), table.session_token);
        keys.push(AccessKey { id: table.id, secret, session_token, role, account, user });
    }
    Ok(keys)
}

/// The secret, from the one place that is given for it.
fn secret(
    table: &AccessKeyTable,
    folder: &Path,
    environment: &dyn Fn(&str) -> Option<String>,
) -> Result<String, String> {
    let secret = match (&table.secret, &table.secret_file, &table.secret_env) {
        (Some(secret), None, None) => secret.clone(),
        (None, Some(file), None) => {
            let path = folder.join(file);
            let text = std::fs::read_to_string(&path)
                .map_err(|error| format!("cannot read {}: {error}", path.display()))?;
            text.trim_end_matches(['\r', '\n']).to_owned()
        }
        (None, None, Some(name)) => environment(name)
            .ok_or_else(|| format!("the variable {name} with the secret is not set"))?,
        _ => return Err("one of secret, secret_file and secret_env is needed".to_owned()),
    };
    if secret.is_empty() { Err("the secret is empty".to_owned()) } else { Ok(secret) }
}
