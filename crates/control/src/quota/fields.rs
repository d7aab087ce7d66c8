//! What callers send about limits, parsed into what is stored; every refusal names the member and the remedy.

use portcullis_api::plans::{KeyQuota, Rate};

use super::ledger::MOST_TOKENS;
use super::period::zone;
use crate::error::Error;
use crate::policy::PolicyRoom;

/// So many tokens in a period.
pub(super) fn limit(pointer: &str, limit: u64) -> Result<u64, Error> {
    if limit > MOST_TOKENS {
        let detail = format!("expected at most {MOST_TOKENS}; leave it out, or send null, for no limit");
        return Err(Error::invalid(pointer, detail));
    }
    Ok(limit)
}

/// So many tokens beside a plan's.
pub(super) fn top_up(tokens: u64) -> Result<u64, Error> {
    match (1..=MOST_TOKENS).contains(&tokens) {
        true => Ok(tokens),
        false => Err(Error::invalid("/tokens", format!("expected 1 to {MOST_TOKENS} tokens to add"))),
    }
}

/// A key's quota.
pub(crate) fn key_quota(sent: &KeyQuota) -> Result<KeyQuota, Error> {
    Ok(KeyQuota { limit: limit("/quota/limit", sent.limit)?, ..*sent })
}

/// A rate that edges can keep.
pub(crate) fn rate(sent: &Rate) -> Result<Rate, Error> {
    let made = portcullis_engine::Rate::new(sent.requests, sent.seconds, sent.burst);
    made.map(|_| *sent).map_err(|error| Error::invalid("/rate", error.to_string()))
}

/// A time zone's name.
pub(crate) fn time_zone(policy: &PolicyRoom, name: &str) -> Result<String, Error> {
    zone(name).map(|_| name.to_owned()).map_err(|nearest| {
        let hint = match nearest {
            Some(nearest) => format!("did you mean `{nearest}`?"),
            None => "expected a name such as `Europe/Berlin` or `UTC`".to_owned(),
        };
        let detail = match policy.repeated(name) {
            Some(name) => format!("there is no time zone `{name}` in the IANA database\nhint: {hint}"),
            None => hint,
        };
        Error::invalid("/time_zone", detail)
    })
}
