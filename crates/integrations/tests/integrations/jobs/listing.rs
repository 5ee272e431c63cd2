//! What is shown of jobs: lists, descriptions, logs.

use asl::Pattern;
use runtime::{LocalJobError, LogRange};
use serde_json::json;

use super::{World, batch, run, script, submit};

#[tokio::test]
async fn jobs_are_listed_newest_first_page_by_page() {
    let world = World::new(batch(json!({"command": script("exit $CODE")})));
    let server = world.server();
    for (task, code) in [(1, "0"), (2, "1"), (3, "0")] {
        let variables = json!([{"Name": "CODE", "Value": code}]);
        let mut call =
            submit(Pattern::Sync, json!({"ContainerOverrides": {"Environment": variables}}));
        call.dispatch.task = engine::TaskId(task);
        assert_eq!(run(&server, call).await.is_ok(), code == "0");
    }
    let jobs = server.local_jobs();
    let all = jobs.list(None, None, None, 10).await.unwrap();
    assert_eq!(all.len(), 3);
    assert!(all.is_sorted_by(|one, other| one.created_at >= other.created_at));
    let mut after = None;
    for expected in &all {
        let page = jobs.list(None, None, after.take(), 1).await.unwrap();
        let [found] = &page[..] else { panic!("a page has one: {page:?}") };
        assert_eq!(found, expected);
        after = Some((found.created_at, found.id.clone()));
    }
    assert!(jobs.list(None, None, after, 1).await.unwrap().is_empty());
    let failed = jobs.list(Some("111111111111"), Some("FAILED"), None, 10).await.unwrap();
    assert_eq!(failed.len(), 1);
    let [job] = &failed[..] else { panic!("one failed") };
    assert_eq!(
        (job.service, job.name.as_str(), job.queue.as_deref()),
        ("batch", "one", Some("queue"))
    );
    assert_eq!(job.state_name, "Start");
    assert!(jobs.list(Some("222222222222"), None, None, 10).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_job_is_described_with_its_runs_and_their_logs() {
    let text = "echo try $AWS_BATCH_JOB_ATTEMPT; test $AWS_BATCH_JOB_ATTEMPT = 2";
    let world = World::new(batch(json!({"command": script(text), "attempts": 2})));
    let server = world.server();
    let shown = run(&server, submit(Pattern::Sync, json!({}))).await.unwrap();
    let id = shown["JobId"].as_str().unwrap();
    let jobs = server.local_jobs();
    let detail = jobs.describe(id).await.unwrap();
    assert_eq!(detail.result.unwrap(), shown);
    let runs: Vec<_> =
        detail.runs.iter().map(|run| (run.name.as_str(), run.exit_code, run.log_bytes)).collect();
    assert_eq!(runs, [("attempt-1", Some(1), 6), ("attempt-2", Some(0), 6)]);
    let all = LogRange::From { offset: 0, bytes: 100 };
    let part = jobs.log(id, None, all).await.unwrap();
    assert_eq!(
        (part.run.as_str(), part.text.as_str(), part.is_complete),
        ("attempt-2", "try 2\n", true)
    );
    let part = jobs.log(id, Some("attempt-1"), all).await.unwrap();
    assert_eq!(part.text, "try 1\n");
    for (id, run, expected) in [
        (id, Some("../../server-id"), "NoRun"),
        (id, Some("attempt-3"), "NoRun"),
        ("../jobs", None, "NoJob"),
        ("00000000-0000-0000-0000-000000000000", None, "NoJob"),
    ] {
        let error = jobs.log(id, run, all).await.unwrap_err();
        assert_eq!(format!("{error:?}"), expected);
        assert!(!matches!(error, LocalJobError::Failed(_)));
    }
}
