//! A refresh token for the next one and an access token (RFC 6749, section 6; RFC 9700, section 4.14).
//!
//! Invariant: a refresh token is used once; whoever uses it again, or at the same time, ends its grant.

use super::fields::within;
use super::redeem::{Allowed, Stop, end, refresh_until, standing, subject};
use crate::access_tokens::{mint, still_held};
use crate::app::App;
use crate::caller::{Caller, Scope};
use crate::error::Error;
use crate::secret::{Purpose, Secret};
use crate::store::{AppRow, RefreshRow};

const NO_TOKEN: Stop = Stop::Grant(
    "the refresh token is unknown, was used before, is too old, or what it is for was revoked: ask the person again",
);

/// Uses a refresh token. `scope` asks for less this once, and is ignored as far as it asks for more; the next refresh token stands for all that was allowed.
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
    // Before anything is counted: whoever has both uses up what may be asked, and would never be found out.
    if row.used_at.is_some() {
        end(app, visitor, row.grant).await?;
        return Err(NO_TOKEN);
    }
    app.exchange_rates.refreshed(row.grant)?;
    let (policy, now) = (app.policy(), app.clock.seconds());
    let is_over = row.expires_at <= now || found.expires_at.is_some_and(|it| it <= now) || !found.enabled;
    let (user, organization) = (found.row.user, found.row.organization);
    let stands = standing(app, client, user, organization, &found.environment).await?.is_some();
    if is_over || !stands {
        return Err(NO_TOKEN);
    }
    let held = within(&policy, client, &found.row.scopes);
    let scopes = still_held(&policy, &held, scope).map_err(Stop::Scope)?;
    // If nothing can be minted now, the refresh token is good for another try.
    let minted = mint(app, &subject(&policy, client, &found.row, &found.environment, &scopes)).await?;
    let next = Secret::generate(Purpose::Refresh)?;
    let expires_at = refresh_until(&policy, now, found.expires_at);
    let replaced = RefreshRow { digest: next.digest(), grant: row.grant, created_at: now, expires_at, used_at: None };
    if !app.store.refresh(digest, &replaced).await.map_err(Error::from)? {
        // Somebody was faster, if it was not revoked at this very moment.
        end(app, visitor, row.grant).await?;
        return Err(NO_TOKEN);
    }
    Ok(Allowed { minted, refresh: next })
}
