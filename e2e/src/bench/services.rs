//! Keys of skills whose requests go to a service with a credential in a header, and keys without, for `bench envoy`.
//!
//! Both run in the module that looks at answers, so that putting a credential in is what makes the difference. Invariant: every value
//! was opened before anything is measured, as it is once for each worker and version.

use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use portcullis_seal::Purpose;
use serde_json::{Value, json};

use crate::control::{BATCH, Control};
use crate::stack::{Setup, Stack, new_key};
use crate::tools;

const SKILLS: usize = 20;

/// What is asked with, and what it is asked under.
pub(super) struct Callers {
    /// Keys without a skill.
    pub(super) plain: Vec<String>,
    /// Keys of skills.
    pub(super) skilled: Vec<String>,
    pub(super) configuration: Value,
    pub(super) control_port: u16,
}

/// A control plane whose policy has services.
pub(super) async fn serving() -> anyhow::Result<Stack> {
    let mut stack = Stack::new(Setup::policy(tools::root()?.join("e2e/policies/services.toml"))?)?;
    stack.start_control().await?;
    Ok(stack)
}

pub(super) async fn callers(stack: &Stack, count: usize) -> anyhow::Result<Callers> {
    let control = stack.control()?;
    let (private, mut random) = (new_key()?, [0; 32]);
    let public = private.public();
    control.ok("POST", "/v1/edge-keys", Some(&json!({ "public_key": public.to_string() }))).await?;
    getrandom::fill(&mut random)?;
    let organization = control.ok("GET", "/v1/me", None).await?["organization"].as_str().unwrap_or_default().to_owned();
    let purpose = Purpose { organization: &organization, name: "crm_token" };
    let sealed = STANDARD.encode(purpose.seal(&public, b"a token of some forty characters, as most", random)?);
    let secret = json!({ "name": "crm_token", "team": true, "sealed": { public.name().to_string(): sealed } });
    control.ok("POST", "/v1/secrets", Some(&secret)).await?;
    let mut skills = Vec::with_capacity(SKILLS);
    for number in 0..SKILLS {
        let services = json!([{ "service": "crm", "secrets": ["crm_token"] }]);
        let skill = json!({ "name": format!("skill-{number}"), "team": true, "services": services });
        let made = control.ok("POST", "/v1/skills", Some(&skill)).await?;
        skills.push(made["id"].as_str().context("no `id` in the answer")?.to_owned());
    }
    let mut configuration = stack.plugin_configuration()?;
    configuration["edge_keys"] = json!([private.expose()]);
    Ok(Callers {
        plain: keys(&control, count, &[]).await?,
        skilled: keys(&control, count, &skills).await?,
        configuration,
        control_port: stack.setup.ports.control,
    })
}

async fn keys(control: &Control, count: usize, skills: &[String]) -> anyhow::Result<Vec<String>> {
    let body = |number: usize| {
        let skill = skills.get(number % skills.len().max(1));
        json!({ "name": "bench", "environment": "production", "scopes": ["services:use"], "skill": skill })
    };
    let mut keys = Vec::with_capacity(count);
    while keys.len() < count {
        let batch = (0..BATCH.min(count - keys.len())).map(body).collect();
        keys.extend(control.create_many(batch).await?.into_iter().map(|key| key.text));
    }
    Ok(keys)
}
