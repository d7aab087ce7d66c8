//! How soon another value is used, on the slowest worker, under other requests; and what deleting one does.

use std::time::{Duration, Instant};

use serde_json::json;

use super::calls::taken_for;
use super::home::{self, Home};
use super::{WORKERS, home::sealed};
use crate::http::{Connection, Request};
use crate::report::{Report, percentile};
use crate::stack::Stack;
use crate::{wait, workers};

const REPLACEMENTS: usize = 100;
const LIMIT: Duration = Duration::from_secs(10);
const PROBE_EVERY: Duration = Duration::from_millis(2);
const NAME: &str = "weather_api_key";

pub(super) async fn run(stack: &Stack, home: &mut Home, report: &mut Report) -> anyhow::Result<()> {
    measure(stack, home, report).await?;
    used(home, report).await?;
    delete(stack, home, report).await
}

async fn measure(stack: &Stack, home: &Home, report: &mut Report) -> anyhow::Result<()> {
    let mut probes = workers::one_each(stack.edge(), stack.admin(), WORKERS).await?;
    let path = format!("/v1/secrets/{}/value", home.secret(NAME)?);
    let before = home.control.ok("GET", &format!("/v1/skills/{}", home.skill), None).await?;
    let (mut delays, mut stale, mut refused) = (Vec::with_capacity(REPLACEMENTS), 0_u32, 0_u32);
    for number in 2..2 + REPLACEMENTS {
        let value = format!("weather key/{number}+?&=%");
        let name = format!("{NAME} {number}");
        stack.service()?.accept(&value, &name);
        let body = json!({ "sealed": sealed(&home.control, NAME, &value).await? });
        let replace = async {
            home.control.ok("PUT", &path, Some(&body)).await?;
            anyhow::Ok(Instant::now())
        };
        let (seen, answered) = tokio::try_join!(last_use(&mut probes, home, &name), replace)?;
        refused += seen.refused;
        delays.push(seen.at.saturating_duration_since(answered).as_secs_f64() * 1000.0);
        for probe in &mut probes {
            stale += u32::from(taken_for(&probe.send(&ask(home)).await?) != format!("200 {name}"));
        }
    }
    report.equal("values replaced", delays.len(), REPLACEMENTS);
    report.at_most("replaced_ms_p50", percentile(&delays, 0.5), 200.0);
    report.at_most("replaced_ms_p99", percentile(&delays, 0.99), 500.0);
    report.equal("old values used after the last worker's first new one", stale, 0);
    report.equal("requests refused meanwhile", refused, 0);
    let after = home.control.ok("GET", &format!("/v1/skills/{}", home.skill), None).await?;
    report.equal("and the skill was not published again", after["version"].clone(), before["version"].clone());
    Ok(())
}

struct Seen {
    at: Instant,
    refused: u32,
}

/// When the last of the workers first used that value.
async fn last_use(probes: &mut [Connection], home: &Home, name: &str) -> anyhow::Result<Seen> {
    let deadline = Instant::now() + LIMIT;
    let (mut used, mut refused) = (vec![None; probes.len()], 0);
    while used.contains(&None) {
        anyhow::ensure!(Instant::now() < deadline, "`{name}` is not used after {} s", LIMIT.as_secs());
        for (probe, used) in probes.iter_mut().zip(&mut used).filter(|(_, used)| used.is_none()) {
            let response = probe.send(&ask(home)).await?;
            refused += u32::from(response.status != 200);
            if taken_for(&response) == format!("200 {name}") {
                *used = Some(Instant::now());
            }
        }
        tokio::time::sleep(PROBE_EVERY).await;
    }
    Ok(Seen { at: used.into_iter().flatten().max().unwrap_or_else(Instant::now), refused })
}

fn ask(home: &Home) -> Request {
    Request::get("/services/weather/x").bearer(&home.key.text)
}

/// Edges tell what they used.
async fn used(home: &Home, report: &mut Report) -> anyhow::Result<()> {
    let path = format!("/v1/secrets/{}", home.secret(NAME)?);
    let told = wait::until("a report about secrets", Duration::from_secs(20), async || {
        let secret = home.control.ok("GET", &path, None).await?;
        Ok(secret["last_used_at"].is_string().then_some(secret))
    })
    .await?;
    report.equal("the secret's revision", told["revision"].clone(), json!(1 + REPLACEMENTS));
    let unused = home.control.ok("GET", "/v1/secrets?unused=true", None).await?;
    report.check(format!("it is not among the unused: {unused}"), !unused.to_string().contains(NAME));
    Ok(())
}

async fn delete(stack: &Stack, home: &mut Home, report: &mut Report) -> anyhow::Result<()> {
    let path = format!("/v1/secrets/{}", home.secret(NAME)?);
    let kept = home.control.call("DELETE", &path, None).await?;
    report.equal("a secret in use is not deleted by mistake", kept.gist(), "409 secret_in_use".to_owned());
    let body = String::from_utf8_lossy(&kept.body).into_owned();
    report.check(format!("the answer names the skill: {body}"), body.contains("assistant"));
    let deleted = home.control.call("DELETE", &format!("{path}?force=true"), None).await?;
    report.check(format!("with `force` it is: {}", deleted.status), (200..300).contains(&deleted.status));
    let missing = wait_for(stack, home, "403 missing_secret").await;
    report.check("its use fails with `missing_secret`", missing.is_ok());
    let made = home.control.ok("POST", "/v1/secrets", Some(&home::plain(NAME, "weather key/1+?&=%"))).await?;
    let again = wait_for(stack, home, &format!("200 {NAME} 1")).await;
    report.check("entered again, sealed by the control plane, it works", again.is_ok());
    if let (Some(place), Some(id)) = (home::VALUES.iter().position(|(it, _)| *it == NAME), made["id"].as_str()) {
        home.secrets.splice(place..=place, [id.to_owned()]);
    }
    Ok(())
}

/// Waits until every worker answers so.
pub(super) async fn wait_for(stack: &Stack, home: &Home, answer: &str) -> anyhow::Result<()> {
    for probe in &mut workers::one_each(stack.edge(), stack.admin(), WORKERS).await? {
        wait::until(&format!("`{answer}`"), LIMIT, async || {
            Ok((taken_for(&probe.send(&ask(home)).await?) == answer).then_some(()))
        })
        .await?;
    }
    Ok(())
}
