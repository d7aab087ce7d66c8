//! Quotas and rates as they are typed and printed: `30000/month`, `100/60s+20`.
//!
//! Invariant: what is printed can be typed.

use portcullis_api::plans::Rate;
use portcullis_api::{KeyQuota, Patch, QuotaPeriod};

/// A number of tokens.
pub(super) fn tokens(text: &str) -> Result<u64, &'static str> {
    text.parse().map_err(|_| "expected a whole number without separators, such as 1000000")
}

/// `30d`, `month` or `day`.
pub(super) fn period(text: &str) -> Result<QuotaPeriod, &'static str> {
    QuotaPeriod::ALL.into_iter().find(|it| it.as_str() == text).ok_or("expected `30d`, `month` or `day`")
}

/// `30000/month`.
pub(super) fn quota(text: &str) -> Result<KeyQuota, &'static str> {
    let wrong = "expected a whole number of tokens and a period (`30d`, `month` or `day`), as in `30000/month`";
    let (limit, over) = text.split_once('/').ok_or(wrong)?;
    Ok(KeyQuota { limit: limit.parse().map_err(|_| wrong)?, period: period(over).map_err(|_| wrong)? })
}

/// `100/1s`, `100/60s+20`; without a burst it is as many as the requests.
pub(super) fn rate(text: &str) -> Result<Rate, &'static str> {
    let wrong = "expected requests, seconds and perhaps a burst, as in `100/1s` or `100/60s+20`";
    let (requests, rest) = text.split_once('/').ok_or(wrong)?;
    let (seconds, burst) = rest.split_once('s').ok_or(wrong)?;
    let requests = requests.parse().map_err(|_| wrong)?;
    let burst = match burst.strip_prefix('+') {
        Some(burst) => burst.parse().map_err(|_| wrong)?,
        None if burst.is_empty() => requests,
        None => return Err(wrong),
    };
    Ok(Rate { requests, seconds: seconds.parse().map_err(|_| wrong)?, burst })
}

pub(super) fn quota_text(quota: KeyQuota) -> String {
    format!("{}/{}", quota.limit, quota.period.as_str())
}

pub(super) fn rate_text(rate: Rate) -> String {
    format!("{}/{}s+{}", rate.requests, rate.seconds, rate.burst)
}

/// What a pair of flags asks for: a value, none, or nothing.
pub(super) fn patch<T>(value: Option<T>, clear: bool) -> Patch<T> {
    match value {
        _ if clear => Patch::Clear,
        Some(value) => Patch::Set(value),
        None => Patch::Keep,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_read_and_printed() {
        for (text, expected) in [
            ("100/1s", Some("100/1s+100")),
            ("100/60s+20", Some("100/60s+20")),
            ("100", None),
            ("100/1", None),
            ("100/s", None),
            ("100/1s20", None),
            ("-1/1s", None),
        ] {
            assert_eq!(rate(text).ok().map(rate_text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn quotas_are_read_and_printed() {
        for text in ["30000/month", "7/day", "1/30d"] {
            assert_eq!(quota(text).map(quota_text).as_deref(), Ok(text));
        }
        for text in ["30000", "30000/", "month/30000", "1/week", "-1/day", "1/day/2"] {
            assert!(quota(text).is_err(), "{text}");
        }
    }
}
