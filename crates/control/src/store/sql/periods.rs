//! SQL about periods: which of them have begun, and the meters of those that begin.
//!
//! Invariants: an organisation's meters are made by one rule at a time, and only by who holds its row, which comes after a process' and
//! before meters'; meters are made in the order of their names.

use std::collections::{BTreeMap, BTreeSet};

use portcullis_engine::{OrganizationId, Subject};
use sqlx::{QueryBuilder, Row as _};

use super::columns::{signed, unsigned};
use super::metered::{AT_ONCE, metered, push, subject};
use super::{Connection, Db, LOCK, Row, meters};
use crate::quota::{Desk, MeterKey, Period};
use crate::store::StoreError;

/// Whatever a process has to say of a period, it says in a day.
pub(super) const LATE: u64 = 24 * 60 * 60;

/// Meters that are to be made: the subject's name and the period's start, and of each the period and the organisation.
type Missing = BTreeMap<(String, u64), (Period, OrganizationId)>;

/// Makes the meters that are missing: of periods that run, and of the next ones that are asked for. The rules on the desk are then
/// those by which they were made.
pub(super) async fn begin(
    connection: &mut Connection,
    desk: &mut Desk,
    subjects: &BTreeSet<Subject>,
    asked: &BTreeSet<MeterKey>,
) -> Result<(), StoreError> {
    let missing = find_missing(connection, desk, subjects, asked).await?;
    if missing.is_empty() {
        return Ok(());
    }
    hold(connection, missing.values().map(|it| it.1.to_string()).collect()).await?;
    // Whoever changed a rule or made the same meters was waited for: what was read before them is read once more.
    desk.metered = metered(connection, &subjects.iter().copied().collect::<Vec<_>>()).await?;
    let missing = find_missing(connection, desk, subjects, asked).await?;
    insert(connection, &missing).await
}

async fn find_missing(
    connection: &mut Connection,
    desk: &Desk,
    subjects: &BTreeSet<Subject>,
    asked: &BTreeSet<MeterKey>,
) -> Result<Missing, StoreError> {
    let now = desk.now_ms / 1000;
    let subjects: Vec<_> = subjects.iter().collect();
    let known = periods(connection, &subjects, now.saturating_sub(LATE)).await?;
    let unknown: Vec<_> = subjects.iter().filter(|it| !known.contains_key(**it)).copied().collect();
    let last = last_periods(connection, &unknown).await?;
    let mut missing = BTreeMap::new();
    for (subject, metered) in &desk.metered {
        let lately = known.get(subject).map_or(&[][..], Vec::as_slice);
        let begun = lately.iter().filter(|it| it.start <= now).max().copied();
        let running = Period::at(&metered.rule, begun.or_else(|| last.get(subject).copied()), now);
        let next = Period::at(&metered.rule, Some(running), running.end);
        let is_asked = |it: &Period| asked.contains(&(*subject, it.start)) && desk.is_near(it.start);
        let wanted = [Some(running), Some(next).filter(is_asked)];
        let is_there = |it: &Period| lately.iter().any(|known| known.start == it.start);
        for period in wanted.into_iter().flatten().filter(|it| !is_there(it)) {
            missing.insert((subject.to_string(), period.start), (period, metered.organization));
        }
    }
    Ok(missing)
}

/// Keeps the rules of organisations, and of their keys, as they are until the transaction ends.
async fn hold(connection: &mut Connection, organizations: BTreeSet<String>) -> Result<(), StoreError> {
    for some in organizations.into_iter().collect::<Vec<_>>().chunks(AT_ONCE) {
        let mut query = QueryBuilder::<Db>::new("SELECT id FROM organizations WHERE id IN (");
        let mut list = query.separated(", ");
        for organization in some {
            list.push_bind(organization.clone());
        }
        query.push(") ORDER BY id").push(LOCK);
        query.build().persistent(false).fetch_all(&mut *connection).await?;
    }
    Ok(())
}

/// The period of a subject that runs; `None` if nobody counts.
pub(super) async fn running(
    connection: &mut Connection,
    subject: Subject,
    now: u64,
) -> Result<Option<Period>, StoreError> {
    let found = metered(connection, &[subject]).await?.remove(&subject);
    let last = meters::last(connection, subject, now).await?.map(|it| it.period);
    Ok(found.map(|it| Period::at(&it.rule, last, now)))
}

async fn periods(
    connection: &mut Connection,
    subjects: &[&Subject],
    after: u64,
) -> Result<BTreeMap<Subject, Vec<Period>>, StoreError> {
    let mut found: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for some in subjects.chunks(AT_ONCE) {
        let mut query =
            QueryBuilder::<Db>::new("SELECT subject, period_start, period_end FROM meters WHERE period_end > ");
        query.push_bind(signed(after)).push(" AND subject IN (");
        push(&mut query, some);
        for row in query.build().persistent(false).fetch_all(&mut *connection).await? {
            found.entry(subject(&row)?).or_default().push(bounds(&row)?);
        }
    }
    Ok(found)
}

async fn last_periods(
    connection: &mut Connection,
    subjects: &[&Subject],
) -> Result<BTreeMap<Subject, Period>, StoreError> {
    let mut found = BTreeMap::new();
    for some in subjects.chunks(AT_ONCE) {
        let sql = "SELECT subject, MAX(period_start) AS period_start, MAX(period_end) AS period_end FROM meters \
                   WHERE subject IN (";
        let mut query = QueryBuilder::<Db>::new(sql);
        push(&mut query, some);
        query.push(" GROUP BY subject");
        for row in query.build().persistent(false).fetch_all(&mut *connection).await? {
            found.insert(subject(&row)?, bounds(&row)?);
        }
    }
    Ok(found)
}

async fn insert(connection: &mut Connection, missing: &Missing) -> Result<(), StoreError> {
    for some in missing.iter().collect::<Vec<_>>().chunks(AT_ONCE) {
        let mut query = QueryBuilder::<Db>::new("INSERT INTO meters (subject, period_start, period_end) ");
        query.push_values(some, |mut values, ((subject, start), (period, _))| {
            values.push_bind(subject).push_bind(signed(*start)).push_bind(signed(period.end));
        });
        query.push(" ON CONFLICT (subject, period_start) DO NOTHING");
        query.build().persistent(false).execute(&mut *connection).await?;
    }
    Ok(())
}

pub(super) fn bounds(row: &Row) -> Result<Period, StoreError> {
    Ok(Period {
        start: unsigned("period_start", row.try_get("period_start")?)?,
        end: unsigned("period_end", row.try_get("period_end")?)?,
    })
}
