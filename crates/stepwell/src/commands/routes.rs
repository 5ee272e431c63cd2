//! `stepwell routes`: where the tasks of definitions would go.

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use asl::StateKind;
use integrations::describe_destination;

use crate::cli::{MockOptions, Routes, ServerOptions};
use crate::config::{environment, resolve};
use crate::failure::{Failure, UNSUCCESSFUL};
use crate::wiring::integrations_config;

/// Shows a line for each Task state: state, resource, destination.
pub(crate) fn run(arguments: &Routes) -> Result<ExitCode, Failure> {
    let options = ServerOptions {
        listen: None,
        insecure: false,
        data: None,
        mocks: MockOptions::default(),
        common: arguments.common.clone(),
    };
    let settings = resolve(&options, Path::new(""), "warn", &environment)?;
    let config = integrations_config(&settings);
    let mut shown = String::new();
    let mut is_valid = true;
    for path in &arguments.files {
        let text = std::fs::read_to_string(path)
            .map_err(|error| Failure::usage(format!("cannot read {}: {error}", path.display())))?;
        let compiled = crate::machines::definition(path, &text).compile(arguments.r#type.into());
        shown.push_str(&format!("{}\n", path.display()));
        let Some(program) = compiled.program else {
            is_valid = false;
            shown.push_str("  not valid; see stepwell validate\n");
            continue;
        };
        let tasks: Vec<_> = program
            .states
            .iter()
            .filter_map(|state| match &state.kind {
                StateKind::Task(task) => Some((&*state.name, &task.resource)),
                _ => None,
            })
            .collect();
        if tasks.is_empty() {
            shown.push_str("  no tasks\n");
        }
        for (name, resource) in tasks {
            let destination = describe_destination(&config, resource, &settings.region);
            shown.push_str(&format!("  {name}\n    {}\n    -> {destination}\n", resource.arn()));
        }
    }
    std::io::stdout()
        .write_all(shown.as_bytes())
        .map_err(|error| Failure::unsuccessful(format!("cannot write the routes: {error}")))?;
    Ok(if is_valid { ExitCode::SUCCESS } else { ExitCode::from(UNSUCCESSFUL) })
}
