//! `/v1/policy`.

use portcullis_api::policy::{
    CheckPolicy, DiffPolicy, ListPolicyVersions, Policy, PolicyCheck, PolicyVersionDifference, PolicyVersionList,
    PublishPolicy, PublishedPolicy, RestorePolicy,
};
use reqwest::Method;

use crate::client::{Client, Written, read};
use crate::error::Error;

impl Client {
    /// The policy in force.
    pub async fn policy(&self) -> Result<Policy, Error> {
        self.get("/v1/policy").await
    }

    /// One page of versions, newest first.
    pub async fn policy_versions(&self, query: &ListPolicyVersions) -> Result<PolicyVersionList, Error> {
        read(self.request(Method::GET, "/v1/policy/versions")?.query(query)).await
    }

    /// One version.
    pub async fn policy_version(&self, version: u64) -> Result<Policy, Error> {
        self.get(&format!("/v1/policy/versions/{version}")).await
    }

    /// What changed in the text from a version, or the one before, to that one.
    pub async fn policy_diff(&self, version: u64, query: &DiffPolicy) -> Result<PolicyVersionDifference, Error> {
        read(self.request(Method::GET, &format!("/v1/policy/versions/{version}/diff"))?.query(query)).await
    }

    /// Whether a policy can be published, and whose access it would change.
    pub async fn check_policy(&self, request: &CheckPolicy) -> Result<PolicyCheck, Error> {
        read(self.request(Method::POST, "/v1/policy:check")?.json(request)).await
    }

    /// Publishes a policy.
    pub async fn publish_policy(&self, request: &PublishPolicy) -> Result<Written<PublishedPolicy>, Error> {
        self.write(Method::POST, "/v1/policy", Some(request)).await
    }

    /// Publishes an older version's text as a new version.
    pub async fn restore_policy(
        &self,
        version: u64,
        request: &RestorePolicy,
    ) -> Result<Written<PublishedPolicy>, Error> {
        self.write(Method::POST, &format!("/v1/policy/versions/{version}/restore"), Some(request)).await
    }
}
