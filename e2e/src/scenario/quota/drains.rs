//! Envoys are drained, stopped and started one after another while everybody asks: nothing is lost, so exactly the limit
//! is let through.

use std::time::Duration;

use serde_json::json;

use super::{ENVOYS, LIMIT, REQUESTS, demand};
use crate::control::Control;
use crate::demand::Demand;
use crate::fleet::Fleet;
use crate::http::{self, Request};
use crate::report::Report;
use crate::scenario::limits::{Tenant, monthly};
use crate::wait;

const PAUSE: Duration = Duration::from_millis(12);
/// From one drain to the next. While an Envoy drains, stops and starts, as many again may be let through and no more, so
/// that there are tokens left for the next, however long this one takes.
const SHARE: u64 = LIMIT / (ENVOYS as u64 + 2);

pub(super) async fn run(fleet: &mut Fleet, report: &mut Report) -> anyhow::Result<()> {
    let control = fleet.control()?;
    let tenant = Tenant::create(&control, "drains", monthly(LIMIT)).await?;
    fleet.settle().await?;
    let arrivals = fleet.arrivals()?.clone();
    let arrived = || arrivals.of_organization(&tenant.organization);
    let load = Demand::start(&demand::plan(fleet, &tenant, REQUESTS, PAUSE));
    for index in 0..ENVOYS {
        let share = SHARE * (index as u64 + 1);
        load.pause_at(share + SHARE);
        wait::until("some demand", demand::GATHERING, async || Ok((arrived() >= share).then_some(()))).await?;
        let stack = fleet.edge(index)?;
        let answer = drain(&control, &stack.secret("edge-token")?, stack.setup.edge_id).await?;
        let unavailable = load.unavailable();
        println!("  drained {} after {} requests, {unavailable} x 503: {answer}", stack.setup.edge_id, arrived());
        report.equal("a drained Envoy holds nothing", answer["outstanding"].as_u64().unwrap_or(u64::MAX), 0);
        stack.stop_envoy();
        stack.start_envoy().await?;
    }
    report.check("all Envoys were drained before the tokens were spent", arrived() < LIMIT);
    load.pause_at(u64::MAX);
    let nearly = LIMIT / 10 * 9;
    wait::until("some demand", demand::GATHERING, async || Ok((arrived() >= nearly).then_some(()))).await?;
    report.figure("drains_503_before_nine_tenths_were_spent", load.unavailable());
    let mut seen = load.finish().await?;
    let (more, at_end) = demand::to_the_end(fleet, &tenant, demand::GATHERING).await?;
    seen.add(more);
    println!("  drains, at the end: {at_end}");
    demand::compare("drains", &seen, arrived(), report);
    report.figure("drains_asked", seen.all());
    report.equal("drains: let through", arrived(), LIMIT);
    report.equal("drains: told to be used", at_end.used, LIMIT);
    report.equal("drains: in doubt", at_end.in_doubt, 0);
    demand::all_refuse(fleet, &tenant.request(), report).await
}

async fn drain(control: &Control, edge_token: &str, edge: &str) -> anyhow::Result<serde_json::Value> {
    let request = Request::new("POST", "/edge/v1/drain").bearer(edge_token).json(&json!({ "edge": edge }));
    let answer = http::once(control.address, &request).await?;
    anyhow::ensure!(answer.status == 200, "a drain was answered with {}", answer.gist());
    Ok(answer.json())
}
