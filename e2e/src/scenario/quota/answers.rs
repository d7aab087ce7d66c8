//! What clients are told, and what changes a limit: top-ups, another limit, a key's own, rules that cost more or nothing.

use std::time::Duration;

use serde_json::json;

use super::demand::GATHERING;
use crate::control::{Control, Key};
use crate::demand::{Demand, Plan};
use crate::fleet::Fleet;
use crate::http::{Request, Response};
use crate::report::Report;
use crate::scenario::limits::{self, THING, Tenant, monthly};
use crate::stack::Stack;
use crate::wait;

pub(super) async fn run(fleet: &Fleet, report: &mut Report) -> anyhow::Result<()> {
    let control = fleet.control()?;
    let tenant = Tenant::create(&control, "answers", monthly(20)).await?;
    let bulk = Tenant::create(&control, "bulk", monthly(23)).await?;
    let shared = Tenant::create(&control, "shared", monthly(1000)).await?;
    let quota = json!({ "quota": { "limit": 7, "period": "day" } });
    let limited = shared.another_key(&control, quota).await?;
    let eager = Tenant::create(&control, "eager", monthly(100)).await?;
    fleet.settle().await?;
    at_once(fleet, &eager, report).await?;
    let stack = fleet.stacks().next().ok_or_else(|| anyhow::anyhow!("no Envoy"))?;
    let ask = Asker { stack, control: &control };

    report.equal("of a limit of 20, let through", ask.all(&limits::get(THING, &tenant.key), 20).await?, 20);
    refusal(&ask.stack.ask(&tenant.request()).await?, 20, report);
    grpc(&ask, &tenant.key, report).await?;
    more(&ask, &tenant, report).await?;
    costs(&ask, &bulk, report).await?;

    report.equal("of a key's own 7, let through", ask.all(&limits::get(THING, &limited), 7).await?, 7);
    let gist = ask.stack.ask(&limits::get(THING, &limited)).await?.gist();
    report.equal("and then", gist, "429 quota_exceeded".to_owned());
    report.equal("another key of the organisation goes on", ask.stack.ask(&shared.request()).await?.status, 200);
    let rotated = control.rotate(&limited.id, 3600).await?;
    fleet.settle().await?;
    let gist = ask.stack.ask(&limits::get(THING, &rotated)).await?.gist();
    report.equal("the key that it was rotated to", gist, "429 quota_exceeded".to_owned());
    Ok(())
}

/// Asks one Envoy.
struct Asker<'s> {
    stack: &'s Stack,
    control: &'s Control,
}

impl Asker<'_> {
    /// How many pass until one is refused, if `expected` are to come. Tokens that other Envoys hold take a moment to get
    /// here.
    async fn all(&self, request: &Request, expected: u64) -> anyhow::Result<u64> {
        let mut passed = 0;
        let ended = wait::until("the end of a limit", GATHERING, async || {
            passed += u64::from(self.stack.ask(request).await?.status == 200);
            Ok((passed >= expected).then_some(()))
        });
        if let Err(error) = ended.await {
            println!("  {error:#}");
        }
        // One too many would pass now.
        Ok(passed + u64::from(self.stack.ask(request).await?.status == 200))
    }
}

/// Ten clients at once find the few tokens gone that every Envoy begins with, and wait for more.
async fn at_once(fleet: &Fleet, tenant: &Tenant, report: &mut Report) -> anyhow::Result<()> {
    let edges = fleet.edges().into_iter().take(1).collect();
    let plan = Plan { edges, requests: vec![tenant.request()], clients: 10, count: 40, pause: Duration::ZERO };
    let seen = Demand::start(&plan).finish().await?;
    println!("  of 100, ten at a time: {seen}");
    report.figure("let_through_of_a_small_quotas_first_40", seen.of("200"));
    // All of them, unless the disk keeps the control plane from answering for half a second.
    report.check("of a small quota's first 40, nearly all are let through", seen.of("200") >= 38);
    Ok(())
}

fn refusal(answer: &Response, limit: u64, report: &mut Report) {
    report.equal("then the answer is", answer.gist(), "429 quota_exceeded".to_owned());
    let header = |name: &str| answer.header(name).unwrap_or_default().to_owned();
    for name in ["retry-after", "ratelimit", "ratelimit-policy"] {
        println!("  {name}: {}", header(name));
    }
    let seconds = header("retry-after").parse::<u64>().unwrap_or_default();
    report.check("Retry-After is in seconds, and within a month", (1..=31 * 24 * 60 * 60).contains(&seconds));
    let fields = header("ratelimit");
    report.check("RateLimit says that nothing is left", fields.contains("\"quota\";r=0;t="));
    let policy = format!("\"quota\";q={limit};w=");
    report.check("RateLimit-Policy says how much there is", header("ratelimit-policy").contains(&policy));
    let doubled = answer.headers.iter().filter(|(name, _)| name == "ratelimit").count();
    report.equal("RateLimit fields", doubled, 1);
    let (code, message) = (answer.code(), answer.json()["error"]["message"].as_str().map(str::to_owned));
    report.check("the body has a code and a message", code.is_some() && message.is_some());
}

async fn grpc(ask: &Asker<'_>, key: &Key, report: &mut Report) -> anyhow::Result<()> {
    let request = Request::new("POST", "/things.Things/List").bearer(&key.text);
    let request = request.header("content-type", "application/grpc").header("te", "trailers");
    let answer = ask.stack.ask(&request).await?;
    let status = answer.header("grpc-status").unwrap_or("none").to_owned();
    report.equal("gRPC clients get RESOURCE_EXHAUSTED", status, "8".to_owned());
    Ok(())
}

/// A top-up and a higher limit count at once, for the running period, by exactly what they are.
async fn more(ask: &Asker<'_>, tenant: &Tenant, report: &mut Report) -> anyhow::Result<()> {
    let (control, request) = (ask.control, tenant.request());
    let path = format!("/v1/organizations/{}/top-ups", tenant.organization);
    control.ok("POST", &path, Some(&json!({ "tokens": 15, "note": "a gift" }))).await?;
    report.equal("of 15 topped up, let through", ask.all(&request, 15).await?, 15);
    let path = format!("/v1/plans/{}", tenant.plan);
    control.ok("PATCH", &path, Some(&json!({ "limit": 30 }))).await?;
    report.equal("of a limit raised by 10, let through", ask.all(&request, 10).await?, 10);
    control.ok("PATCH", &path, Some(&json!({ "limit": 5 }))).await?;
    report.equal("of a limit lowered below what is used", ask.all(&request, 0).await?, 0);
    control.ok("PATCH", &path, Some(&json!({ "limit": 30 }))).await?;
    report.equal("of the same limit again", ask.all(&request, 0).await?, 0);
    let meter = tenant.meter(control).await?;
    println!("  answers: {meter}");
    report.equal("the limit, top-up included", meter.limit, 45);
    Ok(())
}

/// 23 tokens are four requests that cost 5, then three that cost 1; what costs nothing passes at any time.
async fn costs(ask: &Asker<'_>, tenant: &Tenant, report: &mut Report) -> anyhow::Result<()> {
    report.equal("of 23 tokens, at 5 each", ask.all(&limits::get("/bulk", &tenant.key), 4).await?, 4);
    let gist = ask.stack.ask(&limits::get("/bulk", &tenant.key)).await?.gist();
    report.equal("a fifth", gist, "429 quota_exceeded".to_owned());
    report.equal("of what is left, at 1 each", ask.all(&tenant.request(), 3).await?, 3);
    let status = ask.stack.ask(&limits::get("/gratis", &tenant.key)).await?.status;
    report.equal("what costs nothing passes without tokens", status, 200);
    Ok(())
}
