//! What travels between the control plane, its clients and the edges: serde types and nothing else.
//!
//! No validation happens here: the control plane converts these into domain types, a client prints them. Times are
//! RFC 3339 strings in UTC. Invariant: no type that holds a key or a token shows it in its `Debug`.
#![forbid(unsafe_code)]

pub mod accounts;
pub mod apps;
pub mod audit;
pub mod denials;
pub mod edge;
pub mod edge_keys;
pub mod explain;
pub mod issuers;
pub mod keys;
pub mod oauth;
pub mod observations;
pub mod organizations;
pub mod page;
pub mod patch;
pub mod payments;
pub mod plans;
pub mod policy;
pub mod problem;
pub mod receipts;
pub mod restrictions;
pub mod secret;
pub mod secrets;
pub mod signing_keys;
pub mod skills;
pub mod status;
pub mod tokens;
pub mod traffic;
pub mod usage;
pub mod webhooks;

pub use accounts::{CreateInvitation, CreatedInvitation, Invitation, Me, Member, Role, UpdateMember};
pub use apps::{App, CreateApp, CreatedApp, Grant, UpdateApp};
pub use edge_keys::{AddEdgeKey, EdgeKey, KeyHolders};
pub use issuers::{CreateIssuer, Issuer, UpdateIssuer};
pub use keys::{CreateKey, CreatedKey, Key, KeyKind, KeyList, KeyStatus, RotateKey, UpdateKey};
pub use organizations::{CreateOrganization, Organization, OrganizationState, UpdateOrganization};
pub use page::{Page, WhichPage};
pub use patch::Patch;
pub use plans::{CreatePlan, CreateTopUp, KeyQuota, LostLeases, Plan, Quota, QuotaPeriod, TopUp, UpdatePlan};
pub use problem::Problem;
pub use restrictions::RestrictionsSpec;
pub use secret::{ApiKey, Secret};
pub use secrets::{CreateSecret, ReplaceValue, SecretRecord, UpdateSecret};
pub use signing_keys::SigningKey;
pub use skills::{CreateSkill, InstallSkill, Skill, UpdateSkill, UpgradeSkill};
pub use tokens::{ApiToken, CreateToken, CreatedToken, TokenKind};
pub use webhooks::{CreateWebhook, CreatedWebhook, Delivery, UpdateWebhook, Webhook};

/// Set on the answer to every write: the bundle version that contains it, which edges can fetch by then unless the
/// answer says `"published": false`.
pub const VERSION_HEADER: &str = "x-portcullis-version";

/// An unwrapped list: every member at once.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Data<T> {
    /// The members.
    pub data: Vec<T>,
}
