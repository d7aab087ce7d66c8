//! What can be told of a key from its times: whether it works, should have been rotated, or lies idle.
//!
//! Invariant: the order is the edge's: revoked, disabled, expired.

use portcullis_api::KeyStatus;

use crate::clock::DAY;
use crate::store::{KeyRow, KeySummary, Marks};

/// Older keys should have been rotated.
const ROTATION: u64 = 90 * DAY;
/// Keys that were not used for so long may not be needed.
const IDLE: u64 = 30 * DAY;
/// Keys that expire within it are about to.
const SOON: u64 = 14 * DAY;

/// A key's times, in Unix seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Life {
    pub(super) enabled: bool,
    pub(super) created_at: u64,
    pub(super) expires_at: Option<u64>,
    pub(super) revoked_at: Option<u64>,
    pub(super) last_used: Option<u64>,
}

impl Life {
    pub(super) fn status(&self, now: u64) -> KeyStatus {
        match self {
            Self { revoked_at: Some(_), .. } => KeyStatus::Revoked,
            Self { enabled: false, .. } => KeyStatus::Disabled,
            Self { expires_at: Some(expiry), .. } if *expiry <= now => KeyStatus::Expired,
            _ => KeyStatus::Active,
        }
    }

    /// The same rules for all keys at once.
    pub(super) fn marks(now: u64) -> Marks {
        Marks { now, overdue: now.saturating_sub(ROTATION), idle: now.saturating_sub(IDLE), soon: now + SOON }
    }

    pub(super) fn age(&self, now: u64) -> u64 {
        now.saturating_sub(self.created_at)
    }

    /// Whether it can work, and should have been rotated.
    pub(super) fn is_overdue(&self, now: u64) -> bool {
        matches!(self.status(now), KeyStatus::Active | KeyStatus::Disabled) && self.age(now) > ROTATION
    }

    /// Whether it works, and nobody used it for long.
    pub(super) fn is_idle(&self, now: u64) -> bool {
        let touched = self.last_used.unwrap_or(0).max(self.created_at);
        self.status(now) == KeyStatus::Active && now.saturating_sub(touched) > IDLE
    }
}

impl From<&KeyRow> for Life {
    fn from(row: &KeyRow) -> Self {
        let &KeyRow { enabled, created_at, expires_at, revoked_at, last_used, .. } = row;
        Self { enabled, created_at, expires_at, revoked_at, last_used }
    }
}

impl From<&KeySummary> for Life {
    fn from(key: &KeySummary) -> Self {
        let &KeySummary { enabled, created_at, expires_at, revoked_at, last_used, .. } = key;
        Self { enabled, created_at, expires_at, revoked_at, last_used }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overdue_and_idle() {
        let now = 1000 * DAY;
        let ago = |days: u64| now - days * DAY;
        let works = Life { enabled: true, created_at: ago(100), expires_at: None, revoked_at: None, last_used: None };
        for (life, overdue, idle) in [
            (works, true, true),
            (Life { created_at: ago(90), ..works }, false, true),
            (Life { created_at: ago(30), ..works }, false, false),
            (Life { created_at: ago(31), ..works }, false, true),
            (Life { last_used: Some(ago(31)), ..works }, true, true),
            (Life { last_used: Some(ago(30)), ..works }, true, false),
            (Life { last_used: Some(now + DAY), ..works }, true, false),
            (Life { enabled: false, ..works }, true, false),
            (Life { expires_at: Some(now), ..works }, false, false),
            (Life { expires_at: Some(now + 1), ..works }, true, true),
            (Life { revoked_at: Some(now), ..works }, false, false),
        ] {
            assert_eq!((life.is_overdue(now), life.is_idle(now)), (overdue, idle), "{life:?}");
        }
    }
}
