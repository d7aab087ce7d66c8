//! `/v1/audit`.

use std::time::Duration;

use portcullis_api::audit::{AuditList, ExportAudit, ListAudit};
use reqwest::{Method, Response};

use crate::client::{Client, accepted, read};
use crate::error::Error;

/// A log of years takes a while.
pub(crate) const EXPORT_TIMEOUT: Duration = Duration::from_secs(60 * 60);

/// Something long, in pieces, as it arrives.
#[derive(Debug)]
pub struct Pieces(Response);

impl Client {
    /// One page of the audit log, newest first.
    pub async fn list_audit(&self, query: &ListAudit) -> Result<AuditList, Error> {
        read(self.request(Method::GET, "/v1/audit")?.query(query)).await
    }

    /// The whole audit log, newest first.
    pub async fn export_audit(&self, query: &ExportAudit) -> Result<Pieces, Error> {
        let request = self.request(Method::GET, "/v1/audit/export")?.query(query).timeout(EXPORT_TIMEOUT);
        Ok(Pieces::of(accepted(request).await?))
    }
}

impl Pieces {
    pub(crate) fn of(response: Response) -> Self {
        Self(response)
    }

    /// What a header of the answer says.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.0.headers().get(name)?.to_str().ok()
    }

    /// The next piece; `None` once all is there. An error means that it is not.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>, Error> {
        Ok(self.0.chunk().await?.map(|piece| piece.to_vec()))
    }
}
