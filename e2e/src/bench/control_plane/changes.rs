//! How soon an edge that waits has the manifest of a change, and what a change costs the control plane.
//!
//! One change after another. What is measured begins when the revocation is sent, so the write to the disk is in it; how
//! long publishing takes by itself is what the control plane's own metric says.

use std::time::Instant;

use anyhow::Context as _;

use super::{Bench, Findings, GOAL_PUBLISH_MS};
use crate::bench::cpu;
use crate::edge::Edge;
use crate::http::{Connection, Request};

/// Milliseconds of each change.
#[derive(Default)]
struct Sample {
    /// From sending the revocation to having all of the manifest.
    told: Vec<f64>,
    /// From the answer to that; below nothing if it came first.
    after_answer: Vec<f64>,
}

pub(super) async fn measure(bench: &mut Bench, findings: &mut Findings<'_>) -> anyhow::Result<()> {
    let mut edge = Edge::open(bench.control.address, &bench.edge_token).await?;
    edge.newer().await?;
    let mut operator = Connection::open(bench.control.address).await?;
    let mut sample = Sample::default();
    let (before, published) = (cpu::time_with_ended(bench.process()?)?, Published::read(bench).await?);
    for _ in 0..bench.sizes.changes {
        one(bench, &mut edge, &mut operator, &mut sample).await?;
    }
    let used = cpu::time_with_ended(bench.process()?)?.saturating_sub(before).as_secs_f64() * 1000.0;
    findings.spread("revocation_to_manifest_ms", &sample.told, Some(GOAL_PUBLISH_MS));
    findings.spread("answer_to_manifest_ms", &sample.after_answer, None);
    findings.figure("publish_ms_mean", Published::read(bench).await?.mean_ms_since(&published));
    findings.figure("cpu_ms_of_a_change", used / bench.sizes.changes as f64);
    Ok(())
}

async fn one(bench: &mut Bench, edge: &mut Edge, operator: &mut Connection, sample: &mut Sample) -> anyhow::Result<()> {
    let request = Request::new("DELETE", format!("/v1/keys/{}", bench.next_id()?)).bearer(&bench.control.token);
    let sent = Instant::now();
    let change = async {
        let answer = operator.send(&request).await?;
        anyhow::ensure!(answer.status == 200, "a revocation answered {}", answer.gist());
        Ok(Instant::now())
    };
    let (answered, told) = tokio::try_join!(change, edge.newer())?;
    let ms = |from: Instant| told.at.saturating_duration_since(from).as_secs_f64() * 1000.0;
    sample.told.push(ms(sent));
    sample.after_answer.push(ms(answered) - answered.saturating_duration_since(told.at).as_secs_f64() * 1000.0);
    Ok(())
}

/// What the control plane says of its publishing.
struct Published {
    seconds: f64,
    count: f64,
}

impl Published {
    async fn read(bench: &Bench) -> anyhow::Result<Self> {
        let answer = bench.control.call("GET", "/metrics", None).await?;
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        let value = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
            line.with_context(|| format!("no `{name}`"))?.trim().parse::<f64>().with_context(|| name.to_owned())
        };
        let [seconds, count] =
            ["sum", "count"].map(|part| value(&format!("portcullis_publish_duration_seconds_{part}")));
        Ok(Self { seconds: seconds?, count: count? })
    }

    fn mean_ms_since(&self, before: &Self) -> f64 {
        (self.seconds - before.seconds) * 1000.0 / (self.count - before.count).max(1.0)
    }
}
