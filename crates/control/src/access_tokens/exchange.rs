//! A credential in exchange for an access token.
//!
//! It speaks no HTTP. Invariants: whoever fails learns nothing of why, nor from how long it takes: the same rows are looked
//! for and the same comparison is made whatever was sent; whatever is minted is of a credential that works.

use portcullis_api::KeyKind;
use portcullis_engine::{KeyId, OrganizationState};

use super::{Minted, NotHeld, Subject, mint, narrowed};
use crate::app::App;
use crate::caller::{Caller, Scope};
use crate::error::Error;
use crate::keys;
use crate::receipts::let_edges_hear;
use crate::secret::{Purpose, Secret, SecretDigest};
use crate::store::{KeyRow, Noted, Portion};

/// A credential's use is written down no more often.
const USED_EVERY_SECONDS: u64 = 60;

/// For so long after a credential was made an edge may not have heard of it.
const NEW_SECONDS: u64 = 10;

/// What a client proves itself with. Its secret is no more than its digest from here on.
#[derive(Clone, Debug)]
pub(crate) struct ClientSecret {
    id: Option<KeyId>,
    secret: SecretDigest,
}

/// Why a client gets no token.
#[derive(Debug)]
pub(crate) enum NoToken {
    /// It is unknown, or its secret is wrong, or it does not work.
    Client,
    /// It asks for what it does not hold.
    Scope(NotHeld),
    /// Anything else.
    Failed(Error),
}

impl From<Error> for NoToken {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl ClientSecret {
    /// As it was sent, whatever that is.
    pub(crate) fn new(id: &str, secret: &str) -> Self {
        let parsed = Secret::parse(Purpose::Credential, secret.as_bytes());
        // What cannot be a secret is compared all the same, with what nobody has.
        let is_possible = parsed.is_some();
        let digest = parsed.map_or_else(|| SecretDigest::of(secret.as_bytes()), |secret| secret.digest());
        Self { id: id.parse().ok().filter(|_| is_possible), secret: digest }
    }
}

/// The credential that a client proved to be. `by` is the request, by whomever.
pub(crate) async fn authenticate(app: &App, by: &Caller, sent: &ClientSecret) -> Result<KeyRow, NoToken> {
    let id = sent.id.unwrap_or(KeyId::from_bytes([0; 10]));
    let found = app.store.key(Scope::All, id).await.map_err(Error::from)?;
    let organization = found.as_ref().map_or(app.default_organization, |row| row.organization);
    let organization = app.store.organization(Scope::All, organization).await.map_err(Error::from)?;
    let expected = found.as_ref().and_then(|row| row.secret).unwrap_or(SecretDigest::of(b""));
    let is_right = expected.is(&sent.secret);
    let policy = app.policy();
    let works = |row: &KeyRow| {
        let is_active = organization.as_ref().is_some_and(|it| it.state != OrganizationState::Suspended);
        row.kind == KeyKind::Credential
            && row.secret.is_some()
            && is_active
            && policy.spec().environments.contains(&row.environment)
            && keys::status(row, app.clock.seconds()) == portcullis_api::KeyStatus::Active
    };
    match found {
        Some(row) if is_right && sent.id.is_some() && works(&row) => {
            app.exchange_rates.exchanged(row.id)?;
            Ok(row)
        }
        found => {
            let known = found.filter(|row| row.kind == KeyKind::Credential);
            app.exchanges.refused(app, by, known.as_ref(), is_right);
            app.exchange_rates.refused(by.address)?;
            Err(NoToken::Client)
        }
    }
}

/// A token for the credential itself; for some of its scopes, if they are named.
pub(crate) async fn credentials(app: &App, by: &Caller, row: &KeyRow, scopes: Option<&str>) -> Result<Minted, NoToken> {
    let scopes = narrowed(&app.policy(), &row.scopes, scopes).map_err(NoToken::Scope)?;
    let subject = Subject {
        subject: row.id.to_string(),
        client_id: row.id.to_string(),
        grant: None,
        organization: row.organization,
        environment: row.environment.clone(),
        scopes,
    };
    if app.clock.seconds().saturating_sub(row.created_at) < NEW_SECONDS {
        let_edges_hear(app, row.created_in).await;
    }
    let minted = mint(app, &subject).await?;
    app.exchanges.minted(app, by, row);
    used(app, row).await;
    Ok(minted)
}

/// Remembers that it was used. That this fails keeps nobody from a token.
async fn used(app: &App, row: &KeyRow) {
    let now = app.clock.seconds();
    if row.last_used.is_some_and(|used| now.saturating_sub(used) < USED_EVERY_SECONDS) {
        return;
    }
    let noted = Noted { uses: [(row.id, now)].into(), ..Noted::default() };
    let written = app.store.take_in(&Portion { noted, ..Portion::default() }).await;
    written.map_or_else(|error| tracing::warn!(%error, "the use of a credential is not written down"), drop);
}
