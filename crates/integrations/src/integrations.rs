//! The task runner: every call that leaves a state machine comes through here.

use std::pin::Pin;
use std::sync::Arc;

use asl::Payload;
use engine::TaskFailure;
use runtime::{
    ItemReading, ItemSink, LocalJobs, MapRunWork, ResultExport, ResultSource, TaskCall, TaskRunner,
};
use tokio::sync::broadcast;

use crate::apigateway::ApiGateway;
use crate::approvals::Approvals;
use crate::aws::AwsClient;
use crate::client::HttpClient;
use crate::config::IntegrationsConfig;
use crate::http_task::HttpTasks;
use crate::jobs::Jobs;
use crate::kubernetes::Kubernetes;
use crate::lambda::{FunctionLogLine, Functions};
use crate::optimized::Optimized;
use crate::routes::Routes;
use crate::services::{cancel, dispatch};
use crate::{item_reader, result_writer};

/// Does the work of Task states. Calls must be made within a Tokio runtime.
pub struct Integrations {
    services: Arc<Services>,
}

/// What the single integrations need.
pub(crate) struct Services {
    pub(crate) functions: Functions,
    pub(crate) routes: Routes,
    pub(crate) client: HttpClient,
    pub(crate) http: HttpTasks,
    pub(crate) kubernetes: Kubernetes,
    pub(crate) approvals: Approvals,
    pub(crate) api_gateway: ApiGateway,
    pub(crate) aws: AwsClient,
    pub(crate) optimized: Optimized,
    pub(crate) jobs: Arc<Jobs>,
}

impl Integrations {
    /// Ready for calls; no process is started before its first call. What is wrong with the
    /// configuration is told by [`crate::FunctionsConfig::check`]; here a function with a wrong
    /// declaration only fails its tasks.
    pub fn new(config: IntegrationsConfig) -> Arc<Integrations> {
        let client = HttpClient::new();
        let aws = AwsClient::new(&config);
        let api_gateway = ApiGateway::new(client.clone(), config.http.clone(), aws.clone());
        let kubernetes = Kubernetes::new(
            client.clone(),
            config.http.clone(),
            aws.clone(),
            config.poll_intervals,
        );
        let approvals =
            Approvals::new(client.clone(), config.approvals.clone(), config.environment.clone());
        let http = HttpTasks::new(
            client.clone(),
            config.http.clone(),
            config.connections.clone(),
            config.environment.clone(),
            aws.clone(),
        );
        let optimized = Optimized::new(aws.clone(), config.poll_intervals);
        let job_directory = config.job_directory.clone().unwrap_or_else(|| {
            std::env::temp_dir().join(format!("stepwell-jobs-{}", std::process::id()))
        });
        let jobs = Jobs::new(
            config.jobs.clone(),
            job_directory,
            config.environment.clone(),
            config.poll_intervals,
        );
        let routes = Routes::new(&config.routes);
        let functions = Functions::new(config);
        let services = Services {
            functions,
            routes,
            client,
            http,
            kubernetes,
            approvals,
            api_gateway,
            aws,
            optimized,
            jobs,
        };
        let services = Arc::new(services);
        Arc::new(Integrations { services })
    }

    /// Goes on with the batch jobs and containers that a server before this one left behind.
    pub fn resume_jobs(&self) {
        self.services.jobs.resume();
    }

    /// Shows the batch jobs and containers that run without AWS, and those that did.
    pub fn local_jobs(&self) -> Arc<dyn LocalJobs> {
        self.services.jobs.shown()
    }

    /// Kills the processes of all functions; returns when all have ended. Calls that are under
    /// way, and later ones, never return: they have neither succeeded nor failed, and are made
    /// again after the next start.
    pub async fn shutdown(&self) {
        self.services.functions.shutdown().await;
    }

    /// The code of functions changed: processes that are idle end at once, the others after the
    /// call they work on, so that the next calls see the code as it is now.
    pub fn replace_processes(&self) {
        self.services.functions.replace_processes();
    }

    /// The client of AWS's services, for what is no task.
    pub fn aws(&self) -> &AwsClient {
        &self.services.aws
    }

    /// What functions printed lately: the lines of one, or of all, with a higher
    /// [`FunctionLogLine::sequence`] than `after`, oldest first. About 1,000 lines are kept for
    /// each function. `function` is the name under which it is declared.
    pub fn function_logs(&self, function: Option<&str>, after: u64) -> Vec<FunctionLogLine> {
        self.services.functions.logs.lines(function, after)
    }

    /// Every line that functions print from now on. Who is too slow loses some.
    pub fn subscribe_function_logs(&self) -> broadcast::Receiver<FunctionLogLine> {
        self.services.functions.logs.subscribe()
    }
}

impl TaskRunner for Integrations {
    fn run(
        &self,
        call: TaskCall,
    ) -> Pin<Box<dyn Future<Output = Result<Payload, TaskFailure>> + Send>> {
        let services = Arc::clone(&self.services);
        Box::pin(async move { dispatch(&services, &call).await })
    }

    fn cancel(
        &self,
        call: TaskCall,
        submitted: Option<Payload>,
    ) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        let services = Arc::clone(&self.services);
        Box::pin(async move { cancel(&services, &call, submitted).await })
    }

    fn read_items(&self, reading: ItemReading, sink: ItemSink) -> MapRunWork<u64> {
        let client = self.services.aws.clone();
        Box::pin(async move { item_reader::read_items(&client, reading, sink).await })
    }

    fn write_results(&self, export: ResultExport, results: ResultSource) -> MapRunWork<Payload> {
        let client = self.services.aws.clone();
        Box::pin(async move { result_writer::write_results(&client, export, results).await })
    }
}
