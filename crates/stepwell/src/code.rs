//! The code of functions: where it lies, whether it changed, and which functions definitions
//! call that nobody declared.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use integrations::FunctionsConfig;
use serde_json::Value;

/// Files that are looked at; whoever has more starts again by hand.
const FILES_MAX: usize = 10_000;
/// Folders that hold other people's code, or what is made from code.
const NOT_LOOKED_INTO: [&str; 3] = ["node_modules", "__pycache__", "target"];
const EXTENSIONS: [&str; 7] = ["py", "js", "mjs", "cjs", "ts", "mts", "cts"];

/// The code of all declared functions, as it was when it was last looked at.
#[derive(Debug, Default)]
pub(crate) struct Code {
    roots: BTreeSet<PathBuf>,
    /// When each file was changed, and its length.
    files: BTreeMap<PathBuf, (Option<SystemTime>, u64)>,
    /// The folders it lies in.
    pub(crate) folders: BTreeSet<PathBuf>,
}

impl Code {
    /// The code as it is now.
    pub(crate) fn of(functions: &FunctionsConfig) -> Code {
        let roots =
            functions.functions.values().filter_map(|function| function.working_directory.clone());
        let mut code = Code { roots: roots.collect(), ..Code::default() };
        code.look();
        code
    }

    /// Looks again; a file that changed since the last time, if there is one.
    pub(crate) fn look(&mut self) -> Option<PathBuf> {
        let before = std::mem::take(&mut self.files);
        self.folders.clear();
        for root in self.roots.clone() {
            // An empty path is the folder the program runs in.
            let root = if root.as_os_str().is_empty() { PathBuf::from(".") } else { root };
            self.look_into(&root);
        }
        let changed = self.files.iter().find(|(path, state)| before.get(*path) != Some(state));
        let gone = || before.keys().find(|path| !self.files.contains_key(*path)).cloned();
        changed.map(|(path, _)| path.clone()).or_else(gone)
    }

    fn look_into(&mut self, folder: &Path) {
        let Ok(entries) = std::fs::read_dir(folder) else {
            return;
        };
        if !self.folders.insert(folder.to_owned()) {
            return;
        }
        for entry in entries.flatten() {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            let Ok(metadata) = entry.metadata() else {
                continue;
            };
            if name.starts_with('.') || self.files.len() >= FILES_MAX {
                continue;
            }
            if metadata.is_dir() {
                if !NOT_LOOKED_INTO.contains(&&*name) {
                    self.look_into(&entry.path());
                }
            } else if is_code(&entry.path(), &metadata) {
                self.files.insert(entry.path(), (metadata.modified().ok(), metadata.len()));
            }
        }
    }
}

/// Whether a file is a script of a language that functions are written in, or a program.
fn is_code(path: &Path, metadata: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;

    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or("");
    EXTENSIONS.contains(&extension) || metadata.permissions().mode() & 0o111 != 0
}

/// Functions that a definition calls by a name that is written in it, and that nobody declared.
pub(crate) fn undeclared(definition: &str, functions: &FunctionsConfig) -> BTreeSet<String> {
    let declared: BTreeSet<&str> =
        functions.functions.keys().filter_map(|name| bare_name(name)).collect();
    let mut called = BTreeSet::new();
    if let Ok(definition) = serde_json::from_str::<Value>(definition) {
        collect_called(&definition, &mut called);
    }
    called.retain(|name| !declared.contains(name.as_str()));
    called
}

fn collect_called(value: &Value, called: &mut BTreeSet<String>) {
    match value {
        Value::Array(values) => values.iter().for_each(|value| collect_called(value, called)),
        Value::Object(members) => {
            for (key, value) in members {
                match value {
                    Value::String(text) if key == "FunctionName" => {
                        called.extend(bare_name(text).map(str::to_owned));
                    }
                    Value::String(text) if key == "Resource" && text.contains(":lambda:") => {
                        let is_function = text.contains(":function:");
                        called.extend(bare_name(text).filter(|_| is_function).map(str::to_owned));
                    }
                    value => collect_called(value, called),
                }
            }
        }
        _ => {}
    }
}

/// The name in a function's name or ARN; none in an expression.
fn bare_name(text: &str) -> Option<&str> {
    let name = text.split_once("function:").map_or(text, |(_, name)| name);
    let name = name.split(':').next().unwrap_or(name);
    let valid = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    (!name.is_empty() && name.bytes().all(valid)).then_some(name)
}

#[cfg(test)]
mod tests {
    use integrations::FunctionConfig;

    use super::*;

    fn functions(names: &[&str], folder: &Path) -> FunctionsConfig {
        let function = FunctionConfig {
            working_directory: Some(folder.to_owned()),
            ..FunctionConfig::default()
        };
        let named = names.iter().map(|name| ((*name).to_owned(), function.clone()));
        FunctionsConfig { functions: named.collect() }
    }

    #[test]
    fn functions_that_nobody_declared() {
        let definition = r#"{"States": {
            "A": {"Resource": "arn:aws:lambda:us-east-1:123456789012:function:plain:prod"},
            "B": {"Resource": "arn:aws:states:::lambda:invoke", "Parameters": {"FunctionName": "named"}},
            "C": {"Branches": [{"States": {"D": {"Arguments": {
                "FunctionName": "arn:aws:lambda:us-east-1:123456789012:function:inner"}}}}]},
            "E": {"Parameters": {"FunctionName": "known"}},
            "F": {"Arguments": {"FunctionName": "{% $name %}"}},
            "G": {"Parameters": {"FunctionName.$": "$.name"}}}}"#;
        let declared = functions(&["known:prod", "other"], Path::new("."));
        let undeclared: Vec<String> = undeclared(definition, &declared).into_iter().collect();
        assert_eq!(undeclared, ["inner", "named", "plain"]);
    }

    #[test]
    fn changes_of_code_are_seen() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, text).unwrap();
            path
        };
        write("app.py", "1");
        let mut code = Code::of(&functions(&["a", "b"], folder.path()));
        assert_eq!(code.look(), None);
        assert_eq!(code.folders.len(), 1);
        let changed = write("app.py", "22");
        assert_eq!(code.look(), Some(changed));
        let new = write("lib/helpers.mjs", "");
        assert_eq!(code.look(), Some(new.clone()));
        assert_eq!(code.folders.len(), 2);
        for other in ["notes.txt", "a.asl.json", "node_modules/x/index.js", ".venv/x.py"] {
            write(other, "");
            assert_eq!(code.look(), None, "{other}");
        }
        std::fs::remove_file(&new).unwrap();
        assert_eq!(code.look(), Some(new));
    }
}
