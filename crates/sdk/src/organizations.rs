//! `/v1/organizations`.

use portcullis_api::{CreateOrganization, Data, Organization, UpdateOrganization};
use reqwest::Method;

use crate::client::{Client, Written, segment};
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

    /// Changes an organisation's name or state.
    pub async fn update_organization(
        &self,
        id: &str,
        request: &UpdateOrganization,
    ) -> Result<Written<Organization>, Error> {
        self.write(Method::PATCH, &format!("/v1/organizations/{}", segment(id)), Some(request)).await
    }
}
