//! `stepwell run`: one execution in this process.

use std::io::{IsTerminal, Read, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use asl::{MachineType, Payload};
use engine::Status;
use integrations::FunctionLogLine;
use runtime::{ExecutionDescription, Progress, RuntimeError, StartRequest, StateMachine};
use tokio::sync::broadcast::error::RecvError;

use crate::cli::{MockOptions, Run, ServerOptions};
use crate::config::{DataPlace, MachineSettings, Settings, environment, resolve};
use crate::failure::{Failure, UNSUCCESSFUL};
use crate::machines::{Refused, Registrar, activities, name_of, needs_answers};
use crate::progress::{Narrator, failure, output};
use crate::stop::Stop;
use crate::style::Style;
use crate::telemetry;
use crate::tokens::{TokenWatch, answer_command};
use crate::wiring::{Listening, Node, Server, bind, on_tokio};

/// Where a definition that needs answers is served if nobody says otherwise.
const LISTEN: &str = "127.0.0.1:0";
/// How long the last lines of progress may come behind the end itself.
const LAST_PROGRESS: Duration = Duration::from_secs(1);

/// Runs the definition once.
pub(crate) fn run(arguments: &Run) -> Result<ExitCode, Failure> {
    let path = &arguments.definition;
    let definition = std::fs::read_to_string(path)
        .map_err(|error| Failure::usage(format!("cannot read {}: {error}", path.display())))?;
    let mut settings = settings(arguments, path.parent().unwrap_or(Path::new("")))?;
    settings.data = DataPlace::Memory;
    telemetry::start(&settings.log, settings.log_format)?;
    let name = name_of(path)
        .or_else(|| Some(path.file_stem()?.to_str()?.to_owned()))
        .ok_or_else(|| Failure::usage(format!("{} is no name for a file", path.display())))?;
    let mut machine = settings.machines.get(&name).cloned().unwrap_or_default();
    if let Some(machine_type) = arguments.r#type {
        machine.machine_type = machine_type.into();
    }
    let read = crate::machines::definition(path, &definition);
    let compiled = read.compile(machine.machine_type);
    let file = path.display().to_string();
    for diagnostic in &compiled.diagnostics {
        tell(asl::render_diagnostic(&file, &definition, diagnostic).trim_end());
    }
    let (Some(program), Some(json)) = (compiled.program, read.to_json()) else {
        return Err(Failure::usage(format!("{file} is not valid")));
    };
    if let Some(name) = arguments.name.as_deref().filter(|name| !api::is_name(name)) {
        return Err(Failure::usage(format!(
            "`{name}` cannot be the name of an execution: 1 to 80 characters without spaces, \
             brackets and most punctuation"
        )));
    }
    let start = Start {
        name,
        definition: json.into(),
        machine,
        input: input(&arguments.input, settings.quotas.limits.payload_bytes)?,
        answers: needs_answers(&program),
    };
    on_tokio(execute(arguments, &settings, start))
}

fn settings(arguments: &Run, folder: &Path) -> Result<Settings, Failure> {
    let common = &arguments.common;
    let options = ServerOptions {
        listen: arguments.listen.clone(),
        insecure: arguments.insecure,
        data: None,
        mocks: MockOptions::default(),
        common: common.clone(),
    };
    resolve(&options, folder, "warn", &environment)
}

/// The input, of at most so many bytes: JSON, or where it is.
fn input(argument: &str, most: usize) -> Result<Payload, Failure> {
    let cannot = |error: std::io::Error| {
        Failure::usage(format!("cannot read the input {argument}: {error}"))
    };
    let text = if argument == "-" {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).map_err(cannot)?;
        text
    } else if let Some(path) = argument.strip_prefix('@') {
        std::fs::read_to_string(path).map_err(cannot)?
    } else {
        argument.to_owned()
    };
    if text.len() > most {
        return Err(Failure::usage(format!(
            "the input has {} bytes; {most} is the most that an execution takes",
            text.len()
        )));
    }
    asl::parse_json(&text).map_err(|error| {
        Failure::usage(format!(
            "the input is not JSON: line {}, column {}: {}",
            error.line, error.column, error.message
        ))
        .hint("--input takes JSON such as '{\"a\": 1}', @FILE, or - for standard input")
    })
}

/// What is run.
struct Start {
    /// The state machine's name.
    name: String,
    definition: Arc<str>,
    machine: MachineSettings,
    input: Payload,
    /// Whether it may wait for somebody to answer.
    answers: bool,
}

async fn execute(arguments: &Run, settings: &Settings, start: Start) -> Result<ExitCode, Failure> {
    let Start { name, definition, machine, input, answers } = start;
    let stop = Stop::on_signals()?;
    let listening = match &arguments.listen {
        Some(listen) => {
            Some(bind(listen, arguments.insecure || settings.is_open(), &settings.tls)?)
        }
        None if answers => Some(bind(LISTEN, false, &settings.tls)?),
        None => None,
    };
    let url = listening.as_ref().map(Listening::url);
    let own_url = listening.as_ref().map(Listening::own_url);
    let tokens = Arc::default();
    let node = Node::start(settings, own_url.as_deref(), Some(&tokens)).await?;
    let registrar = Registrar { runtime: &node.runtime, settings };
    let machine = match registrar.register(&name, definition, &machine).await {
        Ok(registered) => registered.machine().clone(),
        Err(Refused::Invalid(_)) => {
            return Err(Failure::usage(format!("the definition of {name} is not valid")));
        }
        Err(Refused::Other(message)) => return Err(Failure::usage(message)),
    };
    let server = match listening {
        Some(listening) => Some(serve(listening, &node, settings, &machine)?),
        None => None,
    };
    let mut show = Show {
        narrator: Narrator::of_one(Style::of(&std::io::stderr())),
        tokens: TokenWatch::new(tokens),
        url: url.unwrap_or_default(),
        signs: !settings.access_keys.is_empty(),
        quiet: arguments.quiet,
    };
    let request = StartRequest {
        state_machine_arn: machine.arn.to_string(),
        name: arguments.name.clone(),
        input,
        trace_header: None,
    };
    let outcome = tokio::select! {
        outcome = show.follow(&node, &machine, request) => outcome.map(Ok),
        signal = stop.asked() => Ok(Err(signal)),
    };
    if let Some(server) = server {
        server.stop().await;
    }
    node.stop().await;
    match outcome? {
        Ok(description) => report(arguments, &description),
        Err(signal) => {
            tell("interrupted");
            Ok(ExitCode::from(u8::try_from(128 + signal).unwrap_or(UNSUCCESSFUL)))
        }
    }
}

/// Serves the API, and says how workers find it.
fn serve(
    listening: Listening,
    node: &Node,
    settings: &Settings,
    machine: &StateMachine,
) -> Result<Server, Failure> {
    let server = node.serve(listening, settings)?;
    let url = server.url();
    tell(&format!("listening on {url}"));
    if let Some(line) = server.trust() {
        tell(&line);
    }
    for arn in activities(&machine.program) {
        tell(&format!("workers of {arn} are served there"));
    }
    Ok(server)
}

/// What the person sees while it runs.
struct Show {
    narrator: Narrator,
    tokens: TokenWatch,
    url: String,
    /// Whether callers of the API have to sign.
    signs: bool,
    quiet: bool,
}

impl Show {
    /// Starts the execution, shows what it does, and describes its end.
    async fn follow(
        &mut self,
        node: &Node,
        machine: &StateMachine,
        request: StartRequest,
    ) -> Result<ExecutionDescription, Failure> {
        let mut watch = node.runtime.watch();
        let mut function_lines = node.integrations.subscribe_function_logs();
        let runtime = &node.runtime;
        let end = async {
            if machine.machine_type == MachineType::Express {
                return runtime.start_sync_execution(request).await;
            }
            let started = runtime.start_execution(request).await?;
            runtime.wait_for_end(&started.execution_arn).await
        };
        let mut end = std::pin::pin!(end);
        let mut seen_end = false;
        let description = loop {
            tokio::select! {
                description = &mut end => break description.map_err(|error| refused(&error))?,
                piece = watch.recv() => seen_end |= self.show(piece),
                Ok(line) = function_lines.recv() => self.show_function(&line),
            }
        };
        // The last pieces may come a moment behind the answer.
        while !seen_end {
            match tokio::time::timeout(LAST_PROGRESS, watch.recv()).await {
                Ok(piece) => seen_end = self.show(piece),
                Err(_) => break,
            }
        }
        Ok(description)
    }

    fn show_function(&mut self, line: &FunctionLogLine) {
        if !self.quiet {
            self.tokens.shown(&line.text);
            tell(&self.narrator.function_line(line));
        }
    }

    /// Shows a piece of progress; whether it was the last one.
    fn show(&mut self, piece: Result<Progress, RecvError>) -> bool {
        match piece {
            Ok(piece) => {
                if !self.quiet {
                    for line in self.narrator.lines(&piece) {
                        tell(&line);
                    }
                }
                for (state, token) in self.tokens.waiting(&piece) {
                    let command =
                        answer_command(&self.url, &piece.identity.region, self.signs, &token);
                    tell(&format!("to answer {state}:\n  {command}"));
                }
                piece.status != Status::Running
            }
            Err(RecvError::Lagged(pieces)) => {
                tell(&format!("… {pieces} steps are not shown: too much at once"));
                false
            }
            Err(RecvError::Closed) => true,
        }
    }
}

fn refused(error: &RuntimeError) -> Failure {
    Failure::usage(format!("the execution cannot start: {error}"))
}

/// The output, or what went wrong, and the exit status that says the same.
fn report(arguments: &Run, description: &ExecutionDescription) -> Result<ExitCode, Failure> {
    if description.status != Status::Succeeded {
        if arguments.quiet {
            let (error, cause) = (description.error.as_deref(), description.cause.as_deref());
            tell(&format!("{}: {}", description.status.name(), failure(error, cause)));
        }
        return Ok(ExitCode::from(UNSUCCESSFUL));
    }
    if let Some(payload) = &description.output {
        let mut stdout = std::io::stdout().lock();
        let text = output(payload, stdout.is_terminal());
        writeln!(stdout, "{text}")
            .and_then(|()| stdout.flush())
            .map_err(|error| Failure::unsuccessful(format!("cannot write the output: {error}")))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// One line on standard error.
fn tell(line: &str) {
    // Nobody is left to tell if standard error is gone; the execution goes on.
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}
