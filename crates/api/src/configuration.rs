//! Logging, tracing and encryption of a state machine: checked, brought into one form with all
//! defaults, and shown.

use serde_json::{Map, Value, json};

use crate::constraints::{Kind, Member};
use crate::error::{ApiError, ErrorType};
use crate::request::Members;

/// The rule of `loggingConfiguration`.
pub(crate) const LOGGING: Kind = Kind::Structure(&[
    Member::optional("level", Kind::one_of(&["ALL", "ERROR", "FATAL", "OFF"])),
    Member::optional("includeExecutionData", Kind::Boolean),
    Member::optional(
        "destinations",
        Kind::list(&Kind::Structure(&[Member::optional(
            "cloudWatchLogsLogGroup",
            Kind::Structure(&[Member::optional("logGroupArn", Kind::text(1, 256))]),
        )])),
    ),
]);

/// The rule of `tracingConfiguration`.
pub(crate) const TRACING: Kind = Kind::Structure(&[Member::optional("enabled", Kind::Boolean)]);

/// The rule of `encryptionConfiguration`.
pub(crate) const ENCRYPTION: Kind = Kind::Structure(&[
    Member::optional("kmsKeyId", Kind::text(1, 2048)),
    Member::optional("kmsDataKeyReusePeriodSeconds", Kind::Integer { min: 60, max: 900 }),
    Member::required("type", Kind::one_of(&["AWS_OWNED_KEY", CUSTOMER_MANAGED])),
]);

const CUSTOMER_MANAGED: &str = "CUSTOMER_MANAGED_KMS_KEY";

/// Seconds for which a data key is used again where nothing else is said.
const REUSE_PERIOD_SECONDS: i64 = 300;

/// What `loggingConfiguration` is without a word about it.
pub(crate) fn default_logging() -> Value {
    json!({"level": "OFF", "includeExecutionData": false})
}

/// What `tracingConfiguration` is without a word about it.
pub(crate) fn default_tracing() -> Value {
    json!({"enabled": false})
}

/// What `encryptionConfiguration` is without a word about it.
pub(crate) fn default_encryption() -> Value {
    json!({"type": "AWS_OWNED_KEY"})
}

/// The request's `loggingConfiguration`, if it has one.
pub(crate) fn logging(request: &Members<'_>) -> Result<Option<Value>, ApiError> {
    let Some(given) = request.structure("loggingConfiguration") else { return Ok(None) };
    let level = given.text("level").unwrap_or("OFF");
    let mut destinations = Vec::new();
    for destination in given.structures("destinations").into_iter().flatten() {
        let log_group = destination
            .structure("cloudWatchLogsLogGroup")
            .and_then(|group| group.text("logGroupArn"))
            .filter(|log_group| is_log_group(log_group))
            .ok_or_else(|| invalid_logging("Log Destination not found."))?;
        destinations.push(json!({"cloudWatchLogsLogGroup": {"logGroupArn": log_group}}));
    }
    let counts_that_do: &[usize] = if level == "OFF" { &[0, 1] } else { &[1] };
    if !counts_that_do.contains(&destinations.len()) {
        return Err(invalid_logging("Must specify exactly one Log Destination."));
    }
    let mut logging = Map::new();
    logging.insert("level".to_owned(), level.into());
    let with_data = given.boolean("includeExecutionData").unwrap_or(false);
    logging.insert("includeExecutionData".to_owned(), with_data.into());
    if !destinations.is_empty() {
        logging.insert("destinations".to_owned(), destinations.into());
    }
    Ok(Some(Value::Object(logging)))
}

fn invalid_logging(detail: &str) -> ApiError {
    ApiError::new(
        ErrorType::InvalidLoggingConfiguration,
        format!("Invalid Logging Configuration: {detail}"),
    )
}

/// `arn:<partition>:logs:<region>:<account>:log-group:<name>:*`
fn is_log_group(arn: &str) -> bool {
    let parts: Vec<&str> = arn.split(':').collect();
    matches!(parts[..], ["arn", _, "logs", _, _, "log-group", name, "*"] if !name.is_empty())
}

/// The request's `tracingConfiguration`, if it has one.
pub(crate) fn tracing(request: &Members<'_>) -> Option<Value> {
    let given = request.structure("tracingConfiguration")?;
    Some(json!({"enabled": given.boolean("enabled").unwrap_or(false)}))
}

/// The request's `encryptionConfiguration`, if it has one. It is kept and shown; what is stored
/// is not encrypted with the key.
pub(crate) fn encryption(request: &Members<'_>) -> Result<Option<Value>, ApiError> {
    let Some(given) = request.structure("encryptionConfiguration") else { return Ok(None) };
    let key = given.text("kmsKeyId");
    let period = given.integer("kmsDataKeyReusePeriodSeconds");
    if given.required_text("type") != CUSTOMER_MANAGED {
        return match key {
            None if period.is_none() => Ok(Some(default_encryption())),
            _ => Err(invalid_encryption(
                "kmsKeyId and kmsDataKeyReusePeriodSeconds are only for customer managed keys",
            )),
        };
    }
    let key =
        key.ok_or_else(|| invalid_encryption("kmsKeyId is required for customer managed keys"))?;
    Ok(Some(json!({
        "kmsKeyId": key,
        "kmsDataKeyReusePeriodSeconds": period.unwrap_or(REUSE_PERIOD_SECONDS),
        "type": CUSTOMER_MANAGED,
    })))
}

fn invalid_encryption(detail: &str) -> ApiError {
    ApiError::new(
        ErrorType::InvalidEncryptionConfiguration,
        format!("Invalid Encryption Configuration: {detail}"),
    )
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;
    use crate::request::decode;

    const RULES: &[Member] = &[
        Member::optional("loggingConfiguration", LOGGING),
        Member::optional("tracingConfiguration", TRACING),
        Member::optional("encryptionConfiguration", ENCRYPTION),
    ];

    fn check(body: &str, expected: Expect) {
        let request = decode(RULES, body.as_bytes()).unwrap();
        let read = || -> Result<String, ApiError> {
            let all = [logging(&request)?, tracing(&request), encryption(&request)?];
            let given = all.into_iter().flatten().map(|value| value.to_string());
            Ok(given.collect::<Vec<_>>().join("\n"))
        };
        let shown = read().unwrap_or_else(|error| error.message.unwrap_or_default());
        expected.assert_eq(&shown);
    }

    #[test]
    fn defaults_are_filled_in() {
        check("{}", expect![""]);
        check(
            r#"{"loggingConfiguration":{},"tracingConfiguration":{}}"#,
            expect![[r#"
                {"level":"OFF","includeExecutionData":false}
                {"enabled":false}"#]],
        );
        check(
            r#"{"loggingConfiguration":{"level":"ALL","destinations":[{"cloudWatchLogsLogGroup":
                {"logGroupArn":"arn:aws:logs:us-east-1:123456789012:log-group:g/h:*"}}]}}"#,
            expect![[
                r#"{"level":"ALL","includeExecutionData":false,"destinations":[{"cloudWatchLogsLogGroup":{"logGroupArn":"arn:aws:logs:us-east-1:123456789012:log-group:g/h:*"}}]}"#
            ]],
        );
        check(
            r#"{"encryptionConfiguration":{"type":"CUSTOMER_MANAGED_KMS_KEY","kmsKeyId":"k"}}"#,
            expect![[
                r#"{"kmsKeyId":"k","kmsDataKeyReusePeriodSeconds":300,"type":"CUSTOMER_MANAGED_KMS_KEY"}"#
            ]],
        );
    }

    #[test]
    fn what_does_not_fit_together_is_refused() {
        check(
            r#"{"loggingConfiguration":{"level":"ALL"}}"#,
            expect!["Invalid Logging Configuration: Must specify exactly one Log Destination."],
        );
        check(
            r#"{"loggingConfiguration":{"destinations":[{}]}}"#,
            expect!["Invalid Logging Configuration: Log Destination not found."],
        );
        check(
            r#"{"encryptionConfiguration":{"type":"CUSTOMER_MANAGED_KMS_KEY"}}"#,
            expect![
                "Invalid Encryption Configuration: kmsKeyId is required for customer managed keys"
            ],
        );
        check(
            r#"{"encryptionConfiguration":{"type":"AWS_OWNED_KEY","kmsKeyId":"k"}}"#,
            expect![
                "Invalid Encryption Configuration: kmsKeyId and kmsDataKeyReusePeriodSeconds are only for customer managed keys"
            ],
        );
    }
}
