//! A skill as an edge knows it, for whoever decides here what an edge would.
//!
//! No value is known here. Invariant: what a reference stands for is what edges are told.

use portcullis_engine::{SecretState, ServiceLink, Skill, SkillId, SkillSecret};

use super::resolve::Names;
use crate::error::Error;
use crate::store::{KeyRow, SkillRow, SkillSources, Store};

/// The skill that a key belongs to, if it belongs to one that is there.
pub(crate) async fn of_key(store: &dyn Store, key: &KeyRow) -> Result<Option<Skill>, Error> {
    let Some(id) = key.skill else { return Ok(None) };
    let sources = store.skill_sources(key.organization).await?;
    Ok(known(&sources, id))
}

fn known(sources: &SkillSources, id: SkillId) -> Option<Skill> {
    let row = sources.skills.iter().find(|row| row.id == id)?;
    let resolved = Names::of(sources.secrets.iter().map(|(secret, _)| secret)).resolve(row);
    let state = |found: super::resolve::Resolved| found.id().map_or(SecretState::Missing, SecretState::Sealed);
    let secrets = resolved.iter().map(|(name, found)| SkillSecret { name: (*name).into(), state: state(*found) });
    let secrets: Vec<_> = secrets.collect();
    Some(Skill { id, organization: row.organization, services: links(row, &secrets), secrets })
}

fn links(row: &SkillRow, secrets: &[SkillSecret]) -> Vec<ServiceLink> {
    let place = |name: &String| secrets.iter().position(|secret| *secret.name == **name);
    let link = |link: &portcullis_api::skills::ServiceLink| ServiceLink {
        service: link.service.as_str().into(),
        secrets: link.secrets.iter().filter_map(place).collect(),
    };
    row.services.iter().map(link).collect()
}
