//! What is demanded of an organisation's tokens, and what is left at the end.

use std::time::Duration;

use crate::demand::{Demand, Plan, Seen};
use crate::fleet::Fleet;
use crate::http::{Connection, Request};
use crate::report::Report;
use crate::scenario::limits::{Meter, Tenant};
use crate::wait;

/// How long tokens that a live Envoy holds may take to get to where they are wanted.
pub(super) const GATHERING: Duration = Duration::from_secs(20);

/// Clients on every Envoy.
pub(super) fn plan(fleet: &Fleet, tenant: &Tenant, count: u64, pause: Duration) -> Plan {
    Plan { edges: fleet.edges(), requests: vec![tenant.request()], clients: 24, count, pause }
}

/// Asks every Envoy on until none has a token left for anybody, or the time is over; what clients saw meanwhile.
pub(super) async fn to_the_end(fleet: &Fleet, tenant: &Tenant, limit: Duration) -> anyhow::Result<(Seen, Meter)> {
    let control = fleet.control()?;
    let pause = Duration::from_millis(20);
    let demand = Demand::start(&Plan { clients: 6, ..plan(fleet, tenant, u64::MAX, pause) });
    let nothing_left = wait::until("the last token", limit, async || {
        Ok(Some(tenant.meter(&control).await?).filter(|meter| meter.remaining == 0 && meter.held == 0))
    })
    .await;
    let seen = demand.stop().await?;
    let meter = match nothing_left {
        Ok(meter) => meter,
        // What is left is for the checks to say.
        Err(_) => tenant.meter(&control).await?,
    };
    Ok((seen, meter))
}

/// An answer that says the quota is used up, from every Envoy.
pub(super) async fn all_refuse(fleet: &Fleet, request: &Request, report: &mut Report) -> anyhow::Result<()> {
    for edge in fleet.edges() {
        let answer = Connection::open(edge).await?.send(request).await?;
        report.equal("at the end, each Envoy", answer.gist(), "429 quota_exceeded".to_owned());
    }
    Ok(())
}

/// What clients saw and what arrived are the same, but for what was lost on the way back.
pub(super) fn compare(what: &str, seen: &Seen, arrived: u64, report: &mut Report) {
    let allowed = seen.of("200");
    println!("  {what}: clients saw {seen}; {arrived} arrived");
    let holds = (allowed..=allowed + seen.lost).contains(&arrived);
    report.check(format!("{what}: what arrived is what clients saw, but for answers that were lost"), holds);
}
