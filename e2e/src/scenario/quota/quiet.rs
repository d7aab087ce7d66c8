//! An Envoy is killed after it had told everything, under a plan that gives lost leases back: once its lease is over,
//! exactly the limit is let through.

use std::time::{Duration, Instant};

use serde_json::json;

use super::{EXPIRY, LIMIT, demand};
use crate::demand::{Demand, Plan, Seen};
use crate::fleet::Fleet;
use crate::report::Report;
use crate::scenario::limits::Tenant;
use crate::wait;

/// The one that is killed.
const VICTIM: usize = 1;
/// So many requests before it goes quiet.
const BEFORE: u64 = 3_000;
/// Between two requests of a client until then.
const PAUSE: Duration = Duration::from_millis(12);

/// What goes on after the kill.
pub(super) struct Quiet {
    tenant: Tenant,
    seen: Seen,
    killed: Instant,
}

pub(super) async fn begin(fleet: &mut Fleet, report: &mut Report) -> anyhow::Result<Quiet> {
    let control = fleet.control()?;
    let plan = json!({ "limit": LIMIT, "period": "month", "lost_leases": "returned" });
    let tenant = Tenant::create(&control, "quiet", plan).await?;
    fleet.settle().await?;
    let arrivals = fleet.arrivals()?.clone();
    let load = Demand::start(&demand::plan(fleet, &tenant, u64::MAX, PAUSE));
    let some = wait::until("some demand", demand::GATHERING, async || {
        Ok((arrivals.of_organization(&tenant.organization) >= BEFORE).then_some(()))
    })
    .await;
    let seen = load.stop().await?;
    some?;
    let meter = wait::until("the Envoys to have told everything", demand::GATHERING, async || {
        let (meter, arrived) = (tenant.meter(&control).await?, arrivals.of_organization(&tenant.organization));
        Ok((meter.used == arrived).then_some(meter))
    })
    .await?;
    println!("  quiet, before the kill: {meter}");
    report.equal("quiet: told before the kill", meter.used, seen.of("200"));
    fleet.crash(VICTIM).await?;
    Ok(Quiet { tenant, seen, killed: Instant::now() })
}

impl Quiet {
    pub(super) async fn finish(mut self, fleet: &Fleet, report: &mut Report) -> anyhow::Result<()> {
        let pause = Duration::from_millis(1);
        let plan = Plan { clients: 24, ..demand::plan(fleet, &self.tenant, LIMIT, pause) };
        self.seen.add(Demand::start(&plan).finish().await?);
        let (more, at_end) = demand::to_the_end(fleet, &self.tenant, EXPIRY).await?;
        self.seen.add(more);
        let arrived = fleet.arrivals()?.of_organization(&self.tenant.organization);
        println!("  quiet, {} s after the kill: {at_end}", self.killed.elapsed().as_secs());
        demand::compare("quiet", &self.seen, arrived, report);
        report.equal("quiet: let through after the dead lease was over", arrived, LIMIT);
        report.equal("quiet: told to be used", at_end.used, LIMIT);
        demand::all_refuse(fleet, &self.tenant.request(), report).await
    }
}
