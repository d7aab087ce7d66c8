//! `/settings`: one's own name, password, sessions and API tokens.

use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use portcullis_api::tokens::{ListTokens, TokenStatus};
use portcullis_api::{ApiKey, ApiToken, CreateToken, CreatedToken, TokenKind};
use serde::Deserialize;

use super::browser::called;
use super::desk::Desk;
use super::done::{Done, done};
use super::key_life::Nothing;
use super::problems::{Places, beside, sentence};
use super::{Html, fields};
use crate::access::Permission::{TokensRead, TokensWrite};
use crate::accounts::{self, NewPassword, Password};
use crate::app::App;
use crate::error::Error;
use crate::http::body::Segment;
use crate::http::failure::Failure;
use crate::http::session::{Fields, Form, no_cookie};
use crate::pages::form::{Problems, scope_groups};
use crate::pages::message::Confirm;
use crate::pages::parts::Code;
use crate::pages::settings::{SessionRow, Settings, TokenRow};
use crate::pages::shell::Section;
use crate::pages::when::When;
use crate::store;

const HERE: &str = "/settings";
const TOKENS: u32 = 1000;
const NEW_TOKEN: &Places = &[("", "token_name"), ("/scopes", "scopes"), ("/expires_at", "expires_at")];

/// What a page shows beside what is stored.
#[derive(Default)]
struct Shown {
    name: Option<String>,
    new_token: Option<(Code, Code)>,
    token_name: String,
    token_service: bool,
    token_expires_at: String,
    ticked: Vec<String>,
    problems: Problems,
}

pub(super) async fn show(State(app): State<App>, desk: Desk) -> Result<Html<Settings>, Failure> {
    Ok(Html::ok(page(&app, &desk, Shown::default()).await?))
}

async fn page(app: &App, desk: &Desk, shown: Shown) -> Result<Settings, Error> {
    let now = app.clock.seconds();
    let sessions = accounts::list_sessions(app, &desk.by).await?;
    let known: Vec<_> = desk.by.permissions.iter().map(|it| it.as_str().to_owned()).collect();
    Ok(Settings {
        shell: desk.shell("Settings", Section::Settings),
        name: shown.name.unwrap_or_else(|| desk.viewer.name.clone()),
        sessions: sessions.into_iter().map(|row| session(row, desk, now)).collect(),
        tokens: tokens(app, desk).await?.into_iter().map(|it| token(it, desk, now)).collect(),
        new_token: shown.new_token,
        token_name: shown.token_name,
        token_service: shown.token_service,
        token_expires_at: shown.token_expires_at,
        may_service: desk.viewer.can.members_write,
        scopes: scope_groups(&known, &shown.ticked),
        problems: shown.problems,
    })
}

/// Those that are not revoked.
async fn tokens(app: &App, desk: &Desk) -> Result<Vec<ApiToken>, Error> {
    if !desk.by.permissions.has(TokensRead) {
        return Ok(Vec::new());
    }
    let query = ListTokens { limit: Some(TOKENS), ..ListTokens::default() };
    let _listing = app.listings.turn(&desk.by).await;
    let mut found = accounts::list_tokens(app, &desk.by, &query).await?.data;
    found.retain(|it| it.status != TokenStatus::Revoked);
    Ok(found)
}

fn session(row: store::SessionRow, desk: &Desk, now: u64) -> SessionRow {
    SessionRow {
        current: desk.session == row.id,
        id: row.id.to_string(),
        agent: called(&row.agent),
        address: row.address.unwrap_or_else(|| "unknown".to_owned()),
        created: When::new(row.created_at, now),
        last_seen: When::new(row.last_seen, now),
    }
}

fn token(it: ApiToken, desk: &Desk, now: u64) -> TokenRow {
    let kind = match (it.kind, it.owner) {
        (TokenKind::Personal, Some(owner)) if owner != desk.viewer.email => format!("personal, of {owner}"),
        (kind, _) => kind.as_str().to_owned(),
    };
    TokenRow {
        id: it.id,
        name: it.name,
        kind,
        scopes: it.scopes,
        created: When::parse(&it.created_at, now),
        last_used: it.last_used.map(|at| When::parse(&at, now)),
        expires: it.expires_at.map(|at| When::parse(&at, now)),
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Profile {
    name: String,
}

pub(super) async fn rename(
    State(app): State<App>,
    desk: Desk,
    Form(Profile { name }): Form<Profile>,
) -> Result<Response, Failure> {
    match accounts::rename(&app, &desk.by, &name).await {
        Ok(()) => Ok(done(HERE, Done::NameChanged, None).into_response()),
        Err(error) => {
            let problems = beside(error, &[("", "name")])?;
            let name = Some(fields::again(&app.policy(), &name));
            Ok(Html::again(page(&app, &desk, Shown { name, problems, ..Shown::default() }).await?).into_response())
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Passwords {
    current: String,
    new: String,
    /// A box that was ticked.
    revoke_tokens: String,
}

pub(super) async fn change_password(
    State(app): State<App>,
    desk: Desk,
    Form(Passwords { current, new, revoke_tokens }): Form<Passwords>,
) -> Result<Response, Failure> {
    let revoke_tokens = !revoke_tokens.is_empty();
    let (old, new) = (Password::typed(current), Password::typed(new));
    let what = if revoke_tokens { Done::PasswordAndTokens } else { Done::PasswordChanged };
    let problems = match accounts::change_password(&app, &desk.by, &NewPassword { old, new, revoke_tokens }).await {
        Ok(()) => return Ok(done(HERE, what, None).into_response()),
        Err(Error::WrongPassword) => Problems(vec![("current", "This is not your password.".to_owned())]),
        Err(error) => beside(error, &[("/password", "new")])?,
    };
    Ok(Html::again(page(&app, &desk, Shown { problems, ..Shown::default() }).await?).into_response())
}

pub(super) async fn end_session(
    State(app): State<App>,
    desk: Desk,
    Segment(id): Segment,
    Form(Nothing {}): Form<Nothing>,
) -> Result<Response, Failure> {
    accounts::end_session(&app, &desk.by, &id).await?;
    if desk.session.to_string() == id {
        return Ok((no_cookie(&app), done("/sign-in", Done::SignedOut, None)).into_response());
    }
    Ok(done(HERE, Done::SessionEnded, None).into_response())
}

pub(super) async fn end_all(
    State(app): State<App>,
    desk: Desk,
    Form(Nothing {}): Form<Nothing>,
) -> Result<Response, Failure> {
    accounts::sign_out_everywhere(&app, &desk.by).await?;
    Ok((no_cookie(&app), done("/sign-in", Done::SignedOut, None)).into_response())
}

pub(super) async fn create_token(
    State(app): State<App>,
    desk: Desk,
    Form(sent): Form<Fields>,
) -> Result<Html<Settings>, Failure> {
    let is_service = sent.get("kind") == "service";
    let request = CreateToken {
        name: sent.get("token_name").to_owned(),
        scopes: fields::scopes(&sent),
        kind: if is_service { TokenKind::Service } else { TokenKind::Personal },
        expires_at: fields::moment(sent.get("expires_at")),
        organization: None,
    };
    let problems = match accounts::create_token(&app, &desk.by, &request).await {
        Ok(made) => {
            let new_token = Some(texts(&made));
            return Ok(Html::ok(page(&app, &desk, Shown { new_token, ..Shown::default() }).await?));
        }
        Err(error @ Error::TooLow(_)) if is_service => {
            Problems(vec![("token_name", sentence(&format!("a service token: {error}")))])
        }
        Err(error) => beside(error, NEW_TOKEN)?,
    };
    let policy = app.policy();
    let shown = Shown {
        token_name: fields::again(&policy, sent.get("token_name")),
        token_service: is_service,
        token_expires_at: fields::again(&policy, sent.get("expires_at")),
        ticked: request.scopes.into_iter().filter(|it| it.parse::<crate::access::Permission>().is_ok()).collect(),
        problems,
        ..Shown::default()
    };
    Ok(Html::again(page(&app, &desk, shown).await?))
}

/// The token, and how it is used: this once.
fn texts(made: &CreatedToken) -> (Code, Code) {
    let text = made.token.expose();
    let command = ApiKey::new(format!("export PORTCULLIS_TOKEN={text}"));
    let token = Code::secret("token-text", &format!("The token “{}”", made.record.name), &ApiKey::new(text));
    (token, Code::with_secret("token-export", "For the command line", &command))
}

pub(super) async fn ask_to_revoke(
    State(app): State<App>,
    desk: Desk,
    Segment(id): Segment,
) -> Result<Html<Confirm>, Failure> {
    desk.by.require(TokensWrite)?;
    let found = tokens(&app, &desk).await?.into_iter().find(|it| it.id == id).ok_or(Error::NotFound("token"))?;
    let used = match &found.last_used {
        Some(at) => format!("It was last used at {at}."),
        None => "It was never used.".to_owned(),
    };
    Ok(Html::ok(Confirm {
        shell: desk.shell(format!("Revoke {}", found.name), Section::Settings),
        question: format!("Revoke the token {}?", found.name),
        points: vec![
            "Whatever uses it is refused at once.".to_owned(),
            used,
            "It cannot be undone: make another instead.".to_owned(),
        ],
        action: format!("{HERE}/tokens/{}/revoke", found.id),
        hidden: Vec::new(),
        yes: "Revoke the token".to_owned(),
        danger: true,
        back: HERE.to_owned(),
    }))
}

pub(super) async fn revoke_token(
    State(app): State<App>,
    desk: Desk,
    Segment(id): Segment,
    Form(Nothing {}): Form<Nothing>,
) -> Result<Redirect, Failure> {
    accounts::revoke_token(&app, &desk.by, &id).await?;
    Ok(done(HERE, Done::TokenRevoked, None))
}
