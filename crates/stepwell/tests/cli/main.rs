//! The program by what it prints: exit status, standard output, standard error.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod compatibility;
mod configuration;
mod cost;
mod dev;
mod explore;
mod help;
mod history;
mod jobs;
mod map_run_redrive;
mod routes;
mod run;
mod serve;
mod server;
mod testing;
mod validate;

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use expect_test::Expect;
use tempfile::TempDir;

/// How the line about a test case begins.
const TEST_CASE: [&str; 2] = ["  ✓ ", "  ✗ "];

/// A folder to run the program in, gone at the end.
pub(crate) struct Folder(TempDir);

impl Folder {
    /// A folder with files: name and text.
    pub(crate) fn with(files: &[(&str, &str)]) -> Folder {
        let folder = Folder(tempfile::tempdir().unwrap());
        for (name, text) in files {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        folder
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// The program in this folder, away from the environment of whoever runs the tests.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_stepwell"));
        command.args(arguments).current_dir(self.path()).env_clear();
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command
    }

    /// Runs the program and compares everything it says.
    pub(crate) fn check(&self, arguments: &[&str], expected: &Expect) {
        self.check_with_input(arguments, "", expected);
    }

    /// The same with something on standard input.
    pub(crate) fn check_with_input(&self, arguments: &[&str], input: &str, expected: &Expect) {
        let mut command = self.command(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // The program need not read it.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        let output = child.wait_with_output().unwrap();
        let stdout = String::from_utf8(output.stdout).unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        let mut shown = format!("exit status: {}\n", output.status.code().unwrap());
        for (name, text) in [("stdout", stdout), ("stderr", stderr)] {
            if !text.is_empty() {
                shown.push_str(&format!("----- {name} -----\n{}", self.filter(&text)));
            }
        }
        expected.assert_eq(&shown);
    }

    /// Takes out what differs from run to run: the folder, and times of a few milliseconds. And
    /// blanks at the end of lines, which an expectation cannot show.
    fn filter(&self, text: &str) -> String {
        let folder = self.path().canonicalize().unwrap().display().to_string();
        let text = text.replace(&folder, "[FOLDER]");
        let text = text.replace(&self.path().display().to_string(), "[FOLDER]");
        let lines = text.split_inclusive('\n').map(|line| {
            let is_elapsed = |time: &str| {
                time.len() == 8 && time.trim_start().parse::<f64>().is_ok() && time.contains('.')
            };
            match line.split_at_checked(8) {
                Some((time, rest)) if is_elapsed(time) => {
                    let rest = rest.split_once(" ms").map_or(rest.to_owned(), |(head, tail)| {
                        let head = head.trim_end_matches(|end: char| end.is_ascii_digit());
                        format!("{head}[N] ms{tail}")
                    });
                    format!("  [TIME]{rest}")
                }
                _ if TEST_CASE.iter().any(|mark| line.starts_with(mark)) => {
                    match line.split_once(" ms") {
                        Some((head, tail)) => {
                            let head = head.trim_end_matches(|end: char| end.is_ascii_digit());
                            format!("{}  [N] ms{}\n", head.trim_end(), tail.trim_end())
                        }
                        None => line.to_owned(),
                    }
                }
                _ if line.ends_with('\n') => format!("{}\n", line.trim_end()),
                _ => line.to_owned(),
            }
        });
        lines.collect()
    }
}
