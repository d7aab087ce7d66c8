//! Keys with and without limits, for `bench envoy`.
//!
//! Invariant: no limit here is ever reached: what is measured is what asking them costs.

use std::time::Duration;

use anyhow::Context as _;
use serde_json::{Value, json};

use super::envoy::KEYS;
use crate::control::Control;
use crate::http::{Connection, Request};
use crate::stack::{Setup, Stack};
use crate::{tools, wait};

const SOON: Duration = Duration::from_secs(30);

/// A control plane whose policy tells on every answer where limits stand.
pub(super) async fn telling() -> anyhow::Result<Stack> {
    let preset = tools::root()?.join("policies/systemprompt/policy.toml");
    let policy = format!("rate_limit_headers = \"always\"\n{}", std::fs::read_to_string(preset)?);
    let mut stack = Stack::new(Setup::preset("systemprompt")?)?;
    stack.setup.policy = stack.log("policy.toml");
    std::fs::write(&stack.setup.policy, policy)?;
    stack.start_control().await?;
    Ok(stack)
}

/// Keys of an organisation with a quota, each with a rate.
pub(super) async fn limited_keys(control: &Control) -> anyhow::Result<Vec<String>> {
    let plan = json!({ "name": "bench", "limit": 100_000_000_000_u64, "period": "month" });
    control.ok("POST", "/v1/plans", Some(&plan)).await?;
    let answer = control.ok("POST", "/v1/organizations", Some(&json!({ "name": "bench", "plan": "bench" }))).await?;
    let organization = answer["id"].as_str().context("no `id` in the answer")?;
    let rate = json!({ "requests": 100_000, "seconds": 1, "burst": 100_000 });
    keys(control, &json!({ "organization": organization, "rate": rate })).await
}

/// Keys that have `more` beside what every key has.
pub(super) async fn keys(control: &Control, more: &Value) -> anyhow::Result<Vec<String>> {
    let scopes = ["skills:read", "skills:write"];
    let mut body = json!({ "name": "bench", "environment": "production", "scopes": scopes });
    for (name, value) in more.as_object().into_iter().flatten() {
        body[name] = value.clone();
    }
    let mut keys = Vec::with_capacity(KEYS);
    while keys.len() < KEYS {
        keys.extend(control.create_many(vec![body.clone(); 1000]).await?.into_iter().map(|key| key.text));
    }
    Ok(keys)
}

/// Waits until the Envoy behind a connection lets a request through.
pub(super) async fn wait_allowed(connection: &mut Connection, request: &Request) -> anyhow::Result<()> {
    wait::until("the bench's keys", SOON, async || Ok((connection.send(request).await?.status == 200).then_some(())))
        .await
}
