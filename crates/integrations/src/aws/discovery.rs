//! Endpoints that a service itself has to be asked for (Timestream), kept for as long as it says.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use aws_credential_types::Credentials;
use serde_json::json;
use tokio::sync::Mutex;

use super::call::{AwsCall, AwsError};
use super::client::AwsClient;
use super::endpoint::Target;

/// The operation that tells a service's endpoints.
const OPERATION: &str = "DescribeEndpoints";

/// Addresses that services told, and until when they hold.
#[derive(Default)]
pub(super) struct DiscoveredEndpoints {
    /// By the service's id, the endpoint that was asked, and who asked.
    told: Mutex<HashMap<String, (String, Instant)>>,
}

impl AwsClient {
    /// Where a call goes in the end. Only AWS itself is asked; with
    /// `AWS_ENABLE_ENDPOINT_DISCOVERY=true` what stands in its place is asked as well.
    ///
    /// # Errors
    /// The service does not tell.
    pub(super) async fn discovered(
        &self,
        call: &AwsCall<'_>,
        target: Target,
        credentials: Option<&Credentials>,
    ) -> Result<Target, AwsError> {
        let is_wanted = self
            .environment()
            .get("AWS_ENABLE_ENDPOINT_DISCOVERY")
            .is_some_and(|value| value.eq_ignore_ascii_case("true"));
        if !call.operation.needs_endpoint_discovery || !(target.is_aws || is_wanted) {
            return Ok(target);
        }
        let who = credentials.map(Credentials::access_key_id).unwrap_or_default();
        let key = format!("{} {} {who}", call.service.id, target.url);
        let told = self.endpoints().told.lock().await.get(&key).cloned();
        if let Some((url, _)) = told.filter(|(_, until)| *until > Instant::now()) {
            return Ok(Target { url, ..target });
        }
        let failed = |message: String| AwsError::Client {
            prefix: call.service.prefix.clone(),
            message: format!("Unable to discover the endpoint: {message}"),
        };
        let operation = call.service.operation(OPERATION);
        let operation = operation.ok_or_else(|| failed(format!("there is no {OPERATION}")))?;
        let parameters = json!({});
        let asking = AwsCall { operation, parameters: &parameters, payload: None, ..call.clone() };
        let answer = Box::pin(self.send(&asking, credentials.cloned())).await?;
        let endpoint = &answer.output["Endpoints"][0];
        let address = endpoint["Address"].as_str().ok_or_else(|| failed("none is told".into()))?;
        let minutes = endpoint["CachePeriodInMinutes"].as_u64().unwrap_or(1);
        let scheme = target.url.split_once("://").map_or("https", |(scheme, _)| scheme);
        let url = format!("{scheme}://{address}");
        let until = Instant::now() + Duration::from_secs(minutes.saturating_mul(60).min(86_400));
        self.endpoints().told.lock().await.insert(key, (url.clone(), until));
        Ok(Target { url, ..target })
    }
}
