//! `/v1/edge-keys`: what secrets are sealed to.

use portcullis_api::{AddEdgeKey, Data, EdgeKey};
use reqwest::Method;

use crate::client::{Client, Written, segment};
use crate::error::Error;

impl Client {
    /// The public keys that secrets are sealed to, oldest first; for the operator with how many edges have the private half of each.
    pub async fn list_edge_keys(&self) -> Result<Vec<EdgeKey>, Error> {
        let all: Data<EdgeKey> = self.get("/v1/edge-keys").await?;
        Ok(all.data)
    }

    /// Adds a public key. Secrets that are there already are not sealed to it.
    pub async fn add_edge_key(&self, request: &AddEdgeKey) -> Result<Written<EdgeKey>, Error> {
        self.write(Method::POST, "/v1/edge-keys", Some(request)).await
    }

    /// Removes a public key, and what is sealed to it. Unless `force` is said, 409 `secrets_unsealed` if that is all there is of
    /// a secret, `edge_key_in_use` if an edge could not open every secret without it.
    pub async fn remove_edge_key(&self, id: &str, force: bool) -> Result<Written<EdgeKey>, Error> {
        self.remove(&format!("/v1/edge-keys/{}", segment(id)), force).await
    }
}
