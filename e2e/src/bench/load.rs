//! Closed-loop load: each connection sends its next request when it has the last answer.
//!
//! Every request is made before the clock starts. Invariant: while anything is measured, another answer than the one that is expected ends the
//! bench.

use std::net::SocketAddr;

use tokio::task::JoinSet;

use super::cpu::Places;
use crate::http::Connection;

/// Enough to keep one worker busy: an Envoy that sleeps between requests would be charged for waking up.
pub(super) const CONNECTIONS: usize = 16;

/// Tries to get through without a refusal.
const WARMINGS: usize = 50;

/// Requests, as they go over the wire, and what each is answered.
pub(super) struct Load {
    pub(super) requests: Vec<Vec<u8>>,
    pub(super) status: u16,
}

/// Sends `count` requests to one Envoy, all of `load` in turn, from a thread of its own on a CPU of its own.
pub(super) fn run(edge: SocketAddr, load: &Load, count: usize, places: Option<Places>) -> anyhow::Result<()> {
    match send(edge, load, count, places)? {
        None => Ok(()),
        Some(refusal) => anyhow::bail!("answered {refusal}"),
    }
}

/// Sends requests until all of them pass: leases grow with demand, and those of an Envoy that was not asked for some seconds
/// have gone back.
pub(super) fn warm(edge: SocketAddr, load: &Load, count: usize, places: Option<Places>) -> anyhow::Result<()> {
    for _ in 0..WARMINGS {
        if send(edge, load, count, places)?.is_none() {
            return Ok(());
        }
    }
    anyhow::bail!("after {WARMINGS} tries some requests are still refused")
}

/// Tells one of the refusals.
fn send(edge: SocketAddr, load: &Load, count: usize, places: Option<Places>) -> anyhow::Result<Option<String>> {
    let work = || {
        places.map_or(Ok(()), Places::put_client)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        tokio::task::LocalSet::new().block_on(&runtime, clients(edge, load, count))
    };
    std::thread::scope(|scope| scope.spawn(work).join()).map_err(|_| anyhow::anyhow!("the client panicked"))?
}

async fn clients(edge: SocketAddr, load: &Load, count: usize) -> anyhow::Result<Option<String>> {
    let mut clients = JoinSet::new();
    for index in 0..CONNECTIONS {
        let own = load.requests.iter().skip(index).step_by(CONNECTIONS).cloned().collect();
        let own = Load { requests: own, status: load.status };
        clients.spawn_local(client(Connection::open(edge).await?, own, count / CONNECTIONS));
    }
    let mut refusal = None;
    while let Some(done) = clients.join_next().await {
        refusal = done??.or(refusal);
    }
    Ok(refusal)
}

async fn client(mut connection: Connection, load: Load, count: usize) -> anyhow::Result<Option<String>> {
    let mut refusal = None;
    for request in load.requests.iter().cycle().take(count) {
        let answer = connection.exchange(request, false).await?;
        if answer.status != load.status {
            refusal = Some(answer.gist());
        }
    }
    Ok(refusal)
}
