//! How long a token goes on working once its key is revoked, on the slowest worker, although it was verified and cached.

use serde_json::json;

use super::{WORKERS, credential, get};
use crate::report::{Report, percentile};
use crate::scenario::lifecycle::Edge;
use crate::scenario::revocation;
use crate::workers;

const REVOCATIONS: usize = 50;

pub(super) async fn run(edge: &Edge<'_>, report: &mut Report) -> anyhow::Result<()> {
    let mut tokens = Vec::with_capacity(REVOCATIONS);
    for index in 0..REVOCATIONS {
        let (client, _) = credential(edge, &format!("revoked-{index}"), &json!({})).await?;
        tokens.push(client.token(edge.control.address).await?);
    }
    edge.stack.settle(&edge.control).await?;
    let mut probes = workers::one_each(edge.stack.edge(), edge.stack.admin(), WORKERS).await?;
    let (mut delays, mut allowed_after) = (Vec::new(), 0);
    for token in &tokens {
        let outcome = revocation::revoke(&edge.control, &mut probes, token).await?;
        delays.push(outcome.delay.as_secs_f64() * 1000.0);
        allowed_after += outcome.allowed_after;
    }
    for probe in &mut probes {
        for token in &tokens {
            allowed_after += u32::from(probe.send(&get(token)).await?.status == 200);
        }
    }
    report.equal("keys revoked whose tokens were in use", delays.len(), REVOCATIONS);
    report.at_most("token_refused_after_ms_p50", percentile(&delays, 0.5), 200.0);
    report.at_most("token_refused_after_ms_p99", percentile(&delays, 0.99), 500.0);
    report.equal("requests allowed after the last worker's first refusal", allowed_after, 0);
    Ok(())
}
