//! What a policy says of access tokens: every number in its range, and an audience that headers and claims can hold.
//!
//! It knows no issuer and no key. Invariant: without `[tokens]` there is nothing here to take a token by.

use super::compile::refuse;
use super::{Location, PolicyError, PolicyProblem};
use crate::spec::{CredentialPlace, PolicySpec, TokensSpec};

const MAX_AUDIENCE: usize = 255;

pub(super) fn of_policy(spec: &PolicySpec) -> Result<Option<TokensSpec>, PolicyError> {
    let Some(tokens) = &spec.tokens else { return Ok(None) };
    if !spec.credentials.iter().any(|it| it.place == CredentialPlace::Header) {
        return refuse(Location::top("credentials"), PolicyProblem::NoTokenHeader);
    }
    audience(&tokens.audience)?;
    range("lifetime_seconds", tokens.lifetime_seconds, 60, 3600)?;
    range("clock_skew_seconds", tokens.clock_skew_seconds, 0, 300)?;
    range("max_bytes", tokens.max_bytes, 512, 16384)?;
    range("refresh_lifetime_days", tokens.refresh_lifetime_days, 1, 365)?;
    Ok(Some(tokens.clone()))
}

fn audience(text: &str) -> Result<(), PolicyError> {
    let visible = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\');
    let usable = (1..=MAX_AUDIENCE).contains(&text.len()) && text.bytes().all(visible);
    let problem = || PolicyProblem::Audience(text.chars().take(MAX_AUDIENCE).collect());
    if usable { Ok(()) } else { refuse(Location::part("tokens", "audience"), problem()) }
}

fn range(field: &'static str, value: u32, least: u32, most: u32) -> Result<(), PolicyError> {
    let problem = PolicyProblem::OutOfRange { value, least, most };
    if (least..=most).contains(&value) { Ok(()) } else { refuse(Location::part("tokens", field), problem) }
}
