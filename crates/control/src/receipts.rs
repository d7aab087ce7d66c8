//! Receipts: on how many edges a change is enforced, and how fast the slowest was, from the versions they report.
//!
//! It waits and judges, and changes nothing. Invariants: a receipt never says "enforced" of an edge of which one process
//! that still reports has not said so itself; names of edges are told to those who may see edges.

mod verdict;

use std::time::Duration;

use portcullis_api::receipts::{EdgeReceipt, Receipt};
use tokio::time::{Instant, timeout, timeout_at};

use crate::access::Permission::{KeysRead, OrganizationsWrite};
use crate::app::App;
use crate::caller::Caller;
use crate::clock::to_rfc3339;
use crate::error::Error;
use crate::fleet::GONE_AFTER_MS;
use crate::organizations;

use verdict::Verdict;

/// Reports may go to another replica, of which only the database tells.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// Reports that come together are written and looked at together: waiting must not cost a transaction for each.
const GATHER: Duration = Duration::from_millis(50);
/// Edges hear of a change within a tenth of a second, if they are well.
const PATIENCE: Duration = Duration::from_secs(1);
/// So many at once wait for edges because of tokens: each looks at the database a few times.
pub(crate) const PATIENT: usize = 32;

/// Where the change of that version is enforced; waits no longer than `wait` for the edges that report.
pub(crate) async fn receipt(app: &App, by: &Caller, version: u64, wait: Duration) -> Result<Receipt, Error> {
    let changed_ms = changed_at(app, by, version).await?;
    let verdict = settled(app, version, changed_ms, wait).await?;
    Ok(shown(version, changed_ms, verdict, by.sees_edges(app)))
}

/// Waits for the edges that report to enforce a version, a second at most: whoever gets a token for something new uses it at
/// once. It waits for no edge if too many wait already, and what goes wrong is not this caller's concern.
pub(crate) async fn let_edges_hear(app: &App, version: u64) {
    let Ok(_permit) = app.patience.try_acquire() else { return };
    // Looking itself may wait for the database.
    if let Ok(Err(error)) = timeout(PATIENCE, settled(app, version, 0, PATIENCE)).await {
        tracing::warn!(%error, "whether edges have heard of something new is not known");
    }
}

/// How far the edges are as soon as all that report enforce it, or after `wait`.
async fn settled(app: &App, version: u64, changed_ms: u64, wait: Duration) -> Result<Verdict, Error> {
    let deadline = Instant::now() + wait;
    loop {
        let next_report = app.fleet.next_report();
        let verdict = judge(app, version, changed_ms).await?;
        if verdict.is_settled() || Instant::now() >= deadline {
            return Ok(verdict);
        }
        let look = deadline.min(Instant::now() + LOOK_EVERY);
        tokio::select! {
            reported = timeout_at(look, next_report) => {
                if reported.is_ok() {
                    tokio::time::sleep(GATHER).await;
                }
            }
            () = app.shutdown.begun() => return Ok(verdict),
        }
    }
}

/// When the change was made, if it is one that the caller sees: what happened in an organisation is for those who see its
/// keys, what happened to one for those who may change it.
async fn changed_at(app: &App, by: &Caller, version: u64) -> Result<u64, Error> {
    let manages = by.permissions.has(OrganizationsWrite);
    if !manages {
        by.require(KeysRead)?;
    }
    let mut found = None;
    if by.permissions.has(KeysRead) {
        found = app.store.changed_at(by.scope, None, version).await?;
    }
    if found.is_none() && manages {
        let to = Some(organizations::TARGET);
        found = app.store.changed_at(organizations::sight(app, by), to, version).await?;
    }
    found.ok_or(Error::NotFound("change"))
}

async fn judge(app: &App, version: u64, changed_ms: u64) -> Result<Verdict, Error> {
    app.fleet.settle().await?;
    let now_ms = app.clock.millis();
    let rows = app.store.progress(version, now_ms.saturating_sub(GONE_AFTER_MS)).await?;
    Ok(Verdict::new(version, changed_ms, now_ms, &rows))
}

fn shown(version: u64, changed_ms: u64, verdict: Verdict, sees_edges: bool) -> Receipt {
    let detail =
        |(edge, it): (String, verdict::Edge)| EdgeReceipt { edge, enforced: it.enforced, silent: it.silent, ms: it.ms };
    Receipt {
        version,
        changed_at: to_rfc3339(changed_ms / 1000),
        edges: verdict.reporting(),
        enforced: verdict.enforced(),
        silent: verdict.unheard(),
        slowest_ms: verdict.slowest_ms(),
        complete: verdict.is_complete(),
        text: verdict.text(sees_edges),
        detail: if sees_edges { verdict.edges.into_iter().map(detail).collect() } else { Vec::new() },
    }
}
