//! The control plane is away: what was granted is spent, and then the policy says what happens.

use std::time::Duration;

use super::LIMIT;
use crate::fleet::Fleet;
use crate::http::Connection;
use crate::report::Report;
use crate::scenario::limits::{Policy, Tenant, monthly};
use crate::wait;
use crate::workers;

const SOON: Duration = Duration::from_secs(20);

/// By default nothing passes that nobody counted out.
pub(super) async fn run(fleet: &mut Fleet, report: &mut Report) -> anyhow::Result<()> {
    let tenant = Tenant::create(&fleet.control()?, "outage", monthly(LIMIT)).await?;
    fleet.settle().await?;
    fleet.first().kill_control();
    let mut connection = Connection::open(fleet.first().edge()).await?;
    let (mut passed, request) = (0_u64, tenant.request());
    let answer = loop {
        let answer = connection.send(&request).await?;
        if answer.status != 200 || passed > LIMIT {
            break answer;
        }
        passed += 1;
    };
    report.figure("outage_let_through_before_the_lease_was_spent", passed);
    report.check("an outage does not let the whole limit through one Envoy", passed < LIMIT);
    report.equal("then the answer is", answer.gist(), "503 quota_unavailable".to_owned());
    report.equal("with Retry-After", answer.header("retry-after").unwrap_or("none").to_owned(), "1".to_owned());
    fleet.first().start_control().await?;
    wait::until("tokens after the outage", SOON, async || {
        Ok((connection.send(&request).await?.status == 200).then_some(()))
    })
    .await?;
    report.check("requests pass again once the control plane is back", true);
    Ok(())
}

/// A policy may let them pass; then they are counted all the same.
pub(super) async fn allowing(report: &mut Report) -> anyhow::Result<()> {
    const REQUESTS: u64 = 1500;
    const TOKENS: u64 = 1000;
    let policy = Policy::with(&[("ON_UNAVAILABLE", "allow")])?;
    let mut fleet = Fleet::start(policy.setup()?, 1).await?;
    let tenant = Tenant::create(&fleet.control()?, "allowing", monthly(TOKENS)).await?;
    fleet.settle().await?;
    fleet.first().kill_control();
    let stack = fleet.first();
    let mut passed = 0;
    for connection in &mut workers::one_each(stack.edge(), stack.admin(), 2).await? {
        for _ in 0..REQUESTS / 2 {
            passed += u64::from(connection.send(&tenant.request()).await?.status == 200);
        }
    }
    report.equal("a policy that allows lets everything through meanwhile", passed, REQUESTS);
    fleet.first().start_control().await?;
    let control = fleet.control()?;
    let told = wait::until("what was let through to be told", SOON, async || {
        let gist = fleet.first().ask(&tenant.request()).await?.gist();
        Ok((gist == "429 quota_exceeded").then_some(gist))
    })
    .await;
    report.check("once the control plane is back it counts again", told.is_ok());
    println!("  allowing, at the end: {}", tenant.meter(&control).await?);
    Ok(())
}
