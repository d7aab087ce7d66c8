//! SQL about kept answers.

use async_trait::async_trait;
use sqlx::Row as _;

use super::SqlStore;
use super::columns::signed;
use super::store::again;
use crate::store::{Answers, Claim, Claimed, StoreError};

#[async_trait]
impl Answers for SqlStore {
    async fn claim_answer(&self, claim: &Claim) -> Result<Claimed, StoreError> {
        again(async || self.claim(claim).await).await
    }

    async fn keep_answer(&self, name: [u8; 32], sealed: &[u8]) -> Result<(), StoreError> {
        again(async || {
            let mut transaction = self.begin_write().await?;
            sqlx::query("UPDATE kept_answers SET answer = $1 WHERE name = $2 AND answer IS NULL")
                .bind(sealed)
                .bind(name.to_vec())
                .execute(&mut *transaction)
                .await?;
            Ok(transaction.commit().await?)
        })
        .await
    }

    async fn forget_answer(&self, name: [u8; 32]) -> Result<(), StoreError> {
        again(async || {
            let mut transaction = self.begin_write().await?;
            sqlx::query("DELETE FROM kept_answers WHERE name = $1 AND answer IS NULL")
                .bind(name.to_vec())
                .execute(&mut *transaction)
                .await?;
            Ok(transaction.commit().await?)
        })
        .await
    }
}

impl SqlStore {
    async fn claim(&self, claim: &Claim) -> Result<Claimed, StoreError> {
        let mut transaction = self.begin_write().await?;
        sqlx::query("DELETE FROM kept_answers WHERE expires_ms <= $1")
            .bind(signed(claim.now_ms))
            .execute(&mut *transaction)
            .await?;
        let sql = "INSERT INTO kept_answers (name, request, running_until_ms, expires_ms) VALUES ($1, $2, $3, $4) \
                   ON CONFLICT (name) DO UPDATE SET request = excluded.request, \
                   running_until_ms = excluded.running_until_ms, expires_ms = excluded.expires_ms \
                   WHERE kept_answers.answer IS NULL AND kept_answers.running_until_ms <= $5";
        let done = sqlx::query(sql)
            .bind(claim.name.to_vec())
            .bind(claim.request.to_vec())
            .bind(signed(claim.running_until_ms))
            .bind(signed(claim.expires_ms))
            .bind(signed(claim.now_ms))
            .execute(&mut *transaction)
            .await?;
        if done.rows_affected() == 1 {
            transaction.commit().await?;
            return Ok(Claimed::New);
        }
        let row = sqlx::query("SELECT request, answer FROM kept_answers WHERE name = $1").bind(claim.name.to_vec());
        // Whoever had it let go of it just now: it can be asked for again.
        let Some(row) = row.fetch_optional(&mut *transaction).await? else { return Ok(Claimed::Running) };
        let request: &[u8] = row.try_get("request")?;
        let answer: Option<Vec<u8>> = row.try_get("answer")?;
        Ok(match answer {
            _ if request != claim.request => Claimed::Other,
            Some(sealed) => Claimed::Answered(sealed),
            None => Claimed::Running,
        })
    }
}
