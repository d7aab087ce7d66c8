//! Telling Envoy's workers apart: one held connection to each.
//!
//! The kernel picks the worker of a new connection; Envoy's per-worker connection counters say which it picked.
//! Invariant: no other connection is opened meanwhile, or the counters would tell nothing.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use anyhow::Context as _;

use crate::http::{self, Connection, Request};

/// The kernel spreads connections at random: this many tries miss one of four workers once in 10^15 runs.
const TRIES: u32 = 128;

/// Opens connections until there is one to each worker; they come in the order of workers.
pub(crate) async fn one_each(edge: SocketAddr, admin: SocketAddr, workers: u32) -> anyhow::Result<Vec<Connection>> {
    let mut found: BTreeMap<String, Connection> = BTreeMap::new();
    for _ in 0..TRIES {
        let before = accepted(admin).await?;
        let mut connection = Connection::open(edge).await?;
        connection.send(&Request::get("/portcullis-probe")).await?;
        let after = accepted(admin).await?;
        let grown = after.iter().find(|(worker, count)| before.get(*worker) != Some(count));
        let (worker, _) = grown.context("no worker counted the connection")?;
        found.entry(worker.clone()).or_insert(connection);
        if found.len() >= workers as usize {
            return Ok(found.into_values().collect());
        }
    }
    anyhow::bail!("of {workers} workers only {} took a connection", found.len())
}

/// Connections accepted so far, by worker, on the edge's listener.
async fn accepted(admin: SocketAddr) -> anyhow::Result<BTreeMap<String, u64>> {
    let filter = r"/stats?filter=^listener\.127.*worker_\d%2B\.downstream_cx_total$";
    let stats = http::once(admin, &Request::get(filter)).await?;
    let text = String::from_utf8_lossy(&stats.body).into_owned();
    let counts = text.lines().filter_map(|line| line.split_once(": "));
    counts.map(|(name, count)| Ok((name.to_owned(), count.trim().parse()?))).collect()
}
