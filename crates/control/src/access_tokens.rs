//! Access tokens as they are minted: for whom, with what, for how long.
//!
//! Whether somebody may have one is decided by whoever asks for it here (`exchange` for credentials). Invariant: a token says
//! no more than its subject does, and never outlives the key that it is signed with.

mod exchange;
mod journal;
mod rates;
mod scopes;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use portcullis_api::Secret;
use portcullis_engine::{KeyId, OrganizationId};
use portcullis_token::Claims;

use crate::app::App;
use crate::error::Error;
use crate::policy::PolicyRoom;
use crate::random;
use crate::signing_keys::{self, Signer};
pub(crate) use exchange::{ClientSecret, NoToken, authenticate, credentials};
pub(crate) use journal::Journal;
pub(crate) use rates::ExchangeRates;
pub(crate) use scopes::{NotHeld, narrowed, still_held};

/// Whom a token is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Subject {
    /// On whose behalf (`sub`): the credential's key id, or the user's.
    pub(crate) subject: String,
    /// Who got it (`client_id`): the credential's key id, or the app's.
    pub(crate) client_id: String,
    /// The grant that an app got it for.
    pub(crate) grant: Option<KeyId>,
    /// The organisation.
    pub(crate) organization: OrganizationId,
    /// The environment.
    pub(crate) environment: String,
    /// Its scopes, separated by one space.
    pub(crate) scopes: String,
}

/// A token that was minted. It is in the answer to whoever asked for it and nowhere else.
#[derive(Clone, Debug)]
pub(crate) struct Minted {
    /// The token.
    pub(crate) token: Secret,
    /// In how many seconds it ends.
    pub(crate) expires_in: u64,
    /// What it may do.
    pub(crate) scopes: String,
}

/// Fails unless the policy has access tokens minted; `whom` is of no use without them.
pub(crate) fn required(policy: &PolicyRoom, pointer: &str, whom: &str) -> Result<(), Error> {
    let detail = || {
        format!(
            "the policy mints no access tokens, so {whom} would be of no use\nhint: add `[tokens]` with an `audience` to the \
             policy"
        )
    };
    policy.spec().tokens.as_ref().map(drop).ok_or_else(|| Error::invalid(pointer, detail()))
}

/// Mints a token. If nothing is there yet to sign it with, that is made first.
pub(crate) async fn mint(app: &App, subject: &Subject) -> Result<Minted, Error> {
    let policy = app.policy();
    let Some(tokens) = policy.spec().tokens.as_ref() else {
        return Err(Error::invalid("", "the policy mints no access tokens: it has no `[tokens]`"));
    };
    let signer = signer(app).await?;
    let now = app.clock.seconds();
    let skew = u64::from(tokens.clock_skew_seconds);
    let end = now.saturating_add(u64::from(tokens.lifetime_seconds));
    // The policy may let tokens live longer than when the key's end was set.
    let end = signer.accepted_until.map_or(end, |accepted| end.min(accepted.saturating_sub(skew)));
    let expires_in = end.checked_sub(now).filter(|left| *left > 0).ok_or(Error::NotReady)?;
    let claims = Claims {
        iss: signer.issuer,
        sub: subject.subject.clone(),
        aud: tokens.audience.clone(),
        client_id: subject.client_id.clone(),
        grant: subject.grant.map(|id| id.to_string()),
        org: subject.organization.to_string(),
        env: subject.environment.clone(),
        scope: Some(subject.scopes.clone()).filter(|scopes| !scopes.is_empty()),
        iat: now,
        exp: end,
        jti: URL_SAFE_NO_PAD.encode(random::bytes::<16>()?),
    };
    let token = signer.key.sign(&claims);
    if token.len() > usize::try_from(tokens.max_bytes).unwrap_or(usize::MAX) {
        let detail = "the token would be longer than `max_bytes` of the policy\nhint: ask for fewer scopes";
        return Err(Error::invalid("/scope", detail));
    }
    Ok(Minted { token: Secret::new(token), expires_in, scopes: subject.scopes.clone() })
}

async fn signer(app: &App) -> Result<Signer, Error> {
    if let Some(signer) = app.token_keys.signer(app.clock.seconds()) {
        return Ok(signer);
    }
    signing_keys::keep(app).await?;
    app.token_keys.signer(app.clock.seconds()).ok_or(Error::NotReady)
}
