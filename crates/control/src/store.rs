//! What the control plane remembers, behind traits: rows in, rows out, every write in one transaction.
//!
//! One trait and one file of rows for each kind of thing; SQL is in `sql`, compiled for both databases. It knows nothing
//! of HTTP and decides nothing. Invariant: a change either is in the database, with its rows in the audit log and, if
//! edges have to know of it, with a new, higher version, or did not happen.

mod accounts;
mod answers;
mod apps;
mod attention;
mod audit;
mod change;
#[cfg(test)]
mod conformance;
mod denials;
mod error;
mod fleet;
mod intake;
mod issuers;
mod keys;
mod leases;
mod migrations;
mod observations;
mod open;
mod organizations;
mod plans;
mod policies;
mod postgres;
mod secrets;
mod settings;
mod skills;
mod sqlite;
mod token_keys;
mod usage;
mod webhooks;

use async_trait::async_trait;
use portcullis_api::edge::SampleKind;
use portcullis_bundle::{Layout, OrganizationEntry};
use portcullis_engine::{KeyId, OrganizationId};

pub(crate) use accounts::{
    AccountWrite, ActiveSession, ActiveToken, InvitationRow, Invitations, MemberRow, Members, MembershipRow,
    SessionRow, Sessions, Slice, TokenRow, Tokens, UserRow, Users,
};
pub(crate) use answers::{Answers, Claim, Claimed};
pub(crate) use apps::{AppRow, AppWrite, Apps, CodeRow, GrantRow, Grants, GrantsOf, RefreshRow, ShownGrant};
pub(crate) use attention::{Attention, KeyCounts, Marks};
pub(crate) use audit::{Audit, AuditFilter};
pub(crate) use change::{Action, Actor, AuditRow, Change, Target};
pub(crate) use denials::{Audience, DENIALS, DenialFilter, DenialRow, Denials};
pub(crate) use error::StoreError;
pub(crate) use fleet::{
    Before, Count, EdgeRow, Edges, Heard, HeardEdge, HeardVm, Missing, ProgressRow, Reports, SLOT_MS, VERSIONS_KEPT,
    VmRow, add,
};
pub(crate) use intake::{Batch, Intake, Noted, Portion, Stream, TakenIn};
pub(crate) use issuers::{Fetched, IssuerRow, IssuerWrite, Issuers, OwnedIssuer};
pub(crate) use keys::{BundleKey, KeyRow, KeySummary, Keys, MOST_IN_BUCKET, TrialRow, UnrevokedKey, Visitor};
use keys::{published_limits, published_status, with_trial};
pub(crate) use leases::{LeaseCall, LeaseOutcome, Leases, TopUpRow};
pub(crate) use migrations::latest_migration;
pub(crate) use observations::{OBSERVATIONS, OBSERVATIONS_OF_A_KEY, Observations, Seen, Sighting};
pub(crate) use open::{OpenError, beside, lock, open};
pub(crate) use organizations::{OrganizationRow, Organizations};
pub(crate) use plans::{PlanRow, Plans};
pub(crate) use policies::{KeyGroup, Policies, PolicyRow};
use postgres::PostgresStore;
pub(crate) use secrets::{
    Boxes, EdgeKeyRow, Lately, SecretFilter, SecretRow, SecretWrite, Secrets, ShownSecret, UsedBy,
};
pub(crate) use settings::{SIGNING_KEY, Settings};
pub(crate) use skills::{PublishedRow, ShownSkill, SkillRow, SkillSources, SkillWrite, Skills};
pub(crate) use sqlite::SqliteStore;
pub(crate) use token_keys::{TokenKeyRow, TokenKeys, TokenKeysWrite, TokenSources};
pub(crate) use usage::{
    DAYS_KEPT, Grain, HOURS_KEPT_DAYS, MOST_ROUTES, Part, Place, STREAMS_KEPT_DAYS, Span, UsageQuestion, UsageSum,
    Usages, Used, UsedFor,
};
pub(crate) use webhooks::{
    Deliveries, DeliveryRow, Due, MOST_WAITING, Outcome, QuotaEventRow, WebhookRow, WebhookWrite, Webhooks,
};

/// Everything the control plane asks of a database.
#[async_trait]
pub(crate) trait Store:
    Answers
    + Apps
    + Attention
    + Audit
    + Deliveries
    + Denials
    + Edges
    + Grants
    + Intake
    + Invitations
    + Issuers
    + Keys
    + Leases
    + Members
    + Observations
    + Organizations
    + Plans
    + Policies
    + Reports
    + Secrets
    + Sessions
    + Settings
    + Skills
    + TokenKeys
    + Tokens
    + Usages
    + Users
    + Webhooks
    + Send
    + Sync
{
    /// Does all of a change or none. If edges have to know of it, it takes a new version, higher than every one before
    /// and at least `version_floor`. Returns the version that contains it. What others kept from being written, or a
    /// connection that broke, is tried again here; only [`StoreError::Unknown`] leaves open whether it is stored.
    async fn write(&self, change: &Change, version_floor: u64) -> Result<u64, StoreError>;

    /// Takes a new version without a change.
    async fn take_version(&self, version_floor: u64) -> Result<u64, StoreError>;

    /// Takes a given version without a change, unless it was taken before. Returns the one that is taken now.
    async fn advance_to(&self, version: u64) -> Result<u64, StoreError>;

    /// The version that contains every write so far.
    async fn version(&self) -> Result<u64, StoreError>;

    /// Everything that changed after `version`, as of one moment. From the start of it all, keys revoked before
    /// `revoked_since` may be left out.
    async fn changes(&self, version: u64, revoked_since: u64) -> Result<Changes, StoreError>;

    /// Tells of versions that any control plane takes, as soon as they can be read; `u64::MAX` if some may have been missed.
    /// Never returns. Where nobody else can write, it tells nothing.
    async fn listen(&self, heard: &(dyn Fn(u64) + Send + Sync));

    /// How many connections are in use.
    fn connections(&self) -> Vec<PoolUse>;

    /// Lets go of the database.
    async fn close(&self);
}

/// How many connections a pool has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PoolUse {
    /// What they are for.
    pub pool: &'static str,
    /// Open now.
    pub open: u64,
    /// Of these, not in use.
    pub idle: u64,
    /// The most there may be.
    pub most: u64,
}

/// One change.
#[derive(Clone, Debug)]
pub(crate) enum Write {
    /// A new key.
    InsertKey(KeyRow),
    /// A key whose digest somebody chose; refused with [`StoreError::Crowded`] if its organisation has [`MOST_IN_BUCKET`] in that
    /// bucket, be that as of this layout or as the number of keys would have it by now.
    ImportKey(KeyRow, Layout),
    /// A key's new state; refused with [`StoreError::Conflict`] if the row changed since it was read.
    ReplaceKey(KeyRow),
    /// A new organisation.
    InsertOrganization(OrganizationRow),
    /// An organisation's new state; refused with [`StoreError::Conflict`] if the row changed since it was read.
    ReplaceOrganization(OrganizationRow),
    /// A new plan.
    InsertPlan(PlanRow),
    /// A plan's new state; refused with [`StoreError::Conflict`] if the row changed since it was read.
    ReplacePlan(PlanRow),
    /// A plan goes; refused with [`StoreError::Conflict`] if the row changed since it was read, or an organisation has it.
    DeletePlan(String, u64),
    /// Tokens beside the plan's; refused with [`StoreError::Conflict`] if another period runs than the one that they are for.
    TopUp(TopUpRow),
    /// What was observed of a key is about something that is no longer so.
    ForgetObservations(KeyId, SampleKind),
    /// A new policy; refused with [`StoreError::Conflict`] if its version is taken.
    PublishPolicy(PolicyRow),
    /// About people, sessions, invitations and tokens.
    Account(AccountWrite),
    /// About apps and what people allow them.
    App(AppWrite),
    /// About webhooks and what they are sent.
    Webhook(WebhookWrite),
    /// About whose access tokens are accepted.
    Issuer(IssuerWrite),
    /// About what access tokens are signed with.
    TokenKeys(TokenKeysWrite),
    /// About secrets, and what they are sealed to.
    Secret(SecretWrite),
    /// About skills.
    Skill(SkillWrite),
}

impl Write {
    /// Whether edges have to know of it.
    pub(crate) fn changes_bundle(&self) -> bool {
        match self {
            Self::InsertKey(_)
            | Self::ImportKey(..)
            | Self::ReplaceKey(_)
            | Self::InsertOrganization(_)
            | Self::ReplaceOrganization(_)
            | Self::InsertPlan(_)
            | Self::ReplacePlan(_)
            | Self::DeletePlan(..)
            | Self::TopUp(_)
            | Self::App(AppWrite::EndGrants(..))
            | Self::PublishPolicy(_)
            | Self::Issuer(_)
            | Self::TokenKeys(_)
            | Self::Secret(_)
            | Self::Skill(_) => true,
            Self::ForgetObservations(..) | Self::Account(_) | Self::App(_) | Self::Webhook(_) => false,
        }
    }
}

/// What changed, as of one moment.
#[derive(Clone, Debug, Default)]
pub(crate) struct Changes {
    /// The version of that moment.
    pub version: u64,
    /// New state of the keys that changed.
    pub keys: Vec<BundleKey>,
    /// New state of the organisations that changed.
    pub organizations: Vec<OrganizationEntry>,
    /// The newest policy, if it changed.
    pub policy: Option<PolicyRow>,
    /// The issuers whose keys are not revoked, changed or not.
    pub issuers: Vec<OwnedIssuer>,
    /// What tokens depend on, changed or not.
    pub tokens: TokenSources,
    /// What the skills of those organisations stand on in which anything about skills or secrets changed.
    pub skills: Vec<(OrganizationId, SkillSources)>,
}
