//! The server over real connections: transcripts of every operation, and hostile clients.

#![expect(clippy::unwrap_used, reason = "the helpers of tests are tests, too")]

mod beyond;
mod fuzz;
mod hostile;
mod jobs;
mod openapi;
mod pages;
mod roles;
mod server;
mod sizes;
mod throttling;
mod tls;
mod transcripts;
