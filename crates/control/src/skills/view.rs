//! A skill as whoever sees it may see it, with what its references stand for now.

use std::collections::{BTreeMap, BTreeSet};

use portcullis_api::Skill;
use portcullis_api::skills::{Found as Place, PublishedSkill, SecretReference, ServiceLink, SkillService};
use portcullis_engine::OrganizationId;

use super::resolve::{Names, Resolved};
use crate::app::App;
use crate::clock::to_rfc3339;
use crate::error::Error;
use crate::store::{PublishedRow, SecretRow, ShownSkill, SkillRow};

/// What these organisations' skills can refer to, as of now.
pub(super) async fn secrets(app: &App, of: impl IntoIterator<Item = OrganizationId>) -> Result<Vec<SecretRow>, Error> {
    let mut secrets = Vec::new();
    for organization in of.into_iter().collect::<BTreeSet<_>>() {
        secrets.extend(app.store.secrets_of(organization).await?);
    }
    Ok(secrets)
}

pub(super) fn skill(shown: ShownSkill, names: &Names<'_>) -> Skill {
    let ShownSkill { row, owner_email, key_count, available } = shown;
    Skill {
        services: services(&row, names),
        id: row.id.to_string(),
        name: row.name,
        description: row.description,
        organization: row.organization.to_string(),
        owner: row.owner.map(|id| owner_email.unwrap_or_else(|| id.to_string())),
        version: row.version,
        published_version: row.published,
        installed_from: row.installed_from.map(|id| id.to_string()),
        available_version: available.filter(|it| *it != row.version),
        key_count,
        created_by: row.created_by,
        created_at: to_rfc3339(row.created_at),
    }
}

fn services(skill: &SkillRow, names: &Names<'_>) -> Vec<SkillService> {
    let references: BTreeMap<_, _> = names.resolve(skill).into_iter().collect();
    let reference = |name: &String| reference(name, references.get(name.as_str()).copied());
    let service = |link: &ServiceLink| {
        let secrets = link.secrets.iter().map(reference).collect();
        SkillService { service: link.service.clone(), secrets }
    };
    skill.services.iter().map(service).collect()
}

fn reference(name: &str, resolved: Option<Resolved>) -> SecretReference {
    let resolved = resolved.unwrap_or(Resolved::Missing);
    let found = match resolved {
        Resolved::Personal(_) => Place::Personal,
        Resolved::Team(_) => Place::Team,
        Resolved::Missing => Place::Missing,
    };
    SecretReference { name: name.to_owned(), found, secret: resolved.id().map(|id| id.to_string()) }
}

/// A published one: nothing of it is its publisher's but the name.
pub(super) fn published(it: PublishedRow) -> PublishedSkill {
    let PublishedRow { row, publisher } = it;
    PublishedSkill {
        id: row.id.to_string(),
        name: row.name,
        description: row.description,
        publisher,
        version: row.published.unwrap_or(row.version),
        services: row.services,
    }
}
