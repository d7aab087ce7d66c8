//! A code for a grant (RFC 6749, section 4.1.3; RFC 7636, section 4.6).
//!
//! Invariants: a code makes one grant, and whoever comes with it again and with its verifier ends that grant; nothing is made of a flow that
//! somebody began and did not finish; a grant's row in `keys` and its row here come together.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use portcullis_api::KeyKind;
use portcullis_engine::{KeyDigest, KeyId, OrganizationId};
use serde_json::json;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::client::is_suspended;
use super::fields::{is_for, is_offered, within};
use super::grants;
use crate::access::Permission::KeysWrite;
use crate::access_tokens::{Minted, NotHeld, Subject, mint};
use crate::app::App;
use crate::caller::{Caller, Scope};
use crate::clock::DAY;
use crate::error::Error;
use crate::id::UserId;
use crate::keys;
use crate::policy::PolicyRoom;
use crate::random;
use crate::receipts::let_edges_hear;
use crate::secret::{Purpose, Secret};
use crate::store::{Action, AppRow, AppWrite, Change, CodeRow, GrantRow, KeyRow, RefreshRow, Target, UserRow, Write};

const MAX_NAME: usize = 100;

/// An access token, and the refresh token beside it.
#[derive(Debug)]
pub(crate) struct Allowed {
    /// The access token.
    pub minted: Minted,
    /// The next refresh token. It is nowhere else.
    pub refresh: Secret,
}

/// Why an app gets nothing.
#[derive(Debug)]
pub(crate) enum Stop {
    /// What it sent is worth nothing; what its developer is told.
    Grant(&'static str),
    /// It asks for what was not allowed.
    Scope(NotHeld),
    /// It could not be done.
    Failed(Error),
}

impl<E: Into<Error>> From<E> for Stop {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

/// What is wrong with a code says no more than that: whoever guesses learns nothing.
const NO_CODE: Stop = Stop::Grant(
    "the code is unknown, was used before, is older than a minute, or is for another client_id, redirect_uri or code_verifier",
);

/// Makes a grant of a code.
pub(crate) async fn redeem(
    app: &App,
    visitor: &Caller,
    client: &AppRow,
    sent: &str,
    redirect_uri: &str,
    verifier: &str,
) -> Result<Allowed, Stop> {
    let digest = Secret::parse(Purpose::Code, sent.as_bytes()).ok_or(NO_CODE)?.digest();
    let done = app.change(async || {
        let Some(code) = app.store.code(digest).await?.filter(|code| code.app == client.id) else { return Ok(None) };
        // Whoever only saw the code has not the rest, and ends nobody's grant.
        if code.redirect_uri != redirect_uri || !is_of(verifier, &code.challenge) {
            return Ok(None);
        }
        if let Some((_, grant)) = code.used {
            end(app, visitor, grant).await?;
            return Ok(None);
        }
        if code.expires_at <= app.clock.seconds() {
            return Ok(None);
        }
        make(app, visitor, client, &code).await
    });
    done.await?.ok_or(NO_CODE)
}

/// The grant, if whoever allowed it still may.
async fn make(app: &App, visitor: &Caller, client: &AppRow, code: &CodeRow) -> Result<Option<Allowed>, Error> {
    let policy = app.policy();
    let Some(user) = standing(app, client, code.user, code.organization, &code.environment).await? else {
        return Ok(None);
    };
    let (id, now) = (random::key_id()?, app.clock.seconds());
    let (key, secret) = (key(client, code, &user, id, now), Secret::generate(Purpose::Refresh)?);
    let grant = GrantRow {
        id,
        app: client.id,
        user: user.id,
        organization: code.organization,
        scopes: code.scopes.clone(),
        created_at: now,
    };
    // If nothing can be minted now, the code is good for another try.
    let minted = mint(app, &subject(&policy, client, &grant, &code.environment, &code.scopes)).await?;
    let refresh = RefreshRow {
        digest: secret.digest(),
        grant: id,
        created_at: now,
        expires_at: refresh_until(&policy, now, key.expires_at),
        used_at: None,
    };
    let target = Target::new("grant", id, &client.name);
    let detail = [
        ("app", json!(client.id.to_string())),
        ("scopes", json!(code.scopes)),
        ("environment", json!(code.environment)),
        ("user", json!(user.email)),
    ];
    let change = Change::by_user(visitor, user.id, &user.email, app.clock.millis())
        .add(Write::InsertKey(key.clone()), code.organization, Action::GrantCreated, target)
        .detail(detail)
        .also(Write::App(AppWrite::Redeem(code.digest, grant)))
        .also(Write::App(AppWrite::InsertRefresh(refresh)));
    app.ready().await?;
    // Published or not: what is stored must reach the app. But it uses its token at once.
    let done = app.issue(change, ()).await?;
    let_edges_hear(app, done.version).await;
    Ok(Some(Allowed { minted, refresh: secret }))
}

/// Whom an access token of a grant is for: it may what was allowed, as far as the app still may it.
pub(super) fn subject(
    policy: &PolicyRoom,
    client: &AppRow,
    grant: &GrantRow,
    environment: &str,
    scopes: &str,
) -> Subject {
    Subject {
        subject: grant.user.to_string(),
        client_id: client.id.to_string(),
        grant: Some(grant.id),
        organization: grant.organization,
        environment: environment.to_owned(),
        scopes: within(policy, client, scopes),
    }
}

fn key(client: &AppRow, code: &CodeRow, user: &UserRow, id: KeyId, now: u64) -> KeyRow {
    KeyRow {
        id,
        kind: KeyKind::Grant,
        digest: KeyDigest::of_token_key(id),
        secret: None,
        name: format!("{} for {}", client.name, user.email).chars().take(MAX_NAME).collect(),
        display: id.to_string(),
        prefix: String::new(),
        environment: code.environment.clone(),
        organization: code.organization,
        scopes: code.scopes.clone(),
        restrictions: None,
        enabled: true,
        created_by: Some(user.email.clone()),
        created_at: now,
        created_in: 0,
        expires_at: Some(now + keys::GRANT_DAYS * DAY),
        revoked_at: None,
        last_used: None,
        successor: None,
        metadata: BTreeMap::new(),
        trial: None,
        quota: None,
        rate: None,
        meter: None,
        skill: None,
        changed_in: 0,
    }
}

/// Whoever allowed it, if they still may: the app is offered there and for that environment, which the policy still has, neither
/// that organisation nor the app's own is suspended, and they have the right to make keys.
pub(super) async fn standing(
    app: &App,
    client: &AppRow,
    user: UserId,
    organization: OrganizationId,
    environment: &str,
) -> Result<Option<UserRow>, Error> {
    let member = app.store.member(organization, user).await?;
    let is_default = organization == app.default_organization;
    let may = member.is_some_and(|it| it.role.permissions(is_default).has(KeysWrite));
    let suspended = is_suspended(app, organization).await? || is_suspended(app, client.organization).await?;
    let offered =
        client.revoked_at.is_none() && is_offered(client, organization) && is_for(&app.policy(), client, environment);
    if !may || suspended || !offered {
        return Ok(None);
    }
    Ok(app.store.user(user).await?)
}

/// Ends a grant of which something was used twice: one of the two was not the app.
pub(super) async fn end(app: &App, visitor: &Caller, id: KeyId) -> Result<(), Error> {
    let found = app.store.grant(Scope::All, None, id).await?;
    match found.filter(|it| it.revoked_at.is_none()) {
        Some(found) => grants::end(app, visitor, &found, Action::GrantReused).await,
        None => Ok(()),
    }
}

/// When a new refresh token ends: so long after its last use, and never after its grant.
pub(super) fn refresh_until(policy: &PolicyRoom, now: u64, grant_until: Option<u64>) -> u64 {
    let days = policy.spec().tokens.as_ref().map_or(0, |it| u64::from(it.refresh_lifetime_days));
    (now + days * DAY).min(grant_until.unwrap_or(u64::MAX))
}

/// RFC 7636, section 4.6. What cannot be a verifier is not hashed.
fn is_of(verifier: &str, challenge: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let made = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()));
    (43..=128).contains(&verifier.len())
        && verifier.bytes().all(plain)
        && made.as_bytes().ct_eq(challenge.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verifier_is_of_its_challenge() {
        // RFC 7636, appendix B.
        let (verifier, challenge) =
            ("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
        assert!(is_of(verifier, challenge));
        for wrong in ["", "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXj", challenge, verifier.get(..42).unwrap()] {
            assert!(!is_of(wrong, challenge), "{wrong}");
        }
    }
}
