//! `/v1/usage`.

use portcullis_api::usage::{ExportUsage, ListUsage, UsageList};
use reqwest::Method;

use crate::audit::{EXPORT_TIMEOUT, Pieces};
use crate::client::{Client, accepted, read};
use crate::error::Error;

impl Client {
    /// One page of what keys did, added up.
    pub async fn list_usage(&self, query: &ListUsage) -> Result<UsageList, Error> {
        read(self.request(Method::GET, "/v1/usage")?.query(query)).await
    }

    /// All of it.
    pub async fn export_usage(&self, query: &ExportUsage) -> Result<Pieces, Error> {
        let request = self.request(Method::GET, "/v1/usage/export")?.query(query).timeout(EXPORT_TIMEOUT);
        Ok(Pieces::of(accepted(request).await?))
    }
}
