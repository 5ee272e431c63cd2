//! Containers by Docker's Engine API, as Docker and Podman speak it. A container has a name that
//! follows from its run, so that it is found again by whoever asks next: nothing is started twice,
//! and nothing of ours has to live as long as the container.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpStream, UnixStream};

use super::config::{ContainersConfig, Pull};
use super::run::{Attempt, Container, Ended, GRACE, LOOK, OUT_OF_MEMORY, Run, Runners, merge};

/// How long a simple question may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long an engine that does not answer is asked before a container is given up that was not
/// made yet; one that was made is waited for as long as it takes.
const TRIES: u32 = 6;
/// Between tries, at first.
const PAUSE: Duration = Duration::from_millis(200);
const PAUSE_LONGEST: Duration = Duration::from_secs(5);
const ANSWER_BYTES_MAX: usize = 16 * 1024 * 1024;
/// The label with the id of a container's job.
const JOB_LABEL: &str = "stepwell.job";
/// The label with the name of the run in the job.
const RUN_LABEL: &str = "stepwell.run";
/// Where engines listen if nobody says it.
const SOCKETS: [&str; 2] = ["/var/run/docker.sock", "/run/podman/podman.sock"];

/// An engine.
pub(super) struct Engine {
    place: Result<Place, String>,
    pull: Pull,
    /// Where the passwords of registries are.
    passwords: Option<PathBuf>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    Unix(PathBuf),
    Tcp(String),
}

/// An answer that is no success, or none.
#[derive(Debug)]
struct Failed {
    /// None if there was no answer.
    status: Option<StatusCode>,
    message: String,
}

impl Failed {
    fn is(&self, status: StatusCode) -> bool {
        self.status == Some(status)
    }

    /// Whether asking again may help.
    fn passes(&self) -> bool {
        self.status.is_none_or(|status| status.is_server_error())
    }

    fn into_io(self, what: &str) -> io::Error {
        io::Error::other(format!("{what}: {}", self.message))
    }
}

/// What a container printed, and how it ended.
pub(crate) struct Printed {
    pub(crate) exit_code: i32,
    pub(crate) output: Vec<u8>,
    pub(crate) errors: Vec<u8>,
}

/// Removes a container when nobody waits for it any more.
struct Removal {
    engine: Arc<Engine>,
    name: String,
}

impl Drop for Removal {
    fn drop(&mut self) {
        let (engine, name) = (Arc::clone(&self.engine), std::mem::take(&mut self.name));
        // Without a runtime the process ends, and the next call of this task removes it.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        runtime.spawn(async move {
            if let Err(failed) = engine.remove(&name).await {
                let error = failed.message;
                tracing::warn!(error, container = name, "a container cannot be removed");
            }
        });
    }
}

/// A container as the engine shows it.
struct Shown {
    status: String,
    ended: Ended,
    error: String,
    has_terminal: bool,
}

impl Engine {
    pub(super) fn new(config: &ContainersConfig, environment: &BTreeMap<String, String>) -> Engine {
        let passwords = match environment.get("DOCKER_CONFIG") {
            Some(folder) => Some(PathBuf::from(folder).join("config.json")),
            None => {
                environment.get("HOME").map(|home| PathBuf::from(home).join(".docker/config.json"))
            }
        };
        let place = find_place(config.host.as_deref(), environment);
        Engine { place, pull: config.pull, passwords }
    }

    /// Starts a container unless that was done before, and waits for its end.
    pub(super) async fn finish(
        &self,
        runners: &Runners,
        run: &Run,
        attempt: Attempt<'_>,
        container: &Container,
    ) -> io::Result<Ended> {
        let name = runners.name_of(run);
        if let Some(ended) = run.ended() {
            self.tidy(&name, run).await;
            return Ok(ended);
        }
        run.claim()?;
        if !run.is_made() {
            let body = create_body(run, attempt, container);
            let id = self.create(&name, &container.image, &body).await;
            let id = id.map_err(|failed| failed.into_io("the container cannot be made"))?;
            run.note_made(&id)?;
        }
        let shown = self.started_and_ended(&name).await?;
        let Some(shown) = shown else {
            let lost = run.lost("the container is gone");
            run.note_ended(&lost)?;
            return Ok(lost);
        };
        if let Err(error) = self.read_log(&name, run, shown.has_terminal).await {
            tracing::warn!(%error, container = name, "the log of a container cannot be kept");
        }
        run.note_ended(&shown.ended)?;
        self.tidy(&name, run).await;
        Ok(shown.ended)
    }

    /// Makes the container, or finds the one that was made before; gives its id.
    async fn create(&self, name: &str, image: &str, body: &Value) -> Result<String, Failed> {
        let path = format!("/containers/create?name={name}");
        let mut is_pulled = false;
        if self.pull == Pull::Always {
            self.pull_image(image).await?;
            is_pulled = true;
        }
        let mut pause = PAUSE;
        let mut tries = 0;
        loop {
            // What was made although its answer was lost is found by its name.
            let failed = match self.show(name).await {
                Ok(Some((id, _))) => return Ok(id),
                Ok(None) => match self.ask(Method::POST, &path, Some(body)).await {
                    Ok(answer) => return Ok(answer["Id"].as_str().unwrap_or(name).to_owned()),
                    Err(failed) => failed,
                },
                Err(failed) => failed,
            };
            match failed {
                // Podman's word for a name that is taken is 500. It is asked for next.
                failed if failed.is(StatusCode::CONFLICT) => {}
                failed if failed.is(StatusCode::NOT_FOUND) && !is_pulled => {
                    if self.pull == Pull::Never {
                        return Err(failed);
                    }
                    self.pull_image(image).await?;
                    is_pulled = true;
                    continue;
                }
                failed if failed.passes() => {
                    if tries + 1 == TRIES {
                        return Err(failed);
                    }
                }
                failed => return Err(failed),
            }
            tries += 1;
            if tries >= TRIES {
                let message = "its name is taken by a container that cannot be seen".to_owned();
                return Err(Failed { status: None, message });
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(PAUSE_LONGEST);
        }
    }

    /// Starts a container that was not started yet, and waits for its end. None if it is gone.
    async fn started_and_ended(&self, name: &str) -> io::Result<Option<Shown>> {
        let mut pause = PAUSE;
        let mut starts = 0;
        loop {
            let shown = match self.show(name).await {
                Ok(None) => return Ok(None),
                Ok(Some((_, shown))) => shown,
                // It was made: whatever the engine does, it is asked until it knows.
                Err(_) => {
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(PAUSE_LONGEST);
                    continue;
                }
            };
            match shown.status.as_str() {
                "exited" | "dead" | "stopped" if shown.error.is_empty() || starts == 0 => {
                    return Ok(Some(shown));
                }
                "exited" | "dead" | "stopped" => {
                    return Err(self.give_up(name, shown.error).await);
                }
                "created" | "configured" | "initialized" => {
                    let path = format!("/containers/{name}/start");
                    starts += 1;
                    match self.ask(Method::POST, &path, None).await {
                        Ok(_) => pause = PAUSE,
                        Err(failed) if failed.passes() && starts < TRIES => {
                            tokio::time::sleep(pause).await;
                            pause = (pause * 2).min(PAUSE_LONGEST);
                        }
                        // It may have run, and be gone.
                        Err(failed) if failed.is(StatusCode::CONFLICT) => {}
                        Err(failed) => return Err(self.give_up(name, failed.message).await),
                    }
                }
                _ => {
                    let path = format!("/containers/{name}/wait");
                    let waited = self.send(Method::POST, &path, None).await;
                    let waited = match waited {
                        Ok(answer) => body_of(answer).await.map(drop),
                        Err(failed) => Err(failed),
                    };
                    match waited {
                        Ok(()) => tokio::time::sleep(Duration::from_millis(5)).await,
                        Err(_) => tokio::time::sleep(PAUSE).await,
                    }
                }
            }
        }
    }

    /// Removes a container that cannot be started.
    async fn give_up(&self, name: &str, reason: String) -> io::Error {
        let _ = self.remove(name).await;
        io::Error::other(format!("the container cannot be started: {reason}"))
    }

    /// Asks the container to end, and has the engine kill it if it does not; again and again, for
    /// it may only be about to be made.
    pub(super) async fn stop(&self, name: &str) -> Infallible {
        let path = format!("/containers/{name}/stop?t={}", GRACE.as_secs());
        loop {
            let asked = match self.send(Method::POST, &path, None).await {
                Ok(answer) => body_of(answer).await.map(drop),
                Err(failed) => Err(failed),
            };
            if let Err(failed) = asked
                && failed.status.is_some_and(|status| status.is_server_error())
            {
                let path = format!("/containers/{name}/kill");
                let _ = self.ask(Method::POST, &path, None).await;
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Removes what is over and noted.
    async fn tidy(&self, name: &str, run: &Run) {
        if !run.is_made() {
            return;
        }
        match self.remove(name).await {
            Err(failed) => {
                let error = failed.message;
                tracing::warn!(error, container = name, "a container cannot be removed");
            }
            Ok(()) => {
                let _ = std::fs::remove_file(run.file("made"));
            }
        }
    }

    async fn show(&self, name: &str) -> Result<Option<(String, Shown)>, Failed> {
        let shown = match self.ask(Method::GET, &format!("/containers/{name}/json"), None).await {
            Ok(shown) => shown,
            Err(failed) if failed.is(StatusCode::NOT_FOUND) => return Ok(None),
            Err(failed) => return Err(failed),
        };
        let state = &shown["State"];
        let moment = |name: &str| {
            let moment: jiff::Timestamp = state[name].as_str()?.parse().ok()?;
            // The year 1 stands for never.
            Some(moment.as_millisecond()).filter(|moment| *moment > 0)
        };
        let created = shown["Created"].as_str().and_then(|text| text.parse().ok());
        let created = created.map_or(0, jiff::Timestamp::as_millisecond);
        let started_at = moment("StartedAt").unwrap_or(created);
        let out_of_memory = state["OOMKilled"] == true;
        let ended = Ended {
            exit_code: state["ExitCode"]
                .as_i64()
                .and_then(|code| code.try_into().ok())
                .unwrap_or(-1),
            started_at,
            stopped_at: moment("FinishedAt").unwrap_or(started_at),
            reason: out_of_memory.then(|| OUT_OF_MEMORY.to_owned()),
            timed_out: false,
        };
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let shown = (
            text(&shown["Id"]),
            Shown {
                status: text(&state["Status"]),
                ended,
                error: text(&state["Error"]),
                has_terminal: shown["Config"]["Tty"] == true,
            },
        );
        Ok(Some(shown))
    }

    /// Has the engine fetch an image.
    async fn pull_image(&self, image: &str) -> Result<(), Failed> {
        let has_tag = image.rsplit('/').next().is_some_and(|last| last.contains([':', '@']));
        let image = if has_tag { image.to_owned() } else { format!("{image}:latest") };
        let mut query = String::new();
        crate::http_task::form::append_pair(&mut query, "fromImage", &image);
        let answer = self.send(Method::POST, &format!("/images/create?{query}"), None).await?;
        let progress = body_of(answer).await?;
        // Lines of JSON: what goes wrong on the way stands among them.
        let lines = progress.split(|byte| *byte == b'\n');
        let error = lines
            .filter_map(|line| serde_json::from_slice::<Value>(line).ok())
            .find_map(|line| Some(line.get("error")?.as_str()?.to_owned()));
        match error {
            None => Ok(()),
            Some(error) => {
                let message = format!("CannotPullContainerError: {error}");
                Err(Failed { status: Some(StatusCode::NOT_FOUND), message })
            }
        }
    }

    /// Has what the container printed until now in the run's log.
    pub(super) async fn keep_log(&self, name: &str, run: &Run) -> io::Result<()> {
        let shown = self.show(name).await.map_err(|failed| failed.into_io("no container"))?;
        match shown {
            Some((_, shown)) => self.read_log(name, run, shown.has_terminal).await,
            None => Ok(()),
        }
    }

    /// Runs an image once with a text on its standard input, and gives what it printed, at most so
    /// many bytes of its output and its errors. A container of this name that is there already
    /// is of a call that nobody waits for any more: it is removed, as this one is at the end.
    pub(super) async fn run_once(
        self: &Arc<Self>,
        name: &str,
        image: &str,
        mut body: Value,
        input: &[u8],
        limits: (usize, usize),
    ) -> Result<Printed, String> {
        let told = |failed: Failed| failed.message;
        self.remove(name).await.map_err(told)?;
        let streams = json!({"OpenStdin": true, "StdinOnce": true, "AttachStdin": true});
        merge(&mut body, &streams);
        let removal = Removal { engine: Arc::clone(self), name: name.to_owned() };
        self.create(name, image, &body).await.map_err(told)?;
        let mut stdin = self.attach(name).await?;
        let path = format!("/containers/{name}/start");
        self.ask(Method::POST, &path, None).await.map_err(told)?;
        let write = async {
            // A program may not care for its parameters.
            let _ = stdin.write_all(input).await;
            let _ = stdin.shutdown().await;
            // Whoever hangs up entirely may take the rest along.
            let _ = tokio::io::copy(&mut stdin, &mut tokio::io::sink()).await;
        };
        let ended = async { self.started_and_ended(name).await.map_err(|error| error.to_string()) };
        let ended = tokio::select! {
            ended = ended => ended?,
            () = async { write.await; std::future::pending().await } => None,
        };
        let shown = ended.ok_or("the container is gone")?;
        let (output, errors) = tokio::try_join!(
            self.printed(name, "stdout", limits.0),
            self.printed(name, "stderr", limits.1)
        )?;
        drop(removal);
        Ok(Printed { exit_code: shown.ended.exit_code, output, errors })
    }

    /// The first bytes of one of a container's streams.
    async fn printed(&self, name: &str, stream: &str, most: usize) -> Result<Vec<u8>, String> {
        let path = format!("/containers/{name}/logs?{stream}=1");
        let answer = self.send(Method::GET, &path, None).await.map_err(|failed| failed.message)?;
        let mut body = answer.into_body();
        let mut frames = Frames::default();
        let mut kept = Vec::new();
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| error.to_string())?;
            if let Some(bytes) = frame.data_ref() {
                frames
                    .read(bytes, |piece| {
                        let room = most.saturating_sub(kept.len());
                        kept.extend_from_slice(&piece[..piece.len().min(room)]);
                        Ok(())
                    })
                    .map_err(|error| error.to_string())?;
            }
        }
        Ok(kept)
    }

    /// The standard input of a container that was not started yet.
    async fn attach(&self, name: &str) -> Result<TokioIo<Upgraded>, String> {
        let path = format!("/containers/{name}/attach?stream=1&stdin=1");
        let answer = self.send(Method::POST, &path, None).await.map_err(|failed| failed.message)?;
        let stream = hyper::upgrade::on(answer).await;
        stream.map(TokioIo::new).map_err(|error| format!("its input cannot be written: {error}"))
    }

    async fn remove(&self, name: &str) -> Result<(), Failed> {
        match self.ask(Method::DELETE, &format!("/containers/{name}?force=1&v=1"), None).await {
            Err(failed) if !failed.is(StatusCode::NOT_FOUND) => Err(failed),
            _ => Ok(()),
        }
    }

    async fn read_log(&self, name: &str, run: &Run, has_terminal: bool) -> io::Result<()> {
        let path = format!("/containers/{name}/logs?stdout=1&stderr=1");
        let answer = self.send(Method::GET, &path, None).await;
        let mut body = answer.map_err(|failed| failed.into_io("no log"))?.into_body();
        let mut log = run.log_writer()?;
        let mut frames = Frames::default();
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(io::Error::other)?;
            let Some(bytes) = frame.data_ref() else { continue };
            match has_terminal {
                true => log.write(bytes)?,
                false => frames.read(bytes, |piece| log.write(piece))?,
            }
        }
        log.finish()
    }

    /// Asks for JSON.
    async fn ask(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Value, Failed> {
        let asked = async { body_of(self.send(method, path, body).await?).await };
        let no_answer = || Failed { status: None, message: "it does not answer".to_owned() };
        let bytes = tokio::time::timeout(PATIENCE, asked).await.map_err(|_| no_answer())??;
        Ok(serde_json::from_slice(&bytes).unwrap_or(Value::Null))
    }

    /// Sends a request on a connection of its own; the error of an answer that is no success is
    /// what the engine says.
    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Response<Incoming>, Failed> {
        let no_answer = |message: String| Failed { status: None, message };
        let place = self.place.as_ref().map_err(|why| no_answer(why.clone()))?;
        let mut request = Request::builder().method(method).uri(path).header("host", "engine");
        if path.starts_with("/images/create")
            && let Some(password) = self.password(path)
        {
            request = request.header("x-registry-auth", password);
        }
        if path.contains("/attach?") {
            request = request.header("connection", "Upgrade").header("upgrade", "tcp");
        }
        let request = match body {
            None => request.body(Full::new(Bytes::new())),
            Some(body) => request
                .header("content-type", "application/json")
                .body(Full::new(Bytes::from(body.to_string()))),
        };
        let request = request.map_err(|error| no_answer(error.to_string()))?;
        let answer = match place {
            Place::Unix(path) => match UnixStream::connect(path).await {
                Ok(stream) => exchange(stream, request).await,
                Err(error) => Err(format!("{}: {error}", path.display())),
            },
            Place::Tcp(address) => match TcpStream::connect(address).await {
                Ok(stream) => exchange(stream, request).await,
                Err(error) => Err(format!("{address}: {error}")),
            },
        };
        let answer = answer.map_err(no_answer)?;
        let status = answer.status();
        let is_upgrade = status == StatusCode::SWITCHING_PROTOCOLS;
        if status.is_success() || status == StatusCode::NOT_MODIFIED || is_upgrade {
            return Ok(answer);
        }
        let body = body_of(answer).await?;
        let said = serde_json::from_slice::<Value>(&body).ok();
        let said = said.as_ref().and_then(|said| said["message"].as_str());
        let message = said.map_or_else(|| status.to_string(), str::to_owned);
        Err(Failed { status: Some(status), message })
    }

    /// What proves to a registry who we are, if its password is on this machine.
    fn password(&self, path: &str) -> Option<String> {
        let image = path.split_once("fromImage=")?.1;
        let registry = match image.split_once("%2F") {
            Some((first, _)) if first.contains(['.', ':']) || first.contains("%3A") => {
                first.replace("%3A", ":")
            }
            _ => "https://index.docker.io/v1/".to_owned(),
        };
        let text = std::fs::read(self.passwords.as_ref()?).ok()?;
        let config: Value = serde_json::from_slice(&text).ok()?;
        let given = config["auths"].get(&registry)?["auth"].as_str()?;
        let given = String::from_utf8(STANDARD.decode(given).ok()?).ok()?;
        let (user, password) = given.split_once(':')?;
        let proof = json!({"username": user, "password": password, "serveraddress": registry});
        Some(URL_SAFE.encode(proof.to_string()))
    }
}

async fn exchange(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    request: Request<Full<Bytes>>,
) -> Result<Response<Incoming>, String> {
    let connected = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await;
    let (mut sender, connection) = connected.map_err(|error| error.to_string())?;
    tokio::spawn(connection.with_upgrades());
    sender.send_request(request).await.map_err(|error| error.to_string())
}

async fn body_of(answer: Response<Incoming>) -> Result<Bytes, Failed> {
    let body = Limited::new(answer.into_body(), ANSWER_BYTES_MAX).collect().await;
    let body = body.map_err(|error| Failed { status: None, message: error.to_string() })?;
    Ok(body.to_bytes())
}

/// What an engine is told of a container that is run once.
pub(super) fn body_of_once(
    image: &str,
    command: &[String],
    environment: &BTreeMap<String, String>,
    title: &str,
    options: Option<&Value>,
) -> Value {
    let variables = environment.iter().map(|(name, value)| format!("{name}={value}"));
    let mut body = json!({
        "Image": image,
        "Env": variables.collect::<Vec<String>>(),
        "Labels": {"stepwell.title": title}
    });
    if !command.is_empty() {
        body["Cmd"] = json!(command);
    }
    if let Some(options) = options {
        merge(&mut body, options);
    }
    body
}

/// What an engine is told of a container.
fn create_body(run: &Run, attempt: Attempt<'_>, container: &Container) -> Value {
    let variables = attempt.environment.iter().map(|(name, value)| format!("{name}={value}"));
    let limits = attempt.program.limits;
    let mut host = json!({});
    if let Some(megabytes) = limits.memory_megabytes {
        let bytes = megabytes.saturating_mul(1024 * 1024);
        host["Memory"] = bytes.into();
        // Without it as much again may be swapped out.
        host["MemorySwap"] = bytes.into();
    }
    if let Some(milli_cpus) = limits.milli_cpus {
        host["NanoCpus"] = milli_cpus.saturating_mul(1_000_000).into();
    }
    let mut body = json!({
        "Image": container.image,
        "Env": variables.collect::<Vec<String>>(),
        "Labels": {JOB_LABEL: run.job(), RUN_LABEL: run.name(), "stepwell.title": attempt.title},
        "StopTimeout": GRACE.as_secs(),
        "HostConfig": host
    });
    if !attempt.program.command.is_empty() {
        body["Cmd"] = json!(attempt.program.command);
    }
    if container.settings.is_object() {
        merge(&mut body, &container.settings);
    }
    body
}

/// Where the engine is: as configured, as Docker's own variable says, or at one of its usual
/// places.
fn find_place(
    configured: Option<&str>,
    environment: &BTreeMap<String, String>,
) -> Result<Place, String> {
    let named = configured.or_else(|| environment.get("DOCKER_HOST").map(String::as_str));
    if let Some(named) = named {
        return parse_place(named);
    }
    let own =
        environment.get("XDG_RUNTIME_DIR").map(|folder| format!("{folder}/podman/podman.sock"));
    let usual = SOCKETS.iter().map(|path| (*path).to_owned()).chain(own);
    usual.map(PathBuf::from).find(|path| path.exists()).map(Place::Unix).ok_or_else(|| {
        "no container engine listens at /var/run/docker.sock or /run/podman/podman.sock; \
         start one, or name its socket as 'host' in [containers]"
            .to_owned()
    })
}

fn parse_place(text: &str) -> Result<Place, String> {
    match text.split_once("://") {
        Some(("unix", path)) if path.starts_with('/') => Ok(Place::Unix(path.into())),
        Some(("tcp" | "http", address)) if !address.is_empty() => {
            Ok(Place::Tcp(address.trim_end_matches('/').to_owned()))
        }
        _ => Err(format!("'host' is \"{text}\", but must begin with unix:/// or tcp://")),
    }
}

/// What is wrong with the place of an engine.
pub(super) fn check_host(text: &str) -> Result<(), String> {
    parse_place(text).map(drop)
}

/// Takes the two streams of a container without terminal apart, and puts them together in order:
/// each piece has a head of eight bytes, of which the last four are its length.
#[derive(Default)]
struct Frames {
    head: Vec<u8>,
    /// Bytes that are left of the piece.
    left: usize,
}

impl Frames {
    fn read(
        &mut self,
        mut bytes: &[u8],
        mut keep: impl FnMut(&[u8]) -> io::Result<()>,
    ) -> io::Result<()> {
        const HEAD: usize = 8;
        while !bytes.is_empty() {
            if self.left == 0 {
                let taken = bytes.len().min(HEAD - self.head.len());
                self.head.extend_from_slice(&bytes[..taken]);
                bytes = &bytes[taken..];
                if let Ok([_, _, _, _, length @ ..]) = <[u8; HEAD]>::try_from(&self.head[..]) {
                    self.left = u32::from_be_bytes(length) as usize;
                    self.head.clear();
                }
                continue;
            }
            let taken = bytes.len().min(self.left);
            keep(&bytes[..taken])?;
            bytes = &bytes[taken..];
            self.left -= taken;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn engines_are_found() {
        let check = |configured: Option<&str>, variable: Option<&str>, expected: Place| {
            let variable = variable.map(|value| ("DOCKER_HOST".to_owned(), value.to_owned()));
            let environment = variable.into_iter().collect();
            assert_eq!(find_place(configured, &environment), Ok(expected));
        };
        check(Some("unix:///a"), Some("tcp://b:1"), Place::Unix("/a".into()));
        check(None, Some("tcp://b:1"), Place::Tcp("b:1".to_owned()));
        check(Some("http://127.0.0.1:9/"), None, Place::Tcp("127.0.0.1:9".to_owned()));
        assert_eq!(
            check_host("ssh://a"),
            Err("'host' is \"ssh://a\", but must begin with unix:/// or tcp://".to_owned())
        );
    }

    #[test]
    fn the_streams_of_a_container_are_put_together() {
        let pieces = b"\x01\0\0\0\0\0\0\x04out\n\x02\0\0\0\0\0\0\x00\x02\0\0\0\0\0\0\x03err";
        for size in 1..pieces.len() {
            let folder = tempfile::tempdir().unwrap();
            let run = Run::new(folder.path(), "a");
            let mut log = run.log_writer().unwrap();
            let mut frames = Frames::default();
            for chunk in pieces.chunks(size) {
                frames.read(chunk, |piece| log.write(piece)).unwrap();
            }
            log.finish().unwrap();
            assert_eq!(std::fs::read(run.file("log")).unwrap(), b"out\nerr");
        }
    }
}
