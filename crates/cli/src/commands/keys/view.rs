//! Keys as people read them.

use portcullis_api::keys::Trial;
use portcullis_api::restrictions::{ModeSpec, RestrictionsSpec};
use portcullis_api::{CreatedKey, Key, KeyKind};

use super::super::limits::{quota_text, rate_text};
use crate::args::Output;
use crate::exit::Failure;
use crate::output;
use crate::table::Table;

/// One key in full.
pub(super) fn print(key: &Key, how: Output) -> Result<(), Failure> {
    if how.json {
        return Ok(output::json(key)?);
    }
    let mut table = Table::pairs();
    let mut pair = |name: &str, value: String| table.row([name.to_owned(), value]);
    pair("id", key.id.clone());
    pair("name", key.name.clone());
    match key.kind {
        KeyKind::ApiKey => pair("key", key.display.clone()),
        kind => pair("kind", kind.as_str().to_owned()),
    }
    pair("environment", key.environment.clone());
    pair("organization", key.organization.clone());
    pair("scopes", if key.scopes.is_empty() { "none".to_owned() } else { key.scopes.join(" ") });
    pair("status", key.status.as_str().to_owned());
    pair("created", created(key));
    pair("expires", or(key.expires_at.as_deref(), "never"));
    pair("last used", last_used(key));
    if let Some(successor) = &key.successor {
        pair("rotated to", successor.clone());
    }
    if let Some(revoked_at) = &key.revoked_at {
        pair("revoked", revoked_at.clone());
    }
    pair("quota", key.quota.map_or_else(|| "its organisation's".to_owned(), quota_text));
    pair("rate", key.rate.map_or_else(|| "as the policy says".to_owned(), rate_text));
    if let Some(skill) = &key.skill {
        pair("skill", skill.clone());
    }
    for (name, value) in restrictions(key.restrictions.as_ref()) {
        pair(name, value);
    }
    for (name, value) in &key.metadata {
        pair("metadata", format!("{name}={value}"));
    }
    if let Some(trial) = &key.trial {
        pair("trial since", trial.since.clone());
        for (name, value) in tried(trial) {
            pair(name, value);
        }
    }
    output::data(&table.to_string());
    Ok(())
}

/// A key that was just made: the key itself on stdout, so that `$(...)` takes it, and advice beside it. Of a credential, the
/// lines for an environment.
pub(super) fn print_created(created: &CreatedKey, how: Output) -> Result<(), Failure> {
    if !created.published {
        output::talk("warning: it is stored, but edges do not know it yet: look into the control plane's log");
    }
    if how.json {
        return Ok(output::json(created)?);
    }
    let key = &created.record;
    output::talk(&format!("created {} `{}` for {}", key.id, key.name, key.environment));
    if let Some(env) = &created.env {
        output::talk("this is the only time the secret is shown:");
        output::data(env.expose().trim_end());
        output::talk("a client finds them in its environment and exchanges them for access tokens");
    }
    if let (Some(text), Some(authorization)) = (&created.key, &created.authorization) {
        output::talk("this is the only time the key is shown:");
        output::data(text.expose());
        let usage = authorization.expose().replace(text.expose(), "<key>");
        output::talk(&format!("send it as `{usage}`"));
    }
    Ok(())
}

pub(super) fn age(key: &Key) -> String {
    let overdue = if key.overdue { " overdue" } else { "" };
    format!("{}d{overdue}", key.age_days)
}

fn or(value: Option<&str>, otherwise: &str) -> String {
    value.unwrap_or(otherwise).to_owned()
}

pub(super) fn last_used(key: &Key) -> String {
    let idle = if key.idle { " idle" } else { "" };
    format!("{}{idle}", or(key.last_used.as_deref(), "never"))
}

fn tried(trial: &Trial) -> Vec<(&'static str, String)> {
    let scopes = trial.scopes.as_ref().map(|list| if list.is_empty() { "none".to_owned() } else { list.join(" ") });
    let kinds = trial.restrictions.as_ref().map(|spec| restrictions(Some(spec))).unwrap_or_default();
    let kinds = kinds.into_iter().map(|(name, value)| match name {
        "from" => ("  tried from", value),
        "referrer" => ("  tried referrer", value),
        _ => ("  tried endpoints", value),
    });
    scopes.map(|text| ("  tried scopes", text)).into_iter().chain(kinds).collect()
}

fn created(key: &Key) -> String {
    let by = key.created_by.as_ref().map(|by| format!(" by {by}")).unwrap_or_default();
    let advice = if key.overdue { "; older than 90 days: rotate it" } else { "" };
    format!("{}{by} ({} days ago{advice})", key.created_at, key.age_days)
}

fn restrictions(spec: Option<&RestrictionsSpec>) -> Vec<(&'static str, String)> {
    let Some(spec) = spec else { return vec![("restrictions", "none".to_owned())] };
    let mut rows = Vec::new();
    if let Some(ip) = &spec.ip {
        let allowed = ip.allow.as_ref().map(|list| entries(list));
        let denied = (!ip.deny.is_empty()).then(|| format!("not {}", ip.deny.join(" ")));
        let text = [allowed, denied].into_iter().flatten().collect::<Vec<_>>().join(", ");
        rows.push(("from", with_mode(text, ip.mode)));
    }
    if let Some(referrer) = &spec.referrer {
        let missing = if referrer.allow_missing { ", or none" } else { "" };
        rows.push(("referrer", with_mode(format!("{}{missing}", entries(&referrer.allow)), referrer.mode)));
    }
    if let Some(endpoint) = &spec.endpoint {
        rows.push(("endpoints", with_mode(endpoint.allow.join(", "), endpoint.mode)));
    }
    rows
}

fn entries(list: &[String]) -> String {
    if list.is_empty() { "nowhere".to_owned() } else { list.join(" ") }
}

fn with_mode(text: String, mode: ModeSpec) -> String {
    match mode {
        ModeSpec::Enforce => text,
        ModeSpec::Observe => format!("{text} (observed, not enforced)"),
    }
}
