//! Which crate may use which, and why each crate of others is here.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

/// The one direction of dependencies. A new arrow is a change of this table.
const MAY_USE: &[(&str, &[&str])] = &[
    ("service-models", &[]),
    ("asl", &["service-models"]),
    ("engine", &["asl"]),
    ("explore", &["engine", "asl"]),
    ("fuzz", &["engine", "asl"]),
    ("store", &["engine"]),
    ("runtime", &["store", "engine", "asl"]),
    ("integrations", &["runtime", "engine", "asl", "service-models"]),
    ("api", &["runtime", "engine", "asl", "service-models"]),
    ("telemetry", &["api", "integrations", "runtime", "engine", "asl", "service-models"]),
    (
        "stepwell",
        &["telemetry", "api", "integrations", "runtime", "store", "explore", "engine", "asl"],
    ),
    ("sim", &["runtime", "store", "engine", "asl"]),
    (
        "conformance",
        &[
            "telemetry",
            "api",
            "integrations",
            "runtime",
            "store",
            "engine",
            "asl",
            "service-models",
        ],
    ),
    ("benchmarks", &[]),
    ("xtask", &[]),
];

/// The pure crates, and all that they may use of others: none of it does I/O by itself.
const PURE: &[(&str, &[&str])] = &[
    (
        "asl",
        &[
            "base64",
            "jiff",
            "jlens-core",
            "md-5",
            "regex",
            "saphyr-parser",
            "serde",
            "serde_json",
            "sha1",
            "sha2",
            "stacker",
            "thiserror",
        ],
    ),
    ("engine", &["serde", "serde_json", "thiserror"]),
    ("service-models", &["miniz_oxide", "serde", "serde_json"]),
];

const REASONS: &str = "docs/dependencies.md";

pub(super) fn check() -> Result<Vec<String>> {
    let output = crate::process::cargo(["metadata", "--no-deps", "--format-version", "1"])
        .output()
        .context("cargo metadata")?;
    ensure!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout)?;
    let packages = metadata["packages"].as_array().context("cargo metadata lists packages")?;

    let ours: BTreeSet<&str> = packages.iter().filter_map(|one| one["name"].as_str()).collect();
    let mut findings = Vec::new();
    let mut used = BTreeSet::new();
    for package in packages {
        let name = package["name"].as_str().context("a package has a name")?;
        let Some((_, may_use)) = MAY_USE.iter().find(|(user, _)| *user == name) else {
            findings.push(format!("{name}: has no row in xtask/src/tidy/dependencies.rs"));
            continue;
        };
        let pure = PURE.iter().find(|(pure, _)| *pure == name).map(|(_, others)| *others);
        for dependency in package["dependencies"].as_array().into_iter().flatten() {
            let other = dependency["name"].as_str().context("a dependency has a name")?;
            let for_tests = dependency["kind"] == "dev";
            if ours.contains(other) {
                // A crate's tests may use it from above; what ships may not.
                if !for_tests && !may_use.contains(&other) {
                    findings.push(format!("{name}: must not depend on {other}"));
                }
                continue;
            }
            used.insert(other.to_owned());
            if !for_tests && pure.is_some_and(|others| !others.contains(&other)) {
                findings.push(format!("{name}: is pure, and {other} is not on its list"));
            }
        }
    }
    findings.extend(check_reasons(used)?);
    Ok(findings)
}

/// Every dependency has one row with a reason, and every row a dependency.
fn check_reasons(mut used: BTreeSet<String>) -> Result<Vec<String>> {
    let requirements = std::fs::read_to_string("tests/requirements.txt")?;
    let pinned = requirements.lines().filter_map(|line| line.split_once("=="));
    used.extend(pinned.map(|(name, _)| name.trim().to_owned()));
    for path in ["studio/package.json", "tests/clients/package.json"] {
        let Ok(text) = std::fs::read_to_string(path) else { continue };
        let package: Value = serde_json::from_str(&text).context(path)?;
        for kind in ["dependencies", "devDependencies"] {
            used.extend(package[kind].as_object().into_iter().flatten().map(|(k, _)| k.clone()));
        }
    }

    let text = std::fs::read_to_string(REASONS).context(REASONS)?;
    let mut reasons: BTreeMap<&str, &str> = BTreeMap::new();
    let mut findings = Vec::new();
    for line in text.lines() {
        let Some(rest) = line.strip_prefix("| `") else { continue };
        let Some((name, reason)) = rest.split_once("` |") else { continue };
        if reasons.insert(name, reason.trim_matches([' ', '|'])).is_some() {
            findings.push(format!("{REASONS}: {name} has two rows"));
        }
    }
    for name in &used {
        match reasons.remove(name.as_str()) {
            None => findings.push(format!("{REASONS}: {name} has no row with its reason")),
            Some("") => findings.push(format!("{REASONS}: the reason for {name} is empty")),
            Some(_) => {}
        }
    }
    findings.extend(reasons.keys().map(|name| format!("{REASONS}: {name} is not a dependency")));
    Ok(findings)
}
