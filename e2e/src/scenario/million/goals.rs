//! What has to be met with how many keys.
//!
//! The goals are those of a million keys on two free cores. Fewer keys are for machines that do other things beside:
//! there a goal is what only something broken misses.

/// Limits, in the units that they are named after.
#[derive(Clone, Copy, Debug)]
pub(super) struct Goals {
    pub(super) bundle_mb: f64,
    pub(super) growth_mb: f64,
    pub(super) seconds: f64,
    pub(super) moved_kb: f64,
    pub(super) revocation_ms: f64,
    /// The same from when it is sent, while others create keys without a pause.
    pub(super) storm_ms: f64,
    /// How much longer a request may wait while a version is applied, at the 99.9th percentile.
    pub(super) added_ms: f64,
}

impl Goals {
    const MILLION: Self = Self {
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
