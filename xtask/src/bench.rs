//! `cargo xtask bench`: builds what is measured and what measures, and runs it.

use std::process::Command;

use anyhow::Result;

use crate::process;

pub(crate) fn run(options: &[String]) -> Result<()> {
    let packages = ["-p", "stepwell", "-p", "benchmarks"];
    process::run(process::cargo(["build", "--quiet", "--release"]).args(packages))?;
    let release = process::target().join("release");
    let mut command = Command::new(release.join("benchmarks"));
    command.arg("run").arg("--stepwell").arg(release.join("stepwell"));
    command.arg("--folder").arg(process::target().join("benchmarks")).args(options);
    process::run(&mut command)
}
