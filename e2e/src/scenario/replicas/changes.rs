//! How soon a change made at one control plane is enforced by the Envoy that listens to the other.
//!
//! From the answer to the first request that is treated accordingly.

use std::time::{Duration, Instant};

use serde_json::json;

use super::PATH;
use crate::control::Key;
use crate::http::{Connection, Request};
use crate::report::{Report, percentile, rounded};
use crate::stack::Stack;
use crate::wait;

/// Keys created, each of which is revoked too.
const CHANGES: usize = 50;
const LIMIT: Duration = Duration::from_secs(10);
const AT_MOST_MS: f64 = 1000.0;

pub(super) async fn run(replicas: &[Stack; 2], report: &mut Report) -> anyhow::Result<()> {
    let [one, other] = replicas;
    let (mut created, mut revoked) = (Vec::new(), Vec::new());
    let mut probes = [Connection::open(one.edge()).await?, Connection::open(other.edge()).await?];
    let [near, far] = &mut probes;
    for change in 0..CHANGES {
        // Most from the first to the second, some the other way.
        let (from, probe) = if change % 5 == 4 { (other, &mut *near) } else { (one, &mut *far) };
        let control = from.control()?;
        let body =
            json!({ "name": format!("change-{change}"), "environment": "production", "scopes": ["skills:read"] });
        let key = control.create(&body).await?;
        created.push(until(probe, &key, 200).await?);
        control.revoke(&key.id).await?;
        revoked.push(until(probe, &key, 401).await?);
    }
    report.equal("changes measured", created.len() + revoked.len(), 2 * CHANGES);
    for (what, sample) in [("created", created), ("revoked", revoked)] {
        report.figure(&format!("{what}_ms_p50"), rounded(percentile(&sample, 0.5)));
        report.figure(&format!("{what}_ms_p99"), rounded(percentile(&sample, 0.99)));
        report.at_most(&format!("{what}_ms_max"), percentile(&sample, 1.0), AT_MOST_MS);
    }
    Ok(())
}

/// Milliseconds until a key is answered like this.
pub(super) async fn until(probe: &mut Connection, key: &Key, status: u16) -> anyhow::Result<f64> {
    let start = Instant::now();
    let request = Request::get(PATH).bearer(&key.text);
    wait::until(&format!("an answer with {status}"), LIMIT, async || {
        Ok((probe.send(&request).await?.status == status).then_some(()))
    })
    .await?;
    Ok(start.elapsed().as_secs_f64() * 1000.0)
}
