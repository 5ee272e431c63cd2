//! `stepwell dev`: a folder of definitions as state machines, and everything they do on the
//! screen.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use integrations::FunctionLogLine;
use runtime::Progress;
use tokio::sync::broadcast::error::RecvError;

use crate::cli::Dev;
use crate::code::{Code, undeclared};
use crate::commands::serve::say;
use crate::config::{DataPlace, FILE_NAME, Settings, environment, resolve};
use crate::failure::Failure;
use crate::machines::{Refused, Registered, Registrar, Source, Sources, sources, type_name};
use crate::progress::Narrator;
use crate::stop::Stop;
use crate::style::{Style, Tone};
use crate::telemetry;
use crate::tokens::{TokenWatch, Tokens, answer_command, cli_options};
use crate::watcher::FolderWatcher;
use crate::wiring::{Node, bind, on_tokio};

/// Serves a folder until asked to stop.
pub(crate) fn run(arguments: &Dev) -> Result<ExitCode, Failure> {
    if !arguments.folder.is_dir() {
        return Err(Failure::usage(format!("{} is not a folder", arguments.folder.display())));
    }
    // `.` is left out of the names of files.
    let base = arguments.folder.strip_prefix(".").unwrap_or(&arguments.folder);
    let settings = resolve(&arguments.server, base, "warn", &environment)?;
    telemetry::start(&settings.log, settings.log_format)?;
    on_tokio(serve(&arguments.folder, &settings))
}

async fn serve(folder: &Path, settings: &Settings) -> Result<ExitCode, Failure> {
    let stop = Stop::on_signals()?;
    let listening = bind(&settings.listen, settings.is_open(), &settings.tls)?;
    let tokens = Arc::default();
    let node = Node::start(settings, Some(&listening.own_url()), Some(&tokens)).await?;
    let mut progress = node.runtime.watch();
    let mut function_lines = node.integrations.subscribe_function_logs();
    let mut screen = Screen::new(folder, listening.url(), tokens, settings);
    let server = node.serve(listening, settings)?;
    let mut watcher = FolderWatcher::new()?;
    watcher.watch(watched_folders(folder, settings))?;
    screen.greet(settings)?;
    if let Some(line) = server.trust() {
        say(&line)?;
    }
    let code = Code::of(&settings.functions);
    watcher.watch(code.folders.iter().map(PathBuf::as_path))?;
    let mut loaded = Loaded { folder, settings, node: &node, texts: BTreeMap::new(), code };
    loaded.load(&screen).await?;
    screen.invite(&loaded)?;
    loop {
        tokio::select! {
            _ = stop.asked() => break,
            () = watcher.changed() => {
                loaded.load(&screen).await?;
                loaded.check_code(&screen)?;
                watcher.watch(loaded.code.folders.iter().map(PathBuf::as_path))?;
            }
            line = function_lines.recv() => match line {
                Ok(line) => screen.show_function(&line)?,
                Err(RecvError::Lagged(lines)) => screen.show_gap(lines, "lines of functions")?,
                Err(RecvError::Closed) => break,
            },
            piece = progress.recv() => match piece {
                Ok(piece) => screen.show_progress(&node, &piece).await?,
                Err(RecvError::Lagged(pieces)) => screen.show_gap(pieces, "steps")?,
                Err(RecvError::Closed) => break,
            },
        }
    }
    server.stop().await;
    node.stop().await;
    Ok(ExitCode::SUCCESS)
}

/// The folder, and those of definitions that lie elsewhere.
fn watched_folders<'s>(folder: &'s Path, settings: &'s Settings) -> Vec<&'s Path> {
    let mut folders = vec![folder];
    let elsewhere = settings.machines.values().filter_map(|machine| machine.definition.as_deref());
    folders.extend(elsewhere.filter_map(Path::parent).filter(|folder| folder.is_dir()));
    folders.sort_unstable();
    folders.dedup();
    folders
}

/// The definitions as they were when they were last looked at.
struct Loaded<'n> {
    folder: &'n Path,
    settings: &'n Settings,
    node: &'n Node,
    /// The text of each definition, and of the configuration file.
    texts: BTreeMap<PathBuf, Arc<str>>,
    code: Code,
}

impl Loaded<'_> {
    /// Registers every definition whose text is another one than before.
    async fn load(&mut self, screen: &Screen) -> Result<(), Failure> {
        let Sources { sources, left_out } = sources(self.folder, self.settings)?;
        for (kept, dropped) in left_out {
            if self.texts.insert(dropped.clone(), "".into()).is_none() {
                screen.complain(&format!(
                    "{} is left out: {} has its name",
                    dropped.display(),
                    kept.display()
                ))?;
            }
        }
        for source in &sources {
            match std::fs::read_to_string(&source.path) {
                Ok(text) => self.load_one(source, text.into(), screen).await?,
                Err(error) => {
                    screen.complain(&format!("cannot read {}: {error}", source.path.display()))?;
                }
            }
        }
        let gone = |path: &PathBuf| {
            crate::machines::name_of(path).is_some()
                && !sources.iter().any(|source| &source.path == path)
                && !path.exists()
        };
        let gone: Vec<PathBuf> = self.texts.keys().filter(|path| gone(path)).cloned().collect();
        for path in gone {
            self.texts.remove(&path);
            screen.complain(&format!(
                "{} is gone; its state machine stays until it is deleted",
                path.display()
            ))?;
        }
        self.check_configuration(screen)
    }

    async fn load_one(
        &mut self,
        source: &Source,
        text: Arc<str>,
        screen: &Screen,
    ) -> Result<(), Failure> {
        let before = self.texts.insert(source.path.clone(), Arc::clone(&text));
        if before.as_ref() == Some(&text) {
            return Ok(());
        }
        let settings = self.settings.machines.get(&source.name).cloned().unwrap_or_default();
        let registrar = Registrar { runtime: &self.node.runtime, settings: self.settings };
        let read = crate::machines::definition(&source.path, &text);
        // What is wrong is shown in the text as it is written.
        let registered = match read.to_json() {
            Some(json) if read.compile(settings.machine_type).program.is_some() => {
                registrar.register(&source.name, json.into(), &settings).await
            }
            _ => Err(Refused::Invalid(read.compile(settings.machine_type).diagnostics)),
        };
        match registered {
            Ok(registered) => {
                screen.show_machine(&registered)?;
                self.check_functions(&registered.machine().definition, screen)
            }
            Err(Refused::Invalid(diagnostics)) => {
                let file = source.path.display().to_string();
                for diagnostic in &diagnostics {
                    screen.show(asl::render_diagnostic(&file, &text, diagnostic).trim_end())?;
                }
                let what = if before.is_some() { "stays as it was" } else { "is not there" };
                screen.complain(&format!("{} is not valid and {what}", source.name))
            }
            Err(Refused::Other(message)) => screen.complain(&message),
        }
    }

    /// Says which functions a definition calls that will not be found.
    fn check_functions(&self, definition: &str, screen: &Screen) -> Result<(), Failure> {
        let elsewhere = ["AWS_ENDPOINT_URL_LAMBDA", "AWS_ENDPOINT_URL"];
        if elsewhere.iter().any(|variable| environment(variable).is_some()) {
            return Ok(());
        }
        for name in undeclared(definition, &self.settings.functions) {
            screen.complain(&format!(
                "  function {name} is not declared: [functions.{name}] in {FILE_NAME} says how to \
                 run it"
            ))?;
        }
        Ok(())
    }

    /// Changed code is seen by the next calls.
    fn check_code(&mut self, screen: &Screen) -> Result<(), Failure> {
        let Some(changed) = self.code.look() else {
            return Ok(());
        };
        self.node.integrations.replace_processes();
        let line = format!("{} changed: functions start anew", changed.display());
        screen.show(&screen.style.paint(Tone::Dim, &line))
    }

    /// Says that a changed configuration file needs a new start.
    fn check_configuration(&mut self, screen: &Screen) -> Result<(), Failure> {
        let Some(path) = &self.settings.file else {
            return Ok(());
        };
        let Ok(text) = std::fs::read_to_string(path) else {
            return Ok(());
        };
        let before = self.texts.insert(path.clone(), text.as_str().into());
        match before {
            Some(before) if *before != *text => {
                screen.complain(&format!("{} changed; start again to use it", path.display()))
            }
            _ => Ok(()),
        }
    }
}

/// What the person sees.
struct Screen {
    style: Style,
    folder: PathBuf,
    url: String,
    /// Whether callers of the API have to sign.
    signs: bool,
    narrator: Narrator,
    tokens: TokenWatch,
}

impl Screen {
    fn new(folder: &Path, url: String, tokens: Arc<Tokens>, settings: &Settings) -> Screen {
        let style = Style::of(&std::io::stdout());
        Screen {
            style,
            folder: folder.to_owned(),
            url,
            signs: !settings.access_keys.is_empty(),
            narrator: Narrator::of_several(style),
            tokens: TokenWatch::new(tokens),
        }
    }

    fn show(&self, text: &str) -> Result<(), Failure> {
        say(text)
    }

    fn complain(&self, text: &str) -> Result<(), Failure> {
        say(&self.style.paint(Tone::Bad, text))
    }

    fn greet(&self, settings: &Settings) -> Result<(), Failure> {
        let version = env!("CARGO_PKG_VERSION");
        let kept = match &settings.data {
            DataPlace::Memory => "nothing is kept".to_owned(),
            DataPlace::Folder(folder) => format!("data in {}", folder.display()),
        };
        say(&format!("stepwell {version}  {}  {kept}", self.folder.display()))
    }

    fn show_machine(&self, registered: &Registered) -> Result<(), Failure> {
        let what = match registered {
            Registered::Created(_) => "created",
            Registered::Updated(_) => "updated",
            Registered::Unchanged(_) => "as before",
        };
        let machine = registered.machine();
        let states = machine.program.states.len();
        say(&format!(
            "{} {}  {}  {states} state{}  {}",
            self.style.paint(Tone::Good, "●"),
            self.style.paint(Tone::Name, &machine.name),
            type_name(machine.machine_type),
            if states == 1 { "" } else { "s" },
            self.style.paint(Tone::Dim, what),
        ))
    }

    /// Everything is ready: where it is, and how to start the first execution.
    fn invite(&self, loaded: &Loaded<'_>) -> Result<(), Failure> {
        say(&format!("listening on {}", self.url))?;
        let names = sources(loaded.folder, loaded.settings)?.sources;
        let Some(first) = names.first() else {
            return say(&format!(
                "no *.asl.json or *.asl.yaml in {}; write one, it is picked up at once",
                self.folder.display()
            ));
        };
        let registrar = Registrar { runtime: &loaded.node.runtime, settings: loaded.settings };
        let arn = registrar.arn(&first.name);
        let command = format!(
            "\nstart an execution:\n  aws stepfunctions start-execution {} \\\n    \
             --state-machine-arn {arn} --input '{{}}'\n",
            cli_options(&self.url, &loaded.settings.region, self.signs)
        );
        say(&self.style.paint(Tone::Dim, &command))
    }

    async fn show_progress(&mut self, node: &Node, piece: &Progress) -> Result<(), Failure> {
        if self.narrator.is_unknown(piece) {
            let description = node.runtime.describe_execution(&piece.identity.arn).await;
            if let Ok(description) = description {
                self.narrator.join(&piece.identity.arn, description.start_date);
            }
        }
        for line in self.narrator.lines(piece) {
            say(&line)?;
        }
        for (state, token) in self.tokens.waiting(piece) {
            let command = answer_command(&self.url, &piece.identity.region, self.signs, &token);
            say(&self.style.paint(Tone::Waiting, &format!("  to answer {state}:\n  {command}")))?;
        }
        Ok(())
    }

    fn show_function(&mut self, line: &FunctionLogLine) -> Result<(), Failure> {
        self.tokens.shown(&line.text);
        say(&self.narrator.function_line(line))
    }

    fn show_gap(&self, count: u64, what: &str) -> Result<(), Failure> {
        self.complain(&format!("… {count} {what} are not shown: too much at once"))
    }
}
