//! Closed-loop load: each connection sends its next request when it has the last answer.
//!
//! Every request is made before the clock starts. Invariant: while anything is measured, an answer that is not 200 ends the
//! bench.

use std::net::SocketAddr;

use tokio::task::JoinSet;

use super::cpu::Places;
use crate::http::Connection;

/// Enough to keep one worker busy: an Envoy that sleeps between requests would be charged for waking up.
const CONNECTIONS: usize = 16;

/// Tries to get through without a refusal.
const WARMINGS: usize = 50;

/// Sends `count` requests to one Envoy, all of `requests` in turn, from a thread of its own on a CPU of its own.
pub(super) fn run(edge: SocketAddr, requests: &[Vec<u8>], count: usize, places: Option<Places>) -> anyhow::Result<()> {
    match send(edge, requests, count, places)? {
        None => Ok(()),
        Some(refusal) => anyhow::bail!("answered {refusal}"),
    }
}

/// Sends requests until all of them pass: leases grow with demand, and those of an Envoy that was not asked for some seconds
/// have gone back.
pub(super) fn warm(edge: SocketAddr, requests: &[Vec<u8>], count: usize, places: Option<Places>) -> anyhow::Result<()> {
    for _ in 0..WARMINGS {
        if send(edge, requests, count, places)?.is_none() {
            return Ok(());
        }
    }
    anyhow::bail!("after {WARMINGS} tries some requests are still refused")
}

/// Tells one of the refusals.
fn send(
    edge: SocketAddr,
    requests: &[Vec<u8>],
    count: usize,
    places: Option<Places>,
) -> anyhow::Result<Option<String>> {
    let work = || {
        places.map_or(Ok(()), Places::put_client)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        tokio::task::LocalSet::new().block_on(&runtime, clients(edge, requests, count))
    };
    std::thread::scope(|scope| scope.spawn(work).join()).map_err(|_| anyhow::anyhow!("the client panicked"))?
}

async fn clients(edge: SocketAddr, requests: &[Vec<u8>], count: usize) -> anyhow::Result<Option<String>> {
    let mut clients = JoinSet::new();
    for index in 0..CONNECTIONS {
        let own: Vec<Vec<u8>> = requests.iter().skip(index).step_by(CONNECTIONS).cloned().collect();
        clients.spawn_local(client(Connection::open(edge).await?, own, count / CONNECTIONS));
    }
    let mut refusal = None;
    while let Some(done) = clients.join_next().await {
        refusal = done??.or(refusal);
    }
    Ok(refusal)
}

async fn client(mut connection: Connection, requests: Vec<Vec<u8>>, count: usize) -> anyhow::Result<Option<String>> {
    let mut refusal = None;
    for request in requests.iter().cycle().take(count) {
        let answer = connection.exchange(request, false).await?;
        if answer.status != 200 {
            refusal = Some(answer.gist());
        }
    }
    Ok(refusal)
}
