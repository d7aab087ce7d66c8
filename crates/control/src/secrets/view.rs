//! A secret as whoever sees it may see it: all but its value, which nothing here could show.

use portcullis_api::SecretRecord;
use portcullis_api::secrets::SkillUse;

use crate::caller::Caller;
use crate::clock::to_rfc3339;
use crate::owned;
use crate::store::{ShownSecret, UsedBy};

pub(super) fn secret(by: &Caller, shown: ShownSecret) -> SecretRecord {
    let ShownSecret { row, owner_email, unsealed, skills } = shown;
    SecretRecord {
        id: row.id.to_string(),
        name: row.name,
        description: row.description,
        organization: row.organization.to_string(),
        owner: row.owner.map(|id| owner_email.unwrap_or_else(|| id.to_string())),
        revision: row.revision,
        created_by: row.created_by,
        created_at: to_rfc3339(row.created_at),
        replaced_by: row.replaced_by,
        replaced_at: to_rfc3339(row.replaced_at),
        last_used_at: row.last_used.map(to_rfc3339),
        unsealed: unsealed.iter().map(ToString::to_string).collect(),
        skills: skills.iter().filter(|it| owned::is_seen(by, it.owner)).map(used_by).collect(),
        skill_count: u64::try_from(skills.len()).unwrap_or(u64::MAX),
    }
}

fn used_by(skill: &UsedBy) -> SkillUse {
    SkillUse { id: skill.id.to_string(), name: skill.name.clone() }
}
