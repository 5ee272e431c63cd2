//! `credential_process`: a program of the operator's that prints credentials as JSON.

use std::collections::BTreeMap;
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tokio::process::Command;

/// Time for the program.
const PATIENCE: Duration = Duration::from_secs(60);

/// What the program prints.
///
/// # Errors
/// It does not run, fails, takes too long, or prints something else.
pub(super) async fn run(
    command: &str,
    environment: &BTreeMap<String, String>,
) -> Result<Value, String> {
    let failed = |what: &str| format!("credential_process {what}");
    let words = words(command).ok_or_else(|| failed("has a quote without its end"))?;
    let [program, arguments @ ..] = words.as_slice() else {
        return Err(failed("is empty"));
    };
    let output = Command::new(program)
        .args(arguments)
        .env_clear()
        .envs(environment)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(PATIENCE, output)
        .await
        .map_err(|_| failed("takes too long"))?
        .map_err(|error| failed(&format!("cannot be run: {error}")))?;
    if !output.status.success() {
        return Err(failed(&format!("ends with {}", output.status)));
    }
    let value: Value =
        serde_json::from_slice(&output.stdout).map_err(|_| failed("does not print JSON"))?;
    match value["Version"].as_i64() {
        Some(1) => Ok(value),
        _ => Err(failed("prints something else than version 1")),
    }
}

/// The words of a command line, as a shell splits them; none if a quote is open at its end.
fn words(text: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match (quote, letter) {
            (Some(open), _) if letter == open => quote = None,
            (Some('\''), _) => word.get_or_insert_default().push(letter),
            (_, '\\') => word.get_or_insert_default().push(letters.next()?),
            (Some(_), _) => word.get_or_insert_default().push(letter),
            (None, '\'' | '"') => {
                word.get_or_insert_default();
                quote = Some(letter);
            }
            (None, _) if letter.is_whitespace() => words.extend(word.take()),
            (None, _) => word.get_or_insert_default().push(letter),
        }
    }
    words.extend(word);
    quote.is_none().then_some(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_split_as_by_a_shell() {
        let check = |text: &str, expected: &[&str]| assert_eq!(words(text).unwrap(), expected);
        check(" a  b ", &["a", "b"]);
        check(r#""/opt/my tool" --x='a b' c\ d """#, &["/opt/my tool", "--x=a b", "c d", ""]);
        check(r#"'a\b' "a\"b""#, &[r"a\b", "a\"b"]);
        check("", &[]);
        assert_eq!(words("'a"), None);
        assert_eq!(words("a\\"), None);
    }
}
