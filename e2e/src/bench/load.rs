//! Closed-loop load: each connection sends its next request when it has the last answer.
//!
//! Every request is made before the clock starts. Invariant: an answer that is not 200 ends the bench.

use std::net::SocketAddr;

use tokio::task::JoinSet;

use super::cpu::Places;
use crate::http::Connection;

/// Enough to keep one worker busy: an Envoy that sleeps between requests would be charged for waking up.
const CONNECTIONS: usize = 16;

/// Tries to get through without a refusal.
const WARMINGS: usize = 100;

/// Sends `count` requests to one Envoy, all of `requests` in turn, from a thread of its own on a CPU of its own.
pub(super) fn run(edge: SocketAddr, requests: &[Vec<u8>], count: usize, places: Option<Places>) -> anyhow::Result<()> {
    let work = || {
        places.map_or(Ok(()), Places::put_client)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        tokio::task::LocalSet::new().block_on(&runtime, clients(edge, requests, count))
    };
    std::thread::scope(|scope| scope.spawn(work).join()).map_err(|_| anyhow::anyhow!("the client panicked"))?
}

/// Sends requests until all of them pass: leases grow with demand, and those of an Envoy that was not asked for some seconds have
/// gone back.
pub(super) fn warm(edge: SocketAddr, requests: &[Vec<u8>], count: usize, places: Option<Places>) -> anyhow::Result<()> {
    let mut last = Ok(());
    for _ in 0..WARMINGS {
        last = run(edge, requests, count, places);
        if last.is_ok() {
            break;
        }
        // What a lease call takes, by far.
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    last
}

async fn clients(edge: SocketAddr, requests: &[Vec<u8>], count: usize) -> anyhow::Result<()> {
    let mut clients = JoinSet::new();
    for index in 0..CONNECTIONS {
        let own: Vec<Vec<u8>> = requests.iter().skip(index).step_by(CONNECTIONS).cloned().collect();
        clients.spawn_local(client(Connection::open(edge).await?, own, count / CONNECTIONS));
    }
    while let Some(done) = clients.join_next().await {
        done??;
    }
    Ok(())
}

async fn client(mut connection: Connection, requests: Vec<Vec<u8>>, count: usize) -> anyhow::Result<()> {
    for request in requests.iter().cycle().take(count) {
        let answer = connection.exchange(request, false).await?;
        anyhow::ensure!(answer.status == 200, "answered {}: {}", answer.status, String::from_utf8_lossy(&answer.body));
    }
    Ok(())
}
