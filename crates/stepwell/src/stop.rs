//! When to stop: the first SIGTERM or SIGINT asks for it, the second one does it.

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use crate::failure::Failure;

/// Tells whoever waits that the process shall end.
#[derive(Debug, Clone)]
pub(crate) struct Stop(watch::Receiver<Option<i32>>);

impl Stop {
    /// Listens to the signals from now on.
    pub(crate) fn on_signals() -> Result<Stop, Failure> {
        let (sender, receiver) = watch::channel(None);
        let mut interrupt = listen(SignalKind::interrupt())?;
        let mut terminate = listen(SignalKind::terminate())?;
        tokio::spawn(async move {
            let mut asked = false;
            loop {
                let number = tokio::select! {
                    Some(()) = interrupt.recv() => SignalKind::interrupt().as_raw_value(),
                    Some(()) = terminate.recv() => SignalKind::terminate().as_raw_value(),
                    else => return,
                };
                if asked {
                    // Everything acknowledged is durable: an end at once loses nothing.
                    std::process::exit(128 + number);
                }
                asked = true;
                sender.send_replace(Some(number));
            }
        });
        Ok(Stop(receiver))
    }

    /// Waits until the process shall end; the number of the signal.
    pub(crate) async fn asked(&self) -> i32 {
        let mut receiver = self.0.clone();
        match receiver.wait_for(Option::is_some).await {
            Ok(number) => number.unwrap_or(SignalKind::terminate().as_raw_value()),
            // Nobody listens to signals any more, so none comes.
            Err(_) => std::future::pending().await,
        }
    }
}

fn listen(kind: SignalKind) -> Result<Signal, Failure> {
    signal(kind)
        .map_err(|error| Failure::unsuccessful(format!("cannot listen to signals: {error}")))
}
