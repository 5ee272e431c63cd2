//! A server over a store in memory, with telemetry. Tasks of services answer with their own
//! payload, or fail if it says so.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use api::{Api, ApiOptions, Throttling};
use asl::{MachineType, Payload};
use engine::TaskFailure;
use runtime::{
    NewStateMachine, Observer, Runtime, RuntimeOptions, StartRequest, TaskCall, TaskRunner,
};
use store::MemoryStore;
use telemetry::{Telemetry, TelemetryOptions};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

pub(crate) struct Echo;

impl TaskRunner for Echo {
    fn run(
        &self,
        call: TaskCall,
    ) -> Pin<Box<dyn Future<Output = Result<Payload, TaskFailure>> + Send>> {
        Box::pin(async move {
            let payload = call.dispatch.parameters;
            // `states:startExecution`, which waits for nothing.
            if let Some(machine) = payload.value()["StateMachineArn"].as_str() {
                let request = StartRequest {
                    state_machine_arn: machine.to_owned(),
                    name: Some("child".to_owned()),
                    input: Payload::from_valid_text("{}"),
                    trace_header: None,
                };
                call.executions.start(request).await.unwrap();
                return Ok(payload);
            }
            if payload.text().contains("fail") {
                return Err(TaskFailure { error: Some("Broken".into()), cause: None });
            }
            Ok(payload)
        })
    }
}

pub(crate) struct World {
    pub(crate) runtime: Arc<Runtime>,
    pub(crate) telemetry: Arc<Telemetry>,
    address: SocketAddr,
}

impl World {
    pub(crate) async fn start(options: TelemetryOptions) -> World {
        World::start_over(Arc::new(MemoryStore::default()), options).await
    }

    pub(crate) async fn start_over(store: Arc<MemoryStore>, options: TelemetryOptions) -> World {
        let telemetry = Telemetry::start(options).unwrap();
        let observer: Arc<dyn Observer> = telemetry.clone();
        let options = RuntimeOptions {
            observer: Some(observer),
            keeps_status_changes: true,
            ..RuntimeOptions::default()
        };
        let runtime = Runtime::start(store, Arc::new(Echo), options).await.unwrap();
        let options = ApiOptions {
            metrics: Some(telemetry.clone()),
            // Rates show in metrics only where calls are throttled.
            throttling: Some(Arc::new(Throttling::new(true))),
            ..ApiOptions::default()
        };
        let api = Api::new(Arc::clone(&runtime), options);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(api::serve(listener, api, std::future::pending()));
        World { runtime, telemetry, address }
    }

    /// Creates a state machine; its ARN.
    pub(crate) async fn create(
        &self,
        name: &str,
        machine_type: MachineType,
        definition: &str,
        logging: Option<serde_json::Value>,
    ) -> String {
        let arn = format!("arn:aws:states:us-east-1:123456789012:stateMachine:{name}");
        let new = NewStateMachine {
            arn: arn.clone().into(),
            name: name.into(),
            machine_type,
            role_arn: "arn:aws:iam::123456789012:role/r".into(),
            definition: definition.into(),
            logging_configuration: logging,
            tracing_configuration: None,
            encryption_configuration: None,
            tags: Vec::new(),
            publish: None,
        };
        self.runtime.create_state_machine(new).await.unwrap();
        arn
    }

    /// Runs an execution to its end; its ARN.
    pub(crate) async fn run(&self, machine: &str, name: &str, input: &str) -> String {
        let started = self.begin(machine, name, input).await;
        self.runtime.wait_for_end(&started).await.unwrap();
        started
    }

    /// Starts an execution; its ARN.
    pub(crate) async fn begin(&self, machine: &str, name: &str, input: &str) -> String {
        let request = StartRequest {
            state_machine_arn: machine.to_owned(),
            name: Some(name.to_owned()),
            input: Payload::from_valid_text(input),
            trace_header: None,
        };
        self.runtime.start_execution(request).await.unwrap().execution_arn.into()
    }

    /// The status and body of a GET.
    pub(crate) async fn get(&self, path: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
    }

    /// The metrics once everything so far is counted. No more is counted afterwards.
    pub(crate) async fn final_metrics(&self) -> String {
        let telemetry = Arc::clone(&self.telemetry);
        tokio::task::spawn_blocking(move || telemetry.stop()).await.unwrap();
        self.get("/metrics").await.1
    }
}
