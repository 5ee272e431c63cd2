//! Images run by a container engine: a stand-in that speaks the Engine API on a socket and has
//! faults, and Podman itself where it can run.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use asl::Pattern;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::UnixListener;
use tokio::sync::watch;

use super::{World, batch, run, script, spawn, submit};

/// A container of the stand-in.
#[derive(Debug, Clone)]
struct Container {
    body: Value,
    status: &'static str,
    exit_code: i64,
    starts: u32,
}

/// An engine whose containers run until they are told to end.
#[derive(Clone)]
struct StandIn {
    socket: PathBuf,
    state: Arc<Mutex<State>>,
    changed: watch::Sender<u64>,
}

#[derive(Default)]
struct State {
    containers: BTreeMap<String, Container>,
    requests: Vec<String>,
    /// Images that are there; others can be pulled unless their name says it.
    images: Vec<String>,
    /// Answers to come before anything is done right: what a request begins with, and its status;
    /// 0 does what is asked and then ends the connection.
    faults: Vec<(&'static str, u16)>,
}

impl StandIn {
    fn start(folder: &Path) -> StandIn {
        let socket = folder.join("engine.sock");
        let listener = UnixListener::bind(&socket).unwrap();
        let state = State { images: vec!["image".to_owned()], ..State::default() };
        let engine =
            StandIn { socket, state: Arc::new(Mutex::new(state)), changed: watch::Sender::new(0) };
        let served = engine.clone();
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let engine = served.clone();
                let service = service_fn(move |request| {
                    let engine = engine.clone();
                    async move { engine.answer(request).await }
                });
                let connection = hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), service);
                tokio::spawn(async move { connection.await.ok() });
            }
        });
        engine
    }

    fn change<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        let result = work(&mut self.state.lock().unwrap());
        self.changed.send_modify(|count| *count += 1);
        result
    }

    /// Waits until the state is as it should be.
    async fn until<T>(&self, look: impl Fn(&State) -> Option<T>) -> T {
        let wait = async {
            let mut changed = self.changed.subscribe();
            loop {
                if let Some(found) = look(&self.state.lock().unwrap()) {
                    return found;
                }
                changed.changed().await.unwrap();
            }
        };
        tokio::time::timeout(Duration::from_secs(20), wait).await.expect("the engine is asked")
    }

    async fn until_running(&self) -> (String, Container) {
        let found = |state: &State| {
            let mut all = state.containers.iter();
            all.find(|(_, one)| one.status == "running").map(|(n, c)| (n.clone(), c.clone()))
        };
        self.until(found).await
    }

    fn end(&self, name: &str, exit_code: i64) {
        self.change(|state| {
            let container = state.containers.get_mut(name).unwrap();
            (container.status, container.exit_code) = ("exited", exit_code);
        });
    }

    fn fail(&self, faults: &[(&'static str, u16)]) {
        self.change(|state| state.faults.extend(faults));
    }

    fn requests(&self, start: &str) -> Vec<String> {
        let state = self.state.lock().unwrap();
        state.requests.iter().filter(|request| request.starts_with(start)).cloned().collect()
    }

    async fn answer(
        &self,
        request: Request<Incoming>,
    ) -> Result<Response<Full<Bytes>>, std::io::Error> {
        let (head, body) = request.into_parts();
        let target = format!("{} {}", head.method, head.uri);
        let body = body.collect().await.unwrap().to_bytes();
        let body: Value = serde_json::from_slice(&body).unwrap_or(Value::Null);
        let fault = self.change(|state| {
            state.requests.push(target.clone());
            let at = state.faults.iter().position(|(start, _)| target.starts_with(start));
            at.map(|at| state.faults.remove(at).1)
        });
        let message = |status: u16, text: &str| (status, json!({ "message": text }).to_string());
        let (status, text) = match fault {
            Some(status) if status > 0 => message(status, "a fault"),
            _ => self.act(head.method.as_str(), &head.uri.to_string(), body).await,
        };
        if fault == Some(0) {
            return Err(std::io::Error::other("a fault"));
        }
        Ok(Response::builder().status(status).body(Full::new(Bytes::from(text))).unwrap())
    }

    async fn act(&self, method: &str, target: &str, body: Value) -> (u16, String) {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let message = |status: u16, text: &str| (status, json!({ "message": text }).to_string());
        let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        match (method, &parts[..]) {
            ("POST", ["containers", "create"]) => self.change(|state| {
                let name = query.strip_prefix("name=").unwrap().to_owned();
                if state.containers.contains_key(&name) {
                    return message(409, "the name is taken");
                }
                if !state.images.contains(&body["Image"].as_str().unwrap().to_owned()) {
                    return message(404, "no such image");
                }
                let container = Container { body, status: "created", exit_code: 0, starts: 0 };
                state.containers.insert(name.clone(), container);
                (201, json!({ "Id": format!("id-{name}") }).to_string())
            }),
            ("POST", ["images", "create"]) => self.change(|state| {
                if query.contains("unknown") {
                    return (
                        200,
                        "{\"status\": \"…\"}\n{\"error\": \"no such repository\"}\n".to_owned(),
                    );
                }
                state.images.push(query.replace("fromImage=", "").replace("%3Alatest", ""));
                (200, "{\"status\": \"done\"}\n".to_owned())
            }),
            (_, ["containers", name, rest @ ..]) => {
                if rest == ["wait"] {
                    let ended = |state: &State| match state.containers.get(*name) {
                        Some(container) if container.status == "running" => None,
                        _ => Some(()),
                    };
                    self.until(ended).await;
                    return (200, "{\"StatusCode\": 0}".to_owned());
                }
                self.change(|state| {
                    let Some(container) = state.containers.get_mut(*name) else {
                        return message(404, "no such container");
                    };
                    match (method, rest) {
                        ("GET", ["json"]) => (200, shown(name, container).to_string()),
                        ("POST", ["start"]) if container.status == "running" => {
                            (304, String::new())
                        }
                        ("POST", ["start"]) => {
                            container.status = "running";
                            container.starts += 1;
                            (204, String::new())
                        }
                        ("POST", ["stop"]) => {
                            (container.status, container.exit_code) = ("exited", 143);
                            (204, String::new())
                        }
                        ("GET", ["logs"]) => {
                            let piece = |stream: u8, text: &str| {
                                let mut piece = vec![stream, 0, 0, 0, 0, 0, 0, text.len() as u8];
                                piece.extend(text.bytes());
                                String::from_utf8(piece).unwrap()
                            };
                            (200, piece(1, "out\n") + &piece(2, "err\n"))
                        }
                        ("DELETE", []) => {
                            state.containers.remove(*name);
                            (204, String::new())
                        }
                        _ => message(500, "what?"),
                    }
                })
            }
            _ => message(500, "what?"),
        }
    }
}

fn shown(name: &str, container: &Container) -> Value {
    let mut shown = json!({
        "Id": format!("id-{name}"),
        "Created": "2026-01-01T00:00:00Z",
        "State": {"Status": container.status, "ExitCode": container.exit_code, "Error": "",
            "OOMKilled": container.exit_code == 137, "StartedAt": "2026-01-01T00:00:01Z",
            "FinishedAt": "0001-01-01T00:00:00Z"},
        "Config": {"Tty": false}
    });
    if container.status == "exited" {
        shown["State"]["FinishedAt"] = "2026-01-01T00:00:02.5Z".into();
    }
    shown
}

/// A server whose images are run by a stand-in.
fn stand_in(definition: Value) -> (World, StandIn) {
    let mut world = World::new(batch(definition));
    let engine = StandIn::start(world.folder.path());
    world.config.containers.host = Some(format!("unix://{}", engine.socket.display()));
    (world, engine)
}

#[tokio::test]
async fn an_image_is_run_by_the_engine() {
    let (world, engine) = stand_in(json!({
        "command": script("exit 4"),
        "image": "image",
        "engine_options": {"User": "nobody", "HostConfig": {"Binds": ["/data:/data:ro"]}},
        "environment": {"A": "a"},
        "vcpus": 2
    }));
    let server = world.server();
    let more = json!({"ContainerOverrides": {"ResourceRequirements": [
        {"Type": "MEMORY", "Value": "64"}, {"Type": "VCPU", "Value": "0.5"}]}});
    let waiting = spawn(&server, submit(Pattern::Sync, more));
    let (name, container) = engine.until_running().await;
    assert!(name.starts_with("stepwell-") && name.len() == 41, "{name}");
    let body = &container.body;
    assert_eq!(body["Cmd"], script("exit 4"));
    assert_eq!(body["User"], "nobody");
    assert_eq!(
        body["HostConfig"],
        json!({"Memory": 67_108_864, "MemorySwap": 67_108_864, "NanoCpus": 500_000_000,
            "Binds": ["/data:/data:ro"]})
    );
    let variables: Vec<&str> =
        body["Env"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert!(variables.contains(&"A=a") && variables.contains(&"AWS_BATCH_JOB_ATTEMPT=1"));
    assert!(!variables.iter().any(|variable| variable.starts_with("PATH=")), "{variables:?}");
    engine.end(&name, 137);
    let failure = waiting.await.unwrap().unwrap_err();
    let shown: Value = serde_json::from_str(&failure.cause.unwrap()).unwrap();
    assert_eq!(shown["Container"]["ExitCode"], 137);
    let reason = "OutOfMemoryError: Container killed due to memory usage";
    assert_eq!(shown["Attempts"][0]["Container"]["Reason"], reason);
    assert_eq!(shown["StartedAt"], 1_767_225_601_000_i64);
    assert_eq!(shown["StoppedAt"], 1_767_225_602_500_i64);
    assert_eq!(
        shown["Container"]["ResourceRequirements"],
        json!([{"Type": "MEMORY", "Value": "64"}, {"Type": "VCPU", "Value": "0.5"}])
    );
    let log = format!("jobs/{}/attempt-1.log", shown["JobId"].as_str().unwrap());
    assert_eq!(world.read(&log).unwrap(), "out\nerr\n");
    assert!(engine.state.lock().unwrap().containers.is_empty(), "it is removed");
}

#[tokio::test]
async fn whatever_the_engine_does_a_container_is_started_once() {
    for faults in [
        vec![("POST /containers/create", 0)],
        vec![("POST /containers/create", 500), ("POST /containers/create", 0)],
        vec![("GET /containers", 500)],
        vec![("POST /containers/stepwell", 0)],
        vec![("POST /containers/stepwell", 503), ("GET /containers", 0)],
        vec![("GET /containers", 0), ("GET /containers", 500), ("POST /containers/create", 0)],
    ] {
        let (world, engine) = stand_in(json!({"image": "image"}));
        engine.fail(&faults);
        let server = world.server();
        let waiting = spawn(&server, submit(Pattern::Sync, json!({})));
        let (name, container) = engine.until_running().await;
        assert_eq!(container.starts, 1, "{faults:?}");
        // The connection on which the end is waited for may break, too.
        engine.fail(&[("GET /containers", 500)]);
        engine.end(&name, 0);
        let shown = waiting.await.unwrap().unwrap();
        assert_eq!(shown.value()["Status"], "SUCCEEDED", "{faults:?}");
        assert_eq!(shown.value()["Attempts"].as_array().unwrap().len(), 1);
    }
}

#[tokio::test]
async fn the_next_server_finds_a_container_that_runs() {
    let (world, engine) = stand_in(json!({"image": "image"}));
    let first = world.server();
    let waiting = spawn(&first, submit(Pattern::Sync, json!({})));
    let (name, _) = engine.until_running().await;
    waiting.abort();
    drop(first);
    let second = world.server();
    let mut again = submit(Pattern::Sync, json!({}));
    again.dispatch.recovered = true;
    let waiting = spawn(&second, again);
    engine.end(&name, 3);
    let failure = waiting.await.unwrap().unwrap_err();
    let shown: Value = serde_json::from_str(&failure.cause.unwrap()).unwrap();
    assert_eq!(shown["Container"]["ExitCode"], 3);
    assert_eq!(engine.requests("POST /containers/create").len(), 1, "it was made once");
    assert_eq!(engine.requests(&format!("POST /containers/{name}/start")).len(), 1);
}

#[tokio::test]
async fn two_servers_do_not_take_each_others_containers() {
    let (world, engine) = stand_in(json!({"image": "image"}));
    let mut other = World::new(batch(json!({"image": "image"})));
    other.config.containers.host.clone_from(&world.config.containers.host);
    let (one, another) = (world.server(), other.server());
    spawn(&one, submit(Pattern::Sync, json!({})));
    spawn(&another, submit(Pattern::Sync, json!({})));
    let two = |state: &State| {
        let running = state.containers.values().filter(|one| one.status == "running");
        (running.count() == 2).then_some(())
    };
    engine.until(two).await;
}

#[tokio::test]
async fn a_cancelled_container_is_stopped() {
    let (world, engine) = stand_in(json!({"image": "image", "attempts": 3}));
    let server = world.server();
    let waiting = spawn(&server, submit(Pattern::Sync, json!({})));
    let (name, _) = engine.until_running().await;
    use runtime::TaskRunner;
    server.cancel(submit(Pattern::Sync, json!({})), None).await;
    let failure = waiting.await.unwrap().unwrap_err();
    let shown: Value = serde_json::from_str(&failure.cause.unwrap()).unwrap();
    assert_eq!(shown["StatusReason"], "Stopped by Step Functions");
    assert_eq!(shown["Container"]["ExitCode"], 143);
    assert!(!engine.requests(&format!("POST /containers/{name}/stop?t=30")).is_empty());
    assert_eq!(engine.requests("POST /containers/create").len(), 1, "it is not tried again");
}

#[tokio::test]
async fn images_are_pulled() {
    let (world, engine) = stand_in(json!({"image": "other"}));
    let server = world.server();
    let waiting = spawn(&server, submit(Pattern::Sync, json!({})));
    let (name, _) = engine.until_running().await;
    assert_eq!(engine.requests("POST /images"), ["POST /images/create?fromImage=other%3Alatest"]);
    engine.end(&name, 0);
    waiting.await.unwrap().unwrap();

    let (world, _engine) = stand_in(json!({"image": "registry.example/unknown:1"}));
    let failure = run(&world.server(), submit(Pattern::Sync, json!({}))).await.unwrap_err();
    let shown: Value = serde_json::from_str(&failure.cause.unwrap()).unwrap();
    let reason = shown["StatusReason"].as_str().unwrap();
    assert!(reason.contains("CannotPullContainerError: no such repository"), "{reason}");
}

#[tokio::test]
async fn an_engine_that_is_not_there_is_told() {
    let mut world = World::new(batch(json!({"image": "image"})));
    world.config.containers.host = Some("unix:///nowhere/engine.sock".to_owned());
    let failure = run(&world.server(), submit(Pattern::Sync, json!({}))).await.unwrap_err();
    let shown: Value = serde_json::from_str(&failure.cause.unwrap()).unwrap();
    let reason = shown["StatusReason"].as_str().unwrap();
    assert!(
        reason.starts_with(
            "CannotStartContainerError: the container cannot be made: /nowhere/engine.sock"
        ),
        "{reason}"
    );
}

/// Podman's own service, with an image made of this machine's busybox.
struct Podman {
    service: std::process::Child,
    world: World,
}

impl Drop for Podman {
    fn drop(&mut self) {
        let _ = self.service.kill();
        let _ = self.service.wait();
        // What it keeps has folders that only it may remove.
        let _ = podman(self.world.folder.path()).args(["system", "reset", "--force"]).output();
    }
}

fn podman(folder: &Path) -> std::process::Command {
    let mut command = std::process::Command::new("podman");
    command.env("CONTAINERS_CONF", folder.join("containers.conf"));
    command.args(["--storage-driver", "vfs", "--cgroup-manager", "cgroupfs"]);
    command.arg("--root").arg(folder.join("root")).arg("--runroot").arg(folder.join("run"));
    command.stdin(std::process::Stdio::null());
    command
}

/// Podman, or why it cannot run here.
async fn start_podman(definition: Value) -> Result<Podman, String> {
    let mut world = World::new(batch(definition));
    let folder = world.folder.path();
    let busybox =
        ["/bin/busybox", "/usr/bin/busybox"].into_iter().find(|path| Path::new(path).exists());
    // One that is not static does not run in the image, which the first try tells.
    let busybox = busybox.ok_or("there is no static busybox (Debian: busybox-static)")?;
    std::fs::copy(busybox, folder.join("busybox")).map_err(|error| error.to_string())?;
    let runtime = match std::process::Command::new("runc").arg("--version").output() {
        Ok(_) => "runc",
        Err(_) => "crun",
    };
    let settings = format!(
        "[containers]\ndefault_ulimits = [\"nofile=1024:1024\", \"nproc=1024:1024\"]\n\
         [engine]\nruntime = \"{runtime}\"\n"
    );
    std::fs::write(folder.join("containers.conf"), settings).unwrap();
    let file = "FROM scratch\nCOPY busybox /bin/busybox\nCOPY busybox /bin/sh\n";
    std::fs::write(folder.join("Containerfile"), file).unwrap();
    let done = |what: &str, output: std::io::Result<std::process::Output>| match output {
        Err(error) => Err(format!("{what}: {error}")),
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(format!("{what}: {}", String::from_utf8_lossy(&output.stderr))),
    };
    let built = podman(folder)
        .args(["build", "--quiet", "--network=none", "-t", "box"])
        .arg(folder)
        .output();
    done("podman build", built)?;
    let ran = podman(folder)
        .args(["run", "--rm", "--network=none", "box", "/bin/sh", "-c", "exit 0"])
        .output();
    done("podman run", ran)?;
    let socket = folder.join("podman.sock");
    let service = podman(folder)
        .args(["system", "service", "--time=0"])
        .arg(format!("unix://{}", socket.display()))
        .stderr(std::process::Stdio::null())
        .spawn()
        .map_err(|error| error.to_string())?;
    world.config.containers.host = Some(format!("unix://{}", socket.display()));
    let podman = Podman { service, world };
    let there = async {
        while tokio::net::UnixStream::connect(&socket).await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), there)
        .await
        .map_err(|_| "podman system service".to_owned())?;
    Ok(podman)
}

#[tokio::test]
async fn podman_itself_runs_images() {
    let text = "echo out; echo err >&2; echo $A; trap 'exit 9' TERM; \
                test -n \"$GO\" || exit 4; while true; do busybox sleep 0.1; done";
    let definition = json!({
        "command": script(text),
        "image": "localhost/box",
        "environment": {"A": "a", "PATH": "/bin"},
        "memory_megabytes": 64,
        "engine_options": {"HostConfig": {"NetworkMode": "none"}}
    });
    let podman = match start_podman(definition).await {
        Ok(podman) => podman,
        Err(reason) => return eprintln!("SKIPPED: Podman cannot run here: {reason}"),
    };
    check_route(&podman).await;
    let server = podman.world.server();
    let failure = run(&server, submit(Pattern::Sync, json!({}))).await.unwrap_err();
    let shown: Value = serde_json::from_str(&failure.cause.unwrap()).unwrap();
    assert_eq!(shown["Container"]["ExitCode"], 4, "{shown}");
    let log = format!("jobs/{}/attempt-1.log", shown["JobId"].as_str().unwrap());
    // They came by two pipes, each of which is in order.
    let printed = podman.world.read(&log).unwrap();
    let mut lines: Vec<&str> = printed.lines().collect();
    lines.sort_unstable();
    assert_eq!(lines, ["a", "err", "out"]);

    // Another job: the server ends while it runs, the next one finds it, and stops it.
    let second = || {
        let overrides = json!({"Environment": [{"Name": "GO", "Value": "1"}]});
        let mut call = submit(Pattern::Sync, json!({"ContainerOverrides": overrides}));
        call.dispatch.task = engine::TaskId(7);
        call
    };
    let waiting = spawn(&server, second());
    let folder = podman.world.folder.path();
    let running = || {
        let output = super::containers::podman(folder).args(["ps", "--quiet"]).output().unwrap();
        String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect::<Vec<_>>()
    };
    let look = async {
        while running().is_empty() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), look).await.expect("it runs");
    let before = running();
    waiting.abort();
    drop(server);
    let server = podman.world.server();
    let waiting = spawn(&server, second());
    use runtime::TaskRunner;
    server.cancel(second(), None).await;
    let failure = waiting.await.unwrap().unwrap_err();
    let shown: Value = serde_json::from_str(&failure.cause.unwrap()).unwrap();
    assert_eq!(shown["Container"]["ExitCode"], 9, "it was asked to end: {shown}");
    assert_eq!(before.len(), 1, "it was started once");
    assert!(running().is_empty());
}

/// A route to a container: parameters on its standard input, the result on its output.
async fn check_route(podman: &Podman) {
    use runtime::TaskRunner;
    let text = "read -r line; case $line in *fail*) echo why >&2; exit 3;; \
                *name*) echo '{\"Error\": \"E\", \"Cause\": \"c\"}'; exit 1;; \
                *odd*) echo odd;; *) echo noise >&2; echo \"{\\\"got\\\": $line, \\\"a\\\": \\\"$A\\\"}\";; esac";
    let route = json!({"resource": "aws-sdk:dynamodb:*", "container": {"image": "localhost/box",
        "command": script(text), "environment": {"A": "x"},
        "engine_options": {"HostConfig": {"NetworkMode": "none"}}}});
    let mut config = integrations::IntegrationsConfig::from_process_environment(Default::default());
    config.jobs = podman.world.config.clone();
    config.job_directory = Some(podman.world.folder.path().join("other-jobs"));
    config.routes = vec![serde_json::from_value(route).unwrap()];
    assert_eq!(config.routes[0].check(), Ok(()));
    let server = integrations::Integrations::new(config);
    let ask = |parameters: Value| {
        let resource = asl::Resource::parse("arn:aws:states:::aws-sdk:dynamodb:scan").unwrap();
        server.run(crate::world::call(resource, parameters))
    };
    let big = "x".repeat(200_000);
    let output = ask(json!({"big": big})).await.unwrap();
    assert_eq!(output.value(), &json!({"got": {"big": big}, "a": "x"}));
    let told = |failure: engine::TaskFailure| {
        format!("{}: {}", failure.error.unwrap_or_default(), failure.cause.unwrap_or_default())
    };
    let failure = told(ask(json!("fail")).await.unwrap_err());
    assert_eq!(failure, "Stepwell.ContainerFailed: localhost/box: exit status: 3: why");
    assert_eq!(told(ask(json!("name")).await.unwrap_err()), "E: c");
    let failure = told(ask(json!("odd")).await.unwrap_err());
    assert!(
        failure.starts_with("Stepwell.ContainerFailed: localhost/box: printed no JSON"),
        "{failure}"
    );
}
