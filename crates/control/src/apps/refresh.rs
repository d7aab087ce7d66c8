//! A refresh token for the next one and an access token (RFC 6749, section 6; RFC 9700, section 4.14).
//!
//! Invariant: a refresh token is used once; whoever uses it again, or at the same time, ends its grant.

use super::fields::{covers, within};
use super::redeem::{Allowed, Stop, end, refresh_until, standing};
use crate::app::App;
use crate::caller::{Caller, Scope};
use crate::error::Error;
use crate::secret::{Purpose, Secret};
use crate::store::{AppRow, RefreshRow, ShownGrant};

const NO_TOKEN: Stop = Stop::Refused(
    "invalid_grant",
    "the refresh token is unknown, was used before, is too old, or what it is for was revoked: ask the person again",
);
const WIDER: Stop = Stop::Refused("invalid_scope", "a scope was not allowed: leave it out, or ask the person again");

/// Uses a refresh token.
pub(crate) async fn refresh(
    app: &App,
    visitor: &Caller,
    client: &AppRow,
    sent: &str,
    scope: Option<&str>,
) -> Result<Allowed, Stop> {
    let digest = Secret::parse(Purpose::Refresh, sent.as_bytes()).ok_or(NO_TOKEN)?.digest();
    let row = app.store.refresh_token(digest).await?.ok_or(NO_TOKEN)?;
    let found = app.store.grant(Scope::All, None, row.grant).await?;
    let found = found.filter(|it| it.row.app == client.id && it.revoked_at.is_none()).ok_or(NO_TOKEN)?;
    if row.used_at.is_some() {
        end(app, visitor, row.grant).await?;
        return Err(NO_TOKEN);
    }
    let (policy, now) = (app.policy(), app.clock.seconds());
    let is_over = row.expires_at <= now || found.expires_at.is_some_and(|it| it <= now) || !found.enabled;
    let stands = standing(app, client, found.row.user, found.row.organization).await?.is_some();
    if is_over || !stands || !policy.spec().environments.contains(&found.environment) {
        return Err(NO_TOKEN);
    }
    let scopes = narrowed(&found, scope).ok_or(WIDER)?;
    let key = app.store.key(Scope::All, row.grant).await?.ok_or(NO_TOKEN)?;
    let next = Secret::generate(Purpose::Refresh)?;
    let expires_at = refresh_until(&policy, now, key.expires_at);
    let replaced = RefreshRow { digest: next.digest(), grant: row.grant, created_at: now, expires_at, used_at: None };
    if !app.store.refresh(digest, &replaced).await.map_err(Error::from)? {
        // Somebody was faster, if it was not revoked at this very moment.
        end(app, visitor, row.grant).await?;
        return Err(NO_TOKEN);
    }
    Ok(Allowed { key, user: found.row.user, scopes: within(&policy, client, &scopes), refresh: next })
}

/// What the next access token may do; the refresh token goes on standing for all that was allowed.
fn narrowed(found: &ShownGrant, asked: Option<&str>) -> Option<String> {
    let Some(asked) = asked else { return Some(found.row.scopes.clone()) };
    let fine = asked.split_ascii_whitespace().all(|it| covers(&found.row.scopes, it));
    fine.then(|| asked.split_ascii_whitespace().collect::<Vec<_>>().join(" "))
}
