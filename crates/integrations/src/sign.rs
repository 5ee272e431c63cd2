//! Signature Version 4 for outgoing calls.

use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SignatureLocation,
    SigningSettings, UriPathNormalizationMode, sign,
};
use aws_sigv4::sign::v4;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::Request;

/// What a signature is made for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Signing<'a> {
    pub(crate) region: &'a str,
    /// The service's name in signatures.
    pub(crate) name: &'a str,
    /// S3 takes paths as they are, and wants the body's checksum in a header.
    pub(crate) is_s3: bool,
    pub(crate) has_unsigned_payload: bool,
    /// When it is made, by the service's clock.
    pub(crate) time: SystemTime,
}

/// Signs a request in its headers. The request must have a `host` header.
///
/// # Errors
/// The request is one that cannot be signed.
pub fn sign_request(
    request: &mut Request<Bytes>,
    credentials: Credentials,
    region: &str,
    service: &str,
) -> Result<(), String> {
    let signing = Signing {
        region,
        name: service,
        is_s3: false,
        has_unsigned_payload: false,
        time: SystemTime::now(),
    };
    sign_for(request, credentials, &signing)
}

/// The same, with the particulars of a service.
pub(crate) fn sign_for(
    request: &mut Request<Bytes>,
    credentials: Credentials,
    signing: &Signing<'_>,
) -> Result<(), String> {
    let identity = credentials.into();
    let mut settings = SigningSettings::default();
    if signing.is_s3 {
        settings.percent_encoding_mode = PercentEncodingMode::Single;
        settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
    }
    let parameters = v4::SigningParams::builder()
        .identity(&identity)
        .region(signing.region)
        .name(signing.name)
        .time(signing.time)
        .settings(settings)
        .build()
        .map_err(|error| error.to_string())?
        .into();
    let headers = request
        .headers()
        .iter()
        .filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
    let signable = SignableRequest::new(
        request.method().as_str(),
        request.uri().to_string(),
        headers,
        match signing.has_unsigned_payload {
            true => SignableBody::UnsignedPayload,
            false => SignableBody::Bytes(request.body()),
        },
    )
    .map_err(|error| error.to_string())?;
    let (instructions, _) =
        sign(signable, &parameters).map_err(|error| error.to_string())?.into_parts();
    instructions.apply_to_request_http1x(request);
    Ok(())
}

/// The token with which a cluster of EKS knows who calls: a signed question to STS, as a text.
pub(crate) fn eks_token(
    cluster: &str,
    credentials: Credentials,
    region: &str,
) -> Result<String, String> {
    /// Seconds for which the signature is good, as EKS wants it.
    const SECONDS: u64 = 60;
    let identity = credentials.into();
    let mut settings = SigningSettings::default();
    settings.signature_location = SignatureLocation::QueryParams;
    settings.expires_in = Some(std::time::Duration::from_secs(SECONDS));
    let parameters = v4::SigningParams::builder()
        .identity(&identity)
        .region(region)
        .name("sts")
        .time(SystemTime::now())
        .settings(settings)
        .build()
        .map_err(|error| error.to_string())?
        .into();
    let host = format!("sts.{region}.amazonaws.com");
    let url = format!("https://{host}/?Action=GetCallerIdentity&Version=2011-06-15");
    let headers = [("host", host.as_str()), ("x-k8s-aws-id", cluster)];
    let signable =
        SignableRequest::new("GET", url.clone(), headers.into_iter(), SignableBody::Bytes(b""))
            .map_err(|error| error.to_string())?;
    let (instructions, _) =
        sign(signable, &parameters).map_err(|error| error.to_string())?.into_parts();
    let mut request = Request::get(url).body(()).map_err(|error| error.to_string())?;
    instructions.apply_to_request_http1x(&mut request);
    Ok(format!("k8s-aws-v1.{}", URL_SAFE_NO_PAD.encode(request.uri().to_string())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cluster_is_asked_with_a_signed_question() {
        let credentials = Credentials::new("AKID", "secret", None, None, "test");
        let token = eks_token("blue", credentials, "eu-west-1").unwrap();
        let url = URL_SAFE_NO_PAD.decode(token.strip_prefix("k8s-aws-v1.").unwrap()).unwrap();
        let url = String::from_utf8(url).unwrap();
        assert!(
            url.starts_with(
                "https://sts.eu-west-1.amazonaws.com/?Action=GetCallerIdentity&Version=2011-06-15&"
            ),
            "{url}"
        );
        for part in
            ["X-Amz-Expires=60", "X-Amz-SignedHeaders=host%3Bx-k8s-aws-id", "X-Amz-Signature="]
        {
            assert!(url.contains(part), "{url} has no {part}");
        }
    }
}
