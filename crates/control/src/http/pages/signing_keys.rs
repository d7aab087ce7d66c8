//! `/signing-keys`, for the operator: what access tokens are signed with.

use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use portcullis_api::SigningKey;
use portcullis_api::signing_keys::RotateSigningKey;

use super::Html;
use super::desk::Desk;
use super::done::{Done, done};
use super::key_life::Nothing;
use super::problems::{Places, beside};
use crate::access::Permission::PolicyWrite;
use crate::app::App;
use crate::error::Error;
use crate::http::body::Segment;
use crate::http::failure::Failure;
use crate::http::session::{Fields, Form};
use crate::pages::form::Problems;
use crate::pages::message::Confirm;
use crate::pages::parts::{Badge, Tone};
use crate::pages::shell::Section;
use crate::pages::signing_keys::{SigningKeyRow, SigningKeys};
use crate::pages::when::When;
use crate::signing_keys;

const HERE: &str = "/signing-keys";
const PLACES: &Places = &[("", "now")];

pub(super) async fn list(State(app): State<App>, desk: Desk) -> Result<Html<SigningKeys>, Failure> {
    Ok(Html::ok(page(&app, &desk, Problems::default()).await?))
}

async fn page(app: &App, desk: &Desk, problems: Problems) -> Result<SigningKeys, Error> {
    let now = app.clock.seconds();
    let rows = signing_keys::list(app, &desk.by).await?.into_iter().map(|key| row(key, now)).collect();
    let minted = app.policy().spec().tokens.is_some();
    Ok(SigningKeys { shell: desk.shell("Signing keys", Section::SigningKeys), rows, minted, problems })
}

pub(super) async fn rotate(State(app): State<App>, desk: Desk, Form(sent): Form<Fields>) -> Result<Response, Failure> {
    let request = RotateSigningKey { now: sent.has("now") };
    match signing_keys::rotate(&app, &desk.by, &request).await {
        Ok(rotated) => Ok(done(HERE, Done::SigningKeyRotated, Some(rotated.version)).into_response()),
        Err(error) => Ok(Html::again(page(&app, &desk, beside(error, PLACES)?).await?).into_response()),
    }
}

pub(super) async fn ask_to_revoke(
    State(app): State<App>,
    desk: Desk,
    Segment(kid): Segment,
) -> Result<Html<Confirm>, Failure> {
    desk.by.require(PolicyWrite)?;
    let keys = signing_keys::list(&app, &desk.by).await?;
    let key = keys.into_iter().find(|key| key.kid == kid).ok_or(Error::NotFound("signing key"))?;
    Ok(Html::ok(Confirm {
        shell: desk.shell("Revoke a signing key", Section::SigningKeys),
        question: format!("Revoke the signing key {}?", key.kid),
        points: vec![
            "Edges refuse at once every token that it signed; clients get new ones.".to_owned(),
            "If it is the one that signs, another takes over at once.".to_owned(),
            "It cannot be undone.".to_owned(),
        ],
        action: format!("{HERE}/{}/revoke", key.kid),
        hidden: Vec::new(),
        yes: "Revoke it".to_owned(),
        danger: true,
        back: HERE.to_owned(),
    }))
}

pub(super) async fn revoke(
    State(app): State<App>,
    desk: Desk,
    Segment(kid): Segment,
    Form(Nothing {}): Form<Nothing>,
) -> Result<Redirect, Failure> {
    let revoked = signing_keys::revoke(&app, &desk.by, &kid).await?;
    Ok(done(HERE, Done::SigningKeyRevoked, Some(revoked.version)))
}

fn row(key: SigningKey, now: u64) -> SigningKeyRow {
    let (tone, word) = match key.state.as_str() {
        "active" => (Tone::Good, "Signs"),
        "next" => (Tone::Quiet, "Next"),
        "retiring" => (Tone::Quiet, "Accepted"),
        _ => (Tone::Bad, "Revoked"),
    };
    let when = |time: &Option<String>| time.as_deref().map(|at| When::parse(at, now));
    SigningKeyRow {
        badge: Badge::new(tone, word),
        revoked_at: when(&key.revoked_at),
        signs_from: When::parse(&key.signs_from, now),
        signs_until: when(&key.signs_until),
        accepted_until: when(&key.accepted_until),
        kid: key.kid,
        algorithm: key.algorithm,
    }
}
