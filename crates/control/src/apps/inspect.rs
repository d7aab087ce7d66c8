//! What becomes of a token that somebody shows: whether it works (RFC 7662), and that it is to work no more (RFC 7009).
//!
//! Invariants: nobody is told of a token that is not theirs to know, not even that there is one; an app ends its own grants
//! and no others.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use portcullis_api::oauth::Introspected;
use portcullis_engine::scope::common_grants;
use portcullis_engine::{KeyId, OrganizationId};
use portcullis_token::Claims;

use super::client::is_suspended;
use super::fields::within;
use super::grants;
use super::redeem::standing;
use crate::access::Permission::KeysRead;
use crate::app::App;
use crate::caller::{Caller, Scope};
use crate::error::Error;
use crate::keys;
use crate::secret::{Purpose, Secret};
use crate::store::{Action, AppRow, KeyRow, RefreshRow, ShownGrant};

/// Whoever asks about a token.
pub(crate) enum Asker {
    /// Somebody with a management token.
    Manager(Caller),
    /// An app with a secret.
    App(AppRow),
    /// A credential.
    Credential(Box<KeyRow>),
}

/// What became of a token that was to be revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Revoked {
    /// It works no more, or never did, or is none of this app's.
    Done,
    /// It is of a credential, which ends when that does.
    OfCredential,
}

/// A token that was shown, if it is one of ours.
enum Shown {
    Access(Claims),
    Refresh(RefreshRow),
}

/// What a token may now, to whoever may know it.
pub(crate) async fn introspect(app: &App, by: &Asker, sent: &str) -> Result<Option<Introspected>, Error> {
    let described = match read(app, sent).await? {
        Some(Shown::Access(claims)) => access(app, claims).await?,
        Some(Shown::Refresh(row)) => refresh(app, &row).await?,
        None => None,
    };
    Ok(described.filter(|it| by.may_know(it)))
}

/// Ends the grant that a token of an app is of.
pub(crate) async fn revoke_token(app: &App, by: &Caller, client: &AppRow, sent: &str) -> Result<Revoked, Error> {
    let grant = match read(app, sent).await? {
        Some(Shown::Access(Claims { grant: None, .. })) => return Ok(Revoked::OfCredential),
        Some(Shown::Access(claims)) => claims.grant.and_then(|it| it.parse::<KeyId>().ok()),
        Some(Shown::Refresh(row)) => Some(row.grant),
        None => None,
    };
    let Some(grant) = grant else { return Ok(Revoked::Done) };
    let found = app.store.grant(Scope::All, None, grant).await?;
    let Some(found) = found.filter(|it| it.row.app == client.id && it.revoked_at.is_none()) else {
        return Ok(Revoked::Done);
    };
    grants::end(app, by, &found, Action::GrantRevoked).await?;
    Ok(Revoked::Done)
}

/// A token that is ours, and not over by itself.
async fn read(app: &App, sent: &str) -> Result<Option<Shown>, Error> {
    if let Some(secret) = Secret::parse(Purpose::Refresh, sent.as_bytes()) {
        return Ok(app.store.refresh_token(secret.digest()).await?.map(Shown::Refresh));
    }
    Ok(own(app, sent).map(Shown::Access))
}

/// What an access token says that we signed. One of somebody else's is not even verified.
fn own(app: &App, sent: &str) -> Option<Claims> {
    let payload = sent.split('.').nth(1).and_then(|part| URL_SAFE_NO_PAD.decode(part).ok())?;
    let claims: Claims = serde_json::from_slice(&payload).ok()?;
    let issuers = app.publisher.current()?.issuers()?;
    let is_ours = app.token_keys.published().issuer.as_ref() == Some(&claims.iss);
    (is_ours && issuers.verify(sent.as_bytes(), app.clock.seconds()).is_ok()).then_some(claims)
}

async fn access(app: &App, claims: Claims) -> Result<Option<Introspected>, Error> {
    let of = claims.grant.as_deref().unwrap_or(&claims.client_id);
    let Ok(id) = of.parse::<KeyId>() else { return Ok(None) };
    let Some(key) = app.store.key(Scope::All, id).await? else { return Ok(None) };
    let works = keys::status(&key, app.clock.seconds()) == portcullis_api::KeyStatus::Active;
    if !works || is_suspended(app, key.organization).await? {
        return Ok(None);
    }
    let (policy, said) = (app.policy(), claims.scope.unwrap_or_default());
    let held = match claims.grant {
        None => key.scopes,
        Some(_) => match allowed(app, &key).await? {
            Some(client) => within(&policy, &client, &key.scopes),
            None => return Ok(None),
        },
    };
    Ok(Some(Introspected {
        token_type: "Bearer".to_owned(),
        scope: common_grants(&said, &held, policy.spec().write_implies_read),
        client_id: claims.client_id,
        sub: claims.sub,
        aud: claims.aud,
        iss: claims.iss,
        org: claims.org,
        env: claims.env,
        grant: claims.grant,
        iat: claims.iat,
        exp: claims.exp,
        jti: Some(claims.jti),
    }))
}

/// The app of a grant, if what was allowed still is.
async fn allowed(app: &App, key: &KeyRow) -> Result<Option<AppRow>, Error> {
    let Some(found) = app.store.grant(Scope::All, None, key.id).await? else { return Ok(None) };
    let Some(client) = app.store.app(Scope::All, found.row.app).await? else { return Ok(None) };
    let stands = standing(app, &client, found.row.user, key.organization, &key.environment).await?.is_some();
    Ok(Some(client).filter(|_| stands))
}

async fn refresh(app: &App, row: &RefreshRow) -> Result<Option<Introspected>, Error> {
    let (policy, now) = (app.policy(), app.clock.seconds());
    let found = app.store.grant(Scope::All, None, row.grant).await?;
    let works = |it: &ShownGrant| it.revoked_at.is_none() && it.enabled && it.expires_at.is_none_or(|end| end > now);
    let Some(found) = found.filter(|it| works(it) && row.used_at.is_none() && row.expires_at > now) else {
        return Ok(None);
    };
    let Some(client) = app.store.app(Scope::All, found.row.app).await? else { return Ok(None) };
    let (user, organization) = (found.row.user, found.row.organization);
    let stands = standing(app, &client, user, organization, &found.environment).await?.is_some();
    let Some(tokens) = policy.spec().tokens.as_ref().filter(|_| stands) else { return Ok(None) };
    Ok(Some(Introspected {
        token_type: "refresh_token".to_owned(),
        scope: within(&policy, &client, &found.row.scopes),
        client_id: client.id.to_string(),
        sub: found.row.user.to_string(),
        aud: tokens.audience.clone(),
        iss: app.token_keys.name(&app.public_url),
        org: found.row.organization.to_string(),
        env: found.environment,
        grant: Some(row.grant.to_string()),
        iat: row.created_at,
        exp: row.expires_at,
        jti: None,
    }))
}

impl Asker {
    fn may_know(&self, token: &Introspected) -> bool {
        let Ok(of) = token.org.parse::<OrganizationId>() else { return false };
        match self {
            Self::Manager(by) => by.scope.covers(of) && by.permissions.has(KeysRead),
            Self::App(row) => row.organization == of || row.id.to_string() == token.client_id,
            Self::Credential(row) => row.organization == of,
        }
    }
}
