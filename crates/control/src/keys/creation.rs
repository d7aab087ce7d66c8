//! New keys: the row goes to the database, the text to whoever asked for it, once.
//!
//! Invariant: nobody gets a key that no edge could ever know.

use std::collections::HashMap;

use portcullis_api::keys::CreateKeys;
use portcullis_api::{ApiKey, CreateKey, CreatedKey, KeyKind, Secret};
use portcullis_engine::{KeyId, OrganizationId, SkillId};
use sha2::{Digest, Sha256};

use super::material::Material;
use super::metadata::metadata;
use super::restrictions::restrictions;
use super::{check_count, credentials, fields, history, view};
use crate::access::Permission::KeysWrite;
use crate::access_tokens;
use crate::app::{App, Committed};
use crate::caller::Caller;
use crate::error::Error;
use crate::organizations;
use crate::policy::PolicyRoom;
use crate::quota;
use crate::random;
use crate::skills::Usable;
use crate::store::{Action, Change, KeyRow, StoreError, Target, Write};

/// A key's row and what its holder gets, before both go their own ways.
pub(super) struct Made {
    pub(super) row: KeyRow,
    pub(super) handed: Handed,
}

/// What whoever asked for a key gets, once.
#[derive(Debug)]
pub(super) enum Handed {
    /// An API key's text.
    Key(ApiKey),
    /// A credential's secret.
    Secret(crate::secret::Secret),
}

/// What a key belongs to.
struct Belongs {
    organization: OrganizationId,
    skill: Option<SkillId>,
}

/// The organisations that a batch names, each looked up once.
#[derive(Default)]
pub(super) struct Organizations(HashMap<Option<String>, OrganizationId>);

/// Makes a key.
pub(crate) async fn create(app: &App, by: &Caller, request: CreateKey) -> Result<Committed<CreatedKey>, Error> {
    create_as(app, by, request, None).await
}

/// Makes a key, unless the same caller made one with that token before: then `Err` has the id of that one.
pub(crate) async fn create_once(
    app: &App,
    by: &Caller,
    request: CreateKey,
    token: &str,
) -> Result<Result<Committed<CreatedKey>, KeyId>, Error> {
    // Who repeats a token gets the same id again, which there can be only once, whichever replica is asked.
    let id = id_from(by, token);
    match create_as(app, by, request, Some(id)).await {
        Err(Error::Store(StoreError::Duplicate)) => Ok(Err(id)),
        created => created.map(Ok),
    }
}

/// An id that nobody else comes by and nobody can choose.
fn id_from(by: &Caller, token: &str) -> KeyId {
    let who = by.user().map(|id| id.to_string()).unwrap_or_default();
    let parts = ["portcullis key once", &by.organization.to_string(), &who, token];
    let digest: [u8; 32] = Sha256::digest(parts.join("\n")).into();
    let mut id = [0; 10];
    id.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
    KeyId::from_bytes(id)
}

async fn create_as(
    app: &App,
    by: &Caller,
    request: CreateKey,
    id: Option<KeyId>,
) -> Result<Committed<CreatedKey>, Error> {
    by.require(KeysWrite)?;
    let organization = organizations::resolve(app, by, request.organization.as_deref()).await?;
    let policy = app.policy();
    let id = id.map_or_else(random::key_id, Ok)?;
    let skill = Usable::default().find(app, by, organization, request.skill.as_deref()).await?;
    let made = make(app, by, &policy, request, Belongs { organization, skill }, id)?;
    app.ready().await?;
    let issued = app.issue(made.insertion(app, by), ()).await?;
    Ok(issued.map(|(), published| made.into_answer(app, &policy, published)))
}

/// Makes many keys: all or none.
pub(crate) async fn create_batch(
    app: &App,
    by: &Caller,
    request: CreateKeys,
) -> Result<Committed<Vec<CreatedKey>>, Error> {
    by.require(KeysWrite)?;
    check_count(request.keys.len())?;
    let policy = app.policy();
    let mut made = Vec::with_capacity(request.keys.len());
    let (mut organizations, mut skills) = (Organizations::default(), Usable::default());
    for (index, key) in request.keys.into_iter().enumerate() {
        let at = |error: Error| error.within(&format!("/keys/{index}"));
        let organization = organizations.resolve(app, by, key.organization.as_deref()).await.map_err(at)?;
        let skill = skills.find(app, by, organization, key.skill.as_deref()).await.map_err(at)?;
        made.push(make(app, by, &policy, key, Belongs { organization, skill }, random::key_id()?).map_err(at)?);
    }
    let change = Change::new(by, app.clock.millis());
    let change = made.iter().fold(change, |change, it| change.and(it.insertion(app, by)));
    app.ready().await?;
    let issued = app.issue(change, ()).await?;
    Ok(issued.map(|(), published| made.into_iter().map(|it| it.into_answer(app, &policy, published)).collect()))
}

fn make(
    app: &App,
    by: &Caller,
    policy: &PolicyRoom,
    request: CreateKey,
    Belongs { organization, skill }: Belongs,
    id: KeyId,
) -> Result<Made, Error> {
    let material = material(policy, &request, id)?;
    let now = app.clock.seconds();
    let created_by = request.created_by.as_deref().or(by.email());
    let row = KeyRow {
        id,
        kind: request.kind,
        digest: material.digest,
        secret: material.secret,
        name: fields::name(policy, &request.name)?,
        display: material.display,
        prefix: material.prefix,
        environment: request.environment.clone(),
        organization,
        scopes: fields::scopes(policy, &request.scopes)?,
        restrictions: {
            let sent = request.restrictions.as_ref();
            sent.map(|it| restrictions(policy, it)).transpose()?.flatten()
        },
        enabled: true,
        created_by: created_by.map(|it| fields::email(policy, "/created_by", it)).transpose()?,
        created_at: now,
        created_in: 0,
        expires_at: request.expires_at.as_deref().map(|it| fields::expires_later(now, it)).transpose()?,
        revoked_at: None,
        last_used: None,
        successor: None,
        metadata: metadata(policy, &request.metadata)?,
        trial: None,
        quota: request.quota.as_ref().map(quota::key_quota).transpose()?,
        rate: request.rate.as_ref().map(quota::rate).transpose()?,
        meter: None,
        skill,
        changed_in: 0,
    };
    Ok(Made { row, handed: material.handed })
}

/// What makes a key what it is.
fn material(policy: &PolicyRoom, request: &CreateKey, id: KeyId) -> Result<Material, Error> {
    match request.kind {
        KeyKind::ApiKey => Ok(Material::key(fields::environment(policy, &request.environment)?)?),
        KeyKind::Credential => {
            access_tokens::required(policy, "/kind", "a credential")?;
            fields::known_environment(policy, &request.environment)?;
            Ok(Material::credential(id)?)
        }
        KeyKind::Grant | KeyKind::Issuer => Err(Error::invalid("/kind", "expected `api_key` or `credential`")),
    }
}

impl Organizations {
    pub(super) async fn resolve(&mut self, app: &App, by: &Caller, id: Option<&str>) -> Result<OrganizationId, Error> {
        let id = id.map(str::to_owned);
        if let Some(known) = self.0.get(&id) {
            return Ok(*known);
        }
        let found = organizations::resolve(app, by, id.as_deref()).await?;
        self.0.insert(id, found);
        Ok(found)
    }
}

impl Made {
    /// Storing it, and what the log says of it.
    pub(super) fn insertion(&self, app: &App, by: &Caller) -> Change {
        let target = Target::new("key", self.row.id, &self.row.name);
        Change::new(by, app.clock.millis())
            .add(Write::InsertKey(self.row.clone()), self.row.organization, Action::KeyCreated, target)
            .detail(history::of_creation(&self.row))
    }

    pub(super) fn into_answer(self, app: &App, policy: &PolicyRoom, published: bool) -> CreatedKey {
        let (mut key, mut authorization, mut secret, mut env) = (None, None, None, None);
        match self.handed {
            Handed::Key(text) => {
                authorization = Some(ApiKey::new(policy.usage(text.expose())));
                key = Some(text);
            }
            Handed::Secret(text) => {
                env = Some(credentials::env(policy, &self.row, &text, &app.public_url));
                secret = Some(Secret::new(text.expose()));
            }
        }
        let record = view::key(self.row, app.clock.seconds());
        CreatedKey { record, key, authorization, secret, env, published }
    }
}
