//! What the configuration may say, and how it complains. Nothing here comes as far as serving.

use expect_test::{Expect, expect};

use crate::Folder;

/// Runs `serve` with a configuration file that must be refused.
fn refused(text: &str, expected: &Expect) {
    let folder = Folder::with(&[("stepwell.toml", text)]);
    folder.check(&["serve", "--listen", "127.0.0.1:0", "--data", ":memory:"], expected);
}

#[test]
fn access_keys_have_one_secret_each() {
    let key = "[[access_keys]]\nid = \"AKID\"\nrole = \"admin\"\n";
    refused(
        key,
        &expect![[r#"
        exit status: 2
        ----- stderr -----
        error: stepwell.toml: access_keys[0] (AKID): one of secret, secret_file and secret_env is needed
    "#]],
    );
    refused(
        &format!("{key}secret = \"\"\n"),
        &expect![[r#"
        exit status: 2
        ----- stderr -----
        error: stepwell.toml: access_keys[0] (AKID): the secret is empty
    "#]],
    );
    refused(
        &format!("{key}secret = \"s\"\nsecret_env = \"S\"\n"),
        &expect![[r#"
        exit status: 2
        ----- stderr -----
        error: stepwell.toml: access_keys[0] (AKID): one of secret, secret_file and secret_env is needed
    "#]],
    );
    refused(
        &format!("{key}secret_env = \"STEPWELL_NO_SUCH\"\n"),
        &expect![[r#"
        exit status: 2
        ----- stderr -----
        error: stepwell.toml: access_keys[0] (AKID): the variable STEPWELL_NO_SUCH with the secret is not set
    "#]],
    );
    refused(
        &format!("{key}secret_file = \"none\"\n"),
        &expect![[r#"
        exit status: 2
        ----- stderr -----
        error: stepwell.toml: access_keys[0] (AKID): cannot read none: No such file or directory (os error 2)
    "#]],
    );
    let whole = format!("{key}secret = \"hidden\"\n");
    refused(
        &format!("{whole}{whole}"),
        &expect![[r#"
        exit status: 2
        ----- stderr -----
        error: stepwell.toml: access_keys[1]: there is another key with the id `AKID`
    "#]],
    );
    refused(
        &format!("{whole}account = \"1\"\n"),
        &expect![[r#"
        exit status: 2
        ----- stderr -----
        error: stepwell.toml: access_keys[0]: the account `1` is not 12 digits
    "#]],
    );
    refused(
        &whole.replace("AKID", "A/B"),
        &expect![[r#"
        exit status: 2
        ----- stderr -----
        error: stepwell.toml: access_keys[0]: the id `A/B` may hold letters, digits and _-.+=@
    "#]],
    );
    refused(
        &whole.replace("admin", "root"),
        &expect![[r#"
        exit status: 2
        ----- stderr -----
        error: stepwell.toml:3:8: unknown variant `root`, expected one of `admin`, `operator`, `worker`, `reader`
          |
        3 | role = "root"
          |        ^^^^^^
    "#]],
    );
}

#[test]
fn mistakes_are_shown_with_their_place() {
    refused(
        "[server]\nlisten = \"127.0.0.1:0\"\nlitsen = 1\n",
        &expect![[r#"
            exit status: 2
            ----- stderr -----
            error: stepwell.toml:3:1: unknown field `litsen`, expected one of `listen`, `data`, `account_id`, `region`, `log`, `log_format`, `mocks`, `mocks_strict`, `express_executions`, `express_megabytes`, `express_minutes`
              |
            3 | litsen = 1
              | ^^^^^^
        "#]],
    );
    refused(
        "[server]\n\tlisten = 8083\n",
        &expect![[r#"
            exit status: 2
            ----- stderr -----
            error: stepwell.toml:2:11: invalid type: integer `8083`, expected a string
              |
            2 | 	listen = 8083
              | 	         ^^^^
        "#]],
    );
    refused(
        "[server\n",
        &expect![[r#"
            exit status: 2
            ----- stderr -----
            error: stepwell.toml:1:8: unclosed table, expected `]`
              |
            1 | [server
              |        ^
        "#]],
    );
    refused(
        "[machines.a]\ntype = \"FAST\"\n",
        &expect![[r#"
            exit status: 2
            ----- stderr -----
            error: stepwell.toml:2:8: unknown variant `FAST`, expected `STANDARD` or `EXPRESS`
              |
            2 | type = "FAST"
              |        ^^^^^^
        "#]],
    );
    refused(
        "[functions.a]\nruntime = \"python\"\ntimeout = 3\n",
        &expect![[r#"
            exit status: 2
            ----- stderr -----
            error: stepwell.toml:3:1: unknown field `timeout`, expected one of `runtime`, `handler`, `command`, `working_directory`, `environment`, `inherit_environment`, `timeout_seconds`, `memory_megabytes`, `concurrency`, `on_crash`, `endpoint`, `idle_seconds`
              |
            3 | timeout = 3
              | ^^^^^^^
        "#]],
    );
    refused(
        "[functions.a]\nruntime = \"python\"\n[functions.b]\nruntime = \"provided\"\ntimeout_seconds = 0\n",
        &expect![[r#"
            exit status: 2
            ----- stderr -----
            error: stepwell.toml: function 'a': needs a 'handler', as in "module.function"
                   function 'b': 'timeout_seconds' is 0, but goes from 1 to 900
        "#]],
    );
}

#[test]
fn values_that_cannot_work() {
    refused(
        "[server]\naccount_id = \"12345\"\n",
        &expect![[r#"
        exit status: 2
        ----- stderr -----
        error: the account `12345` is not 12 digits
    "#]],
    );
    refused(
        "[server]\nregion = \"Mars\"\n",
        &expect![[r#"
        exit status: 2
        ----- stderr -----
        error: the region `Mars` is not a name such as us-east-1 (lower-case letters, digits, -)
    "#]],
    );
    refused(
        "[server]\nlog = \"runtime=loud\"\n",
        &expect![[r#"
            exit status: 2
            ----- stderr -----
            error: the log filter `runtime=loud` is not valid: error parsing level filter: expected one of "off", "error", "warn", "info", "debug", "trace", or a number 0-5
        "#]],
    );
}

#[test]
fn a_flag_goes_before_a_variable_before_the_file() {
    let folder = Folder::with(&[("stepwell.toml", "[server]\naccount_id = \"file\"\n")]);
    let account = |arguments: &[&str], variable: Option<&str>| {
        let mut command = folder.command(&["serve"]);
        command.args(arguments);
        if let Some(variable) = variable {
            command.env("AWS_ACCOUNT_ID", variable);
        }
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        String::from_utf8(output.stderr).unwrap()
    };
    expect![[r#"
        error: the account `file` is not 12 digits
    "#]]
    .assert_eq(&account(&[], None));
    expect![[r#"
        error: the account `variable` is not 12 digits
    "#]]
    .assert_eq(&account(&[], Some("variable")));
    expect![[r#"
        error: the account `flag` is not 12 digits
    "#]]
    .assert_eq(&account(&["--account-id", "flag"], Some("variable")));
    expect![[r#"
        error: the account `file` is not 12 digits
    "#]]
    .assert_eq(&account(&[], Some("")));
}

#[test]
fn a_file_that_is_asked_for_must_be_there() {
    Folder::with(&[]).check(
        &["serve", "--config", "other.toml"],
        &expect![[r#"
        exit status: 2
        ----- stderr -----
        error: cannot read other.toml: No such file or directory (os error 2)
    "#]],
    );
}

#[test]
fn other_machines_are_kept_out() {
    let folder = Folder::with(&[]);
    folder.check(&["serve", "--listen", "0.0.0.0:0"], &expect![[r#"
        exit status: 2
        ----- stderr -----
        error: refusing to listen on 0.0.0.0:0: other machines could reach it, and no access keys are configured; whoever reaches it could start executions and run functions
        hint: configure [[access_keys]], or listen on 127.0.0.1, or add --insecure where every machine is trusted
    "#]]);
    folder.check(&["serve", "--listen", "[::]:8083"], &expect![[r#"
        exit status: 2
        ----- stderr -----
        error: refusing to listen on [::]:8083: other machines could reach it, and no access keys are configured; whoever reaches it could start executions and run functions
        hint: configure [[access_keys]], or listen on 127.0.0.1, or add --insecure where every machine is trusted
    "#]]);
    let folder = Folder::with(&[("a.asl.json", crate::validate::VALID)]);
    folder.check(
        &["run", "a.asl.json", "--listen", "8083"],
        &expect![[r#"
            exit status: 2
            ----- stderr -----
            error: `8083` is not an address to listen on: invalid socket address
            hint: an address and a port, such as 127.0.0.1:8083 or [::1]:0
        "#]],
    );
}

#[test]
fn dev_wants_a_folder() {
    Folder::with(&[]).check(
        &["dev", "nowhere"],
        &expect![[r#"
        exit status: 2
        ----- stderr -----
        error: nowhere is not a folder
    "#]],
    );
}

#[test]
fn routes_have_one_target() {
    refused(
        "[[routes]]\nresource = \"sqs:*\"\n\n[[routes]]\nresource = \"sns:*\"\nfunction = \"f\"\n",
        &expect![[r#"
            exit status: 2
            ----- stderr -----
            error: stepwell.toml: route 'sqs:*': needs a target: 'aws', 'endpoint', 'function', 'process', 'container', 'http' or 'mock'
                   route 'sns:*': function 'f' is not declared
        "#]],
    );
}

#[test]
fn rates_are_of_operations_and_in_bounds() {
    refused(
        "[throttling.operations]\nListExecution = \"unlimited\"\n",
        &expect![[r#"
            exit status: 2
            ----- stderr -----
            error: stepwell.toml: throttling.operations: `ListExecution` is no operation of Step Functions (nor StartExecutionExpress)
        "#]],
    );
    refused(
        "[throttling.operations]\nListExecutions = \"none\"\n",
        &expect![[r#"
            exit status: 2
            ----- stderr -----
            error: stepwell.toml:2:18: invalid value: string "none", expected { bucket_size = N, refill_per_second = N } or "unlimited"
              |
            2 | ListExecutions = "none"
              |                  ^^^^^^
        "#]],
    );
    refused(
        "[throttling.operations]\nListExecutions = { bucket_size = 0, refill_per_second = 1 }\n",
        &expect![[r#"
            exit status: 2
            ----- stderr -----
            error: stepwell.toml:2:18: bucket_size is 0, it must be 1 to 1000000000
              |
            2 | ListExecutions = { bucket_size = 0, refill_per_second = 1 }
              |                  ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
        "#]],
    );
    refused(
        "[throttling.operations]\nListExecutions = { bucket_size = 1 }\n",
        &expect![[r#"
            exit status: 2
            ----- stderr -----
            error: stepwell.toml:2:18: missing field `refill_per_second`
              |
            2 | ListExecutions = { bucket_size = 1 }
              |                  ^^^^^^^^^^^^^^^^^^^
        "#]],
    );
    refused(
        "[throttling.operations]\nListExecutions = { bucket_size = 1, refill = 1 }\n",
        &expect![[r#"
            exit status: 2
            ----- stderr -----
            error: stepwell.toml:2:37: unknown field `refill`, expected `bucket_size` or `refill_per_second`
              |
            2 | ListExecutions = { bucket_size = 1, refill = 1 }
              |                                     ^^^^^^
        "#]],
    );
    refused(
        "[throttling]\nrates = \"azure\"\n",
        &expect![[r#"
        exit status: 2
        ----- stderr -----
        error: stepwell.toml:2:9: unknown variant `azure`, expected `none` or `aws`
          |
        2 | rates = "azure"
          |         ^^^^^^^
    "#]],
    );
    refused(
        "[throttling]\nrate = \"aws\"\n",
        &expect![[r#"
        exit status: 2
        ----- stderr -----
        error: stepwell.toml:2:1: unknown field `rate`, expected `rates` or `operations`
          |
        2 | rate = "aws"
          | ^^^^
    "#]],
    );
}

#[test]
fn a_certificate_comes_from_one_place_that_can_be_used() {
    refused(
        "[tls]\ncertificate = \"c.pem\"\n",
        &expect![[r#"
        exit status: 2
        ----- stderr -----
        error: stepwell.toml: tls: certificate and private_key go together
    "#]],
    );
    refused(
        "[tls]\nself_signed = true\nprivate_key = \"k.pem\"\n",
        &expect![[r#"
        exit status: 2
        ----- stderr -----
        error: stepwell.toml: tls: self_signed makes certificate and private_key, none may be given
    "#]],
    );
    refused(
        "[tls]\nnames = [\"example.org\"]\n",
        &expect![[r#"
        exit status: 2
        ----- stderr -----
        error: stepwell.toml: tls: names go with self_signed; others are in the certificate
    "#]],
    );
    refused(
        "[tls]\nself_signed = true\n",
        &expect![[r#"
        exit status: 2
        ----- stderr -----
        error: tls: self_signed keeps its authority in the data directory, and there is none
        hint: name one with --data, or give certificate and private_key
    "#]],
    );
    refused(
        "[tls]\nself_signed = \"yes\"\n",
        &expect![[r#"
        exit status: 2
        ----- stderr -----
        error: stepwell.toml:2:15: invalid type: string "yes", expected a boolean
          |
        2 | self_signed = "yes"
          |               ^^^^^
    "#]],
    );
    refused(
        "[tls]\ncert = \"c.pem\"\n",
        &expect![[r#"
        exit status: 2
        ----- stderr -----
        error: stepwell.toml:2:1: unknown field `cert`, expected one of `certificate`, `private_key`, `self_signed`, `names`
          |
        2 | cert = "c.pem"
          | ^^^^
    "#]],
    );
    let files = "[tls]\ncertificate = \"c.pem\"\nprivate_key = \"stepwell.toml\"\n";
    refused(
        files,
        &expect![[r#"
        exit status: 2
        ----- stderr -----
        error: tls: cannot read c.pem: No such file or directory (os error 2)
    "#]],
    );
    refused(
        &files.replace("c.pem", "stepwell.toml"),
        &expect![[r#"
        exit status: 2
        ----- stderr -----
        error: tls: stepwell.toml and stepwell.toml: the certificate cannot be read: there is no `BEGIN CERTIFICATE` in it
    "#]],
    );
}

#[test]
fn quotas_are_numbers_in_bounds() {
    refused(
        "[quotas]\npayload_bytes = 262143\n",
        &expect![[r#"
            exit status: 2
            ----- stderr -----
            error: stepwell.toml: quotas: payload_bytes is 262143, it must be 262144 to 8388608
        "#]],
    );
    refused(
        "[quotas]\nhistory_events = 1000001\n",
        &expect![[r#"
            exit status: 2
            ----- stderr -----
            error: stepwell.toml: quotas: history_events is 1000001, it must be 25000 to 1000000
        "#]],
    );
    refused(
        "[quotas]\nopen_executions = 0\n",
        &expect![[r#"
        exit status: 2
        ----- stderr -----
        error: stepwell.toml: quotas: open_executions is 0, it must be 1 to 1000000000
    "#]],
    );
    refused(
        "[quotas]\ntags = 1001\n",
        &expect![[r#"
        exit status: 2
        ----- stderr -----
        error: stepwell.toml: quotas: tags is 1001, it must be 1 to 1000
    "#]],
    );
    refused(
        "[quotas]\nversions = -1\n",
        &expect![[r#"
        exit status: 2
        ----- stderr -----
        error: stepwell.toml:2:12: invalid value: integer `-1`, expected u64
          |
        2 | versions = -1
          |            ^^
    "#]],
    );
    refused(
        "[quotas]\nexecutions = 1\n",
        &expect![[r#"
            exit status: 2
            ----- stderr -----
            error: stepwell.toml:2:1: unknown field `executions`, expected one of `state_machines`, `activities`, `open_executions`, `activity_pollers`, `versions`, `aliases`, `tags`, `payload_bytes`, `variable_bytes`, `variables_bytes`, `history_events`, `definition_characters`, `request_bytes`
              |
            2 | executions = 1
              | ^^^^^^^^^^
        "#]],
    );
}
