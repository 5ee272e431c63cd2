//! `cargo xtask bench`: builds what is measured and what measures, and runs it.

use std::process::Command;

use anyhow::Result;

use crate::process;

pub(crate) fn run(options: &[String]) -> Result<()> {
    let is_only = |part: &str| options.windows(2).any(|pair| pair == ["--only", part]);
    if is_only("language") {
        return example("engine", "language_rate");
    }
    if is_only("hostile") {
        return example("asl", "hostile_expressions");
    }
    let packages = ["-p", "stepwell", "-p", "benchmarks"];
    process::run(process::cargo(["build", "--quiet", "--release"]).args(packages))?;
    let release = process::target().join("release");
    let mut command = Command::new(release.join("benchmarks"));
    command.arg("run").arg("--stepwell").arg(release.join("stepwell"));
    command.arg("--folder").arg(process::target().join("benchmarks")).args(options);
    process::run(&mut command)
}

/// What needs no server.
fn example(package: &str, name: &str) -> Result<()> {
    let example = ["-p", package, "--example", name];
    process::run(process::cargo(["run", "--quiet", "--release"]).args(example))
}
