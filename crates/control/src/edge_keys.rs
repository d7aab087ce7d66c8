//! The public keys that secrets are sealed to: what edges open them with is never here.
//!
//! The operator adds and removes them, and sees which edges have the other half; whoever seals has to see them. Invariants: nothing can
//! be sealed that anybody could open; a key does not go as long as some secret would have no box left, or some edge no key for one, unless
//! that is said.

use portcullis_api::edge_keys::RemoveEdgeKey;
use portcullis_api::{AddEdgeKey, EdgeKey, Page};
use portcullis_seal::{KeyName, PublicKey, seal};
use serde_json::{Value, json};

use crate::access::Permission::{OrganizationsWrite, SecretsRead};
use crate::app::{App, Committed};
use crate::caller::{Caller, Scope};
use crate::clock::to_rfc3339;
use crate::error::{Edges, Error};
use crate::fleet::{self, Holders};
use crate::owned;
use crate::random;
use crate::store::{Action, Change, EdgeKeyRow, SecretFilter, SecretWrite, Slice, StoreError, Target, Write};

/// Every secret is sealed to each of them; two are enough while one takes the other's place.
const MOST: usize = 4;

/// The edges' keys, oldest first, each with the number of the caller's secrets that are not sealed to it.
pub(crate) async fn list(app: &App, by: &Caller) -> Result<Page<EdgeKey>, Error> {
    by.require(SecretsRead)?;
    let rows = app.store.edge_keys(by.scope, owned::seen_by(by)?).await?;
    let holders = holders(app, by).await?;
    let shown = |(row, unsealed): &(EdgeKeyRow, u64)| shown(row, *unsealed, holders.as_ref());
    Ok(Page { data: rows.iter().map(shown).collect(), next_cursor: None })
}

/// Adds one. Secrets are sealed to it from then on; those that are there are not, until their values are entered again.
pub(crate) async fn add(app: &App, by: &Caller, request: &AddEdgeKey) -> Result<Committed<EdgeKey>, Error> {
    may_change(app, by)?;
    let row = EdgeKeyRow {
        key: public_key(&request.public_key)?,
        description: owned::description(app, request.description.as_deref().unwrap_or_default())?,
        created_by: by.email().map(str::to_owned),
        created_at: app.clock.seconds(),
    };
    app.ready().await?;
    let done = app.change(async || {
        let there = app.store.edge_keys(Scope::All, None).await?;
        if there.iter().any(|(it, _)| it.key.name() == row.key.name()) {
            return Err(taken());
        }
        if there.len() >= MOST {
            let detail = format!("there are {MOST} keys of the edges, which is the most: remove one first");
            return Err(Error::invalid("/public_key", detail));
        }
        let change = change(app, by, &row, Action::EdgeKeyAdded, SecretWrite::InsertKey(row.clone(), MOST));
        app.commit(change.detail([("public_key", json!(row.key.to_string()))]), ()).await
    });
    let done = done.await.map_err(|error| match error {
        Error::Store(StoreError::Duplicate) => taken(),
        other => other,
    })?;
    let (row, unsealed) = find(app, by, row.key.name()).await?;
    let holders = holders(app, by).await?;
    Ok(done.map(|(), _| shown(&row, unsealed, holders.as_ref())))
}

/// Whether there is anything that edges have to open.
pub(crate) async fn is_used(app: &App) -> Result<bool, Error> {
    let first = Slice { after: None, limit: 1 };
    Ok(!app.store.secrets(Scope::All, &SecretFilter::default(), &first).await?.is_empty())
}

/// What hangs on a key.
#[derive(Clone, Debug)]
pub(crate) struct Hanging {
    /// How many secrets are sealed to it and to no other.
    pub(crate) secrets: u64,
    /// The edges that could not open every other secret without it.
    pub(crate) edges: Edges,
}

impl Hanging {
    async fn on(app: &App, by: &Caller, key: KeyName) -> Result<Self, Error> {
        let (secrets, names) = (app.store.sealed_to_alone(key).await?, fleet::in_need_of(app, key).await?);
        let edges = Edges { number: names.len(), names: by.sees_edges(app).then_some(names) };
        Ok(Self { secrets, edges })
    }

    /// Whether it is no more than what was seen: so many secrets and edges.
    pub(crate) fn is_within(&self, secrets: u64, edges: u64) -> bool {
        self.secrets <= secrets && u64::try_from(self.edges.number).is_ok_and(|number| number <= edges)
    }

    /// Whether anything does.
    pub(crate) fn is_any(&self) -> bool {
        !self.is_within(0, 0)
    }

    /// Why the key stays, if it has to.
    fn refusal(&self) -> Option<Error> {
        let Self { secrets, edges } = self.clone();
        match (secrets, edges.number) {
            (0, 0) => None,
            (0, _) => Some(Error::EdgeKeyInUse(edges)),
            _ => Some(Error::SecretsUnsealed { secrets, edges }),
        }
    }
}

/// What hangs on one of them: for whoever may remove it.
pub(crate) async fn hanging(app: &App, by: &Caller, id: &str) -> Result<(KeyName, Hanging), Error> {
    may_change(app, by)?;
    let key: KeyName = id.parse().map_err(|_| Error::NotFound("key of the edges"))?;
    let (row, _) = find(app, by, key).await?;
    Ok((row.key.name(), Hanging::on(app, by, key).await?))
}

/// Removes one, and the boxes that are sealed to it.
pub(crate) async fn remove(
    app: &App,
    by: &Caller,
    id: &str,
    query: &RemoveEdgeKey,
) -> Result<Committed<EdgeKey>, Error> {
    may_change(app, by)?;
    let key: KeyName = id.parse().map_err(|_| Error::NotFound("key of the edges"))?;
    let force = query.force.unwrap_or_default();
    app.change(async || {
        let (row, unsealed) = find(app, by, key).await?;
        let hanging = Hanging::on(app, by, key).await?;
        if let Some(refusal) = hanging.refusal().filter(|_| !force) {
            return Err(refusal);
        }
        let shown = shown(&row, unsealed, holders(app, by).await?.as_ref());
        let write = SecretWrite::DeleteKey { key, force, lately: fleet::lately(app.clock.millis()) };
        let change = change(app, by, &row, Action::EdgeKeyRemoved, write);
        app.commit(change.detail(removed(&row, &hanging)), shown).await
    })
    .await
}

/// What the log says of a key that went.
fn removed(row: &EdgeKeyRow, hanging: &Hanging) -> [(&'static str, Value); 3] {
    [
        ("public_key", json!(row.key.to_string())),
        ("secrets_left_without", json!(hanging.secrets)),
        ("edges_left_without", json!(hanging.edges.number)),
    ]
}

/// Which edges have which keys, for whoever may see the edges.
async fn holders(app: &App, by: &Caller) -> Result<Option<Holders>, Error> {
    if by.sees_edges(app) { fleet::holders(app).await.map(Some) } else { Ok(None) }
}

fn may_change(app: &App, by: &Caller) -> Result<(), Error> {
    by.require(OrganizationsWrite)?;
    by.require_operator(app)
}

/// What was sent is not said again: it may be the private half.
fn public_key(text: &str) -> Result<PublicKey, Error> {
    let wrong = |why: &str| Error::invalid("/public_key", why);
    let key = text.trim().parse::<PublicKey>();
    let key = key.map_err(|_| wrong("expected an X25519 public key, as 64 hexadecimal digits"))?;
    seal(&key, b"", random::bytes()?)
        .map_err(|_| wrong("this is no public key: anybody could open what is sealed to it"))?;
    Ok(key)
}

fn taken() -> Error {
    Error::Taken { pointer: "/public_key".to_owned(), detail: "secrets are sealed to this key already".to_owned() }
}

async fn find(app: &App, by: &Caller, name: KeyName) -> Result<(EdgeKeyRow, u64), Error> {
    let rows = app.store.edge_keys(by.scope, owned::seen_by(by)?).await?;
    rows.into_iter().find(|(row, _)| row.key.name() == name).ok_or(Error::NotFound("key of the edges"))
}

/// Something done to a key, and what the log says of it.
fn change(app: &App, by: &Caller, row: &EdgeKeyRow, action: Action, write: SecretWrite) -> Change {
    let target = Target::new("edge_key", row.key.name(), &row.description);
    Change::new(by, app.clock.millis()).add(Write::Secret(write), app.default_organization, action, target)
}

fn shown(row: &EdgeKeyRow, unsealed: u64, holders: Option<&Holders>) -> EdgeKey {
    EdgeKey {
        id: row.key.name().to_string(),
        public_key: row.key.to_string(),
        description: row.description.clone(),
        created_by: row.created_by.clone(),
        created_at: to_rfc3339(row.created_at),
        unsealed,
        edges: holders.map(|it| it.of(row.key.name())),
    }
}
