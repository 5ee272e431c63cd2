//! Credentials for outgoing calls: environment variables, the profile, a web identity, the
//! container's or the machine's own; and those of roles that tasks assume.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use bytes::Bytes;
use http::Request;
use serde_json::{Value, json};
use tokio::sync::Mutex;

use super::call::{AwsCall, AwsError, CallContext};
use super::client::AwsClient;
use super::credential_process;
use super::moment;
use super::profile::Profile;

/// Credentials are renewed this long before they end.
const RENEW_BEFORE: Duration = Duration::from_secs(300);
/// Time for an answer of the container or the machine.
const METADATA_TIMEOUT: Duration = Duration::from_secs(2);
const METADATA_BYTES_MAX: usize = 64 * 1024;
/// Profiles that may name each other as the source.
const PROFILE_DEPTH_MAX: usize = 5;
const METADATA_ENDPOINT: &str = "http://169.254.169.254";
pub(super) const CONTAINER_ENDPOINT: &str = "http://169.254.170.2";

/// How sessions of roles are called that nobody names.
const SESSION: &str = "stepwell";
/// What a program prints without an end is used this long.
const PROCESS_HOLDS: Duration = Duration::from_secs(900);
/// Attempts to reach the container's or the machine's agent.
const METADATA_ATTEMPTS: u32 = 3;

/// A role to assume.
#[derive(Debug, Clone, Default)]
struct Role {
    arn: String,
    external_id: Option<String>,
    session: Option<String>,
    seconds: Option<u32>,
}

/// What was fetched, while it holds.
#[derive(Default)]
pub(super) struct CredentialCache {
    /// By what they were fetched for.
    fetched: Mutex<HashMap<String, Credentials>>,
}

impl CredentialCache {
    pub(super) async fn get(&self, key: &str) -> Option<Credentials> {
        let fetched = self.fetched.lock().await;
        let soon = SystemTime::now() + RENEW_BEFORE;
        fetched.get(key).filter(|it| it.expiry().is_none_or(|expiry| expiry > soon)).cloned()
    }

    pub(super) async fn put(&self, key: &str, credentials: &Credentials) {
        // What has no end is not kept: it may be replaced any time.
        if credentials.expiry().is_some() {
            self.fetched.lock().await.insert(key.to_owned(), credentials.clone());
        }
    }
}

/// Credentials that open nothing, for endpoints that are not AWS.
pub(super) fn dummy() -> Credentials {
    Credentials::new("test", "test", None, None, "dummy")
}

/// Credentials that stand in variables.
fn of_environment(environment: &BTreeMap<String, String>) -> Option<Credentials> {
    let variable = |name: &str| environment.get(name).filter(|it| !it.is_empty()).cloned();
    let (id, secret) = (variable("AWS_ACCESS_KEY_ID")?, variable("AWS_SECRET_ACCESS_KEY")?);
    Some(Credentials::new(id, secret, variable("AWS_SESSION_TOKEN"), None, "environment"))
}

/// Keys that stand in a profile.
fn of_profile(profile: &Profile) -> Option<Credentials> {
    Some(Credentials::new(
        profile.get("aws_access_key_id")?,
        profile.get("aws_secret_access_key")?,
        profile.get("aws_session_token").map(str::to_owned),
        None,
        "profile",
    ))
}

/// Whether something says that there are credentials; nothing is asked for them.
pub(crate) fn has_credentials(
    environment: &BTreeMap<String, String>,
    instance_metadata: bool,
) -> bool {
    let profile = Profile::load(environment);
    let named = ["AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"]
        .iter()
        .chain(&["AWS_CONTAINER_CREDENTIALS_FULL_URI"])
        .any(|name| environment.get(*name).is_some_and(|value| !value.is_empty()));
    of_environment(environment).is_some()
        || of_profile(&profile).is_some()
        || ["role_arn", "credential_process", "sso_session", "sso_start_url"]
            .iter()
            .any(|key| profile.get(key).is_some())
        || named
        || instance_metadata
}

impl AwsClient {
    /// The credentials of this server; none where nothing says that there are any.
    ///
    /// # Errors
    /// Something says that there are some, and they could not be had.
    pub(crate) async fn credentials(&self, region: &str) -> Result<Option<Credentials>, String> {
        let environment = self.environment();
        if let Some(credentials) = of_environment(environment) {
            return Ok(Some(credentials));
        }
        let profile = Profile::load(environment);
        if let Some(credentials) = self.of_profile_chain(&profile, region).await? {
            return Ok(Some(credentials));
        }
        let variable = |name: &str| environment.get(name).filter(|it| !it.is_empty());
        if let (Some(role), Some(file)) =
            (variable("AWS_ROLE_ARN"), variable("AWS_WEB_IDENTITY_TOKEN_FILE"))
        {
            let session = variable("AWS_ROLE_SESSION_NAME").map(String::as_str);
            return self.of_web_identity(role, file, session, region).await.map(Some);
        }
        if let Some(credentials) = self.of_container().await? {
            return Ok(Some(credentials));
        }
        self.of_instance().await
    }

    /// The keys of a profile, or of the role that it names.
    async fn of_profile_chain(
        &self,
        profile: &Profile,
        region: &str,
    ) -> Result<Option<Credentials>, String> {
        // From the profile asked for to the one with keys.
        let mut roles: Vec<Role> = Vec::new();
        let mut profile = profile.clone();
        let mut credentials = loop {
            let Some(role) = profile.get("role_arn").map(str::to_owned) else {
                break self.of_profile_itself(&profile).await?;
            };
            if profile.get("mfa_serial").is_some() {
                return Err(format!(
                    "the profile '{}' wants a code of a device (mfa_serial), which nobody can give \
                     to a server",
                    profile.name()
                ));
            }
            if let Some(file) = profile.get("web_identity_token_file") {
                let session = profile.get("role_session_name");
                break Some(self.of_web_identity(&role, file, session, region).await?);
            }
            if roles.len() == PROFILE_DEPTH_MAX {
                return Err(format!(
                    "the profile '{}' leads through more than {PROFILE_DEPTH_MAX} source profiles",
                    profile.name()
                ));
            }
            roles.push(Role {
                arn: role,
                external_id: profile.get("external_id").map(str::to_owned),
                session: profile.get("role_session_name").map(str::to_owned),
                seconds: profile.get("duration_seconds").and_then(|text| text.parse().ok()),
            });
            match (profile.get("source_profile"), profile.get("credential_source")) {
                (Some(source), _) if source == profile.name() => {
                    break self.of_profile_itself(&profile).await?;
                }
                (Some(source), _) => profile = profile.other(source),
                (None, Some("Environment")) => break of_environment(self.environment()),
                (None, Some("EcsContainer")) => break self.of_container().await?,
                (None, Some("Ec2InstanceMetadata")) => break self.of_instance().await?,
                (None, _) => {
                    return Err(format!(
                        "the profile '{}' has a role_arn, and neither a source_profile nor a \
                         credential_source",
                        profile.name()
                    ));
                }
            }
        };
        if credentials.is_none() && !roles.is_empty() {
            return Err(format!("the profile '{}' has no keys", profile.name()));
        }
        for role in roles.iter().rev() {
            let source = credentials.take();
            let assumed = self.assume(role, source, region).await;
            credentials = Some(assumed.map_err(|error| describe(&error))?);
        }
        Ok(credentials)
    }

    /// The credentials that a profile itself has: by IAM Identity Center, keys, or a program.
    async fn of_profile_itself(&self, profile: &Profile) -> Result<Option<Credentials>, String> {
        if let Some(credentials) = self.of_sso(profile).await? {
            return Ok(Some(credentials));
        }
        if let Some(credentials) = of_profile(profile) {
            return Ok(Some(credentials));
        }
        let Some(command) = profile.get("credential_process") else { return Ok(None) };
        let key = format!("process {command}");
        if let Some(credentials) = self.cache().get(&key).await {
            return Ok(Some(credentials));
        }
        let printed = credential_process::run(command, self.environment()).await?;
        let names = ["AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration"];
        let mut credentials = of_json(&printed, names, "process")
            .ok_or("credential_process prints no credentials")?;
        if credentials.expiry().is_none() {
            // It is not run for every call.
            let end = SystemTime::now() + RENEW_BEFORE + PROCESS_HOLDS;
            let (id, secret) = (credentials.access_key_id(), credentials.secret_access_key());
            let token = credentials.session_token().map(str::to_owned);
            credentials = Credentials::new(id, secret, token, Some(end), "process");
        }
        self.cache().put(&key, &credentials).await;
        Ok(Some(credentials))
    }

    /// The credentials of a role that a task names.
    pub(super) async fn assume_for_task(
        &self,
        role_arn: &str,
        region: &str,
    ) -> Result<Credentials, AwsError> {
        let role = Role { arn: role_arn.to_owned(), ..Role::default() };
        self.assume(&role, None, region).await
    }

    /// Assumes a role with the given credentials, or the server's own.
    async fn assume(
        &self,
        role: &Role,
        source: Option<Credentials>,
        region: &str,
    ) -> Result<Credentials, AwsError> {
        let of = source.as_ref().map(Credentials::access_key_id).unwrap_or_default();
        let session = role.session.as_deref().unwrap_or(SESSION);
        let key = format!("role {} {of} {region} {session} {:?}", role.arn, role.external_id);
        if let Some(credentials) = self.cache().get(&key).await {
            return Ok(credentials);
        }
        let mut parameters = json!({"RoleArn": role.arn, "RoleSessionName": session});
        if let Some(id) = &role.external_id {
            parameters["ExternalId"] = id.as_str().into();
        }
        if let Some(seconds) = role.seconds {
            parameters["DurationSeconds"] = seconds.into();
        }
        let credentials = self.ask_sts("AssumeRole", &parameters, source, region).await?;
        self.cache().put(&key, &credentials).await;
        Ok(credentials)
    }

    async fn of_web_identity(
        &self,
        role_arn: &str,
        file: &str,
        session: Option<&str>,
        region: &str,
    ) -> Result<Credentials, String> {
        let key = format!("web identity {role_arn}");
        if let Some(credentials) = self.cache().get(&key).await {
            return Ok(credentials);
        }
        let token = std::fs::read_to_string(file)
            .map_err(|error| format!("cannot read the web identity token {file}: {error}"))?;
        let parameters = json!({
            "RoleArn": role_arn,
            "RoleSessionName": session.unwrap_or(SESSION),
            "WebIdentityToken": token.trim(),
        });
        // The call has no signature; keys only keep it from asking for itself.
        let credentials = self
            .ask_sts("AssumeRoleWithWebIdentity", &parameters, Some(dummy()), region)
            .await
            .map_err(|error| describe(&error))?;
        self.cache().put(&key, &credentials).await;
        Ok(credentials)
    }

    async fn ask_sts(
        &self,
        operation: &str,
        parameters: &Value,
        source: Option<Credentials>,
        region: &str,
    ) -> Result<Credentials, AwsError> {
        let service = service_models::find("sts").expect("the data has the service");
        let operation = service.operation(operation).expect("the data has the operation");
        let context = CallContext::new(region);
        let call = AwsCall { service, operation, parameters, payload: None, context };
        // Boxed: the credentials of the call may themselves need a call.
        let response = Box::pin(self.send(&call, source)).await?;
        let found = &response.output["Credentials"];
        of_json(found, ["AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration"], "role")
            .ok_or_else(|| AwsError::Client {
                prefix: "Sts".into(),
                message: "the answer has no credentials".to_owned(),
            })
    }

    /// From the container's agent, if variables say that there is one.
    async fn of_container(&self) -> Result<Option<Credentials>, String> {
        let environment = self.environment();
        let variable = |name: &str| environment.get(name).filter(|it| !it.is_empty()).cloned();
        let url = match variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI") {
            Some(path) => format!("{}{path}", self.container_endpoint()),
            None => match variable("AWS_CONTAINER_CREDENTIALS_FULL_URI") {
                Some(url) => check_container_url(url)?,
                None => return Ok(None),
            },
        };
        if let Some(credentials) = self.cache().get(&url).await {
            return Ok(Some(credentials));
        }
        let mut headers = Vec::new();
        let token_file = variable("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE").map(PathBuf::from);
        let token = match token_file {
            Some(file) => Some(
                std::fs::read_to_string(&file)
                    .map_err(|error| format!("cannot read {}: {error}", file.display()))?,
            ),
            None => variable("AWS_CONTAINER_AUTHORIZATION_TOKEN"),
        };
        if let Some(token) = &token {
            if token.trim().contains(['\r', '\n']) {
                return Err("the container's authorization token has more than one line".to_owned());
            }
            headers.push(("authorization", token.trim()));
        }
        let body = self.fetch("GET", &url, &headers).await?;
        let credentials = of_metadata(&body).ok_or(format!("{url}: no credentials are there"))?;
        self.cache().put(&url, &credentials).await;
        Ok(Some(credentials))
    }

    /// From the metadata service of an EC2 instance, if the configuration allows to ask it.
    async fn of_instance(&self) -> Result<Option<Credentials>, String> {
        let environment = self.environment();
        let is_off = environment
            .get("AWS_EC2_METADATA_DISABLED")
            .is_some_and(|value| value.eq_ignore_ascii_case("true"));
        if is_off || !self.asks_instance() {
            return Ok(None);
        }
        let key = "instance";
        if let Some(credentials) = self.cache().get(key).await {
            return Ok(Some(credentials));
        }
        let base = environment
            .get("AWS_EC2_METADATA_SERVICE_ENDPOINT")
            .map_or(METADATA_ENDPOINT, |url| url.trim_end_matches('/'));
        let ttl = [("x-aws-ec2-metadata-token-ttl-seconds", "21600")];
        let token = self.fetch("PUT", &format!("{base}/latest/api/token"), &ttl).await?;
        let token = String::from_utf8_lossy(&token).trim().to_owned();
        let headers = [("x-aws-ec2-metadata-token", token.as_str())];
        let folder = format!("{base}/latest/meta-data/iam/security-credentials/");
        let role = self.fetch("GET", &folder, &headers).await?;
        let role = String::from_utf8_lossy(&role);
        let role = role.lines().next().unwrap_or_default().trim();
        let body = self.fetch("GET", &format!("{folder}{role}"), &headers).await?;
        let credentials = of_metadata(&body).ok_or("the instance has no credentials")?;
        self.cache().put(key, &credentials).await;
        Ok(Some(credentials))
    }

    async fn fetch(
        &self,
        method: &str,
        url: &str,
        headers: &[(&str, &str)],
    ) -> Result<Bytes, String> {
        let mut request = Request::builder().method(method).uri(url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Bytes::new()).map_err(|error| format!("{url}: {error}"))?;
        let mut attempt = 1;
        loop {
            let answer = self.http().send(request.clone(), METADATA_BYTES_MAX);
            let (passes, reason) = match tokio::time::timeout(METADATA_TIMEOUT, answer).await {
                Ok(Ok(answer)) if answer.status().is_success() => return Ok(answer.into_body()),
                Ok(Ok(answer)) => {
                    (answer.status().is_server_error(), format!("answers {}", answer.status()))
                }
                Ok(Err(reason)) => (true, reason),
                Err(_) => (true, "no answer in time".to_owned()),
            };
            if !passes || attempt == METADATA_ATTEMPTS {
                return Err(format!("{url}: {reason}"));
            }
            attempt += 1;
        }
    }
}

/// A URL of a container's agent: only this machine's, or by TLS, so that no token goes astray.
fn check_container_url(url: String) -> Result<String, String> {
    const AGENTS: [&str; 4] = ["169.254.170.2", "169.254.170.23", "[fd00:ec2::23]", "localhost"];
    let uri = url.parse::<http::Uri>().map_err(|error| format!("{url}: {error}"))?;
    let host = uri.host().unwrap_or_default();
    let address = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
    let is_near = AGENTS.contains(&host) || address.is_ok_and(|address| address.is_loopback());
    match uri.scheme_str() == Some("https") || is_near {
        true => Ok(url),
        false => Err(format!(
            "AWS_CONTAINER_CREDENTIALS_FULL_URI is {url}, which is neither https nor an agent of \
             this machine"
        )),
    }
}

fn of_metadata(body: &Bytes) -> Option<Credentials> {
    let value: Value = serde_json::from_slice(body).ok()?;
    of_json(&value, ["AccessKeyId", "SecretAccessKey", "Token", "Expiration"], "metadata")
}

fn of_json(value: &Value, names: [&str; 4], provider: &'static str) -> Option<Credentials> {
    let [id, secret, token, expiry] = names.map(|name| value[name].as_str());
    let expiry = expiry.and_then(moment::of_text).map(SystemTime::from);
    Some(Credentials::new(id?, secret?, token.map(str::to_owned), expiry, provider))
}

/// An error of the way to credentials, as a text.
pub(super) fn describe(error: &AwsError) -> String {
    match error {
        AwsError::Parameters(problems) => problems.join(", "),
        AwsError::Service(fault) => fault.cause(),
        AwsError::Client { message, .. }
        | AwsError::NotConfigured(message)
        | AwsError::Role { message, .. } => message.clone(),
    }
}
