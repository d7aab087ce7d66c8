//! Keys with and without limits, for `bench envoy`.
//!
//! Invariant: no limit here is ever reached: what is measured is what asking them costs.

use std::time::Duration;

use anyhow::Context as _;
use serde_json::{Value, json};

use super::variant::LimitedKeys;
use crate::control::{BATCH, Control};
use crate::http::{Connection, Request};
use crate::stack::{Setup, Stack};
use crate::{tools, wait};

const SOON: Duration = Duration::from_secs(30);

/// A control plane whose policy has one more line.
pub(super) async fn serving(line: &str) -> anyhow::Result<Stack> {
    let preset = tools::root()?.join("policies/systemprompt/policy.toml");
    let policy = format!("{line}\n{}", std::fs::read_to_string(preset)?);
    let mut stack = Stack::new(Setup::preset("systemprompt")?)?;
    stack.start_control_with(&policy).await?;
    Ok(stack)
}

/// Keys of organisations with a quota, without and with a rate, and keys that have a rate each.
pub(super) async fn limited_keys(control: &Control, count: usize) -> anyhow::Result<LimitedKeys> {
    Ok(LimitedKeys {
        quota: of_plan(control, count, "quota", None, None).await?,
        both: of_plan(control, count, "both", Some(rate()), None).await?,
        key_rates: of_plan(control, count, "key-rates", None, Some(rate())).await?,
    })
}

/// Keys of an organisation with a quota and a rate.
pub(super) async fn told_keys(control: &Control, count: usize) -> anyhow::Result<Vec<String>> {
    of_plan(control, count, "both", Some(rate()), None).await
}

fn rate() -> Value {
    json!({ "requests": 100_000, "seconds": 1, "burst": 100_000 })
}

async fn of_plan(
    control: &Control,
    count: usize,
    name: &str,
    all: Option<Value>,
    each: Option<Value>,
) -> anyhow::Result<Vec<String>> {
    let plan = json!({ "name": name, "limit": 100_000_000_000_u64, "period": "month", "rate": all });
    control.ok("POST", "/v1/plans", Some(&plan)).await?;
    let answer = control.ok("POST", "/v1/organizations", Some(&json!({ "name": name, "plan": name }))).await?;
    let organization = answer["id"].as_str().context("no `id` in the answer")?;
    keys(control, count, &json!({ "organization": organization, "rate": each })).await
}

/// So many keys that have `more` beside what every key has.
pub(super) async fn keys(control: &Control, count: usize, more: &Value) -> anyhow::Result<Vec<String>> {
    let scopes = ["skills:read", "skills:write"];
    let mut body = json!({ "name": "bench", "environment": "production", "scopes": scopes });
    for (name, value) in more.as_object().into_iter().flatten() {
        body[name] = value.clone();
    }
    let mut keys = Vec::with_capacity(count);
    while keys.len() < count {
        let batch = vec![body.clone(); BATCH.min(count - keys.len())];
        keys.extend(control.create_many(batch).await?.into_iter().map(|key| key.text));
    }
    Ok(keys)
}

/// Waits until the Envoy behind a connection lets a request through.
pub(super) async fn wait_allowed(connection: &mut Connection, request: &Request) -> anyhow::Result<()> {
    wait::until("the bench's keys", SOON, async || Ok((connection.send(request).await?.status == 200).then_some(())))
        .await
}
