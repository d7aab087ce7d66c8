//! SQL about the bundle's version, and how a change becomes one transaction.
//!
//! The files of this folder are compiled twice, once in `sqlite` and once in `postgres`, which say what `Db` is and how a
//! transaction begins. Invariant: versions are handed out in the order in which their changes become visible.

use std::time::{Duration, Instant};

use async_trait::async_trait;
use sqlx::Row as _;

use super::columns::{signed, unsigned};
use super::{
    Connection, Pool, SqlStore, accounts, announce, apps, audit, changed_keys, hold_version, issuers, keys, meters,
    observations, organizations, plans, policies, secrets, skill_sources, skills, token_keys, webhooks,
};
use crate::store::{AuditRow, Change, Changes, PoolUse, Store, StoreError, Write};

/// How often a write is tried that others, or a broken connection, kept from being done.
const ATTEMPTS: usize = 4;
/// How long a broken connection may keep it open whether something is stored.
const SETTLE_WITHIN: Duration = Duration::from_secs(10);
const LOOK_AGAIN_AFTER: Duration = Duration::from_millis(200);

#[async_trait]
impl Store for SqlStore {
    async fn write(&self, change: &Change, version_floor: u64) -> Result<u64, StoreError> {
        again(async || self.attempt(change, version_floor).await).await
    }

    async fn take_version(&self, version_floor: u64) -> Result<u64, StoreError> {
        // Taken twice does no harm.
        again(async || {
            let mut transaction = self.begin_write().await?;
            let version = next_version(&mut transaction, version_floor).await?;
            transaction.commit().await?;
            Ok(version)
        })
        .await
    }

    async fn advance_to(&self, version: u64) -> Result<u64, StoreError> {
        again(async || {
            let mut transaction = self.begin_write().await?;
            let sql = "UPDATE bundle SET version = $1 WHERE version < $1";
            let done = sqlx::query(sql).bind(signed(version)).execute(&mut *transaction).await?;
            if done.rows_affected() > 0 {
                announce(&mut transaction, version).await?;
            }
            let version = self::version(&mut transaction).await?;
            transaction.commit().await?;
            Ok(version)
        })
        .await
    }

    async fn version(&self) -> Result<u64, StoreError> {
        version(&mut *self.publisher().acquire().await?).await
    }

    async fn changes(&self, version: u64, revoked_since: u64) -> Result<Changes, StoreError> {
        let mut snapshot = self.begin_snapshot().await?;
        Ok(Changes {
            version: self::version(&mut snapshot).await?,
            keys: changed_keys(&mut snapshot, version, revoked_since).await?,
            organizations: organizations::changed_after(&mut snapshot, version).await?,
            policy: policies::changed_after(&mut snapshot, version).await?,
            issuers: issuers::unrevoked(&mut snapshot).await?,
            tokens: token_keys::sources(&mut snapshot).await?,
            skills: skill_sources::changed_after(&mut snapshot, version).await?,
        })
    }

    async fn listen(&self, heard: &(dyn Fn(u64) + Send + Sync)) {
        self.hear(heard).await;
    }

    fn connections(&self) -> Vec<PoolUse> {
        let used = |(name, pool): (&'static str, &Pool)| PoolUse {
            pool: name,
            open: u64::from(pool.size()),
            idle: pool.num_idle() as u64,
            most: u64::from(pool.options().get_max_connections()),
        };
        self.pools().into_iter().map(used).collect()
    }

    async fn close(&self) {
        for (_, pool) in self.pools() {
            pool.close().await;
        }
    }
}

/// Tries again what did nothing and may work now.
pub(super) async fn again<T, F>(mut attempt: impl FnMut() -> F) -> Result<T, StoreError>
where
    F: Future<Output = Result<T, StoreError>>,
{
    for _ in 1..ATTEMPTS {
        match attempt().await {
            Err(error) if error.is_passing() => tracing::warn!(%error, "a write is tried again"),
            other => return other,
        }
    }
    attempt().await
}

impl SqlStore {
    async fn attempt(&self, change: &Change, version_floor: u64) -> Result<u64, StoreError> {
        let mut transaction = self.begin_write().await?;
        let taken = change.writes.iter().any(Write::changes_bundle);
        let version = match taken {
            true => next_version(&mut transaction, version_floor).await?,
            // Rows of the log become visible in their order, too.
            false => hold_version(&mut transaction).await?,
        };
        for write in &change.writes {
            carry_out(&mut transaction, write, version).await?;
        }
        let mut proof = None;
        for row in &change.audit {
            let id = audit::insert(&mut transaction, row, taken.then_some(version)).await?;
            proof = Some((id, row));
        }
        match transaction.commit().await.map_err(StoreError::from) {
            Err(StoreError::Unreachable(error)) => self.settle_commit(proof, version, error).await,
            done => done.map(|()| version),
        }
    }

    /// The connection broke with COMMIT on its way: looks whether it arrived.
    async fn settle_commit(
        &self,
        proof: Option<(i64, &AuditRow)>,
        version: u64,
        error: sqlx::Error,
    ) -> Result<u64, StoreError> {
        let Some((id, row)) = proof else { return Err(StoreError::Unknown(error)) };
        let deadline = Instant::now() + SETTLE_WITHIN;
        loop {
            match self.is_stored(id, row).await {
                Ok(true) => return Ok(version),
                Ok(false) => return Err(StoreError::Unreachable(error)),
                Err(_) if Instant::now() < deadline => tokio::time::sleep(LOOK_AGAIN_AFTER).await,
                Err(_) => return Err(StoreError::Unknown(error)),
            }
        }
    }

    /// Whether a row of the log is there. Its transaction is over, one way or the other, once the version can be held.
    async fn is_stored(&self, id: i64, row: &AuditRow) -> Result<bool, StoreError> {
        let mut transaction = self.begin_write().await?;
        hold_version(&mut transaction).await?;
        let sql = "SELECT id FROM audit WHERE id = $1 AND at_ms = $2 AND request_id = $3 AND target_id = $4";
        let query = sqlx::query(sql).bind(id).bind(signed(row.at_ms)).bind(&row.actor.request_id);
        Ok(query.bind(&row.target.id).fetch_optional(&mut *transaction).await?.is_some())
    }
}

async fn carry_out(connection: &mut Connection, write: &Write, version: u64) -> Result<(), StoreError> {
    match write {
        Write::InsertKey(row) => keys::insert(connection, row, version).await,
        Write::ImportKey(row, layout) => keys::import(connection, row, *layout, version).await,
        Write::ReplaceKey(row) => keys::replace(connection, row, version).await,
        Write::InsertOrganization(row) => organizations::insert(connection, row, version).await,
        Write::ReplaceOrganization(row) => organizations::replace(connection, row, version).await,
        Write::InsertPlan(row) => plans::insert(connection, row, version).await,
        Write::ReplacePlan(row) => plans::replace(connection, row, version).await,
        Write::DeletePlan(name, changed_in) => plans::delete(connection, name, *changed_in).await,
        Write::TopUp(row) => meters::top_up(connection, row, version).await,
        Write::ForgetObservations(key, kind) => observations::forget(connection, *key, *kind).await,
        Write::PublishPolicy(row) => policies::insert(connection, row, version).await,
        Write::Account(write) => accounts::carry_out(connection, write).await,
        Write::App(write) => apps::carry_out(connection, write, version).await,
        Write::Webhook(write) => webhooks::carry_out(connection, write).await,
        Write::Issuer(write) => issuers::carry_out(connection, write, version).await,
        Write::TokenKeys(write) => token_keys::carry_out(connection, write).await,
        Write::Secret(write) => secrets::carry_out(connection, write, version).await,
        Write::Skill(write) => skills::carry_out(connection, write, version).await,
    }
}

pub(in crate::store) async fn version(connection: &mut Connection) -> Result<u64, StoreError> {
    let row = sqlx::query("SELECT version FROM bundle").fetch_one(connection).await?;
    unsigned("version", row.try_get("version")?)
}

/// Takes the next version. Until the transaction ends nobody else can take one.
async fn next_version(connection: &mut Connection, floor: u64) -> Result<u64, StoreError> {
    let sql = "UPDATE bundle SET version = CASE WHEN version >= $1 THEN version + 1 ELSE $1 END RETURNING version";
    let row = sqlx::query(sql).bind(signed(floor)).fetch_one(&mut *connection).await?;
    let version = unsigned("version", row.try_get("version")?)?;
    announce(connection, version).await?;
    Ok(version)
}
