//! What a token's payload says: when it is good, for which key record, with which scopes.
//!
//! It trusts nothing to be there and checks no signature. Invariant: a claim that is read and is not of its kind is a
//! refusal, never passed over as if it were missing.

use alloc::string::String;
use alloc::vec::Vec;

use crate::issuers::Issuer;
use crate::json::{Json, Object};
use crate::spec::{Mapping, Subjects};
use crate::succession::VerifiedBy;
use crate::verify::{Refusal, Verified};

/// The end of the year 9999: later times are taken for mistakes, not for "never".
const LAST_SECOND: f64 = 253_402_300_799.0;

/// What the payload says, if it is good at `now` and that key signed it.
pub(crate) fn read(issuer: &Issuer, by: VerifiedBy, payload: &Object, now: u64) -> Result<Verified, Refusal> {
    let expires_at = time(payload, "exp")?.ok_or(Refusal::Claims)?.saturating_add(issuer.skew);
    let (issued, earliest) = (time(payload, "iat")?, time(payload, "nbf")?);
    let not_before = issued.max(earliest).unwrap_or_default().saturating_sub(issuer.skew);
    if now >= expires_at {
        return Err(Refusal::Expired);
    }
    if now < not_before {
        return Err(Refusal::NotYetValid);
    }
    let subject = text(payload, "sub")?;
    if !subject.is_none_or(is_printable) {
        return Err(Refusal::Claims);
    }
    let token_id = text(payload, "jti")?;
    let (key, environment, scopes) = match &issuer.subjects {
        Subjects::Own => own(payload, issued.and(subject).and(token_id))?,
        Subjects::Mapped(mapping) => (mapping.key.as_str(), mapping.environment.as_str(), mapped(mapping, payload)?),
    };
    Ok(Verified {
        key: key.into(),
        environment: environment.into(),
        scopes: in_order(scopes),
        subject: subject.filter(|it| *it != key && !is_lent(issuer, it)).map(Into::into),
        not_before,
        expires_at,
        token_id: token_id.map(Into::into),
        by,
    })
}

/// Seconds since 1970; fractions are cut off (RFC 7519, section 2), and what was before 1970 is long ago all the same.
fn time(payload: &Object, name: &str) -> Result<Option<u64>, Refusal> {
    match payload.get(name) {
        None => Ok(None),
        Some(Json::Number(seconds)) if *seconds <= LAST_SECOND => Ok(Some(*seconds as u64)),
        Some(_) => Err(Refusal::Claims),
    }
}

fn text<'a>(payload: &'a Object, name: &str) -> Result<Option<&'a str>, Refusal> {
    payload.get(name).map(|it| it.text().ok_or(Refusal::Claims)).transpose()
}

/// A subject goes into a header of the request.
fn is_printable(subject: &str) -> bool {
    (1..=255).contains(&subject.len()) && subject.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Whether somebody else's issuer calls its user what only we call ours: upstreams could not tell them apart.
fn is_lent(issuer: &Issuer, subject: &str) -> bool {
    const OURS: [&str; 4] = ["usr_", "key_", "app_", "org_"];
    issuer.subjects != Subjects::Own && OURS.iter().any(|prefix| subject.starts_with(prefix))
}

/// Our own tokens: `required` is there if every claim is that RFC 9068 wants of them and is not used here.
fn own<'a>(payload: &'a Object, required: Option<&str>) -> Result<(&'a str, &'a str, Vec<&'a str>), Refusal> {
    required.ok_or(Refusal::Claims)?;
    let client = text(payload, "client_id")?.ok_or(Refusal::Claims)?;
    let environment = text(payload, "env")?.ok_or(Refusal::Claims)?;
    let scopes = text(payload, "scope")?.map(words).unwrap_or_default();
    Ok((text(payload, "grant")?.unwrap_or(client), environment, scopes))
}

fn mapped<'a>(mapping: &'a Mapping, payload: &'a Object) -> Result<Vec<&'a str>, Refusal> {
    let values = match find(payload, &mapping.scope_claim) {
        None => Vec::new(),
        Some(Json::Text(text)) => words(text),
        Some(Json::List(list)) => list.iter().map(|it| it.text().ok_or(Refusal::Claims)).collect::<Result<_, _>>()?,
        Some(_) => return Err(Refusal::Claims),
    };
    if mapping.scopes.is_empty() {
        return Ok(values);
    }
    let scopes = values.iter().filter_map(|value| mapping.scopes.get(*value));
    Ok(scopes.flatten().map(String::as_str).collect())
}

/// A claim of exactly this name, or else one inside the object that the path's first name leads to.
fn find<'a>(object: &'a Object, path: &str) -> Option<&'a Json> {
    object.get(path).or_else(|| {
        let (name, rest) = path.split_once('.')?;
        find(object.get(name)?.object()?, rest)
    })
}

fn words(text: &str) -> Vec<&str> {
    text.split(' ').filter(|word| !word.is_empty()).collect()
}

fn in_order(mut scopes: Vec<&str>) -> Vec<String> {
    scopes.sort_unstable();
    scopes.dedup();
    scopes.into_iter().map(Into::into).collect()
}
