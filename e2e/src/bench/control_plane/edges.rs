//! Edges, simulated: each waits on a connection of its own for a manifest newer than the one it has, as a real one does.
//!
//! They verify nothing and report nothing: what is measured is when all of them have every byte of the manifest, and in
//! other rounds also of the one shard that changed, which each fetches at once. Of so many manifests only one is read; what it
//! names that the last did not, every edge fetches.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::{Bench, Findings, GOAL_EDGES_MS};
use crate::bench::cpu;
use crate::edge::{self, Edge, Told};
use crate::http::{Connection, Request};

/// From one change to the next: time for every edge to wait again.
const PACE: Duration = Duration::from_millis(500);

/// When an edge had what.
struct Arrival {
    version: u64,
    manifest: Instant,
    shard: Option<Instant>,
}

type Arrivals = mpsc::Receiver<anyhow::Result<Arrival>>;

/// What a fleet fetches beside manifests.
#[derive(Clone, Debug, Default)]
struct Changed(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    version: u64,
    digests: Vec<String>,
    news: Vec<String>,
}

impl Changed {
    /// Paths of what this manifest names and the one before did not.
    fn paths(&self, told: &Told) -> anyhow::Result<Vec<String>> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if state.version != told.version {
            let digests = digests(&told.body)?;
            let is_new = |it: &&String| state.digests.binary_search(it).is_err();
            state.news = digests.iter().filter(is_new).map(|it| format!("/edge/v1/blobs/{it}")).collect();
            (state.version, state.digests) = (told.version, digests);
        }
        Ok(state.news.clone())
    }
}

/// Every shard of keys that a manifest names, sorted.
fn digests(manifest: &[u8]) -> anyhow::Result<Vec<String>> {
    let json = edge::manifest(manifest)?;
    let shards = json["keys"].as_array().context("a manifest without keys")?;
    let mut digests: Vec<_> = shards.iter().filter_map(|it| it["digest"].as_str().map(str::to_owned)).collect();
    digests.sort_unstable();
    Ok(digests)
}

pub(super) async fn measure(bench: &mut Bench, findings: &mut Findings<'_>) -> anyhow::Result<()> {
    let sent = rounds(bench, false).await?;
    findings.spread("all_edges_have_manifest_ms", &sent.manifest, Some(GOAL_EDGES_MS));
    findings.spread("all_edges_have_manifest_ms_after_answer", &sent.manifest_after_answer, None);
    findings.figure("cpu_ms_to_tell_edges", sent.cpu_ms);
    let fetched = rounds(bench, true).await?;
    findings.spread("all_edges_have_shard_ms", &fetched.shard, None);
    findings.spread("all_edges_have_shard_manifest_ms", &fetched.manifest, None);
    findings.figure("cpu_ms_to_tell_edges_and_send_shard", fetched.cpu_ms);
    findings.figure("manifest_kb", fetched.manifest_bytes as f64 / 1024.0);
    Ok(())
}

/// Milliseconds of each round.
#[derive(Default)]
struct Rounds {
    /// From sending the change until the last edge had the manifest.
    manifest: Vec<f64>,
    manifest_after_answer: Vec<f64>,
    /// Until the last edge had the shard.
    shard: Vec<f64>,
    /// Of the control plane, for one round.
    cpu_ms: f64,
    manifest_bytes: usize,
}

async fn rounds(bench: &mut Bench, with_shards: bool) -> anyhow::Result<Rounds> {
    let (fleet, mut arrivals, manifest_bytes) = fleet(bench, with_shards).await?;
    let mut operator = Connection::open(bench.control.address).await?;
    let mut rounds = Rounds { manifest_bytes, ..Rounds::default() };
    let before = cpu::time_with_ended(bench.process()?)?;
    let mut pace = tokio::time::interval(PACE);
    for _ in 0..bench.sizes.rounds {
        pace.tick().await;
        one(bench, &mut operator, &mut arrivals, &mut rounds).await?;
    }
    let used = cpu::time_with_ended(bench.process()?)?.saturating_sub(before);
    rounds.cpu_ms = used.as_secs_f64() * 1000.0 / bench.sizes.rounds as f64;
    drop(fleet);
    Ok(rounds)
}

/// Edges at work, and what they tell. They end with the set.
async fn fleet(bench: &Bench, with_shards: bool) -> anyhow::Result<(JoinSet<()>, Arrivals, usize)> {
    let (tell, arrivals) = mpsc::channel(bench.sizes.edges);
    let (mut fleet, mut bytes) = (JoinSet::new(), 0);
    let changed = with_shards.then(Changed::default);
    for _ in 0..bench.sizes.edges {
        let mut edge = Edge::open(bench.control.address, &bench.edge_token).await?;
        let told = edge.newer().await?;
        bytes = told.body.len();
        if let Some(changed) = &changed {
            changed.paths(&told)?;
        }
        fleet.spawn(live(edge, changed.clone(), tell.clone()));
    }
    Ok((fleet, arrivals, bytes))
}

/// What an edge does all day.
async fn live(mut edge: Edge, changed: Option<Changed>, tell: mpsc::Sender<anyhow::Result<Arrival>>) {
    loop {
        let arrival = arrival(&mut edge, changed.as_ref()).await;
        let is_over = arrival.is_err();
        if tell.send(arrival).await.is_err() || is_over {
            return;
        }
    }
}

async fn arrival(edge: &mut Edge, changed: Option<&Changed>) -> anyhow::Result<Arrival> {
    let told = edge.newer().await?;
    let mut shard = None;
    for path in changed.map(|it| it.paths(&told)).transpose()?.unwrap_or_default() {
        edge.get(&path).await?;
        shard = Some(Instant::now());
    }
    Ok(Arrival { version: told.version, manifest: told.at, shard })
}

/// One change, and the wait for the last edge.
async fn one(
    bench: &mut Bench,
    operator: &mut Connection,
    arrivals: &mut Arrivals,
    rounds: &mut Rounds,
) -> anyhow::Result<()> {
    let request = Request::new("DELETE", format!("/v1/keys/{}", bench.next_id()?)).bearer(&bench.control.token);
    let sent = Instant::now();
    let answer = operator.send(&request).await?;
    let answered = Instant::now();
    anyhow::ensure!(answer.status == 200, "a revocation answered {}", answer.gist());
    let version: u64 = answer.header("x-portcullis-version").context("no version")?.parse()?;
    let (mut manifest, mut shard, mut edges) = (answered, answered, 0);
    while edges < bench.sizes.edges {
        let arrival = arrivals.recv().await.context("every edge has ended")??;
        if arrival.version < version {
            continue;
        }
        edges += 1;
        manifest = manifest.max(arrival.manifest);
        shard = shard.max(arrival.shard.unwrap_or(shard));
    }
    let ms = |from: Instant, to: Instant| to.saturating_duration_since(from).as_secs_f64() * 1000.0;
    rounds.manifest.push(ms(sent, manifest));
    rounds.manifest_after_answer.push(ms(answered, manifest));
    rounds.shard.push(ms(sent, shard));
    Ok(())
}
