use std::pin::Pin;

use expect_test::expect;

use super::*;

/// Remembers its calls, and answers what it was told to.
#[derive(Debug, Default)]
struct Service {
    calls: Mutex<Vec<String>>,
    /// Answers to the next calls of PutLogEvents; afterwards all is taken.
    answers: Mutex<Vec<Result<u64, Refusal>>>,
    /// The log streams of this state machine are never taken.
    refused: Option<&'static str>,
}

impl LogService for Service {
    fn create_log_stream<'s>(
        &'s self,
        region: &'s str,
        log_group: &'s str,
        log_stream: &'s str,
    ) -> Pin<Box<dyn Future<Output = Result<(), Refusal>> + Send + 's>> {
        let (rest, _id) = log_stream.rsplit_once('/').unwrap();
        self.calls.lock().unwrap().push(format!("create {region} {log_group} {rest}"));
        Box::pin(async { Ok(()) })
    }

    fn put_log_events<'s>(
        &'s self,
        _: &'s str,
        log_group: &'s str,
        log_stream: &'s str,
        events: &'s [LogEvent],
    ) -> Pin<Box<dyn Future<Output = Result<u64, Refusal>> + Send + 's>> {
        let texts: Vec<&str> = events.iter().map(|event| &event.message[..1]).collect();
        let (rest, _id) = log_stream.rsplit_once('/').unwrap();
        let call = format!("put {log_group} {rest} {}", texts.concat());
        self.calls.lock().unwrap().push(call);
        if self.refused.is_some_and(|name| log_stream.contains(name)) {
            return Box::pin(async { Err(Refusal::Later("busy".to_owned())) });
        }
        let mut answers = self.answers.lock().unwrap();
        let answer = if answers.is_empty() { Ok(0) } else { answers.remove(0) };
        Box::pin(async { answer })
    }
}

fn record<'r>(state_machine: &'r str, at: i64, text: &'r str) -> LogRecord<'r> {
    LogRecord {
        log_group_region: "eu-west-1",
        log_group: "/aws/vendedlogs/states/g",
        state_machine,
        execution_arn: "arn:e",
        at: Timestamp(1_667_510_400_123 + at),
        text,
    }
}

/// Writes records, delivers them, and shows the calls and what was counted.
async fn deliver(
    records: &[LogRecord<'_>],
    answers: Vec<Result<u64, Refusal>>,
) -> (String, Arc<LogCounts>) {
    let service = Arc::new(Service { answers: Mutex::new(answers), ..Service::default() });
    let (mut logs, delivery) = CloudWatchLogs::new(service.clone());
    let counts = logs.counts();
    for record in records {
        logs.write(*record);
    }
    drop(logs);
    delivery.run().await;
    let calls = service.calls.lock().unwrap().join("\n");
    let counted = format!("{} {} {}", counts.delivered(), counts.dropped(), counts.waiting());
    (format!("{calls}\ndelivered, dropped, waiting: {counted}\n"), counts)
}

#[tokio::test(start_paused = true)]
async fn a_log_stream_is_created_once_and_takes_a_batch() {
    let records = [record("m", 0, "a"), record("m", 2, "c"), record("m", 1, "b")];
    expect![[r#"
        create eu-west-1 /aws/vendedlogs/states/g states/m/2022-11-03-21-20
        put /aws/vendedlogs/states/g states/m/2022-11-03-21-20 abc
        delivered, dropped, waiting: 3 0 0
    "#]]
    .assert_eq(&deliver(&records, Vec::new()).await.0);
}

#[tokio::test(start_paused = true)]
async fn what_passes_is_tried_again_and_a_lost_stream_is_created_again() {
    let answers = vec![Err(Refusal::Later("busy".to_owned())), Err(Refusal::NoSuchStream)];
    expect![[r#"
        create eu-west-1 /aws/vendedlogs/states/g states/m/2022-11-03-21-20
        put /aws/vendedlogs/states/g states/m/2022-11-03-21-20 a
        put /aws/vendedlogs/states/g states/m/2022-11-03-21-20 a
        create eu-west-1 /aws/vendedlogs/states/g states/m/2022-11-03-21-20
        put /aws/vendedlogs/states/g states/m/2022-11-03-21-20 a
        delivered, dropped, waiting: 1 0 0
    "#]]
    .assert_eq(&deliver(&[record("m", 0, "a")], answers).await.0);
}

#[tokio::test(start_paused = true)]
async fn what_is_refused_or_rejected_is_counted_as_dropped() {
    let records = [record("m", 0, "a"), record("m", 0, "b"), record("m", 0, "c")];
    let answers = vec![Err(Refusal::Never("bad".to_owned()))];
    assert!(deliver(&records, answers).await.0.ends_with("waiting: 0 3 0\n"));
    assert!(deliver(&records, vec![Ok(2)]).await.0.ends_with("waiting: 1 2 0\n"));
}

#[tokio::test(start_paused = true)]
async fn a_batch_is_given_up_after_an_hour() {
    let answers = vec![Err(Refusal::Later("gone".to_owned())); 1_000];
    let (calls, _) = deliver(&[record("m", 0, "a")], answers).await;
    assert!(calls.ends_with("waiting: 0 1 0\n"), "{calls}");
    assert!(calls.lines().count() < 100, "{calls}");
}

#[tokio::test(start_paused = true)]
async fn every_machine_and_every_hour_has_its_log_stream() {
    let day = 24 * 60 * 60 * 1_000;
    let records = [record("m", 0, "a"), record("m", day + 1, "b"), record("n", 0, "c")];
    let shown = deliver(&records, Vec::new()).await.0;
    for call in [
        "put /aws/vendedlogs/states/g states/m/2022-11-03-21-20 a",
        "put /aws/vendedlogs/states/g states/m/2022-11-04-21-20 b",
        "put /aws/vendedlogs/states/g states/n/2022-11-03-21-20 c",
        "delivered, dropped, waiting: 3 0 0",
    ] {
        assert!(shown.lines().any(|line| line == call), "{call} is not in\n{shown}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_machine_that_is_refused_holds_up_no_other() {
    let service = Arc::new(Service { refused: Some("/m/"), ..Service::default() });
    let (mut logs, delivery) = CloudWatchLogs::new(service.clone());
    let counts = logs.counts();
    let delivery = tokio::spawn(delivery.run());
    logs.write(record("m", 0, "a"));
    tokio::time::sleep(PAUSE_FIRST * 3).await;
    logs.write(record("m", 0, "b"));
    logs.write(record("n", 0, "c"));
    tokio::time::sleep(LINGER * 2).await;
    assert_eq!((counts.delivered(), counts.waiting()), (1, 2));
    drop(logs);
    delivery.await.unwrap();
    assert_eq!((counts.delivered(), counts.dropped(), counts.waiting()), (1, 2, 0));
}

#[tokio::test(start_paused = true)]
async fn what_does_not_fit_is_dropped_at_once() {
    let text = "x".repeat(1_000_000);
    let records = vec![record("m", 0, &text); 20];
    let shown = deliver(&records, Vec::new()).await.0;
    assert!(shown.ends_with("waiting: 16 4 0\n"), "{shown}");
    let text = "x".repeat(EVENT_BYTES_MAX);
    let shown = deliver(&[record("m", 0, &text)], Vec::new()).await.0;
    assert!(shown.ends_with("waiting: 0 1 0\n"), "{shown}");
}
