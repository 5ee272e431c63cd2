//! Batch jobs and containers of a server that is killed while they run: as processes, in a stand-in
//! of a container engine, in a stand-in of a Kubernetes cluster. And what is shown of them.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::Folder;
use crate::server::Process;

/// The longest that something may take to happen.
const PATIENCE: Duration = Duration::from_secs(40);

/// What both stand-ins know: one container, one Job.
#[derive(Debug, Default)]
struct Outside {
    container: Option<String>,
    containers_made: u32,
    starts: u32,
    is_running: bool,
    stops: u32,
    job: Option<String>,
    jobs_made: u32,
    deletions: Vec<String>,
    /// The container and the Job may end.
    is_over: bool,
}

type Shared = Arc<(Mutex<Outside>, Condvar)>;

fn change<T>(outside: &Shared, work: impl FnOnce(&mut Outside) -> T) -> T {
    let result = work(&mut outside.0.lock().unwrap());
    outside.1.notify_all();
    result
}

/// Waits until something is as it should be.
fn until<T>(what: &str, look: impl Fn() -> Option<T>) -> T {
    let end = Instant::now() + PATIENCE;
    loop {
        match look() {
            Some(found) => return found,
            None if Instant::now() > end => panic!("{what} does not happen"),
            None => thread::sleep(Duration::from_millis(10)),
        }
    }
}

/// Reads one request, answers it, and ends the connection.
fn serve(mut stream: impl Read + Write, answer: impl Fn(&str, &str, &str) -> (u16, Value)) {
    let mut reader = BufReader::new(&mut stream);
    let mut line = String::new();
    if reader.read_line(&mut line).unwrap_or(0) == 0 {
        return;
    }
    let mut length = 0;
    loop {
        let mut header = String::new();
        if reader.read_line(&mut header).unwrap_or(0) < 3 {
            break;
        }
        if let Some(text) = header.to_ascii_lowercase().strip_prefix("content-length:") {
            length = text.trim().parse().unwrap();
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let mut words = line.split(' ');
    let (method, target) = (words.next().unwrap(), words.next().unwrap());
    let (status, value) = answer(method, target, std::str::from_utf8(&body).unwrap());
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    // A server that was killed is not there to read it.
    let _ = stream.write_all(
        format!(
            "HTTP/1.1 {status} X\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{text}",
            text.len()
        )
        .as_bytes(),
    );
}

fn start_engine(socket: &Path, outside: &Shared) {
    let listener = UnixListener::bind(socket).unwrap();
    let outside = Arc::clone(outside);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let outside = Arc::clone(&outside);
            thread::spawn(move || {
                serve(stream.unwrap(), |method, target, _| engine(&outside, method, target));
            });
        }
    });
}

fn engine(outside: &Shared, method: &str, target: &str) -> (u16, Value) {
    let path = target.split('?').next().unwrap();
    let action = path.rsplit('/').next().unwrap();
    match (method, action) {
        ("POST", "create") => change(outside, |outside| {
            outside.container = target.split_once("name=").map(|(_, name)| name.to_owned());
            outside.containers_made += 1;
            (201, json!({"Id": "c"}))
        }),
        ("POST", "start") => change(outside, |outside| {
            (outside.starts, outside.is_running) = (outside.starts + 1, true);
            (204, json!(""))
        }),
        ("POST", "stop") => change(outside, |outside| {
            (outside.stops, outside.is_running) = (outside.stops + 1, false);
            (204, json!(""))
        }),
        ("POST", "wait") => {
            let state = outside.0.lock().unwrap();
            let runs = |outside: &mut Outside| outside.is_running && !outside.is_over;
            drop(outside.1.wait_while(state, runs).unwrap());
            (200, json!({"StatusCode": 0}))
        }
        ("GET", "json") => change(outside, |outside| match &outside.container {
            None => (404, json!({"message": "no such container"})),
            Some(_) => {
                let is_running = outside.is_running && !outside.is_over;
                let status = match (outside.starts, is_running) {
                    (0, _) => "created",
                    (_, true) => "running",
                    (_, false) => "exited",
                };
                (200, json!({"Id": "c", "State": {"Status": status, "ExitCode": 0}}))
            }
        }),
        ("GET", "logs") => (200, json!("\u{1}\0\0\0\0\0\0\u{3}log")),
        ("DELETE", _) => (204, json!("")),
        _ => (500, json!({"message": "what?"})),
    }
}

fn start_cluster(outside: &Shared) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let outside = Arc::clone(outside);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let outside = Arc::clone(&outside);
            thread::spawn(move || {
                serve(stream.unwrap(), |method, target, body| {
                    cluster(&outside, method, target, body)
                });
            });
        }
    });
    port
}

fn cluster(outside: &Shared, method: &str, target: &str, body: &str) -> (u16, Value) {
    let is_job = target.contains("/jobs");
    change(outside, |outside| match (method, is_job, &outside.job) {
        ("POST", true, None) => {
            let manifest: Value = serde_json::from_str(body).unwrap();
            outside.job = manifest["metadata"]["name"].as_str().map(str::to_owned);
            outside.jobs_made += 1;
            (201, manifest)
        }
        ("POST", true, Some(_)) => (409, json!({"message": "it is there"})),
        ("GET", true, Some(_)) if outside.is_over => {
            let conditions = json!([{"type": "Complete", "status": "True"}]);
            (200, json!({"metadata": {}, "status": {"conditions": conditions}}))
        }
        ("GET", true, Some(_)) => (200, json!({"metadata": {}, "status": {"active": 1}})),
        ("DELETE", true, Some(_)) => {
            outside.deletions.push(target.to_owned());
            outside.job = None;
            (200, json!({}))
        }
        ("GET", false, _) => (200, json!({"items": []})),
        _ => (404, json!({"message": "nothing"})),
    })
}

/// A server with one declared job of each kind, and an execution that runs them all.
struct World {
    folder: Folder,
    outside: Shared,
}

impl World {
    fn new() -> World {
        let folder = Folder::with(&[]);
        let outside = Shared::default();
        let socket = folder.path().join("engine.sock");
        start_engine(&socket, &outside);
        let port = start_cluster(&outside);
        let work = "echo x >> $STARTS; echo begun; trap 'echo x >> stopped; exit 1' TERM; \
                    while ! test -e go; do sleep 0.02; done; echo done";
        let file = format!(
            r#"
            [containers]
            host = "unix://{}"
            [kubernetes]
            proxy = "http://127.0.0.1:{port}"
            [job_definitions.process]
            command = ["/bin/sh", "-c", "{work}"]
            environment = {{ STARTS = "starts" }}
            [job_definitions.container]
            image = "image"
            [job_definitions.cluster]
            image = "image"
            runner = "kubernetes"
            [task_definitions.tasks.containers.main]
            command = ["/bin/sh", "-c", "{work}"]
            environment = {{ STARTS = "task-starts" }}
            "#,
            socket.display()
        );
        std::fs::write(folder.path().join("stepwell.toml"), file).unwrap();
        World { folder, outside }
    }

    fn serve(&self) -> Process {
        Process::start(self.folder.command(&["serve", "--listen", "127.0.0.1:0"]))
    }

    fn start(&self, server: &Process) -> String {
        let batch = |name: &str| {
            let task = json!({"Type": "Task", "End": true,
                "Resource": "arn:aws:states:::batch:submitJob.sync",
                "Parameters": {"JobName": name, "JobQueue": "q", "JobDefinition": name}});
            json!({"StartAt": name, "States": {name: task}})
        };
        let task = json!({"Type": "Task", "End": true, "Resource": "arn:aws:states:::ecs:runTask.sync",
            "Parameters": {"TaskDefinition": "tasks", "Count": 2}});
        let task = json!({"StartAt": "tasks", "States": {"tasks": task}});
        let branches = [batch("process"), batch("container"), batch("cluster"), task];
        let definition = json!({"StartAt": "All", "States": {
            "All": {"Type": "Parallel", "Branches": branches, "End": true}}});
        let role = "arn:aws:iam::123456789012:role/r";
        let created = server.call(
            "CreateStateMachine",
            &json!({"name": "jobs", "definition": definition.to_string(), "roleArn": role}),
        );
        let machine = &created["stateMachineArn"];
        let started = server.call("StartExecution", &json!({"stateMachineArn": machine}));
        let arn = started["executionArn"].as_str().unwrap().to_owned();
        until("the start of all jobs", || {
            let is_outside = change(&self.outside, |it| it.is_running && it.job.is_some());
            (is_outside && self.lines("starts") == 1 && self.lines("task-starts") == 2)
                .then_some(())
        });
        arn
    }

    fn lines(&self, name: &str) -> usize {
        let text = std::fs::read_to_string(self.folder.path().join(name));
        text.map_or(0, |text| text.lines().count())
    }

    /// What a command prints that succeeds.
    fn run(&self, server: &Process, arguments: &[&str]) -> String {
        let url = format!("http://{}", server.address);
        let mut command = self.folder.command(arguments);
        let output = command.args(["--endpoint", &url]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }
}

fn ended(server: &Process, arn: &str) -> Value {
    until("the end of the execution", || {
        let description = server.call("DescribeExecution", &json!({"executionArn": arn}));
        (description["status"] != "RUNNING").then_some(description)
    })
}

#[test]
fn jobs_outlive_a_server_that_is_killed() {
    let world = World::new();
    let server = world.serve();
    let arn = world.start(&server);
    server.signal(Signal::KILL);
    drop(server);
    let server = world.serve();
    // They run, and are shown.
    let listed: Value = serde_json::from_str(
        &world.run(&server, &["jobs", "list", "--json", "--status", "RUNNING"]),
    )
    .unwrap();
    let jobs = listed["jobs"].as_array().unwrap();
    assert_eq!(jobs.len(), 4, "{listed}");
    assert!(jobs.iter().all(|job| job["executionArn"] == arn.as_str()));
    let process = jobs.iter().find(|job| job["name"] == "process").unwrap();
    let id = process["jobId"].as_str().unwrap();
    assert_eq!(world.run(&server, &["jobs", "logs", id]), "begun\n");
    let container = jobs.iter().find(|job| job["name"] == "container").unwrap();
    let log = world.run(&server, &["jobs", "logs", container["jobId"].as_str().unwrap()]);
    assert_eq!(log, "log", "of a container that runs it is fetched");

    std::fs::write(world.folder.path().join("go"), "").unwrap();
    change(&world.outside, |outside| outside.is_over = true);
    let description = ended(&server, &arn);
    assert_eq!(description["status"], "SUCCEEDED", "{description}");
    let output: Value = serde_json::from_str(description["output"].as_str().unwrap()).unwrap();
    for branch in 0..3 {
        assert_eq!(output[branch]["Status"], "SUCCEEDED");
    }
    assert_eq!(output[3]["LastStatus"], "STOPPED");
    // Nothing was started twice.
    assert_eq!((world.lines("starts"), world.lines("task-starts")), (1, 2));
    change(&world.outside, |outside| {
        assert_eq!((outside.containers_made, outside.starts, outside.jobs_made), (1, 1, 1));
    });
    assert_eq!(world.run(&server, &["jobs", "logs", id, "--follow"]), "begun\ndone\n");
    assert_eq!(world.run(&server, &["jobs", "logs", id, "--tail", "5"]), "done\n");
    let table = world.run(&server, &["jobs"]);
    assert_eq!(table.matches("SUCCEEDED").count(), 4, "{table}");
}

#[test]
fn stopping_an_execution_stops_its_jobs() {
    let world = World::new();
    let server = world.serve();
    let arn = world.start(&server);
    server.call("StopExecution", &json!({"executionArn": arn}));
    until("the end of all jobs", || {
        let is_outside = change(&world.outside, |it| it.stops > 0 && it.job.is_none());
        (is_outside && world.lines("stopped") == 3).then_some(())
    });
    until("the end of all jobs, in the list", || {
        let table = world.run(&server, &["jobs", "list", "--status", "FAILED"]);
        (table.matches("FAILED").count() == 4).then_some(())
    });
    change(&world.outside, |outside| {
        let [deleted, ..] = &outside.deletions[..] else { panic!("the Job is deleted") };
        assert!(deleted.ends_with("?propagationPolicy=Foreground"), "{deleted}");
    });
}
