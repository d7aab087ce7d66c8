//! SQL that carries out what processes of edges say and want.
//!
//! Invariants: a process' row is held first, then organisations whose meters are missing, then meters, both in the order of their
//! names; what is answered is stored.

use std::collections::BTreeSet;

use async_trait::async_trait;
use portcullis_api::edge::{FloorsUpTo, GrantState};
use portcullis_engine::{OrganizationId, Subject};
use sqlx::{AssertSqlSafe, Row as _};

use super::columns::{parsed, signed, unsigned, unsigned_or_null};
use super::metered::{self, subject};
use super::store::{again, version};
use super::{Connection, SqlStore, boots, meters, periods, upkeep};
use crate::quota::{Desk, MeterKey, MeterRow, Metered};
use crate::store::{LeaseCall, LeaseOutcome, Leases, StoreError, TopUpRow};

/// So many leases are put in doubt at once.
const CLOSED_AT_ONCE: usize = 500;

#[async_trait]
impl Leases for SqlStore {
    async fn lease(&self, call: &LeaseCall) -> Result<LeaseOutcome, StoreError> {
        if let Some(outcome) = self.just_there(call).await? {
            return Ok(outcome);
        }
        again(async || self.lease_once(call).await).await
    }

    async fn close_boots(&self, now_ms: u64) -> Result<u64, StoreError> {
        let sql = "SELECT boot FROM boots WHERE NOT closed AND expires_ms <= $1 ORDER BY boot LIMIT 100";
        let gone = sqlx::query(sql).bind(signed(now_ms)).fetch_all(self.finders()).await?;
        for row in &gone {
            let boot: &str = row.try_get("boot")?;
            while again(async || self.close_some(boot, now_ms).await).await? {}
        }
        Ok(gone.len() as u64)
    }

    async fn drain(&self, edge: &str, now_ms: u64, until_ms: u64) -> Result<u64, StoreError> {
        let sql = "UPDATE boots SET drain_until_ms = $1 WHERE edge = $2 AND NOT closed AND expires_ms > $3";
        again(async || {
            let mut transaction = self.begin_write().await?;
            let query = sqlx::query(sql).bind(signed(until_ms)).bind(edge).bind(signed(now_ms));
            let told = query.execute(&mut *transaction).await?.rows_affected();
            transaction.commit().await?;
            Ok(told)
        })
        .await
    }

    async fn outstanding(&self, edge: &str, now_ms: u64) -> Result<(u64, u64), StoreError> {
        let sum = |which: &str| {
            let held = "l.granted - l.spent - l.returned - l.forgiven";
            format!("CAST(COALESCE(SUM(CASE WHEN {which} THEN {held} ELSE 0 END), 0) AS BIGINT)")
        };
        let sql = format!(
            "SELECT {} AS held, {} AS in_doubt \
                   FROM boots b JOIN leases l ON l.boot = b.boot \
                   JOIN meters m ON m.subject = l.subject AND m.period_start = l.period_start \
                   WHERE b.edge = $1 AND (b.closed OR b.drain_until_ms > $2) AND m.period_end > $3 \
                   AND l.granted > l.spent + l.returned + l.forgiven",
            sum("NOT b.closed"),
            sum("b.closed")
        );
        let query = sqlx::query(AssertSqlSafe(sql)).bind(edge).bind(signed(now_ms)).bind(signed(now_ms / 1000));
        let row = query.fetch_one(self.finders()).await?;
        Ok((unsigned("held", row.try_get("held")?)?, unsigned("in_doubt", row.try_get("in_doubt")?)?))
    }

    async fn knows_edge(&self, edge: &str) -> Result<bool, StoreError> {
        let found = sqlx::query("SELECT boot FROM boots WHERE edge = $1 LIMIT 1").bind(edge);
        Ok(found.fetch_optional(self.finders()).await?.is_some())
    }

    async fn meter(&self, subject: Subject, now: u64) -> Result<(Option<Metered>, Option<MeterRow>), StoreError> {
        let mut connection = self.finders().acquire().await?;
        let metered = metered::metered(&mut connection, &[subject]).await?.remove(&subject);
        Ok((metered, meters::last(&mut connection, subject, now).await?))
    }

    async fn held(&self, now_ms: u64) -> Result<(u64, u64), StoreError> {
        let sql = "SELECT CAST(COALESCE(SUM(charged - spent - in_doubt), 0) AS BIGINT) AS held, \
                   CAST(COALESCE(SUM(in_doubt), 0) AS BIGINT) AS in_doubt FROM meters WHERE period_end > $1";
        let row = sqlx::query(sql).bind(signed(now_ms / 1000)).fetch_one(self.finders()).await?;
        let number = |column: &'static str| unsigned_or_null(column, row.try_get(column)?);
        Ok((number("held")?.unwrap_or(0), number("in_doubt")?.unwrap_or(0)))
    }

    async fn top_ups(&self, organization: OrganizationId) -> Result<Vec<TopUpRow>, StoreError> {
        let sql = "SELECT organization, period_start, period_end, tokens, note, created_at FROM top_ups \
                   WHERE organization = $1 ORDER BY id DESC LIMIT 1000";
        let rows = sqlx::query(sql).bind(organization.to_string()).fetch_all(self.finders()).await?;
        let top_up = |row: &super::Row| {
            Ok(TopUpRow {
                organization: parsed(row, "organization")?,
                period: periods::bounds(row)?,
                tokens: unsigned("tokens", row.try_get("tokens")?)?,
                note: row.try_get("note")?,
                created_at: unsigned("created_at", row.try_get("created_at")?)?,
            })
        };
        rows.iter().map(top_up).collect()
    }

    async fn forget_leases(&self, now_ms: u64) -> Result<bool, StoreError> {
        let mut transaction = self.begin_write().await?;
        let more = upkeep::forget(&mut transaction, now_ms).await?;
        transaction.commit().await?;
        Ok(more)
    }
}

impl SqlStore {
    /// Answers a process that has nothing to say and called a moment ago: nothing is written.
    async fn just_there(&self, call: &LeaseCall) -> Result<Option<LeaseOutcome>, StoreError> {
        if !call.meters.is_empty() || call.floors.is_some() {
            return Ok(None);
        }
        let mut connection = self.finders().acquire().await?;
        let boot = boots::find(&mut connection, &call.boot).await?.filter(|it| !it.is_due(call.now_ms));
        let Some(boot) = boot else { return Ok(None) };
        let recall = boots::recalls(&mut connection, &call.boot, call.now_ms).await?;
        Ok(Some(LeaseOutcome { recall, drain: boot.is_draining(call.now_ms), ..LeaseOutcome::default() }))
    }

    async fn lease_once(&self, call: &LeaseCall) -> Result<LeaseOutcome, StoreError> {
        let mut transaction = self.begin_write().await?;
        let boot = boots::enter(&mut transaction, call).await?;
        let mut outcome = LeaseOutcome { drain: boot.is_draining(call.now_ms), ..LeaseOutcome::default() };
        let mut floors = Vec::new();
        if let Some(after) = &call.floors {
            // Before what it is as of: a subject that changes meanwhile is listed once more next time.
            let version = version(&mut transaction).await?;
            let (subjects, more) = metered::floors(&mut transaction, after).await?;
            let last = subjects.last().filter(|_| more).map(ToString::to_string);
            (floors, outcome.floors) = (subjects, Some(FloorsUpTo { version, subject: last }));
        }
        let mut desk = load(&mut transaction, call, &floors).await?;
        desk.draining = outcome.drain;
        serve(&mut desk, call, &floors, &mut outcome);
        desk.notice();
        meters::write(&mut transaction, &desk).await?;
        outcome.recall = boots::recalls(&mut transaction, &call.boot, call.now_ms).await?;
        transaction.commit().await?;
        Ok(outcome)
    }

    /// Puts some of what a process held in doubt; whether there is more.
    async fn close_some(&self, boot: &str, now_ms: u64) -> Result<bool, StoreError> {
        let mut transaction = self.begin_write().await?;
        if !boots::hold_gone(&mut transaction, boot, now_ms).await? {
            return Ok(false);
        }
        let keys = held_by(&mut transaction, boot, now_ms).await?;
        let mut desk = Desk::new(boot, now_ms);
        let subjects: BTreeSet<_> = keys.iter().map(|(subject, _)| *subject).collect();
        desk.metered = metered::metered(&mut transaction, &subjects.iter().copied().collect::<Vec<_>>()).await?;
        meters::load(&mut transaction, &mut desk, &subjects, &BTreeSet::new()).await?;
        meters::load_leases(&mut transaction, &mut desk).await?;
        keys.iter().for_each(|key| desk.close(*key));
        desk.notice();
        meters::write(&mut transaction, &desk).await?;
        let more = keys.len() >= CLOSED_AT_ONCE;
        if !more {
            boots::close(&mut transaction, boot).await?;
        }
        transaction.commit().await?;
        Ok(more)
    }
}

/// The leases of which a process holds something that is not in doubt yet.
async fn held_by(connection: &mut Connection, boot: &str, now_ms: u64) -> Result<Vec<MeterKey>, StoreError> {
    let sql = "SELECT l.subject, l.period_start FROM leases l \
               JOIN meters m ON m.subject = l.subject AND m.period_start = l.period_start \
               WHERE l.boot = $1 AND NOT l.in_doubt AND l.granted > l.spent + l.returned + l.forgiven \
               AND m.period_end > $2 ORDER BY l.subject, l.period_start LIMIT 500";
    let ended = (now_ms / 1000).saturating_sub(periods::LATE);
    let rows = sqlx::query(sql).bind(boot).bind(signed(ended)).fetch_all(connection).await?;
    rows.iter().map(|row| Ok((subject(row)?, unsigned("period_start", row.try_get("period_start")?)?))).collect()
}

async fn load(connection: &mut Connection, call: &LeaseCall, floors: &[Subject]) -> Result<Desk, StoreError> {
    let mut desk = Desk::new(&call.boot, call.now_ms);
    let subjects: BTreeSet<_> = call.meters.iter().map(|(subject, _)| *subject).chain(floors.iter().copied()).collect();
    if subjects.is_empty() {
        return Ok(desk);
    }
    let asked = call.meters.iter().map(|(subject, told)| (*subject, told.period)).collect();
    desk.boots = boots::alive(connection, call.now_ms).await?;
    desk.metered = metered::metered(connection, &subjects.iter().copied().collect::<Vec<_>>()).await?;
    meters::load(connection, &mut desk, &subjects, &asked).await?;
    meters::load_leases(connection, &mut desk).await?;
    Ok(desk)
}

/// First everything is heard, then wishes are granted, then floors.
fn serve(desk: &mut Desk, call: &LeaseCall, floors: &[Subject], outcome: &mut LeaseOutcome) {
    for (subject, told) in &call.meters {
        desk.hear(*subject, told);
    }
    let granted = |desk: &Desk| desk.leases.values().map(|it| it.granted).fold(0, u64::saturating_add);
    let before = granted(desk);
    for (subject, told) in &call.meters {
        let key = (*subject, told.period);
        let knows_less = || desk.leases.get(&key).is_some_and(|it| it.granted > told.granted);
        if !desk.metered.contains_key(subject) {
            outcome.unmetered.push(*subject);
        } else if told.want > 0 {
            outcome.grants.extend(desk.want(*subject, told));
        } else if knows_less() {
            outcome.grants.extend(desk.standing(key, GrantState::Granted));
        }
    }
    for subject in floors {
        outcome.grants.extend(desk.floor(*subject));
    }
    outcome.granted = granted(desk).saturating_sub(before);
}
