//! The first owner: a link that works once, for a day, as long as there is nobody.

use super::invitations;
use crate::access::Role;
use crate::app::App;
use crate::caller::Caller;
use crate::error::Error;
use crate::store::{AccountWrite, Action, Change, Write};

const VALID_SECONDS: u64 = 24 * 60 * 60;

/// The link for the first owner, if there is nobody yet; the one of an earlier start no longer works then.
pub(crate) async fn first_owner_link(app: &App) -> Result<Option<String>, Error> {
    if app.store.has_users().await? {
        return Ok(None);
    }
    let (by, organization, now) =
        (Caller::system(app.default_organization), app.default_organization, app.clock.seconds());
    let (secret, mut row) = invitations::make(organization, Role::Owner, None, by.name(), now, VALID_SECONDS)?;
    row.is_first = true;
    let target = invitations::target(&row);
    let change = Change::new(&by, app.clock.millis()).also(Write::Account(AccountWrite::WithdrawFirst(now))).add(
        Write::Account(AccountWrite::InsertInvitation(row)),
        organization,
        Action::InvitationCreated,
        target,
    );
    app.record(change).await?;
    Ok(Some(format!("{}/welcome/{}", app.public_url, secret.expose())))
}

/// Whether nobody can sign in yet.
pub(crate) async fn nobody_yet(app: &App) -> Result<bool, Error> {
    Ok(!app.store.has_users().await?)
}
