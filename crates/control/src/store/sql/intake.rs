//! SQL that takes in what edges told: whether a batch was added before, and then all that counts.
//!
//! Invariants: a batch is in the database with its number or not at all; tables come in one order and rows in the order of
//! their keys, so that replicas wait for each other in one direction only. Keys are last: revocations wait for them.

use async_trait::async_trait;

use super::columns::signed;
use super::store::again;
use super::{Connection, SqlStore, denials, keys, observations, reports, secrets, usage};
use crate::store::{Intake, Portion, StoreError, Stream, TakenIn};

#[async_trait]
impl Intake for SqlStore {
    async fn take_in(&self, portion: &Portion) -> Result<TakenIn, StoreError> {
        again(async || self.add(portion).await).await
    }
}

impl SqlStore {
    async fn add(&self, portion: &Portion) -> Result<TakenIn, StoreError> {
        let mut transaction = self.begin_write().await?;
        let (mut all, mut done) = (portion.noted.clone(), TakenIn::default());
        for ((stream, seq), batch) in &portion.batches {
            all.heard.absorb(batch.present.clone());
            if advance(&mut transaction, stream, *seq, batch.at).await? {
                all.absorb(batch.noted.clone());
                done.applied += 1;
            } else {
                done.repeated += 1;
            }
        }
        reports::record(&mut transaction, &all.heard).await?;
        observations::record(&mut transaction, &all.seen).await?;
        denials::record(&mut transaction, &all.denials).await?;
        done.strangers = usage::record(&mut transaction, &all.usage).await?;
        secrets::record_uses(&mut transaction, &all.secrets).await?;
        keys::record_uses(&mut transaction, &all.uses).await?;
        transaction.commit().await?;
        Ok(done)
    }
}

/// Moves a stream on to a number; `false` if it is there or beyond. Whoever moves it keeps others from it until the end of
/// the transaction.
async fn advance(connection: &mut Connection, stream: &Stream, seq: u64, at: u64) -> Result<bool, StoreError> {
    let sql = "INSERT INTO report_streams (edge, boot, vm, seq, at) VALUES ($1, $2, $3, $4, $5) \
               ON CONFLICT (edge, boot, vm) DO UPDATE SET seq = excluded.seq, at = excluded.at \
               WHERE report_streams.seq < excluded.seq";
    let query = sqlx::query(sql).bind(&stream.edge).bind(&stream.boot).bind(&stream.vm);
    let done = query.bind(signed(seq)).bind(signed(at)).execute(connection).await?;
    Ok(done.rows_affected() > 0)
}
