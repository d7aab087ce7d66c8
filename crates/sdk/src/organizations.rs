//! `/v1/organizations`.

use portcullis_api::{CreateOrganization, Data, Organization, UpdateOrganization};
use reqwest::Method;

use crate::client::{Client, Tagged, Written, segment};
use crate::error::Error;

impl Client {
    /// Makes an organisation.
    pub async fn create_organization(&self, request: &CreateOrganization) -> Result<Written<Organization>, Error> {
        self.write(Method::POST, "/v1/organizations", Some(request)).await
    }

    /// Every organisation, oldest first.
    pub async fn list_organizations(&self) -> Result<Vec<Organization>, Error> {
        let all: Data<Organization> = self.get("/v1/organizations").await?;
        Ok(all.data)
    }

    /// One organisation.
    pub async fn show_organization(&self, id: &str) -> Result<Organization, Error> {
        self.get(&format!("/v1/organizations/{}", segment(id))).await
    }

    /// One organisation, with its entity tag.
    pub async fn organization_with_tag(&self, id: &str) -> Result<Tagged<Organization>, Error> {
        self.get_tagged(&format!("/v1/organizations/{}", segment(id))).await
    }

    /// Changes an organisation only if nobody changed it since it was read: 412 `precondition_failed` otherwise.
    pub async fn update_organization_if(
        &self,
        id: &str,
        etag: &str,
        request: &UpdateOrganization,
    ) -> Result<Written<Organization>, Error> {
        self.change_if(&format!("/v1/organizations/{}", segment(id)), etag, request).await
    }

    /// Changes an organisation's name or state.
    pub async fn update_organization(
        &self,
        id: &str,
        request: &UpdateOrganization,
    ) -> Result<Written<Organization>, Error> {
        self.write(Method::PATCH, &format!("/v1/organizations/{}", segment(id)), Some(request)).await
    }
}
