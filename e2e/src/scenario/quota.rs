//! `quota`: three Envoys of two workers share an organisation's tokens, and whatever dies, no more are spent than there
//! are.
//!
//! The truth is what arrived at the upstream. Invariant: every organisation here has a plan of its own, so that what one
//! part does to it no other sees.

use std::time::Duration;

use crate::fleet::Fleet;
use crate::report::Report;

mod answers;
mod crashes;
mod demand;
mod drains;
mod outage;
mod quiet;

use super::limits::Policy;

const ENVOYS: usize = 3;
const LIMIT: u64 = 10_000;
const REQUESTS: u64 = 40_000;
/// A lease of a process that is gone is over within that time.
const EXPIRY: Duration = Duration::from_secs(90);

pub(super) async fn run(seed: u64, report: &mut Report) -> anyhow::Result<()> {
    let policy = Policy::with(&[])?;
    let mut fleet = Fleet::start(policy.setup()?, ENVOYS).await?;
    answers::run(&fleet, report).await?;
    drains::run(&mut fleet, report).await?;
    // The edge that went quiet has been gone for long enough when the others have crashed.
    let quiet = quiet::begin(&mut fleet, report).await?;
    crashes::run(&mut fleet, seed, report).await?;
    quiet.finish(&fleet, report).await?;
    outage::run(&mut fleet, report).await?;
    drop(fleet);
    outage::allowing(report).await
}
