//! Who calls: account, region and role. Where access keys are configured, the signature of
//! every request is checked as AWS does; where none are, what the `Authorization` header says
//! about account and region is believed, and one that cannot be read says nothing.

mod access_keys;
mod encoding;
mod rights;
mod signature;
#[cfg(test)]
mod tests;

use asl::Timestamp;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::Mac as _;
use http::Method;
use http::header::AUTHORIZATION;
use http::request::Parts;

use crate::api::{Api, ApiOptions};
use crate::arn;
use crate::error::{ApiError, ErrorType};
use crate::request::Members;

pub use access_keys::{AccessKey, AccessKeys, Role};
use rights::{Access, access_of};
use signature::{Credential, Signature};

/// The account and region that a request acts in, and whose request it is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Caller<'h> {
    pub(crate) account: &'h str,
    pub(crate) region: &'h str,
    /// The key that signed it; none where no keys are configured.
    pub(crate) key: Option<&'h AccessKey>,
}

/// The longest region name that is believed.
const REGION_CHARACTERS_MAX: usize = 32;
/// How far a signature's date may be from ours, in minutes (AWS: Step Functions allows five).
const SKEW_MINUTES: i64 = 5;
/// Seconds a presigned request can be good for at most (AWS: a week).
const EXPIRES_SECONDS_MAX: u64 = 7 * 24 * 60 * 60;

impl<'h> Caller<'h> {
    /// An access key id of twelve digits is taken as the account; the region comes from the
    /// scope of the signature. Whatever is missing there comes from the options.
    fn believed(authorization: Option<&'h str>, options: &'h ApiOptions) -> Caller<'h> {
        let mut caller =
            Caller { account: &options.account_id, region: &options.region, key: None };
        let Some(scope) = authorization.and_then(credential_scope) else {
            return caller;
        };
        // <access key id>/<date>/<region>/<service>/aws4_request
        let mut parts = scope.split('/');
        if let Some(key) = parts.next()
            && is_account_id(key)
        {
            caller.account = key;
        }
        if let Some(region) = parts.nth(1)
            && is_region(region)
        {
            caller.region = region;
        }
        caller
    }

    /// Refuses a call of an operation that the caller's role does not have, or that is about
    /// another account: Step Functions has no rights across accounts.
    pub(crate) fn check_operation(
        &self,
        operation: &str,
        request: &Members<'_>,
    ) -> Result<(), ApiError> {
        let Some(key) = self.key else { return Ok(()) };
        if !key.role.may(access_of(operation)) {
            let resource = self.resource(operation, request);
            return Err(self.denied(key, operation, &resource, "identity"));
        }
        let is_foreign = |text: &&str| arn::account_of(text).is_some_and(|of| of != key.account);
        match request.arns().into_iter().find(is_foreign) {
            Some(foreign) => Err(self.denied(key, operation, foreign, "resource")),
            None => Ok(()),
        }
    }

    /// Refuses a request that is not an operation of AWS's API: `what` is its method and path.
    fn check_access(&self, access: Access, what: &str) -> Result<(), ApiError> {
        match self.key {
            Some(key) if !key.role.may(access) => {
                let user = self.user_arn(key);
                let message = format!("User: {user} is not authorized to perform: {what}");
                Err(ApiError::new(ErrorType::AccessDenied, message))
            }
            _ => Ok(()),
        }
    }

    /// AWS's refusal, with the kind of policy that would have to allow it.
    fn denied(&self, key: &AccessKey, operation: &str, resource: &str, policy: &str) -> ApiError {
        let user = self.user_arn(key);
        let message = format!(
            "User: {user} is not authorized to perform: states:{operation} on resource: \
             {resource} because no {policy}-based policy allows the states:{operation} action"
        );
        ApiError::new(ErrorType::AccessDenied, message)
    }

    fn user_arn(&self, key: &AccessKey) -> String {
        let partition = arn::partition_of(self.region);
        format!("arn:{partition}:iam::{}:user/{}", key.account, key.user)
    }

    /// What a request is about, as AWS names it when it refuses it.
    fn resource(&self, operation: &str, request: &Members<'_>) -> String {
        if let Some(arn) = request.arns().first() {
            return (*arn).to_owned();
        }

        let name = request.known_text("name").unwrap_or("*");
        match operation {
            "CreateActivity" | "ListActivities" => {
                arn::arn_prefix(self.region, self.account, "activity") + name
            }
            operation if operation.contains("StateMachine") && operation != "TestState" => {
                arn::arn_prefix(self.region, self.account, "stateMachine") + name
            }
            // Task tokens and tests of states belong to no resource.
            _ => "*".to_owned(),
        }
    }
}

impl Api {
    /// Whose request it is. Where keys are configured, its signature is checked.
    pub(crate) fn authenticate<'h>(
        &'h self,
        head: &'h Parts,
        body: &[u8],
    ) -> Result<Caller<'h>, ApiError> {
        let options = &self.options;
        if options.access_keys.is_empty() {
            let authorization = head.headers.get(AUTHORIZATION);
            let authorization = authorization.and_then(|value| value.to_str().ok());
            return Ok(Caller::believed(authorization, options));
        }
        verify(&options.access_keys, head, body, self.now())
    }

    /// Whose request it is, for paths beside AWS's API: to look, one must be a reader, and to do
    /// something an operator.
    pub(crate) fn check_path<'h>(
        &'h self,
        head: &'h Parts,
        body: &[u8],
    ) -> Result<Caller<'h>, ApiError> {
        let caller = self.authenticate_plainly(head, body)?;
        let looks = matches!(head.method, Method::GET | Method::HEAD | Method::OPTIONS);
        let access = if looks { Access::Read } else { Access::Operate };
        caller.check_access(access, &format!("{} {}", head.method, head.uri.path()))?;
        Ok(caller)
    }

    /// Beside AWS's API an access key may also be given as user and password, for programs that
    /// cannot sign.
    fn authenticate_plainly<'h>(
        &'h self,
        head: &'h Parts,
        body: &[u8],
    ) -> Result<Caller<'h>, ApiError> {
        let authorization = head.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let keys = &self.options.access_keys;
        match authorization.and_then(|text| text.strip_prefix("Basic ")) {
            Some(text) if !keys.is_empty() => {
                let key = basic_key(keys, text).ok_or_else(unrecognized)?;
                Ok(Caller { account: &key.account, region: &self.options.region, key: Some(key) })
            }
            _ => self.authenticate(head, body),
        }
    }
}

/// The key whose id and secret are given, compared in the same time whatever differs.
fn basic_key<'k>(keys: &'k AccessKeys, text: &str) -> Option<&'k AccessKey> {
    let given = String::from_utf8(STANDARD.decode(text.trim_ascii()).ok()?).ok()?;
    let (id, secret) = given.split_once(':')?;
    let key = keys.get(id).filter(|key| key.session_token.is_none())?;
    is_same(&key.secret, secret).then_some(key)
}

/// Compares secrets without telling by its time where they differ.
fn is_same(known: &str, given: &str) -> bool {
    let tag = |text: &str| {
        let mut mac = access_keys::mac(b"compare");
        mac.update(text.as_bytes());
        mac
    };
    tag(known).verify_slice(&tag(given).finalize().into_bytes()).is_ok()
}

/// Checks a request's signature in the order in which AWS finds fault.
fn verify<'h>(
    keys: &'h AccessKeys,
    head: &'h Parts,
    body: &[u8],
    now: Timestamp,
) -> Result<Caller<'h>, ApiError> {
    let signature = Signature::read(head)?;
    let credential = signature.credential()?;
    let key = keys.get(credential.key_id).ok_or_else(unrecognized)?;
    match (&key.session_token, &signature.session_token) {
        (None, None) => {}
        (Some(known), Some(given)) if is_same(known, given) => {}
        _ => return Err(unrecognized()),
    }
    check_scope(&signature, credential)?;
    check_signed_headers(&signature, head)?;
    check_date(&signature, now)?;
    let signing = keys.signing(credential.key_id, credential.date, credential.region);
    let signing = signing.ok_or_else(unrecognized)?;
    if !signature.is_made_by(signing, head, body) {
        return Err(ApiError::new(
            ErrorType::InvalidSignature,
            "The request signature we calculated does not match the signature you provided. \
             Check your AWS Secret Access Key and signing method. Consult the service \
             documentation for details.",
        ));
    }
    let region = borrowed(head, credential.region).ok_or_else(unrecognized)?;
    Ok(Caller { account: &key.account, region, key: Some(key) })
}

/// The same text, as a part of the request that it was read from.
fn borrowed<'h>(head: &'h Parts, text: &str) -> Option<&'h str> {
    let whole = match head.headers.get(AUTHORIZATION) {
        Some(header) => header.to_str().ok()?,
        None => head.uri.query()?,
    };
    let at = whole.find(text)?;
    whole.get(at..at + text.len())
}

fn unrecognized() -> ApiError {
    ApiError::new(
        ErrorType::UnrecognizedClient,
        "The security token included in the request is invalid.",
    )
}

/// The scope must be one that this service takes. Every region is ours.
fn check_scope(signature: &Signature<'_>, credential: Credential<'_>) -> Result<(), ApiError> {
    let mut message = String::new();
    if !is_region(credential.region) {
        let region = credential.region;
        message += &format!("Credential should be scoped to a valid region, not '{region}'. ");
    }
    if credential.service != access_keys::SERVICE {
        let service = access_keys::SERVICE;
        message += &format!("Credential should be scoped to correct service: '{service}'. ");
    }
    if !signature::is_terminated(credential) {
        let given = credential.terminator;
        message += &format!(
            "Credential should be scoped with a valid terminator: 'aws4_request', not '{given}'. "
        );
    }
    let day = signature.date.get(..8).unwrap_or_default();
    if credential.date != day {
        message += &format!(
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from \
             HTTP: '{}' != '{day}', from '{}'. ",
            credential.date, signature.date
        );
    }
    if message.is_empty() {
        Ok(())
    } else {
        Err(ApiError::new(ErrorType::InvalidSignature, message))
    }
}

/// What decides about a request must be signed, or somebody on the way could change it.
fn check_signed_headers(signature: &Signature<'_>, head: &Parts) -> Result<(), ApiError> {
    if !signature.signs("host") {
        return Err(ApiError::new(
            ErrorType::InvalidSignature,
            "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.",
        ));
    }
    for name in ["x-amz-target", "x-amz-date"] {
        if head.headers.contains_key(name) && !signature.signs(name) {
            let message = format!("'{name}' must be a 'SignedHeader' in the AWS Authorization.");
            return Err(ApiError::new(ErrorType::InvalidSignature, message));
        }
    }
    Ok(())
}

/// A signature is good for five minutes before and after its date, and a presigned one as long
/// as it says. AWS remembers no signatures: the same one serves again in that time.
fn check_date(signature: &Signature<'_>, now: Timestamp) -> Result<(), ApiError> {
    let refuse = |message: String| Err(ApiError::new(ErrorType::InvalidSignature, message));
    let given = &signature.date;
    let Some(date) = parse_basic(given) else {
        let message = format!(
            "Date must be in ISO-8601 'basic format'. Got '{given}'. See \
             http://en.wikipedia.org/wiki/ISO_8601"
        );
        return Err(ApiError::new(ErrorType::IncompleteSignature, message));
    };
    let (shown, skew) = (basic(now), SKEW_MINUTES * 60_000);
    let latest = now.plus_milliseconds(skew);
    if date > latest {
        return refuse(format!(
            "Signature not yet current: {given} is still later than {} ({shown} + {SKEW_MINUTES} \
             min.)",
            basic(latest)
        ));
    }
    if let Some(seconds) = signature.expires {
        if seconds > EXPIRES_SECONDS_MAX {
            let message = "X-Amz-Expires must be less than a week in seconds; that is, the given \
                           X-Amz-Expires must be less than 604800 seconds";
            return Err(ApiError::new(ErrorType::IncompleteSignature, message));
        }
        let end = date.plus_seconds(seconds);
        if now > end {
            return refuse(format!(
                "Signature expired: {} is now earlier than {shown}",
                basic(end)
            ));
        }
        return Ok(());
    }
    let earliest = now.plus_milliseconds(-skew);
    if date < earliest {
        return refuse(format!(
            "Signature expired: {given} is now earlier than {} ({shown} - {SKEW_MINUTES} min.)",
            basic(earliest)
        ));
    }
    Ok(())
}

/// `20150830T123600Z`
fn basic(moment: Timestamp) -> String {
    let whole = Timestamp(moment.0.div_euclid(1000) * 1000);
    whole.to_iso_8601().replace(['-', ':'], "")
}

fn parse_basic(text: &str) -> Option<Timestamp> {
    if text.len() != 16 || !text.is_ascii() {
        return None;
    }
    let part = |from, to| text.get(from..to).unwrap_or_default();
    let rest = part(8, 9);
    if rest != "T" {
        return None;
    }
    Timestamp::parse(&format!(
        "{}-{}-{}T{}:{}:{}{}",
        part(0, 4),
        part(4, 6),
        part(6, 8),
        part(9, 11),
        part(11, 13),
        part(13, 15),
        part(15, 16)
    ))
}

fn credential_scope(authorization: &str) -> Option<&str> {
    let (_, rest) = authorization.split_once("Credential=")?;
    rest.split([',', ' ']).next()
}

/// Whether a text is an AWS account id: twelve digits.
pub fn is_account_id(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_region(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    !text.is_empty() && text.len() <= REGION_CHARACTERS_MAX && text.bytes().all(allowed)
}
