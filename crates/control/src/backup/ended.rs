//! What ends when a copy is put back, because nobody can tell any more whether it had ended before.
//!
//! Invariant: no session, open invitation, kept answer, code or refresh token of a copy is ever served; each restoring has its row in the log.

use serde_json::json;
use sqlx::sqlite::SqliteConnection;

use super::BackupError;
use super::revived::has;
use crate::clock::Clock;

/// How many of each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ended {
    /// Sessions: everybody signs in again.
    pub sessions: u64,
    /// Invitations that were open.
    pub invitations: u64,
    /// API tokens, if that was asked for.
    pub tokens: u64,
}

/// Ends them.
pub(super) async fn end(copy: &mut SqliteConnection, tokens: bool, clock: &Clock) -> Result<Ended, BackupError> {
    if has(copy, "kept_answers").await? {
        sqlx::query("DELETE FROM kept_answers").execute(&mut *copy).await?;
    }
    // What was used since would be unused again, and a theft would not be noticed: apps ask people anew.
    if has(copy, "refresh_tokens").await? {
        for sql in ["DELETE FROM refresh_tokens", "DELETE FROM authorization_codes"] {
            sqlx::query(sql).execute(&mut *copy).await?;
        }
    }
    if !has(copy, "sessions").await? {
        return Ok(Ended::default());
    }
    let revoke = "UPDATE api_tokens SET revoked_at = $1 WHERE revoked_at IS NULL";
    let withdraw = "UPDATE invitations SET withdrawn_at = $1 WHERE accepted_at IS NULL AND withdrawn_at IS NULL";
    let ended = Ended {
        sessions: sqlx::query("DELETE FROM sessions").execute(&mut *copy).await?.rows_affected(),
        invitations: run(copy, withdraw, clock).await?,
        tokens: if tokens { run(copy, revoke, clock).await? } else { 0 },
    };
    note(copy, ended, clock).await?;
    Ok(ended)
}

/// Carries out what takes the present time; how many rows it changed.
async fn run(copy: &mut SqliteConnection, sql: &'static str, clock: &Clock) -> Result<u64, BackupError> {
    let now = i64::try_from(clock.seconds()).unwrap_or(i64::MAX);
    Ok(sqlx::query(sql).bind(now).execute(copy).await?.rows_affected())
}

async fn note(copy: &mut SqliteConnection, ended: Ended, clock: &Clock) -> Result<(), BackupError> {
    let Ended { sessions, invitations, tokens } = ended;
    let detail = json!({ "sessions": sessions, "invitations": invitations, "tokens": tokens }).to_string();
    let sql = "INSERT INTO audit (at_ms, organization, actor_kind, actor_id, actor_name, request_id, action, \
               target_kind, target_id, target_name, detail) SELECT $1, id, 'system', '', 'control plane', '', \
               'database.restored', 'database', '', '', $2 FROM organizations WHERE is_default";
    let at_ms = i64::try_from(clock.millis()).unwrap_or(i64::MAX);
    sqlx::query(sql).bind(at_ms).bind(detail).execute(copy).await?;
    Ok(())
}
