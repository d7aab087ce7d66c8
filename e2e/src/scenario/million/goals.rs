//! What has to be met with how many keys.
//!
//! The goals are those of a million keys on two free cores. Fewer keys are for machines that do other things beside:
//! there a goal is what only something broken misses.

/// Limits, in the units that they are named after.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Goals {
    pub(crate) bundle_mb: f64,
    pub(crate) growth_mb: f64,
    pub(crate) seconds: f64,
    pub(crate) moved_kb: f64,
    pub(crate) revocation_ms: f64,
    /// The same from when it is sent, while others create keys without a pause.
    pub(crate) storm_ms: f64,
    /// How much longer a request may wait while a version is applied, at the 99.9th percentile.
    pub(crate) added_ms: f64,
}

impl Goals {
    pub(crate) const MILLION: Self = Self {
        bundle_mb: 64.0,
        growth_mb: 120.0,
        seconds: 10.0,
        moved_kb: 300.0,
        revocation_ms: 300.0,
        storm_ms: 5000.0,
        added_ms: 5.0,
    };

    const FEWER: Self = Self {
        bundle_mb: 6.4,
        growth_mb: 20.0,
        seconds: 5.0,
        moved_kb: 300.0,
        revocation_ms: 1000.0,
        storm_ms: 9000.0,
        added_ms: 1000.0,
    };

    /// Those for that many keys.
    pub(super) fn for_keys(count: usize) -> Self {
        if count < 1_000_000 { Self::FEWER } else { Self::MILLION }
    }
}
