//! The keys that access tokens are signed with: made when one is needed, replaced on a schedule, revoked by command.
//!
//! They are in the database, sealed, so every control plane signs with the same. (What signs bundles is another key, in a
//! file.) Invariants: a key is published before it signs, and accepted for as long as what it signed is good; whoever changes
//! them changes all of them as they were read, so of many control planes one does.

mod manage;
mod ring;
mod schedule;

use std::collections::BTreeSet;
use std::time::Duration;

use portcullis_engine::spec::{TokenAlgorithm, TokensSpec};
use portcullis_token::{Algorithm, TokenKey};
use serde_json::json;

use crate::app::App;
use crate::caller::Caller;
use crate::clock::{DAY, to_rfc3339};
use crate::error::Error;
use crate::random;
use crate::store::{Action, Change, Target, TokenKeyRow, TokenKeysWrite, Write};
pub(crate) use manage::{list, revoke, rotate};
pub(crate) use ring::{Ring, Signer};
pub(crate) use schedule::AHEAD;
use schedule::Terms;

/// How often it is looked whether something is due.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// After a failure.
const AGAIN_AFTER: Duration = Duration::from_secs(10);

/// Does whatever is due, again and again. Never returns.
pub(crate) async fn run(app: App) {
    loop {
        match keep(&app).await {
            Ok(()) => tokio::time::sleep(LOOK_EVERY).await,
            Err(error) => {
                tracing::error!(%error, "the keys that access tokens are signed with could not be seen to");
                tokio::time::sleep(AGAIN_AFTER).await;
            }
        }
    }
}

/// Does whatever is due by now: makes a key, lets one go. What is published says whether there is anything to do, so as a
/// rule the database is not asked.
pub(crate) async fn keep(app: &App) -> Result<(), Error> {
    let policy = app.policy();
    let Some(tokens) = policy.spec().tokens.as_ref() else { return Ok(()) };
    app.ready().await?;
    let (terms, now) = (terms(app, tokens), app.clock.seconds());
    if !is_due(app, &app.token_keys.published().keys, terms, now) {
        return Ok(());
    }
    app.change(async || {
        let read = app.store.token_keys().await?;
        let now = app.clock.seconds();
        if !is_due(app, &read, terms, now) {
            // Somebody else saw to it.
            return app.published(app.store.version().await?, ()).await.map(drop);
        }
        let mut rows = schedule::pruned(read.clone(), now);
        if let Some(from) = schedule::due(&rows, terms, now, |row| app.token_keys.opens(row)) {
            rows = schedule::followed(rows, new(app, terms.algorithm, now, from)?, terms);
        }
        let change = replacement(app, &Caller::system(app.default_organization), read, rows);
        app.commit(change, ()).await.map(drop)
    })
    .await
}

fn is_due(app: &App, rows: &[TokenKeyRow], terms: Terms, now: u64) -> bool {
    schedule::pruned(rows.to_vec(), now) != rows
        || schedule::due(rows, terms, now, |row| app.token_keys.opens(row)).is_some()
}

fn terms(app: &App, tokens: &TokensSpec) -> Terms {
    Terms {
        algorithm: algorithm(tokens.algorithm),
        signs_for: u64::from(app.token_key_days).max(1) * DAY,
        token_lives: u64::from(tokens.lifetime_seconds) + u64::from(tokens.clock_skew_seconds),
    }
}

fn algorithm(chosen: TokenAlgorithm) -> Algorithm {
    match chosen {
        TokenAlgorithm::EdDsa => Algorithm::EdDsa,
        TokenAlgorithm::Es256 => Algorithm::Es256,
    }
}

/// A new key that signs from then on.
fn new(app: &App, algorithm: Algorithm, now: u64, signs_from: u64) -> Result<TokenKeyRow, Error> {
    let key = loop {
        // Of P-256 one seed in 2^32 is none.
        if let Ok(key) = TokenKey::generate(algorithm, &random::bytes()?) {
            break key;
        }
    };
    Ok(TokenKeyRow {
        kid: key.kid().to_owned(),
        algorithm: algorithm.as_str().to_owned(),
        jwk: serde_json::to_string(&key.jwk()).unwrap_or_default(),
        secret: Some(app.token_keys.seal(&key)?),
        created_at: now,
        signs_from,
        signs_until: None,
        accepted_until: None,
        revoked_at: None,
    })
}

/// All of them as they are to be, and what the log says of it: which are new, which are gone.
fn replacement(app: &App, by: &Caller, from: Vec<TokenKeyRow>, to: Vec<TokenKeyRow>) -> Change {
    let kids = |rows: &[TokenKeyRow]| rows.iter().map(|row| row.kid.clone()).collect::<BTreeSet<_>>();
    let (before, after) = (kids(&from), kids(&to));
    let mut change = Change::new(by, app.clock.millis());
    for row in to.iter().filter(|row| !before.contains(&row.kid)) {
        let detail = [("algorithm", json!(row.algorithm)), ("signs_from", json!(to_rfc3339(row.signs_from)))];
        change = change.note(app.default_organization, Action::SigningKeyMade, target(row)).detail(detail);
    }
    for row in from.iter().filter(|row| !after.contains(&row.kid)) {
        change = change.note(app.default_organization, Action::SigningKeyRetired, target(row));
    }
    change.also(Write::TokenKeys(TokenKeysWrite::Replace { from, to }))
}

fn target(row: &TokenKeyRow) -> Target {
    Target::new("signing_key", &row.kid, &row.algorithm)
}
