//! AWS credentials for outgoing calls: environment variables, then the shared credentials file.

use std::collections::BTreeMap;
use std::path::PathBuf;

use aws_credential_types::Credentials;

/// Credentials from the server's environment variables or the profile that they name. `None` if
/// there are none. The file is read each time, so that rotated keys are seen.
pub fn find_credentials(environment: &BTreeMap<String, String>) -> Option<Credentials> {
    let variable = |name: &str| environment.get(name).filter(|value| !value.is_empty()).cloned();
    if let (Some(id), Some(secret)) =
        (variable("AWS_ACCESS_KEY_ID"), variable("AWS_SECRET_ACCESS_KEY"))
    {
        let token = variable("AWS_SESSION_TOKEN");
        return Some(Credentials::new(id, secret, token, None, "environment"));
    }
    let path = variable("AWS_SHARED_CREDENTIALS_FILE")
        .map(PathBuf::from)
        .or_else(|| Some(PathBuf::from(variable("HOME")?).join(".aws/credentials")))?;
    let text = std::fs::read_to_string(path).ok()?;
    profile(&text, variable("AWS_PROFILE").as_deref().unwrap_or("default"))
}

/// Credentials that open nothing, for endpoints that are not AWS.
pub(crate) fn dummy_credentials() -> Credentials {
    Credentials::new("test", "test", None, None, "dummy")
}

/// Reads one profile of a credentials file.
fn profile(text: &str, wanted: &str) -> Option<Credentials> {
    let mut fields: BTreeMap<String, String> = BTreeMap::new();
    let mut inside = false;
    for line in text.lines() {
        let line = line.trim();
        if let Some(section) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            inside = section.trim() == wanted;
        } else if let (true, Some((name, value))) = (inside, line.split_once('='))
            && !line.starts_with(['#', ';'])
        {
            fields.insert(name.trim().to_ascii_lowercase(), value.trim().to_owned());
        }
    }
    Some(Credentials::new(
        fields.remove("aws_access_key_id")?,
        fields.remove("aws_secret_access_key")?,
        fields.remove("aws_session_token"),
        None,
        "profile",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_come_before_the_file() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("credentials");
        std::fs::write(
            &path,
            "# keys\n[default]\naws_access_key_id = A\naws_secret_access_key=B=\n\n[other]\naws_access_key_id=C\n\
             aws_secret_access_key=D\naws_session_token=E\n",
        )
        .unwrap();
        let mut environment = BTreeMap::new();
        let mut key = |name: &str, value: &str| {
            environment.insert(name.to_owned(), value.to_owned());
            find_credentials(&environment).map(|found| {
                let token = found.session_token().unwrap_or_default().to_owned();
                (found.access_key_id().to_owned(), found.secret_access_key().to_owned(), token)
            })
        };
        let found = |id: &str, secret: &str, token: &str| {
            Some((id.to_owned(), secret.to_owned(), token.to_owned()))
        };
        assert_eq!(key("UNRELATED", ""), None);
        let path = path.to_str().unwrap();
        assert_eq!(key("AWS_SHARED_CREDENTIALS_FILE", path), found("A", "B=", ""));
        assert_eq!(key("AWS_PROFILE", "other"), found("C", "D", "E"));
        assert_eq!(key("AWS_PROFILE", "missing"), None);
        assert_eq!(key("AWS_ACCESS_KEY_ID", "F"), None);
        assert_eq!(key("AWS_SECRET_ACCESS_KEY", "G"), found("F", "G", ""));
    }
}
