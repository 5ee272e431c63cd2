//! Connections that are kept by EventBridge, with their secrets in Secrets Manager.

use engine::TaskFailure;
use serde_json::{Value, json};

use super::connection_failure;
use super::connections::{Connection, connection_name};
use crate::aws::{AwsCall, AwsClient, AwsError, CallContext};

/// Asks for a connection and its secret.
pub(super) async fn read(
    client: &AwsClient,
    arn: &str,
    region: &str,
) -> Result<Connection, TaskFailure> {
    let failed = |kind: &str, what: &str| connection_failure(kind, arn, what);
    let Some(name) = connection_name(arn) else {
        return Err(failed("ResourceNotFound", "does not exist: it is no ARN of a connection"));
    };
    // `arn:aws:events:<region>:<account>:connection/…`
    let region = arn.split(':').nth(3).filter(|region| !region.is_empty()).unwrap_or(region);
    let told = |error| failure(arn, name, error);
    let wanted = json!({ "Name": name });
    let described = call(client, region, "eventbridge", "DescribeConnection", &wanted);
    let described = described.await.map_err(told)?;
    match described["ConnectionState"].as_str() {
        Some("AUTHORIZED") => {}
        Some("AUTHORIZING") => return Err(failed("AuthInProgress", "is being authorized")),
        state => {
            let what = format!("is in the state {}", state.unwrap_or("unknown"));
            return Err(failed("InvalidConnectionState", &what));
        }
    }
    let secret = json!({ "SecretId": described["SecretArn"] });
    let secret = call(client, region, "secretsmanager", "GetSecretValue", &secret);
    let secret = secret.await.map_err(told)?;
    let kind = described["AuthorizationType"].as_str().unwrap_or_default();
    Connection::of_secret(kind, secret["SecretString"].as_str().unwrap_or_default())
        .map_err(|reason| failed("InvalidConnectionState", &format!("is not usable: {reason}")))
}

async fn call(
    client: &AwsClient,
    region: &str,
    service: &str,
    operation: &str,
    parameters: &Value,
) -> Result<Value, AwsError> {
    let unknown = || AwsError::NotConfigured(format!("no service model has {operation}"));
    let service = service_models::find(service).ok_or_else(unknown)?;
    let operation = service.operation(operation).ok_or_else(unknown)?;
    let context = CallContext::new(region);
    let call = AwsCall { service, operation, parameters, payload: None, context };
    Ok(client.call(&call).await?.output)
}

fn failure(arn: &str, name: &str, error: AwsError) -> TaskFailure {
    match error {
        AwsError::NotConfigured(_) => {
            let what =
                format!("does not exist; declare it as [connections.{name}] in stepwell.toml");
            connection_failure("ResourceNotFound", arn, &what)
        }
        AwsError::Service(fault) => {
            let code = fault.code.as_deref().unwrap_or_default();
            let kind = match code {
                "ResourceNotFoundException" => "ResourceNotFound",
                "ConcurrentModificationException" => "ConcurrentModification",
                code if code.contains("AccessDenied") => "AccessDenied",
                _ => "InternalError",
            };
            connection_failure(kind, arn, &format!("cannot be read: {}", fault.cause()))
        }
        AwsError::Client { message, .. } | AwsError::Role { message, .. } => {
            connection_failure("InternalError", arn, &format!("cannot be read: {message}"))
        }
        AwsError::Parameters(problems) => connection_failure(
            "ResourceNotFound",
            arn,
            &format!("cannot exist: {}", problems.join(", ")),
        ),
    }
}
