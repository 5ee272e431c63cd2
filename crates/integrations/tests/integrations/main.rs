//! Tests of the task runner from outside: real processes, real sockets on loopback.

#![expect(clippy::unwrap_used, reason = "the helpers of tests are tests, too")]

mod apigateway;
mod aws_calls;
mod aws_requests;
mod credentials;
mod endpoint;
mod gate;
mod http_task;
mod jobs;
mod kubernetes;
mod nodejs;
mod optimized;
mod optimized_jobs;
mod provided;
mod python;
mod routing;
mod web;
mod world;
