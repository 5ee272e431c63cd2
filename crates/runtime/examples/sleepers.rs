//! What executions cost that only wait: starts many in a one-hour Wait on disk, says how much
//! memory the process holds, and how long the next process takes to be ready with them.
//!
//! `cargo run --release -p runtime --example sleepers [-- COUNT]`
#![expect(clippy::print_stdout, reason = "the figures are the product")]

use std::pin::Pin;
use std::sync::Arc;
use std::time::Instant;

use asl::{MachineType, Payload};
use engine::TaskFailure;
use runtime::{NewStateMachine, Runtime, RuntimeOptions, StartRequest, TaskCall, TaskRunner};
use serde_json::json;
use store::{SqliteStore, Store};

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Is never called.
struct Nobody;

impl TaskRunner for Nobody {
    fn run(
        &self,
        _: TaskCall,
    ) -> Pin<Box<dyn Future<Output = Result<Payload, TaskFailure>> + Send>> {
        Box::pin(std::future::pending())
    }
}

/// Megabytes of the process that are in memory.
fn resident_megabytes() -> Result<u64, Failure> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes: u64 = line.unwrap_or("0").trim().trim_end_matches(" kB").parse()?;
    Ok(kilobytes / 1024)
}

async fn open(folder: &std::path::Path) -> Result<(Arc<SqliteStore>, Arc<Runtime>), Failure> {
    let store = Arc::new(SqliteStore::open(folder)?);
    let held = Arc::clone(&store) as Arc<dyn Store>;
    let runtime = Runtime::start(held, Arc::new(Nobody), RuntimeOptions::default()).await?;
    Ok((store, runtime))
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<(), Failure> {
    let count: usize = std::env::args().nth(1).map_or(Ok(100_000), |text| text.parse())?;
    let folder = tempfile::tempdir()?;
    let (store, runtime) = open(folder.path()).await?;
    let definition = json!({
        "StartAt": "Sleep",
        "States": {"Sleep": {"Type": "Wait", "Seconds": 3600, "End": true}},
    });
    let new = NewStateMachine {
        arn: "arn:aws:states:us-east-1:123456789012:stateMachine:Sleep".into(),
        name: "Sleep".into(),
        machine_type: MachineType::Standard,
        role_arn: "arn:aws:iam::123456789012:role/r".into(),
        definition: definition.to_string().into(),
        logging_configuration: None,
        tracing_configuration: None,
        encryption_configuration: None,
        tags: Vec::new(),
        publish: None,
    };
    let machine = runtime.create_state_machine(new).await?.0.arn;
    let begin = Instant::now();
    let mut callers = Vec::new();
    for caller in 0..64 {
        let (runtime, machine) = (Arc::clone(&runtime), machine.clone());
        callers.push(tokio::spawn(async move {
            for _ in (caller..count).step_by(64) {
                runtime
                    .start_execution(StartRequest {
                        state_machine_arn: machine.to_string(),
                        name: None,
                        input: Payload::from_valid_text(r#"{"order":12345,"items":["a","b"]}"#),
                        trace_header: None,
                    })
                    .await?;
            }
            Ok::<(), Failure>(())
        }));
    }
    for caller in callers {
        caller.await??;
    }
    println!("{count} executions sleep after {:.1} s", begin.elapsed().as_secs_f64());
    println!("{} MB are in memory", resident_megabytes()?);
    runtime.shutdown().await;
    drop((runtime, store));

    let begin = Instant::now();
    let (store, runtime) = open(folder.path()).await?;
    println!("the next process is ready after {:.3} s", begin.elapsed().as_secs_f64());
    println!("{} MB are in memory", resident_megabytes()?);
    println!("{} executions sleep", store.count_open(&machine)?);
    runtime.shutdown().await;
    Ok(())
}
