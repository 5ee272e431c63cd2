//! Every definition that others published is driven to every one of its ends.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use asl::MachineType;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/corpus")
}

/// Ends that are not reached, each with the reason: `FILE  STATE  REASON`.
const GAPS: &str = "unreached.txt";

#[test]
fn every_end_is_reached() {
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    let (mut reached, mut accepted) = (0, 0);
    let mut unreached: BTreeMap<String, String> = BTreeMap::new();
    for file in &files {
        let name = file.file_name().unwrap().to_str().unwrap().trim_end_matches(".asl.json");
        let text = std::fs::read_to_string(file).unwrap();
        let Ok(exploration) = explore::explore(&text, MachineType::Standard) else { continue };
        accepted += 1;
        for end in exploration.ends {
            let place: Vec<&str> =
                end.inside.iter().chain([&end.state]).map(String::as_str).collect();
            match end.path {
                Ok(_) => reached += 1,
                Err(reason) => {
                    unreached.insert(format!("{name}: {}", place.join(" > ")), reason);
                }
            }
        }
    }
    println!("{accepted} definitions, {reached} ends reached, {} not", unreached.len());
    let expected = std::fs::read_to_string(folder().join(GAPS)).unwrap_or_default();
    let expected: Vec<&str> = expected
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with(['#', ' ']))
        .collect();
    let found: Vec<&str> = unreached.keys().map(String::as_str).collect();
    for (end, reason) in &unreached {
        println!("{end}\n    {reason}");
    }
    assert_eq!(found, expected, "the ends that are not reached are those of {GAPS}");
}
