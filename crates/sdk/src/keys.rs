//! `/v1/keys`.

use portcullis_api::keys::{CreateKeys, ListKeys};
use portcullis_api::{CreateKey, CreatedKey, Data, Key, KeyList, RotateKey, UpdateKey};
use reqwest::Method;

use crate::client::{Client, Tagged, Written, read, segment};
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
}
