//! `/apps`: registering, changing and revoking apps that act for people.

use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use portcullis_api::apps::ListApps;
use portcullis_api::{ApiKey, CreateApp, CreatedApp, Patch, UpdateApp};
use serde::Deserialize;

use super::desk::Desk;
use super::done::{Done, done};
use super::key_life::Nothing;
use super::problems::{Places, beside};
use super::{Html, fields};
use crate::app::App;
use crate::apps;
use crate::error::Error;
use crate::http::body::{Parameters, Segment};
use crate::http::failure::Failure;
use crate::http::session::{Fields, Form};
use crate::pages::apps::{App as Page, AppFields, AppRow, Apps, MadeApp};
use crate::pages::form::{Problems, scope_groups};
use crate::pages::message::Confirm;
use crate::pages::parts::{Badge, Code, Pager, Tone};
use crate::pages::shell::Section;
use crate::pages::when::When;

const HERE: &str = "/apps";
const PLACES: &Places = &[
    ("", "redirect_uris"),
    ("/name", "name"),
    ("/redirect_uris", "redirect_uris"),
    ("/scopes", "scopes"),
    ("/environments", "environments"),
    ("/everyone", "everyone"),
];
const ROWS: u32 = 50;

/// Which page of them.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    cursor: Option<String>,
}

/// What was typed into the fields of one.
#[derive(Clone, Debug, Default)]
struct Typed {
    name: String,
    redirect_uris: Vec<String>,
    scopes: Vec<String>,
    environments: Vec<String>,
    public: bool,
    everyone: bool,
    problems: Problems,
}

pub(super) async fn list(
    State(app): State<App>,
    desk: Desk,
    Parameters(Asked { cursor }): Parameters<Asked>,
) -> Result<Html<Apps>, Failure> {
    let environments = app.policy().spec().environments.clone();
    let typed = Typed { environments, ..Typed::default() };
    Ok(Html::ok(page(&app, &desk, None, typed, cursor.filter(|it| !it.is_empty())).await?))
}

async fn page(
    app: &App,
    desk: &Desk,
    made: Option<CreatedApp>,
    typed: Typed,
    cursor: Option<String>,
) -> Result<Apps, Error> {
    let organization = Some(desk.by.organization.to_string());
    let query = ListApps { organization, limit: Some(ROWS), cursor: cursor.clone() };
    let _listing = app.listings.turn(&desk.by).await;
    let now = app.clock.seconds();
    let found = apps::list(app, &desk.by, &query).await?;
    let row = |it: portcullis_api::App| AppRow {
        kind: if it.public { "Public" } else { "With a secret" },
        state: state(&it),
        created: When::parse(&it.created_at, now),
        last_used: it.last_used.map(|at| When::parse(&at, now)),
        id: it.id,
        name: it.name,
    };
    Ok(Apps {
        shell: desk.shell("Apps", Section::Apps),
        pager: Pager {
            shown: found.data.len(),
            first: cursor.map(|_| HERE.to_owned()),
            next: found.next_cursor.map(|cursor| format!("{HERE}?cursor={cursor}")),
        },
        rows: found.data.into_iter().map(row).collect(),
        made: made.map(|it| MadeApp {
            client_id: Code::example("client-id", "Its client_id", &it.record.id),
            secret: it.secret.map(|it| Code::secret("client-secret", "Its client_secret", &ApiKey::new(it.expose()))),
            id: it.record.id,
        }),
        scopes: scope_groups(&app.policy().spec().scopes, &typed.scopes),
        fields: app_fields(app, desk, &typed),
        problems: typed.problems,
    })
}

pub(super) async fn create(
    State(app): State<App>,
    desk: Desk,
    Form(sent): Form<Fields>,
) -> Result<Html<Apps>, Failure> {
    let typed = typed(&sent);
    let request = CreateApp {
        name: typed.name.clone(),
        redirect_uris: typed.redirect_uris.clone(),
        scopes: typed.scopes.clone(),
        environments: Some(typed.environments.clone()),
        public: typed.public,
        everyone: typed.everyone,
        organization: None,
    };
    match apps::create(&app, &desk.by, &request).await {
        Ok(made) => {
            let environments = app.policy().spec().environments.clone();
            let typed = Typed { environments, ..Typed::default() };
            Ok(Html::ok(page(&app, &desk, Some(made), typed, None).await?))
        }
        Err(error) => Ok(Html::again(page(&app, &desk, None, again(&app, typed, error)?, None).await?)),
    }
}

pub(super) async fn show(State(app): State<App>, desk: Desk, Segment(id): Segment) -> Result<Html<Page>, Failure> {
    let found = apps::show(&app, &desk.by, &id).await?;
    let typed = held(&found);
    Ok(Html::ok(one(&app, &desk, found, typed, None)))
}

fn one(
    app: &App,
    desk: &Desk,
    found: portcullis_api::App,
    typed: Typed,
    secret: Option<portcullis_api::Secret>,
) -> Page {
    let now = app.clock.seconds();
    let at = |path: &str| format!("{}{path}", app.public_url);
    Page {
        shell: desk.shell(found.name.clone(), Section::Apps),
        state: state(&found),
        is_public: found.public,
        is_revoked: found.revoked_at.is_some(),
        created: When::parse(&found.created_at, now),
        last_used: found.last_used.as_deref().map(|at| When::parse(at, now)),
        client_id: Code::example("client-id", "client_id", &found.id),
        secret: secret.map(|it| Code::secret("client-secret", "Its new client_secret", &ApiKey::new(it.expose()))),
        authorize: Code::example("authorize", "Authorization endpoint", at("/oauth/authorize")),
        token: Code::example("token", "Token endpoint", at("/oauth/token")),
        scopes: scope_groups(&app.policy().spec().scopes, &typed.scopes),
        fields: app_fields(app, desk, &typed),
        problems: typed.problems,
        id: found.id,
        title: found.name,
        created_by: found.created_by,
    }
}

pub(super) async fn save(
    State(app): State<App>,
    desk: Desk,
    Segment(id): Segment,
    Form(sent): Form<Fields>,
) -> Result<Response, Failure> {
    let typed = typed(&sent);
    let request = UpdateApp {
        name: Patch::Set(typed.name.clone()),
        redirect_uris: Patch::Set(typed.redirect_uris.clone()),
        scopes: Patch::Set(typed.scopes.clone()),
        environments: Patch::Set(typed.environments.clone()),
        // Whoever is not asked changes nothing of it.
        everyone: if desk.viewer.can.operate { Patch::Set(typed.everyone) } else { Patch::Keep },
    };
    match apps::update(&app, &desk.by, &id, &request).await {
        Ok(changed) => Ok(done(&format!("{HERE}/{}", changed.id), Done::AppUpdated, None).into_response()),
        Err(error) => {
            let typed = again(&app, typed, error)?;
            let found = apps::show(&app, &desk.by, &id).await?;
            Ok(Html::again(one(&app, &desk, found, typed, None)).into_response())
        }
    }
}

pub(super) async fn rotate(
    State(app): State<App>,
    desk: Desk,
    Segment(id): Segment,
    Form(Nothing {}): Form<Nothing>,
) -> Result<Html<Page>, Failure> {
    let made = apps::rotate(&app, &desk.by, &id).await?;
    let typed = held(&made.record);
    Ok(Html::ok(one(&app, &desk, made.record, typed, made.secret)))
}

pub(super) async fn ask_to_revoke(
    State(app): State<App>,
    desk: Desk,
    Segment(id): Segment,
) -> Result<Html<Confirm>, Failure> {
    let found = apps::show(&app, &desk.by, &id).await?;
    Ok(Html::ok(Confirm {
        shell: desk.shell("Revoke an app", Section::Apps),
        question: format!("Revoke {}?", found.name),
        points: vec![
            "Everything that anybody allowed it ends, and edges refuse its access tokens at once.".to_owned(),
            "Nobody can allow it anything any more.".to_owned(),
            "It cannot be undone: a new one has another id.".to_owned(),
        ],
        action: format!("{HERE}/{}/revoke", found.id),
        hidden: Vec::new(),
        yes: "Revoke it".to_owned(),
        danger: true,
        back: format!("{HERE}/{}", found.id),
    }))
}

pub(super) async fn revoke(
    State(app): State<App>,
    desk: Desk,
    Segment(id): Segment,
    Form(Nothing {}): Form<Nothing>,
) -> Result<Redirect, Failure> {
    let revoked = apps::revoke(&app, &desk.by, &id).await?;
    Ok(done(&format!("{HERE}/{}", revoked.value.id), Done::AppRevoked, Some(revoked.version)))
}

fn typed(sent: &Fields) -> Typed {
    let all = |name| sent.all(name).map(str::to_owned).collect();
    let lines = sent.get("redirect_uris").lines().map(str::trim).filter(|line| !line.is_empty());
    Typed {
        name: sent.get("name").to_owned(),
        redirect_uris: lines.map(str::to_owned).collect(),
        scopes: all("scopes"),
        environments: all("environments"),
        public: sent.get("public") == "yes",
        everyone: sent.has("everyone"),
        problems: Problems::default(),
    }
}

/// What an app has.
fn held(found: &portcullis_api::App) -> Typed {
    Typed {
        name: found.name.clone(),
        redirect_uris: found.redirect_uris.clone(),
        scopes: found.scopes.clone(),
        environments: found.environments.clone(),
        public: found.public,
        everyone: found.everyone,
        problems: Problems::default(),
    }
}

/// What was typed, to be put right.
fn again(app: &App, typed: Typed, error: Error) -> Result<Typed, Failure> {
    let (policy, problems) = (app.policy(), beside(error, PLACES)?);
    let redirect_uris = typed.redirect_uris.iter().map(|it| fields::again(&policy, it)).collect();
    Ok(Typed { name: fields::again(&policy, &typed.name), redirect_uris, problems, ..typed })
}

fn app_fields(app: &App, desk: &Desk, typed: &Typed) -> AppFields {
    let policy = app.policy();
    let environment = |it: &String| (it.clone(), typed.environments.contains(it));
    AppFields {
        name: typed.name.clone(),
        redirect_uris: typed.redirect_uris.join("\n"),
        public: typed.public,
        may_everyone: desk.viewer.can.operate,
        everyone: typed.everyone,
        environments: policy.spec().environments.iter().map(environment).collect(),
    }
}

fn state(found: &portcullis_api::App) -> Badge {
    match (&found.revoked_at, found.everyone) {
        (Some(_), _) => Badge::new(Tone::Bad, "Revoked"),
        (None, true) => Badge::new(Tone::Good, "For everyone"),
        (None, false) => Badge::new(Tone::Good, "Active"),
    }
}
