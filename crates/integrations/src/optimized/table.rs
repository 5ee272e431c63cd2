//! The table of optimized integrations that call an AWS service: for each action the operation
//! behind it, the names of its errors, and for jobs (`.sync`) how to follow and stop them.

use serde_json::Value;

use super::job::{Argument, Call, Gone, Job, JobOutput, given, submitted, text};
use super::repetition::Repetition;
use super::rules;

/// How errors of a service are named, in the words of AWS's SDK for Java 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Family {
    /// Before the dot of the error's name: `SQS`.
    pub(crate) prefix: &'static str,
    /// In the cause's text: `AmazonSQS`.
    pub(crate) service: &'static str,
    /// Of errors that the model does not name: `AmazonSQSException`.
    pub(crate) exception: &'static str,
}

/// One action.
pub(crate) struct Row {
    /// In the resource: `sqs`, `sendMessage`.
    pub(crate) service: &'static str,
    pub(crate) action: &'static str,
    /// In the service models: `sqs`, `SendMessage`.
    pub(crate) model: &'static str,
    pub(crate) operation: &'static str,
    pub(crate) family: Family,
    /// Members that are JSON text on the wire and may be any JSON in a task.
    pub(crate) json_texts: &'static [&'static str],
    /// Whether the result shows `SdkHttpMetadata` and `SdkResponseMetadata`.
    pub(crate) shows_metadata: bool,
    /// A member that makes a request that is repeated the same request.
    pub(crate) token: Option<&'static str>,
    /// How a submission is made again that may have been made before a crash.
    pub(crate) repetition: Repetition,
    /// Makes the operation's parameters from those of the task.
    pub(crate) request: fn(Value) -> Result<Value, Vec<String>>,
    /// Makes the task's result from the parameters of the task and the operation's answer.
    pub(crate) response: fn(&Value, Value) -> Value,
    pub(crate) job: Option<Job>,
}

const fn family(prefix: &'static str, service: &'static str, exception: &'static str) -> Family {
    Family { prefix, service, exception }
}

const ATHENA: Family = family("Athena", "AmazonAthena", "AmazonAthenaException");
const BATCH: Family = family("Batch", "AWSBatch", "AWSBatchException");
const BEDROCK: Family = family("Bedrock", "AmazonBedrock", "AmazonBedrockException");
const CODE_BUILD: Family = family("CodeBuild", "AWSCodeBuild", "AWSCodeBuildException");
const DATA_BREW: Family = family("DataBrew", "AWSGlueDataBrew", "AWSGlueDataBrewException");
const DYNAMO_DB: Family = family("DynamoDB", "AmazonDynamoDBv2", "AmazonDynamoDBException");
const ECS: Family = family("ECS", "AmazonECS", "AmazonECSException");
const EKS: Family = family("EKS", "AmazonEKS", "AmazonEKSException");
const EMR: Family =
    family("ElasticMapReduce", "AmazonElasticMapReduce", "AmazonElasticMapReduceException");
const EMR_CONTAINERS: Family =
    family("EMRContainers", "AmazonEMRContainers", "AmazonEMRContainersException");
const EMR_SERVERLESS: Family =
    family("EMRServerless", "AWSEMRServerless", "AWSEMRServerlessException");
const EVENT_BRIDGE: Family =
    family("EventBridge", "AmazonEventBridge", "AmazonEventBridgeException");
const GLUE: Family = family("Glue", "AWSGlue", "AWSGlueException");
const MEDIA_CONVERT: Family = family("MediaConvert", "AWSMediaConvert", "AWSMediaConvertException");
const SAGE_MAKER: Family = family("SageMaker", "AmazonSageMaker", "AmazonSageMakerException");
const SNS: Family = family("SNS", "AmazonSNS", "AmazonSNSException");
const SQS: Family = family("SQS", "AmazonSQS", "AmazonSQSException");

const fn row(
    resource: (&'static str, &'static str),
    model: (&'static str, &'static str),
    family: Family,
) -> Row {
    Row {
        service: resource.0,
        action: resource.1,
        model: model.0,
        operation: model.1,
        family,
        json_texts: &[],
        shows_metadata: true,
        token: None,
        repetition: Repetition::Again,
        request: Ok,
        response: |_, output| output,
        job: None,
    }
}

impl Row {
    const fn texts(self, json_texts: &'static [&'static str]) -> Row {
        Row { json_texts, ..self }
    }

    const fn token(self, member: &'static str) -> Row {
        Row { token: Some(member), repetition: Repetition::Token, ..self }
    }

    const fn repeats(self, repetition: Repetition) -> Row {
        Row { repetition, ..self }
    }

    const fn request(self, request: fn(Value) -> Result<Value, Vec<String>>) -> Row {
        Row { request, ..self }
    }

    const fn response(self, response: fn(&Value, Value) -> Value) -> Row {
        Row { response, ..self }
    }

    const fn without_metadata(self) -> Row {
        Row { shows_metadata: false, ..self }
    }

    const fn job(self, job: Job) -> Row {
        Row { job: Some(job), ..self }
    }
}

/// A job that is followed by `poll`, with its state at `status` in the answer.
const fn job(
    poll: (&'static str, &'static [Argument]),
    status: &'static str,
    succeeded: &'static [&'static str],
    failed: &'static [&'static str],
) -> Job {
    Job {
        poll: Call { operation: poll.0, arguments: poll.1 },
        status,
        succeeded,
        failed,
        output: JobOutput::Whole,
        gone: Gone::IsFailure,
        cancel: None,
        check: |_| true,
    }
}

impl Job {
    const fn at(self, place: &'static str) -> Job {
        Job { output: JobOutput::At(place), ..self }
    }

    const fn with_submitted(self) -> Job {
        Job { output: JobOutput::WithSubmitted, ..self }
    }

    const fn named(self, name: &'static str, place: &'static str) -> Job {
        Job { output: JobOutput::Named(name, place), ..self }
    }

    const fn until_gone(self) -> Job {
        Job { gone: Gone::IsSuccess, ..self }
    }

    const fn cancel(self, operation: &'static str, arguments: &'static [Argument]) -> Job {
        Job { cancel: Some(Call { operation, arguments }), ..self }
    }

    const fn check(self, check: fn(&Value) -> bool) -> Job {
        Job { check, ..self }
    }
}

/// Why a job is stopped, where a service wants to know.
const REASON: &str = "The execution of the state machine was stopped";

const BUILD: Job = job(
    ("BatchGetBuilds", &[submitted("Ids", "/Build/Id").in_list()]),
    "/Builds/0/BuildStatus",
    &["SUCCEEDED"],
    &["FAILED", "FAULT", "TIMED_OUT", "STOPPED"],
)
.named("Build", "/Builds/0")
.cancel("StopBuild", &[submitted("Id", "/Build/Id")]);

const BUILD_BATCH: Job = job(
    ("BatchGetBuildBatches", &[submitted("Ids", "/BuildBatch/Id").in_list()]),
    "/BuildBatches/0/BuildBatchStatus",
    &["SUCCEEDED"],
    &["FAILED", "FAULT", "TIMED_OUT", "STOPPED"],
)
.named("BuildBatch", "/BuildBatches/0")
.cancel("StopBuildBatch", &[submitted("Id", "/BuildBatch/Id")]);

const EKS_CLUSTER: Call =
    Call { operation: "DescribeCluster", arguments: &[given("Name", "/Name")] };
const EKS_NODEGROUP: Call = Call {
    operation: "DescribeNodegroup",
    arguments: &[given("ClusterName", "/ClusterName"), given("NodegroupName", "/NodegroupName")],
};
const EKS_FARGATE_PROFILE: Call = Call {
    operation: "DescribeFargateProfile",
    arguments: &[
        given("ClusterName", "/ClusterName"),
        given("FargateProfileName", "/FargateProfileName"),
    ],
};

const fn eks_job(
    poll: Call,
    status: &'static str,
    succeeded: &'static [&'static str],
    failed: &'static [&'static str],
) -> Job {
    job((poll.operation, poll.arguments), status, succeeded, failed)
}

const EMR_CLUSTER: (&str, &[Argument]) =
    ("DescribeCluster", &[submitted("ClusterId", "/ClusterId")]);

const SERVERLESS_APPLICATION: (&str, &[Argument]) =
    ("GetApplication", &[submitted("ApplicationId", "/ApplicationId")]);
const SERVERLESS_JOB: (&str, &[Argument]) = (
    "GetJobRun",
    &[submitted("ApplicationId", "/ApplicationId"), submitted("JobRunId", "/JobRunId")],
);

/// A job of EMR in any of its forms.
const fn emr_job(
    poll: (&'static str, &'static [Argument]),
    status: &'static str,
    succeeded: &'static [&'static str],
    failed: &'static [&'static str],
) -> Job {
    job(poll, status, succeeded, failed).with_submitted()
}

/// A job of SageMaker, which is found by the name that it was given.
const fn sage_maker_job(
    poll: &'static str,
    name: &'static [Argument],
    status: &'static str,
    stop: &'static str,
) -> Job {
    job((poll, name), status, &["Completed"], &["Failed", "Stopped"]).cancel(stop, name)
}

/// Every action but those with rules that no row can tell (`super::special`).
pub(crate) static TABLE: &[Row] = &[
    row(("athena", "startQueryExecution"), ("athena", "StartQueryExecution"), ATHENA)
        .token("ClientRequestToken")
        .job(
            job(
                ("GetQueryExecution", &[submitted("QueryExecutionId", "/QueryExecutionId")]),
                "/QueryExecution/Status/State",
                &["SUCCEEDED"],
                &["FAILED", "CANCELLED"],
            )
            .cancel("StopQueryExecution", &[submitted("QueryExecutionId", "/QueryExecutionId")]),
        ),
    row(("athena", "stopQueryExecution"), ("athena", "StopQueryExecution"), ATHENA),
    row(("athena", "getQueryExecution"), ("athena", "GetQueryExecution"), ATHENA),
    row(("athena", "getQueryResults"), ("athena", "GetQueryResults"), ATHENA),
    row(("batch", "submitJob"), ("batch", "SubmitJob"), BATCH)
        .request(rules::batch_parameters)
        .repeats(Repetition::Marked("Parameters"))
        .job(
            job(
                ("DescribeJobs", &[submitted("Jobs", "/JobId").in_list()]),
                "/Jobs/0/Status",
                &["SUCCEEDED"],
                &["FAILED"],
            )
            .at("/Jobs/0")
            .cancel("TerminateJob", &[submitted("JobId", "/JobId"), text("Reason", REASON)]),
        ),
    row(
        ("bedrock", "createModelCustomizationJob"),
        ("bedrock", "CreateModelCustomizationJob"),
        BEDROCK,
    )
    .token("ClientRequestToken")
    .job(
        job(
            ("GetModelCustomizationJob", &[submitted("JobIdentifier", "/JobArn")]),
            "/Status",
            &["Completed"],
            &["Failed", "Stopped"],
        )
        .cancel("StopModelCustomizationJob", &[submitted("JobIdentifier", "/JobArn")]),
    ),
    row(("codebuild", "startBuild"), ("codebuild", "StartBuild"), CODE_BUILD)
        .token("IdempotencyToken")
        .job(BUILD),
    row(("codebuild", "stopBuild"), ("codebuild", "StopBuild"), CODE_BUILD),
    row(("codebuild", "batchDeleteBuilds"), ("codebuild", "BatchDeleteBuilds"), CODE_BUILD),
    row(("codebuild", "batchGetReports"), ("codebuild", "BatchGetReports"), CODE_BUILD),
    row(("codebuild", "startBuildBatch"), ("codebuild", "StartBuildBatch"), CODE_BUILD)
        .token("IdempotencyToken")
        .job(BUILD_BATCH),
    row(("codebuild", "stopBuildBatch"), ("codebuild", "StopBuildBatch"), CODE_BUILD),
    row(("codebuild", "retryBuildBatch"), ("codebuild", "RetryBuildBatch"), CODE_BUILD)
        .token("IdempotencyToken")
        .job(BUILD_BATCH),
    row(("codebuild", "deleteBuildBatch"), ("codebuild", "DeleteBuildBatch"), CODE_BUILD),
    row(("databrew", "startJobRun"), ("databrew", "StartJobRun"), DATA_BREW).job(
        job(
            ("DescribeJobRun", &[given("Name", "/Name"), submitted("RunId", "/RunId")]),
            "/State",
            &["SUCCEEDED"],
            &["FAILED", "STOPPED", "TIMEOUT"],
        )
        .cancel("StopJobRun", &[given("Name", "/Name"), submitted("RunId", "/RunId")]),
    ),
    row(("dynamodb", "getItem"), ("dynamodb", "GetItem"), DYNAMO_DB),
    row(("dynamodb", "putItem"), ("dynamodb", "PutItem"), DYNAMO_DB),
    row(("dynamodb", "updateItem"), ("dynamodb", "UpdateItem"), DYNAMO_DB),
    row(("dynamodb", "deleteItem"), ("dynamodb", "DeleteItem"), DYNAMO_DB),
    row(("ecs", "runTask"), ("ecs", "RunTask"), ECS).token("ClientToken").job(
        job(
            (
                "DescribeTasks",
                &[
                    submitted("Cluster", "/Tasks/0/ClusterArn"),
                    submitted("Tasks", "/Tasks/0/TaskArn").in_list(),
                ],
            ),
            "/Tasks/0/LastStatus",
            &["STOPPED"],
            &[],
        )
        .at("/Tasks/0")
        .check(rules::every_container_succeeded)
        .cancel(
            "StopTask",
            &[
                submitted("Cluster", "/Tasks/0/ClusterArn"),
                submitted("Task", "/Tasks/0/TaskArn"),
                text("Reason", REASON),
            ],
        ),
    ),
    row(("eks", "createCluster"), ("eks", "CreateCluster"), EKS)
        .token("ClientRequestToken")
        .job(eks_job(EKS_CLUSTER, "/Cluster/Status", &["ACTIVE"], &["FAILED"])),
    row(("eks", "deleteCluster"), ("eks", "DeleteCluster"), EKS)
        .repeats(Repetition::Harmless)
        .job(eks_job(EKS_CLUSTER, "/Cluster/Status", &[], &["FAILED"]).until_gone()),
    row(("eks", "createNodegroup"), ("eks", "CreateNodegroup"), EKS)
        .token("ClientRequestToken")
        .job(eks_job(EKS_NODEGROUP, "/Nodegroup/Status", &["ACTIVE"], &["CREATE_FAILED"])),
    row(("eks", "deleteNodegroup"), ("eks", "DeleteNodegroup"), EKS)
        .repeats(Repetition::Harmless)
        .job(eks_job(EKS_NODEGROUP, "/Nodegroup/Status", &[], &["DELETE_FAILED"]).until_gone()),
    row(("eks", "createFargateProfile"), ("eks", "CreateFargateProfile"), EKS)
        .token("ClientRequestToken")
        .job(eks_job(
            EKS_FARGATE_PROFILE,
            "/FargateProfile/Status",
            &["ACTIVE"],
            &["CREATE_FAILED"],
        )),
    row(("eks", "deleteFargateProfile"), ("eks", "DeleteFargateProfile"), EKS)
        .repeats(Repetition::Harmless)
        .job(
            eks_job(EKS_FARGATE_PROFILE, "/FargateProfile/Status", &[], &["DELETE_FAILED"])
                .until_gone(),
        ),
    row(("elasticmapreduce", "createCluster"), ("emr", "RunJobFlow"), EMR)
        .request(rules::emr_create_cluster)
        .response(rules::emr_cluster_id)
        .job(emr_job(
            EMR_CLUSTER,
            "/Cluster/Status/State",
            &["WAITING"],
            &["TERMINATING", "TERMINATED", "TERMINATED_WITH_ERRORS"],
        )),
    row(("elasticmapreduce", "terminateCluster"), ("emr", "TerminateJobFlows"), EMR)
        .request(rules::emr_job_flow_ids)
        .response(rules::emr_given_cluster)
        .repeats(Repetition::Harmless)
        .job(emr_job(
            EMR_CLUSTER,
            "/Cluster/Status/State",
            &["TERMINATED", "TERMINATED_WITH_ERRORS"],
            &[],
        )),
    row(("elasticmapreduce", "addStep"), ("emr", "AddJobFlowSteps"), EMR)
        .request(rules::emr_add_step)
        .response(rules::emr_step_id)
        .job(
            emr_job(
                (
                    "DescribeStep",
                    &[given("ClusterId", "/ClusterId"), submitted("StepId", "/StepId")],
                ),
                "/Step/Status/State",
                &["COMPLETED"],
                &["FAILED", "CANCELLED", "INTERRUPTED"],
            )
            .cancel(
                "CancelSteps",
                &[given("ClusterId", "/ClusterId"), submitted("StepIds", "/StepId").in_list()],
            ),
        ),
    row(("elasticmapreduce", "cancelStep"), ("emr", "CancelSteps"), EMR)
        .request(rules::emr_cancel_step)
        .response(rules::emr_cancelled_step),
    row(
        ("elasticmapreduce", "setClusterTerminationProtection"),
        ("emr", "SetTerminationProtection"),
        EMR,
    )
    .request(rules::emr_job_flow_ids),
    row(
        ("emr-containers", "createVirtualCluster"),
        ("emrcontainers", "CreateVirtualCluster"),
        EMR_CONTAINERS,
    )
    .token("ClientToken"),
    row(
        ("emr-containers", "deleteVirtualCluster"),
        ("emrcontainers", "DeleteVirtualCluster"),
        EMR_CONTAINERS,
    )
    .repeats(Repetition::Harmless)
    .job(emr_job(
        ("DescribeVirtualCluster", &[given("Id", "/Id")]),
        "/VirtualCluster/State",
        &["TERMINATED"],
        &["ARRESTED"],
    )),
    row(("emr-containers", "startJobRun"), ("emrcontainers", "StartJobRun"), EMR_CONTAINERS)
        .token("ClientToken")
        .job(
            emr_job(
                (
                    "DescribeJobRun",
                    &[submitted("Id", "/Id"), submitted("VirtualClusterId", "/VirtualClusterId")],
                ),
                "/JobRun/State",
                &["COMPLETED"],
                &["FAILED", "CANCELLED"],
            )
            .cancel(
                "CancelJobRun",
                &[submitted("Id", "/Id"), submitted("VirtualClusterId", "/VirtualClusterId")],
            ),
        ),
    row(
        ("emr-serverless", "createApplication"),
        ("emrserverless", "CreateApplication"),
        EMR_SERVERLESS,
    )
    .token("ClientToken")
    .job(emr_job(
        SERVERLESS_APPLICATION,
        "/Application/State",
        &["CREATED", "STARTED"],
        &["TERMINATED"],
    )),
    row(
        ("emr-serverless", "startApplication"),
        ("emrserverless", "StartApplication"),
        EMR_SERVERLESS,
    )
    .response(rules::serverless_ids)
    .repeats(Repetition::Harmless)
    .job(emr_job(
        SERVERLESS_APPLICATION,
        "/Application/State",
        &["STARTED"],
        &["STOPPED", "TERMINATED"],
    )),
    row(
        ("emr-serverless", "stopApplication"),
        ("emrserverless", "StopApplication"),
        EMR_SERVERLESS,
    )
    .response(rules::serverless_ids)
    .repeats(Repetition::Harmless)
    .job(emr_job(
        SERVERLESS_APPLICATION,
        "/Application/State",
        &["STOPPED", "CREATED"],
        &["TERMINATED"],
    )),
    row(
        ("emr-serverless", "deleteApplication"),
        ("emrserverless", "DeleteApplication"),
        EMR_SERVERLESS,
    )
    .response(rules::serverless_ids)
    .repeats(Repetition::Harmless)
    .job(emr_job(SERVERLESS_APPLICATION, "/Application/State", &["TERMINATED"], &[]).until_gone()),
    row(("emr-serverless", "startJobRun"), ("emrserverless", "StartJobRun"), EMR_SERVERLESS)
        .token("ClientToken")
        .job(
            emr_job(SERVERLESS_JOB, "/JobRun/State", &["SUCCESS"], &["FAILED", "CANCELLED"])
                .cancel("CancelJobRun", SERVERLESS_JOB.1),
        ),
    row(("emr-serverless", "cancelJobRun"), ("emrserverless", "CancelJobRun"), EMR_SERVERLESS)
        .response(rules::serverless_ids)
        .repeats(Repetition::Harmless)
        .job(emr_job(SERVERLESS_JOB, "/JobRun/State", &["CANCELLED"], &["FAILED", "SUCCESS"])),
    row(("events", "putEvents"), ("eventbridge", "PutEvents"), EVENT_BRIDGE).without_metadata(),
    row(("glue", "startJobRun"), ("glue", "StartJobRun"), GLUE)
        .repeats(Repetition::Marked("Arguments"))
        .job(
            job(
                ("GetJobRun", &[given("JobName", "/JobName"), submitted("RunId", "/JobRunId")]),
                "/JobRun/JobRunState",
                &["SUCCEEDED"],
                &["FAILED", "STOPPED", "TIMEOUT", "ERROR", "EXPIRED"],
            )
            .at("/JobRun")
            .cancel(
                "BatchStopJobRun",
                &[given("JobName", "/JobName"), submitted("JobRunIds", "/JobRunId").in_list()],
            ),
        ),
    row(("mediaconvert", "createJob"), ("mediaconvert", "CreateJob"), MEDIA_CONVERT)
        .token("ClientRequestToken")
        .job(
            job(
                ("GetJob", &[submitted("Id", "/Job/Id")]),
                "/Job/Status",
                &["COMPLETE"],
                &["ERROR", "CANCELED"],
            )
            .cancel("CancelJob", &[submitted("Id", "/Job/Id")]),
        ),
    row(("sagemaker", "createEndpoint"), ("sagemaker", "CreateEndpoint"), SAGE_MAKER),
    row(("sagemaker", "createEndpointConfig"), ("sagemaker", "CreateEndpointConfig"), SAGE_MAKER),
    row(("sagemaker", "createModel"), ("sagemaker", "CreateModel"), SAGE_MAKER),
    row(("sagemaker", "updateEndpoint"), ("sagemaker", "UpdateEndpoint"), SAGE_MAKER),
    row(
        ("sagemaker", "createHyperParameterTuningJob"),
        ("sagemaker", "CreateHyperParameterTuningJob"),
        SAGE_MAKER,
    )
    .repeats(Repetition::Created("/CreationTime"))
    .job(sage_maker_job(
        "DescribeHyperParameterTuningJob",
        &[given("HyperParameterTuningJobName", "/HyperParameterTuningJobName")],
        "/HyperParameterTuningJobStatus",
        "StopHyperParameterTuningJob",
    )),
    row(("sagemaker", "createLabelingJob"), ("sagemaker", "CreateLabelingJob"), SAGE_MAKER)
        .repeats(Repetition::Created("/CreationTime"))
        .job(sage_maker_job(
            "DescribeLabelingJob",
            &[given("LabelingJobName", "/LabelingJobName")],
            "/LabelingJobStatus",
            "StopLabelingJob",
        )),
    row(("sagemaker", "createProcessingJob"), ("sagemaker", "CreateProcessingJob"), SAGE_MAKER)
        .repeats(Repetition::Created("/CreationTime"))
        .job(sage_maker_job(
            "DescribeProcessingJob",
            &[given("ProcessingJobName", "/ProcessingJobName")],
            "/ProcessingJobStatus",
            "StopProcessingJob",
        )),
    row(("sagemaker", "createTrainingJob"), ("sagemaker", "CreateTrainingJob"), SAGE_MAKER)
        .repeats(Repetition::Created("/CreationTime"))
        .job(sage_maker_job(
            "DescribeTrainingJob",
            &[given("TrainingJobName", "/TrainingJobName")],
            "/TrainingJobStatus",
            "StopTrainingJob",
        )),
    row(("sagemaker", "createTransformJob"), ("sagemaker", "CreateTransformJob"), SAGE_MAKER)
        .repeats(Repetition::Created("/CreationTime"))
        .job(sage_maker_job(
            "DescribeTransformJob",
            &[given("TransformJobName", "/TransformJobName")],
            "/TransformJobStatus",
            "StopTransformJob",
        )),
    row(("sns", "publish"), ("sns", "Publish"), SNS).texts(&["Message"]),
    row(("sqs", "sendMessage"), ("sqs", "SendMessage"), SQS).texts(&["MessageBody"]),
];

/// Families of the actions that have rules of their own.
pub(crate) const BEDROCK_RUNTIME: Family =
    family("Bedrock", "AmazonBedrockRuntime", "AmazonBedrockRuntimeException");
pub(crate) const EMR_FAMILY: Family = EMR;

/// The row of an action.
pub(crate) fn find(service: &str, action: &str) -> Option<&'static Row> {
    TABLE.iter().find(|row| row.service == service && row.action == action)
}
