//! What callers send about keys, parsed into what is stored; every refusal names the member and the remedy.

use portcullis_api::keys::ListKeys;
use portcullis_api::{Patch, UpdateKey, restrictions as api};
use portcullis_engine::spec::{self, KeyFormatSpec};
use portcullis_engine::{KeyId, RestrictionSet, scope};

use crate::caller::Caller;
use crate::error::Error;
use crate::organizations;
use crate::policy::PolicyRoom;
use crate::store::{KeyFilter, KeyRow};

const MAX_NAME: usize = 100;
const MAX_EMAIL: usize = 254;
/// In all restrictions of one key: every edge keeps them in memory.
const MAX_ENTRIES: usize = 1000;
const MAX_ENTRY_BYTES: usize = 64 * 1024;
const DEFAULT_LIMIT: u32 = 100;
const MAX_LIMIT: u32 = 1000;

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
    match &request.restrictions {
        Patch::Keep => {}
        Patch::Clear => row.restrictions = None,
        Patch::Set(spec) => row.restrictions = restrictions(policy, spec)?,
    }
    if let Some(enabled) = given("/enabled", &request.enabled)? {
        row.enabled = *enabled;
    }
    Ok(())
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
fn misleads(c: char) -> bool {
    let is_format = matches!(c, '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}');
    c.is_control() || is_format
}

fn no_secret(policy: &PolicyRoom, pointer: &str, text: &str) -> Result<(), Error> {
    if policy.spots_secret_in(text) {
        return Err(Error::invalid(pointer, "this looks like a key or a token, which must not be stored"));
    }
    Ok(())
}

pub(super) fn environment<'a>(policy: &'a PolicyRoom, text: &str) -> Result<&'a KeyFormatSpec, Error> {
    policy.format_for(text).ok_or_else(|| {
        let known = policy.spec().environments.join("`, `");
        Error::invalid("/environment", format!("the policy knows no such environment; it knows `{known}`"))
    })
}

pub(super) fn scopes(policy: &PolicyRoom, list: &[String]) -> Result<String, Error> {
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

/// Compiled once here, so that every stored restriction compiles at the edge; stored in its canonical form.
pub(super) fn restrictions(
    policy: &PolicyRoom,
    sent: &api::RestrictionsSpec,
) -> Result<Option<spec::RestrictionsSpec>, Error> {
    let entries = entries(sent);
    if entries.len() > MAX_ENTRIES || entries.iter().map(|(_, text)| text.len()).sum::<usize>() > MAX_ENTRY_BYTES {
        let detail = format!("more than {MAX_ENTRIES} entries or {MAX_ENTRY_BYTES} bytes");
        return Err(Error::invalid("/restrictions", detail));
    }
    entries.iter().try_for_each(|(pointer, text)| no_secret(policy, pointer, text))?;
    let set = RestrictionSet::compile(&to_engine(sent.clone())).map_err(|error| {
        let pointer = format!("/restrictions/{}", error.field.replace(['.', '['], "/").replace(']', ""));
        Error::invalid(pointer, error.problem.to_string())
    })?;
    Ok(Some(set.to_spec()).filter(|_| !set.is_empty()))
}

/// Every entry of every list, and where it stands.
fn entries(sent: &api::RestrictionsSpec) -> Vec<(String, &str)> {
    let ip = sent.ip.iter().flat_map(|it| [("ip/allow", it.allow.as_ref()), ("ip/deny", Some(&it.deny))]);
    let referrer = sent.referrer.iter().map(|it| ("referrer/allow", Some(&it.allow)));
    let endpoint = sent.endpoint.iter().map(|it| ("endpoint/allow", Some(&it.allow)));
    let lists = ip.chain(referrer).chain(endpoint).filter_map(|(name, list)| Some((name, list?)));
    let entry = |name, (index, text)| (format!("/restrictions/{name}/{index}"), String::as_str(text));
    lists.flat_map(|(name, list)| list.iter().enumerate().map(move |it| entry(name, it))).collect()
}

pub(super) fn filter(by: &Caller, query: &ListKeys, now: u64) -> Result<KeyFilter, Error> {
    let limit = query.limit.unwrap_or(DEFAULT_LIMIT);
    if !(1..=MAX_LIMIT).contains(&limit) {
        return Err(Error::invalid("/limit", format!("expected 1 to {MAX_LIMIT}")));
    }
    Ok(KeyFilter {
        scope: organizations::narrow(by, query.organization.as_deref())?,
        status: query.status.map(|status| (status, now)),
        after: query.cursor.as_deref().map(parse_cursor).transpose()?,
        limit,
    })
}

/// Where the page behind this key begins.
pub(super) fn cursor_after(row: &KeyRow) -> String {
    format!("{}.{}", row.created_in, row.id)
}

fn parse_cursor(text: &str) -> Result<(u64, KeyId), Error> {
    let parts = text.split_once('.').and_then(|(version, id)| Some((version.parse().ok()?, id.parse().ok()?)));
    parts.ok_or_else(|| Error::invalid("/cursor", "expected the `next_cursor` of the page before"))
}

/// The engine's twin of what was sent.
fn to_engine(sent: api::RestrictionsSpec) -> spec::RestrictionsSpec {
    let mode = |mode| match mode {
        api::ModeSpec::Enforce => spec::ModeSpec::Enforce,
        api::ModeSpec::Observe => spec::ModeSpec::Observe,
    };
    spec::RestrictionsSpec {
        ip: sent.ip.map(|it| spec::IpSpec { mode: mode(it.mode), allow: it.allow, deny: it.deny }),
        referrer: sent.referrer.map(|it| spec::ReferrerSpec {
            mode: mode(it.mode),
            allow: it.allow,
            allow_missing: it.allow_missing,
        }),
        endpoint: sent.endpoint.map(|it| spec::EndpointSpec { mode: mode(it.mode), allow: it.allow }),
        trial: None,
    }
}

/// The wire's twin of what is stored.
pub(super) fn to_api(stored: spec::RestrictionsSpec) -> api::RestrictionsSpec {
    let mode = |mode| match mode {
        spec::ModeSpec::Enforce => api::ModeSpec::Enforce,
        spec::ModeSpec::Observe => api::ModeSpec::Observe,
    };
    api::RestrictionsSpec {
        ip: stored.ip.map(|it| api::IpSpec { mode: mode(it.mode), allow: it.allow, deny: it.deny }),
        referrer: stored.referrer.map(|it| api::ReferrerSpec {
            mode: mode(it.mode),
            allow: it.allow,
            allow_missing: it.allow_missing,
        }),
        endpoint: stored.endpoint.map(|it| api::EndpointSpec { mode: mode(it.mode), allow: it.allow }),
    }
}
