//! The two lists beside the data: cases that are known to fail, and cases that are out of scope.
//! A line is a case, two spaces or more, and the reason; `#` starts a comment. A line may also
//! name a whole group, as `group/`, or another service that cases need, as `needs:sqs`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};

use crate::case::Case;

/// Cases with reasons.
#[derive(Debug, Clone, Default)]
pub struct List {
    pub reasons: BTreeMap<String, String>,
    comments: Vec<String>,
    path: PathBuf,
}

/// The folder that holds both.
fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/conformance")
}

impl List {
    /// Cases that are known to be answered otherwise than on AWS.
    ///
    /// # Errors
    /// The file is absent, or has a line without a reason.
    pub fn known_gaps() -> Result<List> {
        List::read(&folder().join("known_gaps.txt"))
    }

    /// Cases that need what Stepwell does not have.
    ///
    /// # Errors
    /// The file is absent, or has a line without a reason.
    pub fn out_of_scope() -> Result<List> {
        List::read(&folder().join("out_of_scope.txt"))
    }

    fn read(path: &Path) -> Result<List> {
        let text = std::fs::read_to_string(path).context(path.display().to_string())?;
        let mut list = List { path: path.to_owned(), ..List::default() };
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            if line.starts_with('#') {
                list.comments.push(line.to_owned());
                continue;
            }
            let Some((case, reason)) = line.split_once("  ") else {
                bail!("{}: no reason: {line}", path.display());
            };
            let reason = reason.trim().to_owned();
            ensure!(!reason.is_empty(), "{}: no reason: {line}", path.display());
            let twice = list.reasons.insert(case.to_owned(), reason).is_some();
            ensure!(!twice, "{}: twice: {case}", path.display());
        }
        Ok(list)
    }

    /// The reason for a case, by itself or by its group.
    pub fn reason(&self, case: &Case) -> Option<&str> {
        let own = self.reasons.get(&case.name);
        own.or_else(|| self.reasons.get(&format!("{}/", case.group))).map(String::as_str)
    }

    /// The reason for a case by a service that it needs. What such a case does without that
    /// service says nothing.
    pub fn missing_service(&self, case: &Case) -> Option<&str> {
        let missing = case.needs.iter().find_map(|need| self.reasons.get(&format!("needs:{need}")));
        missing.map(String::as_str)
    }

    /// Whether a line is about this case.
    pub fn is_about(line: &str, case: &Case) -> bool {
        let need = line.strip_prefix("needs:");
        line == case.name
            || line.strip_suffix('/') == Some(case.group.as_str())
            || need.is_some_and(|need| case.needs.iter().any(|other| other == need))
    }

    /// # Errors
    /// The file cannot be written.
    pub fn write(&self) -> Result<()> {
        let width = self.reasons.keys().map(String::len).max().unwrap_or(0);
        let mut text = String::new();
        for comment in &self.comments {
            text.push_str(comment);
            text.push('\n');
        }
        for (case, reason) in &self.reasons {
            text.push_str(&format!("{case:width$}  {reason}\n"));
        }
        std::fs::write(&self.path, text).context(self.path.display().to_string())
    }
}
