//! SQL about whose tokens are counted: organisations whose plan has a limit, and keys with a quota of their own.
//!
//! Invariant: of keys that were rotated into each other the newest that has a quota says how much it is.

use std::collections::BTreeMap;

use portcullis_api::edge::FloorsAfter;
use portcullis_engine::Subject;
use sqlx::{QueryBuilder, Row as _};

use super::columns::{parsed, signed, unsigned};
use super::plans::{lost_leases, period};
use super::{Connection, Db, Row};
use crate::quota::{Metered, Rule, zone};
use crate::store::StoreError;

/// So many values are looked for at once.
pub(super) const AT_ONCE: usize = 500;
/// So many floors are listed at once.
const FLOORS_AT_ONCE: usize = 2000;

const ORGANIZATIONS: &str = "SELECT o.id AS subject, o.id AS organization, o.created_at AS since, o.time_zone, \
                             p.token_limit, p.period, p.lost_leases FROM organizations o JOIN plans p ON p.name = o.plan \
                             WHERE p.token_limit IS NOT NULL AND o.id IN (";
const KEYS: &str = "SELECT m.id AS subject, m.organization, m.created_at AS since, o.time_zone, \
                    k.quota_limit AS token_limit, k.quota_period AS period, \
                    COALESCE(p.lost_leases, 'spent') AS lost_leases FROM keys k \
                    JOIN keys m ON m.id = COALESCE(k.meter, k.id) JOIN organizations o ON o.id = m.organization \
                    LEFT JOIN plans p ON p.name = o.plan WHERE k.quota_limit IS NOT NULL AND (k.id IN (";

/// Those of some subjects whose tokens are counted.
pub(super) async fn metered(
    connection: &mut Connection,
    subjects: &[Subject],
) -> Result<BTreeMap<Subject, Metered>, StoreError> {
    let mut found = BTreeMap::new();
    for some in subjects.chunks(AT_ONCE) {
        let is_key = |it: &&Subject| matches!(it, Subject::Key(_));
        let (keys, organizations): (Vec<&Subject>, Vec<_>) = some.iter().partition(is_key);
        if !organizations.is_empty() {
            let mut query = QueryBuilder::<Db>::new(ORGANIZATIONS);
            push(&mut query, &organizations);
            read(&mut *connection, query, &mut found).await?;
        }
        if !keys.is_empty() {
            let mut query = QueryBuilder::<Db>::new(KEYS);
            push(&mut query, &keys);
            query.push(" OR k.meter IN (");
            push(&mut query, &keys);
            query.push(") ORDER BY k.created_in, k.id");
            read(&mut *connection, query, &mut found).await?;
        }
    }
    Ok(found)
}

pub(super) fn push(query: &mut QueryBuilder<Db>, subjects: &[&Subject]) {
    let mut list = query.separated(", ");
    for subject in subjects {
        list.push_bind(subject.to_string());
    }
    query.push(")");
}

async fn read(
    connection: &mut Connection,
    mut query: QueryBuilder<Db>,
    found: &mut BTreeMap<Subject, Metered>,
) -> Result<(), StoreError> {
    for row in query.build().persistent(false).fetch_all(connection).await? {
        found.insert(subject(&row)?, one(&row)?);
    }
    Ok(())
}

fn one(row: &Row) -> Result<Metered, StoreError> {
    let name: &str = row.try_get("time_zone")?;
    let zone = zone(name).map_err(|_| StoreError::Unreadable { column: "time_zone" })?;
    Ok(Metered {
        organization: parsed(row, "organization")?,
        limit: unsigned("token_limit", row.try_get("token_limit")?)?,
        rule: Rule { period: period(row, "period")?, since: unsigned("since", row.try_get("since")?)?, zone },
        lost: lost_leases(row)?,
    })
}

pub(super) fn subject(row: &Row) -> Result<Subject, StoreError> {
    let text: &str = row.try_get("subject")?;
    Subject::parse(text).ok_or(StoreError::Unreadable { column: "subject" })
}

/// The next part of the subjects that changed since, and whether another follows.
pub(super) async fn floors(
    connection: &mut Connection,
    after: &FloorsAfter,
) -> Result<(Vec<Subject>, bool), StoreError> {
    let sql = "SELECT o.id AS subject FROM organizations o JOIN plans p ON p.name = o.plan \
               WHERE p.token_limit IS NOT NULL AND o.changed_in > $1 AND o.id > $2 \
               UNION SELECT COALESCE(k.meter, k.id) AS subject FROM keys k WHERE k.quota_limit IS NOT NULL \
               AND k.revoked_at IS NULL AND k.changed_in > $1 AND COALESCE(k.meter, k.id) > $2 \
               ORDER BY subject LIMIT 2001";
    let query = sqlx::query(sql).bind(signed(after.version)).bind(after.subject.as_deref().unwrap_or_default());
    let rows = query.fetch_all(connection).await?;
    let subjects = rows.iter().take(FLOORS_AT_ONCE).map(subject).collect::<Result<_, _>>()?;
    Ok((subjects, rows.len() > FLOORS_AT_ONCE))
}
