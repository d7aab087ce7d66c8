//! Members of organisations, invitations, and who a caller is: bodies of requests and answers.

use serde::{Deserialize, Serialize};

use crate::secret::Secret;

/// What a member is in an organisation. Each may all that the ones after it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Makes and unmakes owners.
    Owner,
    /// Manages members, service tokens and the organisation.
    Admin,
    /// Manages keys.
    Member,
    /// Looks.
    Viewer,
}

impl Role {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Admin => "admin",
            Self::Member => "member",
            Self::Viewer => "viewer",
        }
    }
}

/// A member of an organisation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Member {
    /// `usr_` + 16 characters.
    pub user: String,
    /// Their e-mail address.
    pub email: String,
    /// What people call them.
    pub name: String,
    /// What they are there.
    pub role: Role,
    /// Since when.
    pub created_at: String,
    /// When they were last seen there by a session that has not ended.
    pub last_seen: Option<String>,
}

/// `PATCH /v1/organizations/{id}/members/{user}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct UpdateMember {
    /// What they are from now on.
    pub role: Role,
}

/// `POST /v1/organizations/{id}/invitations`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct CreateInvitation {
    /// What they will be.
    pub role: Role,
    /// Whom it is for: the e-mail address that they will sign in with.
    pub email: String,
}

/// An invitation that is neither accepted nor withdrawn, or the one that just was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Invitation {
    /// `inv_` + 16 characters.
    pub id: String,
    /// The organisation's id.
    pub organization: String,
    /// What they will be.
    pub role: Role,
    /// Whom it is for; `null` = the first owner.
    pub email: Option<String>,
    /// Who made it.
    pub created_by: String,
    /// When it was made.
    pub created_at: String,
    /// From when on it no longer works.
    pub expires_at: String,
    /// When it was withdrawn.
    pub withdrawn_at: Option<String>,
}

/// The only answer that holds an invitation's link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CreatedInvitation {
    /// The invitation.
    #[serde(flatten)]
    pub record: Invitation,
    /// Where to accept it. It cannot be shown again.
    pub url: Secret,
}

/// `POST /v1/invitations:accept`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct AcceptInvitation {
    /// The end of the link: `pci_` + 40 characters.
    pub token: Secret,
    /// Your e-mail address, unless the invitation names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// What people call you; only if you are new here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Your password: a new one of at least 12 characters, or the one you have.
    pub password: Secret,
}

/// A person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct User {
    /// `usr_` + 16 characters.
    pub id: String,
    /// Their e-mail address.
    pub email: String,
    /// What people call them.
    pub name: String,
}

/// An organisation that somebody is a member of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Membership {
    /// The organisation's id.
    pub organization: String,
    /// What it is called.
    pub name: String,
    /// What they are there.
    pub role: Role,
}

/// The answer to an accepted invitation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AcceptedInvitation {
    /// Who it is.
    pub user: User,
    /// What they are now, and where.
    pub membership: Membership,
}

/// What kind of caller somebody is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum CallerKind {
    /// Whoever holds the administrator's token.
    Root,
    /// A person who is signed in.
    User,
    /// A program with a personal or a service token.
    Token,
}

/// `GET /v1/me`: whom the control plane takes the caller for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Me {
    /// What kind of caller.
    pub kind: CallerKind,
    /// The id of the organisation it acts for.
    pub organization: String,
    /// What that is called.
    pub organization_name: String,
    /// Whether it sees every organisation, not that one alone.
    pub every_organization: bool,
    /// The person behind it.
    pub user: Option<User>,
    /// What they are in the organisation.
    pub role: Option<Role>,
    /// The name of the token it carries.
    pub token: Option<String>,
    /// What it may do, such as `keys:read`.
    pub permissions: Vec<String>,
    /// Every organisation that the person is a member of.
    pub memberships: Vec<Membership>,
}
