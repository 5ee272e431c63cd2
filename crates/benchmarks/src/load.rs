//! Load: callers that each send the same request again and again, and what they see.
//!
//! All callers share one thread, so that the generator takes no more of the machine than it must.

use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::Result;
use tokio::task::LocalSet;

use crate::client::Client;

/// When callers stop.
#[derive(Clone, Copy)]
pub(crate) enum Until {
    /// Counted after a warm-up of a fifth of it.
    Elapsed(Duration),
    /// All callers together, no warm-up.
    Requests(u64),
}

/// What callers saw.
pub(crate) struct Seen {
    pub(crate) requests: u64,
    pub(crate) elapsed: Duration,
    /// Of each request, in microseconds, rising.
    latencies: Vec<u32>,
    /// The last answer to each caller.
    pub(crate) samples: Vec<Vec<u8>>,
}

impl Seen {
    pub(crate) fn rate(&self) -> f64 {
        self.requests as f64 / self.elapsed.as_secs_f64()
    }

    /// The latency in milliseconds that this share of the requests stayed below.
    pub(crate) fn latency(&self, share: f64) -> f64 {
        let at = (self.latencies.len().saturating_sub(1) as f64 * share).round() as usize;
        f64::from(self.latencies.get(at).copied().unwrap_or(0)) / 1e3
    }
}

/// Sends the request from so many callers. `begin` is called when the counting begins.
pub(crate) fn run(
    address: &str,
    request: Vec<u8>,
    callers: usize,
    until: Until,
    begin: impl FnOnce(),
) -> Result<Seen> {
    let tokio = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    LocalSet::new().block_on(&tokio, async {
        let mut clients = Vec::with_capacity(callers);
        for _ in 0..callers {
            clients.push(Client::connect(address).await?);
        }
        let request: Rc<[u8]> = request.into();
        let left = Rc::new(Cell::new(match until {
            Until::Requests(count) => count,
            Until::Elapsed(_) => u64::MAX,
        }));
        let warm_up = match until {
            Until::Elapsed(time) => time / 5,
            Until::Requests(_) => Duration::ZERO,
        };
        let from = Instant::now() + warm_up;
        let to = match until {
            Until::Elapsed(time) => Some(from + time),
            Until::Requests(_) => None,
        };
        let mut running = Vec::with_capacity(callers);
        for client in clients {
            let caller = Caller { client, request: Rc::clone(&request), left: Rc::clone(&left) };
            running.push(tokio::task::spawn_local(caller.run(from, to)));
        }
        tokio::time::sleep(warm_up).await;
        begin();
        let mut seen = Seen {
            requests: 0,
            elapsed: Duration::ZERO,
            latencies: Vec::new(),
            samples: Vec::new(),
        };
        for caller in running {
            let (latencies, sample) = caller.await??;
            seen.latencies.extend(latencies);
            seen.samples.extend(sample);
        }
        seen.elapsed = from.elapsed();
        seen.requests = seen.latencies.len() as u64;
        seen.latencies.sort_unstable();
        Ok(seen)
    })
}

struct Caller {
    client: Client,
    request: Rc<[u8]>,
    /// Requests that all callers together still send.
    left: Rc<Cell<u64>>,
}

impl Caller {
    /// Latencies of the requests that began and ended between the moments, and the last answer.
    async fn run(
        mut self,
        from: Instant,
        to: Option<Instant>,
    ) -> Result<(Vec<u32>, Option<Vec<u8>>)> {
        let mut latencies = Vec::new();
        let mut sent = Instant::now();
        let mut last = None;
        while self.left.get() > 0 {
            self.left.set(self.left.get() - 1);
            let answer = self.client.send(&self.request).await?;
            let now = Instant::now();
            let is_over = to.is_some_and(|to| now >= to);
            if sent >= from && !is_over {
                let took = now.duration_since(sent).as_micros();
                latencies.push(u32::try_from(took).unwrap_or(u32::MAX));
            }
            if is_over || self.left.get() == 0 {
                last = Some(answer.to_vec());
            }
            if is_over {
                break;
            }
            sent = now;
        }
        Ok((latencies, last))
    }
}
