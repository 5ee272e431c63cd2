//! Variables of different scopes: an inner scope may not assign to an outer scope's name.

use std::collections::HashSet; // Never iterated

use super::{Findings, Site};

/// What the states of one scope assign.
#[derive(Debug)]
pub(crate) struct ScopeVariables {
    /// The enclosing scope.
    pub(crate) parent: Option<usize>,
    /// The scope is the processor of a distributed Map: it sees no outer variables.
    pub(crate) isolated: bool,
    pub(crate) assigned: Vec<(String, Site)>,
}

/// Reports every assignment to a name that an enclosing scope assigns too.
pub(crate) fn check_shadowing(findings: &mut Findings, scopes: &[ScopeVariables]) {
    let names: Vec<HashSet<&str>> = scopes
        .iter()
        .map(|scope| scope.assigned.iter().map(|(name, _)| name.as_str()).collect())
        .collect();
    for scope in scopes {
        for (name, site) in &scope.assigned {
            let mut inner = scope;
            while let Some(parent) = inner.parent.filter(|_| !inner.isolated) {
                if names[parent].contains(name.as_str()) {
                    let message = format!(
                        "Invalid variable name '{name}': the variable is already assigned in an \
                         outer scope."
                    );
                    findings.error("INVALID_VARIABLE_NAME", message, site);
                    break;
                }
                inner = &scopes[parent];
            }
        }
    }
}
