//! Either control plane is killed while clients write to both.
//!
//! The survivor answers everything, knows all that the dead one had answered, and both Envoys serve on.

use std::time::Duration;

use anyhow::Context as _;
use serde_json::json;

use super::PATH;
use super::changes::until;
use crate::churn::{Answered, Churn, Verified};
use crate::control::Key;
use crate::http::{Connection, Request};
use crate::report::Report;
use crate::stack::Stack;

const CLIENTS: usize = 8;
/// How long clients write before the kill, and again after it.
const STREAM: Duration = Duration::from_secs(2);

pub(super) async fn run(replicas: &mut [Stack; 2], report: &mut Report) -> anyhow::Result<()> {
    let lasting = create(&replicas[0], "lasting").await?;
    for replica in replicas.iter() {
        until(&mut Connection::open(replica.edge()).await?, &lasting, 200).await?;
    }
    for victim in [0, 1] {
        kill(replicas, victim, &lasting, report).await.with_context(|| format!("control plane {}", victim + 1))?;
    }
    Ok(())
}

async fn kill(replicas: &mut [Stack; 2], victim: usize, lasting: &Key, report: &mut Report) -> anyhow::Result<()> {
    let what = format!("control plane {} killed", victim + 1);
    let survivor = 1 - victim;
    let controls = [replicas[0].control()?, replicas[1].control()?];
    let others = controls[survivor].list("/v1/keys").await?.len();
    let churn = Churn::start(&controls, CLIENTS).await?;
    tokio::time::sleep(STREAM).await;
    replicas[victim].kill_control();
    tokio::time::sleep(STREAM).await;
    let answered = churn.finish().await?;
    report.figure(&format!("changes_{}", victim + 1), answered.create_ms.len() + answered.revoke_ms.len());
    report.check(format!("{what}: changes were answered"), !answered.revoke_ms.is_empty());
    report.equal(format!("{what}: refusals"), refusals(&answered), 0);
    let verified = Verified::read(&controls[survivor], &answered, others).await?;
    verified.check(&what, &answered, report);

    let key = create(&replicas[survivor], "meanwhile").await?;
    let mut near = Connection::open(replicas[survivor].edge()).await?;
    until(&mut near, &key, 200).await?;
    report.check(format!("{what}: the survivor's Envoy hears of changes"), true);
    for replica in replicas.iter() {
        let answer = replica.ask(&Request::get(PATH).bearer(&lasting.text)).await?;
        report.equal(format!("{what}: an Envoy serves on"), answer.status, 200);
    }
    replicas[victim].start_control().await?;
    let mut far = Connection::open(replicas[victim].edge()).await?;
    until(&mut far, &key, 200).await?;
    report.check(format!("{what}: back again, its Envoy learns what it missed"), true);
    Ok(())
}

async fn create(replica: &Stack, name: &str) -> anyhow::Result<Key> {
    let body = json!({ "name": name, "environment": "production", "scopes": ["skills:read"] });
    replica.control()?.create(&body).await
}

fn refusals(answered: &Answered) -> usize {
    answered
        .refused
        .iter()
        .map(|(answer, count)| {
            println!("  {count} x {answer}");
            count
        })
        .sum()
}
