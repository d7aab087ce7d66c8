//! Secrets as stored, and the public keys they are sealed to.
//!
//! A value is here as boxes, one for each of the edges' keys, which nothing here can open. Rows and questions only; who may do
//! what is decided in `secrets`. Invariants: of one organisation, owner and name there is one secret; a secret is sealed to
//! the keys that were there when its value was entered, to all of them or it is not stored.

use std::collections::BTreeMap;

use async_trait::async_trait;
use portcullis_engine::{OrganizationId, SecretId, SkillId};
use portcullis_seal::{KeyName, PublicKey};

use super::{Slice, StoreError};
use crate::caller::Scope;
use crate::id::UserId;

/// A public key of the edges. Times are Unix seconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct EdgeKeyRow {
    /// The key.
    pub key: PublicKey,
    /// For people.
    pub description: String,
    /// Who added it.
    pub created_by: Option<String>,
    /// When it was added.
    pub created_at: u64,
}

/// The same value, sealed to each of the edges' keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Boxes(pub Vec<(KeyName, Vec<u8>)>);

impl Boxes {
    /// How many bytes they have together.
    pub(crate) fn size(&self) -> usize {
        self.0.iter().map(|(_, sealed)| sealed.len()).sum()
    }
}

/// A secret as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SecretRow {
    /// Its id.
    pub id: SecretId,
    /// Whose it is.
    pub organization: OrganizationId,
    /// Whose skills it serves; `None` = every skill of the organisation.
    pub owner: Option<UserId>,
    /// What skills call it.
    pub name: String,
    /// For people.
    pub description: String,
    /// How often its value was entered.
    pub revision: u64,
    /// Who made it.
    pub created_by: Option<String>,
    /// When it was made.
    pub created_at: u64,
    /// Who entered its value last.
    pub replaced_by: Option<String>,
    /// When that was.
    pub replaced_at: u64,
    /// When an edge last used it, as read.
    pub last_used: Option<u64>,
    /// The version that contains its last change, as read.
    pub changed_in: u64,
}

/// A secret with what is told of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ShownSecret {
    /// The secret.
    pub row: SecretRow,
    /// Its owner's e-mail address.
    pub owner_email: Option<String>,
    /// The edges' keys that it is not sealed to.
    pub unsealed: Vec<KeyName>,
    /// The skills whose references it is found by now, oldest first.
    pub skills: Vec<UsedBy>,
}

/// A skill that a secret is used by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UsedBy {
    /// The skill.
    pub id: SkillId,
    /// What people call it.
    pub name: String,
    /// Whose it is.
    pub owner: Option<UserId>,
}

/// Which secrets are asked for.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct SecretFilter {
    /// Of secrets that have an owner, only this person's.
    pub seen_by: Option<UserId>,
    /// Only those that no skill uses, or that were used before that time or never (Unix seconds) and are older than that.
    pub unused_since: Option<u64>,
    /// Only those that are not sealed to this key.
    pub unsealed: Option<KeyName>,
}

/// Which VMs count. Times are Unix milliseconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lately {
    /// Who reported at or after that is there.
    pub(crate) there_ms: u64,
    /// And who did at or after that, if nobody of their edge has since: it may be us that could not be reached.
    pub(crate) known_ms: u64,
}

/// What can be written about secrets and the edges' keys. Each takes a version.
#[derive(Clone, Debug)]
pub(crate) enum SecretWrite {
    /// A new key of the edges; [`StoreError::Duplicate`] if it is there, [`StoreError::Conflict`] if there are so many.
    InsertKey(EdgeKeyRow, usize),
    /// A key of the edges goes, with its boxes; [`StoreError::Conflict`] if it is gone, or `force` is not said and a secret would have no
    /// box left, or an edge no key for one.
    DeleteKey {
        /// Which key.
        key: KeyName,
        /// Whether secrets may be left without a box, and edges without a key that they need.
        force: bool,
        /// Which edges count.
        lately: Lately,
    },
    /// A new secret and its value; [`StoreError::Duplicate`] if the name is taken, [`StoreError::Conflict`] if the boxes are not
    /// for exactly the edges' keys that are there now, or its owner is no member of the organisation.
    Insert(SecretRow, Boxes),
    /// A secret's new state and value; [`StoreError::Conflict`] if it changed since it was read, or as above.
    Replace(SecretRow, Boxes),
    /// A secret's new description; [`StoreError::Conflict`] if it changed since it was read.
    Describe(SecretRow),
    /// A secret goes; [`StoreError::Conflict`] if it is gone.
    Delete(SecretId),
    /// What a member has in an organisation goes with them: personal secrets and skills; keys of those skills have none.
    DeleteOf(OrganizationId, UserId),
}

/// Questions about secrets and the edges' keys.
#[async_trait]
pub(crate) trait Secrets {
    /// The edges' keys, oldest first; each with the number of secrets in scope, seen so, that are not sealed to it.
    async fn edge_keys(&self, scope: Scope, seen_by: Option<UserId>) -> Result<Vec<(EdgeKeyRow, u64)>, StoreError>;

    /// How many secrets have a box for that key and for no other.
    async fn sealed_to_alone(&self, key: KeyName) -> Result<u64, StoreError>;

    /// The edges, by name, of which a VM has that key and, of those that are here, none else, or none else that some secret is sealed
    /// to. Secrets that are sealed to that key alone do not count.
    async fn edges_in_need_of(&self, key: KeyName, lately: Lately) -> Result<Vec<String>, StoreError>;

    /// One in scope.
    async fn secret(&self, scope: Scope, id: SecretId) -> Result<Option<ShownSecret>, StoreError>;

    /// The one of that name.
    async fn secret_named(
        &self,
        organization: OrganizationId,
        owner: Option<UserId>,
        name: &str,
    ) -> Result<Option<ShownSecret>, StoreError>;

    /// Those in scope that the filter lets through, newest first.
    async fn secrets(&self, scope: Scope, filter: &SecretFilter, slice: &Slice)
    -> Result<Vec<ShownSecret>, StoreError>;

    /// All of an organisation, oldest first; no box is read.
    async fn secrets_of(&self, organization: OrganizationId) -> Result<Vec<SecretRow>, StoreError>;

    /// How many bytes the boxes of each secret of an organisation have; no box is read.
    async fn box_sizes(&self, organization: OrganizationId) -> Result<BTreeMap<SecretId, usize>, StoreError>;

    /// How many an organisation has.
    async fn secret_count(&self, organization: OrganizationId) -> Result<u64, StoreError>;
}
