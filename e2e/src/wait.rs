//! Waiting: for a condition with a deadline, for a signal.
//!
//! Nothing sleeps in the hope that something has happened. Invariant: what does not come within its deadline is an
//! error that says what was awaited.

use std::time::{Duration, Instant};

use tokio::signal::unix::{SignalKind, signal as listen};

/// Repeats `attempt` until it returns something. An error ends the wait at once.
pub(crate) async fn until<T>(
    what: &str,
    limit: Duration,
    mut attempt: impl AsyncFnMut() -> anyhow::Result<Option<T>>,
) -> anyhow::Result<T> {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(value) = attempt().await? {
            return Ok(value);
        }
        anyhow::ensure!(Instant::now() < deadline, "{what} did not happen within {} s", limit.as_secs_f32());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Resolves at SIGINT, SIGTERM or SIGHUP, to the exit status that this calls for.
pub(crate) async fn signal() -> anyhow::Result<u8> {
    let (mut interrupt, mut terminate) = (listen(SignalKind::interrupt())?, listen(SignalKind::terminate())?);
    let mut hangup = listen(SignalKind::hangup())?;
    Ok(tokio::select! {
        _ = interrupt.recv() => 130,
        _ = terminate.recv() => 143,
        _ = hangup.recv() => 129,
    })
}
