//! Plans as stored, and what is asked about them.

use async_trait::async_trait;
use portcullis_api::plans::Rate;
use portcullis_api::{LostLeases, QuotaPeriod};

use super::StoreError;

/// Questions about plans.
#[async_trait]
pub(crate) trait Plans {
    /// One plan.
    async fn plan(&self, name: &str) -> Result<Option<PlanRow>, StoreError>;

    /// Every plan, by name.
    async fn plans(&self) -> Result<Vec<PlanRow>, StoreError>;

    /// How many organisations have it.
    async fn plan_uses(&self, name: &str) -> Result<u64, StoreError>;
}

/// A plan as stored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct PlanRow {
    /// Its name in requests.
    pub name: String,
    /// What people call it.
    pub display_name: String,
    /// Tokens in each period; `None` = nobody counts.
    pub limit: Option<u64>,
    /// Over what they are counted.
    pub period: QuotaPeriod,
    /// How many requests may be made.
    pub rate: Option<Rate>,
    /// What becomes of what a process held when it died.
    pub lost_leases: LostLeases,
    /// Whether organisations made from now on have it.
    pub is_default: bool,
    /// When it was made, in Unix seconds.
    pub created_at: u64,
    /// The version it last changed in, as read.
    pub changed_in: u64,
}
