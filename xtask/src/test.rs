//! `cargo xtask test`: every test there is, and one count at the end.

use std::process::Command;

use anyhow::{Result, bail};

use crate::{nodejs, process, python};

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Only these parts
    #[arg(long, value_delimiter = ',', value_enum)]
    only: Vec<Part>,
    /// How often the server is killed under load
    #[arg(long, default_value_t = 10)]
    kills: u32,
}

#[derive(Clone, Copy, PartialEq, clap::ValueEnum)]
enum Part {
    /// Unit and integration tests of the crates
    Rust,
    /// Examples in documentation comments
    Doc,
    /// Executions recorded on AWS
    Conformance,
    /// The AWS CLI, boto3 and the AWS SDK for JavaScript, and the server killed under load
    Clients,
}

/// What came of the parts so far.
#[derive(Default)]
struct Count {
    passed: usize,
    failed: usize,
    /// Parts that broke without saying which test did.
    broken: Vec<&'static str>,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let wanted = |part| options.only.is_empty() || options.only.contains(&part);
    let mut count = Count::default();
    if wanted(Part::Rust) {
        rust(&mut count)?;
    }
    if wanted(Part::Doc) {
        let mut command = process::cargo(["test", "--workspace", "--doc", "--no-fail-fast"]);
        count.add("documentation", &mut command, libtest)?;
    }
    if wanted(Part::Conformance) {
        // Of the whole workspace, as everywhere: another choice would mean other features of
        // crates, and building them again.
        let mut command = process::cargo(["test", "--workspace", "--test", "executions"]);
        command.args(["--", "--nocapture"]);
        count.add("conformance", &mut command, conformance)?;
    }
    if wanted(Part::Clients) {
        clients(options, &mut count)?;
    }
    println!("{} passed, {} failed", count.passed, count.failed);
    if !count.broken.is_empty() {
        bail!("did not end well: {}", count.broken.join(", "));
    }
    if count.failed > 0 {
        bail!("{} failed", count.failed);
    }
    Ok(())
}

/// The conformance suite is left out here since it is a part of its own.
fn rust(count: &mut Count) -> Result<()> {
    if process::answers("cargo-nextest", &["nextest", "--version"]) {
        let mut command = process::cargo(["nextest", "run", "--workspace", "--no-fail-fast"]);
        command.args(["--no-tests", "pass", "--status-level", "fail", "--color", "never"]);
        command.args(["-E", "not binary_id(conformance::executions)"]);
        return count.add("tests", &mut command, nextest);
    }
    let mut command = process::cargo(["test", "--workspace", "--all-targets", "--no-fail-fast"]);
    command.args(["--", "--skip", "recorded_executions"]);
    count.add("tests", &mut command, libtest)
}

fn clients(options: &Options, count: &mut Count) -> Result<()> {
    process::run(&mut process::cargo(["build", "--workspace", "--bins"]))?;
    let programs = python::environment()?;
    let mut command = python::python(&programs)?;
    command.args(["-m", "pytest", "-q", "--color=no", "-p", "no:cacheprovider", "tests"]);
    command.env("STEPWELL_BINARY", process::target().join("debug/stepwell"));
    command.env("STEPWELL_NODE_FOLDER", nodejs::folder()?);
    command.env("STEPWELL_KILLS", options.kills.to_string());
    count.add("clients", &mut command, pytest)
}

impl Count {
    /// Runs one part; `read` takes (passed, failed) out of a line of its output.
    fn add(
        &mut self,
        part: &'static str,
        command: &mut Command,
        read: impl Fn(&str) -> Option<(usize, usize)>,
    ) -> Result<()> {
        let (success, lines) = process::run_reading(command)?;
        let mut failed_here = 0;
        for (passed, failed) in lines.iter().filter_map(|line| read(line)) {
            self.passed += passed;
            failed_here += failed;
        }
        self.failed += failed_here;
        if !success && failed_here == 0 {
            self.broken.push(part);
        }
        Ok(())
    }
}

/// `test result: ok. 3 passed; 0 failed; 0 ignored; …`
fn libtest(line: &str) -> Option<(usize, usize)> {
    line.strip_prefix("test result: ").map(|rest| (before(rest, "passed"), before(rest, "failed")))
}

/// `     Summary [   0.1s] 10 tests run: 9 passed (1 slow), 1 failed, 1 timed out, 0 skipped`
fn nextest(line: &str) -> Option<(usize, usize)> {
    let rest = line.trim_start().strip_prefix("Summary [")?;
    let (_, rest) = rest.split_once("run: ")?;
    let failed =
        before(rest, "failed") + before(rest, "exec failed") + before_phrase(rest, " timed out");
    Some((before(rest, "passed"), failed))
}

/// `conformance: 300 passed, 2 failed, 100 known gaps, 148 out of scope`
fn conformance(line: &str) -> Option<(usize, usize)> {
    let rest = line.strip_prefix("conformance: ")?;
    Some((before(rest, "passed"), before(rest, "failed")))
}

/// `2 failed, 30 passed, 1 error in 4.21s`
fn pytest(line: &str) -> Option<(usize, usize)> {
    let counted = line.contains(" passed") || line.contains(" failed") || line.contains(" error");
    let is_summary =
        counted && line.contains(" in ") && line.starts_with(|c: char| c.is_ascii_digit());
    is_summary.then(|| {
        let failed = before(line, "failed") + before(line, "error") + before(line, "errors");
        (before(line, "passed"), failed)
    })
}

/// The number right before a word; 0 where the word is absent.
fn before(text: &str, word: &str) -> usize {
    let words: Vec<_> = text.split([' ', ',', ';', '.']).filter(|word| !word.is_empty()).collect();
    let place = words.iter().position(|other| *other == word);
    place.and_then(|place| words.get(place.checked_sub(1)?)?.parse().ok()).unwrap_or(0)
}

fn before_phrase(text: &str, phrase: &str) -> usize {
    let Some((head, _)) = text.split_once(phrase) else { return 0 };
    head.rsplit(' ').next().and_then(|number| number.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_read() {
        let line = "test result: FAILED. 3 passed; 1 failed; 0 ignored; 0 measured";
        assert_eq!(libtest(line), Some((3, 1)));
        let line = "     Summary [   0.106s] 10 tests run: 7 passed (1 slow), 2 failed, 1 timed out, 4 skipped";
        assert_eq!(nextest(line), Some((7, 3)));
        assert_eq!(nextest("     Summary [ 0.1s] 1 test run: 1 passed, 0 skipped"), Some((1, 0)));
        let line = "conformance: 300 passed, 2 failed, 100 known gaps, 148 out of scope";
        assert_eq!(conformance(line), Some((300, 2)));
        assert_eq!(pytest("2 failed, 30 passed, 1 error in 4.21s"), Some((30, 3)));
        assert_eq!(pytest("tests/clients/test_a.py .... [ 10%]"), None);
    }
}
