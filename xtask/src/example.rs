//! `cargo xtask example`: sets everything up that the order-fulfilment example needs, serves it,
//! starts a worker and places an order, which then waits for the person's approval.

use std::io::{BufRead, BufReader, IsTerminal};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail};

use crate::{process, python};

const FOLDER: &str = "examples/order-fulfilment";
const MACHINE: &str = "arn:aws:states:us-east-1:123456789012:stateMachine:order-fulfilment";

#[derive(clap::Args)]
pub(crate) struct Options {
    /// The address and port of the server
    #[arg(long, default_value = "127.0.0.1:8083")]
    listen: String,
}

/// Runs until the server ends: with Ctrl-C.
pub(crate) fn run(options: &Options) -> Result<()> {
    if !process::answers("node", &["--version"]) {
        bail!("Node.js is needed to run the functions of the example (Debian: apt install nodejs)");
    }
    process::run(&mut process::cargo(["build", "--release", "-p", "stepwell"]))?;
    let programs = python::environment()?;
    let (mut server, output) = serve(&options.listen)?;
    let mut lines = BufReader::new(output).lines();
    let mut url = None;
    while url.is_none()
        && let Some(line) = lines.next()
    {
        let line = line?;
        println!("{line}");
        url = line.strip_prefix("listening on ").map(str::to_owned);
    }
    let Some(url) = url else {
        server.wait()?;
        bail!("the server did not start");
    };
    let mut worker = python::python(&programs)?
        .arg(Path::new(FOLDER).join("packers.py"))
        .arg(&url)
        .stdout(Stdio::null())
        .spawn()
        .context("cannot start the worker")?;
    let placed = place_order(&programs, &url);
    if placed.is_ok() && !process::answers("aws", &["--version"]) {
        println!("the AWS CLI is {}\n", programs.join("aws").display());
    }
    if placed.is_ok() {
        for line in lines {
            println!("{}", line?);
        }
    } else {
        server.kill()?;
    }
    // It may have ended by the same Ctrl-C.
    let _ = worker.kill();
    worker.wait()?;
    server.wait()?;
    placed
}

fn serve(listen: &str) -> Result<(Child, ChildStdout)> {
    let mut command = Command::new(process::target().join("release/stepwell"));
    command.args(["dev", FOLDER, "--listen", listen]).stdout(Stdio::piped());
    if std::io::stdout().is_terminal() {
        // It writes to us, and we write to the terminal.
        command.env("CLICOLOR_FORCE", "1");
    }
    let mut server = command.spawn().context("cannot start the server")?;
    let output = server.stdout.take().expect("standard output was asked for");
    Ok((server, output))
}

/// Starts an execution with the AWS CLI. Every order has a number of its own.
fn place_order(programs: &Path, url: &str) -> Result<()> {
    let number = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let text = std::fs::read_to_string(Path::new(FOLDER).join("orders/large.json"))?;
    let mut order: serde_json::Value = serde_json::from_str(&text)?;
    order["id"] = format!("order-{number}").into();
    let mut command = Command::new(programs.join("aws"));
    command.args(["stepfunctions", "start-execution", "--endpoint-url", url]);
    command.args(["--region", "us-east-1", "--no-sign-request", "--state-machine-arn", MACHINE]);
    command.args(["--name", &format!("order-{number}"), "--input", &order.to_string()]);
    process::run(command.stdout(Stdio::null()))
}
