//! `/keys/new` and the page that shows a new key's text: once, in the body of one answer.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use portcullis_api::{CreateKey, CreatedKey, KeyKind};
use serde::Deserialize;

use super::desk::{Desk, receipt};
use super::done::{Done, done};
use super::fields::{self, RESTRICTIONS};
use super::problems::beside;
use super::skills::choices;
use super::{Html, NO_WAIT};
use crate::access::Permission::KeysWrite;
use crate::app::{App, Committed};
use crate::error::Error;
use crate::explain;
use crate::http::body::Parameters;
use crate::http::failure::Failure;
use crate::http::session::{Fields, Form};
use crate::keys;
use crate::pages::form::{Problems, scope_groups};
use crate::pages::key_forms::NewKey;
use crate::pages::keys::{KeyCreated, Replaced};
use crate::pages::restrictions::RestrictionFields;
use crate::pages::shell::Section;
use crate::pages::skills::SkillChoice;
use crate::policy::PolicyRoom;
use crate::random;

/// What a link fills in.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Wanted {
    skill: String,
}

pub(super) async fn form(
    State(app): State<App>,
    desk: Desk,
    Parameters(wanted): Parameters<Wanted>,
) -> Result<Html<NewKey>, Failure> {
    desk.by.require(KeysWrite)?;
    let policy = app.policy();
    let environments = environments(&policy, "");
    let spec = policy.spec();
    Ok(Html::ok(NewKey {
        shell: desk.shell("Create a key", Section::Keys),
        kinds: kinds(&policy, ""),
        name: String::new(),
        environments,
        scopes: scope_groups(&spec.scopes, &[]),
        expires_at: String::new(),
        fields: RestrictionFields::default(),
        metadata: String::new(),
        skills: skills(&app, &desk, &wanted.skill).await?,
        idempotency_key: hex::encode(random::bytes::<16>().map_err(Error::from)?),
        problems: Problems::default(),
    }))
}

pub(super) async fn create(State(app): State<App>, desk: Desk, Form(sent): Form<Fields>) -> Result<Response, Failure> {
    let once = sent.get("idempotency_key");
    let made = match request(&sent) {
        Ok(request) if once.is_empty() => keys::create(&app, &desk.by, request).await.map(Ok),
        Ok(request) => keys::create_once(&app, &desk.by, request, once).await,
        Err(error) => Err(error),
    };
    match made {
        Ok(Ok(created)) => Ok(shown(&app, &desk, created, None).await?.into_response()),
        Ok(Err(id)) => Ok(done(&format!("/keys/{id}"), Done::KeyMadeBefore, None).into_response()),
        Err(error) => {
            let problems = beside(error, &[&PLACES, RESTRICTIONS].concat())?;
            let skills = skills(&app, &desk, sent.get("skill")).await?;
            Ok(Html::again(again(&app.policy(), &desk, &sent, skills, problems)).into_response())
        }
    }
}

const PLACES: [(&str, &str); 7] = [
    ("", "name"),
    ("/skill", "skill"),
    ("/kind", "kind"),
    ("/environment", "environment"),
    ("/scopes", "scopes"),
    ("/expires_at", "expires_at"),
    ("/metadata", "metadata"),
];

fn request(sent: &Fields) -> Result<CreateKey, Error> {
    let restrictions = fields::restrictions(sent);
    fields::none_in_vain(&restrictions, &RestrictionFields::default())?;
    Ok(CreateKey {
        kind: sent.get("kind").parse().unwrap_or_default(),
        name: sent.get("name").to_owned(),
        environment: sent.get("environment").to_owned(),
        organization: None,
        scopes: fields::scopes(sent),
        expires_at: fields::moment(sent.get("expires_at")),
        restrictions: fields::spec(&restrictions),
        quota: None,
        rate: None,
        skill: Some(sent.get("skill").to_owned()).filter(|it| !it.is_empty()),
        created_by: None,
        metadata: fields::metadata(sent.get("metadata"))?,
    })
}

/// The skills that it may belong to; what was chosen, if it is one of them.
async fn skills(app: &App, desk: &Desk, chosen: &str) -> Result<Vec<SkillChoice>, Error> {
    let mut choices = choices(app, desk, &desk.by.organization.to_string(), "").await?;
    choices.iter_mut().for_each(|it| it.chosen = it.id == chosen);
    Ok(choices)
}

fn again(policy: &PolicyRoom, desk: &Desk, sent: &Fields, skills: Vec<SkillChoice>, problems: Problems) -> NewKey {
    let held: Vec<_> = fields::scopes(sent).into_iter().filter(|scope| policy.knows_scope(scope)).collect();
    NewKey {
        shell: desk.shell("Create a key", Section::Keys),
        kinds: kinds(policy, sent.get("kind")),
        name: fields::again(policy, sent.get("name")),
        environments: environments(policy, sent.get("environment")),
        scopes: scope_groups(&policy.spec().scopes, &held),
        expires_at: fields::again(policy, sent.get("expires_at")),
        fields: fields::restrictions_again(policy, fields::restrictions(sent).ticked(&RestrictionFields::default())),
        metadata: fields::again(policy, sent.get("metadata")),
        skills,
        idempotency_key: fields::again(policy, sent.get("idempotency_key")),
        problems,
    }
}

/// What can be made, its word for people, and which is chosen.
fn kinds(policy: &PolicyRoom, chosen: &str) -> Vec<(&'static str, &'static str, bool)> {
    let spec = policy.spec();
    let kinds = [
        (KeyKind::ApiKey, "API key: sent with each request", !spec.keys.is_empty()),
        (KeyKind::Credential, "Credential: a key id and a secret, exchanged for access tokens", spec.tokens.is_some()),
    ];
    let kinds: Vec<_> = kinds.into_iter().filter(|(.., possible)| *possible).collect();
    let known = kinds.iter().any(|(kind, ..)| kind.as_str() == chosen);
    let is_chosen = |place: usize, kind: KeyKind| if known { kind.as_str() == chosen } else { place == 0 };
    kinds.iter().enumerate().map(|(place, (kind, label, _))| (kind.as_str(), *label, is_chosen(place, *kind))).collect()
}

/// Those that keys can be made for, and which is chosen. Where there is no choice it is made.
fn environments(policy: &PolicyRoom, chosen: &str) -> Vec<(String, bool)> {
    let fits = |name: &&String| policy.spec().tokens.is_some() || policy.format_for(name).is_some();
    let known: Vec<_> = policy.spec().environments.iter().filter(fits).collect();
    let only = known.len() == 1;
    known.into_iter().map(|name| (name.clone(), only || name == chosen)).collect()
}

/// The page with the key on it.
pub(super) async fn shown(
    app: &App,
    desk: &Desk,
    created: Committed<CreatedKey>,
    replaces: Option<Replaced>,
) -> Result<Html<KeyCreated>, Failure> {
    let Committed { version, published, value: CreatedKey { record, key, authorization, secret, env, .. } } = created;
    // Whatever keeps the example from being found, the key is shown: it is in this answer alone.
    let path = explain::example(app, &desk.by, &record.id).await.ok().flatten().unwrap_or_else(|| "/".to_owned());
    let texts = match (&key, &authorization, &secret, &env) {
        (Some(key), Some(authorization), ..) => KeyCreated::texts(key, authorization, app.gateway_url.as_ref(), &path),
        (_, _, Some(secret), Some(env)) => KeyCreated::credential(&record.id, secret, env, &app.public_url),
        _ => Vec::new(),
    };
    Ok(Html::ok(KeyCreated {
        shell: desk.shell(if secret.is_some() { "The credential is ready" } else { "The key is ready" }, Section::Keys),
        id: record.id,
        name: record.name,
        environment: record.environment,
        what: if secret.is_some() { "secret" } else { "key" },
        texts,
        published,
        receipt: receipt(app, &desk.by, version, NO_WAIT).await?,
        replaces,
    }))
}
