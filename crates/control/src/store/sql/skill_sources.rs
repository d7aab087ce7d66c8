//! SQL that reads what skills are published from, for one organisation or for those with news.
//!
//! Invariants: whatever changes about skills or secrets, also by going, makes news of their organisation; an organisation of which
//! something cannot be read is published without skills, and keeps no other from being published.

use std::collections::BTreeMap;

use portcullis_engine::{OrganizationId, SecretId};
use sqlx::{AssertSqlSafe, Row as _};

use super::columns::{parsed, signed};
use super::{Connection, Row, secrets, skills};
use crate::store::{Boxes, SkillSources, StoreError};

/// Both ends of what changed are named, as for keys.
const NEWS: &str =
    "SELECT organization FROM skill_news WHERE changed_in > $1 AND changed_in <= (SELECT version FROM bundle)";

/// The statement whose plan matters, and what has to be in the plan.
#[cfg(test)]
pub(super) fn planned() -> [(String, &'static str); 1] {
    [(NEWS.to_owned(), "skill_news_changed_in")]
}

/// Whose rows are read.
#[derive(Clone, Copy)]
pub(super) enum Of {
    /// One organisation's.
    Organization(OrganizationId),
    /// Those of which something changed after a version.
    NewsAfter(u64),
}

/// From this version on something is different in an organisation.
pub(super) async fn tell(
    connection: &mut Connection,
    organization: OrganizationId,
    version: u64,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO skill_news (organization, changed_in) VALUES ($1, $2) \
               ON CONFLICT (organization) DO UPDATE SET changed_in = excluded.changed_in";
    sqlx::query(sql).bind(organization.to_string()).bind(signed(version)).execute(connection).await?;
    Ok(())
}

/// The same in each that has secrets.
pub(super) async fn tell_everyone(connection: &mut Connection, version: u64) -> Result<(), StoreError> {
    let sql = "INSERT INTO skill_news (organization, changed_in) SELECT DISTINCT organization, $1 FROM secrets WHERE TRUE \
               ON CONFLICT (organization) DO UPDATE SET changed_in = excluded.changed_in";
    sqlx::query(sql).bind(signed(version)).execute(connection).await?;
    Ok(())
}

/// What the skills of organisations with news stand on. Whoever starts with nothing needs to know of none without skills.
pub(super) async fn changed_after(
    snapshot: &mut Connection,
    version: u64,
) -> Result<Vec<(OrganizationId, SkillSources)>, StoreError> {
    let mut all = BTreeMap::new();
    for row in &sqlx::query(NEWS).bind(signed(version)).fetch_all(&mut *snapshot).await? {
        all.insert(parsed(row, "organization")?, Ok(SkillSources::default()));
    }
    if !all.is_empty() {
        Of::NewsAfter(version).read(snapshot, &mut all).await?;
    }
    let readable = |(organization, sources): (OrganizationId, Result<SkillSources, StoreError>)| {
        let told = |error: &StoreError| tracing::error!(%organization, %error, "published without skills");
        (organization, sources.inspect_err(told).unwrap_or_default())
    };
    let all = all.into_iter().map(readable);
    Ok(all.filter(|(_, sources)| version > 0 || !sources.skills.is_empty()).collect())
}

impl Of {
    /// Skills, oldest first, each with the services of the version in force.
    pub(super) async fn skills(self, connection: &mut Connection) -> Result<Vec<Row>, StoreError> {
        let sql =
            "SELECT s.*, v.services FROM skills s JOIN skill_versions v ON v.skill_id = s.id AND v.version = s.version";
        self.rows(connection, sql, "s.created_at, s.id").await
    }

    /// Secrets, oldest first.
    pub(super) async fn secrets(self, connection: &mut Connection) -> Result<Vec<Row>, StoreError> {
        self.rows(connection, "SELECT s.* FROM secrets s", "s.created_at, s.id").await
    }

    async fn boxes(self, connection: &mut Connection) -> Result<Vec<Row>, StoreError> {
        let sql = "SELECT s.organization, b.secret_id, b.edge_key, b.sealed \
                   FROM secret_boxes b JOIN secrets s ON s.id = b.secret_id";
        self.rows(connection, sql, "b.edge_key").await
    }

    async fn rows(self, connection: &mut Connection, sql: &str, order: &str) -> Result<Vec<Row>, StoreError> {
        let which = match self {
            Self::Organization(_) => "= $1".to_owned(),
            Self::NewsAfter(_) => format!("IN ({NEWS})"),
        };
        let query = sqlx::query(AssertSqlSafe(format!("{sql} WHERE s.organization {which} ORDER BY {order}")));
        let query = match self {
            Self::Organization(id) => query.bind(id.to_string()),
            Self::NewsAfter(version) => query.bind(signed(version)),
        };
        Ok(query.fetch_all(connection).await?)
    }

    /// Adds what there is to organisations that are named already.
    pub(super) async fn read(
        self,
        connection: &mut Connection,
        all: &mut BTreeMap<OrganizationId, Result<SkillSources, StoreError>>,
    ) -> Result<(), StoreError> {
        for row in &self.skills(connection).await? {
            add(all, row, |sources| {
                sources.skills.push(skills::skill(row)?);
                Ok(())
            });
        }
        let mut boxes: BTreeMap<SecretId, Boxes> = BTreeMap::new();
        for row in &self.boxes(connection).await? {
            add(all, row, |_| {
                let sealed = (parsed(row, "edge_key")?, row.try_get("sealed")?);
                boxes.entry(parsed(row, "secret_id")?).or_default().0.push(sealed);
                Ok(())
            });
        }
        for row in &self.secrets(connection).await? {
            add(all, row, |sources| {
                let secret = secrets::secret(row)?;
                let boxes = boxes.remove(&secret.id).unwrap_or_default();
                sources.secrets.push((secret, boxes));
                Ok(())
            });
        }
        Ok(())
    }
}

/// Adds a row to its organisation, unless something of that could not be read.
fn add(
    all: &mut BTreeMap<OrganizationId, Result<SkillSources, StoreError>>,
    row: &Row,
    add: impl FnOnce(&mut SkillSources) -> Result<(), StoreError>,
) {
    let Some(place) = parsed(row, "organization").ok().and_then(|id: OrganizationId| all.get_mut(&id)) else { return };
    if let Ok(sources) = place
        && let Err(error) = add(sources)
    {
        *place = Err(error);
    }
}
