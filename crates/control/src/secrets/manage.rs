//! Entering values, replacing them, removing them, and looking at everything but them.
//!
//! What is somebody's own is entered and replaced by them alone; what serves every skill of an organisation, by whoever manages
//! it. Invariant: what the log says of a secret is its name and how often its value was entered.

use portcullis_api::secrets::{DeleteSecret, ListSecrets};
use portcullis_api::{CreateSecret, Page, ReplaceValue, SecretRecord, UpdateSecret};
use portcullis_engine::{OrganizationId, SecretId};
use portcullis_seal::{KeyName, Purpose};
use serde_json::json;

use super::{fields, view};
use crate::access::Permission::{SecretsRead, SecretsWrite};
use crate::accounts::pages;
use crate::app::{App, Committed};
use crate::caller::Caller;
use crate::clock::DAY;
use crate::error::Error;
use crate::organizations;
use crate::owned;
use crate::random;
use crate::skills;
use crate::store::{
    Action, Boxes, Change, SecretFilter, SecretRow, SecretWrite, ShownSecret, StoreError, Target, Write,
};

/// An organisation has no more.
const MOST: u64 = 1000;
/// What was not used for so long may not be needed.
const IDLE: u64 = 30 * DAY;

/// Makes a secret. Its value is sealed before anything is written.
pub(crate) async fn create(app: &App, by: &Caller, request: &CreateSecret) -> Result<Committed<SecretRecord>, Error> {
    by.require(SecretsWrite)?;
    let owner = owned::owner(by, request.team)?;
    let organization = organizations::resolve(app, by, request.organization.as_deref()).await.map_err(unquoted)?;
    let sent = fields::value(request.sealed.as_ref(), request.value.as_ref())?;
    let now = app.clock.seconds();
    let row = SecretRow {
        id: random::secret_id()?,
        organization,
        owner,
        name: fields::name(app, "/name", &request.name)?,
        description: description(app, &sent, request.description.as_deref().unwrap_or_default())?,
        revision: 1,
        created_by: by.email().map(str::to_owned),
        created_at: now,
        replaced_by: by.email().map(str::to_owned),
        replaced_at: now,
        last_used: None,
        changed_in: 0,
    };
    if sent.is_in(&row.name) {
        return Err(Error::invalid("/name", "the value is in the name, which everybody sees"));
    }
    room(app, organization).await?;
    app.ready().await?;
    let done = app.change(async || {
        if let Some(there) = app.store.secret_named(organization, owner, &row.name).await? {
            return Err(taken(Some(&there)));
        }
        let boxes = sealed_for(app, &sent, &row).await?;
        skills::room_for_secret(app, &row, &boxes).await?;
        app.commit(change(app, by, &row, Action::SecretCreated, SecretWrite::Insert(row.clone(), boxes)), ()).await
    });
    let done = done.await.map_err(named)?;
    again(app, by, row.id, done).await
}

/// The boxes of a value of that secret.
async fn sealed_for(app: &App, sent: &fields::Sent, row: &SecretRow) -> Result<Boxes, Error> {
    let organization = row.organization.to_text();
    sent.for_edges(app, Purpose { organization: organization.as_str(), name: &row.name }).await
}

/// One page of secrets, newest first.
pub(crate) async fn list(app: &App, by: &Caller, query: &ListSecrets) -> Result<Page<SecretRecord>, Error> {
    by.require(SecretsRead)?;
    let scope = organizations::narrow(by, query.organization.as_deref())?;
    let filter = SecretFilter {
        seen_by: owned::seen_by(by)?,
        unused_since: query.unused.unwrap_or_default().then(|| app.clock.seconds().saturating_sub(IDLE)),
        unsealed: query.unsealed.as_deref().map(edge_key).transpose()?,
    };
    let slice = pages::slice(query.limit, query.cursor.as_deref())?;
    let rows = app.store.secrets(scope, &filter, &slice).await?;
    let place = |it: &ShownSecret| (it.row.created_at, it.row.id.to_string());
    Ok(pages::page(rows, &slice, place, |it| view::secret(by, it)))
}

/// One secret.
pub(crate) async fn show(app: &App, by: &Caller, id: &str) -> Result<SecretRecord, Error> {
    by.require(SecretsRead)?;
    Ok(view::secret(by, find(app, by, id).await?))
}

/// Changes what a secret is said to be for.
pub(crate) async fn update(
    app: &App,
    by: &Caller,
    id: &str,
    request: &UpdateSecret,
) -> Result<Committed<SecretRecord>, Error> {
    by.require(SecretsWrite)?;
    let description = owned::description(app, &request.description)?;
    app.change(async || {
        let mut row = changeable(app, by, id).await?;
        if row.description == description {
            let version = row.changed_in;
            return again(app, by, row.id, app.published(version, ()).await?).await;
        }
        row.description.clone_from(&description);
        let id = row.id;
        let change = change(app, by, &row, Action::SecretUpdated, SecretWrite::Describe(row.clone()));
        again(app, by, id, app.commit(change.detail([("description", json!(description))]), ()).await?).await
    })
    .await
}

/// Puts another value in place of the one so far. Nothing else of the secret changes, nor what refers to it.
pub(crate) async fn replace(
    app: &App,
    by: &Caller,
    id: &str,
    request: &ReplaceValue,
) -> Result<Committed<SecretRecord>, Error> {
    by.require(SecretsWrite)?;
    let sent = fields::value(request.sealed.as_ref(), request.value.as_ref())?;
    app.change(async || {
        let mut row = changeable(app, by, id).await?;
        if sent.is_in(&row.name) || sent.is_in(&row.description) {
            return Err(Error::invalid("/value", "the value is in the secret's name or description, which others see"));
        }
        let boxes = sealed_for(app, &sent, &row).await?;
        skills::room_for_secret(app, &row, &boxes).await?;
        row.revision = row.revision.saturating_add(1);
        row.replaced_by = by.email().map(str::to_owned);
        row.replaced_at = app.clock.seconds();
        let change = change(app, by, &row, Action::SecretReplaced, SecretWrite::Replace(row.clone(), boxes));
        again(app, by, row.id, app.commit(change, ()).await?).await
    })
    .await
}

/// Removes a secret. What is used by skills goes only if that is said.
pub(crate) async fn remove(
    app: &App,
    by: &Caller,
    id: &str,
    query: &DeleteSecret,
) -> Result<Committed<SecretRecord>, Error> {
    by.require(SecretsWrite)?;
    app.change(async || {
        let found = find(app, by, id).await?;
        owned::may_remove(by, found.row.owner)?;
        let record = view::secret(by, found.clone());
        by.still_sees(&record)?;
        if !found.skills.is_empty() && !query.force.unwrap_or_default() {
            let named = found.skills.iter().map(|it| format!("`{}` ({})", it.name, it.id));
            return Err(Error::SecretInUse(named.collect()));
        }
        let row = found.row;
        let change = change(app, by, &row, Action::SecretDeleted, SecretWrite::Delete(row.id));
        let used: Vec<_> = found.skills.iter().map(|it| it.id.to_string()).collect();
        let detail = [("revision", json!(row.revision)), ("owner", json!(record.owner)), ("skills", json!(used))];
        app.commit(change.detail(detail), record).await
    })
    .await
}

async fn find(app: &App, by: &Caller, id: &str) -> Result<ShownSecret, Error> {
    let id: SecretId = id.parse().map_err(|_| Error::NotFound("secret"))?;
    let found = app.store.secret(by.scope, id).await?;
    found.filter(|it| owned::is_seen(by, it.row.owner)).ok_or(Error::NotFound("secret"))
}

/// One that the caller may change, and that is as they read it.
async fn changeable(app: &App, by: &Caller, id: &str) -> Result<SecretRow, Error> {
    let found = find(app, by, id).await?;
    owned::may_change(by, found.row.owner)?;
    by.still_sees(&view::secret(by, found.clone()))?;
    Ok(found.row)
}

/// As it is now that something was done to it.
async fn again(app: &App, by: &Caller, id: SecretId, done: Committed<()>) -> Result<Committed<SecretRecord>, Error> {
    let shown = app.store.secret(by.scope, id).await?.ok_or(Error::NotFound("secret"))?;
    Ok(done.map(|(), _| view::secret(by, shown)))
}

async fn room(app: &App, organization: OrganizationId) -> Result<(), Error> {
    if app.store.secret_count(organization).await? < MOST {
        return Ok(());
    }
    Err(Error::invalid("/organization", format!("an organisation has at most {MOST} secrets: delete one first")))
}

fn description(app: &App, sent: &fields::Sent, text: &str) -> Result<String, Error> {
    let description = owned::description(app, text)?;
    if sent.is_in(&description) {
        return Err(Error::invalid("/description", "the value is in the description, which others see"));
    }
    Ok(description)
}

/// What was sent beside a value is not said again.
fn unquoted(error: Error) -> Error {
    match error {
        Error::Invalid { pointer, .. } => Error::invalid(pointer, "there is no such organisation, or it is not yours"),
        other => other,
    }
}

fn edge_key(text: &str) -> Result<KeyName, Error> {
    let detail = "expected the id of a key of the edges: 16 hexadecimal digits\nhint: `GET /v1/edge-keys` has them";
    text.parse().map_err(|_| Error::invalid("/unsealed", detail))
}

fn named(error: Error) -> Error {
    match error {
        Error::Store(StoreError::Duplicate) => taken(None),
        other => other,
    }
}

fn taken(there: Option<&ShownSecret>) -> Error {
    let which = there.map(|it| format!(": `{}`", it.row.id)).unwrap_or_default();
    let detail = format!("there is a secret of that name{which}\nhint: replace its value, or choose another name");
    Error::Taken { pointer: "/name".to_owned(), detail }
}

/// Something done to a secret, and what the log says of it.
fn change(app: &App, by: &Caller, row: &SecretRow, action: Action, write: SecretWrite) -> Change {
    let target = Target::new("secret", row.id, &row.name);
    let change = Change::new(by, app.clock.millis()).add(Write::Secret(write), row.organization, action, target);
    change.detail([("revision", json!(row.revision)), ("team", json!(row.owner.is_none()))])
}
