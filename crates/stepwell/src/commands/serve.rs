//! `stepwell serve`: the API over a data directory, until a signal.

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use crate::cli::Serve;
use crate::config::{environment, resolve};
use crate::failure::Failure;
use crate::stop::Stop;
use crate::telemetry;
use crate::wiring::{Node, bind, on_tokio};

/// Serves until asked to stop.
pub(crate) fn run(arguments: &Serve) -> Result<ExitCode, Failure> {
    let settings = resolve(&arguments.server, Path::new(""), "info", &environment)?;
    telemetry::start(&settings.log, settings.log_format)?;
    on_tokio(async {
        let stop = Stop::on_signals()?;
        let listening = bind(&settings.listen, settings.is_open(), &settings.tls)?;
        let node = Node::start(&settings, Some(&listening.own_url()), None).await?;
        let server = node.serve(listening, &settings)?;
        say(&format!("listening on {}", server.url()))?;
        if let Some(line) = server.trust() {
            say(&line)?;
        }
        tracing::info!(url = server.url(), account = settings.account_id, "ready");
        let signal = stop.asked().await;
        tracing::info!(signal, "stopping");
        server.stop().await;
        node.stop().await;
        tracing::info!("stopped");
        Ok(ExitCode::SUCCESS)
    })
}

/// One line on standard output, at once.
pub(crate) fn say(line: &str) -> Result<(), Failure> {
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "{line}")
        .and_then(|()| stdout.flush())
        .map_err(|error| Failure::unsuccessful(format!("cannot write: {error}")))
}
