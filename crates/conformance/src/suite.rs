//! All cases, side by side, held against the two lists.

use std::sync::Arc;

use anyhow::Result;
use tokio::sync::Semaphore;

use crate::case::{Case, load_all};
use crate::lists::List;
use crate::run::play;

/// Cases at the same time. Most wait for timers, so there may be many more than processors.
const AT_ONCE: usize = 48;

/// What came of all cases.
#[derive(Debug, Default)]
pub struct Report {
    pub passed: Vec<String>,
    /// With what differs.
    pub failed: Vec<(String, String)>,
    /// On the list of known gaps, and failing.
    pub known_gaps: usize,
    pub out_of_scope: usize,
    /// What is wrong with the lists.
    pub list_faults: Vec<String>,
    gaps: Vec<(String, String)>,
    stale: Vec<String>,
}

/// Plays all cases whose name contains one of `wanted` (all, if there is none).
///
/// # Errors
/// The data or a list cannot be read.
pub async fn run(wanted: &[String]) -> Result<Report> {
    let known_gaps = List::known_gaps()?;
    let out_of_scope = List::out_of_scope()?;
    let cases: Vec<Arc<Case>> = load_all()?.into_iter().map(Arc::new).collect();
    let mut report = Report::default();
    for (list, name) in [(&known_gaps, "known_gaps.txt"), (&out_of_scope, "out_of_scope.txt")] {
        for line in list.reasons.keys() {
            if !cases.iter().any(|case| List::is_about(line, case)) {
                report.list_faults.push(format!("{name}: {line} is no case, group or need"));
            }
        }
    }
    let chosen = cases.iter().filter(|case| {
        wanted.is_empty() || wanted.iter().any(|part| case.name.contains(part.as_str()))
    });
    let permits = Arc::new(Semaphore::new(AT_ONCE));
    let mut playing = Vec::new();
    for case in chosen {
        if wanted.is_empty() && out_of_scope.missing_service(case).is_some() {
            report.out_of_scope += 1;
            continue;
        }
        let (case, permits) = (case.clone(), permits.clone());
        playing.push((
            case.clone(),
            tokio::spawn(async move {
                let _permit = permits.acquire_owned().await;
                match play(&case).await {
                    Ok(comparison) => comparison.differences(),
                    Err(error) => vec![format!("{error:#}")],
                }
            }),
        ));
    }
    for (case, differences) in playing {
        let differences = differences.await.unwrap_or_else(|error| vec![error.to_string()]);
        let name = &case.name;
        let gap = known_gaps.reason(&case).is_some();
        let beyond = out_of_scope.reason(&case).is_some();
        match (differences.is_empty(), gap, beyond) {
            (_, true, true) => report.list_faults.push(format!("{name} is on both lists")),
            (true, false, false) => report.passed.push(name.clone()),
            (true, _, _) => report.stale.push(name.clone()),
            (false, true, false) => {
                report.known_gaps += 1;
                report.gaps.push((name.clone(), differences.join("\n  ")));
            }
            (false, false, true) => report.out_of_scope += 1,
            (false, false, false) => report.failed.push((name.clone(), differences.join("\n  "))),
        }
    }
    for name in &report.stale {
        report.list_faults.push(format!("{name} passes: take it off its list"));
    }
    Ok(report)
}

impl Report {
    /// Whether everything is as the lists say.
    pub fn is_good(&self) -> bool {
        self.failed.is_empty() && self.list_faults.is_empty()
    }

    /// The one line that tells all.
    pub fn summary(&self) -> String {
        format!(
            "conformance: {} passed, {} failed, {} known gaps, {} out of scope",
            self.passed.len(),
            self.failed.len() + self.list_faults.len(),
            self.known_gaps,
            self.out_of_scope
        )
    }

    /// What differs in cases that are known gaps.
    pub fn gaps(&self) -> &[(String, String)] {
        &self.gaps
    }

    /// Brings the list of known gaps up to date: new ones get a reason to be written.
    ///
    /// # Errors
    /// A list cannot be read or written.
    pub fn bless(&self) -> Result<()> {
        let mut known_gaps = List::known_gaps()?;
        let mut out_of_scope = List::out_of_scope()?;
        for name in &self.stale {
            known_gaps.reasons.remove(name);
            out_of_scope.reasons.remove(name);
        }
        for (name, differences) in &self.failed {
            let first = differences.lines().next().unwrap_or_default();
            known_gaps.reasons.insert(name.clone(), format!("UNEXPLAINED: {first}"));
        }
        known_gaps.write()?;
        out_of_scope.write()
    }
}
