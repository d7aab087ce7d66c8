//! `[secrets]` and `[skills]` of `cases.toml`: what they name must exist, and a value must be one that an edge would take.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use portcullis_engine::skill::is_secret_name;
use portcullis_engine::{PolicySpec, SecretValue};

use super::Organization;
use super::raw::{RawSecret, RawSkill};
use crate::key;
use crate::skill::{KnownSecret, KnownSkill};

type Organizations = BTreeMap<String, Organization>;

pub(super) fn known_secret(
    preset: &str,
    organizations: &Organizations,
    alias: &str,
    raw: RawSecret,
) -> Result<KnownSecret> {
    let name = raw.name.unwrap_or_else(|| alias.to_owned());
    ensure!(is_secret_name(name.as_bytes()), "`{name}` is not the name of a secret");
    organizations.get(&raw.organization).with_context(|| format!("no organisation `{}`", raw.organization))?;
    ensure!(SecretValue::new(raw.value.clone().into_bytes()).is_some(), "its value is not 8 to 4096 bytes of one line");
    Ok(KnownSecret {
        id: key::secret_id(&format!("{preset}/{alias}")),
        name,
        organization: raw.organization,
        value: raw.value,
        sealed_elsewhere: raw.sealed_elsewhere,
    })
}

pub(super) fn known_skill(
    spec: &PolicySpec,
    organizations: &Organizations,
    alias: &str,
    raw: RawSkill,
) -> Result<KnownSkill> {
    organizations.get(&raw.organization).with_context(|| format!("no organisation `{}`", raw.organization))?;
    for (service, secrets) in &raw.services {
        ensure!(spec.services.iter().any(|it| it.name == *service), "the policy declares no service `{service}`");
        let odd = secrets.iter().find(|name| !is_secret_name(name.as_bytes()));
        ensure!(odd.is_none(), "`{odd:?}` is not the name of a secret");
    }
    let id = key::skill_id(&format!("{}/{alias}", spec.name));
    Ok(KnownSkill { id, organization: raw.organization, services: raw.services })
}
