//! `/audit`: the log, narrowed and in pages, and as a file.

use axum::extract::State;
use axum::response::Response;
use portcullis_api::audit::{AuditEntry, AuditTarget, ExportAudit, ExportFormat, ListAudit};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::desk::Desk;
use super::keys::first_key;
use super::{Html, fields};
use crate::app::App;
use crate::audit;
use crate::clock::{DAY, from_rfc3339, to_rfc3339};
use crate::error::Error;
use crate::http::audit::file;
use crate::http::body::Parameters;
use crate::http::failure::Failure;
use crate::http::session::escaped;
use crate::pages::audit::{Audit, AuditFilter, AuditRow};
use crate::pages::parts::Pager;
use crate::pages::shell::Section;
use crate::pages::when::When;
use crate::policy::PolicyRoom;
use crate::store::Action;

const ON_A_PAGE: u32 = 50;
/// On the page of what was changed; more is in the log.
const LATEST: u32 = 10;

/// The query. Forms send empty fields too; what cannot be meant is passed over.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    actor: String,
    action: String,
    target: String,
    since: String,
    until: String,
    cursor: String,
    format: String,
}

pub(super) async fn show(
    State(app): State<App>,
    desk: Desk,
    Parameters(asked): Parameters<Asked>,
) -> Result<Html<Audit>, Failure> {
    let policy = app.policy();
    let filter = asked.filter(&policy);
    let cursor = given(&asked.cursor).filter(|cursor| cursor.parse::<u64>().is_ok());
    let query = ListAudit {
        actor: given(&filter.actor),
        action: given(&filter.action),
        target: given(&filter.target),
        since: day(&filter.since, 0),
        until: day(&filter.until, DAY),
        limit: Some(ON_A_PAGE),
        cursor: cursor.clone(),
        organization: None,
    };
    let found = {
        let _listing = app.listings.turn(&desk.by).await;
        audit::list(&app, &desk.by, &query).await?
    };
    let entries = rows(found.data, app.clock.seconds());
    Ok(Html::ok(Audit {
        shell: desk.shell("Audit log", Section::Audit),
        actions: Action::ALL.iter().map(|it| it.as_str().to_owned()).collect(),
        pager: Pager {
            shown: entries.len(),
            first: cursor.map(|_| address("/audit", &filter, &[])),
            next: found.next_cursor.map(|cursor| address("/audit", &filter, &[("cursor", &cursor)])),
        },
        csv_href: address("/audit/export", &filter, &[("format", "csv")]),
        jsonl_href: address("/audit/export", &filter, &[("format", "jsonl")]),
        cli: first_key(&policy),
        entries,
        filter,
    }))
}

pub(super) async fn export(
    State(app): State<App>,
    desk: Desk,
    Parameters(asked): Parameters<Asked>,
) -> Result<Response, Failure> {
    let filter = asked.filter(&app.policy());
    let query = ExportAudit {
        format: if asked.format == "jsonl" { ExportFormat::Jsonl } else { ExportFormat::Csv },
        organization: None,
        actor: given(&filter.actor),
        action: given(&filter.action),
        target: given(&filter.target),
        since: day(&filter.since, 0),
        until: day(&filter.until, DAY),
    };
    file(app, &desk.by, query)
}

impl Asked {
    fn filter(&self, policy: &PolicyRoom) -> AuditFilter {
        let text = |text: &str| fields::again(policy, text.trim());
        let date = |text: &str| day(text, 0).map(|_| text.to_owned()).unwrap_or_default();
        let known = |it: &&Action| it.as_str() == self.action;
        AuditFilter {
            actor: text(&self.actor),
            action: Action::ALL.iter().find(known).map(|it| it.as_str().to_owned()).unwrap_or_default(),
            target: text(&self.target),
            since: date(&self.since),
            until: date(&self.until),
        }
    }
}

fn given(text: &str) -> Option<String> {
    Some(text.to_owned()).filter(|text| !text.is_empty())
}

/// The beginning of a day, or a moment so long after; none if the text is no day.
fn day(text: &str, later: u64) -> Option<String> {
    from_rfc3339(&format!("{text}T00:00:00Z")).map(|at| to_rfc3339(at.saturating_add(later)))
}

fn address(path: &str, filter: &AuditFilter, more: &[(&str, &str)]) -> String {
    let AuditFilter { actor, action, target, since, until } = filter;
    let pairs = [("actor", actor), ("action", action), ("target", target), ("since", since), ("until", until)];
    let pairs = pairs.map(|(name, value)| (name, value.as_str()));
    let pairs = pairs.iter().chain(more).filter(|(_, value)| !value.is_empty());
    let query = pairs.map(|(name, value)| format!("{name}={}", escaped(value))).collect::<Vec<_>>().join("&");
    if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
}

/// What was done to one thing lately, for those who may know.
pub(super) async fn history(app: &App, desk: &Desk, target: &str) -> Result<Option<Vec<AuditRow>>, Error> {
    if !desk.viewer.can.audit_read {
        return Ok(None);
    }
    let query = ListAudit { target: Some(target.to_owned()), limit: Some(LATEST), ..ListAudit::default() };
    let found = audit::list(app, &desk.by, &query).await?;
    Ok(Some(rows(found.data, app.clock.seconds())))
}

/// Entries as pages show them.
pub(super) fn rows(entries: Vec<AuditEntry>, now: u64) -> Vec<AuditRow> {
    entries.into_iter().map(|entry| row(entry, now)).collect()
}

fn row(entry: AuditEntry, now: u64) -> AuditRow {
    let AuditEntry { at, actor, action, target, detail, address, request_id, version, .. } = entry;
    let target_href = href(&target).filter(|_| !action.ends_with(".deleted"));
    let AuditTarget { kind, id, name } = target;
    let called = [name, id, kind].into_iter().find(|text| !text.is_empty()).unwrap_or_default();
    let actor_name = if actor.name.is_empty() { "somebody not signed in".to_owned() } else { actor.name };
    let detail = told(&action, &detail);
    AuditRow {
        at: When::parse(&at, now),
        actor: actor_name,
        actor_kind: actor.kind,
        action,
        target: called,
        target_href,
        detail,
        address,
        request_id,
        version,
    }
}

fn href(target: &AuditTarget) -> Option<String> {
    match target.kind.as_str() {
        "key" if !target.id.is_empty() => Some(format!("/keys/{}", escaped(&target.id))),
        "policy" => Some(format!("/policy/versions/{}", escaped(&target.id))),
        "secret" => Some(format!("/secrets/{}", escaped(&target.id))),
        "skill" => Some(format!("/skills/{}", escaped(&target.id))),
        _ => None,
    }
}

/// A detail's members in words: what is nested stands beside the rest, what is nothing is left out. Only of actions that
/// are known to tell changes a pair is one: elsewhere it is a list that happens to have two entries.
fn told(action: &str, detail: &Map<String, Value>) -> Vec<(String, String)> {
    let tells_changes = action.parse().is_ok_and(Action::tells_changes);
    let mut told = Vec::new();
    for (name, value) in detail {
        match value {
            Value::Object(inner) if name == "change" => told.extend(self::told(action, inner)),
            Value::Array(pair) if tells_changes && pair.len() == 2 => {
                let words: Vec<_> = pair.iter().map(word).collect();
                told.push((name.replace('_', " "), words.join(" → ")));
            }
            value => told.push((name.replace('_', " "), word(value))),
        }
    }
    told.retain(|(_, text)| !text.is_empty());
    told
}

fn word(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(list) if list.iter().all(Value::is_string) => {
            list.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" ")
        }
        Value::Array(list) if list.iter().all(Value::is_object) => list.iter().map(word).collect::<Vec<_>>().join("; "),
        Value::Object(members) => {
            let member = |(name, text): (&String, String)| format!("{} {text}", name.replace('_', " "));
            members
                .iter()
                .map(|it| (it.0, word(it.1)))
                .filter(|(_, text)| !text.is_empty())
                .map(member)
                .collect::<Vec<_>>()
                .join(", ")
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn details_are_told_in_words() {
        for (action, detail, expected) in [
            ("app.created", json!({}), ""),
            ("member.added", json!({ "role": "admin", "email": null }), "role=admin"),
            ("key.created", json!({ "scopes": ["a:b", "c:d"] }), "scopes=a:b c:d"),
            ("key.trial_started", json!({ "scopes": ["a:b", "c:d"] }), "scopes=a:b c:d"),
            ("app.created", json!({ "environments": ["production", "sandbox"] }), "environments=production sandbox"),
            (
                "app.updated",
                json!({ "redirect_uris": ["https://a", "https://b"] }),
                "redirect uris=https://a https://b",
            ),
            ("issuer.keys_changed", json!({ "kids": ["one", "two"] }), "kids=one two"),
            ("webhook.updated", json!({ "events": ["a", "b"], "enabled": true }), "enabled=true, events=a b"),
            (
                "skill.created",
                json!({ "services": [{ "service": "crm", "secrets": [] }, { "service": "weather", "secrets": ["a", "b"] }] }),
                "services=service crm; secrets a b, service weather",
            ),
            ("of.the_future", json!({ "scopes": [["a:b"], ["c:d"]] }), "scopes=[[\"a:b\"],[\"c:d\"]]"),
            ("key.updated", json!({ "scopes": [["a:b"], ["a:b", "c:d"]] }), "scopes=a:b → a:b c:d"),
            ("key.trial_enforced", json!({ "scopes": [[], ["a:b", "c:d"]] }), "scopes= → a:b c:d"),
            ("key.disabled", json!({ "enabled": [true, false] }), "enabled=true → false"),
            ("plan.updated", json!({ "limit": [5, null] }), "limit=5 → "),
            (
                "key.updated",
                json!({ "name": ["old", "new"], "expires_at": [null, "2027"] }),
                "expires at= → 2027, name=old → new",
            ),
            (
                "policy.published",
                json!({ "change": { "summary": "3 keys lose", "note": null, "restored_from": 2 } }),
                "restored from=2, summary=3 keys lose",
            ),
            (
                "key.restricted",
                json!({ "restrictions": [null, { "ip": { "allow": ["::1"], "mode": "enforce" } }] }),
                "restrictions= → ip allow ::1, mode enforce",
            ),
        ] {
            let told: Vec<_> =
                told(action, detail.as_object().unwrap()).iter().map(|(name, text)| format!("{name}={text}")).collect();
            assert_eq!(told.join(", "), expected, "{action}");
        }
    }

    #[test]
    fn a_day_ends_with_the_next() {
        assert_eq!(day("2026-01-31", 0).as_deref(), Some("2026-01-31T00:00:00Z"));
        assert_eq!(day("2026-01-31", DAY).as_deref(), Some("2026-02-01T00:00:00Z"));
        for text in ["", "soon", "2026-02-30", "2026-01-31T00:00:00Z&x"] {
            assert_eq!(day(text, 0), None, "{text}");
        }
        let filter = AuditFilter { actor: "a&b".to_owned(), ..AuditFilter::default() };
        assert_eq!(address("/audit", &filter, &[("cursor", "7")]), "/audit?actor=a%26b&cursor=7");
        assert_eq!(address("/audit", &AuditFilter::default(), &[]), "/audit");
    }
}
