//! `/edges/keys`, for the operator: the public keys that secrets are sealed to.
//!
//! Invariant: what was sent as a public key is not shown again: it may be the private half.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use portcullis_api::AddEdgeKey;
use portcullis_api::edge_keys::RemoveEdgeKey;

use super::desk::Desk;
use super::done::{Done, done};
use super::edges::page;
use super::problems::{Places, beside};
use super::{Html, fields};
use crate::app::App;
use crate::edge_keys;
use crate::error::{Edges, Error};
use crate::http::body::Segment;
use crate::http::failure::Failure;
use crate::http::session::{Fields, Form};
use crate::pages::message::Confirm;
use crate::pages::shell::Section;

const HERE: &str = "/edges";
/// How much was said to hang on a key.
const SECRETS: &str = "secrets";
const EDGES: &str = "edges";
const PLACES: &Places = &[("", "public_key"), ("/description", "description")];

pub(super) async fn add(State(app): State<App>, desk: Desk, Form(sent): Form<Fields>) -> Result<Response, Failure> {
    let description = Some(sent.get("description").to_owned());
    let request = AddEdgeKey { public_key: sent.get("public_key").to_owned(), description };
    match edge_keys::add(&app, &desk.by, &request).await {
        Ok(added) => Ok(done(HERE, Done::EdgeKeyAdded, Some(added.version)).into_response()),
        Err(error) => {
            let problems = beside(error, PLACES)?;
            let typed = fields::again(&app.policy(), sent.get("description"));
            Ok(Html::again(page(&app, &desk, typed, problems).await?).into_response())
        }
    }
}

pub(super) async fn ask_to_remove(
    State(app): State<App>,
    desk: Desk,
    Segment(id): Segment,
) -> Result<Html<Confirm>, Failure> {
    Ok(Html::ok(question(&app, &desk, &id).await?))
}

async fn question(app: &App, desk: &Desk, id: &str) -> Result<Confirm, Error> {
    let (key, hanging) = edge_keys::hanging(app, &desk.by, id).await?;
    Ok(Confirm {
        shell: desk.shell("Remove a key of the edges", Section::Edges),
        question: format!("Remove the public key {key}?"),
        points: vec![
            edges_lost(&hanging.edges),
            secrets_lost(hanging.secrets),
            "What is sealed to it is deleted. Added again, it has to be sealed to again.".to_owned(),
        ],
        action: format!("{HERE}/keys/{key}/remove"),
        // What is agreed to is what stands here, whatever hangs on it by then.
        hidden: vec![(SECRETS, hanging.secrets.to_string()), (EDGES, hanging.edges.number.to_string())],
        yes: "Remove it".to_owned(),
        danger: true,
        back: HERE.to_owned(),
    })
}

fn secrets_lost(alone: u64) -> String {
    match alone {
        0 => "Every secret is sealed to another key as well.".to_owned(),
        1 => "One secret is sealed to this key alone: no edge can use it until its value is entered again.".to_owned(),
        _ => format!(
            "{alone} secrets are sealed to this key alone: no edge can use them until their values are entered again."
        ),
    }
}

/// Those that do not tell may be among them, so it is said in any case.
fn edges_lost(edges: &Edges) -> String {
    match edges.number {
        0 => "Edges that need its private half can use no secret any more; of those that tell, none does.".to_owned(),
        _ => format!("Without it {edges} could not open every secret: whoever needs one is answered 503."),
    }
}

pub(super) async fn remove(
    State(app): State<App>,
    desk: Desk,
    Segment(id): Segment,
    Form(sent): Form<Fields>,
) -> Result<Response, Failure> {
    let (_, hanging) = edge_keys::hanging(&app, &desk.by, &id).await?;
    let seen = |name| sent.get(name).parse().unwrap_or(0);
    let is_agreed = hanging.is_any() && hanging.is_within(seen(SECRETS), seen(EDGES));
    let query = RemoveEdgeKey { force: is_agreed.then_some(true) };
    match edge_keys::remove(&app, &desk.by, &id, &query).await {
        Ok(removed) => Ok(done(HERE, Done::EdgeKeyRemoved, Some(removed.version)).into_response()),
        // Something hangs on it since the question was asked: it is asked again.
        Err(Error::SecretsUnsealed { .. } | Error::EdgeKeyInUse(_)) => {
            Ok(Html(StatusCode::CONFLICT, question(&app, &desk, &id).await?).into_response())
        }
        Err(error) => Err(error.into()),
    }
}
