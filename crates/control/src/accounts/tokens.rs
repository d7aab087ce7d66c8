//! API tokens: of people, as whom they act, and of services.
//!
//! Invariant: nobody makes a token that may more, or lasts longer, than what they come with.

use portcullis_api::tokens::{ListTokens, TokenStatus};
use portcullis_api::{ApiToken, CreateToken, CreatedToken, Page, Secret as SecretText, TokenKind};
use portcullis_engine::OrganizationId;
use serde_json::json;

use super::{fields, pages};
use crate::access::Permission::{TokensRead, TokensWrite};
use crate::access::{Permissions, Role};
use crate::app::App;
use crate::caller::{Caller, Who};
use crate::clock::to_rfc3339;
use crate::error::Error;
use crate::id::{TokenId, UserId};
use crate::organizations;
use crate::secret::{Purpose, Secret};
use crate::store::{AccountWrite, Action, Change, Target, TokenRow, Write};

/// Makes a token. Its text is in this answer and nowhere else.
pub(crate) async fn create_token(app: &App, by: &Caller, request: &CreateToken) -> Result<CreatedToken, Error> {
    by.require(TokensWrite)?;
    let organization = organizations::resolve(app, by, request.organization.as_deref()).await?;
    let name = fields::name(&app.policy(), &request.name)?;
    if name.contains('@') {
        return Err(Error::invalid("/name", "a token's name has no `@`: the audit log would take it for a person"));
    }
    let scopes = granted(app, by, organization, &request.scopes)?;
    let owner = owner(by, request.kind)?;
    let now = app.clock.seconds();
    let expires_at = expiry(app, by, now, request.expires_at.as_deref()).await?;
    let secret = Secret::generate(Purpose::Token)?;
    let row = TokenRow {
        id: TokenId::generate()?,
        digest: secret.digest(),
        display: secret.display(),
        name,
        organization,
        owner,
        owner_email: by.email().filter(|_| owner.is_some()).map(str::to_owned),
        scopes,
        created_by: by.name().to_owned(),
        created_at: now,
        expires_at,
        revoked_at: None,
        last_used: None,
    };
    let record = token(row.clone(), now);
    let detail =
        [("kind", json!(record.kind)), ("scopes", json!(record.scopes)), ("expires_at", json!(record.expires_at))];
    let target = Target::new("token", row.id, &row.name);
    let change = Change::new(by, app.clock.millis());
    let write = Write::Account(AccountWrite::InsertToken(row));
    app.record(change.add(write, organization, Action::TokenCreated, target).detail(detail)).await?;
    Ok(CreatedToken { record, token: SecretText::new(secret.expose()) })
}

/// One page of tokens, newest first: every one in sight of an admin, their own in that of anybody else.
pub(crate) async fn list_tokens(app: &App, by: &Caller, query: &ListTokens) -> Result<Page<ApiToken>, Error> {
    by.require(TokensRead)?;
    let scope = organizations::narrow(by, query.organization.as_deref())?;
    let (slice, now) = (pages::slice(query.limit, query.cursor.as_deref())?, app.clock.seconds());
    let rows = app.store.tokens(scope, only_of(by), &slice).await?;
    Ok(pages::page(rows, &slice, |row| (row.created_at, row.id.to_string()), |row| token(row, now)))
}

/// Revokes a token for good, at once. The record stays; revoking it again changes nothing.
pub(crate) async fn revoke_token(app: &App, by: &Caller, id: &str) -> Result<ApiToken, Error> {
    by.require(TokensWrite)?;
    let id: TokenId = id.parse().map_err(|_| Error::NotFound("token"))?;
    app.change(async || {
        let mut row = app.store.token(by.scope, only_of(by), id).await?.ok_or(Error::NotFound("token"))?;
        let now = app.clock.seconds();
        if row.revoked_at.is_none() {
            let target = Target::new("token", id, &row.name);
            let write = Write::Account(AccountWrite::RevokeToken(id, now));
            let change = Change::new(by, app.clock.millis());
            app.record(change.add(write, row.organization, Action::TokenRevoked, target)).await?;
            row.revoked_at = Some(now);
        }
        Ok(token(row, now))
    })
    .await
}

/// What a token may do: nothing that its maker may not, and nothing that nobody may in that organisation.
fn granted(app: &App, by: &Caller, organization: OrganizationId, list: &[String]) -> Result<Permissions, Error> {
    let scopes = fields::scopes(list)?;
    scopes.iter().try_for_each(|permission| by.require(permission))?;
    if !scopes.are_within(Role::Owner.permissions(organization == app.default_organization)) {
        let detail = "nobody outside the default organisation may publish policies or read edges and metrics";
        return Err(Error::invalid("/scopes", detail));
    }
    Ok(scopes)
}

fn owner(by: &Caller, kind: TokenKind) -> Result<Option<UserId>, Error> {
    match kind {
        TokenKind::Personal => match by.user() {
            Some(user) => Ok(Some(user)),
            None => Err(Error::invalid("/kind", "only people have personal tokens: make one for a service")),
        },
        TokenKind::Service if manages_all(by) => Ok(None),
        TokenKind::Service => Err(Error::TooLow(Role::Admin)),
    }
}

/// Whether the caller has to do with every token, and not with their own alone.
fn manages_all(by: &Caller) -> bool {
    by.role().is_none_or(|role| role <= Role::Admin)
}

fn only_of(by: &Caller) -> Option<UserId> {
    by.user().filter(|_| !manages_all(by))
}

async fn expiry(app: &App, by: &Caller, now: u64, sent: Option<&str>) -> Result<Option<u64>, Error> {
    let expires_at = sent.map(|text| Error::time("/expires_at", text)).transpose()?;
    if expires_at.is_some_and(|time| time <= now) {
        return Err(Error::invalid("/expires_at", "this is in the past: the token would never work"));
    }
    let Who::Token { id, .. } = by.who else { return Ok(expires_at) };
    let own = app.store.token(by.scope, None, id).await?.and_then(|row| row.expires_at);
    match own {
        Some(own) if expires_at.is_none_or(|time| time > own) => {
            let detail = format!("a token makes none that outlives it: expected at most {}", to_rfc3339(own));
            Err(Error::invalid("/expires_at", detail))
        }
        _ => Ok(expires_at),
    }
}

fn token(row: TokenRow, now: u64) -> ApiToken {
    ApiToken {
        id: row.id.to_string(),
        name: row.name,
        display: row.display,
        kind: if row.owner.is_some() { TokenKind::Personal } else { TokenKind::Service },
        organization: row.organization.to_string(),
        owner: row.owner_email,
        scopes: row.scopes.iter().map(|it| it.as_str().to_owned()).collect(),
        status: match (row.revoked_at, row.expires_at) {
            (Some(_), _) => TokenStatus::Revoked,
            (None, Some(expiry)) if expiry <= now => TokenStatus::Expired,
            (None, _) => TokenStatus::Active,
        },
        created_by: row.created_by,
        created_at: to_rfc3339(row.created_at),
        expires_at: row.expires_at.map(to_rfc3339),
        revoked_at: row.revoked_at.map(to_rfc3339),
        last_used: row.last_used.map(to_rfc3339),
    }
}
