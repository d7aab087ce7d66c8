//! What callers send about issuers, parsed into what is stored; every refusal names the member and the remedy.

use std::collections::BTreeMap;

use super::fetch::refused;
use crate::app::App;
use crate::error::Error;
use crate::keys;
use crate::policy::PolicyRoom;

const MOST_AUDIENCES: usize = 10;
const LONGEST_AUDIENCE: usize = 255;
/// Values of a claim that mean scopes.
const MOST_VALUES: usize = 100;
const LONGEST_VALUE: usize = 200;
const LONGEST_CLAIM: usize = 200;
/// What access tokens say they are; many providers still call them `JWT`.
const TYPES: [&str; 2] = ["at+jwt", "jwt"];

/// `iss`, kept as it was sent: tokens have to have it to the letter.
pub(super) fn issuer(app: &App, text: &str) -> Result<String, Error> {
    let text = address(app, "/issuer", text)?;
    if text.contains(['?', '#']) {
        return Err(Error::invalid("/issuer", "an issuer has no query and no fragment"));
    }
    if text.trim_end_matches('/').eq_ignore_ascii_case(&app.public_url.to_string()) {
        return Err(Error::invalid("/issuer", "this is the control plane itself: its own tokens are accepted anyway"));
    }
    Ok(text)
}

/// Where its keys are.
pub(super) fn jwks_uri(app: &App, text: &str) -> Result<String, Error> {
    address(app, "/jwks_uri", text)
}

fn address(app: &App, pointer: &str, text: &str) -> Result<String, Error> {
    let text = text.trim();
    keys::no_secret(&app.policy(), pointer, text)?;
    if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Error::invalid(pointer, "expected a URL of visible ASCII characters"));
    }
    app.hooks.rules().parse(text).map_err(|why| Error::invalid(pointer, refused(&why)))?;
    Ok(text.to_owned())
}

/// One of these must be in `aud`; the policy's own if nothing was sent.
pub(super) fn audiences(policy: &PolicyRoom, sent: Option<&[String]>) -> Result<Vec<String>, Error> {
    let Some(tokens) = policy.spec().tokens.as_ref() else {
        let detail = "the policy accepts no access tokens\nhint: add `[tokens]` with an `audience` to the policy";
        return Err(Error::invalid("/issuer", detail));
    };
    let Some(sent) = sent else { return Ok(vec![tokens.audience.clone()]) };
    let fits = |it: &String| {
        let is_plain = it.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\'));
        (1..=LONGEST_AUDIENCE).contains(&it.len()) && is_plain
    };
    if !(1..=MOST_AUDIENCES).contains(&sent.len()) || !sent.iter().all(fits) {
        let detail =
            format!("expected 1 to {MOST_AUDIENCES} texts of 1 to {LONGEST_AUDIENCE} visible ASCII characters");
        return Err(Error::invalid("/audiences", detail));
    }
    for (index, audience) in sent.iter().enumerate() {
        keys::no_secret(policy, &format!("/audiences/{index}"), audience)?;
    }
    Ok(once(sent.to_vec()))
}

/// Accepted `typ`.
pub(super) fn types(sent: Option<&[String]>) -> Result<Vec<String>, Error> {
    let Some(sent) = sent else { return Ok(TYPES.map(str::to_owned).to_vec()) };
    let sent: Vec<String> = sent.iter().map(|it| it.to_ascii_lowercase()).collect();
    if sent.is_empty() || !sent.iter().all(|it| TYPES.contains(&it.as_str())) {
        return Err(Error::invalid("/types", format!("expected one or more of `{}`", TYPES.join("`, `"))));
    }
    Ok(once(sent))
}

/// Where scopes stand.
pub(super) fn scope_claim(policy: &PolicyRoom, sent: &str) -> Result<String, Error> {
    keys::no_secret(policy, "/scope_claim", sent)?;
    if !(1..=LONGEST_CLAIM).contains(&sent.len()) || !sent.bytes().all(|byte| byte.is_ascii_graphic()) {
        let detail = format!("expected a claim's name, or names with dots between, of 1 to {LONGEST_CLAIM} characters");
        return Err(Error::invalid("/scope_claim", detail));
    }
    Ok(sent.to_owned())
}

/// Scopes for each value of the claim.
pub(super) fn scope_map(
    policy: &PolicyRoom,
    sent: &BTreeMap<String, Vec<String>>,
) -> Result<BTreeMap<String, Vec<String>>, Error> {
    if sent.len() > MOST_VALUES {
        return Err(Error::invalid("/scope_map", format!("expected at most {MOST_VALUES} values, got {}", sent.len())));
    }
    let mapped = |(value, scopes): (&String, &Vec<String>)| {
        keys::no_secret(policy, "/scope_map", value)?;
        if !(1..=LONGEST_VALUE).contains(&value.chars().count()) || value.chars().any(keys::misleads) {
            let detail = format!("expected values of 1 to {LONGEST_VALUE} characters on one line");
            return Err(Error::invalid("/scope_map", detail));
        }
        let scopes = keys::scopes(policy, scopes).map_err(|error| error.within("/scope_map"))?;
        Ok((value.clone(), listed(&scopes)))
    };
    sent.iter().map(mapped).collect()
}

/// Scopes as they are stored, one by one.
pub(super) fn listed(scopes: &str) -> Vec<String> {
    scopes.split(' ').filter(|it| !it.is_empty()).map(str::to_owned).collect()
}

fn once(list: Vec<String>) -> Vec<String> {
    let mut seen: Vec<String> = Vec::new();
    list.into_iter().for_each(|it| {
        if !seen.contains(&it) {
            seen.push(it)
        }
    });
    seen
}
