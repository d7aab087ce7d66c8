//! `/v1/receipts`, `/v1/denials`, `/v1/traffic` and observations: what edges told the control plane.

use std::time::Duration;

use portcullis_api::denials::{Denial, DenialList, ListDenials};
use portcullis_api::edge::SampleKind;
use portcullis_api::observations::{ListObservations, Observations};
use portcullis_api::receipts::{ReadReceipt, Receipt};
use portcullis_api::traffic::Traffic;
use reqwest::Method;

use crate::client::{Client, read, segment};
use crate::error::Error;

/// On top of how long the control plane is asked to wait.
const SLACK: Duration = Duration::from_secs(15);

impl Client {
    /// On how many edges the change of a version is enforced; waits up to so many seconds, 30 at most, until it is.
    pub async fn receipt(&self, version: u64, wait_seconds: u32) -> Result<Receipt, Error> {
        let request = self.request(Method::GET, &format!("/v1/receipts/{version}"))?;
        let query = ReadReceipt { wait: Some(wait_seconds) };
        read(request.query(&query).timeout(SLACK + Duration::from_secs(u64::from(wait_seconds)))).await
    }

    /// Why the request with that id was refused, within the last day.
    pub async fn denial(&self, request_id: &str) -> Result<Denial, Error> {
        self.get(&format!("/v1/denials/{}", segment(request_id))).await
    }

    /// One page of denials, newest first.
    pub async fn list_denials(&self, query: &ListDenials) -> Result<DenialList, Error> {
        read(self.request(Method::GET, "/v1/denials")?.query(query)).await
    }

    /// What was let through with a key and would have been denied, or used it after it was rotated.
    pub async fn observations(&self, key: &str, kind: Option<SampleKind>) -> Result<Observations, Error> {
        let request = self.request(Method::GET, &format!("/v1/keys/{}/observations", segment(key)))?;
        read(request.query(&ListObservations { kind })).await
    }

    /// What all edges together let through and refused in the last day.
    pub async fn traffic(&self) -> Result<Traffic, Error> {
        self.get("/v1/traffic").await
    }
}
