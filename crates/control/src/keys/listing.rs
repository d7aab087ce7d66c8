//! Keys in lists, and the key that somebody holds in their hand.
//!
//! Invariant: a whole key that is looked for is hashed here and kept nowhere.

use std::collections::{BTreeMap, BTreeSet};

use portcullis_api::keys::{FindKey, ListKeys};
use portcullis_api::payments::ApiKeyEntry;
use portcullis_api::{Key, KeyKind, KeyList};
use portcullis_engine::{KeyDigest, KeyId};

use super::question::{Question, cursor_after};
use super::view;
use crate::access::Permission::KeysRead;
use crate::app::App;
use crate::caller::Caller;
use crate::error::Error;
use crate::secret::{Purpose, Secret};
use crate::store::Slice;

/// One page of keys, newest first.
pub(crate) async fn list(app: &App, by: &Caller, query: ListKeys) -> Result<KeyList, Error> {
    by.require(KeysRead)?;
    let now = app.clock.seconds();
    let mut question = Question::parse(by, &app.policy(), &query, now)?;
    if let (Some(KeyKind::Grant), Some(user)) = (question.kind, by.sees_grants_of()) {
        let slice = Slice { after: None, limit: u32::MAX };
        let grants = app.store.grants(question.scope, Some(user), &slice).await?;
        question.own = Some(grants.iter().map(|it| it.row.id).collect());
    }
    let wanted = question.limit.saturating_add(1);
    app.directory.refresh(app.store.as_ref()).await?;
    let mut rows = Vec::new();
    while rows.len() < wanted {
        let missing = wanted - rows.len();
        let places = app.directory.find(&question, missing).await;
        let Some(last) = places.last() else { break };
        question.after = Some(*last);
        let are_all = places.len() < missing;
        let ids: Vec<_> = places.iter().map(|(_, id)| *id).collect();
        let found = app.store.keys(question.scope, &ids).await?;
        app.directory.learn(&found);
        rows.extend(found.into_iter().filter(|row| question.still_admits(row)));
        if are_all {
            break;
        }
    }
    let more = rows.len() > question.limit;
    rows.truncate(question.limit);
    let next_cursor = rows.last().filter(|_| more).map(cursor_after);
    Ok(KeyList { data: rows.into_iter().map(|row| view::key(row, now)).collect(), next_cursor })
}

/// What people call these keys, by id; of those that the caller sees.
pub(crate) async fn names(app: &App, by: &Caller, ids: &[&str]) -> Result<BTreeMap<String, String>, Error> {
    by.require(KeysRead)?;
    let ids: BTreeSet<KeyId> = ids.iter().filter_map(|id| id.parse().ok()).collect();
    let ids: Vec<_> = ids.into_iter().collect();
    let rows = app.store.keys(by.scope, &ids).await?;
    Ok(rows.into_iter().map(|row| (row.id.to_string(), row.name)).collect())
}

/// Every key that is not revoked, newest first.
pub(crate) async fn list_unrevoked(app: &App, by: &Caller) -> Result<Vec<ApiKeyEntry>, Error> {
    by.require(KeysRead)?;
    Ok(app.store.unrevoked_keys(by.scope).await?.into_iter().map(view::entry).collect())
}

/// The record of a whole key, revoked ones too.
pub(crate) async fn find(app: &App, by: &Caller, request: &FindKey) -> Result<Key, Error> {
    by.require(KeysRead)?;
    let text = request.key.expose().trim();
    if Secret::parse(Purpose::Credential, text.as_bytes()).is_some() {
        let detail = "this is the secret of a credential, by which it cannot be found\nhint: its key id, `key_…`, is no \
                      secret: `GET /v1/keys/{id}`";
        return Err(Error::invalid("/key", detail));
    }
    let digest = KeyDigest::of(text.as_bytes());
    let found = app.store.key_with_digest(by.scope, &digest).await?;
    // What stands behind access tokens has a digest that can be worked out from its id, and nobody presents it.
    let row = found.filter(|row| row.kind == KeyKind::ApiKey).ok_or(Error::NotFound("key"))?;
    Ok(view::key(row, app.clock.seconds()))
}
