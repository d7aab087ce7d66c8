//! `rate-limit`: what rate limits let through, exactly, whichever worker is asked; and one limit over two Envoys.
//!
//! Counted at the upstream, timed at the clients. Invariant: whoever is measured is asked faster than its limit.

use crate::fleet::Fleet;
use crate::report::Report;

mod exact;
mod fields;
mod fleet;
mod several;

use super::limits::Policy;

pub(super) async fn run(report: &mut Report) -> anyhow::Result<()> {
    fleet::run(report).await?;
    let policy = Policy::with(&[("RATE_LIMIT_HEADERS", "always")])?;
    let stack = Fleet::start(policy.setup()?, 1).await?;
    exact::run(&stack, report).await?;
    several::run(&stack, report).await?;
    fields::run(&stack, report).await
}
