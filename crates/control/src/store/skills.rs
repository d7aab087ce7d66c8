//! Skills as stored: which services each may use, with which secrets, in which version.
//!
//! Rows and questions only; what a reference stands for is decided in `skills`. Invariants: of one organisation, owner and name
//! there is one skill; a version, once stored, never changes.

use async_trait::async_trait;
use portcullis_api::skills::ServiceLink;
use portcullis_engine::{KeyId, OrganizationId, SkillId};

use super::{Boxes, SecretRow, Slice, StoreError};
use crate::caller::Scope;
use crate::id::UserId;

/// A skill as stored. Times are Unix seconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SkillRow {
    /// Its id.
    pub id: SkillId,
    /// Whose it is.
    pub organization: OrganizationId,
    /// Whose it is in particular; `None` = the organisation's.
    pub owner: Option<UserId>,
    /// What people call it.
    pub name: String,
    /// For people.
    pub description: String,
    /// The version in force: of its own services, or of its publisher's that are installed.
    pub version: u64,
    /// The version that others can install.
    pub published: Option<u64>,
    /// The skill that it was installed from. It may be gone.
    pub installed_from: Option<SkillId>,
    /// The services of the version in force, by their names, and of each the names of secrets, sorted.
    pub services: Vec<ServiceLink>,
    /// Who made it.
    pub created_by: Option<String>,
    /// When it was made.
    pub created_at: u64,
    /// The version of the bundle that contains its last change, as read.
    pub changed_in: u64,
}

/// A skill with what is told of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ShownSkill {
    /// The skill.
    pub row: SkillRow,
    /// Its owner's e-mail address.
    pub owner_email: Option<String>,
    /// How many keys that are not revoked belong to it.
    pub key_count: u64,
    /// What its publisher has published now, if it was installed.
    pub available: Option<u64>,
}

/// A published skill, as everyone sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PublishedRow {
    /// The skill, its services those of the published version.
    pub row: SkillRow,
    /// What its publisher is called.
    pub publisher: String,
}

/// Everything that an organisation's skills are published from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct SkillSources {
    /// Its skills.
    pub skills: Vec<SkillRow>,
    /// Its secrets, and their boxes by their keys.
    pub secrets: Vec<(SecretRow, Boxes)>,
}

/// What can be written about skills. Each takes a version.
#[derive(Clone, Debug)]
pub(crate) enum SkillWrite {
    /// A new one, and its version; [`StoreError::Duplicate`] if the name is taken, [`StoreError::Conflict`] if its owner is no member of
    /// the organisation.
    Insert(SkillRow),
    /// One's new state, and its version if that is another; [`StoreError::Conflict`] if it changed since it was read.
    Replace(SkillRow),
    /// One goes, and keys that belonged to it belong to none; [`StoreError::Conflict`] if it is gone.
    Delete(SkillId),
}

/// Questions about skills.
#[async_trait]
pub(crate) trait Skills {
    /// One in scope.
    async fn skill(&self, scope: Scope, id: SkillId) -> Result<Option<ShownSkill>, StoreError>;

    /// Those in scope, newest first; of skills that have an owner, only this person's.
    async fn skills(&self, scope: Scope, seen_by: Option<UserId>, slice: &Slice)
    -> Result<Vec<ShownSkill>, StoreError>;

    /// A published one, wherever it is.
    async fn published_skill(&self, id: SkillId) -> Result<Option<PublishedRow>, StoreError>;

    /// All that are published, wherever they are, newest first.
    async fn published_skills(&self, slice: &Slice) -> Result<Vec<PublishedRow>, StoreError>;

    /// All of an organisation, oldest first.
    async fn skills_of(&self, organization: OrganizationId) -> Result<Vec<SkillRow>, StoreError>;

    /// Keys that belong to one and are not revoked, by id and name: so many at most, in the order of their names.
    async fn keys_of_skill(&self, id: SkillId, limit: u32) -> Result<Vec<(KeyId, String)>, StoreError>;

    /// How many an organisation has.
    async fn skill_count(&self, organization: OrganizationId) -> Result<u64, StoreError>;
}
