//! What edges were given of quotas since a copy was made: it is taken over from what the copy takes the place of, or the same tokens
//! would be given out twice.
//!
//! Plans and top-ups are those of the copy. Invariant: a meter that both have is as it was last.

use std::path::Path;

use sqlx::Connection as _;
use sqlx::sqlite::SqliteConnection;

use super::revived::has;
use super::{BackupError, text};

const STEPS: [&str; 4] = [
    "DELETE FROM leases WHERE EXISTS (SELECT 1 FROM earlier.meters e \
     WHERE e.subject = leases.subject AND e.period_start = leases.period_start)",
    "INSERT INTO meters (subject, period_start, period_end, charged, spent, in_doubt, told_limit, told_percent) \
     SELECT subject, period_start, period_end, charged, spent, in_doubt, told_limit, told_percent FROM earlier.meters \
     WHERE TRUE ON CONFLICT (subject, period_start) DO UPDATE SET charged = excluded.charged, spent = excluded.spent, \
     in_doubt = excluded.in_doubt, told_limit = excluded.told_limit, told_percent = excluded.told_percent",
    "INSERT OR REPLACE INTO leases (boot, subject, period_start, granted, spent, returned, forgiven, revision, in_doubt) \
     SELECT boot, subject, period_start, granted, spent, returned, forgiven, revision, in_doubt FROM earlier.leases",
    "INSERT OR REPLACE INTO boots (boot, edge, expires_ms, closed, drain_until_ms) \
     SELECT boot, edge, expires_ms, closed, drain_until_ms FROM earlier.boots",
];

/// Takes it over, if both have a ledger.
pub(super) async fn take_over(old: &Path, copy: &mut SqliteConnection) -> Result<(), BackupError> {
    if !has(copy, "meters").await? {
        return Ok(());
    }
    sqlx::query("ATTACH DATABASE $1 AS earlier").bind(text(old)).execute(&mut *copy).await?;
    let done = carry(copy).await;
    sqlx::query("DETACH DATABASE earlier").execute(copy).await?;
    done
}

async fn carry(files: &mut SqliteConnection) -> Result<(), BackupError> {
    let sql = "SELECT COUNT(*) FROM earlier.sqlite_master WHERE type = 'table' AND name = 'meters'";
    if sqlx::query_scalar::<_, i64>(sql).fetch_one(&mut *files).await? == 0 {
        return Ok(());
    }
    let mut transaction = files.begin().await?;
    for step in STEPS {
        sqlx::query(step).execute(&mut *transaction).await?;
    }
    Ok(transaction.commit().await?)
}
