//! The life of the policy: looked at, checked, published, gone back on. Every front end comes through here.
//!
//! Invariants: what is published compiles; publishing says what it changes; an older version comes back as a new one, so
//! the versions tell what was in force when.

use portcullis_api::policy::{
    DiffPolicy, ListPolicyVersions, Policy, PolicyCheck, PolicySource, PolicyVersionDifference, PolicyVersionList,
    PublishPolicy, PublishedPolicy, RestorePolicy,
};
use portcullis_engine::OrganizationId;
use serde_json::json;

use super::{checking, text, view};
use crate::access::Permission::{PolicyRead, PolicyWrite};
use crate::app::{App, Committed};
use crate::caller::Caller;
use crate::error::Error;
use crate::store::{Action, Change, PolicyRow, Target, Write};

const MAX_NOTE: usize = 500;
const DEFAULT_LIMIT: u32 = 100;
const MAX_LIMIT: u32 = 1000;

/// The policy in force.
pub(crate) async fn show(app: &App, by: &Caller) -> Result<Policy, Error> {
    by.require(PolicyRead)?;
    let row = newest(app).await?;
    Ok(view::policy(app, by, &row, row.version))
}

/// One version.
pub(crate) async fn version(app: &App, by: &Caller, version: &str) -> Result<Policy, Error> {
    by.require(PolicyRead)?;
    by.require_operator(app)?;
    let (row, current) = (find(app, version).await?, newest(app).await?.version);
    Ok(view::policy(app, by, &row, current))
}

/// What changed in the text from an older version, or the one before, to that one.
pub(crate) async fn diff(
    app: &App,
    by: &Caller,
    version: &str,
    query: &DiffPolicy,
) -> Result<PolicyVersionDifference, Error> {
    by.require(PolicyRead)?;
    by.require_operator(app)?;
    let new = find(app, version).await?;
    let against = query.against.or(new.version.checked_sub(1).filter(|before| *before > 0));
    let old = match against {
        Some(against) => find(app, &against.to_string()).await?.toml,
        None => String::new(),
    };
    let version = new.version;
    let text = checking::work(move || text::between(&old, &new.toml)).await?;
    Ok(PolicyVersionDifference { version, against, text })
}

/// One page of versions, newest first.
pub(crate) async fn versions(app: &App, by: &Caller, query: &ListPolicyVersions) -> Result<PolicyVersionList, Error> {
    by.require(PolicyRead)?;
    by.require_operator(app)?;
    let limit = query.limit.unwrap_or(DEFAULT_LIMIT);
    if !(1..=MAX_LIMIT).contains(&limit) {
        return Err(Error::invalid("/limit", format!("expected 1 to {MAX_LIMIT}")));
    }
    let before = query.cursor.as_deref().map(str::parse).transpose();
    let before = before.map_err(|_| Error::invalid("/cursor", "expected the `next_cursor` of the page before"))?;
    let current = newest(app).await?.version;
    let mut rows = app.store.policies(before, limit + 1).await?;
    let page = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = rows.len() > page;
    rows.truncate(page);
    let next_cursor = rows.last().filter(|_| more).map(|row| row.version.to_string());
    Ok(PolicyVersionList { data: rows.iter().map(|row| view::about(app, by, row, current)).collect(), next_cursor })
}

/// What is wrong with a policy, what is doubtful about it, and what it would change for keys that the caller may know of.
pub(crate) async fn check(app: &App, by: &Caller, toml: &str) -> Result<PolicyCheck, Error> {
    by.require(PolicyRead)?;
    let current = newest(app).await?;
    match checking::compile(app, toml).await? {
        Err(problems) => Ok(view::refused(&problems)),
        Ok(checked) => {
            let warnings = view::remarks(checked.warnings.as_ref());
            let difference = checking::compare(app, by, &current, toml, checked).await?;
            Ok(PolicyCheck { valid: true, problems: Vec::new(), warnings, difference: Some(difference) })
        }
    }
}

/// Publishes a policy.
pub(crate) async fn publish(
    app: &App,
    by: &Caller,
    request: &PublishPolicy,
) -> Result<Committed<PublishedPolicy>, Error> {
    by.require(PolicyWrite)?;
    by.require_operator(app)?;
    let note = note(app, request.note.as_deref())?;
    let publish = Publish { toml: &request.toml, note, restored_from: None, base: request.base_version };
    app.change(async || publish.carry_out(app, by).await).await
}

/// Publishes an older version's text as a new version.
pub(crate) async fn restore(
    app: &App,
    by: &Caller,
    version: &str,
    request: &RestorePolicy,
) -> Result<Committed<PublishedPolicy>, Error> {
    by.require(PolicyWrite)?;
    by.require_operator(app)?;
    let note = note(app, request.note.as_deref())?;
    let old = find(app, version).await?;
    let publish = Publish { toml: &old.toml, note, restored_from: Some(old.version), base: request.base_version };
    app.change(async || publish.carry_out(app, by).await).await
}

/// What is to be published.
struct Publish<'a> {
    toml: &'a str,
    note: Option<String>,
    restored_from: Option<u64>,
    base: Option<u64>,
}

impl Publish<'_> {
    async fn carry_out(&self, app: &App, by: &Caller) -> Result<Committed<PublishedPolicy>, Error> {
        let current = newest(app).await?;
        if let Some(base) = self.base.filter(|base| *base != current.version) {
            return Err(Error::PolicyMoved { base, current: current.version });
        }
        let checked = checking::compile(app, self.toml).await?;
        let checked = checked.map_err(|problems| Error::invalid("/toml", problems.to_string()))?;
        let title = checked.spec.name.clone();
        let difference = checking::compare(app, by, &current, self.toml, checked).await?;
        let row = self.row(current.version + 1, app.clock.seconds());
        let change = publication(by, app.default_organization, app.clock.millis(), row.clone(), &title);
        let shown = view::policy(
            app,
            by,
            &PolicyRow { published_by: change.actor_name().to_owned(), ..row },
            current.version + 1,
        );
        let detail = json!({ "summary": difference.summary, "restored_from": self.restored_from, "note": self.note });
        let committed = app.commit(change.detail([("change", detail)]), (shown, difference)).await?;
        let bundle_version = committed.version;
        Ok(committed.map(|(mut policy, difference), _| {
            policy.about.bundle_version = bundle_version;
            PublishedPolicy { policy, difference }
        }))
    }

    fn row(&self, version: u64, now: u64) -> PolicyRow {
        PolicyRow {
            version,
            toml: self.toml.to_owned(),
            source: if self.restored_from.is_some() { PolicySource::Restore } else { PolicySource::Api },
            restored_from: self.restored_from,
            note: self.note.clone(),
            published_at: now,
            published_by: String::new(),
            changed_in: 0,
        }
    }
}

/// Storing a policy, and what the log says of it. The policy is the operator's, and so is the log's row.
pub(super) fn publication(
    by: &Caller,
    organization: OrganizationId,
    now_ms: u64,
    row: PolicyRow,
    title: &str,
) -> Change {
    let action = if row.source == PolicySource::Restore { Action::PolicyRestored } else { Action::PolicyPublished };
    let change = Change::new(by, now_ms);
    let row = PolicyRow { published_by: change.actor_name().to_owned(), ..row };
    let target = Target::new("policy", row.version, title);
    change.add(Write::PublishPolicy(row), organization, action, target)
}

async fn newest(app: &App) -> Result<PolicyRow, Error> {
    app.store.newest_policy().await?.ok_or(Error::NotFound("policy"))
}

async fn find(app: &App, version: &str) -> Result<PolicyRow, Error> {
    let missing = || Error::NotFound("version of the policy");
    let version = version.parse().map_err(|_| missing())?;
    app.store.policy(version).await?.ok_or_else(missing)
}

/// A note is for people: not a key pasted into the wrong box.
fn note(app: &App, text: Option<&str>) -> Result<Option<String>, Error> {
    let Some(text) = text.map(str::trim).filter(|text| !text.is_empty()) else { return Ok(None) };
    if text.chars().count() > MAX_NOTE || text.chars().any(|c| c.is_control() && c != '\n') {
        return Err(Error::invalid("/note", format!("expected at most {MAX_NOTE} characters")));
    }
    if app.policy().spots_secret_in(text) {
        return Err(Error::invalid("/note", "this looks like a key or a token, which must not be stored"));
    }
    Ok(Some(text.to_owned()))
}
