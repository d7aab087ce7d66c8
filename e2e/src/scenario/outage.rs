//! `outage`: the control plane is killed, is not there at the start, and a worker's VM is lost meanwhile.
//!
//! Invariant: what was enforced stays enforced; what was never known is refused with 503, not let through.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::control::Key;
use crate::http::{self, Connection, Request};
use crate::report::{Report, rounded};
use crate::stack::{Setup, Stack};
use crate::tools::Module;
use crate::{wait, workers};

const WORKERS: u32 = 2;
const PATH: &str = "/api/v1/skills";
/// Long enough for an edge's retries to have slowed down as far as they do.
const OUTAGE: Duration = Duration::from_secs(6);
const SOON: Duration = Duration::from_secs(10);

pub(super) async fn run(report: &mut Report) -> anyhow::Result<()> {
    let mut stack = Stack::start(Setup::preset("systemprompt")?.workers(WORKERS)).await?;
    let key = create(&stack, "first").await?;
    stack.settle(&stack.control()?).await?;
    killed(&mut stack, &key, report).await?;
    absent_at_start(&mut stack, &key, report).await?;
    drop(stack);
    trapped(report).await
}

/// Live keys go on working, strangers stay out, and the next change arrives once the control plane is back.
async fn killed(stack: &mut Stack, key: &Key, report: &mut Report) -> anyhow::Result<()> {
    let mut probes = workers::one_each(stack.edge(), stack.admin(), WORKERS).await?;
    stack.kill_control();
    let since = Instant::now();
    let (mut asked, mut changed) = (0, 0);
    while since.elapsed() < OUTAGE {
        for probe in &mut probes {
            asked += 2;
            changed += u32::from(probe.send(&get(key)).await?.status != 200);
            changed += u32::from(probe.send(&stranger()).await?.status != 401);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    report.figure("outage_requests", asked);
    report.equal("answers that changed while the control plane was dead", changed, 0);
    let start = Instant::now();
    stack.start_control().await?;
    let second = create(stack, "second").await?;
    for probe in &mut probes {
        answers(probe, &get(&second), 200).await?;
    }
    report.figure("seconds_from_restart_to_next_change", rounded(start.elapsed().as_secs_f64()));
    report.check("the next change arrives after a restart", true);
    stack.control()?.revoke(&second.id).await?;
    for probe in &mut probes {
        answers(probe, &get(&second), 401).await?;
        report.equal("and the old keys are as they were", probe.send(&get(key)).await?.status, 200);
    }
    Ok(())
}

/// An Envoy that starts alone refuses everything, then recovers by itself.
async fn absent_at_start(stack: &mut Stack, key: &Key, report: &mut Report) -> anyhow::Result<()> {
    stack.stop_envoy();
    stack.stop_control();
    stack.start_envoy().await?;
    let mut probes = workers::one_each(stack.edge(), stack.admin(), WORKERS).await?;
    let since = Instant::now();
    let mut open = 0;
    while since.elapsed() < OUTAGE {
        for probe in &mut probes {
            open += u32::from(probe.send(&get(key)).await?.status != 503);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    report.equal("requests let through before the first policy", open, 0);
    for probe in &mut probes {
        let answer = probe.send(&get(key)).await?;
        report.equal("the answer is", answer.gist(), "503 policy_unavailable".to_owned());
        let seconds = answer.header("retry-after").and_then(|it| it.parse::<u32>().ok());
        report.check("with Retry-After in seconds", seconds.is_some());
    }
    let start = Instant::now();
    stack.start_control().await?;
    for probe in &mut probes {
        answers(probe, &get(key), 200).await?;
    }
    report.at_most("recovery_seconds", start.elapsed().as_secs_f64(), 2.0);
    Ok(())
}

/// A VM that is lost comes back with every key, although there is nobody to ask.
async fn trapped(report: &mut Report) -> anyhow::Result<()> {
    let mut stack = Stack::start(Setup::preset("systemprompt")?.workers(WORKERS).module(Module::Trap)).await?;
    let key = create(&stack, "kept").await?;
    stack.settle(&stack.control()?).await?;
    let mut probes = workers::one_each(stack.edge(), stack.admin(), WORKERS).await?;
    stack.kill_control();
    let trap = get(&key).header("x-portcullis-trap", "1");
    for probe in &mut probes {
        report.equal("before the trap", probe.send(&get(&key)).await?.status, 200);
        report.equal("the trapped request fails", probe.send(&trap).await?.status, 503);
        report.equal("the reloaded VM finds every key", reloaded(probe, &key).await?, "200".to_owned());
        report.equal("and no stranger", probe.send(&stranger()).await?.gist(), "401 invalid_api_key".to_owned());
    }
    let stats = http::once(stack.admin(), &Request::get("/stats?filter=vm_reload_success")).await?;
    let stats = String::from_utf8_lossy(&stats.body).into_owned();
    let reloads = stats.lines().filter_map(|line| line.rsplit_once(": ")?.1.parse::<u32>().ok()).sum::<u32>();
    report.equal("VMs reloaded", reloads, WORKERS);
    stack.start_control().await?;
    let next = create(&stack, "next").await?;
    for probe in &mut probes {
        answers(probe, &get(&next), 200).await?;
    }
    report.check("changes reach the reloaded VMs", true);
    Ok(())
}

/// The first answer from a new VM. Envoy loads none within 0.1 s of the last (`reload_config` in envoy.yaml), and the
/// stack may be that young: meanwhile it answers 503 itself, without a code.
async fn reloaded(probe: &mut Connection, key: &Key) -> anyhow::Result<String> {
    wait::until("a reloaded VM", SOON, async || {
        let gist = probe.send(&get(key)).await?.gist();
        Ok((gist != "503").then_some(gist))
    })
    .await
}

async fn create(stack: &Stack, name: &str) -> anyhow::Result<Key> {
    let body = json!({ "name": name, "environment": "production", "scopes": ["skills:read"] });
    stack.control()?.create(&body).await
}

async fn answers(probe: &mut Connection, request: &Request, status: u16) -> anyhow::Result<()> {
    wait::until(&format!("an answer with {status}"), SOON, async || {
        Ok((probe.send(request).await?.status == status).then_some(()))
    })
    .await
}

fn get(key: &Key) -> Request {
    Request::get(PATH).bearer(&key.text)
}

fn stranger() -> Request {
    Request::get(PATH).bearer("sp_live_a1b2c3d4e5f6g7h8i9j0k1l2m3n4o5p6")
}
