//! Execution logs: records in AWS's shape, for the log groups that state machines name in their
//! `loggingConfiguration`, to files or standard output.

use std::collections::HashMap;
use std::fmt::Debug;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;

use api::LogSettings;
use asl::Timestamp;
use runtime::Progress;

/// Files that are kept open. A log group beyond takes the place of all of them.
const OPEN_FILES_MAX: usize = 64;

/// A record of an execution log.
#[derive(Debug, Clone, Copy)]
pub struct LogRecord<'r> {
    pub log_group_region: &'r str,
    /// The name of the log group.
    pub log_group: &'r str,
    /// The name of the state machine.
    pub state_machine: &'r str,
    pub execution_arn: &'r str,
    pub at: Timestamp,
    /// JSON on one line.
    pub text: &'r str,
}

/// Where records go. Called by one thread, which may be kept for a moment.
pub trait LogSink: Debug + Send {
    fn write(&mut self, record: LogRecord<'_>);
    /// Nothing more comes for now.
    fn flush(&mut self);
}

/// Gives sinks the records of a turn.
pub(crate) fn log(sinks: &mut [Box<dyn LogSink>], progress: &Progress) {
    if sinks.is_empty() {
        return;
    }
    let Some(settings) = progress.logging.as_deref().and_then(LogSettings::of) else { return };
    let execution_arn = &*progress.identity.arn;
    for event in progress.events.iter() {
        let shown = engine::project(event, &progress.program, &progress.identity);
        let record =
            shown.and_then(|event| settings.record(&event, execution_arn, progress.redrive_count));
        if let Some(text) = record {
            let record = LogRecord {
                log_group_region: settings.log_group_region,
                log_group: settings.log_group,
                state_machine: machine_name(&progress.identity.state_machine_arn),
                execution_arn,
                at: event.at,
                text: &text,
            };
            sinks.iter_mut().for_each(|sink| sink.write(record));
        }
    }
}

/// The name in the ARN of a state machine, of a Map's children too: `…:stateMachine:NAME/LABEL`.
fn machine_name(arn: &str) -> &str {
    let name = arn.split(':').nth(6).unwrap_or(arn);
    name.split('/').next().unwrap_or(name)
}

/// One file for each log group, a record a line.
#[derive(Debug)]
pub struct LogFiles {
    folder: PathBuf,
    files: HashMap<String, BufWriter<File>>,
    /// Whether the last write failed: of failures in a row one is reported.
    fails: bool,
}

impl LogFiles {
    /// Files in a folder, which is created with the first record.
    pub fn in_folder(folder: PathBuf) -> LogFiles {
        LogFiles { folder, files: HashMap::new(), fails: false }
    }

    fn file(&mut self, log_group: &str) -> std::io::Result<&mut BufWriter<File>> {
        if !self.files.contains_key(log_group) {
            if self.files.len() >= OPEN_FILES_MAX {
                self.files.clear();
            }
            std::fs::create_dir_all(&self.folder)?;
            let path = self.folder.join(file_name(log_group));
            let file = File::options().create(true).append(true).open(path)?;
            self.files.insert(log_group.to_owned(), BufWriter::new(file));
        }
        Ok(self.files.get_mut(log_group).expect("inserted above"))
    }

    fn note(&mut self, result: std::io::Result<()>) {
        if let Err(error) = &result
            && !self.fails
        {
            let folder = self.folder.display();
            tracing::error!(%error, %folder, "execution logs cannot be written");
            // Opened anew next time.
            self.files.clear();
        }
        self.fails = result.is_err();
    }
}

impl LogSink for LogFiles {
    fn write(&mut self, record: LogRecord<'_>) {
        let written =
            self.file(record.log_group).and_then(|file| writeln!(file, "{}", record.text));
        self.note(written);
    }

    fn flush(&mut self) {
        let flushed = self.files.values_mut().try_for_each(BufWriter::flush);
        self.note(flushed);
    }
}

/// `/aws/vendedlogs/states/orders` -> `aws_vendedlogs_states_orders.log`. Names that differ only
/// in such signs share a file; the records tell the executions.
fn file_name(log_group: &str) -> String {
    let plain = |character: char| {
        let is_plain = character.is_ascii_alphanumeric() || "-_.#".contains(character);
        if is_plain { character } else { '_' }
    };
    let name: String = log_group.chars().map(plain).collect();
    format!("{}.log", name.trim_matches(['_', '.']))
}

/// Standard output, a record a line.
#[derive(Debug)]
pub struct LogOutput;

impl LogSink for LogOutput {
    fn write(&mut self, record: LogRecord<'_>) {
        // Nobody reads it any more: no reason to stop.
        let _ = writeln!(std::io::stdout().lock(), "{}", record.text);
    }

    fn flush(&mut self) {
        let _ = std::io::stdout().lock().flush();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_groups_have_plain_file_names() {
        for (group, file) in [
            ("/aws/vendedlogs/states/orders", "aws_vendedlogs_states_orders.log"),
            ("orders", "orders.log"),
            ("../../etc/passwd", "etc_passwd.log"),
            ("a b/ü", "a_b.log"),
        ] {
            assert_eq!(file_name(group), file);
        }
    }
}
