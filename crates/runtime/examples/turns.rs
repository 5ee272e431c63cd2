//! How many executions a second the runtime starts and finishes inside one process, by store,
//! number of callers and length of the workflow.
//!
//! `cargo run --release -p runtime --example turns [-- SECONDS]`
#![expect(clippy::print_stdout, reason = "the figures are the product")]

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use asl::{MachineType, Payload};
use engine::TaskFailure;
use runtime::{NewStateMachine, Runtime, RuntimeOptions, StartRequest, TaskCall, TaskRunner};
use serde_json::json;
use store::{MemoryStore, SqliteStore, Store};

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Answers every call at once.
struct Echo;

impl TaskRunner for Echo {
    fn run(
        &self,
        call: TaskCall,
    ) -> Pin<Box<dyn Future<Output = Result<Payload, TaskFailure>> + Send>> {
        Box::pin(async move { Ok(call.dispatch.parameters) })
    }
}

/// A chain of `length` states.
fn chain(length: usize, state: &serde_json::Value) -> serde_json::Value {
    let mut states = serde_json::Map::new();
    for at in 0..length {
        let mut state = state.clone();
        if at + 1 == length {
            state["End"] = json!(true);
        } else {
            state["Next"] = json!(format!("S{}", at + 1));
        }
        states.insert(format!("S{at}"), state);
    }
    json!({"StartAt": "S0", "States": states})
}

async fn register(
    runtime: &Runtime,
    name: &str,
    definition: &serde_json::Value,
) -> Result<String, Failure> {
    let new = NewStateMachine {
        arn: format!("arn:aws:states:us-east-1:123456789012:stateMachine:{name}").into(),
        name: name.into(),
        machine_type: MachineType::Standard,
        role_arn: "arn:aws:iam::123456789012:role/r".into(),
        definition: definition.to_string().into(),
        logging_configuration: None,
        tracing_configuration: None,
        encryption_configuration: None,
        tags: Vec::new(),
        publish: None,
    };
    Ok(runtime.create_state_machine(new).await?.0.arn.into())
}

/// Starts executions one after the other with each caller; gives executions a second.
async fn measure(
    runtime: &Arc<Runtime>,
    machine: &str,
    callers: usize,
    to_the_end: bool,
    during: Duration,
) -> Result<f64, Failure> {
    let finished = Arc::new(AtomicU64::new(0));
    let begin = Instant::now();
    let mut tasks = Vec::new();
    for _ in 0..callers {
        let (runtime, machine) = (Arc::clone(runtime), machine.to_owned());
        let finished = Arc::clone(&finished);
        tasks.push(tokio::spawn(async move {
            while begin.elapsed() < during {
                let started = runtime
                    .start_execution(StartRequest {
                        state_machine_arn: machine.clone(),
                        name: None,
                        input: Payload::from_valid_text(r#"{"order":12345,"items":["a","b"]}"#),
                        trace_header: None,
                    })
                    .await?;
                if to_the_end {
                    runtime.wait_for_end(&started.execution_arn).await?;
                }
                finished.fetch_add(1, Ordering::Relaxed);
            }
            Ok::<(), Failure>(())
        }));
    }
    for task in tasks {
        task.await??;
    }
    Ok(finished.load(Ordering::Relaxed) as f64 / begin.elapsed().as_secs_f64())
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<(), Failure> {
    let seconds = std::env::args().nth(1).map_or(Ok(2.0), |text| text.parse())?;
    let during = Duration::from_secs_f64(seconds);
    let folder = tempfile::tempdir()?;
    let stores: [(&str, Arc<dyn Store>); 2] = [
        ("memory", Arc::new(MemoryStore::default())),
        ("sqlite", Arc::new(SqliteStore::open(folder.path())?)),
    ];
    println!("{:8} {:22} {:>8} {:>14}", "store", "workflow", "callers", "executions/s");
    for (name, store) in stores {
        let runtime = Runtime::start(store, Arc::new(Echo), RuntimeOptions::default()).await?;
        let pass = json!({"Type": "Pass"});
        let call = json!({
            "Type": "Task",
            "Resource": "arn:aws:lambda:us-east-1:123456789012:function:echo",
        });
        let workflows = [
            ("one Pass", register(&runtime, "One", &chain(1, &pass)).await?, false),
            ("ten Pass", register(&runtime, "Ten", &chain(10, &pass)).await?, false),
            ("one Task, to its end", register(&runtime, "Task", &chain(1, &call)).await?, true),
        ];
        for (workflow, machine, to_the_end) in &workflows {
            for callers in [1, 16, 64] {
                let rate = measure(&runtime, machine, callers, *to_the_end, during).await?;
                println!("{name:8} {workflow:22} {callers:>8} {rate:>14.0}");
            }
        }
        runtime.shutdown().await;
    }
    Ok(())
}
