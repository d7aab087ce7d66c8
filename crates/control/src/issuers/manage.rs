//! Adding, changing and removing issuers, and looking at them.
//!
//! Whoever sees keys sees issuers. Adding and changing one takes the right to make keys and the right to manage the
//! organisation: it lets somebody else say who may call, for as long as it is there, and it takes a URL and an audience that
//! no other organisation can have then. Invariants: an issuer has keys from the start; whoever asks for something that is fetched
//! or that edges hear of is counted (`turns`).

use portcullis_api::issuers::ListIssuers;
use portcullis_api::{CreateIssuer, Issuer, Key, KeyKind, Page, Patch, UpdateIssuer};
use portcullis_engine::{KeyDigest, KeyId, OrganizationId};
use portcullis_token::Jwk;
use serde_json::json;

use super::refresh::{again, change, now};
use super::{fetch, fields, view};
use crate::access::Permission::{KeysRead, KeysWrite, OrganizationsWrite};
use crate::accounts::pages;
use crate::app::{App, Committed};
use crate::caller::{Caller, Scope};
use crate::error::Error;
use crate::keys::{self, given};
use crate::organizations;
use crate::policy::PolicyRoom;
use crate::random;
use crate::store::{Action, IssuerRow, IssuerWrite, KeyRow, OwnedIssuer, Slice, StoreError, Write};

/// More than that nobody means: each is asked for its keys again and again.
const MOST: u32 = 20;

/// Adds an issuer, with the keys that it publishes now.
pub(crate) async fn create(app: &App, by: &Caller, request: &CreateIssuer) -> Result<Committed<Issuer>, Error> {
    may_add(by)?;
    let organization = organizations::resolve(app, by, request.organization.as_deref()).await?;
    let policy = app.policy();
    let key = key(app, by, &policy, request, organization)?;
    let mut row = IssuerRow {
        key: key.id,
        issuer: fields::issuer(app, &request.issuer)?,
        audiences: fields::audiences(&policy, request.audiences.as_deref())?,
        types: fields::types(request.types.as_deref())?,
        jwks_uri: request.jwks_uri.as_deref().map(|it| fields::jwks_uri(app, it)).transpose()?,
        scope_claim: fields::scope_claim(&policy, request.scope_claim.as_deref().unwrap_or("scope"))?,
        scope_map: request.scope_map.as_ref().map(|it| fields::scope_map(&policy, it)).transpose()?.unwrap_or_default(),
        jwks: Vec::new(),
        fetched: now(app),
        changed_in: 0,
    };
    let others = app.store.issuers(Scope::Only(organization), &Slice { after: None, limit: MOST }).await?;
    if others.len() >= usize::try_from(MOST).unwrap_or(usize::MAX) {
        let detail = format!("an organisation has at most {MOST} issuers: remove one first");
        return Err(Error::invalid("/organization", detail));
    }
    if app.store.issuer_is_taken(&row).await? {
        return Err(taken());
    }
    app.fetches.ask(organization)?;
    row.jwks = fetched(app, organization, &row).await?;
    app.ready().await?;
    let owned = OwnedIssuer { row: row.clone(), key: key.clone() };
    let shown = view::issuer(&owned, app.clock.seconds());
    let detail = [("issuer", json!(row.issuer)), ("audiences", json!(row.audiences)), ("scopes", json!(key.scopes))];
    // Its key first: the other row names it.
    let mut change = change(app, by, &owned, Action::IssuerCreated, IssuerWrite::Insert(row)).detail(detail);
    change.writes.insert(0, Write::InsertKey(key));
    app.commit(change, shown).await.map_err(named)
}

/// One page of issuers, newest first.
pub(crate) async fn list(app: &App, by: &Caller, query: &ListIssuers) -> Result<Page<Issuer>, Error> {
    by.require(KeysRead)?;
    let scope = organizations::narrow(by, query.organization.as_deref())?;
    let slice = pages::slice(query.limit, query.cursor.as_deref())?;
    let (rows, now) = (app.store.issuers(scope, &slice).await?, app.clock.seconds());
    let place = |it: &OwnedIssuer| (it.key.created_at, it.key.id.to_string());
    Ok(pages::page(rows, &slice, place, |it| view::issuer(&it, now)))
}

/// One issuer.
pub(crate) async fn show(app: &App, by: &Caller, id: &str) -> Result<Issuer, Error> {
    by.require(KeysRead)?;
    Ok(view::issuer(&find(app, by, id).await?, app.clock.seconds()))
}

/// Changes which of its tokens are accepted and what they mean. Its keys are fetched again if they are elsewhere.
pub(crate) async fn update(
    app: &App,
    by: &Caller,
    id: &str,
    request: &UpdateIssuer,
) -> Result<Committed<Issuer>, Error> {
    may_add(by)?;
    let done = app.change(async || {
        let OwnedIssuer { row: from, key } = find(app, by, id).await?;
        let mut to = changed(app, &from, request)?;
        if to != from && app.store.issuer_is_taken(&to).await? {
            return Err(taken());
        }
        if to != from {
            app.fetches.ask(key.organization)?;
        }
        if to.jwks_uri != from.jwks_uri {
            to.jwks = fetched(app, key.organization, &to).await?;
            to.fetched = now(app);
        }
        let is_same = to == from;
        let owned = OwnedIssuer { row: to.clone(), key };
        let shown = view::issuer(&owned, app.clock.seconds());
        if is_same {
            return app.published(from.changed_in, shown).await;
        }
        let detail = [("audiences", json!(to.audiences)), ("types", json!(to.types)), ("jwks_uri", json!(to.jwks_uri))];
        let change = change(app, by, &owned, Action::IssuerUpdated, IssuerWrite::Replace(to)).detail(detail);
        app.commit(change, shown).await
    });
    done.await.map_err(named)
}

fn changed(app: &App, from: &IssuerRow, request: &UpdateIssuer) -> Result<IssuerRow, Error> {
    let (policy, mut to) = (app.policy(), from.clone());
    if let Some(sent) = given("/audiences", &request.audiences)? {
        to.audiences = fields::audiences(&policy, Some(sent))?;
    }
    if let Some(sent) = given("/types", &request.types)? {
        to.types = fields::types(Some(sent))?;
    }
    match &request.jwks_uri {
        Patch::Keep => {}
        Patch::Clear => to.jwks_uri = None,
        Patch::Set(text) => to.jwks_uri = Some(fields::jwks_uri(app, text)?),
    }
    if let Some(sent) = given("/scope_claim", &request.scope_claim)? {
        to.scope_claim = fields::scope_claim(&policy, sent)?;
    }
    match &request.scope_map {
        Patch::Keep => {}
        Patch::Clear => to.scope_map.clear(),
        Patch::Set(sent) => to.scope_map = fields::scope_map(&policy, sent)?,
    }
    Ok(to)
}

/// Fetches its keys now. That they could not be fetched is in the answer, and nothing else is changed by it.
pub(crate) async fn refresh(app: &App, by: &Caller, id: &str) -> Result<Committed<Issuer>, Error> {
    by.require(KeysWrite)?;
    let organization = find(app, by, id).await?.key.organization;
    app.fetches.ask(organization)?;
    let _turn = app.fetches.turn(organization).await;
    let owned = find(app, by, id).await?;
    let done = again(app, by, &owned).await?;
    Ok(done.map(|owned, _| view::issuer(&owned, app.clock.seconds())))
}

/// Revokes its key: none of its tokens is accepted from then on.
pub(crate) async fn remove(app: &App, by: &Caller, id: &str) -> Result<Committed<Key>, Error> {
    by.require(KeysWrite)?;
    let owned = find(app, by, id).await?;
    keys::revoke(app, by, &owned.key.id.to_string()).await
}

async fn find(app: &App, by: &Caller, id: &str) -> Result<OwnedIssuer, Error> {
    let id: KeyId = id.parse().map_err(|_| Error::NotFound("issuer"))?;
    app.store.issuer(by.scope, id).await?.ok_or(Error::NotFound("issuer"))
}

fn may_add(by: &Caller) -> Result<(), Error> {
    by.require(KeysWrite)?;
    by.require(OrganizationsWrite)
}

async fn fetched(app: &App, organization: OrganizationId, row: &IssuerRow) -> Result<Vec<Jwk>, Error> {
    let pointer = if row.jwks_uri.is_some() { "/jwks_uri" } else { "/issuer" };
    let _turn = app.fetches.turn(organization).await;
    let found = fetch::keys(app, &row.issuer, row.jwks_uri.as_deref()).await;
    found.map_err(|problem| Error::invalid(pointer, problem.to_string()))
}

fn named(error: Error) -> Error {
    match error {
        Error::Store(StoreError::Duplicate) => taken(),
        other => other,
    }
}

/// Whose it is, nobody is told.
fn taken() -> Error {
    let detail = "tokens of this issuer for one of these audiences are accepted here already, or somebody else has added it since\n\
                  hint: let its tokens name an audience of your own; to have more audiences than at first, add it once more";
    Error::invalid("/audiences", detail)
}

fn key(
    app: &App,
    by: &Caller,
    policy: &PolicyRoom,
    request: &CreateIssuer,
    organization: OrganizationId,
) -> Result<KeyRow, Error> {
    keys::known_environment(policy, &request.environment)?;
    let id = random::key_id()?;
    Ok(KeyRow {
        id,
        kind: KeyKind::Issuer,
        digest: KeyDigest::of_token_key(id),
        secret: None,
        name: keys::name(policy, &request.name)?,
        display: id.to_string(),
        prefix: String::new(),
        environment: request.environment.clone(),
        organization,
        scopes: keys::scopes(policy, &request.scopes)?,
        restrictions: None,
        enabled: true,
        created_by: by.email().map(str::to_owned),
        created_at: app.clock.seconds(),
        created_in: 0,
        expires_at: None,
        revoked_at: None,
        last_used: None,
        successor: None,
        metadata: Default::default(),
        trial: None,
        quota: None,
        rate: None,
        meter: None,
        skill: None,
        changed_in: 0,
    })
}
