//! Skills and secrets written by hand: which services a key may use, and which secrets there are.
//!
//! No value is read, and nothing is sealed: whoever explains a request sees whether a secret is there, as the control plane does.
//! Invariant: a skill finds the secrets of its own organisation alone.

use std::collections::{BTreeMap, BTreeSet};

use portcullis_bundle::{SecretEntry, SkillEntry};
use portcullis_engine::{OrganizationId, SecretId, SkillId};
use serde::Deserialize;

use super::ten_bytes;

/// A skill.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Skill {
    organization: String,
    services: BTreeMap<String, Vec<String>>,
}

/// A secret. What else is said of it, such as a corpus's values, is passed over.
#[derive(Debug, Deserialize)]
pub(super) struct Secret {
    name: Option<String>,
    organization: String,
}

/// The id of the skill of that name.
pub(super) fn id(name: &str) -> SkillId {
    SkillId::from_bytes(ten_bytes(name))
}

/// The skills as a bundle has them.
pub(super) fn entries(skills: &BTreeMap<String, Skill>, secrets: &BTreeMap<String, Secret>) -> Vec<SkillEntry> {
    skills.iter().map(|(name, skill)| entry(name, skill, secrets)).collect()
}

fn entry(name: &str, skill: &Skill, secrets: &BTreeMap<String, Secret>) -> SkillEntry {
    let names: BTreeSet<&String> = skill.services.values().flatten().collect();
    let is_there = |wanted: &str| {
        let is_it = |(alias, secret): (&String, &Secret)| {
            secret.name.as_ref().unwrap_or(alias) == wanted && secret.organization == skill.organization
        };
        secrets.iter().any(is_it)
    };
    // A box that nothing opens says that there is one.
    let sealed = |name: &str| (SecretId::from_bytes(ten_bytes(name)), vec![([0; 8], vec![0])]);
    let secret = |name: &&String| SecretEntry { name: (*name).clone(), secret: is_there(name).then(|| sealed(name)) };
    let place = |name: &String| names.iter().position(|it| *it == name);
    let link = |(service, of): (&String, &Vec<String>)| (service.clone(), of.iter().filter_map(place).collect());
    SkillEntry {
        id: id(name),
        organization: OrganizationId::from_bytes(ten_bytes(&skill.organization)),
        secrets: names.iter().map(secret).collect(),
        services: skill.services.iter().map(link).collect(),
    }
}
