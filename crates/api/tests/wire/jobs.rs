//! `/api/jobs`: lists, descriptions and logs of jobs that a stand-in has.

use std::sync::Arc;

use api::{AccessKey, AccessKeys, ApiOptions, Role};
use asl::Timestamp;
use expect_test::{Expect, expect};
use runtime::{
    LocalJob, LocalJobAnswer, LocalJobDetail, LocalJobError, LocalJobPlace, LocalJobRun, LocalJobs,
    LogPart, LogRange, RuntimeOptions, SystemClock,
};
use serde_json::json;

use crate::server::{Connection, Server};

const ID: &str = "6f2c1f5e-8a39-4c43-a9d5-0ab6cf0f25a4";

/// Two jobs of one account, the second of which is older.
#[derive(Debug)]
struct Jobs;

fn job(number: i64) -> LocalJob {
    LocalJob {
        id: ID.replace("6f2c", &format!("000{number}")),
        service: "batch",
        name: format!("job-{number}"),
        status: if number == 1 { "RUNNING" } else { "FAILED" },
        queue: Some("q".to_owned()),
        definition_arn: "arn:aws:batch:us-east-1:123456789012:job-definition/d:1".to_owned(),
        execution_arn: "arn:aws:states:us-east-1:123456789012:execution:m:e".to_owned(),
        state_name: "S".to_owned(),
        created_at: Timestamp(1_800_000_000_000 - number),
    }
}

impl LocalJobs for Jobs {
    fn list<'a>(
        &'a self,
        account: Option<&'a str>,
        status: Option<&'a str>,
        after: Option<LocalJobPlace>,
        most: usize,
    ) -> LocalJobAnswer<'a, Vec<LocalJob>> {
        Box::pin(async move {
            let all = [job(1), job(2)].into_iter();
            let is_asked_for = |job: &LocalJob| {
                account.is_none_or(|account| account == "123456789012")
                    && status.is_none_or(|status| status == job.status)
                    && after.as_ref().is_none_or(|after| (job.created_at, job.id.clone()) < *after)
            };
            Ok(all.filter(is_asked_for).take(most).collect())
        })
    }

    fn describe<'a>(&'a self, id: &'a str) -> LocalJobAnswer<'a, LocalJobDetail> {
        Box::pin(async move {
            let job = [job(1), job(2)].into_iter().find(|job| job.id == id);
            let job = job.ok_or(LocalJobError::NoJob)?;
            let run = LocalJobRun {
                name: "attempt-1".to_owned(),
                exit_code: Some(3),
                started_at: Some(Timestamp(1_800_000_000_000)),
                stopped_at: None,
                log_bytes: 7,
            };
            Ok(LocalJobDetail { job, runs: vec![run], result: Some(json!({"Status": "FAILED"})) })
        })
    }

    fn log<'a>(
        &'a self,
        id: &'a str,
        run: Option<&'a str>,
        range: LogRange,
    ) -> LocalJobAnswer<'a, LogPart> {
        Box::pin(async move {
            self.describe(id).await?;
            if run.is_some_and(|run| run != "attempt-1") {
                return Err(LocalJobError::NoRun);
            }
            let text = format!("{range:?}");
            let run = "attempt-1".to_owned();
            Ok(LogPart { run, offset: 0, next_offset: 7, bytes: 9, text, is_complete: false })
        })
    }
}

async fn server(keys: Vec<AccessKey>) -> Server {
    let api = ApiOptions {
        access_keys: Arc::new(AccessKeys::new(keys)),
        jobs: Some(Arc::new(Jobs)),
        ..ApiOptions::default()
    };
    Server::start_over(RuntimeOptions::default(), api, None, Arc::new(SystemClock)).await
}

async fn ask(connection: &mut Connection, path: &str, header: &str) -> (u16, String) {
    let request = format!("GET {path} HTTP/1.1\r\nHost: h\r\n{header}\r\n");
    connection.send(request.as_bytes()).await;
    let response = connection.response().await.unwrap();
    (response.status, response.body)
}

async fn check(connection: &mut Connection, path: &str, expected: Expect) {
    let (status, body) = ask(connection, path, "").await;
    expected.assert_eq(&format!("{status} {body}"));
}

#[tokio::test]
async fn jobs_are_shown() {
    let server = server(Vec::new()).await;
    let mut connection = server.connect().await;
    let to = &mut connection;
    let id = job(2).id;
    check(to, "/api/jobs?status=FAILED", expect![[r#"200 {"jobs":[{"jobId":"00021f5e-8a39-4c43-a9d5-0ab6cf0f25a4","service":"batch","name":"job-2","status":"FAILED","queue":"q","definitionArn":"arn:aws:batch:us-east-1:123456789012:job-definition/d:1","executionArn":"arn:aws:states:us-east-1:123456789012:execution:m:e","stateName":"S","createdAt":1799999999.998}]}"#]]).await;
    check(to, &format!("/api/jobs/{id}"), expect![[r#"200 {"jobId":"00021f5e-8a39-4c43-a9d5-0ab6cf0f25a4","service":"batch","name":"job-2","status":"FAILED","queue":"q","definitionArn":"arn:aws:batch:us-east-1:123456789012:job-definition/d:1","executionArn":"arn:aws:states:us-east-1:123456789012:execution:m:e","stateName":"S","createdAt":1799999999.998,"runs":[{"name":"attempt-1","exitCode":3,"startedAt":1800000000.000,"logBytes":7}],"result":{"Status":"FAILED"}}"#]]).await;
    check(to, &format!("/api/jobs/{id}/log"), expect![[r#"200 {"run":"attempt-1","offset":0,"nextOffset":7,"bytes":9,"isComplete":false,"text":"From { offset: 0, bytes: 65536 }"}"#]]).await;
    check(to, &format!("/api/jobs/{id}/log?run=attempt-1&offset=5&maxBytes=2"), expect![[r#"200 {"run":"attempt-1","offset":0,"nextOffset":7,"bytes":9,"isComplete":false,"text":"From { offset: 5, bytes: 2 }"}"#]]).await;
    check(to, &format!("/api/jobs/{id}/log?tail=true"), expect![[r#"200 {"run":"attempt-1","offset":0,"nextOffset":7,"bytes":9,"isComplete":false,"text":"Tail { bytes: 65536 }"}"#]]).await;
    check(to, &format!("/api/jobs/{id}/log?tail=true&offset=1"), expect![[r#"400 {"code":"ValidationException","message":"The parameters 'offset' and 'tail' exclude each other"}"#]]).await;
    check(
        to,
        &format!("/api/jobs/{id}/log?run=attempt-2"),
        expect![[r#"404 {"code":"ResourceNotFound","message":"Resource not found: 'attempt-2'"}"#]],
    )
    .await;
    check(to, &format!("/api/jobs/{ID}"), expect![[r#"404 {"code":"ResourceNotFound","message":"Resource not found: '6f2c1f5e-8a39-4c43-a9d5-0ab6cf0f25a4'"}"#]]).await;
    check(to, "/api/jobs?status=failed", expect![[r#"400 {"code":"ValidationException","message":"The parameter 'status' is one of RUNNABLE, RUNNING, SUCCEEDED, FAILED"}"#]]).await;
    check(to, "/api/jobs?state=FAILED", expect![[r#"400 {"code":"ValidationException","message":"There is no parameter 'state': status, maxResults, nextToken are known"}"#]]).await;
    // Page by page.
    let (_, first) = ask(to, "/api/jobs?maxResults=1", "").await;
    let first: serde_json::Value = serde_json::from_str(&first).unwrap();
    assert_eq!(first["jobs"][0]["name"], "job-1");
    let token = first["nextToken"].as_str().unwrap().replace('+', "%2B").replace('/', "%2F");
    let (_, second) = ask(to, &format!("/api/jobs?maxResults=1&nextToken={token}"), "").await;
    let second: serde_json::Value = serde_json::from_str(&second).unwrap();
    assert_eq!(second["jobs"][0]["name"], "job-2");
    assert_eq!(second.get("nextToken"), None);
    let (status, _) = ask(to, &format!("/api/jobs?status=FAILED&nextToken={token}"), "").await;
    assert_eq!(status, 400, "it is a token of another list");
    server.stop().await;
}

#[tokio::test]
async fn keys_see_jobs_of_their_own_account_only() {
    let key = |id: &str, account: &str, role: Role| AccessKey {
        id: id.to_owned(),
        secret: "secret".to_owned(),
        session_token: None,
        role,
        account: account.to_owned(),
        user: "u".to_owned(),
    };
    let keys = vec![
        key("AKIDONE", "123456789012", Role::Reader),
        key("AKIDTWO", "210987654321", Role::Reader),
    ];
    let server = server(keys).await;
    let mut connection = server.connect().await;
    let id = job(1).id;
    for (user, status, count) in
        [("QUtJRE9ORTpzZWNyZXQ=", 200, 2), ("QUtJRFRXTzpzZWNyZXQ=", 403, 0)]
    {
        let header = format!("Authorization: Basic {user}\r\n");
        let (_, list) = ask(&mut connection, "/api/jobs", &header).await;
        assert_eq!(list.matches("jobId").count(), count, "{list}");
        for what in ["", "/log"] {
            let path = format!("/api/jobs/{id}{what}");
            assert_eq!(ask(&mut connection, &path, &header).await.0, status, "{path}");
        }
    }
    let (refused, _) = ask(&mut connection, "/api/jobs", "").await;
    assert!(refused == 400 || refused == 403, "{refused}");
    server.stop().await;
}

#[tokio::test]
async fn a_server_without_jobs_has_none() {
    let server = Server::start().await;
    let mut connection = server.connect().await;
    assert_eq!(ask(&mut connection, "/api/jobs", "").await.0, 404);
    server.stop().await;
}
