//! Revocations while others create keys by the thousand without a pause: most of the bundle is new in each version, and an edge
//! that was told of versions faster than it can fetch them would apply none.
//!
//! Invariant: no more keys are created than there is room for before keys are divided anew.

use std::cell::Cell;
use std::time::{Duration, Instant};

use super::{Edge, Goals, revocation};
use crate::control::{BATCH, Control};
use crate::report::{Report, percentile, rounded};

/// Enough for some ten versions.
const MOST: usize = 20_000;
const REVOCATIONS: usize = 8;
/// Between the end of one revocation and the next, others fill the time.
const PAUSE: Duration = Duration::from_millis(500);

pub(super) async fn run(edge: &mut Edge, goals: &Goals, report: &mut Report) -> anyhow::Result<()> {
    let control = edge.control()?;
    let room = edge.room().await? / 2;
    let keys = edge.keys.split_off(edge.keys.len().saturating_sub(REVOCATIONS));
    let (is_over, mut delays, mut allowed_after) = (Cell::new(false), Vec::new(), 0);
    let storm = create(&control, room.min(MOST), &is_over);
    let revoking = async {
        for key in keys {
            if is_over.get() && !delays.is_empty() {
                break;
            }
            tokio::time::sleep(PAUSE).await;
            let since = Instant::now();
            let outcome = revocation::revoke(&control, &mut edge.probes, &key).await?;
            delays.push(since.elapsed().as_secs_f64() * 1000.0);
            allowed_after += outcome.allowed_after;
        }
        anyhow::Ok(())
    };
    tokio::try_join!(storm, revoking)?;
    report.figure("revocations_in_a_storm", delays.len());
    report.figure("revocation_in_a_storm_ms_p50", rounded(percentile(&delays, 0.5)));
    report.at_most("revocation_in_a_storm_ms_max", percentile(&delays, 1.0), goals.storm_ms);
    report.equal("requests allowed after that", allowed_after, 0);
    Ok(())
}

/// Two at a time: each waits until edges can fetch what it created, so that some thousand are new in each version.
async fn create(control: &Control, count: usize, is_over: &Cell<bool>) -> anyhow::Result<()> {
    let half = async || {
        for _ in 0..count / BATCH / 2 {
            control.fill(BATCH).await?;
        }
        anyhow::Ok(())
    };
    tokio::try_join!(half(), half())?;
    is_over.set(true);
    Ok(())
}
