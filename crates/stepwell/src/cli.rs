//! The command line: every command and option with the text that explains it. What the options
//! mean together with the environment and the configuration file is settled in `config`.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

/// AWS Step Functions on your own machines.
#[derive(Debug, Parser)]
#[command(
    name = "stepwell",
    version,
    max_term_width = 100,
    subcommand_required = true,
    arg_required_else_help = true,
    long_about = "AWS Step Functions on your own machines.\n\n\
        Stepwell runs Amazon States Language, speaks the Step Functions API and keeps every \
        execution through crashes, in one program. The AWS CLI and the SDKs work with it when \
        their endpoint points at it.",
    after_help = FIRST_STEPS,
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

const FIRST_STEPS: &str = "\
First steps:
  stepwell validate machine.asl.json            is the definition right?
  stepwell explore machine.asl.json             which input and outcomes lead where?
  stepwell run machine.asl.json --input '{}'    run it once, here and now
  stepwell test .                               run its test cases
  stepwell dev .                                serve every definition of this folder
  stepwell serve --data /var/lib/stepwell       a server that keeps everything";

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Serve(Serve),
    Dev(Dev),
    Run(Run),
    Validate(Validate),
    Explore(Explore),
    Routes(Routes),
    Test(Test),
    History(History),
    Jobs(Jobs),
    Cost(Cost),
    Completions(Completions),
    /// Evaluate expressions for the process that started this one.
    #[command(hide = true)]
    Evaluate,
}

/// Serve the Step Functions API and keep every execution in a data directory.
#[derive(Debug, Args)]
#[command(
    long_about = "Serve the Step Functions API and keep every execution in a data directory.\n\n\
        Prints one line, `listening on http://ADDRESS:PORT`, on standard output once it answers. \
        The first SIGTERM or SIGINT stops it gracefully; executions go on at the next start. \
        The second one stops it at once, which loses nothing either.",
    after_long_help = "\
Examples:
  stepwell serve
      Port 8083 on this machine only, data in ./.stepwell

  stepwell serve --data /var/lib/stepwell --config /etc/stepwell.toml
      A server with functions declared in a configuration file

  stepwell serve --listen 127.0.0.1:0 --data :memory:
      Any free port, nothing kept: for tests

  aws stepfunctions list-state-machines --endpoint-url http://127.0.0.1:8083
      Talk to it"
)]
pub(crate) struct Serve {
    #[command(flatten)]
    pub(crate) server: ServerOptions,
}

/// Serve a folder of state machines, reload them when they change, show what they do.
#[derive(Debug, Args)]
#[command(
    long_about = "Serve a folder of state machines, reload them when they change, show what they \
        do.\n\n\
        Every *.asl.json and *.asl.yaml in the folder becomes a state machine named after its \
        file; saving the \
        file updates it, and mistakes are shown with their place in the text. Activities that \
        the definitions name are created. Functions, and machines of type EXPRESS, are declared \
        in the folder's stepwell.toml; functions start anew when their code changes. Executions \
        are printed as they go, and so is what functions write to their logs.",
    after_long_help = "\
Examples:
  stepwell dev
      The folder you are in

  stepwell dev examples/order-fulfilment
      A folder with its stepwell.toml; its data goes to examples/order-fulfilment/.stepwell

  aws stepfunctions start-execution --endpoint-url http://127.0.0.1:8083 \\
      --state-machine-arn arn:aws:states:us-east-1:123456789012:stateMachine:NAME --input '{}'
      Start an execution of NAME.asl.json"
)]
pub(crate) struct Dev {
    /// The folder with the *.asl.json and *.asl.yaml files.
    #[arg(value_name = "DIR", default_value = ".")]
    pub(crate) folder: PathBuf,
    #[command(flatten)]
    pub(crate) server: ServerOptions,
}

/// Run one execution of a definition in this process.
#[derive(Debug, Args)]
#[command(
    long_about = "Run one execution of a definition in this process.\n\n\
        Progress goes to standard error, the output to standard output. Nothing is kept. \
        Functions are those of the stepwell.toml beside the file. The exit status is 0 if the \
        execution succeeded, 1 if it ended otherwise, and 2 if it could not be started: wrong \
        usage, or a definition that is not valid.\n\n\
        A definition that waits for task tokens or activity workers needs somebody to answer: \
        for such a one the API is served on a free port of this machine while it runs, and the \
        commands that answer are printed.",
    after_long_help = "\
Examples:
  stepwell run order.asl.json --input '{\"total\": 12}'
  stepwell run order.asl.json --input @order.json
  jq .order request.json | stepwell run order.asl.json --input - > result.json
  stepwell run order.asl.json --quiet && echo done"
)]
pub(crate) struct Run {
    /// The definition: JSON, or YAML if its name ends with .yaml or .yml.
    #[arg(value_name = "FILE")]
    pub(crate) definition: PathBuf,
    /// The input: JSON, @FILE, or - for standard input.
    #[arg(short, long, value_name = "JSON|@FILE|-", default_value = "{}")]
    pub(crate) input: String,
    /// The name of the execution [default: a new UUID].
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// Run it as this type [default: the one in stepwell.toml, else STANDARD].
    #[arg(long, value_name = "TYPE", ignore_case = true)]
    pub(crate) r#type: Option<MachineTypeName>,
    /// Print no progress, only the output and what went wrong.
    #[arg(short, long)]
    pub(crate) quiet: bool,
    /// Serve the API at this address while the execution runs [default: a free port, if the
    /// definition waits for tokens or workers].
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(crate) listen: Option<String>,
    /// Allow an address that other machines can reach, without access keys.
    #[arg(long)]
    pub(crate) insecure: bool,
    #[command(flatten)]
    pub(crate) common: CommonOptions,
}

/// Run the test cases of state machines with mocked tasks and skipped waits.
#[derive(Debug, Args)]
#[command(
    long_about = "Run the test cases of state machines with mocked tasks and skipped waits.\n\n\
        The cases of NAME.asl.json are those that MockConfigFile.json (the mock file of Step \
        Functions Local) has for NAME, and those of NAME.test.json, which also says what input \
        they get and what is expected of them. Everything runs in this process; waits, timeouts \
        and back-offs take no time. Prints a table, what differs, and which states, Choice \
        rules, Retry and Catch entries no case reached. The exit status is 0 if every case \
        passed, 1 if one did not, and 2 if they cannot be run.",
    after_long_help = "\
Examples:
  stepwell test
      Every case of the folder you are in

  stepwell test order.asl.json --filter CardIsSlow
      One case of one state machine

  stepwell test --junit report.xml machines/
      With a report for a build server"
)]
pub(crate) struct Test {
    /// Folders, definitions, or NAME.test.json files.
    #[arg(value_name = "FILE|DIR", default_value = ".")]
    pub(crate) paths: Vec<PathBuf>,
    /// Only cases with this text in MACHINE#CASE.
    #[arg(long, value_name = "TEXT")]
    pub(crate) filter: Option<String>,
    /// Write the outcome as JUnit XML, too.
    #[arg(long, value_name = "FILE")]
    pub(crate) junit: Option<PathBuf>,
    /// The file with mocked responses and test cases [env: SFN_MOCK_CONFIG] [default:
    /// MockConfigFile.json in the folder, if there is one].
    #[arg(long, value_name = "FILE")]
    pub(crate) mocks: Option<PathBuf>,
    /// Carry out tasks that a case does not mock, instead of failing them.
    #[arg(long)]
    pub(crate) calls: bool,
    /// Seconds that a case may take on this machine.
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    pub(crate) patience: u64,
    #[command(flatten)]
    pub(crate) common: CommonOptions,
}

/// Find a path to every end of a definition.
#[derive(Debug, Args)]
#[command(
    long_about = "Find a path to every end of a definition.\n\n\
        Runs the definition with tasks that are mocked and looks for an input and task outcomes \
        that lead to each state that ends it, a branch or a processor. Prints each path with \
        them, and what could not be reached and why. Nothing is called. The exit status is 0 if \
        every end is reached, 1 if one is not, and 2 if the definition is not valid.",
    after_long_help = "\
Examples:
  stepwell explore machine.asl.json
  stepwell explore --format json machine.asl.yaml | jq '.[] | select(.reached | not)'"
)]
pub(crate) struct Explore {
    /// The definition: JSON, or YAML if its name ends with .yaml or .yml.
    #[arg(value_name = "FILE")]
    pub(crate) definition: PathBuf,
    /// How to show what was found.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(crate) format: OutputFormat,
    /// Explore it as this type.
    #[arg(long, value_name = "TYPE", default_value = "STANDARD", ignore_case = true)]
    pub(crate) r#type: MachineTypeName,
}

/// Check definitions and show every mistake with its place.
#[derive(Debug, Args)]
#[command(
    long_about = "Check definitions and show every mistake with its place.\n\n\
        Findings have AWS's codes and words. The exit status is 0 if every definition is valid \
        (warnings allowed), 1 if one is not, and 2 if a file cannot be read. Files that end with \
        .yaml or .yml are YAML.",
    after_long_help = "\
Examples:
  stepwell validate machine.asl.json
  stepwell validate --lint machine.asl.yaml
  stepwell validate machines/*.asl.json
  stepwell validate --type EXPRESS fast.asl.json
  stepwell validate --format json machine.asl.json | jq '.[].diagnostics'"
)]
pub(crate) struct Validate {
    /// The definitions; - is standard input.
    #[arg(value_name = "FILE", required = true)]
    pub(crate) files: Vec<PathBuf>,
    /// How to show what was found.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(crate) format: OutputFormat,
    /// Give advice, too: what AWS accepts and nobody can have meant.
    #[arg(long)]
    pub(crate) lint: bool,
    /// Read YAML, whatever the files are called.
    #[arg(long)]
    pub(crate) yaml: bool,
    /// Check as this type; EXPRESS refuses activities and patterns that wait.
    #[arg(long, value_name = "TYPE", default_value = "STANDARD", ignore_case = true)]
    pub(crate) r#type: MachineTypeName,
}

/// Show where the tasks of definitions would go.
#[derive(Debug, Args)]
#[command(
    long_about = "Show where the tasks of definitions would go: a function, an endpoint, AWS, or \
        nowhere.\n\n\
        Nothing is called. What decides are the routes and functions of the configuration file, \
        endpoint variables such as AWS_ENDPOINT_URL_DYNAMODB, and AWS credentials.",
    after_long_help = "\
Examples:
  stepwell routes machine.asl.json
  AWS_ENDPOINT_URL=http://127.0.0.1:5000 stepwell routes machines/*.asl.json"
)]
pub(crate) struct Routes {
    /// The definitions.
    #[arg(value_name = "FILE", required = true)]
    pub(crate) files: Vec<PathBuf>,
    /// Read the definitions as of this type.
    #[arg(long, value_name = "TYPE", default_value = "STANDARD", ignore_case = true)]
    pub(crate) r#type: MachineTypeName,
    #[command(flatten)]
    pub(crate) common: CommonOptions,
}

/// Show the history of an execution as a table.
#[derive(Debug, Args)]
#[command(
    long_about = "Show the history of an execution as a table: when each event happened, how \
        long each state and task took, and what failed.\n\n\
        The history comes from a running server, or from a file with the output of `aws \
        stepfunctions get-execution-history`.",
    after_long_help = "\
Examples:
  stepwell history arn:aws:states:us-east-1:123456789012:execution:order:order-1042
      From the server at http://127.0.0.1:8083

  stepwell history --endpoint http://127.0.0.1:9000 ARN
      From another server

  aws stepfunctions get-execution-history --execution-arn ARN | stepwell history -
      From any source, AWS included"
)]
pub(crate) struct History {
    /// An execution's ARN, a file, or - for standard input.
    #[arg(value_name = "ARN|FILE")]
    pub(crate) source: String,
    /// The server to ask [env: AWS_ENDPOINT_URL_SFN, AWS_ENDPOINT_URL] [default:
    /// http://127.0.0.1:8083].
    #[arg(long, value_name = "URL")]
    pub(crate) endpoint: Option<String>,
    /// A PEM file with the authorities to trust, where the server speaks TLS [env: AWS_CA_BUNDLE].
    #[arg(long, value_name = "FILE")]
    pub(crate) ca_bundle: Option<PathBuf>,
    /// Show inputs and outputs too.
    #[arg(long)]
    pub(crate) data: bool,
}

/// Show the batch jobs and containers that run without AWS, and what they print.
#[derive(Debug, Args)]
#[command(
    long_about = "Show the batch jobs and containers that run without AWS, and what they print.\n\n\
        These are the jobs of `batch:submitJob` and `ecs:runTask` that the server's configuration \
        file declares. They come from a running server.",
    after_long_help = "\
Examples:
  stepwell jobs
      The newest jobs of the server at http://127.0.0.1:8083

  stepwell jobs list --status RUNNING --json
      Those that run, for programs

  stepwell jobs logs 6f2c1f5e-8a39-4c43-a9d5-0ab6cf0f25a4 --follow
      What a job prints, until it is over"
)]
pub(crate) struct Jobs {
    #[command(subcommand)]
    pub(crate) action: Option<JobsAction>,
    /// The server to ask [env: AWS_ENDPOINT_URL_SFN, AWS_ENDPOINT_URL] [default:
    /// http://127.0.0.1:8083].
    #[arg(long, value_name = "URL", global = true)]
    pub(crate) endpoint: Option<String>,
    /// A PEM file with the authorities to trust, where the server speaks TLS [env: AWS_CA_BUNDLE].
    #[arg(long, value_name = "FILE", global = true)]
    pub(crate) ca_bundle: Option<PathBuf>,
}

/// What is to be shown of jobs.
#[derive(Debug, Subcommand)]
pub(crate) enum JobsAction {
    /// List jobs, the newest first.
    List(JobsList),
    /// Print what a job's program printed.
    Logs(JobLogs),
}

/// Which jobs.
#[derive(Debug, Default, Args)]
pub(crate) struct JobsList {
    /// Only with this status: RUNNABLE, RUNNING, SUCCEEDED or FAILED.
    #[arg(long, value_name = "STATUS")]
    pub(crate) status: Option<String>,
    /// At most so many [default: 100].
    #[arg(long, value_name = "COUNT", default_value_t = 100, hide_default_value = true)]
    pub(crate) limit: usize,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Whose log, and how much of it.
#[derive(Debug, Args)]
pub(crate) struct JobLogs {
    /// The job's id.
    #[arg(value_name = "ID")]
    pub(crate) id: String,
    /// The attempt, child or container, such as attempt-2 or container-main [default: the one that
    /// was started last].
    #[arg(long, value_name = "RUN")]
    pub(crate) run: Option<String>,
    /// Only about so many bytes at the end.
    #[arg(long, value_name = "BYTES")]
    pub(crate) tail: Option<u64>,
    /// Go on until the program has ended.
    #[arg(short, long)]
    pub(crate) follow: bool,
}

/// Say what the same work would have cost on AWS.
#[derive(Debug, Args)]
#[command(
    long_about = "Say what the same work would have cost on AWS.\n\n\
        The server counts what AWS bills: state transitions of Standard executions, retries and \
        redrives included; requests, time and memory of Express executions. What functions and \
        other services cost is not in it. The prices are those of AWS's page in us-east-1; \
        --prices names a file with others.",
    after_long_help = "\
Examples:
  stepwell cost
      This month, from the server at http://127.0.0.1:8083

  stepwell cost --month 2026-10 --json
      Another month, for programs"
)]
pub(crate) struct Cost {
    /// The month, as YYYY-MM [default: this one, UTC].
    #[arg(long, value_name = "MONTH")]
    pub(crate) month: Option<String>,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
    /// A JSON file with prices, in the shape of the built-in ones.
    #[arg(long, value_name = "FILE")]
    pub(crate) prices: Option<PathBuf>,
    /// The server to ask [env: AWS_ENDPOINT_URL_SFN, AWS_ENDPOINT_URL] [default:
    /// http://127.0.0.1:8083].
    #[arg(long, value_name = "URL")]
    pub(crate) endpoint: Option<String>,
    /// A PEM file with the authorities to trust, where the server speaks TLS [env: AWS_CA_BUNDLE].
    #[arg(long, value_name = "FILE")]
    pub(crate) ca_bundle: Option<PathBuf>,
}

/// Print a completion script for a shell.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  stepwell completions bash > /etc/bash_completion.d/stepwell
  stepwell completions zsh > ~/.zfunc/_stepwell
  stepwell completions fish > ~/.config/fish/completions/stepwell.fish")]
pub(crate) struct Completions {
    /// The shell.
    #[arg(value_name = "SHELL")]
    pub(crate) shell: Shell,
}

/// Options of the commands that serve.
#[derive(Debug, Args, Default)]
pub(crate) struct ServerOptions {
    /// The address and port of the API; port 0 takes a free one [env: STEPWELL_LISTEN]
    /// [default: 127.0.0.1:8083].
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(crate) listen: Option<String>,
    /// Allow an address that other machines can reach, without access keys.
    #[arg(long)]
    pub(crate) insecure: bool,
    /// Where executions are kept; :memory: keeps nothing [env: STEPWELL_DATA] [default:
    /// .stepwell].
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) mocks: MockOptions,
    #[command(flatten)]
    pub(crate) common: CommonOptions,
}

/// Options of the commands that can run test cases.
#[derive(Debug, Clone, Args, Default)]
pub(crate) struct MockOptions {
    /// The file with mocked responses and test cases; an execution runs one when it is started
    /// with STATE-MACHINE-ARN#TEST-CASE [env: SFN_MOCK_CONFIG].
    #[arg(long, value_name = "FILE")]
    pub(crate) mocks: Option<PathBuf>,
    /// Fail tasks that a test case does not mock, instead of doing their work.
    #[arg(long)]
    pub(crate) mocks_strict: bool,
}

/// Options of every command that runs executions.
#[derive(Debug, Clone, Args, Default)]
pub(crate) struct CommonOptions {
    /// The configuration file [env: STEPWELL_CONFIG] [default: stepwell.toml in the folder, if
    /// there is one].
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// The account in ARNs, 12 digits [env: AWS_ACCOUNT_ID] [default: 123456789012].
    #[arg(long, value_name = "ID")]
    pub(crate) account_id: Option<String>,
    /// The region in ARNs [env: AWS_REGION] [default: us-east-1].
    #[arg(long, value_name = "REGION")]
    pub(crate) region: Option<String>,
    /// What to log to standard error: error, warn, info, debug, trace, or a filter such as
    /// warn,runtime=debug [env: STEPWELL_LOG] [default: info; warn in dev and run].
    #[arg(long, value_name = "FILTER")]
    pub(crate) log: Option<String>,
    /// How to write the log [env: STEPWELL_LOG_FORMAT] [default: text].
    #[arg(long, value_name = "FORMAT")]
    pub(crate) log_format: Option<OutputFormat>,
}

/// Text for people or JSON for programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum OutputFormat {
    Text,
    Json,
}

/// A state machine's `type`, as AWS writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum MachineTypeName {
    Standard,
    Express,
}

impl From<MachineTypeName> for asl::MachineType {
    fn from(name: MachineTypeName) -> asl::MachineType {
        match name {
            MachineTypeName::Standard => asl::MachineType::Standard,
            MachineTypeName::Express => asl::MachineType::Express,
        }
    }
}
