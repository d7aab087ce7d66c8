//! `/v1/plans`, `/v1/quota` and `/v1/organizations/{id}/top-ups`.

use portcullis_api::plans::WhichQuota;
use portcullis_api::{CreatePlan, CreateTopUp, Data, Plan, Quota, TopUp, UpdatePlan};
use reqwest::Method;

use crate::client::{Client, Tagged, Written, read, segment};
use crate::error::Error;

impl Client {
    /// Makes a plan.
    pub async fn create_plan(&self, request: &CreatePlan) -> Result<Written<Plan>, Error> {
        self.write(Method::POST, "/v1/plans", Some(request)).await
    }

    /// Every plan, by name.
    pub async fn list_plans(&self) -> Result<Vec<Plan>, Error> {
        let all: Data<Plan> = self.get("/v1/plans").await?;
        Ok(all.data)
    }

    /// One plan, with its entity tag.
    pub async fn plan_with_tag(&self, name: &str) -> Result<Tagged<Plan>, Error> {
        self.get_tagged(&format!("/v1/plans/{}", segment(name))).await
    }

    /// Changes a plan. Limits follow at once, the bounds of periods that run do not.
    pub async fn update_plan(&self, name: &str, request: &UpdatePlan) -> Result<Written<Plan>, Error> {
        self.write(Method::PATCH, &format!("/v1/plans/{}", segment(name)), Some(request)).await
    }

    /// The same, only if nobody changed it since it was read: 412 `precondition_failed` otherwise.
    pub async fn update_plan_if(&self, name: &str, etag: &str, request: &UpdatePlan) -> Result<Written<Plan>, Error> {
        self.change_if(&format!("/v1/plans/{}", segment(name)), etag, request).await
    }

    /// Removes a plan that no organisation has.
    pub async fn delete_plan(&self, name: &str) -> Result<Written<Plan>, Error> {
        self.write(Method::DELETE, &format!("/v1/plans/{}", segment(name)), None::<&()>).await
    }

    /// Gives an organisation more tokens in the period that runs.
    pub async fn top_up(&self, organization: &str, request: &CreateTopUp) -> Result<Written<TopUp>, Error> {
        let path = format!("/v1/organizations/{}/top-ups", segment(organization));
        self.write(Method::POST, &path, Some(request)).await
    }

    /// What an organisation got beside its plan's tokens, the latest first.
    pub async fn list_top_ups(&self, organization: &str) -> Result<Vec<TopUp>, Error> {
        let all: Data<TopUp> = self.get(&format!("/v1/organizations/{}/top-ups", segment(organization))).await?;
        Ok(all.data)
    }

    /// What is left of an organisation's quota, or of a key's own.
    pub async fn quota(&self, which: &WhichQuota) -> Result<Quota, Error> {
        read(self.request(Method::GET, "/v1/quota")?.query(which)).await
    }
}
