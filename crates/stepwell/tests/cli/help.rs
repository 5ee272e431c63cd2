//! What the program says about itself.

use expect_test::expect;

use crate::Folder;

fn check(arguments: &[&str], expected: &expect_test::Expect) {
    Folder::with(&[]).check(arguments, expected);
}

#[test]
fn without_a_command() {
    check(
        &[],
        &expect![[r#"
            exit status: 2
            ----- stderr -----
            AWS Step Functions on your own machines

            Usage: stepwell <COMMAND>

            Commands:
              serve        Serve the Step Functions API and keep every execution in a data directory
              dev          Serve a folder of state machines, reload them when they change, show what they do
              run          Run one execution of a definition in this process
              validate     Check definitions and show every mistake with its place
              explore      Find a path to every end of a definition
              routes       Show where the tasks of definitions would go
              test         Run the test cases of state machines with mocked tasks and skipped waits
              history      Show the history of an execution as a table
              jobs         Show the batch jobs and containers that run without AWS, and what they print
              cost         Say what the same work would have cost on AWS
              completions  Print a completion script for a shell
              help         Print this message or the help of the given subcommand(s)

            Options:
              -h, --help     Print help (see more with '--help')
              -V, --version  Print version

            First steps:
              stepwell validate machine.asl.json            is the definition right?
              stepwell explore machine.asl.json             which input and outcomes lead where?
              stepwell run machine.asl.json --input '{}'    run it once, here and now
              stepwell test .                               run its test cases
              stepwell dev .                                serve every definition of this folder
              stepwell serve --data /var/lib/stepwell       a server that keeps everything
        "#]],
    );
}

#[test]
fn serve() {
    check(
        &["serve", "--help"],
        &expect![[r#"
            exit status: 0
            ----- stdout -----
            Serve the Step Functions API and keep every execution in a data directory.

            Prints one line, `listening on http://ADDRESS:PORT`, on standard output once it answers. The first
            SIGTERM or SIGINT stops it gracefully; executions go on at the next start. The second one stops it
            at once, which loses nothing either.

            Usage: stepwell serve [OPTIONS]

            Options:
                  --listen <ADDRESS:PORT>
                      The address and port of the API; port 0 takes a free one [env: STEPWELL_LISTEN] [default:
                      127.0.0.1:8083]

                  --insecure
                      Allow an address that other machines can reach, without access keys

                  --data <DIR>
                      Where executions are kept; :memory: keeps nothing [env: STEPWELL_DATA] [default:
                      .stepwell]

                  --mocks <FILE>
                      The file with mocked responses and test cases; an execution runs one when it is started
                      with STATE-MACHINE-ARN#TEST-CASE [env: SFN_MOCK_CONFIG]

                  --mocks-strict
                      Fail tasks that a test case does not mock, instead of doing their work

                  --config <FILE>
                      The configuration file [env: STEPWELL_CONFIG] [default: stepwell.toml in the folder, if
                      there is one]

                  --account-id <ID>
                      The account in ARNs, 12 digits [env: AWS_ACCOUNT_ID] [default: 123456789012]

                  --region <REGION>
                      The region in ARNs [env: AWS_REGION] [default: us-east-1]

                  --log <FILTER>
                      What to log to standard error: error, warn, info, debug, trace, or a filter such as
                      warn,runtime=debug [env: STEPWELL_LOG] [default: info; warn in dev and run]

                  --log-format <FORMAT>
                      How to write the log [env: STEPWELL_LOG_FORMAT] [default: text]

                      [possible values: text, json]

              -h, --help
                      Print help (see a summary with '-h')

            Examples:
              stepwell serve
                  Port 8083 on this machine only, data in ./.stepwell

              stepwell serve --data /var/lib/stepwell --config /etc/stepwell.toml
                  A server with functions declared in a configuration file

              stepwell serve --listen 127.0.0.1:0 --data :memory:
                  Any free port, nothing kept: for tests

              aws stepfunctions list-state-machines --endpoint-url http://127.0.0.1:8083
                  Talk to it
        "#]],
    );
}

#[test]
fn dev() {
    check(
        &["dev", "--help"],
        &expect![[r#"
            exit status: 0
            ----- stdout -----
            Serve a folder of state machines, reload them when they change, show what they do.

            Every *.asl.json and *.asl.yaml in the folder becomes a state machine named after its file; saving
            the file updates it, and mistakes are shown with their place in the text. Activities that the
            definitions name are created. Functions, and machines of type EXPRESS, are declared in the folder's
            stepwell.toml; functions start anew when their code changes. Executions are printed as they go, and
            so is what functions write to their logs.

            Usage: stepwell dev [OPTIONS] [DIR]

            Arguments:
              [DIR]
                      The folder with the *.asl.json and *.asl.yaml files

                      [default: .]

            Options:
                  --listen <ADDRESS:PORT>
                      The address and port of the API; port 0 takes a free one [env: STEPWELL_LISTEN] [default:
                      127.0.0.1:8083]

                  --insecure
                      Allow an address that other machines can reach, without access keys

                  --data <DIR>
                      Where executions are kept; :memory: keeps nothing [env: STEPWELL_DATA] [default:
                      .stepwell]

                  --mocks <FILE>
                      The file with mocked responses and test cases; an execution runs one when it is started
                      with STATE-MACHINE-ARN#TEST-CASE [env: SFN_MOCK_CONFIG]

                  --mocks-strict
                      Fail tasks that a test case does not mock, instead of doing their work

                  --config <FILE>
                      The configuration file [env: STEPWELL_CONFIG] [default: stepwell.toml in the folder, if
                      there is one]

                  --account-id <ID>
                      The account in ARNs, 12 digits [env: AWS_ACCOUNT_ID] [default: 123456789012]

                  --region <REGION>
                      The region in ARNs [env: AWS_REGION] [default: us-east-1]

                  --log <FILTER>
                      What to log to standard error: error, warn, info, debug, trace, or a filter such as
                      warn,runtime=debug [env: STEPWELL_LOG] [default: info; warn in dev and run]

                  --log-format <FORMAT>
                      How to write the log [env: STEPWELL_LOG_FORMAT] [default: text]

                      [possible values: text, json]

              -h, --help
                      Print help (see a summary with '-h')

            Examples:
              stepwell dev
                  The folder you are in

              stepwell dev examples/order-fulfilment
                  A folder with its stepwell.toml; its data goes to examples/order-fulfilment/.stepwell

              aws stepfunctions start-execution --endpoint-url http://127.0.0.1:8083 \
                  --state-machine-arn arn:aws:states:us-east-1:123456789012:stateMachine:NAME --input '{}'
                  Start an execution of NAME.asl.json
        "#]],
    );
}

#[test]
fn run() {
    check(
        &["run", "--help"],
        &expect![[r#"
            exit status: 0
            ----- stdout -----
            Run one execution of a definition in this process.

            Progress goes to standard error, the output to standard output. Nothing is kept. Functions are those
            of the stepwell.toml beside the file. The exit status is 0 if the execution succeeded, 1 if it ended
            otherwise, and 2 if it could not be started: wrong usage, or a definition that is not valid.

            A definition that waits for task tokens or activity workers needs somebody to answer: for such a one
            the API is served on a free port of this machine while it runs, and the commands that answer are
            printed.

            Usage: stepwell run [OPTIONS] <FILE>

            Arguments:
              <FILE>
                      The definition: JSON, or YAML if its name ends with .yaml or .yml

            Options:
              -i, --input <JSON|@FILE|->
                      The input: JSON, @FILE, or - for standard input

                      [default: {}]

                  --name <NAME>
                      The name of the execution [default: a new UUID]

                  --type <TYPE>
                      Run it as this type [default: the one in stepwell.toml, else STANDARD]

                      [possible values: STANDARD, EXPRESS]

              -q, --quiet
                      Print no progress, only the output and what went wrong

                  --listen <ADDRESS:PORT>
                      Serve the API at this address while the execution runs [default: a free port, if the
                      definition waits for tokens or workers]

                  --insecure
                      Allow an address that other machines can reach, without access keys

                  --config <FILE>
                      The configuration file [env: STEPWELL_CONFIG] [default: stepwell.toml in the folder, if
                      there is one]

                  --account-id <ID>
                      The account in ARNs, 12 digits [env: AWS_ACCOUNT_ID] [default: 123456789012]

                  --region <REGION>
                      The region in ARNs [env: AWS_REGION] [default: us-east-1]

                  --log <FILTER>
                      What to log to standard error: error, warn, info, debug, trace, or a filter such as
                      warn,runtime=debug [env: STEPWELL_LOG] [default: info; warn in dev and run]

                  --log-format <FORMAT>
                      How to write the log [env: STEPWELL_LOG_FORMAT] [default: text]

                      [possible values: text, json]

              -h, --help
                      Print help (see a summary with '-h')

            Examples:
              stepwell run order.asl.json --input '{"total": 12}'
              stepwell run order.asl.json --input @order.json
              jq .order request.json | stepwell run order.asl.json --input - > result.json
              stepwell run order.asl.json --quiet && echo done
        "#]],
    );
}

#[test]
fn validate() {
    check(
        &["validate", "--help"],
        &expect![[r#"
            exit status: 0
            ----- stdout -----
            Check definitions and show every mistake with its place.

            Findings have AWS's codes and words. The exit status is 0 if every definition is valid (warnings
            allowed), 1 if one is not, and 2 if a file cannot be read. Files that end with .yaml or .yml are
            YAML.

            Usage: stepwell validate [OPTIONS] <FILE>...

            Arguments:
              <FILE>...
                      The definitions; - is standard input

            Options:
                  --format <FORMAT>
                      How to show what was found

                      [default: text]
                      [possible values: text, json]

                  --lint
                      Give advice, too: what AWS accepts and nobody can have meant

                  --yaml
                      Read YAML, whatever the files are called

                  --type <TYPE>
                      Check as this type; EXPRESS refuses activities and patterns that wait

                      [default: STANDARD]
                      [possible values: STANDARD, EXPRESS]

              -h, --help
                      Print help (see a summary with '-h')

            Examples:
              stepwell validate machine.asl.json
              stepwell validate --lint machine.asl.yaml
              stepwell validate machines/*.asl.json
              stepwell validate --type EXPRESS fast.asl.json
              stepwell validate --format json machine.asl.json | jq '.[].diagnostics'
        "#]],
    );
}

#[test]
fn history() {
    check(
        &["history", "--help"],
        &expect![[r#"
            exit status: 0
            ----- stdout -----
            Show the history of an execution as a table: when each event happened, how long each state and task
            took, and what failed.

            The history comes from a running server, or from a file with the output of `aws stepfunctions
            get-execution-history`.

            Usage: stepwell history [OPTIONS] <ARN|FILE>

            Arguments:
              <ARN|FILE>
                      An execution's ARN, a file, or - for standard input

            Options:
                  --endpoint <URL>
                      The server to ask [env: AWS_ENDPOINT_URL_SFN, AWS_ENDPOINT_URL] [default:
                      http://127.0.0.1:8083]

                  --ca-bundle <FILE>
                      A PEM file with the authorities to trust, where the server speaks TLS [env: AWS_CA_BUNDLE]

                  --data
                      Show inputs and outputs too

              -h, --help
                      Print help (see a summary with '-h')

            Examples:
              stepwell history arn:aws:states:us-east-1:123456789012:execution:order:order-1042
                  From the server at http://127.0.0.1:8083

              stepwell history --endpoint http://127.0.0.1:9000 ARN
                  From another server

              aws stepfunctions get-execution-history --execution-arn ARN | stepwell history -
                  From any source, AWS included
        "#]],
    );
}

#[test]
fn wrong_usage() {
    check(
        &["frobnicate"],
        &expect![[r#"
        exit status: 2
        ----- stderr -----
        error: unrecognized subcommand 'frobnicate'

        Usage: stepwell <COMMAND>

        For more information, try '--help'.
    "#]],
    );
    check(
        &["validate", "--format", "xml", "a.json"],
        &expect![[r#"
        exit status: 2
        ----- stderr -----
        error: invalid value 'xml' for '--format <FORMAT>'
          [possible values: text, json]

        For more information, try '--help'.
    "#]],
    );
}

#[test]
fn completions_for_every_shell() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let output = Folder::with(&[]).command(&["completions", shell]).output().unwrap();
        assert!(output.status.success());
        let script = String::from_utf8(output.stdout).unwrap();
        for word in ["stepwell", "validate", "account-id", "STANDARD"] {
            assert!(script.contains(word), "{shell}: no {word}");
        }
    }
}
