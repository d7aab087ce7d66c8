//! Several limits at once: the tightest answers, and what one refuses takes nothing of the others.

use serde_json::json;

use super::exact::{LASTING, arrived, saturate};
use crate::fleet::Fleet;
use crate::report::Report;
use crate::scenario::limits::{Tenant, get, monthly};

pub(super) async fn run(fleet: &Fleet, report: &mut Report) -> anyhow::Result<()> {
    let control = fleet.control()?;
    let organization = json!({ "rate": { "requests": 80, "seconds": 1, "burst": 20 } });
    let tenant = Tenant::create(&control, "several", organization).await?;
    let rate = |requests: u32, burst: u32| json!({ "rate": { "requests": requests, "seconds": 1, "burst": burst } });
    let slow = tenant.another_key(&control, rate(30, 5)).await?;
    let quick = tenant.another_key(&control, rate(1000, 1000)).await?;
    let both = Tenant::create(&control, "both", monthly(10_000)).await?;
    let counted = both.another_key(&control, rate(40, 10)).await?;
    fleet.settle().await?;
    let thing = "/things/1";

    let saturated = saturate(fleet, &[get(thing, &slow)], LASTING).await?;
    saturated.check("a key's 30 in its organisation's 80", arrived(fleet, &slow)?, 5.0, 30.0, report);

    // The organisation's tokens that the slow key did not get are there.
    let before = fleet.arrivals()?.of_organization(&tenant.organization);
    let saturated = saturate(fleet, &[get(thing, &quick), get(thing, &slow)], LASTING).await?;
    let both_keys = fleet.arrivals()?.of_organization(&tenant.organization) - before;
    saturated.check("two keys in their organisation's 80", both_keys, 20.0, 80.0, report);

    // /slow: 50 a second, burst 10, for everybody together.
    let strangers = [Tenant::unlimited(&control, "one").await?, Tenant::unlimited(&control, "two").await?];
    fleet.settle().await?;
    let requests = [get("/slow", &strangers[0].key), get("/slow", &strangers[1].key)];
    let saturated = saturate(fleet, &requests, LASTING).await?;
    let all = arrived(fleet, &strangers[0].key)? + arrived(fleet, &strangers[1].key)?;
    saturated.check("a rule's 50 for everybody", all, 10.0, 50.0, report);

    let saturated = saturate(fleet, &[get(thing, &counted)], LASTING).await?;
    saturated.check("a key's 40 under a quota", arrived(fleet, &counted)?, 10.0, 40.0, report);
    let meter = crate::wait::until("the quota to be told", LASTING * 3, async || {
        let meter = both.meter(&control).await?;
        Ok((meter.used == saturated.allowed).then_some(meter))
    })
    .await;
    report.check("what a rate refuses takes nothing of the quota", meter.is_ok());
    Ok(())
}
