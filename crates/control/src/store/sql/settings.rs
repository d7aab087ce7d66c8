//! SQL about settings.

use async_trait::async_trait;
use sqlx::Row as _;

use super::SqlStore;
use crate::store::{Settings, StoreError};

#[async_trait]
impl Settings for SqlStore {
    async fn settle(&self, name: &str, value: &str) -> Result<String, StoreError> {
        let mut transaction = self.begin_write().await?;
        let sql = "INSERT INTO settings (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING";
        sqlx::query(sql).bind(name).bind(value).execute(&mut *transaction).await?;
        let found = sqlx::query("SELECT value FROM settings WHERE name = $1").bind(name);
        let found = found.fetch_one(&mut *transaction).await?.try_get("value")?;
        transaction.commit().await?;
        Ok(found)
    }

    async fn replace_setting(&self, name: &str, value: &str) -> Result<(), StoreError> {
        let mut transaction = self.begin_write().await?;
        let sql = "INSERT INTO settings (name, value) VALUES ($1, $2) \
                   ON CONFLICT (name) DO UPDATE SET value = excluded.value";
        sqlx::query(sql).bind(name).bind(value).execute(&mut *transaction).await?;
        transaction.commit().await?;
        Ok(())
    }
}
