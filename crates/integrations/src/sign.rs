//! Signature Version 4 for outgoing calls.

use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningSettings,
    UriPathNormalizationMode, sign,
};
use aws_sigv4::sign::v4;
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
    let signing = Signing { region, name: service, is_s3: false, has_unsigned_payload: false };
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
        .time(SystemTime::now())
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
