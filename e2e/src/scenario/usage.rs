//! `usage`: what `GET /v1/usage` tells is what was let through, to the unit.
//!
//! The truth is what clients saw of Envoys that were not killed, and what arrived at the upstream. Invariant: a row that
//! nobody asked for is as wrong as a count that is off by one.

use std::time::Duration;

use crate::fleet::Fleet;
use crate::report::Report;
use crate::wait;

mod asked;
mod timeline;
mod told;

use super::limits::Policy;
use asked::Asked;
use timeline::Timeline;
use told::Told;

/// Two that live, and one that is killed.
const ENVOYS: usize = 3;
const VICTIM: usize = 2;
/// With the control plane there, killed now and then.
const CRASHES: Duration = Duration::from_secs(15);
/// What an Envoy has not told after that time, though the control plane is killed meanwhile, is too late.
const UNTOLD: Duration = Duration::from_secs(7);
/// Before the outage.
const BEFORE: Duration = Duration::from_secs(10);
const OUTAGE: Duration = Duration::from_secs(60);
/// So long of it nobody notices: leases last a minute, and hold a minute's demand.
const UNNOTICED: Duration = Duration::from_secs(45);
/// Within that time everything is told.
const TOLD: Duration = Duration::from_secs(30);

pub(super) async fn run(report: &mut Report) -> anyhow::Result<()> {
    let policy = Policy::with(&[])?;
    let mut fleet = Fleet::start(policy.setup()?, ENVOYS).await?;
    let asked = Asked::prepare(&fleet).await?;

    let load = asked.start(&fleet)?;
    let mut timeline = Timeline::default();
    let mut lost_at_most = 0;
    for crash in 0..4 {
        timeline.follow(&fleet, &asked, CRASHES / 5).await?;
        if crash == 2 {
            lost_at_most = timeline.last(UNTOLD);
            fleet.crash(VICTIM).await?;
        } else {
            fleet.crash_control().await?;
        }
    }
    tokio::time::sleep(CRASHES / 5).await;
    let crashes = load.stop().await?;
    check("the control plane killed, and one Envoy", &fleet, &asked, &crashes, report).await?;
    asked.check_victim(&fleet, lost_at_most, report).await?;

    let load = asked.start_slow(&fleet)?;
    // Leases follow demand.
    tokio::time::sleep(BEFORE).await;
    let before = load.unavailable();
    fleet.first().kill_control();
    tokio::time::sleep(UNNOTICED).await;
    let refused = load.unavailable() - before;
    report.equal(format!("an outage: refused in its first {} s", UNNOTICED.as_secs()), refused, 0);
    tokio::time::sleep(OUTAGE - UNNOTICED).await;
    let mut all = load.stop().await?;
    println!("  in the outage clients saw {all}");
    report.check("nearly all went on being served", all.of("200") > 20 * all.of("503 quota_unavailable"));
    fleet.first().start_control().await?;
    all.add(crashes);
    check("an outage of 60 s", &fleet, &asked, &all, report).await
}

/// Compares what is told with what clients saw, once everything is told; then once more, so that nothing comes after it.
async fn check(
    what: &str,
    fleet: &Fleet,
    asked: &Asked,
    seen: &crate::demand::Seen,
    report: &mut Report,
) -> anyhow::Result<()> {
    let expected = asked.expected(seen);
    let mut told = Told::default();
    let equal = wait::until("everything to be told", TOLD, async || {
        told = Told::read(&fleet.control()?, &asked.keys()).await?;
        Ok((told == expected).then_some(()))
    })
    .await;
    println!("  {what}: clients saw {seen}");
    told.print(&asked.names());
    report.equal(format!("{what}: requests without an answer"), seen.lost, 0);
    report.equal(format!("{what}: let through, told"), told.allowed(), expected.allowed());
    report.equal(format!("{what}: refused, told"), told.denied(), expected.denied());
    report.equal(format!("{what}: cost, told"), told.cost(), expected.cost());
    report.check(format!("{what}: each key, route and reason is told to the unit"), equal.is_ok());
    told.differences(&expected).for_each(|line| println!("    {line}"));
    let arrivals = fleet.arrivals()?;
    let arrived: u64 = asked.keys().iter().map(|key| arrivals.of_key(key)).sum();
    report.equal(format!("{what}: arrived at the upstream"), arrived, expected.allowed());
    asked.nothing_comes_after(fleet, &told, report).await
}
