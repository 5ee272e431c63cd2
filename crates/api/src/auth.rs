//! Who calls: what the `Authorization` header says about account and region. Signatures are not
//! checked here; a header that cannot be read says nothing.

use crate::api::ApiOptions;

/// The account and region that a request acts in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Caller<'h> {
    pub(crate) account: &'h str,
    pub(crate) region: &'h str,
}

/// The longest region name that is believed.
const REGION_CHARACTERS_MAX: usize = 32;

impl<'h> Caller<'h> {
    /// An access key id of twelve digits is taken as the account; the region comes from the
    /// scope of the signature. Whatever is missing there comes from the options.
    pub(crate) fn of(authorization: Option<&'h str>, options: &'h ApiOptions) -> Caller<'h> {
        let mut caller = Caller { account: &options.account_id, region: &options.region };
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn account_and_region_come_from_the_header_where_it_has_them() {
        let options = ApiOptions { account_id: "123456789012".into(), region: "us-east-1".into() };
        let check = |authorization: Option<&str>, account: &str, region: &str| {
            let caller = Caller::of(authorization, &options);
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
}
