//! SQL about processes of edges: which are alive, which are to stop, which hold what others wait for.

use sqlx::Row as _;

use super::columns::{signed, unsigned};
use super::{Connection, LOCK};
use crate::store::{LeaseCall, StoreError};

/// After that a process counts as gone: by then it has stopped spending, also if its clock is a little slow.
const GONE_AFTER_MS: u64 = 70_000;
/// A call is written down only if the one before is older, so that a process that just says it is there costs no write.
const WRITTEN_EVERY_MS: u64 = 5_000;

/// A process as stored.
#[derive(Clone, Copy, Debug)]
pub(super) struct Boot {
    closed: bool,
    expires_ms: u64,
    drain_until_ms: u64,
}

impl Boot {
    /// Whether a call has to be written down.
    pub(super) fn is_due(&self, now_ms: u64) -> bool {
        self.closed || self.expires_ms < now_ms.saturating_add(GONE_AFTER_MS - WRITTEN_EVERY_MS)
    }

    /// Whether it is to stop.
    pub(super) fn is_draining(&self, now_ms: u64) -> bool {
        now_ms < self.drain_until_ms
    }
}

/// One process, if it called before.
pub(super) async fn find(connection: &mut Connection, boot: &str) -> Result<Option<Boot>, StoreError> {
    read(connection, boot, "").await
}

async fn read(connection: &mut Connection, boot: &str, lock: &str) -> Result<Option<Boot>, StoreError> {
    let sql = format!("SELECT closed, expires_ms, drain_until_ms FROM boots WHERE boot = $1{lock}");
    let row = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(boot).fetch_optional(connection).await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(Boot {
        closed: row.try_get("closed")?,
        expires_ms: unsigned("expires_ms", row.try_get("expires_ms")?)?,
        drain_until_ms: unsigned("drain_until_ms", row.try_get("drain_until_ms")?)?,
    }))
}

/// Writes down that a process called, and holds its row until the transaction ends.
pub(super) async fn enter(connection: &mut Connection, call: &LeaseCall) -> Result<Boot, StoreError> {
    let expires_ms = call.now_ms.saturating_add(GONE_AFTER_MS);
    let sql = "INSERT INTO boots (boot, edge, expires_ms, closed, drain_until_ms) VALUES ($1, $2, $3, FALSE, 0) \
               ON CONFLICT (boot) DO UPDATE SET edge = excluded.edge, closed = FALSE, \
               expires_ms = CASE WHEN excluded.expires_ms > boots.expires_ms \
                   THEN excluded.expires_ms ELSE boots.expires_ms END \
               RETURNING expires_ms, drain_until_ms";
    let query = sqlx::query(sql).bind(&call.boot).bind(&call.edge).bind(signed(expires_ms));
    let row = query.fetch_one(connection).await?;
    Ok(Boot {
        closed: false,
        expires_ms: unsigned("expires_ms", row.try_get("expires_ms")?)?,
        drain_until_ms: unsigned("drain_until_ms", row.try_get("drain_until_ms")?)?,
    })
}

/// Holds the row of a process that did not call in time; whether it still did not.
pub(super) async fn hold_gone(connection: &mut Connection, boot: &str, now_ms: u64) -> Result<bool, StoreError> {
    let found = read(connection, boot, LOCK).await?;
    Ok(found.is_some_and(|it| !it.closed && it.expires_ms <= now_ms))
}

/// It holds nothing any more that is not in doubt.
pub(super) async fn close(connection: &mut Connection, boot: &str) -> Result<(), StoreError> {
    sqlx::query("UPDATE boots SET closed = TRUE WHERE boot = $1").bind(boot).execute(connection).await?;
    Ok(())
}

/// How many are alive.
pub(super) async fn alive(connection: &mut Connection, now_ms: u64) -> Result<u64, StoreError> {
    let sql = "SELECT COUNT(*) AS boots FROM boots WHERE NOT closed AND expires_ms > $1";
    let row = sqlx::query(sql).bind(signed(now_ms)).fetch_one(connection).await?;
    unsigned("boots", row.try_get("boots")?)
}

/// Of whom a process is to give everything back: others wait for it, or it was thought to be gone.
pub(super) async fn recalls(connection: &mut Connection, boot: &str, now_ms: u64) -> Result<Vec<String>, StoreError> {
    // Crossed, and both ends named, so that either database starts with the few meters that somebody waits for, and not with
    // all that a process holds. Nobody waits for a minute.
    let sql = "SELECT l.subject FROM meters m CROSS JOIN leases l \
               WHERE l.subject = m.subject AND l.period_start = m.period_start AND m.wanted_until_ms > 0 \
               AND m.wanted_until_ms > $1 AND m.wanted_until_ms < $1 + 60000 AND m.wanted_by <> $2 \
               AND l.boot = $2 AND l.granted > l.spent + l.returned \
               UNION SELECT subject FROM leases WHERE boot = $2 AND (in_doubt OR forgiven > 0) \
               ORDER BY subject LIMIT 500";
    let rows = sqlx::query(sql).bind(signed(now_ms)).bind(boot).fetch_all(connection).await?;
    rows.iter().map(|row| Ok(row.try_get("subject")?)).collect()
}
