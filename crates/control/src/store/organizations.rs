//! Organisations as stored, and what is asked about them.

use async_trait::async_trait;
use portcullis_engine::{OrganizationId, OrganizationState};

use super::StoreError;
use crate::caller::Scope;

/// Questions about organisations.
#[async_trait]
pub(crate) trait Organizations {
    /// One organisation in scope.
    async fn organization(&self, scope: Scope, id: OrganizationId) -> Result<Option<OrganizationRow>, StoreError>;

    /// Every organisation in scope, oldest first.
    async fn organizations(&self, scope: Scope) -> Result<Vec<OrganizationRow>, StoreError>;
}

/// An organisation as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OrganizationRow {
    /// Its public name.
    pub id: OrganizationId,
    /// What people call it.
    pub name: String,
    /// Whether its keys work.
    pub state: OrganizationState,
    /// Whether keys created without an organisation belong to it.
    pub is_default: bool,
    /// Its plan's name.
    pub plan: Option<String>,
    /// Its time zone, by its name in the IANA database.
    pub time_zone: String,
    /// When it was created, in Unix seconds.
    pub created_at: u64,
    /// The version it last changed in, as read.
    pub changed_in: u64,
}
