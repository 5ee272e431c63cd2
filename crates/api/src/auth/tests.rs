use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    SignableBody, SignableRequest, SignatureLocation, SigningSettings, sign,
};
use aws_sigv4::sign::v4;
use bytes::Bytes;
use expect_test::{Expect, expect};
use http::Request;
use serde_json::Value;

use super::*;

const ID: &str = "AKIDEXAMPLE";
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
/// 2026-03-01T12:00:00Z
const NOW: Timestamp = Timestamp(1_772_366_400_000);

fn key(session_token: Option<&str>) -> AccessKey {
    AccessKey {
        id: ID.to_owned(),
        secret: SECRET.to_owned(),
        session_token: session_token.map(str::to_owned),
        role: Role::Admin,
        account: "111122223333".to_owned(),
        user: "alice".to_owned(),
    }
}

/// The caller's account and region, or the error.
fn outcome(keys: &AccessKeys, request: Request<Bytes>, now: Timestamp) -> String {
    let (head, body) = request.into_parts();
    match verify(keys, &head, &body, now) {
        Ok(caller) => format!("{} in {}", caller.account, caller.region),
        Err(error) => String::from_utf8(error.body()).unwrap(),
    }
}

#[test]
fn requests_that_botocore_signed_are_verified() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/signatures/botocore.json");
    let cases: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let cases = cases.as_array().unwrap();
    assert!(cases.len() > 8);
    for case in cases {
        let text = |name: &str| case[name].as_str().unwrap().to_owned();
        let keys = AccessKeys::new([key(case["session_token"].as_str())]);
        let request = |body: String| {
            let mut request = Request::builder().method(&*text("method")).uri(text("path"));
            for (name, value) in case["headers"].as_object().unwrap() {
                request = request.header(name, value.as_str().unwrap());
            }
            request.body(Bytes::from(body)).unwrap()
        };
        let expected = format!("111122223333 in {}", text("region"));
        assert_eq!(outcome(&keys, request(text("body")), NOW), expected, "{}", text("name"));
        // Another body is not what was signed.
        let tampered = outcome(&keys, request(text("body") + " "), NOW);
        assert!(tampered.contains("InvalidSignatureException"), "{}: {tampered}", text("name"));
    }
}

/// How a test's request is signed.
struct Signer {
    id: &'static str,
    secret: &'static str,
    token: Option<&'static str>,
    region: &'static str,
    service: &'static str,
    at: Timestamp,
    /// Set for a presigned request.
    expires: Option<u64>,
    /// What is signed in the place of the body's hash.
    payload: Option<&'static str>,
}

const SIGNER: Signer = Signer {
    id: ID,
    secret: SECRET,
    token: None,
    region: "us-east-1",
    service: "states",
    at: NOW,
    expires: None,
    payload: None,
};

impl Signer {
    /// A request that AWS's own library for Rust signed.
    fn sign(&self) -> Request<Bytes> {
        let mut request = Request::post("http://localhost:8083/?b=%20x&a")
            .header("host", "localhost:8083")
            .header("x-amz-target", "AWSStepFunctions.ListActivities")
            .body(Bytes::from_static(b"{}"))
            .unwrap();
        let mut settings = SigningSettings::default();
        if let Some(seconds) = self.expires {
            settings.signature_location = SignatureLocation::QueryParams;
            settings.expires_in = Some(Duration::from_secs(seconds));
        }
        let token = self.token.map(str::to_owned);
        let identity = Credentials::new(self.id, self.secret, token, None, "test").into();
        let at: SystemTime = UNIX_EPOCH + Duration::from_millis(self.at.0.unsigned_abs());
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(self.region)
            .name(self.service)
            .time(at)
            .settings(settings)
            .build()
            .unwrap()
            .into();
        let headers =
            request.headers().iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap()));
        let body = match self.payload {
            None => SignableBody::Bytes(request.body()),
            Some(form) => SignableBody::Precomputed(form.to_owned()),
        };
        let uri = request.uri().to_string();
        let signable = SignableRequest::new("POST", uri, headers, body).unwrap();
        let (instructions, _) = sign(signable, &parameters).unwrap().into_parts();
        instructions.apply_to_request_http1x(&mut request);
        let uri = request.uri().path_and_query().unwrap().to_string();
        *request.uri_mut() = uri.parse().unwrap();
        request
    }
}

fn check_with(keys: &AccessKeys, request: Request<Bytes>, expected: Expect) {
    expected.assert_eq(&outcome(keys, request, NOW));
}

fn check(request: Request<Bytes>, expected: Expect) {
    check_with(&AccessKeys::new([key(None)]), request, expected);
}

#[test]
fn requests_that_aws_sigv4_signed_are_verified() {
    check(SIGNER.sign(), expect!["111122223333 in us-east-1"]);
    check(Signer { expires: Some(60), ..SIGNER }.sign(), expect!["111122223333 in us-east-1"]);
    let keys = AccessKeys::new([key(Some("a/b+c=="))]);
    for expires in [None, Some(60)] {
        let signer = Signer { token: Some("a/b+c=="), region: "eu-west-1", expires, ..SIGNER };
        check_with(&keys, signer.sign(), expect!["111122223333 in eu-west-1"]);
    }
}

#[test]
fn wrong_keys_are_refused_in_aws_words() {
    check(
        Signer { id: "AKIDOTHER", ..SIGNER }.sign(),
        expect![[
            r#"{"__type":"com.amazon.coral.service#UnrecognizedClientException","message":"The security token included in the request is invalid."}"#
        ]],
    );
    check(
        Signer { secret: "other", ..SIGNER }.sign(),
        expect![[
            r#"{"__type":"com.amazon.coral.service#InvalidSignatureException","message":"The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details."}"#
        ]],
    );
    check(
        Signer { secret: "other", expires: Some(60), ..SIGNER }.sign(),
        expect![[
            r#"{"__type":"com.amazon.coral.service#InvalidSignatureException","message":"The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details."}"#
        ]],
    );
    // A token where none is known, another one, and none where one is.
    check(
        Signer { token: Some("t"), ..SIGNER }.sign(),
        expect![[
            r#"{"__type":"com.amazon.coral.service#UnrecognizedClientException","message":"The security token included in the request is invalid."}"#
        ]],
    );
    let keys = AccessKeys::new([key(Some("token"))]);
    check_with(
        &keys,
        Signer { token: Some("other"), ..SIGNER }.sign(),
        expect![[
            r#"{"__type":"com.amazon.coral.service#UnrecognizedClientException","message":"The security token included in the request is invalid."}"#
        ]],
    );
    check_with(
        &keys,
        SIGNER.sign(),
        expect![[
            r#"{"__type":"com.amazon.coral.service#UnrecognizedClientException","message":"The security token included in the request is invalid."}"#
        ]],
    );
}

/// Only S3 takes bodies that are not signed as a whole: here somebody on the way could change them.
#[test]
fn the_body_must_be_signed_as_a_whole() {
    for form in [
        "UNSIGNED-PAYLOAD",
        "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
        "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
        "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
        // The hash of nothing.
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    ] {
        for expires in [None, Some(60)] {
            let mut request = Signer { payload: Some(form), expires, ..SIGNER }.sign();
            request.headers_mut().insert("x-amz-content-sha256", form.parse().unwrap());
            let outcome = outcome(&AccessKeys::new([key(None)]), request, NOW);
            assert!(outcome.contains("InvalidSignatureException"), "{form}: {outcome}");
        }
    }
    // The hash of the body in so many words is no other signature.
    let hash = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";
    check(Signer { payload: Some(hash), ..SIGNER }.sign(), expect!["111122223333 in us-east-1"]);
}

#[test]
fn wrong_scopes_are_refused_in_aws_words() {
    check(
        Signer { service: "lambda", ..SIGNER }.sign(),
        expect![[
            r#"{"__type":"com.amazon.coral.service#InvalidSignatureException","message":"Credential should be scoped to correct service: 'states'. "}"#
        ]],
    );
    check(
        Signer { region: "Mars", service: "s3", ..SIGNER }.sign(),
        expect![[
            r#"{"__type":"com.amazon.coral.service#InvalidSignatureException","message":"Credential should be scoped to a valid region, not 'Mars'. Credential should be scoped to correct service: 'states'. "}"#
        ]],
    );
}

#[test]
fn a_signature_is_good_for_five_minutes_around_its_date() {
    let at = |milliseconds| Signer { at: NOW.plus_milliseconds(milliseconds), ..SIGNER }.sign();
    check(at(-300_000), expect!["111122223333 in us-east-1"]);
    check(at(300_000), expect!["111122223333 in us-east-1"]);
    check(
        at(-301_000),
        expect![[
            r#"{"__type":"com.amazon.coral.service#InvalidSignatureException","message":"Signature expired: 20260301T115459Z is now earlier than 20260301T115500Z (20260301T120000Z - 5 min.)"}"#
        ]],
    );
    check(
        at(301_000),
        expect![[
            r#"{"__type":"com.amazon.coral.service#InvalidSignatureException","message":"Signature not yet current: 20260301T120501Z is still later than 20260301T120500Z (20260301T120000Z + 5 min.)"}"#
        ]],
    );
}

#[test]
fn a_presigned_request_is_good_as_long_as_it_says() {
    let at = |milliseconds, expires| {
        let at = NOW.plus_milliseconds(milliseconds);
        Signer { at, expires: Some(expires), ..SIGNER }.sign()
    };
    check(at(-3_600_000, 3_600), expect!["111122223333 in us-east-1"]);
    check(
        at(-3_601_000, 3_600),
        expect![[
            r#"{"__type":"com.amazon.coral.service#InvalidSignatureException","message":"Signature expired: 20260301T115959Z is now earlier than 20260301T120000Z"}"#
        ]],
    );
    check(
        at(301_000, 3_600),
        expect![[
            r#"{"__type":"com.amazon.coral.service#InvalidSignatureException","message":"Signature not yet current: 20260301T120501Z is still later than 20260301T120500Z (20260301T120000Z + 5 min.)"}"#
        ]],
    );
    check(
        at(0, 604_801),
        expect![[
            r#"{"__type":"com.amazon.coral.service#IncompleteSignatureException","message":"X-Amz-Expires must be less than a week in seconds; that is, the given X-Amz-Expires must be less than 604800 seconds"}"#
        ]],
    );
}

/// A signed request whose `Authorization` is changed.
fn with_authorization(change: impl Fn(&str) -> String) -> Request<Bytes> {
    let mut request = SIGNER.sign();
    let text = request.headers()[AUTHORIZATION].to_str().unwrap();
    let changed = change(text).parse().unwrap();
    request.headers_mut().insert(AUTHORIZATION, changed);
    request
}

#[test]
fn unfinished_signatures_are_refused_in_aws_words() {
    let mut request = SIGNER.sign();
    request.headers_mut().remove(AUTHORIZATION);
    check(
        request,
        expect![[
            r#"{"__type":"com.amazon.coral.service#MissingAuthenticationTokenException","message":"Missing Authentication Token"}"#
        ]],
    );
    check(
        with_authorization(|_| "Bearer abc".to_owned()),
        expect![[
            r#"{"__type":"com.amazon.coral.service#IncompleteSignatureException","message":"Authorization header requires 'Credential' parameter. Authorization header requires 'Signature' parameter. Authorization header requires 'SignedHeaders' parameter. (Hashed with SHA-256 and encoded with Base64) Authorization=w1Xc6WwWEogNEZQP/dkBTThsJT4MNlKmzQanIm970rY="}"#
        ]],
    );
    check(
        with_authorization(|text| text.replace("Signature=", "")),
        expect![[
            r#"{"__type":"com.amazon.coral.service#IncompleteSignatureException","message":"Invalid key=value pair (missing equal-sign) in Authorization header (hashed with SHA-256 and encoded with Base64): 'KV4KK0WRiN6dCX8YvbLROjdeAP91NZogSdH5C+dbkvI='."}"#
        ]],
    );
    check(
        with_authorization(|text| text.replace("Signature=", "S=")),
        expect![[
            r#"{"__type":"com.amazon.coral.service#IncompleteSignatureException","message":"Authorization header requires 'Signature' parameter. (Hashed with SHA-256 and encoded with Base64) Authorization=WWEVzAnejIUpDkKqJg+Gajov00hijqtrnk8uIPnps6I="}"#
        ]],
    );
    check(
        with_authorization(|text| text.replace("/aws4_request", "")),
        expect![[
            r#"{"__type":"com.amazon.coral.service#IncompleteSignatureException","message":"Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got 'AKIDEXAMPLE/20260301/us-east-1/states'"}"#
        ]],
    );
    check(
        with_authorization(|text| text.replace("host;", "")),
        expect![[
            r#"{"__type":"com.amazon.coral.service#InvalidSignatureException","message":"'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization."}"#
        ]],
    );
    check(
        with_authorization(|text| text.replace(";x-amz-target", "")),
        expect![[
            r#"{"__type":"com.amazon.coral.service#InvalidSignatureException","message":"'x-amz-target' must be a 'SignedHeader' in the AWS Authorization."}"#
        ]],
    );
    check(
        with_authorization(|text| text.replace("/20260301/", "/20260302/")),
        expect![[
            r#"{"__type":"com.amazon.coral.service#InvalidSignatureException","message":"Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '20260302' != '20260301', from '20260301T120000Z'. "}"#
        ]],
    );
    check(
        with_authorization(|text| text.replace("aws4_request", "aws5")),
        expect![[
            r#"{"__type":"com.amazon.coral.service#InvalidSignatureException","message":"Credential should be scoped with a valid terminator: 'aws4_request', not 'aws5'. "}"#
        ]],
    );
    check(
        with_authorization(|text| text[..text.len() - 1].to_owned()),
        expect![[
            r#"{"__type":"com.amazon.coral.service#InvalidSignatureException","message":"The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details."}"#
        ]],
    );
    let mut request = SIGNER.sign();
    request.headers_mut().insert("x-amz-date", "20260301".parse().unwrap());
    check(
        request,
        expect![[
            r#"{"__type":"com.amazon.coral.service#IncompleteSignatureException","message":"Date must be in ISO-8601 'basic format'. Got '20260301'. See http://en.wikipedia.org/wiki/ISO_8601"}"#
        ]],
    );
    let mut request = SIGNER.sign();
    request.headers_mut().insert("x-amz-target", "AWSStepFunctions.Other".parse().unwrap());
    check(
        request,
        expect![[
            r#"{"__type":"com.amazon.coral.service#InvalidSignatureException","message":"The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details."}"#
        ]],
    );
    let mut request = Signer { expires: Some(60), ..SIGNER }.sign();
    let uri = request.uri().to_string().replace("X-Amz-Credential", "X");
    *request.uri_mut() = uri.parse().unwrap();
    check(
        request,
        expect![[
            r#"{"__type":"com.amazon.coral.service#IncompleteSignatureException","message":"AWS query-string parameters must include 'X-Amz-Credential'. Re-examine the query-string parameters."}"#
        ]],
    );
}

#[test]
fn derived_keys_are_kept_for_a_few_days_and_regions() {
    let keys = AccessKeys::new([key(None)]);
    for hour in 0..2_000 {
        let at = NOW.plus_seconds(hour * 3600);
        let request = Signer { at, ..SIGNER }.sign();
        assert_eq!(outcome(&keys, request, at), "111122223333 in us-east-1");
    }
    check_with(&keys, SIGNER.sign(), expect!["111122223333 in us-east-1"]);
}

#[test]
fn secrets_do_not_show_in_debug_texts() {
    let keys = AccessKeys::new([key(Some("session-token"))]);
    let shown = format!("{keys:?}");
    assert!(shown.contains(ID), "{shown}");
    assert!(!shown.contains(SECRET) && !shown.contains("session-token"), "{shown}");
}

#[test]
fn user_and_password_stand_for_a_key_beside_awss_api() {
    let keys = AccessKeys::new([key(None)]);
    let check = |text: &str, is_known: bool| {
        assert_eq!(basic_key(&keys, &STANDARD.encode(text)).is_some(), is_known, "{text}");
    };
    check(&format!("{ID}:{SECRET}"), true);
    check(&format!("{ID}:{SECRET}x"), false);
    check(&format!("{ID}:"), false);
    check(&format!("other:{SECRET}"), false);
    check("none", false);
    assert!(basic_key(&keys, "no Base64!").is_none());
    // A key with a session token does not do without it.
    let keys = AccessKeys::new([key(Some("token"))]);
    assert!(basic_key(&keys, &STANDARD.encode(format!("{ID}:{SECRET}"))).is_none());
}

#[test]
fn account_and_region_come_from_the_header_where_nobody_signs() {
    let options = ApiOptions::default();
    let check = |authorization: Option<&str>, account: &str, region: &str| {
        let caller = Caller::believed(authorization, &options);
        assert_eq!((caller.account, caller.region), (account, region), "{authorization:?}");
    };
    check(None, "123456789012", "us-east-1");
    check(
        Some(
            "AWS4-HMAC-SHA256 Credential=111111111111/20260101/eu-west-1/states/aws4_request, \
             SignedHeaders=host, Signature=00",
        ),
        "111111111111",
        "eu-west-1",
    );
    check(
        Some("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260101/eu-west-1/states/aws4_request"),
        "123456789012",
        "eu-west-1",
    );
    for malformed in [
        "",
        "Bearer x",
        "Credential=",
        "Credential=/",
        "Credential=1111/2222/",
        "Credential=x/y/A B/z",
        "Credential=x/y/../z",
    ] {
        check(Some(malformed), "123456789012", "us-east-1");
    }
}
