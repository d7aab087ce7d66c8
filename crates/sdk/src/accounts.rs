//! Members, invitations, API tokens, and who one is.

use portcullis_api::accounts::{AcceptInvitation, AcceptedInvitation};
use portcullis_api::tokens::ListTokens;
use portcullis_api::{
    ApiToken, CreateInvitation, CreateToken, CreatedInvitation, CreatedToken, Invitation, Me, Member, Page,
    UpdateMember, WhichPage,
};
use reqwest::Method;

use crate::client::{Client, accepted, make, read, segment};
use crate::error::Error;

impl Client {
    /// Whom the control plane takes the caller for.
    pub async fn me(&self) -> Result<Me, Error> {
        self.get("/v1/me").await
    }

    /// One page of an organisation's members.
    pub async fn list_members(&self, organization: &str, query: &WhichPage) -> Result<Page<Member>, Error> {
        read(self.request(Method::GET, &members(organization))?.query(query)).await
    }

    /// Makes a member something else.
    pub async fn update_member(&self, organization: &str, user: &str, request: &UpdateMember) -> Result<Member, Error> {
        let path = format!("{}/{}", members(organization), segment(user));
        read(self.request(Method::PATCH, &path)?.json(request)).await
    }

    /// Removes a member; their sessions and personal tokens there end.
    pub async fn remove_member(&self, organization: &str, user: &str) -> Result<(), Error> {
        let path = format!("{}/{}", members(organization), segment(user));
        accepted(self.request(Method::DELETE, &path)?).await.map(drop)
    }

    /// One page of an organisation's invitations that are neither accepted nor withdrawn.
    pub async fn list_invitations(&self, organization: &str, query: &WhichPage) -> Result<Page<Invitation>, Error> {
        read(self.request(Method::GET, &invitations(organization))?.query(query)).await
    }

    /// Invites somebody. The link is in this answer and nowhere else.
    pub async fn invite(&self, organization: &str, request: &CreateInvitation) -> Result<CreatedInvitation, Error> {
        make(self.request(Method::POST, &invitations(organization))?.json(request)).await
    }

    /// Withdraws an invitation.
    pub async fn withdraw_invitation(&self, organization: &str, invitation: &str) -> Result<Invitation, Error> {
        let path = format!("{}/{}", invitations(organization), segment(invitation));
        read(self.request(Method::DELETE, &path)?).await
    }

    /// Accepts an invitation. What this client's token is does not matter.
    pub async fn accept_invitation(&self, request: &AcceptInvitation) -> Result<AcceptedInvitation, Error> {
        read(self.request(Method::POST, "/v1/invitations:accept")?.json(request)).await
    }

    /// One page of API tokens.
    pub async fn list_tokens(&self, query: &ListTokens) -> Result<Page<ApiToken>, Error> {
        read(self.request(Method::GET, "/v1/tokens")?.query(query)).await
    }

    /// Makes an API token. Its text is in this answer and nowhere else.
    pub async fn create_token(&self, request: &CreateToken) -> Result<CreatedToken, Error> {
        make(self.request(Method::POST, "/v1/tokens")?.json(request)).await
    }

    /// Revokes an API token for good.
    pub async fn revoke_token(&self, id: &str) -> Result<ApiToken, Error> {
        read(self.request(Method::DELETE, &format!("/v1/tokens/{}", segment(id)))?).await
    }
}

fn members(organization: &str) -> String {
    format!("/v1/organizations/{}/members", segment(organization))
}

fn invitations(organization: &str) -> String {
    format!("/v1/organizations/{}/invitations", segment(organization))
}
