//! What edges are told by each control plane while things change: the same blobs for the same version.
//!
//! The signature is not looked at here, an Envoy would not enforce without it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context as _;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::edge;
use crate::http::{Connection, Request};
use crate::report::Report;
use crate::stack::Stack;

/// Versions that both must have given for the comparison to mean anything.
const LEAST: usize = 20;

/// Version, and the digests of all that it is made of.
type Seen = BTreeMap<u64, Value>;

/// An edge's long polls at each control plane.
pub(super) struct Watches {
    stop: Arc<AtomicBool>,
    polls: JoinSet<anyhow::Result<Seen>>,
}

pub(super) fn watch(replicas: &[Stack; 2]) -> anyhow::Result<Watches> {
    let stop = Arc::new(AtomicBool::new(false));
    let mut polls = JoinSet::new();
    for replica in replicas {
        let address = replica.control()?.address;
        polls.spawn(poll(address, replica.secret("edge-token")?, Arc::clone(&stop)));
    }
    Ok(Watches { stop, polls })
}

pub(super) async fn compare(watches: Watches, report: &mut Report) -> anyhow::Result<()> {
    let Watches { stop, mut polls } = watches;
    stop.store(true, Ordering::Relaxed);
    let mut seen = Vec::new();
    while let Some(versions) = polls.join_next().await {
        seen.push(versions??);
    }
    let [one, other] = seen.as_slice() else { anyhow::bail!("two control planes were watched") };
    let common: Vec<(&Value, &Value)> =
        one.iter().filter_map(|(version, blobs)| Some((blobs, other.get(version)?))).collect();
    report.check(format!("{} versions were seen at both control planes", common.len()), common.len() >= LEAST);
    let different = common.iter().filter(|(one, other)| one != other).count();
    report.equal("versions with other blobs at the other control plane", different, 0);
    Ok(())
}

async fn poll(address: SocketAddr, token: String, stop: Arc<AtomicBool>) -> anyhow::Result<Seen> {
    let mut connection = Connection::open(address).await?;
    let (mut seen, mut since) = (Seen::new(), 0);
    while !stop.load(Ordering::Relaxed) {
        let request = Request::get(&format!("/edge/v1/manifest?since={since}&wait=1")).bearer(&token);
        let answer = connection.send(&request).await?;
        anyhow::ensure!(answer.status == 200, "a manifest was refused: {}", answer.gist());
        let manifest = edge::manifest(&answer.body)?;
        since = manifest["version"].as_u64().context("a manifest without a version")?;
        let blobs = ["layout", "policy", "organizations", "keys"].map(|part| manifest[part].clone());
        anyhow::ensure!(blobs.iter().all(|part| !part.is_null()), "a manifest without all of its parts");
        seen.insert(since, json!(blobs));
    }
    Ok(seen)
}
