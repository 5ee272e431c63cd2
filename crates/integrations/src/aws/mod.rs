//! The client for every AWS service, driven by `service-models`.
//!
//! [`AwsClient::call`] makes one call:
//!
//! ```text
//! call(&AwsCall { service, operation, parameters, payload, context }) -> Result<AwsResponse, AwsError>
//! ```
//!
//! * `service`, `operation`: from `service_models::find("dynamodb")` and `.action("putItem")` or
//!   `.operation("PutItem")`.
//! * `parameters`: an object in the spelling of tasks (`TableName`, PascalCase at every level; a
//!   service's own spelling is understood as well). What is wrong with it is an
//!   [`AwsError::Parameters`].
//! * `payload`: bytes for the member that is the body of the request (S3's `Body`), for what is
//!   no text.
//! * `context`: region, role to assume, the task's resource (for routes), limits.
//! * [`AwsResponse`]: `output` in the spelling of tasks (moments as ISO 8601, blobs as text),
//!   `payload` (the bytes of a streamed body), `headers`, `status`, `request_id`.
//! * [`AwsError::Service`] has the parts of an answered error; `into_failure` tells it in the
//!   words of `aws-sdk:` integrations, an optimized integration makes its own of them.
//!
//! The parts: `input` checks and respells parameters, `serialize` writes requests, `parse`
//! reads answers, `output` respells them; `client` finds the endpoint (`endpoint`) and the
//! credentials (`credentials`), signs, and tries again. The retries show nowhere.

mod call;
mod checksum;
mod client;
mod credential_process;
mod credentials;
mod discovery;
mod endpoint;
pub(crate) mod event_stream;
mod input;
mod moment;
mod output;
mod parse;
mod profile;
mod retry;
mod serialize;
mod sso;
mod task;
mod xml;

pub use call::{AwsCall, AwsError, AwsResponse, CallContext, ServiceFault};
pub use client::AwsClient;
pub use input::service_spelling;
pub use output::task_spelling;
pub use parse::{WireError, parse_error, parse_response};
pub use serialize::{WireRequest, serialize};

pub(crate) use credentials::has_credentials;
pub(crate) use endpoint::{endpoint_for_display, endpoint_variable};
pub(crate) use task::{context_of, run_sdk_task};
