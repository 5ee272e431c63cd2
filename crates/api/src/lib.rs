//! The front door: AWS's JSON 1.0 protocol, one file per operation, AWS's errors.
//!
//! A request goes `server` -> `request` (decoded by its operation's table) -> `constraints`
//! (checked against it) -> `operations`. Nothing here knows how executions run or are kept.

mod api;
mod approvals;
mod arn;
mod auth;
mod beyond;
mod configuration;
mod constraints;
mod dispatch;
mod error;
mod execution_log;
mod history;
mod input;
mod json;
mod metrics;
mod name;
mod operations;
mod page_token;
mod pages;
mod request;
mod request_id;
mod routing;
mod server;
#[cfg(test)]
mod service_model;
mod shapes;
mod state_machine;
mod status_event;
mod tags;
mod test_state;
mod throttling;
mod tls;
mod usage;

pub use api::{Api, ApiOptions};
pub use arn::{Arn, ArnError, Qualifier, Resource, arn_prefix, partition_of};
pub use auth::{AccessKey, AccessKeys, Role, is_account_id};
pub use dispatch::operations;
pub use execution_log::LogSettings;
pub use metrics::{MetricsSource, write_family, write_histogram, write_sample};
pub use name::is_name;
pub use server::{serve, serve_tls};
pub use status_event::status_event;
pub use throttling::{Throttling, aws_state_transitions, throttled_names};
pub use tls::{Tls, TlsError};
