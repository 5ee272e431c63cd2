//! Every recorded execution behaves here as the lists beside the data say.

#[tokio::test(flavor = "multi_thread")]
async fn recorded_executions() {
    let report = conformance::suite::run(&[]).await.unwrap();
    for (name, differences) in &report.failed {
        println!("{name}\n  {differences}\n");
    }
    for fault in &report.list_faults {
        println!("{fault}");
    }
    println!("\n{}", report.summary());
    assert!(report.is_good(), "{}", report.summary());
}
