//! Profiles of IAM Identity Center (`aws sso login`): the token that the AWS CLI left in its cache
//! buys credentials of a role; a token that ends is renewed where the CLI left what that needs.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use jiff::Timestamp;
use serde_json::{Value, json};
use sha1::{Digest, Sha1};

use super::call::{AwsCall, CallContext};
use super::client::AwsClient;
use super::credentials::{describe, dummy};
use super::moment;
use super::profile::Profile;

/// Tokens are renewed this long before they end.
const RENEW_BEFORE: Duration = Duration::from_secs(60);

/// What a profile says.
struct Sso<'a> {
    /// Of `[sso-session NAME]`, or of the profile itself.
    start_url: &'a str,
    region: &'a str,
    account_id: &'a str,
    role_name: &'a str,
    /// Names the token's file.
    cache_key: &'a str,
}

impl Sso<'_> {
    fn of(profile: &Profile) -> Option<Result<Sso<'_>, String>> {
        let session = profile.get("sso_session");
        if session.is_none() && profile.get("sso_start_url").is_none() {
            return None;
        }
        let of_session = |key: &str| match session {
            Some(name) => profile.section(&format!("sso-session {name}"), key),
            None => profile.get(key),
        };
        let found = (|| {
            let start_url = of_session("sso_start_url").ok_or("sso_start_url")?;
            Ok(Sso {
                start_url,
                region: of_session("sso_region").ok_or("sso_region")?,
                account_id: profile.get("sso_account_id").ok_or("sso_account_id")?,
                role_name: profile.get("sso_role_name").ok_or("sso_role_name")?,
                cache_key: session.unwrap_or(start_url),
            })
        })();
        Some(
            found.map_err(|missing: &str| {
                format!("the profile '{}' has no {missing}", profile.name())
            }),
        )
    }
}

impl AwsClient {
    /// Credentials of the role that a profile of IAM Identity Center names; none if it is none.
    ///
    /// # Errors
    /// It is one, and its token has ended, or is refused.
    pub(super) async fn of_sso(&self, profile: &Profile) -> Result<Option<Credentials>, String> {
        let Some(sso) = Sso::of(profile) else { return Ok(None) };
        let sso = sso?;
        let key = format!("sso {} {} {}", sso.cache_key, sso.account_id, sso.role_name);
        if let Some(credentials) = self.cache().get(&key).await {
            return Ok(Some(credentials));
        }
        let token = self.sso_token(&sso, profile.name()).await?;
        let parameters =
            json!({"RoleName": sso.role_name, "AccountId": sso.account_id, "AccessToken": token});
        let answer = self.ask("sso", "GetRoleCredentials", &parameters, sso.region).await?;
        let found = &answer["RoleCredentials"];
        let text = |name: &str| found[name].as_str().map(str::to_owned);
        let expiry =
            found["Expiration"].as_i64().and_then(|at| Timestamp::from_millisecond(at).ok());
        let (Some(id), Some(secret)) = (text("AccessKeyId"), text("SecretAccessKey")) else {
            return Err("IAM Identity Center answered no credentials".to_owned());
        };
        let token = text("SessionToken");
        let credentials = Credentials::new(id, secret, token, expiry.map(SystemTime::from), "sso");
        self.cache().put(&key, &credentials).await;
        Ok(Some(credentials))
    }

    /// The token that `aws sso login` left, renewed if it must be and can be.
    async fn sso_token(&self, sso: &Sso<'_>, profile: &str) -> Result<String, String> {
        let log_in = |what: &str| {
            format!(
                "{what} of the profile '{profile}'; log in by 'aws sso login --profile {profile}'"
            )
        };
        let path = self.sso_cache(sso.cache_key);
        let text = path.as_ref().and_then(|path| std::fs::read_to_string(path).ok());
        let kept: Option<Value> = text.and_then(|text| serde_json::from_str(&text).ok());
        let Some(mut kept) = kept else { return Err(log_in("there is no SSO token")) };
        let holds = |kept: &Value, name: &str, for_seconds: Duration| {
            let end = kept[name].as_str().and_then(moment::of_text).map(SystemTime::from);
            end.is_some_and(|end| end > SystemTime::now() + for_seconds)
        };
        let token = |kept: &Value| kept["accessToken"].as_str().map(str::to_owned);
        if let (true, Some(token)) = (holds(&kept, "expiresAt", RENEW_BEFORE), token(&kept)) {
            return Ok(token);
        }
        let can_renew = kept["refreshToken"].is_string()
            && holds(&kept, "registrationExpiresAt", Duration::ZERO);
        if !can_renew {
            return Err(log_in("the SSO token has ended"));
        }
        let parameters = json!({
            "ClientId": kept["clientId"],
            "ClientSecret": kept["clientSecret"],
            "GrantType": "refresh_token",
            "RefreshToken": kept["refreshToken"],
        });
        let answer = self.ask("ssooidc", "CreateToken", &parameters, sso.region).await;
        let answer = answer.map_err(|_| log_in("the SSO token has ended"))?;
        let renewed = answer["AccessToken"].as_str().ok_or("no SSO token was answered")?.to_owned();
        let lives = Duration::from_secs(answer["ExpiresIn"].as_u64().unwrap_or(0));
        let end = Timestamp::try_from(SystemTime::now() + lives).map_err(|it| it.to_string())?;
        kept["accessToken"] = renewed.as_str().into();
        kept["expiresAt"] = end.strftime("%Y-%m-%dT%H:%M:%SZ").to_string().into();
        kept["startUrl"] = sso.start_url.into();
        if let Some(next) = answer["RefreshToken"].as_str() {
            kept["refreshToken"] = next.into();
        }
        // The old refresh token is void: the CLI must find the new one.
        if let Some(path) = path
            && let Err(error) = replace(&path, &kept.to_string())
        {
            tracing::warn!(%error, "a renewed SSO token could not be kept");
        }
        Ok(renewed)
    }

    /// Where the AWS CLI keeps a token.
    fn sso_cache(&self, key: &str) -> Option<PathBuf> {
        let home = self.environment().get("HOME").filter(|home| !home.is_empty())?;
        let name: String = Sha1::digest(key).iter().map(|byte| format!("{byte:02x}")).collect();
        Some(PathBuf::from(home).join(".aws/sso/cache").join(format!("{name}.json")))
    }

    /// An unsigned call's answer.
    async fn ask(
        &self,
        service: &str,
        operation: &str,
        parameters: &Value,
        region: &str,
    ) -> Result<Value, String> {
        let service = service_models::find(service).ok_or("no service model")?;
        let operation = service.operation(operation).ok_or("no service model")?;
        let context = CallContext::new(region);
        let call = AwsCall { service, operation, parameters, payload: None, context };
        let answer = Box::pin(self.send(&call, Some(dummy()))).await;
        answer.map(|answer| answer.output).map_err(|error| describe(&error))
    }
}

/// Replaces a file that only its owner may read, whole or not at all.
fn replace(path: &std::path::Path, text: &str) -> std::io::Result<()> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let beside = path.with_extension(format!("{}.new", uuid::Uuid::new_v4()));
    let options =
        || std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside);
    options()?.write_all(text.as_bytes())?;
    std::fs::rename(&beside, path)
}
