//! `/v1/keys`.

use portcullis_api::explain::{Explain, Explanation};
use portcullis_api::keys::{CreateKeys, FindKey, ImportKeys, ListKeys, StartTrial};
use portcullis_api::{CreateKey, CreatedKey, Data, Key, KeyList, RotateKey, UpdateKey};
use reqwest::Method;
use reqwest::header::CONTENT_TYPE;

use crate::client::{Client, Tagged, Written, make_once, read, segment, written};
use crate::error::Error;

/// A call without a body.
const NO_BODY: Option<&()> = None;

impl Client {
    /// Makes a key. Its text is in this answer and nowhere else; `published` says whether edges know it already.
    pub async fn create_key(&self, request: &CreateKey) -> Result<Written<CreatedKey>, Error> {
        self.write(Method::POST, "/v1/keys", Some(request)).await
    }

    /// Makes up to 1000 keys, all or none.
    pub async fn create_keys(&self, request: &CreateKeys) -> Result<Written<Data<CreatedKey>>, Error> {
        self.write(Method::POST, "/v1/keys:batch", Some(request)).await
    }

    /// One page of keys, newest first.
    pub async fn list_keys(&self, query: &ListKeys) -> Result<KeyList, Error> {
        read(self.request(Method::GET, "/v1/keys")?.query(query)).await
    }

    /// The record of a whole key, revoked ones too.
    pub async fn find_key(&self, request: &FindKey) -> Result<Key, Error> {
        read(self.request(Method::POST, "/v1/keys:find")?.json(request)).await
    }

    /// Stores up to 1000 keys that were made elsewhere, by their digests, all or none.
    pub async fn import_keys(&self, request: &ImportKeys) -> Result<Written<Data<Key>>, Error> {
        self.write(Method::POST, "/v1/keys:import", Some(request)).await
    }

    /// The same from a table of comma-separated values; refusals name its lines and columns.
    pub async fn import_table(&self, table: Vec<u8>) -> Result<Written<Data<Key>>, Error> {
        let request = self.request(Method::POST, "/v1/keys:import")?;
        written(make_once(request.header(CONTENT_TYPE, "text/csv").body(table)).await?).await
    }

    /// One key.
    pub async fn show_key(&self, id: &str) -> Result<Key, Error> {
        self.get(&format!("/v1/keys/{}", segment(id))).await
    }

    /// One key, with its entity tag.
    pub async fn key_with_tag(&self, id: &str) -> Result<Tagged<Key>, Error> {
        self.get_tagged(&format!("/v1/keys/{}", segment(id))).await
    }

    /// Changes a key only if nobody changed it since it was read: 412 `precondition_failed` otherwise.
    pub async fn update_key_if(&self, id: &str, etag: &str, request: &UpdateKey) -> Result<Written<Key>, Error> {
        self.change_if(&format!("/v1/keys/{}", segment(id)), etag, request).await
    }

    /// Changes a key's name, scopes, expiry or restrictions, or switches it on or off.
    pub async fn update_key(&self, id: &str, request: &UpdateKey) -> Result<Written<Key>, Error> {
        self.write(Method::PATCH, &format!("/v1/keys/{}", segment(id)), Some(request)).await
    }

    /// Makes a key like that one, which goes on working for a while. Once only: then rotate its successor.
    pub async fn rotate_key(&self, id: &str, request: &RotateKey) -> Result<Written<CreatedKey>, Error> {
        self.write(Method::POST, &format!("/v1/keys/{}/rotate", segment(id)), Some(request)).await
    }

    /// Revokes a key for good.
    pub async fn revoke_key(&self, id: &str) -> Result<Written<Key>, Error> {
        self.write(Method::DELETE, &format!("/v1/keys/{}", segment(id)), NO_BODY).await
    }

    /// Tries scopes and restrictions on a key: edges tell what they would deny, and deny nothing for them.
    pub async fn start_trial(&self, id: &str, request: &StartTrial) -> Result<Written<Key>, Error> {
        self.write(Method::PUT, &format!("/v1/keys/{}/trial", segment(id)), Some(request)).await
    }

    /// Ends a trial; the key stays as it is.
    pub async fn end_trial(&self, id: &str) -> Result<Written<Key>, Error> {
        self.write(Method::DELETE, &format!("/v1/keys/{}/trial", segment(id)), NO_BODY).await
    }

    /// Sets what was tried.
    pub async fn enforce_trial(&self, id: &str) -> Result<Written<Key>, Error> {
        self.write(Method::POST, &format!("/v1/keys/{}/trial/enforce", segment(id)), NO_BODY).await
    }

    /// How a request with a key would be decided, check by check.
    pub async fn explain(&self, request: &Explain) -> Result<Explanation, Error> {
        read(self.request(Method::POST, "/v1/explain")?.json(request)).await
    }
}
