//! The clock, injected, and the two forms of time: Unix seconds inside, RFC 3339 in UTC outside.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use jiff::Timestamp;

/// A minute, in seconds.
pub(crate) const MINUTE: u64 = 60;
/// An hour.
pub(crate) const HOUR: u64 = 60 * MINUTE;
/// A day of 24 hours.
pub(crate) const DAY: u64 = 24 * HOUR;

/// Milliseconds since 1970, from wherever it was told to take them.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> u64 + Send + Sync>);

impl Clock {
    /// The machine's clock.
    pub fn system() -> Self {
        Self::from_millis(|| {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            u64::try_from(now.as_millis()).unwrap_or(u64::MAX)
        })
    }

    /// A clock that tests set.
    pub fn from_millis(now: impl Fn() -> u64 + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// Milliseconds since 1970.
    pub fn millis(&self) -> u64 {
        (self.0)()
    }

    /// Seconds since 1970.
    pub fn seconds(&self) -> u64 {
        self.millis() / 1000
    }
}

impl std::fmt::Debug for Clock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Clock")
    }
}

/// The last time that means anything: bundles hold expiries as 32 bits. 2106-02-07T06:28:15Z.
pub(crate) const MAX_TIME: u64 = u32::MAX as u64;

/// `2026-01-15T12:00:00Z`. RFC 3339 has no words for what comes after the year 9999.
pub(crate) fn to_rfc3339(seconds: u64) -> String {
    let timestamp = i64::try_from(seconds).ok().and_then(|seconds| Timestamp::from_second(seconds).ok());
    timestamp.unwrap_or(Timestamp::MAX).strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// `2026-01-15T12:00:00.250Z`.
pub(crate) fn millis_to_rfc3339(millis: u64) -> String {
    let timestamp = i64::try_from(millis).ok().and_then(|millis| Timestamp::from_millisecond(millis).ok());
    timestamp.unwrap_or(Timestamp::MAX).strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}

/// Unix seconds of an RFC 3339 time, any offset; `None` if it is none or before 1970.
pub(crate) fn from_rfc3339(text: &str) -> Option<u64> {
    let timestamp: Timestamp = text.parse().ok()?;
    u64::try_from(timestamp.as_second()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_convert() {
        for (text, expected) in [
            ("2026-01-15T12:00:00Z", Some(1_768_478_400)),
            ("2026-01-15T13:00:00+01:00", Some(1_768_478_400)),
            ("2026-01-15T12:00:00.75Z", Some(1_768_478_400)),
            ("1970-01-01T00:00:00Z", Some(0)),
            ("1969-12-31T23:59:59Z", None),
            ("2026-01-15", None),
            ("2026-02-30T12:00:00Z", None),
            ("tomorrow", None),
            ("", None),
        ] {
            assert_eq!(from_rfc3339(text), expected, "{text}");
        }
        assert_eq!(to_rfc3339(1_768_478_400), "2026-01-15T12:00:00Z");
        assert_eq!(to_rfc3339(u64::MAX), "9999-12-30T22:00:00Z");
        assert_eq!(millis_to_rfc3339(1_768_478_400_007), "2026-01-15T12:00:00.007Z");
    }
}
