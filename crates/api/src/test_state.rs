//! What TestState is given beside the state: mocks and context objects, checked as AWS does.

pub(crate) mod context;
pub(crate) mod mock;
mod outputs;
