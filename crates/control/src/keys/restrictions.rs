//! Restrictions between the wire, the engine and the database.
//!
//! Invariant: what is stored compiles at every edge, and equal restrictions are stored as equal text.

use portcullis_api::restrictions as api;
use portcullis_engine::{RestrictionSet, spec};

use super::fields::no_secret;
use crate::error::Error;
use crate::policy::PolicyRoom;

/// In all restrictions of one key: every edge keeps them in memory.
const MAX_ENTRIES: usize = 1000;
const MAX_ENTRY_BYTES: usize = 64 * 1024;

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
        limits: None,
        skill: None,
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
