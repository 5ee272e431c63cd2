//! The rules a definition must keep beyond its syntax, and what collects their findings.

pub(crate) mod fields;
pub(crate) mod findings;
pub(crate) mod graph;
pub(crate) mod names;
pub(crate) mod parameters;
mod sdk_parameters;
pub(crate) mod variables;
pub(crate) mod warnings;

pub(crate) use findings::{Field, Findings, Reader, Site};
