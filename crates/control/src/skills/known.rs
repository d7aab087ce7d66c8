//! A skill as an edge knows it, for whoever decides here what an edge would.
//!
//! No value is known here. Invariant: what a reference stands for is what edges are told.

use portcullis_engine::{SecretState, ServiceLink, Skill, SkillSecret};

use super::resolve::Names;
use crate::caller::Scope;
use crate::error::Error;
use crate::store::{KeyRow, SecretRow, SkillRow, Store};

/// The skill that a key belongs to, if it belongs to one that is there.
pub(crate) async fn of_key(store: &dyn Store, key: &KeyRow) -> Result<Option<Skill>, Error> {
    let Some(id) = key.skill else { return Ok(None) };
    let Some(found) = store.skill(Scope::Only(key.organization), id).await? else { return Ok(None) };
    let secrets = store.secrets_of(key.organization).await?;
    Ok(Some(known(&found.row, &secrets)))
}

fn known(row: &SkillRow, secrets: &[SecretRow]) -> Skill {
    let resolved = Names::of(secrets).resolve(row);
    let state = |found: super::resolve::Resolved| found.id().map_or(SecretState::Missing, SecretState::Sealed);
    let secrets = resolved.iter().map(|(name, found)| SkillSecret { name: (*name).into(), state: state(*found) });
    let secrets: Vec<_> = secrets.collect();
    Skill { id: row.id, organization: row.organization, services: links(row, &secrets), secrets }
}

fn links(row: &SkillRow, secrets: &[SkillSecret]) -> Vec<ServiceLink> {
    let place = |name: &String| secrets.iter().position(|secret| *secret.name == **name);
    let link = |link: &portcullis_api::skills::ServiceLink| ServiceLink {
        service: link.service.as_str().into(),
        secrets: link.secrets.iter().filter_map(place).collect(),
    };
    row.services.iter().map(link).collect()
}
