//! `/v1/issuers`.

use portcullis_api::issuers::ListIssuers;
use portcullis_api::{CreateIssuer, Issuer, Key, Page, UpdateIssuer};
use reqwest::Method;

use crate::client::{Client, make, read, segment};
use crate::error::Error;

impl Client {
    /// Adds an issuer, with the keys that it publishes now.
    pub async fn create_issuer(&self, request: &CreateIssuer) -> Result<Issuer, Error> {
        make(self.request(Method::POST, "/v1/issuers")?.json(request)).await
    }

    /// One page of issuers, newest first.
    pub async fn list_issuers(&self, query: &ListIssuers) -> Result<Page<Issuer>, Error> {
        read(self.request(Method::GET, "/v1/issuers")?.query(query)).await
    }

    /// One issuer.
    pub async fn show_issuer(&self, id: &str) -> Result<Issuer, Error> {
        self.get(&issuer(id)).await
    }

    /// Changes which of its tokens are accepted and what they mean.
    pub async fn update_issuer(&self, id: &str, request: &UpdateIssuer) -> Result<Issuer, Error> {
        read(self.request(Method::PATCH, &issuer(id))?.json(request)).await
    }

    /// Removes an issuer by revoking its key.
    pub async fn remove_issuer(&self, id: &str) -> Result<Key, Error> {
        read(self.request(Method::DELETE, &issuer(id))?).await
    }

    /// Fetches an issuer's keys now.
    pub async fn refresh_issuer(&self, id: &str) -> Result<Issuer, Error> {
        read(self.request(Method::POST, &format!("{}/refresh", issuer(id)))?).await
    }
}

fn issuer(id: &str) -> String {
    format!("/v1/issuers/{}", segment(id))
}
