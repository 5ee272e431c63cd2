//! `stepwell test`: runs the test cases of state machines.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use integrations::mocks::{self, MOCK_FILE_NAME, MockConfig, MockFileError};

use crate::cli::{ServerOptions, Test};
use crate::config::{Settings, environment, resolve};
use crate::failure::{Failure, UNSUCCESSFUL};
use crate::machines::{Source, sources};
use crate::style::Style;
use crate::telemetry;
use crate::testing::{
    Case, Coverage, Machine, Outcome, Runner, Suite, SuiteOutcome, TestFile, differences, junit,
    show_machine, summary,
};

/// How the name of a file with test cases ends; what stands before is the state machine's name.
const TEST_SUFFIX: &str = ".test.json";

/// Runs the cases.
pub(crate) fn run(arguments: &Test) -> Result<ExitCode, Failure> {
    let style = Style::of(&std::io::stdout());
    let folders = Folder::all(arguments)?;
    let mut outcomes = Vec::new();
    for folder in &folders {
        let runner = Runner {
            settings: &folder.settings,
            machines: &folder.machines,
            config: &folder.config,
            is_strict: !arguments.calls,
            patience: Duration::from_secs(arguments.patience),
        };
        for suite in &folder.suites {
            let outcome = run_suite(suite, &runner)?;
            say(&show_machine(&outcome, style))?;
            outcomes.push(outcome);
        }
    }
    if outcomes.iter().all(|outcome| outcome.outcomes.is_empty()) {
        return Err(no_cases(arguments));
    }
    say(&format!("\n{}\n", summary(&outcomes, style)))?;
    if let Some(path) = &arguments.junit {
        std::fs::write(path, junit(&outcomes)).map_err(|error| {
            Failure::unsuccessful(format!("cannot write {}: {error}", path.display()))
        })?;
    }
    let all_passed = outcomes.iter().flat_map(|outcome| &outcome.outcomes).all(Outcome::passed);
    Ok(if all_passed { ExitCode::SUCCESS } else { ExitCode::from(UNSUCCESSFUL) })
}

fn no_cases(arguments: &Test) -> Failure {
    match &arguments.filter {
        Some(filter) => Failure::usage(format!("no test case has `{filter}` in its name")),
        None => Failure::usage("there are no test cases").hint(
            "write them to MockConfigFile.json beside the definitions, or to NAME.test.json \
             beside NAME.asl.json",
        ),
    }
}

fn run_suite<'s>(suite: &'s Suite, runner: &Runner<'_>) -> Result<SuiteOutcome<'s>, Failure> {
    let mut coverage = Coverage::default();
    let mut outcomes = Vec::new();
    for case in &suite.cases {
        let start = Instant::now();
        let observed = runner.run(&suite.name, case)?;
        let took = start.elapsed();
        let failures = match &observed {
            Some(observed) => {
                coverage.add(&observed.events, &observed.branches);
                differences(&case.expect, observed)
            }
            None => vec![format!("did not end within {} s", runner.patience.as_secs())],
        };
        outcomes.push(Outcome { case: case.name.clone(), observed, took, failures });
    }
    Ok(SuiteOutcome { suite, outcomes, coverage })
}

/// A folder of definitions, and the cases that are asked for.
struct Folder {
    settings: Settings,
    machines: Vec<Machine>,
    config: MockConfig,
    suites: Vec<Suite>,
}

impl Folder {
    /// The folders that the arguments lie in.
    fn all(arguments: &Test) -> Result<Vec<Folder>, Failure> {
        // By folder, the files of it that are asked for; none means all.
        let mut wanted: BTreeMap<PathBuf, Option<Vec<PathBuf>>> = BTreeMap::new();
        for path in &arguments.paths {
            if path.is_dir() {
                wanted.insert(path.strip_prefix(".").unwrap_or(path).to_owned(), None);
                continue;
            }
            if !path.is_file() {
                return Err(Failure::usage(format!("{} is not there", path.display())));
            }
            let folder = path.parent().unwrap_or(Path::new("")).to_owned();
            if let Some(files) = wanted.entry(folder).or_insert_with(|| Some(Vec::new())) {
                files.push(path.clone());
            }
        }
        wanted
            .into_iter()
            .map(|(folder, files)| Folder::read(&folder, files.as_deref(), arguments))
            .collect()
    }

    fn read(folder: &Path, files: Option<&[PathBuf]>, arguments: &Test) -> Result<Folder, Failure> {
        let options = ServerOptions {
            mocks: crate::cli::MockOptions {
                mocks: arguments.mocks.clone(),
                ..crate::cli::MockOptions::default()
            },
            common: arguments.common.clone(),
            ..ServerOptions::default()
        };
        let settings = resolve(&options, folder, "error", &environment)?;
        telemetry::start(&settings.log, settings.log_format)?;
        let mock_file = settings.mocks.clone().or_else(|| {
            let path = folder.join(MOCK_FILE_NAME);
            path.is_file().then_some(path)
        });
        let (responses, config) = match &mock_file {
            Some(path) => read_mocks(path)?,
            None => Default::default(),
        };
        let shown = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        let mut found = sources(shown, &settings)?.sources;
        // A file that is asked for need not be called NAME.asl.json.
        for file in files.unwrap_or_default() {
            let is_known = found.iter().any(|source| same_file(&source.path, file));
            if !is_known && test_of(file).is_none() {
                found.push(source_of(file)?);
            }
        }
        let mut machines = Vec::new();
        let mut suites = Vec::new();
        for source in found {
            let is_wanted = files.is_none_or(|files| {
                files.iter().any(|file| {
                    same_file(&source.path, file) || test_of(file) == Some(&source.name)
                })
            });
            let reading = Reading { settings: &settings, responses: &responses, config: &config };
            let (machine, suite) = reading.read(source, folder, is_wanted)?;
            machines.push(machine);
            if let Some(mut suite) = suite {
                if let Some(filter) = &arguments.filter {
                    let name = suite.name.clone();
                    let full = |case: &Case| format!("{name}#{}", case.name);
                    suite.cases.retain(|case| full(case).contains(filter.as_str()));
                }
                if !suite.cases.is_empty() {
                    suites.push(suite);
                }
            }
        }
        Ok(Folder { settings, machines, config, suites })
    }
}

/// What definitions and their test files are read with.
struct Reading<'r> {
    settings: &'r Settings,
    responses: &'r mocks::MockedResponses,
    config: &'r MockConfig,
}

impl Reading<'_> {
    /// A definition, and its cases if they are wanted and there are any.
    fn read(
        &self,
        source: Source,
        folder: &Path,
        is_wanted: bool,
    ) -> Result<(Machine, Option<Suite>), Failure> {
        let Source { name, path } = source;
        let text = read_text(&path)?;
        let settings = self.settings.machines.get(&name).cloned().unwrap_or_default();
        let definition = crate::machines::definition(&path, &text);
        let json: Arc<str> = match definition.to_json() {
            Some(json) => json.into(),
            None => text.as_str().into(),
        };
        let machine = Machine { name: name.clone(), path: path.clone(), definition: json };
        if !is_wanted {
            return Ok((machine, None));
        }
        let mut cases: BTreeMap<String, Case> = self
            .config
            .test_cases(&name)
            .map(|case| (case.to_owned(), Case::named(case)))
            .collect();
        let mut order: Vec<String> = Vec::new();
        let test_file = folder.join(format!("{name}{TEST_SUFFIX}"));
        if test_file.is_file() {
            let text = read_text(&test_file)?;
            let file = TestFile::parse(&text, self.responses)
                .map_err(|error| wrong(&test_file, &error))?;
            for case in file.cases {
                order.push(case.name.clone());
                cases.insert(case.name.clone(), case);
            }
        }
        if cases.is_empty() {
            return Ok((machine, None));
        }
        let compiled = definition.compile(settings.machine_type);
        let Some(program) = compiled.program else {
            let file = path.display().to_string();
            let diagnostics: Vec<String> = compiled
                .diagnostics
                .iter()
                .map(|found| asl::render_diagnostic(&file, &text, found).trim_end().to_owned())
                .collect();
            return Err(Failure::usage(format!("{file} is not valid\n{}", diagnostics.join("\n"))));
        };
        self.check_states(&path, &program, &cases)?;
        // Those of the test file as they stand there, then the others.
        let mut ordered: Vec<Case> = order.iter().filter_map(|name| cases.remove(name)).collect();
        ordered.extend(cases.into_values());
        Ok((machine, Some(Suite { name, path, program: Arc::new(program), cases: ordered })))
    }

    /// Refuses states that a definition does not have: mocks of them would answer nothing.
    fn check_states(
        &self,
        path: &Path,
        program: &asl::Program,
        cases: &BTreeMap<String, Case>,
    ) -> Result<(), Failure> {
        let names: Vec<&str> = program.states.iter().map(|state| &*state.name).collect();
        for (name, case) in cases {
            let shared = crate::machines::name_of(path)
                .and_then(|machine| self.config.test_case(&machine, name));
            let expect = &case.expect;
            let of_paths =
                expect.path.iter().flatten().chain(&expect.reaches).chain(&expect.avoids);
            let states = shared
                .into_iter()
                .chain([&case.mocks])
                .flat_map(mocks::TestCase::states)
                .chain(of_paths.map(String::as_str))
                .chain(expect.calls.iter().map(|(state, _)| state.as_str()));
            for state in states {
                if !names.contains(&state) {
                    return Err(Failure::usage(format!(
                        "the test case {name} names the state '{state}', which {} does not have",
                        path.display()
                    )));
                }
            }
        }
        Ok(())
    }
}

fn read_text(path: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(path)
        .map_err(|error| Failure::usage(format!("cannot read {}: {error}", path.display())))
}

fn wrong(path: &Path, error: &MockFileError) -> Failure {
    Failure::usage(format!("{}:{error}", path.display()))
}

/// The responses of a mock file by name, and its test cases.
fn read_mocks(path: &Path) -> Result<(mocks::MockedResponses, MockConfig), Failure> {
    let (text, config) =
        mocks::read(path).map_err(|problem| Failure::usage(problem.to_string()))?;
    let document = mocks::parse(&text).map_err(|error| wrong(path, &error))?;
    let responses = document.as_object().and_then(|root| root.get("MockedResponses"));
    let responses = match responses {
        Some(node) => mocks::read_responses(&text, node).map_err(|error| wrong(path, &error))?,
        None => mocks::MockedResponses::new(),
    };
    Ok((responses, config))
}

/// The state machine whose test file this is.
fn test_of(path: &Path) -> Option<&str> {
    path.file_name()?.to_str()?.strip_suffix(TEST_SUFFIX)
}

fn same_file(one: &Path, other: &Path) -> bool {
    match (one.canonicalize(), other.canonicalize()) {
        (Ok(one), Ok(other)) => one == other,
        _ => one == other,
    }
}

fn source_of(path: &Path) -> Result<Source, Failure> {
    let name = path.file_stem().and_then(|stem| stem.to_str());
    let name = name
        .filter(|name| api::is_name(name))
        .ok_or_else(|| Failure::usage(format!("{} cannot name a state machine", path.display())))?;
    Ok(Source { name: name.to_owned(), path: path.to_owned() })
}

fn say(text: &str) -> Result<(), Failure> {
    let mut stdout = std::io::stdout().lock();
    write!(stdout, "{text}")
        .and_then(|()| stdout.flush())
        .map_err(|error| Failure::unsuccessful(format!("cannot write: {error}")))
}
