//! The log: to standard error, never with payloads or secrets.

use tracing_subscriber::EnvFilter;

use crate::cli::OutputFormat;
use crate::failure::Failure;

/// Begins logging. Once per process.
pub(crate) fn start(filter: &str, format: OutputFormat) -> Result<(), Failure> {
    let filter: EnvFilter = EnvFilter::builder().parse(filter).map_err(|error| {
        Failure::usage(format!("the log filter `{filter}` is not valid: {error}"))
    })?;
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match format {
        OutputFormat::Text => {
            subscriber.with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr())).init()
        }
        OutputFormat::Json => subscriber.json().flatten_event(true).init(),
    }
    Ok(())
}
