//! The packages that the client written for Node.js needs: the AWS SDK for JavaScript.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::process;

/// What is installed, with its version.
const PACKAGES: &str = "tests/clients/package.json";

/// The folder that has the packages. It is made where it is absent or made from other versions.
pub(crate) fn folder() -> Result<PathBuf> {
    let folder = process::target().join("nodejs");
    let wanted = std::fs::read_to_string(PACKAGES).context(PACKAGES)?;
    let made_from = folder.join("made-from.json");
    if std::fs::read_to_string(&made_from).is_ok_and(|text| text == wanted) {
        return Ok(folder);
    }
    if !process::answers("npm", &["--version"]) {
        bail!("Node.js with npm is needed to run the clients (Debian: apt install nodejs npm)");
    }
    if folder.exists() {
        std::fs::remove_dir_all(&folder)?;
    }
    std::fs::create_dir_all(&folder)?;
    std::fs::write(folder.join("package.json"), &wanted)?;
    let mut install = Command::new("npm");
    install.args(["install", "--no-audit", "--no-fund", "--silent", "--no-package-lock"]);
    process::run(install.current_dir(&folder))?;
    std::fs::write(made_from, wanted)?;
    Ok(folder)
}
