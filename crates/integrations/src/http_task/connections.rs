//! EventBridge connections as they stand in the configuration file, and what becomes of them
//! when a task uses one: authorization, and what they add to a request.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

use crate::config::check_endpoint;

/// Connections by name, or by their whole ARN. A name serves every account and region.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(transparent)]
pub struct ConnectionsConfig(pub BTreeMap<String, ConnectionConfig>);

/// One connection: at most one of `basic`, `api_key` and `oauth`, and what it adds to every
/// request (the invocation HTTP parameters).
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConnectionConfig {
    #[serde(default)]
    pub basic: Option<BasicConfig>,
    #[serde(default)]
    pub api_key: Option<ApiKeyConfig>,
    #[serde(default)]
    pub oauth: Option<OAuthConfig>,
    #[serde(default)]
    pub headers: BTreeMap<String, Secret>,
    #[serde(default)]
    pub query: BTreeMap<String, Secret>,
    #[serde(default)]
    pub body: BTreeMap<String, Secret>,
}

/// HTTP Basic authorization.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BasicConfig {
    pub username: Secret,
    pub password: Secret,
}

/// A header with a secret value.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApiKeyConfig {
    /// The header's name.
    pub name: String,
    pub value: Secret,
}

/// A token by OAuth 2.0 client credentials.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OAuthConfig {
    /// URL at which the token is asked for.
    pub authorization_endpoint: String,
    #[serde(default)]
    pub method: OAuthMethod,
    pub client_id: Secret,
    pub client_secret: Secret,
    /// Where id and secret of the client stand in the request.
    #[serde(default)]
    pub client_authentication: ClientAuthentication,
    #[serde(default)]
    pub headers: BTreeMap<String, Secret>,
    #[serde(default)]
    pub query: BTreeMap<String, Secret>,
    #[serde(default)]
    pub body: BTreeMap<String, Secret>,
}

/// The method of the request for a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum OAuthMethod {
    Get,
    #[default]
    Post,
    Put,
}

impl OAuthMethod {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            OAuthMethod::Get => "GET",
            OAuthMethod::Post => "POST",
            OAuthMethod::Put => "PUT",
        }
    }
}

/// Where id and secret of the client stand in the request for a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ClientAuthentication {
    /// Among the fields of the form.
    #[default]
    Body,
    /// In the header `Authorization`.
    Basic,
}

/// A text that may be secret: itself, or the place where it is. Never shown by `Debug`.
#[derive(Clone, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum Secret {
    Text(String),
    Place(SecretPlace),
}

/// Where a secret is: a variable of the server's environment, or a file, which is read each
/// time, without the line's end.
#[derive(Clone, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SecretPlace {
    Env(String),
    File(PathBuf),
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Secret::Text(_) => "Secret::Text(…)",
            Secret::Place(SecretPlace::Env(_)) => "Secret::Env(…)",
            Secret::Place(SecretPlace::File(_)) => "Secret::File(…)",
        })
    }
}

impl Secret {
    pub(crate) fn reveal(&self, environment: &BTreeMap<String, String>) -> Result<String, String> {
        match self {
            Secret::Text(text) => Ok(text.clone()),
            Secret::Place(SecretPlace::Env(name)) => environment
                .get(name)
                .cloned()
                .ok_or_else(|| format!("the environment variable {name} is not set")),
            Secret::Place(SecretPlace::File(path)) => match std::fs::read_to_string(path) {
                Ok(text) => Ok(text.trim_end_matches(['\n', '\r']).to_owned()),
                Err(error) => Err(format!("{} cannot be read: {error}", path.display())),
            },
        }
    }

    pub(crate) fn resolve_path(&mut self, base: &Path) {
        if let Secret::Place(SecretPlace::File(path)) = self {
            *path = base.join(&*path);
        }
    }
}

impl ConnectionsConfig {
    /// Makes relative files relative to `base` (the configuration file's place).
    pub fn resolve_paths(&mut self, base: &Path) {
        for connection in self.0.values_mut() {
            connection.secrets_mut().into_iter().for_each(|secret| secret.resolve_path(base));
        }
    }

    /// Everything that is wrong, in the order of the names.
    pub fn check(&self) -> Vec<String> {
        let named = |name: &str, message: String| format!("connection '{name}': {message}");
        self.0
            .iter()
            .flat_map(|(name, connection)| {
                connection.check().into_iter().map(move |message| named(name, message))
            })
            .collect()
    }

    /// The most exact declaration: the whole ARN before the name in it.
    pub(crate) fn find(&self, arn: &str) -> Option<&ConnectionConfig> {
        self.0.get(arn).or_else(|| self.0.get(connection_name(arn)?))
    }
}

impl ConnectionConfig {
    fn secrets_mut(&mut self) -> Vec<&mut Secret> {
        let mut secrets: Vec<&mut Secret> = Vec::new();
        if let Some(basic) = &mut self.basic {
            secrets.extend([&mut basic.username, &mut basic.password]);
        }
        if let Some(api_key) = &mut self.api_key {
            secrets.push(&mut api_key.value);
        }
        if let Some(oauth) = &mut self.oauth {
            secrets.extend([&mut oauth.client_id, &mut oauth.client_secret]);
            let maps = [&mut oauth.headers, &mut oauth.query, &mut oauth.body];
            secrets.extend(maps.into_iter().flat_map(BTreeMap::values_mut));
        }
        let maps = [&mut self.headers, &mut self.query, &mut self.body];
        secrets.extend(maps.into_iter().flat_map(BTreeMap::values_mut));
        secrets
    }

    fn check(&self) -> Vec<String> {
        let mut messages = Vec::new();
        let schemes = [self.basic.is_some(), self.api_key.is_some(), self.oauth.is_some()];
        if schemes.into_iter().filter(|given| *given).count() > 1 {
            messages.push("has more than one of 'basic', 'api_key' and 'oauth'; give one".into());
        }
        let header = |name: &str| match http::HeaderName::from_bytes(name.as_bytes()) {
            Ok(_) => None,
            Err(_) => Some(format!("\"{name}\" is not the name of a header")),
        };
        messages.extend(self.api_key.iter().filter_map(|key| header(&key.name)));
        messages.extend(self.headers.keys().filter_map(|name| header(name)));
        if let Some(oauth) = &self.oauth {
            messages.extend(oauth.headers.keys().filter_map(|name| header(name)));
            if let Err(message) = check_endpoint(&oauth.authorization_endpoint) {
                messages.push(message.replace("'endpoint'", "'authorization_endpoint'"));
            }
        }
        messages
    }
}

/// `name` in `arn:aws:events:<region>:<account>:connection/<name>/<id>`.
pub(crate) fn connection_name(arn: &str) -> Option<&str> {
    let resource = arn.splitn(6, ':').nth(5)?;
    let name = resource.strip_prefix("connection/")?.split('/').next()?;
    (!name.is_empty()).then_some(name)
}

/// A connection with its secrets, ready for use.
#[derive(Clone)]
pub(crate) struct Connection {
    pub(crate) authorization: Authorization,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) body: Vec<(String, String)>,
}

#[derive(Clone)]
pub(crate) enum Authorization {
    None,
    Basic { username: String, password: String },
    ApiKey { name: String, value: String },
    OAuth(Box<OAuth>),
}

/// How a token is asked for.
#[derive(Clone, PartialEq)]
pub(crate) struct OAuth {
    pub(crate) endpoint: String,
    pub(crate) method: OAuthMethod,
    pub(crate) client_id: String,
    pub(crate) client_secret: String,
    pub(crate) client_authentication: ClientAuthentication,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) body: Vec<(String, String)>,
}

impl Connection {
    /// Reads the secrets of a declared connection.
    pub(crate) fn of_config(
        config: &ConnectionConfig,
        environment: &BTreeMap<String, String>,
    ) -> Result<Connection, String> {
        let reveal = |secret: &Secret| secret.reveal(environment);
        let pairs = |map: &BTreeMap<String, Secret>| -> Result<Vec<(String, String)>, String> {
            map.iter().map(|(name, value)| Ok((name.clone(), reveal(value)?))).collect()
        };
        let authorization = if let Some(basic) = &config.basic {
            let (username, password) = (reveal(&basic.username)?, reveal(&basic.password)?);
            Authorization::Basic { username, password }
        } else if let Some(key) = &config.api_key {
            Authorization::ApiKey { name: key.name.clone(), value: reveal(&key.value)? }
        } else if let Some(oauth) = &config.oauth {
            Authorization::OAuth(Box::new(OAuth {
                endpoint: oauth.authorization_endpoint.clone(),
                method: oauth.method,
                client_id: reveal(&oauth.client_id)?,
                client_secret: reveal(&oauth.client_secret)?,
                client_authentication: oauth.client_authentication,
                headers: pairs(&oauth.headers)?,
                query: pairs(&oauth.query)?,
                body: pairs(&oauth.body)?,
            }))
        } else {
            Authorization::None
        };
        Ok(Connection {
            authorization,
            headers: pairs(&config.headers)?,
            query: pairs(&config.query)?,
            body: pairs(&config.body)?,
        })
    }

    /// Reads the secret that EventBridge keeps of a connection in Secrets Manager.
    pub(crate) fn of_secret(authorization_type: &str, text: &str) -> Result<Connection, String> {
        let secret: Value =
            serde_json::from_str(text).map_err(|_| "its secret is not JSON".to_owned())?;
        let field = |name: &str| {
            secret[name].as_str().map(str::to_owned).ok_or(format!("its secret has no '{name}'"))
        };
        let authorization = match authorization_type {
            "BASIC" => {
                Authorization::Basic { username: field("username")?, password: field("password")? }
            }
            "API_KEY" => Authorization::ApiKey {
                name: field("api_key_name")?,
                value: field("api_key_value")?,
            },
            "OAUTH_CLIENT_CREDENTIALS" => {
                let parameters = &secret["oauth_http_parameters"];
                let method = match secret["http_method"].as_str() {
                    Some("GET") => OAuthMethod::Get,
                    Some("PUT") => OAuthMethod::Put,
                    _ => OAuthMethod::Post,
                };
                Authorization::OAuth(Box::new(OAuth {
                    endpoint: field("authorization_endpoint")?,
                    method,
                    client_id: field("client_id")?,
                    client_secret: field("client_secret")?,
                    client_authentication: ClientAuthentication::Body,
                    headers: pairs_of(&parameters["header_parameters"]),
                    query: pairs_of(&parameters["query_string_parameters"]),
                    body: pairs_of(&parameters["body_parameters"]),
                }))
            }
            other => return Err(format!("its authorization type '{other}' is not known")),
        };
        let parameters = &secret["invocation_http_parameters"];
        Ok(Connection {
            authorization,
            headers: pairs_of(&parameters["header_parameters"]),
            query: pairs_of(&parameters["query_string_parameters"]),
            body: pairs_of(&parameters["body_parameters"]),
        })
    }
}

/// `[{"key": …, "value": …}, …]`
fn pairs_of(list: &Value) -> Vec<(String, String)> {
    let pair =
        |item: &Value| Some((item["key"].as_str()?.to_owned(), item["value"].as_str()?.to_owned()));
    list.as_array().into_iter().flatten().filter_map(pair).collect()
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};
    use serde_json::json;

    use super::*;

    fn check(config: Value, expected: &Expect) {
        let text = match serde_json::from_value::<ConnectionsConfig>(config) {
            Ok(config) => config.check().iter().map(|error| format!("{error}\n")).collect(),
            Err(error) => format!("{error}\n"),
        };
        expected.assert_eq(&text);
    }

    #[test]
    fn declarations_are_checked() {
        check(
            json!({
                "open": {},
                "basic": {"basic": {"username": "u", "password": {"env": "P"}}},
                "two": {"basic": {"username": "u", "password": "p"}, "api_key": {"name": "K", "value": "v"}},
                "bad header": {"api_key": {"name": "a b", "value": {"file": "k"}}, "headers": {"ä": "x"}},
                "oauth": {"oauth": {"authorization_endpoint": "login", "client_id": "c", "client_secret": "s"}},
            }),
            &expect![[r#"
                connection 'bad header': "a b" is not the name of a header
                connection 'bad header': "ä" is not the name of a header
                connection 'oauth': 'authorization_endpoint' is "login", but must begin with http:// or https://
                connection 'two': has more than one of 'basic', 'api_key' and 'oauth'; give one
            "#]],
        );
    }

    #[test]
    fn secrets_do_not_show() {
        let config: ConnectionConfig = serde_json::from_value(
            json!({"basic": {"username": "me", "password": "hush"}, "body": {"k": {"env": "hush"}}}),
        )
        .unwrap();
        assert!(!format!("{config:?}").contains("hush"));
    }

    #[test]
    fn connections_are_found_by_name_and_by_arn() {
        let arn = "arn:aws:events:us-east-1:123456789012:connection/pay/81210c42";
        assert_eq!(connection_name(arn), Some("pay"));
        assert_eq!(connection_name("arn:aws:events:us-east-1:1:rule/pay"), None);
        let key = |name: &str| json!({"api_key": {"name": name, "value": "v"}});
        let config: ConnectionsConfig =
            serde_json::from_value(json!({"pay": key("by-name"), arn: key("by-arn")})).unwrap();
        let found =
            |arn| config.find(arn).and_then(|found| Some(found.api_key.as_ref()?.name.as_str()));
        assert_eq!(found(arn), Some("by-arn"));
        assert_eq!(found("arn:aws:events:eu-west-1:2:connection/pay/x"), Some("by-name"));
        assert_eq!(found("arn:aws:events:eu-west-1:2:connection/other/x"), None);
    }

    #[test]
    fn secrets_of_event_bridge_are_read() {
        let secret = json!({
            "client_id": "c", "client_secret": "s", "authorization_endpoint": "https://login", "http_method": "PUT",
            "oauth_http_parameters": {"body_parameters": [{"key": "grant_type", "value": "client_credentials"}]},
            "invocation_http_parameters": {"header_parameters": [{"key": "H", "value": "1", "is_value_secret": true}]},
        });
        let connection =
            Connection::of_secret("OAUTH_CLIENT_CREDENTIALS", &secret.to_string()).unwrap();
        assert_eq!(connection.headers, [("H".to_owned(), "1".to_owned())]);
        let Authorization::OAuth(oauth) = connection.authorization else { panic!("no OAuth") };
        assert_eq!(oauth.method, OAuthMethod::Put);
        assert_eq!(oauth.body, [("grant_type".to_owned(), "client_credentials".to_owned())]);
        assert_eq!(
            Connection::of_secret("BASIC", "{}").err().as_deref(),
            Some("its secret has no 'username'")
        );
    }
}
