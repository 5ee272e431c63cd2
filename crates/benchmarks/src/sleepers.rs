//! Many executions that wait: the memory they take, and how soon a killed server is back.

use std::time::Instant;

use anyhow::Result;
use serde_json::json;

use crate::client::request;
use crate::load::{self, Until};
use crate::server::Server;
use crate::{Options, machines};

/// Callers that start them.
const CALLERS: usize = 64;

pub(crate) fn measure(options: &Options) -> Result<()> {
    let tokio = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let data = tempfile::tempdir_in(&options.folder)?;
    let server = Server::stepwell(&options.stepwell, data.path(), None)?;
    println!("{} executions in a one-hour Wait", options.sleepers);
    println!("  an empty server               {:>8} MB", megabytes(&server)?);
    let definition = json!({
        "StartAt": "Wait",
        "States": {"Wait": {"Type": "Wait", "Seconds": 3600, "End": true}},
    });
    let machine = tokio.block_on(async {
        machines::create(&mut server.client().await?, "Sleeper", &definition).await
    })?;
    let request = request("StartExecution", &machines::start(&machine));
    let until = Until::Requests(options.sleepers);
    let seen = load::run(&server.address, request, CALLERS, until, || ())?;
    println!("  started                       {:>8.0} executions/s", seen.rate());
    println!("  with all of them              {:>8} MB", megabytes(&server)?);

    server.kill()?;
    let begin = Instant::now();
    let server = Server::stepwell(&options.stepwell, data.path(), None)?;
    tokio.block_on(async {
        let mut client = server.client().await?;
        machines::check(&mut client, &seen.samples, "RUNNING").await
    })?;
    let ready = begin.elapsed();
    println!("  killed; listening again after {:>8.2} s", server.started_in.as_secs_f64());
    println!("  and {CALLERS} of them described after {:>8.2} s", ready.as_secs_f64());
    println!("  memory then                   {:>8} MB", megabytes(&server)?);
    Ok(())
}

fn megabytes(server: &Server) -> Result<u64> {
    Ok(server.memory()? / 1_000_000)
}
