//! What the bundle weighs, as an edge fetches it.

use serde_json::Value;

use super::Goals;
use crate::edge::{self, Edge};
use crate::ports::local;
use crate::report::{Report, rounded};
use crate::stack::Stack;

/// Fetches the manifest and every blob that it names.
pub(super) async fn weigh(stack: &Stack, goals: &Goals, report: &mut Report) -> anyhow::Result<()> {
    let token = stack.secret("edge-token")?;
    let mut edge = Edge::open(local(stack.setup.ports.control), &token).await?;
    let signed = edge.latest().await?.body;
    let manifest = edge::manifest(&signed)?;
    let (mut bytes, mut blobs) = (signed.len(), 0_u32);
    for digest in digests(&manifest) {
        bytes += edge.get(&format!("/edge/v1/blobs/{digest}")).await?.len();
        blobs += 1;
    }
    let keys = manifest["key_count"].as_f64().unwrap_or_default();
    report.figure("manifest_kb", rounded(signed.len() as f64 / 1000.0));
    report.figure("blobs", blobs);
    report.figure("bytes_per_key", rounded(bytes as f64 / keys));
    report.at_most("bundle_mb", bytes as f64 / 1e6, goals.bundle_mb);
    Ok(())
}

/// Every digest that a manifest names.
fn digests(manifest: &Value) -> Vec<&str> {
    let lists = ["skills", "organizations", "keys"].map(|name| manifest[name].as_array());
    let listed = lists.into_iter().flatten().flatten();
    let all = [&manifest["policy"], &manifest["tokens"]].into_iter().chain(listed);
    all.filter_map(|blob| blob["digest"].as_str()).collect()
}
