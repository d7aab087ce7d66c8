//! `/secrets`: what there is, one secret, and its end. What takes values is in `secret_forms`.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use portcullis_api::SecretRecord;
use portcullis_api::secrets::{DeleteSecret, ListSecrets};
use serde::Deserialize;

use super::audit::history;
use super::desk::Desk;
use super::done::{Done, done};
use super::{Html, sealing};
use crate::access::Permission::{OrganizationsWrite, SecretsWrite};
use crate::app::App;
use crate::error::Error;
use crate::http::body::{Parameters, Segment};
use crate::http::failure::Failure;
use crate::http::session::{Fields, Form, escaped};
use crate::pages::form::Problems;
use crate::pages::message::Confirm;
use crate::pages::parts::Pager;
use crate::pages::secrets::{SecretPage, SecretRow, Secrets, Whose};
use crate::pages::shell::Section;
use crate::pages::when::When;
use crate::{secrets, tag};

pub(super) const HERE: &str = "/secrets";
const ON_A_PAGE: u32 = 50;

/// The query. What cannot be meant is passed over.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    unused: String,
    unsealed: String,
    cursor: String,
}

impl Asked {
    fn is_unused(&self) -> bool {
        self.unused == "true"
    }

    /// The id of a key of the edges, if it can be one.
    fn unsealed(&self) -> Option<String> {
        self.unsealed.parse::<portcullis_seal::KeyName>().ok().map(|name| name.to_string())
    }

    fn address(&self, cursor: &str) -> String {
        let unsealed = self.unsealed().unwrap_or_default();
        let pairs =
            [("unused", if self.is_unused() { "true" } else { "" }), ("unsealed", &unsealed), ("cursor", cursor)];
        let pairs = pairs.into_iter().filter(|(_, value)| !value.is_empty());
        let query = pairs.map(|(name, value)| format!("{name}={}", escaped(value))).collect::<Vec<_>>().join("&");
        if query.is_empty() { HERE.to_owned() } else { format!("{HERE}?{query}") }
    }
}

pub(super) async fn list(
    State(app): State<App>,
    desk: Desk,
    Parameters(asked): Parameters<Asked>,
) -> Result<Html<Secrets>, Failure> {
    let query = ListSecrets {
        organization: Some(desk.by.organization.to_string()),
        unused: asked.is_unused().then_some(true),
        unsealed: asked.unsealed(),
        limit: Some(ON_A_PAGE),
        cursor: Some(asked.cursor.clone()).filter(|it| !it.is_empty()),
    };
    let _listing = app.listings.turn(&desk.by).await;
    let found = secrets::list(&app, &desk.by, &query).await?;
    let now = app.clock.seconds();
    Ok(Html::ok(Secrets {
        shell: desk.shell("Secrets", Section::Secrets),
        unused: asked.is_unused(),
        unsealed: asked.unsealed().unwrap_or_default(),
        pager: Pager {
            shown: found.data.len(),
            first: (!asked.cursor.is_empty()).then(|| asked.address("")),
            next: found.next_cursor.map(|cursor| asked.address(&cursor)),
        },
        rows: found.data.iter().map(|it| row(&desk, it, now)).collect(),
        no_keys: sealing::keys(&app, &desk.by).await?.is_empty(),
    }))
}

fn row(desk: &Desk, it: &SecretRecord, now: u64) -> SecretRow {
    SecretRow {
        id: it.id.clone(),
        name: it.name.clone(),
        description: it.description.clone(),
        whose: Whose::of(it.owner.as_deref(), &desk.viewer.email),
        skills: it.skill_count,
        last_used: it.last_used_at.as_deref().map(|at| When::parse(at, now)),
        entered: When::parse(&it.replaced_at, now),
        entered_by: it.replaced_by.clone(),
        unsealed: !it.unsealed.is_empty(),
    }
}

pub(super) async fn show(
    State(app): State<App>,
    desk: Desk,
    Segment(id): Segment,
) -> Result<Html<SecretPage>, Failure> {
    let found = secrets::show(&app, &desk.by, &id).await?;
    let description = found.description.clone();
    Ok(Html::ok(one(&app, &desk, found, description, Problems::default()).await?))
}

/// The page of one, with its description as it is or was typed.
pub(super) async fn one(
    app: &App,
    desk: &Desk,
    found: SecretRecord,
    description: String,
    problems: Problems,
) -> Result<SecretPage, Error> {
    let now = app.clock.seconds();
    let secret = row(desk, &found, now);
    let can = desk.viewer.can;
    let manages = secret.whose == Whose::Team && can.organizations_write;
    let seen = u64::try_from(found.skills.len()).unwrap_or(u64::MAX);
    Ok(SecretPage {
        shell: desk.shell(found.name.clone(), Section::Secrets),
        revision: found.revision,
        created: When::parse(&found.created_at, now),
        created_by: found.created_by.clone(),
        more_skills: found.skill_count.saturating_sub(seen),
        may_change: can.secrets_write && (secret.whose == Whose::Yours || manages),
        may_delete: can.secrets_write && (secret.whose == Whose::Yours || can.organizations_write),
        seal: sealing::keys(app, &desk.by).await?,
        organization: found.organization.clone(),
        etag: tag::of(&found),
        entries: history(app, desk, &found.id).await?,
        missing: found.unsealed,
        skills: found.skills.into_iter().map(|it| (it.id, it.name)).collect(),
        secret,
        description,
        problems,
    })
}

pub(super) async fn ask_to_delete(
    State(app): State<App>,
    desk: Desk,
    Segment(id): Segment,
) -> Result<Html<Confirm>, Failure> {
    Ok(Html::ok(question(&app, &desk, &id).await?))
}

async fn question(app: &App, desk: &Desk, id: &str) -> Result<Confirm, Error> {
    desk.by.require(SecretsWrite)?;
    let found = secrets::show(app, &desk.by, id).await?;
    if found.owner.as_deref() != Some(desk.viewer.email.as_str()) {
        desk.by.require(OrganizationsWrite)?;
    }
    let used = found.skill_count > 0;
    let seen = found.skills.iter().map(|it| format!("The skill {} uses it ({}).", it.name, it.id));
    let mut points: Vec<_> = seen.collect();
    points.push(if used {
        "What refers to it finds nothing then, or the team's secret of that name: requests that need it are refused."
            .to_owned()
    } else {
        "No skill uses it.".to_owned()
    });
    points.push("It cannot be undone: its value is known to nobody here.".to_owned());
    Ok(Confirm {
        shell: desk.shell("Delete a secret", Section::Secrets),
        question: format!("Delete the secret {}?", found.name),
        points,
        action: format!("{HERE}/{}/delete", found.id),
        hidden: if used { vec![("force", "true".to_owned())] } else { Vec::new() },
        yes: "Delete it".to_owned(),
        danger: true,
        back: format!("{HERE}/{}", found.id),
    })
}

pub(super) async fn delete(
    State(app): State<App>,
    desk: Desk,
    Segment(id): Segment,
    Form(sent): Form<Fields>,
) -> Result<Response, Failure> {
    let query = DeleteSecret { force: sent.has("force").then_some(true) };
    match secrets::remove(&app, &desk.by, &id, &query).await {
        Ok(gone) => Ok(done(HERE, Done::SecretDeleted, Some(gone.version)).into_response()),
        // Used since the question was asked: it is asked again.
        Err(Error::SecretInUse(_)) => Ok(Html(StatusCode::CONFLICT, question(&app, &desk, &id).await?).into_response()),
        Err(error) => Err(error.into()),
    }
}
