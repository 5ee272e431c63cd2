//! `cargo xtask tidy`: rules of the project that compilers don't check. It lists all that is
//! wrong, not only the first.

mod dependencies;
mod links;
mod sources;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

pub(crate) fn run() -> Result<()> {
    let root = crate::process::root();
    let mut files = Vec::new();
    collect(&root, &mut files)?;
    files.sort();
    let mut findings = dependencies::check()?;
    let mut texts = Vec::new();
    for path in &files {
        let Ok(text) = std::fs::read_to_string(path) else { continue };
        let name = path.strip_prefix(&root).context("collected below the root")?;
        texts.push((name.to_string_lossy().replace('\\', "/"), text));
    }
    let tests = sources::test_files(&texts);
    for (name, text) in &texts {
        findings.extend(sources::check(name, text, tests.contains(name)));
        if name.ends_with(".md") {
            findings.extend(links::check(&root, name, text));
        }
    }
    if findings.is_empty() {
        println!("tidy: {} files are in order", files.len());
        return Ok(());
    }
    for finding in &findings {
        println!("{finding}");
    }
    bail!("tidy: {} findings", findings.len());
}

/// All files of the project: what is built, fetched or recorded elsewhere is not its own.
fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    const NOT_OURS: &[&str] = &[
        "target",
        ".git",
        ".venv",
        ".stepwell",
        ".shop",
        "node_modules",
        "__pycache__",
        "testdata",
        "dist",
    ];
    for entry in std::fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let entry = entry?;
        let name = entry.file_name();
        if NOT_OURS.iter().any(|not_ours| name == *not_ours) {
            continue;
        }
        match entry.file_type()? {
            kind if kind.is_dir() => collect(&entry.path(), files)?,
            kind if kind.is_file() => files.push(entry.path()),
            _ => {}
        }
    }
    Ok(())
}
