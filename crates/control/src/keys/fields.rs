//! What callers send about keys, parsed into what is stored; every refusal names the member and the remedy.

use portcullis_api::{KeyKind, Patch, UpdateKey};
use portcullis_engine::scope;
use portcullis_engine::spec::KeyFormatSpec;

use super::metadata::metadata;
use super::restrictions::restrictions;
use crate::clock::{DAY, to_rfc3339};
use crate::error::Error;
use crate::policy::PolicyRoom;
use crate::quota;
use crate::store::KeyRow;

const MAX_NAME: usize = 100;
const MAX_EMAIL: usize = 254;
/// However often it is refreshed, a grant ends after so long: somebody has to allow it again.
pub(crate) const GRANT_DAYS: u64 = 365;

pub(super) fn apply(policy: &PolicyRoom, request: &UpdateKey, row: &mut KeyRow) -> Result<(), Error> {
    if let Some(text) = given("/name", &request.name)? {
        row.name = name(policy, text)?;
    }
    if let Some(list) = given("/scopes", &request.scopes)? {
        row.scopes = scopes(policy, list)?;
    }
    if !request.expires_at.is_keep() {
        // Its expiry is no longer what rotation made of it.
        row.successor = None;
    }
    match &request.expires_at {
        Patch::Keep => {}
        Patch::Clear => row.expires_at = None,
        Patch::Set(text) => row.expires_at = Some(Error::time("/expires_at", text)?),
    }
    if row.kind == KeyKind::Grant && !request.expires_at.is_keep() {
        within_a_year(row)?;
    }
    match &request.restrictions {
        Patch::Keep => {}
        Patch::Clear => row.restrictions = None,
        Patch::Set(spec) => row.restrictions = restrictions(policy, spec)?,
    }
    if let Some(enabled) = given("/enabled", &request.enabled)? {
        row.enabled = *enabled;
    }
    match &request.metadata {
        Patch::Keep => {}
        Patch::Clear => row.metadata.clear(),
        Patch::Set(sent) => row.metadata = metadata(policy, sent)?,
    }
    match &request.quota {
        Patch::Keep => {}
        Patch::Clear => row.quota = None,
        Patch::Set(sent) => row.quota = Some(quota::key_quota(sent)?),
    }
    match &request.rate {
        Patch::Keep => {}
        Patch::Clear => row.rate = None,
        Patch::Set(sent) => row.rate = Some(quota::rate(sent)?),
    }
    Ok(())
}

/// Fails if a grant would go on for longer than anybody allowed it.
fn within_a_year(row: &KeyRow) -> Result<(), Error> {
    let latest = row.created_at.saturating_add(GRANT_DAYS * DAY);
    if row.expires_at.is_some_and(|end| end <= latest) {
        return Ok(());
    }
    let detail = format!(
        "a grant ends {GRANT_DAYS} days after it was allowed at the latest: {}\nhint: let the person allow the app again",
        to_rfc3339(latest)
    );
    Err(Error::invalid("/expires_at", detail))
}

/// The value of a member that can be absent but not `null`.
pub(crate) fn given<'a, T>(pointer: &str, member: &'a Patch<T>) -> Result<Option<&'a T>, Error> {
    match member {
        Patch::Keep => Ok(None),
        Patch::Clear => Err(Error::invalid(pointer, "this cannot be null: leave it out to keep it as it is")),
        Patch::Set(value) => Ok(Some(value)),
    }
}

/// A name is for people: one line, and not a key pasted into the wrong box.
pub(crate) fn name(policy: &PolicyRoom, text: &str) -> Result<String, Error> {
    let name = text.trim();
    if name.is_empty() || name.chars().count() > MAX_NAME || name.chars().any(misleads) {
        return Err(Error::invalid("/name", format!("expected 1 to {MAX_NAME} characters on one line")));
    }
    no_secret(policy, "/name", name)?;
    Ok(name.to_owned())
}

/// Plausible, and one word. Whether somebody reads there is not asked.
pub(crate) fn email(policy: &PolicyRoom, pointer: &str, text: &str) -> Result<String, Error> {
    let plain = text.len() <= MAX_EMAIL && !text.chars().any(|c| misleads(c) || c.is_whitespace());
    let (local, domain) = text.rsplit_once('@').unwrap_or_default();
    if !plain || local.is_empty() || domain.is_empty() {
        return Err(Error::invalid(pointer, "expected an e-mail address"));
    }
    no_secret(policy, pointer, text)?;
    Ok(text.to_owned())
}

/// Characters that change the line or the direction of what people read, or cannot be seen.
pub(crate) fn misleads(c: char) -> bool {
    let is_format = matches!(c, '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}');
    c.is_control() || is_format
}

/// Refuses text that holds a key or a token, which would be stored with it.
pub(crate) fn no_secret(policy: &PolicyRoom, pointer: &str, text: &str) -> Result<(), Error> {
    if policy.spots_secret_in(text) {
        return Err(Error::invalid(pointer, "this looks like a key or a token, which must not be stored"));
    }
    Ok(())
}

pub(super) fn environment<'a>(policy: &'a PolicyRoom, text: &str) -> Result<&'a KeyFormatSpec, Error> {
    known_environment(policy, text)?;
    policy.format_for(text).ok_or_else(|| without_format(policy))
}

fn without_format(policy: &PolicyRoom) -> Error {
    let hint = match policy.spec().tokens {
        Some(_) => ", or make a credential, which is exchanged for access tokens",
        None => "",
    };
    let detail = format!("the policy has no keys of this environment\nhint: add `[[keys]]` for it to the policy{hint}");
    Error::invalid("/environment", detail)
}

/// One of the policy's environments, whether or not it has a format for keys of it.
pub(crate) fn known_environment(policy: &PolicyRoom, text: &str) -> Result<(), Error> {
    if policy.spec().environments.iter().any(|it| it == text) {
        return Ok(());
    }
    let known = policy.spec().environments.join("`, `");
    Err(Error::invalid("/environment", format!("the policy knows no such environment; it knows `{known}`")))
}

pub(crate) fn scopes(policy: &PolicyRoom, list: &[String]) -> Result<String, Error> {
    if let Some(index) = list.iter().position(|scope| !policy.knows_scope(scope)) {
        let detail = match policy.spec().scopes.as_slice() {
            [] => "the policy has no scopes".to_owned(),
            known => format!("the policy knows no such scope; it knows `{}`", known.join("`, `")),
        };
        return Err(Error::invalid(format!("/scopes/{index}"), detail));
    }
    scope::canonical_grants(list.iter().map(String::as_str))
        .map_err(|error| Error::invalid("/scopes", error.to_string()))
}

/// The expiry of a new key.
pub(super) fn expires_later(now: u64, text: &str) -> Result<u64, Error> {
    let time = Error::time("/expires_at", text)?;
    if time <= now {
        return Err(Error::invalid("/expires_at", "this is in the past: the key would never work"));
    }
    Ok(time)
}
