//! SQL that forgets leases and meters of long ago, a little at a time.

use sqlx::Row as _;

use super::Connection;
use super::columns::signed;
use super::periods::LATE;
use crate::clock::DAY;
use crate::store::StoreError;

/// Meters are kept for so long: what was used in which period.
const METER_DAYS: u64 = 400;
/// Leases are looked for among meters that ended within so many days.
const LOOKED_AT_DAYS: u64 = 7;
const AT_ONCE: usize = 500;

/// Whether there is more of it.
pub(super) async fn forget(connection: &mut Connection, now_ms: u64) -> Result<bool, StoreError> {
    let now = now_ms / 1000;
    let ended = now.saturating_sub(2 * LATE);
    let sql = "SELECT l.boot, l.subject, l.period_start FROM meters m \
               JOIN leases l ON l.subject = m.subject AND l.period_start = m.period_start \
               WHERE m.period_end > $1 AND m.period_end <= $2 LIMIT 500";
    let rows = sqlx::query(sql).bind(signed(ended.saturating_sub(LOOKED_AT_DAYS * DAY))).bind(signed(ended));
    let rows = rows.fetch_all(&mut *connection).await?;
    for row in &rows {
        let sql = "DELETE FROM leases WHERE boot = $1 AND subject = $2 AND period_start = $3";
        let (boot, subject, start): (&str, &str, i64) =
            (row.try_get("boot")?, row.try_get("subject")?, row.try_get("period_start")?);
        sqlx::query(sql).bind(boot).bind(subject).bind(start).execute(&mut *connection).await?;
    }
    let old = now.saturating_sub(METER_DAYS * DAY);
    for (sql, before) in [
        ("DELETE FROM meters WHERE period_end < $1", old),
        ("DELETE FROM quota_events WHERE period_end < $1", old),
        ("DELETE FROM boots WHERE closed AND expires_ms < $1", now.saturating_sub(2 * DAY) * 1000),
    ] {
        sqlx::query(sql).bind(signed(before)).execute(&mut *connection).await?;
    }
    Ok(rows.len() >= AT_ONCE)
}
