//! `soak-management`: 50 clients create and revoke keys at once, on SQLite and on PostgreSQL.
//!
//! First undisturbed: every answer counts. Then the control plane is killed in the middle of it. Invariant: what was
//! answered is there afterwards, in the keys and in the audit log, once.

use std::time::Duration;

use anyhow::Context as _;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::churn::{Answered, Churn, Verified};
use crate::control::Control;
use crate::database::Database;
use crate::report::{Report, percentile, rounded};
use crate::stack::{Setup, Stack};

const CLIENTS: usize = 50;
/// Clients that change one and the same key.
const RIVALS: usize = 10;
/// How often each of them does.
const ROUNDS: usize = 5;

pub(super) async fn run(time: Duration, report: &mut Report) -> anyhow::Result<()> {
    on("sqlite", None, time, report).await?;
    let database = Database::create("soak")?;
    on("postgresql", Some(database.url()?), time, report).await
}

async fn on(name: &str, database: Option<String>, time: Duration, report: &mut Report) -> anyhow::Result<()> {
    let mut stack = Stack::new(Setup { database, ..Setup::preset("systemprompt")? })?;
    stack.start_control().await?;
    let control = stack.control()?;
    let mut answered = undisturbed(name, &control, time, report).await?;
    answered.add(killed(name, &mut stack, time / 4, report).await?);
    let verified = Verified::read(&control, &answered, 0).await?;
    verified.check(&format!("{name}, killed"), &answered, report);
    rivals(name, &control, report).await
}

async fn undisturbed(name: &str, control: &Control, time: Duration, report: &mut Report) -> anyhow::Result<Answered> {
    let churn = Churn::start(std::slice::from_ref(control), CLIENTS).await?;
    tokio::time::sleep(time).await;
    let answered = churn.finish().await?;
    report.figure(&format!("{name}_changes"), answered.create_ms.len() + answered.revoke_ms.len());
    report.figure(&format!("{name}_changes_per_second"), rounded(answered.per_second()));
    report.figure(&format!("{name}_told_to_wait"), answered.later);
    for (what, sample) in [("create", &answered.create_ms), ("revoke", &answered.revoke_ms)] {
        for (point, share) in [("p50", 0.5), ("p99", 0.99), ("max", 1.0)] {
            report.figure(&format!("{name}_{what}_ms_{point}"), rounded(percentile(sample, share)));
        }
    }
    report.check(format!("{name}: keys were revoked"), !answered.revoke_ms.is_empty());
    report.equal(format!("{name}: refusals"), gist(&answered), String::new());
    report.equal(format!("{name}: answers lost"), answered.lost_creations + answered.lost_revocations, 0);
    let verified = Verified::read(control, &answered, 0).await?;
    verified.check(name, &answered, report);
    Ok(answered)
}

/// The control plane dies as in a power cut, and another one starts on what it left.
async fn killed(name: &str, stack: &mut Stack, time: Duration, report: &mut Report) -> anyhow::Result<Answered> {
    let churn = Churn::start(&[stack.control()?], CLIENTS).await?;
    tokio::time::sleep(time).await;
    stack.kill_control();
    stack.start_control().await?;
    tokio::time::sleep(time).await;
    let answered = churn.finish().await?;
    report.figure(&format!("{name}_killed_changes"), answered.create_ms.len() + answered.revoke_ms.len());
    report.figure(&format!("{name}_killed_lost_answers"), answered.lost_creations + answered.lost_revocations);
    report.equal(format!("{name}, killed: refusals"), gist(&answered), String::new());
    Ok(answered)
}

/// Clients count in one place, each saying which number it counts on from: no count is lost.
async fn rivals(name: &str, control: &Control, report: &mut Report) -> anyhow::Result<()> {
    let key = control.create(&json!({ "name": "contended", "environment": "production" })).await?;
    let mut rivals = JoinSet::new();
    for _ in 0..RIVALS {
        let (control, path) = (control.clone(), format!("/v1/keys/{}", key.id));
        rivals.spawn(async move {
            let mut overtaken = 0;
            for _ in 0..ROUNDS {
                overtaken += count(&control, &path).await?;
            }
            anyhow::Ok(overtaken)
        });
    }
    let mut overtaken = 0;
    while let Some(done) = rivals.join_next().await {
        overtaken += done??;
    }
    report.figure(&format!("{name}_overtaken"), overtaken);
    let found = counted(&control.show(&key.id).await?);
    report.equal(format!("{name}: {RIVALS} clients counted in one key, none was overwritten"), found, RIVALS * ROUNDS);
    Ok(())
}

/// Adds one to what it read; begins again whenever somebody else was quicker, and says how often that was.
async fn count(control: &Control, path: &str) -> anyhow::Result<usize> {
    let mut overtaken = 0;
    loop {
        let read = control.call("GET", path, None).await?;
        let etag = read.header("etag").with_context(|| format!("no ETag: {}", read.gist()))?;
        let next = counted(&read.json()) + 1;
        let body = json!({ "metadata": { "count": next.to_string() } });
        let answer = control.call_if(etag, "PATCH", path, &body).await?;
        match answer.status {
            200 => return Ok(overtaken),
            412 => overtaken += 1,
            _ => anyhow::bail!("a change with If-Match answered {}", answer.gist()),
        }
    }
}

fn counted(key: &Value) -> usize {
    key["metadata"]["count"].as_str().and_then(|it| it.parse().ok()).unwrap_or(0)
}

fn gist(answered: &Answered) -> String {
    answered.refused.iter().map(|(answer, count)| format!("{count} x {answer}")).collect::<Vec<_>>().join(", ")
}
