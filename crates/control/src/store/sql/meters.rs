//! SQL about meters, leases of one process, and what was reached.
//!
//! Invariants: rows are made and locked in the order of their names, so that calls wait for each other and never both; only rows that
//! changed are written.

use std::collections::BTreeSet;

use portcullis_engine::Subject;
use sqlx::{AssertSqlSafe, QueryBuilder, Row as _};

use super::columns::{parsed, signed, unsigned};
use super::metered::{AT_ONCE, push, subject};
use super::periods::{self, LATE, bounds};
use super::{Connection, Db, LOCK, Row};
use crate::quota::{Desk, Lease, MeterKey, MeterRow, QuotaEvent, Sums};
use crate::store::{StoreError, TopUpRow};

const COLUMNS: &str = "subject, period_start, period_end, topped_up, charged, spent, in_doubt, told_limit, told_percent, \
                       wanted_by, wanted_until_ms";

/// Puts the meters of everybody on a desk, locked: those that run, those that ended lately, and the next ones that are asked for.
pub(super) async fn load(
    connection: &mut Connection,
    desk: &mut Desk,
    subjects: &BTreeSet<Subject>,
    asked: &BTreeSet<MeterKey>,
) -> Result<(), StoreError> {
    periods::begin(connection, desk, subjects, asked).await?;
    let (now, subjects) = (desk.now_ms / 1000, subjects.iter().collect::<Vec<_>>());
    for some in subjects.chunks(AT_ONCE) {
        let sql = format!("SELECT {COLUMNS} FROM meters WHERE period_end > ");
        let mut query = QueryBuilder::<Db>::new(sql);
        query.push_bind(signed(now.saturating_sub(LATE))).push(" AND subject IN (");
        push(&mut query, some);
        query.push(" ORDER BY subject, period_start").push(LOCK);
        for row in query.build().persistent(false).fetch_all(&mut *connection).await? {
            let meter = meter(&row)?;
            desk.meters.insert((meter.subject, meter.period.start), meter);
        }
    }
    Ok(())
}

/// The last meter of a subject that has begun.
pub(super) async fn last(
    connection: &mut Connection,
    subject: Subject,
    now: u64,
) -> Result<Option<MeterRow>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM meters WHERE subject = $1 AND period_start <= $2 ORDER BY period_start DESC LIMIT 1"
    );
    let query = sqlx::query(AssertSqlSafe(sql)).bind(subject.to_string()).bind(signed(now));
    query.fetch_optional(connection).await?.as_ref().map(meter).transpose()
}

/// Puts the leases that a process has of the meters on a desk beside them.
pub(super) async fn load_leases(connection: &mut Connection, desk: &mut Desk) -> Result<(), StoreError> {
    let subjects: BTreeSet<_> = desk.meters.keys().map(|(subject, _)| *subject).collect();
    for some in subjects.iter().collect::<Vec<_>>().chunks(AT_ONCE) {
        let sql = "SELECT subject, period_start, granted, spent, returned, forgiven, revision, in_doubt FROM leases WHERE boot = ";
        let mut query = QueryBuilder::<Db>::new(sql);
        query.push_bind(desk.boot.clone()).push(" AND subject IN (");
        push(&mut query, some);
        for row in query.build().persistent(false).fetch_all(&mut *connection).await? {
            let key = (subject(&row)?, unsigned("period_start", row.try_get("period_start")?)?);
            if desk.meters.contains_key(&key) {
                desk.leases.insert(key, lease(&row)?);
            }
        }
    }
    Ok(())
}

/// Writes what changed on a desk.
pub(super) async fn write(connection: &mut Connection, desk: &Desk) -> Result<(), StoreError> {
    let meters: Vec<_> = desk.changed_meters.iter().filter_map(|key| desk.meters.get(key)).collect();
    for some in meters.chunks(AT_ONCE) {
        write_meters(connection, some).await?;
    }
    let lease = |key: &MeterKey| desk.leases.get(key).map(|lease| (*key, *lease));
    let leases: Vec<_> = desk.changed_leases.iter().filter_map(lease).collect();
    for some in leases.chunks(AT_ONCE) {
        write_leases(connection, &desk.boot, some).await?;
    }
    for event in &desk.events {
        write_event(connection, event, desk.now_ms).await?;
    }
    Ok(())
}

async fn write_meters(connection: &mut Connection, rows: &[&MeterRow]) -> Result<(), StoreError> {
    let mut query = QueryBuilder::<Db>::new(format!("INSERT INTO meters ({COLUMNS}) "));
    query.push_values(rows, |mut values, row| {
        values.push_bind(row.subject.to_string());
        let MeterRow { period, sums, .. } = row;
        for number in [period.start, period.end, row.topped_up, sums.charged, sums.spent, sums.in_doubt] {
            values.push_bind(signed(number));
        }
        values.push_bind(signed(row.told_limit)).push_bind(signed(row.told_percent));
        values.push_bind(row.wanted_by.clone()).push_bind(signed(row.wanted_until_ms));
    });
    query.push(
        " ON CONFLICT (subject, period_start) DO UPDATE SET charged = excluded.charged, spent = excluded.spent, \
         in_doubt = excluded.in_doubt, told_limit = excluded.told_limit, told_percent = excluded.told_percent, \
         wanted_by = excluded.wanted_by, wanted_until_ms = excluded.wanted_until_ms",
    );
    query.build().persistent(false).execute(connection).await?;
    Ok(())
}

async fn write_leases(connection: &mut Connection, boot: &str, rows: &[(MeterKey, Lease)]) -> Result<(), StoreError> {
    let sql =
        "INSERT INTO leases (boot, subject, period_start, granted, spent, returned, forgiven, revision, in_doubt) ";
    let mut query = QueryBuilder::<Db>::new(sql);
    query.push_values(rows, |mut values, ((subject, start), lease)| {
        values.push_bind(boot.to_owned()).push_bind(subject.to_string());
        for number in [*start, lease.granted, lease.spent, lease.returned, lease.forgiven, lease.revision] {
            values.push_bind(signed(number));
        }
        values.push_bind(lease.in_doubt);
    });
    query.push(
        " ON CONFLICT (boot, subject, period_start) DO UPDATE SET granted = excluded.granted, spent = excluded.spent, \
         returned = excluded.returned, forgiven = excluded.forgiven, revision = excluded.revision, in_doubt = excluded.in_doubt",
    );
    query.build().persistent(false).execute(connection).await?;
    Ok(())
}

async fn write_event(connection: &mut Connection, event: &QuotaEvent, at_ms: u64) -> Result<(), StoreError> {
    let sql = "INSERT INTO quota_events (subject, organization, period_start, period_end, percent, quota_limit, used, \
               at_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) \
               ON CONFLICT (subject, period_start, percent, quota_limit) DO NOTHING";
    sqlx::query(sql)
        .bind(event.subject.to_string())
        .bind(event.organization.to_string())
        .bind(signed(event.period.start))
        .bind(signed(event.period.end))
        .bind(signed(event.percent))
        .bind(signed(event.limit))
        .bind(signed(event.used))
        .bind(signed(at_ms))
        .execute(connection)
        .await?;
    Ok(())
}

fn meter(row: &Row) -> Result<MeterRow, StoreError> {
    let number = |column: &'static str| unsigned(column, row.try_get(column)?);
    Ok(MeterRow {
        subject: subject(row)?,
        period: bounds(row)?,
        topped_up: number("topped_up")?,
        sums: Sums { charged: number("charged")?, spent: number("spent")?, in_doubt: number("in_doubt")? },
        told_limit: number("told_limit")?,
        told_percent: number("told_percent")?,
        wanted_by: parsed(row, "wanted_by")?,
        wanted_until_ms: number("wanted_until_ms")?,
    })
}

fn lease(row: &Row) -> Result<Lease, StoreError> {
    let number = |column: &'static str| unsigned(column, row.try_get(column)?);
    Ok(Lease {
        granted: number("granted")?,
        spent: number("spent")?,
        returned: number("returned")?,
        forgiven: number("forgiven")?,
        revision: number("revision")?,
        in_doubt: row.try_get("in_doubt")?,
    })
}

/// Adds to the limit of the period that runs; refused if that is another by now. Edges that were told that nothing is left have to
/// know. The organisation's row comes first, so that neither its rule nor its periods change meanwhile.
pub(super) async fn top_up(connection: &mut Connection, row: &TopUpRow, version: u64) -> Result<(), StoreError> {
    let organization = row.organization.to_string();
    let sql = "UPDATE organizations SET changed_in = $1 WHERE id = $2";
    sqlx::query(sql).bind(signed(version)).bind(&organization).execute(&mut *connection).await?;
    let running = periods::running(connection, Subject::Organization(row.organization), row.created_at).await?;
    if running != Some(row.period) {
        return Err(StoreError::Conflict);
    }
    let sql = "INSERT INTO top_ups (organization, period_start, period_end, tokens, note, created_at) \
               VALUES ($1, $2, $3, $4, $5, $6)";
    sqlx::query(sql)
        .bind(&organization)
        .bind(signed(row.period.start))
        .bind(signed(row.period.end))
        .bind(signed(row.tokens))
        .bind(&row.note)
        .bind(signed(row.created_at))
        .execute(&mut *connection)
        .await?;
    let sql = "INSERT INTO meters (subject, period_start, period_end, topped_up) VALUES ($1, $2, $3, $4) \
               ON CONFLICT (subject, period_start) DO UPDATE SET topped_up = meters.topped_up + excluded.topped_up";
    let query = sqlx::query(sql).bind(&organization).bind(signed(row.period.start)).bind(signed(row.period.end));
    query.bind(signed(row.tokens)).execute(connection).await?;
    Ok(())
}
