//! Forms that change a key: name, expiry and metadata; scopes; restrictions. The last two can be tried first.
//!
//! Each form says which version of the key it was filled in for, and is refused when the key has changed since.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use portcullis_api::keys::StartTrial;
use portcullis_api::{Key, Patch, RestrictionsSpec, UpdateKey};

use super::Html;
use super::desk::Desk;
use super::done::{Done, done};
use super::fields::{self, RESTRICTIONS};
use super::problems::{Places, beside};
use super::skills::choices;
use crate::app::{App, Committed};
use crate::error::Error;
use crate::http::body::Segment;
use crate::http::failure::Failure;
use crate::http::session::{Fields, Form};
use crate::keys;
use crate::pages::form::{Problems, scope_groups};
use crate::pages::key_forms::{EditDetails, EditRestrictions, EditScopes};
use crate::pages::keys::KeyRow;
use crate::pages::restrictions::RestrictionFields;
use crate::pages::shell::Section;
use crate::tag;

const DETAILS: [(&str, &str); 4] =
    [("", "name"), ("/expires_at", "expires_at"), ("/metadata", "metadata"), ("/skill", "skill")];

pub(super) async fn details(
    State(app): State<App>,
    desk: Desk,
    Segment(id): Segment,
) -> Result<Html<EditDetails>, Failure> {
    let key = keys::editable(&app, &desk.by, &id).await?;
    Ok(Html::ok(EditDetails {
        shell: desk.shell(format!("Edit {}", key.name), Section::Keys),
        key: row(&app, &key),
        name: key.name.clone(),
        expires_at: fields::moment_text(key.expires_at.as_deref()),
        metadata: fields::metadata_text(&key.metadata),
        skills: choices(&app, &desk, &key.organization, key.skill.as_deref().unwrap_or_default()).await?,
        etag: tag::of(&key),
        problems: Problems::default(),
    }))
}

pub(super) async fn save_details(
    State(app): State<App>,
    desk: Desk,
    Segment(id): Segment,
    Form(sent): Form<Fields>,
) -> Result<Response, Failure> {
    let key = keys::editable(&app, &desk.by, &id).await?;
    match save(&app, &desk, &key, &sent, changes(&key, &sent), Done::KeyUpdated).await {
        Ok(saved) => Ok(saved),
        Err(error) => {
            let problems = beside(error, &DETAILS)?;
            let policy = app.policy();
            let current = key.skill.as_deref().unwrap_or_default();
            let mut skills = choices(&app, &desk, &key.organization, current).await?;
            skills.iter_mut().for_each(|it| it.chosen = it.id == sent.get("skill"));
            Ok(Html::again(EditDetails {
                shell: desk.shell(format!("Edit {}", key.name), Section::Keys),
                key: row(&app, &key),
                name: fields::again(&policy, sent.get("name")),
                expires_at: fields::again(&policy, sent.get("expires_at")),
                metadata: fields::again(&policy, sent.get("metadata")),
                skills,
                etag: fields::again(&policy, sent.get("etag")),
                problems,
            })
            .into_response())
        }
    }
}

/// Saves what a form changes of a key, if it changes anything.
pub(super) async fn save(
    app: &App,
    desk: &Desk,
    key: &Key,
    sent: &Fields,
    changes: Result<UpdateKey, Error>,
    what: Done,
) -> Result<Response, Error> {
    let request = changes?;
    if request == UpdateKey::default() {
        return Ok(done(&page(key), Done::KeyUnchanged, None).into_response());
    }
    let saved = keys::update(app, &desk.holding(sent.get("etag")), &key.id, &request).await?;
    Ok(saved_as(what, &saved))
}

/// Only what differs: to set an expiry, even the same, tells the domain that it is no longer that of a rotation.
fn changes(key: &Key, sent: &Fields) -> Result<UpdateKey, Error> {
    let (name, expires_at) = (sent.get("name").trim(), sent.get("expires_at").trim());
    let metadata = fields::metadata(sent.get("metadata"))?;
    Ok(UpdateKey {
        name: if name == key.name { Patch::Keep } else { Patch::Set(name.to_owned()) },
        expires_at: match fields::moment(expires_at) {
            _ if expires_at == fields::moment_text(key.expires_at.as_deref()) => Patch::Keep,
            Some(time) => Patch::Set(time),
            None => Patch::Clear,
        },
        metadata: if metadata == key.metadata { Patch::Keep } else { Patch::Set(metadata) },
        skill: match sent.get("skill") {
            // A form without the field: there is no skill to choose.
            _ if !sent.has("skill") => Patch::Keep,
            chosen if chosen == key.skill.as_deref().unwrap_or_default() => Patch::Keep,
            "" => Patch::Clear,
            chosen => Patch::Set(chosen.to_owned()),
        },
        ..UpdateKey::default()
    })
}

pub(super) async fn scopes(
    State(app): State<App>,
    desk: Desk,
    Segment(id): Segment,
) -> Result<Html<EditScopes>, Failure> {
    let key = keys::editable(&app, &desk.by, &id).await?;
    let tried = key.trial.as_ref().and_then(|trial| trial.scopes.as_ref());
    let held = tried.unwrap_or(&key.scopes);
    Ok(Html::ok(scopes_form(&app, &desk, &key, held, Sent::fresh(&key, tried.is_some()))))
}

pub(super) async fn save_scopes(
    State(app): State<App>,
    desk: Desk,
    Segment(id): Segment,
    Form(sent): Form<Fields>,
) -> Result<Response, Failure> {
    let key = keys::editable(&app, &desk.by, &id).await?;
    let scopes = fields::scopes(&sent);
    let restrictions = key.trial.clone().and_then(|trial| trial.restrictions);
    let wish = Wish {
        trial: Ok(StartTrial { scopes: Some(scopes.clone()), restrictions }),
        update: UpdateKey { scopes: Patch::Set(scopes.clone()), ..UpdateKey::default() },
        done: Done::KeyScoped,
    };
    match wish.carry_out(&app, &desk, &id, &sent).await {
        Ok(saved) => Ok(saved),
        Err(error) => {
            let again = Sent::again(&app, &sent, error, &[("", "scopes")])?;
            let held: Vec<_> = scopes.into_iter().filter(|scope| app.policy().knows_scope(scope)).collect();
            Ok(Html::again(scopes_form(&app, &desk, &key, &held, again)).into_response())
        }
    }
}

fn tried(key: &Key) -> Option<RestrictionsSpec> {
    key.trial.as_ref().and_then(|trial| trial.restrictions.clone())
}

/// What the form begins with.
fn restrictions_of(key: &Key) -> RestrictionFields {
    RestrictionFields::from(&laid_over(key.restrictions.clone(), tried(key)))
}

pub(super) async fn restrict(
    State(app): State<App>,
    desk: Desk,
    Segment(id): Segment,
) -> Result<Html<EditRestrictions>, Failure> {
    let key = keys::editable(&app, &desk.by, &id).await?;
    let try_first = tried(&key).is_some() || key.restrictions.is_none();
    let fields = restrictions_of(&key);
    Ok(Html::ok(restrict_form(&app, &desk, &key, fields, Sent::fresh(&key, try_first))))
}

pub(super) async fn save_restrictions(
    State(app): State<App>,
    desk: Desk,
    Segment(id): Segment,
    Form(sent): Form<Fields>,
) -> Result<Response, Failure> {
    let key = keys::editable(&app, &desk.by, &id).await?;
    let fields = fields::restrictions(&sent);
    let before = restrictions_of(&key);
    let wanted = fields::spec(&fields);
    let wish = Wish {
        trial: tryable(&key, wanted.clone()),
        update: UpdateKey { restrictions: wanted.map_or(Patch::Clear, Patch::Set), ..UpdateKey::default() },
        done: Done::KeyRestricted,
    };
    let done = match fields::none_in_vain(&fields, &before) {
        Ok(()) => wish.carry_out(&app, &desk, &id, &sent).await,
        Err(error) => Err(error),
    };
    match done {
        Ok(saved) => Ok(saved),
        Err(error) => {
            let again = Sent::again(&app, &sent, error, &[&[("", "ip_allow")], RESTRICTIONS].concat())?;
            let fields = fields::restrictions_again(&app.policy(), fields.ticked(&before));
            Ok(Html::again(restrict_form(&app, &desk, &key, fields, again)).into_response())
        }
    }
}

/// What a form wants, tried first or enforced, as it says.
struct Wish {
    /// Or why it cannot be tried.
    trial: Result<StartTrial, Error>,
    update: UpdateKey,
    /// What was done if it is enforced.
    done: Done,
}

impl Wish {
    async fn carry_out(self, app: &App, desk: &Desk, id: &str, sent: &Fields) -> Result<Response, Error> {
        let by = desk.holding(sent.get("etag"));
        let (done, saved) = match is_tried(sent) {
            true => (Done::TrialStarted, keys::start_trial(app, &by, id, &self.trial?).await?),
            false => (self.done, keys::update(app, &by, id, &self.update).await?),
        };
        Ok(saved_as(done, &saved))
    }
}

fn is_tried(sent: &Fields) -> bool {
    sent.get("apply") == "try"
}

/// A trial of restrictions, beside the scopes that are on trial already.
fn tryable(key: &Key, wanted: Option<RestrictionsSpec>) -> Result<StartTrial, Error> {
    let (own, tried) = (key.restrictions.clone().unwrap_or_default(), wanted.clone().unwrap_or_default());
    let gone = [
        ("ip", own.ip.is_some() && tried.ip.is_none()),
        ("referrer", own.referrer.is_some() && tried.referrer.is_none()),
        ("endpoint", own.endpoint.is_some() && tried.endpoint.is_none()),
    ];
    if let Some((kind, _)) = gone.iter().find(|(_, gone)| *gone) {
        let detail = "this takes a restriction away, which denies nothing and need not be tried: choose `Enforce now`";
        return Err(Error::invalid(format!("/restrictions/{kind}"), detail));
    }
    if wanted.is_none() {
        return Err(Error::invalid("/restrictions", "tick what is to be tried"));
    }
    Ok(StartTrial { scopes: key.trial.clone().and_then(|trial| trial.scopes), restrictions: wanted })
}

/// Restrictions on trial stand in place of the key's own of that kind.
fn laid_over(own: Option<RestrictionsSpec>, tried: Option<RestrictionsSpec>) -> RestrictionsSpec {
    let (own, tried) = (own.unwrap_or_default(), tried.unwrap_or_default());
    RestrictionsSpec {
        ip: tried.ip.or(own.ip),
        referrer: tried.referrer.or(own.referrer),
        endpoint: tried.endpoint.or(own.endpoint),
    }
}

/// What a form says beside its fields.
struct Sent {
    etag: String,
    try_first: bool,
    problems: Problems,
}

impl Sent {
    fn fresh(key: &Key, try_first: bool) -> Self {
        Self { etag: tag::of(key), try_first, problems: Problems::default() }
    }

    /// The same form once more, with what is wrong below its field.
    fn again(app: &App, sent: &Fields, error: Error, places: &Places) -> Result<Self, Failure> {
        let (etag, try_first) = (fields::again(&app.policy(), sent.get("etag")), is_tried(sent));
        Ok(Self { etag, try_first, problems: beside(error, places)? })
    }
}

fn scopes_form(app: &App, desk: &Desk, key: &Key, held: &[String], sent: Sent) -> EditScopes {
    EditScopes {
        shell: desk.shell(format!("Scopes of {}", key.name), Section::Keys),
        key: row(app, key),
        scopes: scope_groups(&app.policy().spec().scopes, held),
        try_first: sent.try_first,
        etag: sent.etag,
        problems: sent.problems,
    }
}

fn restrict_form(app: &App, desk: &Desk, key: &Key, fields: RestrictionFields, sent: Sent) -> EditRestrictions {
    EditRestrictions {
        shell: desk.shell(format!("Restrict {}", key.name), Section::Keys),
        key: row(app, key),
        fields,
        try_first: sent.try_first,
        etag: sent.etag,
        problems: sent.problems,
    }
}

pub(super) fn row(app: &App, key: &Key) -> KeyRow {
    KeyRow::new(key, key.idle, app.clock.seconds())
}

fn page(key: &Key) -> String {
    format!("/keys/{}", key.id)
}

fn saved_as(what: Done, saved: &Committed<Key>) -> Response {
    done(&page(&saved.value), what, Some(saved.version)).into_response()
}
