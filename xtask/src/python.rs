//! The virtual environment in which clients written in Python run: boto3, the AWS CLI, pytest.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::process;

/// What the environment holds, with versions.
const REQUIREMENTS: &str = "tests/requirements.txt";

/// The folder with the environment's programs. It is made where it is absent or made from other
/// requirements.
pub(crate) fn environment() -> Result<PathBuf> {
    let folder = process::target().join("python");
    let programs = folder.join("bin");
    let requirements = std::fs::read_to_string(REQUIREMENTS).context(REQUIREMENTS)?;
    let made_from = folder.join("made-from.txt");
    if std::fs::read_to_string(&made_from).is_ok_and(|text| text == requirements)
        && process::answers(&programs.join("python").to_string_lossy(), &["-c", "import boto3"])
    {
        return Ok(programs);
    }
    if !process::answers("python3", &["-c", "import venv, ensurepip"]) {
        bail!("Python 3 with venv is needed to run the clients (Debian: apt install python3-venv)");
    }
    if folder.exists() {
        std::fs::remove_dir_all(&folder)?;
    }
    process::run(Command::new("python3").args(["-m", "venv"]).arg(&folder))?;
    process::run(Command::new(programs.join("python")).args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--no-input",
        "-r",
        REQUIREMENTS,
    ]))?;
    std::fs::write(made_from, requirements)?;
    Ok(programs)
}

/// Python of the environment, with the environment's programs first on the path.
pub(crate) fn python(programs: &Path) -> Result<Command> {
    let mut command = Command::new(programs.join("python"));
    let mut path = vec![programs.to_path_buf()];
    path.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
    command.env("PATH", std::env::join_paths(path)?);
    command.env("PYTHONDONTWRITEBYTECODE", "1");
    Ok(command)
}
