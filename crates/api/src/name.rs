//! The names of state machines, executions and activities.

use crate::constraints::Kind;
use crate::error::ApiError;

/// The rule of a name in a request's table.
pub(crate) const NAME: Kind = Kind::text(1, 80);

/// Checks the characters of a name. Letters of all languages are allowed; white space,
/// brackets, wildcards, control characters and some punctuation are not.
pub(crate) fn check(name: &str) -> Result<(), ApiError> {
    if name.chars().all(is_allowed) { Ok(()) } else { Err(ApiError::invalid_name(name)) }
}

/// Whether a state machine, an execution or an activity may have this name.
pub fn is_name(text: &str) -> bool {
    (1..=80).contains(&text.chars().count()) && text.chars().all(is_allowed)
}

fn is_allowed(character: char) -> bool {
    if character.is_ascii_alphanumeric() || matches!(character, '-' | '_' | '.') {
        return true;
    }
    let forbidden = character.is_whitespace()
        || character.is_control()
        || "<>{}[]?*\"#%\\^|~`$&,;:/".contains(character)
        || matches!(character, '\u{fffe}' | '\u{ffff}' | '\u{10ffff}');
    !forbidden
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_all_languages_are_allowed() {
        assert!(is_name("a") && is_name(&"a".repeat(80)));
        assert!(!is_name("") && !is_name(&"a".repeat(81)) && !is_name("a/b"));
        for name in ["a", "order-Fulfilment_2.1", "Überweisung", "注文", "a@b!", "a'b(c)+=d"] {
            assert_eq!(check(name), Ok(()), "{name}");
        }
    }

    #[test]
    fn what_aws_forbids_is_refused() {
        for character in "<>{}[]?*\"#%\\^|~`$&,;:/ \t\n\0\u{1f}\u{7f}\u{9f}\u{a0}\u{fffe}".chars() {
            let name = format!("a{character}b");
            assert_eq!(check(&name), Err(ApiError::invalid_name(&name)), "{name:?}");
        }
    }
}
