//! `/v1/status`, `/v1/edges`, and the payments product's `/v1/api-keys`.

use portcullis_api::Data;
use portcullis_api::payments::{ApiKeys, Done};
use portcullis_api::status::{Edge, Status};
use reqwest::Method;

use crate::client::{Client, Written, segment};
use crate::error::Error;

impl Client {
    /// How the control plane is doing.
    pub async fn status(&self) -> Result<Status, Error> {
        self.get("/v1/status").await
    }

    /// Every edge heard of lately.
    pub async fn list_edges(&self) -> Result<Vec<Edge>, Error> {
        let all: Data<Edge> = self.get("/v1/edges").await?;
        Ok(all.data)
    }

    /// Every key that is not revoked, as the payments product lists them.
    pub async fn list_api_keys(&self) -> Result<ApiKeys, Error> {
        self.get("/v1/api-keys").await
    }

    /// Revokes a key, as the payments product does.
    pub async fn revoke_api_key(&self, id: &str) -> Result<Written<Done>, Error> {
        self.write(Method::DELETE, &format!("/v1/api-keys/{}", segment(id)), None::<&()>).await
    }
}
