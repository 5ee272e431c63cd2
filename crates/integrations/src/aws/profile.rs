//! The shared files `~/.aws/config` and `~/.aws/credentials`: the keys of one profile.

use std::collections::BTreeMap;
use std::path::PathBuf;

/// The settings of a profile, of both files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Profile {
    /// `section/key`; a nested key is `section/service/key`.
    values: BTreeMap<String, String>,
    name: String,
}

impl Profile {
    /// The profile that variables name, from the files that they name. Files that cannot be read
    /// count as empty; they are read anew each time, so that rotated keys are seen.
    pub(super) fn load(environment: &BTreeMap<String, String>) -> Profile {
        let variable = |name: &str| environment.get(name).filter(|it| !it.is_empty()).cloned();
        let read = |of: &str, file: &str| {
            let path = variable(of)
                .map(PathBuf::from)
                .or_else(|| Some(PathBuf::from(variable("HOME")?).join(".aws").join(file)))?;
            std::fs::read_to_string(path).ok()
        };
        let name = variable("AWS_PROFILE").unwrap_or_else(|| "default".to_owned());
        let mut values = BTreeMap::new();
        if let Some(text) = read("AWS_CONFIG_FILE", "config") {
            parse(&text, true, &mut values);
        }
        // The second file goes before the first.
        if let Some(text) = read("AWS_SHARED_CREDENTIALS_FILE", "credentials") {
            parse(&text, false, &mut values);
        }
        Profile { values, name }
    }

    /// Another profile of the same files.
    pub(super) fn other(&self, name: &str) -> Profile {
        Profile { values: self.values.clone(), name: name.to_owned() }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn get(&self, key: &str) -> Option<&str> {
        self.values.get(&format!("{}/{key}", self.name)).map(String::as_str)
    }

    /// A key of another section of the files.
    pub(super) fn section(&self, name: &str, key: &str) -> Option<&str> {
        self.values.get(&format!("{name}/{key}")).map(String::as_str)
    }

    /// A key of a service in the `[services NAME]` section that the profile names.
    pub(super) fn service(&self, service: &str, key: &str) -> Option<&str> {
        let section = self.get("services")?;
        self.values.get(&format!("services {section}/{service}/{key}")).map(String::as_str)
    }
}

/// Reads a file. In `config`, profiles are `[profile NAME]`, but for `[default]`.
fn parse(text: &str, is_config: bool, values: &mut BTreeMap<String, String>) {
    let mut section = String::new();
    let mut parent = String::new();
    for line in text.lines() {
        let trimmed = line.trim();
        if trimmed.is_empty() || trimmed.starts_with(['#', ';']) {
            continue;
        }
        if let Some(name) = trimmed.strip_prefix('[').and_then(|rest| rest.split(']').next()) {
            let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
            section = match name.strip_prefix("profile ") {
                Some(name) if is_config => name.to_owned(),
                _ => name,
            };
            parent.clear();
            continue;
        }
        let Some((key, value)) = trimmed.split_once('=') else { continue };
        let (key, value) = (key.trim().to_ascii_lowercase(), value.trim());
        let is_nested = line.starts_with([' ', '\t']) && !parent.is_empty();
        let path = match is_nested {
            true => format!("{section}/{parent}/{key}"),
            false => format!("{section}/{key}"),
        };
        if !is_nested {
            parent = if value.is_empty() { key } else { String::new() };
        }
        // A comment needs a space before it.
        let value = value.split(" #").next().unwrap_or(value).split(" ;").next().unwrap_or(value);
        values.insert(path, value.trim().to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_files_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("config");
        let credentials = folder.path().join("credentials");
        std::fs::write(
            &config,
            "[default]\nregion = eu-west-1\naws_access_key_id = A\n# c\n[profile dev]\nrole_arn=R # why\n\
             services = local\n[services local]\ns3 =\n  endpoint_url = http://s3:1\nsecrets_manager =\n  \
             endpoint_url = http://sm:2\n",
        )
        .unwrap();
        std::fs::write(
            &credentials,
            "[default]\naws_access_key_id = B\n[dev]\naws_secret_access_key=C=\n",
        )
        .unwrap();
        let mut environment = BTreeMap::from([
            ("AWS_CONFIG_FILE".to_owned(), config.to_str().unwrap().to_owned()),
            ("AWS_SHARED_CREDENTIALS_FILE".to_owned(), credentials.to_str().unwrap().to_owned()),
        ]);
        let profile = Profile::load(&environment);
        assert_eq!(profile.get("region"), Some("eu-west-1"));
        assert_eq!(profile.get("aws_access_key_id"), Some("B"));
        assert_eq!(profile.get("role_arn"), None);
        environment.insert("AWS_PROFILE".to_owned(), "dev".to_owned());
        let profile = Profile::load(&environment);
        assert_eq!(profile.get("role_arn"), Some("R"));
        assert_eq!(profile.get("aws_secret_access_key"), Some("C="));
        assert_eq!(profile.service("secrets_manager", "endpoint_url"), Some("http://sm:2"));
        assert_eq!(profile.service("s3", "endpoint_url"), Some("http://s3:1"));
        assert_eq!(profile.service("sqs", "endpoint_url"), None);
        assert_eq!(
            Profile::load(&BTreeMap::new()),
            Profile { name: "default".into(), ..Profile::default() }
        );
    }
}
