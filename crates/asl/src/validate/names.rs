//! Names of states, labels and variables.

use std::collections::HashSet; // Never iterated

use super::{Field, Findings, Site};

/// The longest name of a state, in characters.
const MAX_STATE_NAME: usize = 80;
/// The longest label of a distributed Map, in characters.
const MAX_LABEL: usize = 40;
/// The longest name of a variable, in characters.
const MAX_VARIABLE_NAME: usize = 80;

/// The names that were used so far in the whole machine.
#[derive(Debug, Default)]
pub(crate) struct UsedNames<'n> {
    states: HashSet<&'n str>,
    labels: HashSet<&'n str>,
}

impl<'n> UsedNames<'n> {
    /// Checks the name of a state.
    pub(crate) fn state(&mut self, findings: &mut Findings, name: &'n str, site: &Site) {
        if name.is_empty() {
            let message = "Invalid State name: State name cannot be empty";
            findings.error("INVALID_STATE_NAME", message, site);
        } else if name.chars().count() > MAX_STATE_NAME {
            let message = format!(
                "Invalid State name: State '{name}' exceeds the {MAX_STATE_NAME}-character limit \
                 allowed by the service"
            );
            findings.error("INVALID_STATE_NAME", message, site);
        }
        if !self.states.insert(name) {
            let message = format!("Duplicate State name: {name}");
            findings.error("DUPLICATE_STATE_NAME", message, site);
        }
    }

    /// Checks the label of a Map.
    pub(crate) fn label(&mut self, findings: &mut Findings, label: &'n str, site: &Site) {
        let problem = if label.is_empty() {
            Some("Label name cannot be empty".to_owned())
        } else if label.chars().count() > MAX_LABEL {
            Some(format!(
                "Label '{label}' exceeds the {MAX_LABEL}-character limit allowed by the service"
            ))
        } else if label.chars().any(is_forbidden_in_label) {
            Some(format!("Label '{label}' contains invalid characters"))
        } else {
            None
        };
        if let Some(problem) = problem {
            let message = format!("Invalid Label name: {problem}");
            findings.error("INVALID_LABEL_NAME", message, site);
        }
        if !self.labels.insert(label) {
            let message = format!("Duplicate Label name: {label}");
            findings.error("DUPLICATE_LABEL_NAME", message, site);
        }
    }
}

/// Labels go into ARNs: they are names as those of executions.
fn is_forbidden_in_label(character: char) -> bool {
    character.is_whitespace()
        || character.is_control()
        || "<>{}[]?*\"#%\\^|~`$&,;:/".contains(character)
}

/// Checks the name that an `Assign` field gives to a variable.
pub(crate) fn check_variable_name(
    findings: &mut Findings,
    name: &str,
    assign: &Field<'_>,
    site: &Site,
) {
    debug_assert!(site.location.starts_with(&assign.site.location));
    if name == "states" {
        let message = "Cannot assign to reserved variable '$states'.";
        findings.error("RESERVED_VARIABLE_NAME", message, site);
    } else if name.chars().count() > MAX_VARIABLE_NAME {
        let message = format!(
            "Invalid variable name '{name}': the variable name exceeds the \
             {MAX_VARIABLE_NAME}-character limit."
        );
        findings.error("INVALID_VARIABLE_NAME", message, site);
    } else if !is_identifier(name) {
        let message = format!(
            "Invalid variable name '{name}': the variable name contains invalid characters."
        );
        findings.error("INVALID_VARIABLE_NAME", message, site);
    }
}

/// Unicode's ID_Start and ID_Continue, nearly.
fn is_identifier(name: &str) -> bool {
    let mut characters = name.chars();
    characters.next().is_some_and(char::is_alphabetic)
        && characters.all(|c| c.is_alphanumeric() || c == '_' || is_combining_mark(c))
}

fn is_combining_mark(character: char) -> bool {
    matches!(character,
        '\u{300}'..='\u{36f}' | '\u{483}'..='\u{487}' | '\u{591}'..='\u{5bd}' | '\u{610}'..='\u{61a}'
        | '\u{64b}'..='\u{65f}' | '\u{900}'..='\u{903}' | '\u{93a}'..='\u{94f}' | '\u{e31}'..='\u{e3a}'
        | '\u{1dc0}'..='\u{1dff}' | '\u{203f}' | '\u{2040}' | '\u{20d0}'..='\u{20dc}' | '\u{fe20}'..='\u{fe2f}')
}
