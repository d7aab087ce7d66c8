//! API keys and access tokens under one policy, for `bench envoy`.
//!
//! Each token is of a credential of its own, as each key has a record of its own. Invariant: no token expires while
//! anything is measured.

use std::time::Duration;

use anyhow::Context as _;
use serde_json::{Value, json};

use crate::control::BATCH;
use crate::http::{self, Request};
use crate::oauth::{Client, Secret};
use crate::stack::{Setup, Stack};
use crate::{tools, wait};

const SOON: Duration = Duration::from_secs(30);
/// The least that a worker keeps at hand: far fewer tokens than are used in turn.
const LEAST_CACHE: u32 = 65_536;

/// What is asked with, and what it is asked under.
pub(super) struct Bearers {
    pub(super) keys: Vec<String>,
    pub(super) tokens: Vec<String>,
    pub(super) configuration: Value,
    pub(super) control_port: u16,
}

impl Bearers {
    /// The same for a worker that remembers next to no token, so that each is verified as if it were the first time.
    pub(super) fn forgetful(&self) -> Value {
        let mut configuration = self.configuration.clone();
        configuration["token_cache_bytes"] = LEAST_CACHE.into();
        configuration
    }
}

/// A control plane that mints tokens which last for an hour.
pub(super) async fn minting() -> anyhow::Result<Stack> {
    let policy = std::fs::read_to_string(tools::root()?.join("e2e/policies/tokens.toml"))?;
    let policy = policy.replace("lifetime_seconds = 300", "lifetime_seconds = 3600");
    let setup = Setup::preset("systemprompt")?.serve(&["--requests-per-second", "100000"]);
    let mut stack = Stack::new(setup)?;
    stack.start_control_with(&policy).await?;
    Ok(stack)
}

pub(super) async fn bearers(stack: &Stack, count: usize) -> anyhow::Result<Bearers> {
    let control = stack.control()?;
    let scopes = ["skills:read", "skills:write"];
    let body = |kind: &str| json!({ "kind": kind, "name": "bench", "environment": "production", "scopes": scopes });
    let (mut keys, mut clients) = (Vec::with_capacity(count), Vec::with_capacity(count));
    while keys.len() < count {
        let batch = BATCH.min(count - keys.len());
        keys.extend(control.create_many(vec![body("api_key"); batch]).await?.into_iter().map(|key| key.text));
        let batch = json!({ "keys": vec![body("credential"); batch] });
        let answer = control.ok("POST", "/v1/keys:batch", Some(&batch)).await?;
        let made = answer["data"].as_array().context("no `data` in the answer")?;
        clients.extend(made.iter().map(Client::read).collect::<anyhow::Result<Vec<_>>>()?);
    }
    let mut tokens = Vec::with_capacity(count);
    for client in &clients {
        let request = client.request(Secret::InForm, &[("grant_type", "client_credentials")]);
        // All of them come from one address, which is told to slow down.
        let minted = wait::until("an access token", SOON, async || {
            Ok(Some(http::once(control.address, &request).await?).filter(|it| it.status != 429).map(|it| it.json()))
        });
        let answer = minted.await?;
        tokens.push(answer["access_token"].as_str().with_context(|| answer.to_string())?.to_owned());
    }
    let configuration = stack.plugin_configuration()?;
    Ok(Bearers { keys, tokens, configuration, control_port: stack.setup.ports.control })
}

/// An ordinary request, under any of the bench's policies.
pub(super) fn request(path: &str, bearer: &str) -> Request {
    let request = Request::get(path).header("user-agent", "acme-sdk/2.1 (linux)");
    request.header("accept", "application/json").header("accept-encoding", "gzip").bearer(bearer)
}
