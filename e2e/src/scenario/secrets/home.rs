//! An organisation with a skill that uses four services, keys for it, and another organisation.

use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use portcullis_seal::{PublicKey, Purpose};
use serde_json::{Value, json};

use crate::control::{Control, Key};
use crate::stack::Stack;

/// The secrets and the values that they have at first.
pub(super) const VALUES: [(&str, &str); 4] = [
    ("weather_api_key", "weather key/1+?&=%"),
    ("crm_token", "crm-token-1.abcdef"),
    ("billing_password", "billing-password-1"),
    ("tool_key", "tool-key-1-{{secret:crm_token}}"),
];

/// What the checks are made with.
#[derive(Debug)]
pub(super) struct Home {
    pub(super) control: Control,
    /// The ids of the secrets of [`VALUES`].
    pub(super) secrets: Vec<String>,
    pub(super) skill: String,
    /// A key of the skill.
    pub(super) key: Key,
    /// A key without a skill.
    pub(super) without: Key,
    /// A key of a skill that may use the weather service alone, and without its secret.
    pub(super) unlinked: Key,
    /// Another organisation's key, of a skill of its own with the same words.
    pub(super) foreign: Key,
    /// The other organisation.
    pub(super) other: String,
}

impl Home {
    pub(super) async fn furnish(stack: &Stack, control: &Control) -> anyhow::Result<Self> {
        let public_key = stack.services()?.public_key()?;
        control.ok("POST", "/v1/edge-keys", Some(&json!({ "public_key": public_key }))).await?;
        let service = stack.service()?;
        let mut secrets = Vec::new();
        for (name, value) in VALUES {
            service.accept(&credential(name, value), &format!("{name} 1"));
            let made = control.ok("POST", "/v1/secrets", Some(&sealed_secret(control, name, value).await?)).await?;
            secrets.push(text(&made, "id")?);
        }
        let services = json!([
            { "service": "weather", "secrets": ["weather_api_key"] },
            { "service": "crm", "secrets": ["crm_token"] },
            { "service": "billing", "secrets": ["billing_password"] },
            { "service": "tools", "secrets": ["tool_key"] },
        ]);
        let skill = skill(control, "assistant", &services, None).await?;
        let bare = skill_of(control, "bare", &json!([{ "service": "weather", "secrets": [] }])).await?;
        let other = control.organization("Another", None).await?;
        let theirs = skill_in(control, "assistant", &services, &other).await?;
        let home = Self {
            control: control.clone(),
            secrets,
            key: key(control, Some(&skill), None).await?,
            without: key(control, None, None).await?,
            unlinked: key(control, Some(&bare), None).await?,
            foreign: key(control, Some(&theirs), Some(&other)).await?,
            skill,
            other,
        };
        stack.settle(control).await?;
        stack.wait_known(&[&home.key, &home.without, &home.unlinked, &home.foreign]).await?;
        Ok(home)
    }

    /// The id of one of the secrets.
    pub(super) fn secret(&self, name: &str) -> anyhow::Result<&str> {
        let place = VALUES.iter().position(|(it, _)| *it == name).context("no such secret")?;
        self.secrets.get(place).map(String::as_str).context("no such secret")
    }
}

/// What the service gets for a value.
pub(in crate::scenario) fn credential(name: &str, value: &str) -> String {
    if name == "billing_password" { format!("portcullis:{value}") } else { value.to_owned() }
}

async fn skill_of(control: &Control, name: &str, services: &Value) -> anyhow::Result<String> {
    skill(control, name, services, None).await
}

async fn skill_in(control: &Control, name: &str, services: &Value, organization: &str) -> anyhow::Result<String> {
    skill(control, name, services, Some(organization)).await
}

async fn skill(control: &Control, name: &str, services: &Value, organization: Option<&str>) -> anyhow::Result<String> {
    let body = json!({ "name": name, "team": true, "services": services, "organization": organization });
    text(&control.ok("POST", "/v1/skills", Some(&body)).await?, "id")
}

/// A key that may use services.
pub(in crate::scenario) async fn key(
    control: &Control,
    skill: Option<&str>,
    organization: Option<&str>,
) -> anyhow::Result<Key> {
    let body = json!({
        "name": "caller", "environment": "production", "scopes": ["services:use"], "skill": skill, "organization": organization,
    });
    control.create(&body).await
}

/// A team secret whose value is sealed by the control plane.
pub(in crate::scenario) fn plain(name: &str, value: &str) -> Value {
    json!({ "name": name, "team": true, "value": value })
}

/// A team secret whose value is sealed here.
pub(in crate::scenario) async fn sealed_secret(control: &Control, name: &str, value: &str) -> anyhow::Result<Value> {
    Ok(json!({ "name": name, "team": true, "sealed": sealed(control, name, value).await? }))
}

/// The value of a secret of that name in the default organisation, sealed to each of the edges' keys.
pub(super) async fn sealed(control: &Control, name: &str, value: &str) -> anyhow::Result<Value> {
    let organization = organization(control).await?;
    let purpose = Purpose { organization: &organization, name };
    let keys = control.ok("GET", "/v1/edge-keys", None).await?;
    let mut boxes = serde_json::Map::new();
    for key in keys["data"].as_array().context("no keys")? {
        let public: PublicKey = text(key, "public_key")?.parse()?;
        let mut random = [0; 32];
        getrandom::fill(&mut random)?;
        boxes.insert(text(key, "id")?, STANDARD.encode(purpose.seal(&public, value.as_bytes(), random)?).into());
    }
    Ok(boxes.into())
}

/// The default organisation's id.
pub(super) async fn organization(control: &Control) -> anyhow::Result<String> {
    text(&control.ok("GET", "/v1/me", None).await?, "organization")
}

pub(in crate::scenario) fn text(answer: &Value, name: &str) -> anyhow::Result<String> {
    answer[name].as_str().map(str::to_owned).with_context(|| format!("no `{name}` in {answer}"))
}
