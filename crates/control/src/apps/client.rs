//! An app that proves who it is.
//!
//! Invariants: of a secret no more than its digest is compared; an app with a secret is never taken without it, nor a public
//! one with one; whatever an organisation offers stops with it.

use portcullis_engine::{OrganizationId, OrganizationState};

use crate::access_tokens::NoToken;
use crate::app::App;
use crate::caller::{Caller, Scope};
use crate::error::Error;
use crate::id::AppId;
use crate::secret::{Purpose, Secret};
use crate::store::AppRow;

/// An app's use is written down no more often.
const USED_EVERY_SECONDS: u64 = 60;

/// The app that a client proved to be; a public one proves nothing, and redeems what only it can.
pub(crate) async fn authenticate(app: &App, by: &Caller, id: &str, secret: Option<&str>) -> Result<AppRow, NoToken> {
    let found = match id.parse::<AppId>() {
        Ok(id) => app.store.app(Scope::All, id).await.map_err(Error::from)?,
        Err(_) => None,
    };
    let sent = secret.map(|it| Secret::parse(Purpose::Credential, it.as_bytes()).map(|it| it.digest()));
    let is_it = |row: &AppRow| match (&row.secret, &sent) {
        (Some(expected), Some(Some(sent))) => expected.is(sent),
        (None, None) => true,
        _ => false,
    };
    let found = found.filter(|row| row.revoked_at.is_none() && is_it(row));
    let stopped = match &found {
        Some(row) => is_suspended(app, row.organization).await?,
        None => false,
    };
    match found.filter(|_| !stopped) {
        Some(row) => {
            let now = app.clock.seconds();
            if row.last_used.is_none_or(|used| now.saturating_sub(used) >= USED_EVERY_SECONDS) {
                app.store.app_used(row.id, now).await.map_err(Error::from)?;
            }
            Ok(row)
        }
        None => {
            app.metrics.exchanged("unknown");
            app.exchange_rates.refused(by.address)?;
            Err(NoToken::Client)
        }
    }
}

/// Whether an organisation is suspended, or gone: its apps act for nobody.
pub(super) async fn is_suspended(app: &App, id: OrganizationId) -> Result<bool, Error> {
    let found = app.store.organization(Scope::Only(id), id).await?;
    Ok(found.is_none_or(|it| it.state == OrganizationState::Suspended))
}
