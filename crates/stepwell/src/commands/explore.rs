//! `stepwell explore`: paths to every end of a definition, and what leads along them.

use std::io::Write;
use std::process::ExitCode;

use ::explore::{End, Exit, Exploration, Outcome, Path};
use asl::render_diagnostic;
use serde_json::{Value, json};

use crate::cli::{Explore, OutputFormat};
use crate::failure::{Failure, UNSUCCESSFUL};
use crate::style::{Style, Tone};

/// Explores one definition.
pub(crate) fn run(arguments: &Explore) -> Result<ExitCode, Failure> {
    let path = &arguments.definition;
    let file = path.display().to_string();
    let text = std::fs::read_to_string(path)
        .map_err(|error| Failure::usage(format!("cannot read {file}: {error}")))?;
    let definition = crate::machines::definition(path, &text);
    let machine_type = arguments.r#type.into();
    let compiled = definition.compile(machine_type);
    let valid = compiled.program.and(definition.to_json());
    let Some(Ok(exploration)) = valid.map(|json| ::explore::explore(&json, machine_type)) else {
        for diagnostic in compiled.diagnostics.iter().filter(|found| found.is_error()) {
            eprint(&render_diagnostic(&file, &text, diagnostic))?;
        }
        return Err(Failure::usage(format!("{file} is not valid")));
    };
    let shown = match arguments.format {
        OutputFormat::Text => as_text(&file, &exploration, Style::of(&std::io::stdout())),
        OutputFormat::Json => format!("{:#}\n", as_json(&exploration)),
    };
    std::io::stdout()
        .write_all(shown.as_bytes())
        .map_err(|error| Failure::unsuccessful(format!("cannot write the paths: {error}")))?;
    let reached = exploration.ends.iter().all(|end| end.path.is_ok());
    Ok(if reached { ExitCode::SUCCESS } else { ExitCode::from(UNSUCCESSFUL) })
}

fn eprint(text: &str) -> Result<(), Failure> {
    std::io::stderr()
        .write_all(text.as_bytes())
        .map_err(|error| Failure::unsuccessful(format!("cannot write what is wrong: {error}")))
}

/// The name of an end with what is around it.
fn place(end: &End) -> String {
    let names: Vec<&str> = end.inside.iter().chain([&end.state]).map(String::as_str).collect();
    names.join(" > ")
}

fn as_text(file: &str, exploration: &Exploration, style: Style) -> String {
    let mut shown = String::new();
    for end in &exploration.ends {
        let name = style.paint(Tone::Name, &place(end));
        match &end.path {
            Ok(path) => {
                let mark = style.paint(Tone::Good, "●");
                shown.push_str(&format!("{mark} {name}  {}\n", end.kind));
                shown.push_str(&path_text(path, style));
            }
            Err(reason) => {
                let mark = style.paint(Tone::Bad, "○");
                shown
                    .push_str(&format!("{mark} {name}  {}\n    not reached: {reason}\n", end.kind));
            }
        }
    }
    let reached = exploration.ends.iter().filter(|end| end.path.is_ok()).count();
    let all = exploration.ends.len();
    let ends = if all == 1 { "end" } else { "ends" };
    shown.push_str(&format!("{file}: {reached} of {all} {ends} reached\n"));
    shown
}

fn path_text(path: &Path, style: Style) -> String {
    let dim = |text: &str| style.paint(Tone::Dim, text);
    let steps: Vec<String> = path
        .steps
        .iter()
        .map(|step| match exit(step.exit) {
            Some(exit) => format!("{} {}", step.state, dim(&format!("({exit})"))),
            None => step.state.clone(),
        })
        .collect();
    let mut shown = format!("    {}\n", steps.join(" → "));
    shown.push_str(&format!("    {} {}\n", dim("input"), path.input));
    for (task, outcome) in &path.tasks {
        let outcome = match outcome {
            Outcome::Output(output) => format!("{} {output}", dim("gives")),
            Outcome::Error(error) => format!("{} {error}", dim("fails with")),
        };
        shown.push_str(&format!("    {task} {outcome}\n"));
    }
    shown
}

/// How a state is left, where that is worth a word.
fn exit(exit: Exit) -> Option<String> {
    match exit {
        Exit::Next | Exit::End | Exit::Inside(_) => None,
        Exit::Rule(rule) => Some(format!("Choices[{rule}]")),
        Exit::Default => Some("Default".to_owned()),
        Exit::Caught(catcher) => Some(format!("Catch[{catcher}]")),
        Exit::Failed => Some("fails".to_owned()),
    }
}

/// An array with one object per end: its place, whether it is reached, and how or why not.
fn as_json(exploration: &Exploration) -> Value {
    let ends = exploration.ends.iter().map(|end| {
        let mut shown = json!({
            "inside": end.inside,
            "state": end.state,
            "type": end.kind,
            "reached": end.path.is_ok(),
        });
        match &end.path {
            Ok(path) => {
                let steps = path.steps.iter();
                shown["path"] = steps
                    .map(|step| json!({ "state": step.state, "exit": exit(step.exit) }))
                    .collect();
                shown["input"] = path.input.clone();
                let tasks = path.tasks.iter().map(|(task, outcome)| {
                    let outcome = match outcome {
                        Outcome::Output(output) => json!({ "output": output }),
                        Outcome::Error(error) => json!({ "error": error }),
                    };
                    (task.clone(), outcome)
                });
                shown["tasks"] = Value::Object(tasks.collect());
            }
            Err(reason) => shown["reason"] = json!(reason),
        }
        shown
    });
    ends.collect()
}
