//! Where a call goes: a route, an endpoint variable, or AWS.

use std::collections::BTreeMap;

use http::Uri;
use serde_json::Value;
use service_models::{Service, partition_of};

use super::call::AwsCall;
use super::profile::Profile;
use super::serialize::WireRequest;
use crate::config::check_endpoint;
use crate::routes::RouteTarget;

/// Where a call goes, and what its signature is made for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    /// Without a slash at its end.
    pub(super) url: String,
    pub(super) signing_region: String,
    pub(super) signing_name: String,
    /// Whether it is AWS itself, so that credentials matter.
    pub(super) is_aws: bool,
}

/// The target of a service's calls.
///
/// # Errors
/// An endpoint that is no URL, with its source.
pub(super) fn target(
    service: &Service,
    region: &str,
    route: Option<&RouteTarget>,
    environment: &BTreeMap<String, String>,
    profile: &Profile,
) -> Result<Target, String> {
    let usual = service.endpoint(region);
    let (signing_region, signing_name) = (usual.signing_region, usual.signing_name);
    let given = match route {
        Some(RouteTarget::Endpoint(endpoint)) => Some(endpoint.to_string()),
        Some(RouteTarget::Aws) => None,
        _ => configured(service, environment, profile)?,
    };
    let url = given.unwrap_or(usual.url);
    let url = url.trim_end_matches('/').to_owned();
    let is_aws = is_aws(&url);
    Ok(Target { url, signing_region, signing_name, is_aws })
}

/// Where a service is called that no route is about, and whether that is AWS itself.
///
/// # Errors
/// An endpoint that is no URL.
pub(crate) fn endpoint_for_display(
    service: &Service,
    region: &str,
    environment: &BTreeMap<String, String>,
) -> Result<(String, bool), String> {
    let target = target(service, region, None, environment, &Profile::load(environment))?;
    Ok((target.url, target.is_aws))
}

/// The variable with the endpoint of one service: `AWS_ENDPOINT_URL_SECRETS_MANAGER`.
pub(crate) fn endpoint_variable(service: &Service) -> String {
    let id = service.service_id.to_uppercase().replace([' ', '-'], "_");
    format!("AWS_ENDPOINT_URL_{id}")
}

/// An endpoint from variables or the profile, the more special first.
fn configured(
    service: &Service,
    environment: &BTreeMap<String, String>,
    profile: &Profile,
) -> Result<Option<String>, String> {
    let variable = |name: &str| environment.get(name).filter(|value| !value.is_empty());
    let ignored = |value: Option<&str>| value.is_some_and(|it| it.eq_ignore_ascii_case("true"));
    let ignore = variable("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS").map(String::as_str);
    if ignored(ignore.or(profile.get("ignore_configured_endpoint_urls"))) {
        return Ok(None);
    }
    let special = endpoint_variable(service);
    let key = service.service_id.to_lowercase().replace([' ', '-'], "_");
    let found = variable(&special)
        .map(|url| (special.clone(), url.as_str()))
        .or_else(|| {
            variable("AWS_ENDPOINT_URL").map(|url| ("AWS_ENDPOINT_URL".into(), url.as_str()))
        })
        .or_else(|| profile.service(&key, "endpoint_url").map(|url| ("endpoint_url".into(), url)))
        .or_else(|| profile.get("endpoint_url").map(|url| ("endpoint_url".into(), url)));
    let Some((source, url)) = found else { return Ok(None) };
    match check_endpoint(url) {
        Ok(_) => Ok(Some(url.to_owned())),
        Err(error) => Err(format!("{source}: {error}")),
    }
}

/// Whether a URL is one of AWS's own.
pub(crate) fn is_aws(url: &str) -> bool {
    let host = url.parse::<Uri>().ok().and_then(|uri| uri.host().map(str::to_ascii_lowercase));
    let host = host.unwrap_or_default();
    [
        ".amazonaws.com",
        ".amazonaws.com.cn",
        ".api.aws",
        ".amazonaws.eu",
        ".c2s.ic.gov",
        ".sc2s.sgov.gov",
        ".cloud.adc-e.uk",
        ".csp.hci.ic.gov",
        ".on.aws",
    ]
    .iter()
    .any(|domain| host.ends_with(domain))
}

/// Refuses what would have to go to an endpoint of AWS that takes other signatures than ours.
///
/// # Errors
/// The call wants a global endpoint of EventBridge, a multi-Region access point or an Outpost.
pub(super) fn refuse_endpoint(
    call: &AwsCall<'_>,
    target: &Target,
    input: &Value,
) -> Result<(), String> {
    if !target.is_aws {
        return Ok(());
    }
    let text = |name: &str| input.get(name).and_then(Value::as_str).filter(|it| !it.is_empty());
    let bucket = text("Bucket").filter(|bucket| bucket.starts_with("arn:"));
    let what = match &*call.service.id {
        "eventbridge" if text("EndpointId").is_some() => {
            "The field 'EndpointId' names a global endpoint, which wants signatures of version 4a"
        }
        "s3" if bucket.is_some_and(|bucket| bucket.contains("::")) => {
            "The field 'Bucket' names a multi-Region access point, which wants signatures of version 4a"
        }
        "s3" if bucket.is_some_and(|bucket| access_point(bucket).is_none()) => {
            "The field 'Bucket' names something else than a bucket or an access point"
        }
        _ => return Ok(()),
    };
    Err(format!("{what}. That is not supported by Stepwell"))
}

/// The address of a request: scheme and host, path and query.
pub(super) fn address(
    service: &Service,
    target: &Target,
    region: &str,
    input: &Value,
    request: &WireRequest,
) -> String {
    let (scheme, rest) = target.url.split_once("://").unwrap_or(("https", &target.url));
    let (host, base) = rest.split_once('/').unwrap_or((rest, ""));
    let base = if base.is_empty() { String::new() } else { format!("/{base}") };
    let mut host = host.to_owned();
    let mut path = request.path.clone();
    if target.is_aws {
        if let Some(prefix) = &request.host_prefix {
            host.insert_str(0, prefix);
        }
        if let (Some(bucket), true) = (input.get("Bucket").and_then(Value::as_str), is_s3(service))
        {
            virtual_host(bucket, region, &mut host, &mut path);
        }
    }
    let mut address = format!("{scheme}://{host}{base}{path}");
    if !request.query.is_empty() {
        address.push('?');
        address.push_str(&super::serialize::encode_query(&request.query));
    }
    address
}

pub(super) fn is_s3(service: &Service) -> bool {
    &*service.id == "s3"
}

/// Moves a bucket from the path into the host's name, where it can be a part of it.
fn virtual_host(bucket: &str, region: &str, host: &mut String, path: &mut String) {
    let encoded = super::serialize::percent_encode(bucket, false);
    let Some(rest) = path.strip_prefix(&format!("/{encoded}")) else { return };
    let rest = if rest.is_empty() { "/".to_owned() } else { rest.to_owned() };
    if let Some(point) = access_point(bucket) {
        let suffix = &partition_of(region).dns_suffix;
        let (name, account, of) = point;
        let of = if of.is_empty() { region } else { of };
        *host = format!("{name}-{account}.s3-accesspoint.{of}.{suffix}");
        *path = rest;
        return;
    }
    let valid = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    // A dot would need a certificate that nobody has.
    if (3..=63).contains(&bucket.len()) && bucket.bytes().all(valid) && !bucket.starts_with('-') {
        host.insert_str(0, &format!("{bucket}."));
        *path = rest;
    }
}

/// Name, account and region of `arn:aws:s3:<region>:<account>:accesspoint/<name>`.
fn access_point(bucket: &str) -> Option<(&str, &str, &str)> {
    let parts: Vec<&str> = bucket.splitn(6, ':').collect();
    let [_, _, "s3", region, account, resource] = parts[..] else { return None };
    let name = resource.strip_prefix("accesspoint/").or(resource.strip_prefix("accesspoint:"))?;
    Some((name, account, region))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn service(id: &str) -> &'static Service {
        service_models::find(id).unwrap()
    }

    #[test]
    fn the_most_special_endpoint_wins() {
        let check = |variables: &[(&str, &str)], expected: &str| {
            let environment =
                variables.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
            let service = service("secretsmanager");
            let found = target(service, "eu-west-1", None, &environment, &Profile::default());
            assert_eq!(found.map_or_else(|error| error, |target| target.url), expected);
        };
        check(&[], "https://secretsmanager.eu-west-1.amazonaws.com");
        check(&[("AWS_ENDPOINT_URL", "http://a:1/")], "http://a:1");
        let special = ("AWS_ENDPOINT_URL_SECRETS_MANAGER", "http://b:2/x");
        check(&[("AWS_ENDPOINT_URL", "http://a:1"), special], "http://b:2/x");
        check(
            &[special, ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true")],
            "https://secretsmanager.eu-west-1.amazonaws.com",
        );
        check(
            &[("AWS_ENDPOINT_URL", "localhost")],
            "AWS_ENDPOINT_URL: 'endpoint' is \"localhost\", but must begin with http:// or https://",
        );
    }

    #[test]
    fn buckets_are_parts_of_hosts_on_aws_only() {
        let check = |url: &str, bucket: &str, expected: &str| {
            let target = Target {
                url: url.into(),
                signing_region: String::new(),
                signing_name: String::new(),
                is_aws: is_aws(url),
            };
            let request = WireRequest {
                path: format!("/{}/k", super::super::serialize::percent_encode(bucket, false)),
                query: vec![("a".into(), "b c".into())],
                ..WireRequest::default()
            };
            let input = json!({"Bucket": bucket});
            let found = address(service("s3"), &target, "us-east-1", &input, &request);
            assert_eq!(found, expected);
        };
        let aws = "https://s3.us-east-1.amazonaws.com";
        check(aws, "my-bucket", "https://my-bucket.s3.us-east-1.amazonaws.com/k?a=b%20c");
        check(aws, "my.bucket", "https://s3.us-east-1.amazonaws.com/my.bucket/k?a=b%20c");
        check("http://localhost:1/x", "my-bucket", "http://localhost:1/x/my-bucket/k?a=b%20c");
        check(
            aws,
            "arn:aws:s3:us-east-1:123456789012:accesspoint/mine",
            "https://mine-123456789012.s3-accesspoint.us-east-1.amazonaws.com/k?a=b%20c",
        );
    }
}
