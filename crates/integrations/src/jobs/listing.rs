//! What is known of jobs, from their folders: lists, descriptions, logs.

use std::collections::BTreeMap;
use std::io::{self, Read as _, Seek as _};
use std::path::Path;
use std::sync::Arc;

use asl::Timestamp;
use runtime::{
    LocalJob, LocalJobAnswer, LocalJobDetail, LocalJobError, LocalJobPlace, LocalJobRun, LocalJobs,
    LogPart, LogRange,
};
use serde_json::Value;
use uuid::Uuid;

use super::run::{Ended, Run, Runner, modified};
use super::{Jobs, Spec, batch, scope};

/// The run of an array that a cluster runs by itself; its children have the logs.
const ARRAY: &str = "array";

impl From<io::Error> for Problem {
    fn from(error: io::Error) -> Problem {
        Problem(match error.kind() {
            io::ErrorKind::NotFound => LocalJobError::NoJob,
            _ => LocalJobError::Failed(error),
        })
    }
}

/// An error on the way.
struct Problem(LocalJobError);

impl LocalJobs for Jobs {
    fn list<'a>(
        &'a self,
        account: Option<&'a str>,
        status: Option<&'a str>,
        after: Option<LocalJobPlace>,
        most: usize,
    ) -> LocalJobAnswer<'a, Vec<LocalJob>> {
        let folder = self.folder.clone();
        let (account, status) = (account.map(str::to_owned), status.map(str::to_owned));
        Box::pin(on_thread(move || {
            list(&folder, account.as_deref(), status.as_deref(), after.as_ref(), most)
        }))
    }

    fn describe<'a>(&'a self, id: &'a str) -> LocalJobAnswer<'a, LocalJobDetail> {
        let (folder, id) = (self.folder.clone(), id.to_owned());
        Box::pin(on_thread(move || {
            let folder = folder_of(&folder, &id)?;
            let (job, _, result) = read(&folder, &id)?;
            Ok(LocalJobDetail { job, runs: runs(&folder)?, result })
        }))
    }

    fn log<'a>(
        &'a self,
        id: &'a str,
        run: Option<&'a str>,
        range: LogRange,
    ) -> LocalJobAnswer<'a, LogPart> {
        Box::pin(async move {
            let (folder, owned_id) = (self.folder.clone(), id.to_owned());
            let wanted = run.map(str::to_owned);
            let (run, runner) = on_thread(move || find_run(&folder, &owned_id, wanted)).await?;
            if let (Some(runner), Ok(runners)) = (runner, self.runners())
                && let Err(error) = runners.refresh_log(&run, runner).await
            {
                // What was read before is shown.
                tracing::debug!(%error, job = id, "the log of a container cannot be read");
            }
            on_thread(move || Ok(part(&run, range)?)).await
        })
    }
}

async fn on_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Problem> + Send + 'static,
) -> Result<T, LocalJobError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done.map_err(|Problem(error)| error),
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        Err(error) => Err(LocalJobError::Failed(io::Error::other(error))),
    }
}

/// The folder of a job: an id is nothing but a UUID.
fn folder_of(folder: &Path, id: &str) -> Result<std::path::PathBuf, Problem> {
    match Uuid::try_parse(id) {
        Ok(uuid) if uuid.to_string() == id => Ok(folder.join(id)),
        _ => Err(Problem(LocalJobError::NoJob)),
    }
}

fn list(
    folder: &Path,
    account: Option<&str>,
    status: Option<&str>,
    after: Option<&LocalJobPlace>,
    most: usize,
) -> Result<Vec<LocalJob>, Problem> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error.into()),
    };
    // A job's own file is written once.
    let mut places: Vec<LocalJobPlace> = entries
        .filter_map(Result::ok)
        .filter_map(|entry| {
            let id = entry.file_name().into_string().ok()?;
            let made = modified(&entry.path().join("job.json"))?;
            Some((Timestamp(made), id))
        })
        .filter(|place| after.is_none_or(|after| place < after))
        .collect();
    places.sort_by(|one, other| other.cmp(one));
    let mut jobs = Vec::new();
    for (made, id) in places {
        let Ok((mut job, ..)) = read(&folder.join(&id), &id) else { continue };
        let is_asked_for = account.is_none_or(|account| scope(&job.execution_arn).1 == account)
            && status.is_none_or(|status| job.status == status);
        if is_asked_for {
            // By which the list is sorted.
            job.created_at = made;
            jobs.push(job);
        }
        if jobs.len() == most {
            break;
        }
    }
    Ok(jobs)
}

fn read(folder: &Path, id: &str) -> Result<(LocalJob, Spec, Option<Value>), Problem> {
    let spec = std::fs::read(folder.join("job.json"))?;
    let damaged = |error: serde_json::Error| Problem(LocalJobError::Failed(error.into()));
    let spec: Spec = serde_json::from_slice(&spec).map_err(damaged)?;
    let result = match std::fs::read(folder.join("result.json")) {
        Ok(text) => Some(serde_json::from_slice(&text).map_err(damaged)?),
        Err(_) => None,
    };
    let is_success = |result: &Value| match &spec {
        Spec::Batch(_) => batch::is_success(result),
        Spec::Ecs(spec) => spec.failed(result).is_none(),
    };
    let status = match &result {
        Some(result) if is_success(result) => "SUCCEEDED",
        Some(_) => "FAILED",
        None if is_started(folder) => "RUNNING",
        None => "RUNNABLE",
    };
    let job = match &spec {
        Spec::Batch(job) => LocalJob {
            id: id.to_owned(),
            service: "batch",
            name: job.name.clone(),
            status,
            queue: Some(job.queue.clone()),
            definition_arn: job.definition_arn.clone(),
            execution_arn: job.origin.execution_arn.clone(),
            state_name: job.origin.state_name.clone(),
            created_at: Timestamp(job.created_at),
        },
        Spec::Ecs(task) => LocalJob {
            id: id.to_owned(),
            service: "ecs",
            name: super::bare_name(&task.definition_arn).to_owned(),
            status,
            queue: None,
            definition_arn: task.definition_arn.clone(),
            execution_arn: task.origin.execution_arn.clone(),
            state_name: task.origin.state_name.clone(),
            created_at: Timestamp(task.created_at),
        },
    };
    Ok((job, spec, result))
}

fn is_started(folder: &Path) -> bool {
    let entries = std::fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    entries.map(|entry| entry.path()).any(|path| path.extension().is_some_and(|it| it == "claim"))
}

/// The runs of a job, in the order in which they were started.
fn runs(folder: &Path) -> Result<Vec<LocalJobRun>, Problem> {
    let mut names = BTreeMap::new();
    for entry in std::fs::read_dir(folder)?.filter_map(Result::ok) {
        let Ok(name) = entry.file_name().into_string() else { continue };
        let name = name.strip_suffix(".claim").or_else(|| name.strip_suffix(".log"));
        if let Some(name) = name.filter(|name| *name != ARRAY) {
            let run = Run::new(folder, name);
            let started = run.started_at().or_else(|| modified(&run.file("log")));
            names.insert(name.to_owned(), (started, run));
        }
    }
    let mut runs: Vec<(Option<i64>, Run)> = names.into_values().collect();
    runs.sort_by_key(|(started, _)| *started);
    let shown = runs.into_iter().map(|(started, run)| {
        let ended = run.ended();
        let exact = |moment: fn(&Ended) -> i64| ended.as_ref().map(moment);
        LocalJobRun {
            name: run.name(),
            exit_code: ended.as_ref().map(|ended| ended.exit_code),
            started_at: exact(|ended| ended.started_at).or(started).map(Timestamp),
            stopped_at: exact(|ended| ended.stopped_at).map(Timestamp),
            log_bytes: std::fs::metadata(run.file("log")).map_or(0, |metadata| metadata.len()),
        }
    });
    Ok(shown.collect())
}

/// A run of a job, and who runs it if it is no process.
fn find_run(
    folder: &Path,
    id: &str,
    wanted: Option<String>,
) -> Result<(Run, Option<Runner>), Problem> {
    let folder = folder_of(folder, id)?;
    let (_, spec, _) = read(&folder, id)?;
    let known = runs(&folder)?;
    let name = match wanted {
        Some(name) => known.iter().find(|run| run.name == name),
        None => known.last(),
    };
    let name = name.ok_or(Problem(LocalJobError::NoRun))?.name.clone();
    let container = match &spec {
        Spec::Batch(job) => job.program.container.as_ref(),
        Spec::Ecs(task) => {
            let found = task.runs().find(|(run, _)| *run == name);
            found.and_then(|(_, program)| program.container.as_ref())
        }
    };
    Ok((Run::new(&folder, &name), container.map(|container| container.runner)))
}

fn part(run: &Run, range: LogRange) -> io::Result<LogPart> {
    let is_complete = run.ended().is_some();
    let mut file = match std::fs::File::open(run.file("log")) {
        Ok(file) => file,
        // It has printed nothing yet.
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let (offset, text) = (0, String::new());
            return Ok(LogPart {
                run: run.name(),
                offset,
                next_offset: 0,
                bytes: 0,
                text,
                is_complete,
            });
        }
        Err(error) => return Err(error),
    };
    let size = file.metadata()?.len();
    let (mut offset, most) = match range {
        LogRange::From { offset, bytes } => (offset.min(size), bytes),
        LogRange::Tail { bytes } => (size.saturating_sub(bytes), bytes),
    };
    file.seek(io::SeekFrom::Start(offset))?;
    let mut bytes = Vec::new();
    file.take(most).read_to_end(&mut bytes)?;
    if matches!(range, LogRange::Tail { .. }) && offset > 0 {
        // A line that is cut off is left out, unless it is the only one.
        let line = bytes.iter().position(|byte| *byte == b'\n').map(|at| at + 1);
        if let Some(line) = line.filter(|line| *line < bytes.len()) {
            bytes.drain(..line);
            offset += line as u64;
        }
    }
    let whole = whole_characters(&bytes);
    // More of a character may come, but not if this is all that there will ever be.
    let is_end = offset + bytes.len() as u64 == size && is_complete;
    let shown = if is_end || whole == 0 { &bytes[..] } else { &bytes[..whole] };
    Ok(LogPart {
        run: run.name(),
        offset,
        next_offset: offset + shown.len() as u64,
        bytes: size,
        text: String::from_utf8_lossy(shown).into_owned(),
        is_complete,
    })
}

/// How many bytes there are without a character at the end that is not whole.
fn whole_characters(bytes: &[u8]) -> usize {
    match std::str::from_utf8(bytes) {
        Err(error) if error.error_len().is_none() => error.valid_up_to(),
        // What is no UTF-8 anyway may end with such a character, too.
        Err(_) => {
            let tail = bytes.len().saturating_sub(3);
            match (tail..bytes.len()).rev().find(|at| bytes[*at] >= 0xC0) {
                Some(at) if std::str::from_utf8(&bytes[at..]).is_err() => at,
                _ => bytes.len(),
            }
        }
        Ok(_) => bytes.len(),
    }
}

impl Jobs {
    /// The same, for those who show jobs.
    pub(crate) fn shown(self: &Arc<Self>) -> Arc<dyn LocalJobs> {
        Arc::clone(self) as Arc<dyn LocalJobs>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_logs() {
        let folder = tempfile::tempdir().unwrap();
        let run = Run::new(folder.path(), "attempt-1");
        let check = |range: LogRange, expected: (u64, u64, &str)| {
            let part = part(&run, range).unwrap();
            assert_eq!((part.offset, part.next_offset, part.text.as_str()), expected, "{range:?}");
        };
        let from = |offset, bytes| LogRange::From { offset, bytes };
        check(from(0, 9), (0, 0, ""));
        std::fs::write(run.file("log"), "one\ntw€\nthree\n").unwrap();
        check(from(0, 100), (0, 16, "one\ntw€\nthree\n"));
        check(from(0, 7), (0, 6, "one\ntw"));
        check(from(6, 100), (6, 16, "€\nthree\n"));
        check(from(99, 100), (16, 16, ""));
        check(LogRange::Tail { bytes: 8 }, (10, 16, "three\n"));
        check(LogRange::Tail { bytes: 100 }, (0, 16, "one\ntw€\nthree\n"));
        check(LogRange::Tail { bytes: 3 }, (13, 16, "ee\n"));
        std::fs::write(run.file("log"), b"a\xFFb\xE2\x82").unwrap();
        check(from(0, 100), (0, 3, "a\u{FFFD}b"));
        std::fs::write(run.file("exit"), "0\n").unwrap();
        check(from(0, 100), (0, 5, "a\u{FFFD}b\u{FFFD}"));
    }

    #[test]
    fn ids_are_no_paths() {
        for id in ["..", "server-id", "", "A0000000-0000-0000-0000-000000000000/", "a/../b"] {
            assert!(folder_of(Path::new("/jobs"), id).is_err(), "{id}");
        }
    }
}
