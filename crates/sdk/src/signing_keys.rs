//! `/v1/signing-keys`.

use portcullis_api::signing_keys::RotateSigningKey;
use portcullis_api::{Data, SigningKey};
use reqwest::Method;

use crate::client::{Client, Written, segment};
use crate::error::Error;

impl Client {
    /// The keys that access tokens are signed with, the newest first.
    pub async fn list_signing_keys(&self) -> Result<Vec<SigningKey>, Error> {
        let all: Data<SigningKey> = self.get("/v1/signing-keys").await?;
        Ok(all.data)
    }

    /// Makes another key; all of them as they are then.
    pub async fn rotate_signing_key(&self, request: &RotateSigningKey) -> Result<Written<Data<SigningKey>>, Error> {
        self.write(Method::POST, "/v1/signing-keys:rotate", Some(request)).await
    }

    /// Edges refuse at once what that key signed.
    pub async fn revoke_signing_key(&self, kid: &str) -> Result<Written<SigningKey>, Error> {
        self.write(Method::DELETE, &format!("/v1/signing-keys/{}", segment(kid)), None::<&()>).await
    }
}
