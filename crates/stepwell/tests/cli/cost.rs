//! `stepwell cost`.

use expect_test::expect;
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::Folder;
use crate::server::Process;

const THREE: &str = r#"{"StartAt": "A", "States": {
    "A": {"Type": "Pass", "Next": "B"},
    "B": {"Type": "Pass", "Next": "C"},
    "C": {"Type": "Pass", "End": true}}}"#;

/// What the program prints about a server whose month is said.
fn cost(folder: &Folder, server: &Process, more: &[&str]) -> String {
    let endpoint = format!("http://{}", server.address);
    let mut arguments = vec!["cost", "--endpoint", &endpoint];
    arguments.extend(more);
    let output = folder.command(&arguments).output().unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{error}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_bill_of_this_month_that_survives_a_restart() {
    let folder = Folder::with(&[]);
    let arguments = ["serve", "--listen", "127.0.0.1:0"];
    let mut server = Process::start(folder.command(&arguments));
    assert!(cost(&folder, &server, &[]).contains("Nothing was used."));
    let role = "arn:aws:iam::123456789012:role/r";
    for (name, kind) in [("three", "STANDARD"), ("quick", "EXPRESS")] {
        let new = json!({"name": name, "type": kind, "definition": THREE, "roleArn": role});
        server.call("CreateStateMachine", &new);
    }
    let arn = |name: &str| format!("arn:aws:states:us-east-1:123456789012:stateMachine:{name}");
    for _ in 0..2 {
        server.call("StartExecution", &json!({"stateMachineArn": arn("three")}));
    }
    for _ in 0..5 {
        server.call("StartSyncExecution", &json!({"stateMachineArn": arn("quick")}));
    }
    server.signal(Signal::TERM);
    assert_eq!(server.wait(), 0);

    let mut server = Process::start(folder.command(&arguments));
    let bill: Value = serde_json::from_str(&cost(&folder, &server, &["--json"])).unwrap();
    let mine = &bill["bills"][0];
    assert_eq!(mine["accountId"], "123456789012");
    assert_eq!(mine["pricesOf"], "us-east-1");
    assert_eq!(mine["stateTransitions"], 6);
    assert_eq!(mine["expressRequests"], 5);
    let near = |value: &Value, expected: f64| {
        let value = value.as_f64().unwrap();
        assert!((value - expected).abs() < 1e-9, "{value} is not {expected}");
    };
    near(&mine["cost"]["stateTransitions"], 6.0 * 0.000025);
    near(&mine["freeTier"], 6.0 * 0.000025);
    near(&mine["cost"]["expressRequests"], 5.0 * 0.000001);
    // Five times 100 ms or a little more, with 64 MB.
    let hours = mine["expressGigabyteHours"].as_f64().unwrap();
    let least = 5.0 * 0.1 / 3600.0 / 16.0;
    assert!((least..0.01).contains(&hours), "{hours}");
    near(&mine["cost"]["expressDuration"], hours * 0.06);
    assert_eq!(bill["stateMachines"].as_array().unwrap().len(), 2);

    let table = cost(&folder, &server, &[]);
    for line in [
        "account 123456789012, us-east-1",
        "state transitions                      6        0.000150 USD",
        "Express requests                       5        0.000005 USD",
        "free tier                                      -0.000150 USD",
    ] {
        assert!(table.contains(line), "{line}\n{table}");
    }
    assert!(cost(&folder, &server, &["--month", "2020-02"]).contains("2020-02-01 to 2020-03-01"));
    server.signal(Signal::INT);
    assert_eq!(server.wait(), 0);
}

#[test]
fn what_is_wrong_is_said() {
    let folder = Folder::with(&[("prices.json", "{}")]);
    folder.check(
        &["cost", "--prices", "prices.json"],
        &expect![[r#"
            exit status: 2
            ----- stderr -----
            error: prices.json are no prices: missing field `source` at line 1 column 2
        "#]],
    );
}
