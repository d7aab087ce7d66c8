//! `/webhooks`: making, changing, trying out and removing them, and what each was sent.

use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use portcullis_api::webhooks::{DeliveryStatus, ListWebhooks};
use portcullis_api::{ApiKey, CreateWebhook, CreatedWebhook, Delivery, Patch, UpdateWebhook, WhichPage};
use serde::Deserialize;

use super::desk::Desk;
use super::done::{Done, done};
use super::key_life::Nothing;
use super::problems::{Places, beside};
use super::{Html, fields};
use crate::app::App;
use crate::error::Error;
use crate::http::body::{Parameters, Segment, Segments};
use crate::http::failure::Failure;
use crate::http::session::{Fields, Form};
use crate::pages::form::Problems;
use crate::pages::message::Confirm;
use crate::pages::parts::{Badge, Code, Pager, Tone};
use crate::pages::shell::Section;
use crate::pages::webhooks::{DeliveryRow, EventChoice, Webhook, WebhookRow, Webhooks};
use crate::pages::when::When;
use crate::webhooks::{self, Event};

const HERE: &str = "/webhooks";
const PLACES: &Places = &[("", "url"), ("/events", "events")];
const ROWS: u32 = 50;

/// Which page of what was sent.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    cursor: Option<String>,
}

/// What was typed into the fields of one.
#[derive(Clone, Debug, Default)]
struct Typed {
    url: String,
    events: Vec<String>,
    problems: Problems,
}

pub(super) async fn list(State(app): State<App>, desk: Desk) -> Result<Html<Webhooks>, Failure> {
    let typed = Typed { events: vec![Event::QuotaThreshold.as_str().to_owned()], ..Typed::default() };
    Ok(Html::ok(page(&app, &desk, None, typed).await?))
}

async fn page(app: &App, desk: &Desk, made: Option<CreatedWebhook>, typed: Typed) -> Result<Webhooks, Error> {
    let query = ListWebhooks { organization: Some(desk.by.organization.to_string()), ..ListWebhooks::default() };
    let _listing = app.listings.turn(&desk.by).await;
    let now = app.clock.seconds();
    let row = |it: portcullis_api::Webhook| WebhookRow {
        state: state(it.enabled),
        created: When::parse(&it.created_at, now),
        id: it.id,
        url: it.url,
        events: it.events,
    };
    Ok(Webhooks {
        shell: desk.shell("Webhooks", Section::Webhooks),
        rows: webhooks::list(app, &desk.by, &query).await?.data.into_iter().map(row).collect(),
        made: made.map(|it| {
            let label = format!("The secret of {}", it.record.id);
            (it.record.id, Code::secret("webhook-secret", &label, &ApiKey::new(it.secret.expose())))
        }),
        url: typed.url,
        events: choices(desk, &typed.events),
        problems: typed.problems,
    })
}

pub(super) async fn create(
    State(app): State<App>,
    desk: Desk,
    Form(sent): Form<Fields>,
) -> Result<Html<Webhooks>, Failure> {
    let request = CreateWebhook { url: sent.get("url").to_owned(), events: Some(ticked(&sent)), organization: None };
    match webhooks::create(&app, &desk.by, &request).await {
        Ok(made) => Ok(Html::ok(page(&app, &desk, Some(made), Typed::default()).await?)),
        Err(error) => Ok(Html::again(page(&app, &desk, None, again(&app, &sent, error)?).await?)),
    }
}

pub(super) async fn show(
    State(app): State<App>,
    desk: Desk,
    Segment(id): Segment,
    Parameters(Asked { cursor }): Parameters<Asked>,
) -> Result<Html<Webhook>, Failure> {
    let found = webhooks::show(&app, &desk.by, &id).await?;
    let typed = Typed { url: found.url.clone(), events: found.events.clone(), problems: Problems::default() };
    Ok(Html::ok(one(&app, &desk, found, typed, cursor.filter(|it| !it.is_empty())).await?))
}

async fn one(
    app: &App,
    desk: &Desk,
    found: portcullis_api::Webhook,
    typed: Typed,
    cursor: Option<String>,
) -> Result<Webhook, Error> {
    let (now, here) = (app.clock.seconds(), format!("{HERE}/{}", found.id));
    let query = WhichPage { limit: Some(ROWS), cursor: cursor.clone() };
    let _listing = app.listings.turn(&desk.by).await;
    let sent = webhooks::deliveries(app, &desk.by, &found.id, &query).await?;
    Ok(Webhook {
        shell: desk.shell("Webhook", Section::Webhooks),
        id: found.id,
        enabled: found.enabled,
        state: state(found.enabled),
        created: When::parse(&found.created_at, now),
        created_by: found.created_by,
        url: typed.url,
        events: choices(desk, &typed.events),
        pager: Pager {
            shown: sent.data.len(),
            first: cursor.map(|_| here.clone()),
            next: sent.next_cursor.map(|cursor| format!("{here}?cursor={cursor}")),
        },
        deliveries: sent.data.into_iter().map(|it| delivery(it, now)).collect(),
        problems: typed.problems,
    })
}

pub(super) async fn save(
    State(app): State<App>,
    desk: Desk,
    Segment(id): Segment,
    Form(sent): Form<Fields>,
) -> Result<Response, Failure> {
    let request = UpdateWebhook {
        url: Patch::Set(sent.get("url").to_owned()),
        events: Patch::Set(ticked(&sent)),
        enabled: Patch::Keep,
    };
    match webhooks::update(&app, &desk.by, &id, &request).await {
        Ok(changed) => Ok(to(&changed.id, Done::WebhookUpdated).into_response()),
        Err(error) => {
            let typed = again(&app, &sent, error)?;
            let found = webhooks::show(&app, &desk.by, &id).await?;
            Ok(Html::again(one(&app, &desk, found, typed, None).await?).into_response())
        }
    }
}

pub(super) async fn disable(
    State(app): State<App>,
    desk: Desk,
    Segment(id): Segment,
    Form(Nothing {}): Form<Nothing>,
) -> Result<Redirect, Failure> {
    switch(&app, &desk, &id, false, Done::WebhookDisabled).await
}

pub(super) async fn enable(
    State(app): State<App>,
    desk: Desk,
    Segment(id): Segment,
    Form(Nothing {}): Form<Nothing>,
) -> Result<Redirect, Failure> {
    switch(&app, &desk, &id, true, Done::WebhookEnabled).await
}

async fn switch(app: &App, desk: &Desk, id: &str, enabled: bool, what: Done) -> Result<Redirect, Failure> {
    let request = UpdateWebhook { enabled: Patch::Set(enabled), ..UpdateWebhook::default() };
    Ok(to(&webhooks::update(app, &desk.by, id, &request).await?.id, what))
}

pub(super) async fn test(
    State(app): State<App>,
    desk: Desk,
    Segment(id): Segment,
    Form(Nothing {}): Form<Nothing>,
) -> Result<Redirect, Failure> {
    Ok(to(&webhooks::test(&app, &desk.by, &id).await?.webhook, Done::WebhookTested))
}

pub(super) async fn retry(
    State(app): State<App>,
    desk: Desk,
    Segments(id, delivery): Segments,
    Form(Nothing {}): Form<Nothing>,
) -> Result<Redirect, Failure> {
    Ok(to(&webhooks::retry(&app, &desk.by, &id, &delivery).await?.webhook, Done::WebhookRetried))
}

pub(super) async fn ask_to_remove(
    State(app): State<App>,
    desk: Desk,
    Segment(id): Segment,
) -> Result<Html<Confirm>, Failure> {
    let found = webhooks::show(&app, &desk.by, &id).await?;
    Ok(Html::ok(Confirm {
        shell: desk.shell("Remove a webhook", Section::Webhooks),
        question: "Remove this webhook?".to_owned(),
        points: vec![
            format!("{} is told nothing any more.", found.url),
            "Messages that did not arrive yet never will, and what it was sent is forgotten.".to_owned(),
            "It cannot be undone: a new one has another secret.".to_owned(),
        ],
        action: format!("{HERE}/{}/remove", found.id),
        hidden: Vec::new(),
        yes: "Remove it".to_owned(),
        danger: true,
        back: format!("{HERE}/{}", found.id),
    }))
}

pub(super) async fn remove(
    State(app): State<App>,
    desk: Desk,
    Segment(id): Segment,
    Form(Nothing {}): Form<Nothing>,
) -> Result<Redirect, Failure> {
    webhooks::remove(&app, &desk.by, &id).await?;
    Ok(done(HERE, Done::WebhookRemoved, None))
}

fn to(id: &str, what: Done) -> Redirect {
    done(&format!("{HERE}/{id}"), what, None)
}

fn ticked(sent: &Fields) -> Vec<String> {
    sent.all("events").map(str::to_owned).collect()
}

/// What was typed, to be put right.
fn again(app: &App, sent: &Fields, error: Error) -> Result<Typed, Failure> {
    let problems = beside(error, PLACES)?;
    Ok(Typed { url: fields::again(&app.policy(), sent.get("url")), events: ticked(sent), problems })
}

/// What the viewer's organisation can be told of.
fn choices(desk: &Desk, held: &[String]) -> Vec<EventChoice> {
    let offered = Event::ALL.into_iter().filter(|it| !it.is_of_operator() || desk.viewer.can.operate);
    let choice = |event: Event| EventChoice {
        event: event.as_str(),
        meaning: match event {
            Event::QuotaThreshold => {
                "50, 80 and 100 % of a quota of this organisation, or of one of its keys, are used."
            }
            Event::EveryQuotaThreshold => "The same, of every organisation.",
        },
        checked: held.iter().any(|it| it == event.as_str()),
    };
    offered.map(choice).collect()
}

fn state(enabled: bool) -> Badge {
    if enabled { Badge::new(Tone::Good, "Enabled") } else { Badge::new(Tone::Quiet, "Disabled") }
}

fn delivery(it: Delivery, now: u64) -> DeliveryRow {
    let state = match it.status {
        DeliveryStatus::Delivered => Badge::new(Tone::Good, "Delivered"),
        DeliveryStatus::Pending if it.last_error.is_some() => Badge::new(Tone::Warn, "Failing"),
        DeliveryStatus::Pending => Badge::new(Tone::Quiet, "Pending"),
        DeliveryStatus::GivenUp => Badge::new(Tone::Bad, "Given up"),
    };
    let answered = it.last_status.map(|status| format!("Answered with status {status}"));
    DeliveryRow {
        id: it.id,
        event: it.event,
        created: When::parse(&it.created_at, now),
        state,
        attempts: it.attempts,
        answer: it.last_error.as_deref().map(super::problems::sentence).or(answered),
        last: it.last_attempt_at.map(|at| When::parse(&at, now)),
        next: it.next_attempt_at.map(|at| When::parse(&at, now)),
        body: it.body,
    }
}
