//! Programs that come with an API token.

use crate::access::Role;
use crate::app::App;
use crate::caller::{Caller, Scope, Who};
use crate::error::Error;
use crate::secret::Secret;
use crate::store::ActiveToken;

/// A token's use is written down no more often.
const USED_EVERY_SECONDS: u64 = 60;

/// Whoever sent an API token; `None` if it does not work. `visitor` is the request without it.
///
/// A personal token acts as its owner, so it may do what its scopes and its owner's role have in common.
pub(crate) async fn recognise(app: &App, visitor: &Caller, sent: &Secret) -> Result<Option<Caller>, Error> {
    let now = app.clock.seconds();
    let Some(ActiveToken { row, role }) = app.store.token_by_digest(sent.digest(), now).await? else {
        return Ok(None);
    };
    if row.last_used.is_none_or(|used| now.saturating_sub(used) >= USED_EVERY_SECONDS) {
        app.store.token_used(row.id, now).await?;
    }
    let most = role.unwrap_or(Role::Owner).permissions(row.organization == app.default_organization);
    let owner = row.owner.zip(row.owner_email).zip(role).map(|((id, email), role)| (id, email, role));
    Ok(Some(Caller {
        who: Who::Token { id: row.id, name: row.name, owner },
        organization: row.organization,
        scope: Scope::Only(row.organization),
        permissions: row.scopes.and(most),
        address: visitor.address,
        request_id: visitor.request_id.clone(),
        condition: visitor.condition.clone(),
    }))
}
