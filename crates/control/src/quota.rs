//! Quotas: plans, periods, and the ledger of what was given to which process of which edge.
//!
//! Edges spend what they were given and tell afterwards; here is the truth about what was given. Invariant: whatever is lost, doubled,
//! late or dies, what edges were given of a meter and did not give back never exceeds its limit.

mod desk;
mod fields;
mod leases;
mod ledger;
mod period;
pub(crate) mod plans;
mod show;
mod top_ups;

pub(crate) use desk::{Desk, MeterKey, MeterRow, Metered, QuotaEvent};
pub(crate) use fields::{key_quota, rate, time_zone};
pub(crate) use leases::{drain, take};
pub(crate) use ledger::{Lease, Sums};
pub(crate) use period::{Period, Rule, zone};
pub(crate) use plans::{assigned, default, organization_limits};
pub(crate) use show::{show, show_seen};
pub(crate) use top_ups::{top_up, top_ups};
