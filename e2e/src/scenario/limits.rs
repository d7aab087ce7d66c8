//! What the scenarios about limits share: their policy, and organisations with a plan and keys.
//!
//! Every plan is its organisation's own. Invariant: a period that is a month does not end while a scenario runs, unless
//! it began in the month's last minutes; then the scenario says so and fails.

use std::path::PathBuf;

use anyhow::Context as _;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::control::{Control, Key};
use crate::http::Request;
use crate::render::render;
use crate::stack::Setup;
use crate::tools;

/// A rule that costs one token.
pub(super) const THING: &str = "/things/7";

/// The scenarios' policy, filled in.
pub(super) struct Policy {
    folder: TempDir,
}

/// Somebody with a plan and a key.
pub(super) struct Tenant {
    pub(super) organization: String,
    pub(super) plan: String,
    pub(super) key: Key,
}

/// Where an organisation's, or a key's, quota stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Meter {
    pub(super) limit: u64,
    pub(super) used: u64,
    pub(super) in_doubt: u64,
    pub(super) held: u64,
    pub(super) remaining: u64,
}

impl Policy {
    /// With these in place of the defaults.
    pub(super) fn with(values: &[(&str, &str)]) -> anyhow::Result<Self> {
        let template = std::fs::read_to_string(tools::root()?.join("e2e/policies/limits.toml"))?;
        let value = |name: &str| values.iter().find(|(it, _)| *it == name).map(|(_, value)| (*value).to_owned());
        let policy = Self { folder: tempfile::tempdir()? };
        std::fs::write(policy.path(), render(&template, value))?;
        Ok(policy)
    }

    /// A stack under it, two workers to an Envoy.
    pub(super) fn setup(&self) -> anyhow::Result<Setup> {
        Ok(Setup::policy(self.path())?.workers(2))
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("policy.toml")
    }
}

impl Tenant {
    /// An organisation on a plan of its own, and a key of it. `plan` is what the plan says beyond its name.
    pub(super) async fn create(control: &Control, name: &str, plan: Value) -> anyhow::Result<Self> {
        let mut plan = plan;
        plan["name"] = name.into();
        control.ok("POST", "/v1/plans", Some(&plan)).await?;
        Self::with(control, name, json!({ "name": name, "plan": name })).await
    }

    /// An organisation that nobody counts, and a key of it.
    pub(super) async fn unlimited(control: &Control, name: &str) -> anyhow::Result<Self> {
        Self::with(control, name, json!({ "name": name })).await
    }

    async fn with(control: &Control, name: &str, body: Value) -> anyhow::Result<Self> {
        let answer = control.ok("POST", "/v1/organizations", Some(&body)).await?;
        let organization = answer["id"].as_str().context("no `id` in the answer")?.to_owned();
        let key = key(control, &organization, json!({})).await?;
        Ok(Self { organization, plan: name.to_owned(), key })
    }

    /// Another key of it. `more` is what its creation says beyond a name.
    pub(super) async fn another_key(&self, control: &Control, more: Value) -> anyhow::Result<Key> {
        key(control, &self.organization, more).await
    }

    pub(super) async fn meter(&self, control: &Control) -> anyhow::Result<Meter> {
        Meter::read(control, &format!("organization={}", self.organization)).await
    }

    pub(super) fn request(&self) -> Request {
        get(THING, &self.key)
    }
}

impl Meter {
    pub(super) async fn read(control: &Control, query: &str) -> anyhow::Result<Self> {
        let quota = control.ok("GET", &format!("/v1/quota?{query}"), None).await?;
        let number = |name: &str| quota["meter"][name].as_u64().with_context(|| format!("no `{name}` in {quota}"));
        Ok(Self {
            limit: number("limit")?,
            used: number("used")?,
            in_doubt: number("in_doubt")?,
            held: number("held")?,
            remaining: number("remaining")?,
        })
    }
}

impl std::fmt::Display for Meter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { limit, used, in_doubt, held, remaining } = self;
        write!(f, "limit {limit}, used {used}, in doubt {in_doubt}, held {held}, remaining {remaining}")
    }
}

/// A month's plan of that many tokens.
pub(super) fn monthly(limit: u64) -> Value {
    json!({ "limit": limit, "period": "month" })
}

pub(super) fn get(path: &str, key: &Key) -> Request {
    Request::get(path).bearer(&key.text)
}

async fn key(control: &Control, organization: &str, more: Value) -> anyhow::Result<Key> {
    let mut body = json!({ "name": "limits", "environment": "production", "organization": organization });
    for (name, value) in more.as_object().into_iter().flatten() {
        body[name] = value.clone();
    }
    control.create(&body).await
}
