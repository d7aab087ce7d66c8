//! What access tokens are signed with, after a copy was put back: the keys are those of what the copy takes the place of, so one
//! that was revoked since the copy was made stays revoked, and what a newer one signed goes on being accepted.
//!
//! Invariant: all of them come from one of the two files.

use std::path::Path;

use sqlx::Connection as _;
use sqlx::sqlite::SqliteConnection;

use super::revived::has;
use super::{BackupError, text};

const STEPS: [&str; 2] = [
    "DELETE FROM token_keys WHERE EXISTS (SELECT 1 FROM earlier.token_keys)",
    "INSERT INTO token_keys (kid, algorithm, jwk, secret, created_at, signs_from, signs_until, accepted_until, revoked_at) \
     SELECT kid, algorithm, jwk, secret, created_at, signs_from, signs_until, accepted_until, revoked_at \
     FROM earlier.token_keys WHERE TRUE ON CONFLICT (kid) DO NOTHING",
];

/// Takes them over, if both files know of such keys. An earlier version's copy has none: then they are made anew, as at first.
pub(super) async fn take_over(old: &Path, copy: &mut SqliteConnection) -> Result<(), BackupError> {
    if !has(copy, "token_keys").await? {
        return Ok(());
    }
    sqlx::query("ATTACH DATABASE $1 AS earlier").bind(text(old)).execute(&mut *copy).await?;
    let done = carry(copy).await;
    sqlx::query("DETACH DATABASE earlier").execute(copy).await?;
    done
}

async fn carry(files: &mut SqliteConnection) -> Result<(), BackupError> {
    let sql = "SELECT COUNT(*) FROM earlier.sqlite_master WHERE type = 'table' AND name = 'token_keys'";
    if sqlx::query_scalar::<_, i64>(sql).fetch_one(&mut *files).await? == 0 {
        return Ok(());
    }
    let mut transaction = files.begin().await?;
    for step in STEPS {
        sqlx::query(step).execute(&mut *transaction).await?;
    }
    Ok(transaction.commit().await?)
}
