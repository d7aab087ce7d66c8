//! Keys that were made elsewhere: their digests move in, their texts stay where they are.
//!
//! Invariants: all of them or none; a key that stands where its digest belongs is refused and never repeated.

mod table;

use std::collections::HashMap;

use portcullis_api::keys::{ImportKey, ImportKeys};
use portcullis_api::{Key, KeyKind};
use portcullis_bundle::Layout;
use portcullis_engine::spec::KeyFormatSpec;
use portcullis_engine::{KeyDigest, OrganizationId};

use super::creation::Organizations;
use super::metadata::metadata;
use super::restrictions::restrictions;
use super::{check_count, fields, history, key};
use crate::access::Permission::KeysWrite;
use crate::app::{App, Committed};
use crate::caller::Caller;
use crate::error::Error;
use crate::policy::PolicyRoom;
use crate::random;
use crate::store::{Action, Change, KeyRow, MOST_IN_BUCKET, StoreError, Target, Write};

/// Stores keys by their digests.
pub(crate) async fn import(app: &App, by: &Caller, request: &ImportKeys) -> Result<Committed<Vec<Key>>, Error> {
    by.require(KeysWrite)?;
    check_count(request.keys.len())?;
    let policy = app.policy();
    let mut organizations = Organizations::default();
    let mut rows: Vec<KeyRow> = Vec::with_capacity(request.keys.len());
    for (index, sent) in request.keys.iter().enumerate() {
        let at = |error: Error| error.within(&format!("/keys/{index}"));
        let organization = organizations.resolve(app, by, sent.organization.as_deref()).await.map_err(at)?;
        rows.push(parse(app, by, &policy, sent, organization).map_err(at)?);
    }
    refuse_known(app, &rows).await?;
    app.ready().await?;
    let layout = app.publisher.current().map(|it| it.layout()).unwrap_or_default();
    let insertions = rows.iter().map(|row| insertion(app, by, row, layout));
    let change = insertions.fold(Change::new(by, app.clock.millis()), Change::and);
    let now = app.clock.seconds();
    let digests: Vec<_> = rows.iter().map(|row| row.digest).collect();
    let imported = app.commit(change, rows.into_iter().map(|row| key(row, now)).collect()).await;
    imported.map_err(|error| crowded(&digests, error))
}

/// The same from a table of comma-separated values; errors name its lines and columns.
pub(crate) async fn import_csv(app: &App, by: &Caller, text: &[u8]) -> Result<Committed<Vec<Key>>, Error> {
    by.require(KeysWrite)?;
    let (request, lines) = table::read(text)?;
    import(app, by, &request).await.map_err(|error| lines.locate(error))
}

fn parse(
    app: &App,
    by: &Caller,
    policy: &PolicyRoom,
    sent: &ImportKey,
    organization: OrganizationId,
) -> Result<KeyRow, Error> {
    let now = app.clock.seconds();
    let digest = digest(policy, &sent.sha256)?;
    let format = format(policy, sent)?;
    let created_by = sent.created_by.as_deref().or(by.email());
    Ok(KeyRow {
        id: random::key_id()?,
        kind: KeyKind::ApiKey,
        digest,
        secret: None,
        name: fields::name(policy, &sent.name)?,
        display: display(format, sent.display.as_deref())?,
        prefix: format.prefix.clone(),
        environment: format.environment.clone(),
        organization,
        scopes: fields::scopes(policy, &sent.scopes)?,
        restrictions: sent.restrictions.as_ref().map(|it| restrictions(policy, it)).transpose()?.flatten(),
        enabled: true,
        created_by: created_by.map(|it| fields::email(policy, "/created_by", it)).transpose()?,
        created_at: sent.created_at.as_deref().map_or(Ok(now), |it| created_before(now, it))?,
        created_in: 0,
        expires_at: sent.expires_at.as_deref().map(|it| Error::time("/expires_at", it)).transpose()?,
        revoked_at: None,
        last_used: None,
        successor: None,
        metadata: metadata(policy, &sent.metadata)?,
        trial: None,
        quota: None,
        rate: None,
        meter: None,
        skill: None,
        changed_in: 0,
    })
}

fn digest(policy: &PolicyRoom, text: &str) -> Result<KeyDigest, Error> {
    let text = text.trim();
    let mut bytes = [0; 32];
    match hex::decode_to_slice(text, &mut bytes) {
        Ok(()) => Ok(KeyDigest::from_bytes(bytes)),
        Err(_) if policy.spots_key_in(text) => {
            let hint = "hint: hash it where it is; `portcullis keys import --hash FILE` does, and sends digests alone";
            Err(Error::invalid("/sha256", format!("this is a key, and its SHA-256 belongs here\n{hint}")))
        }
        Err(_) => Err(Error::invalid("/sha256", "expected the SHA-256 of a key: 64 hexadecimal digits")),
    }
}

fn format<'a>(policy: &'a PolicyRoom, sent: &ImportKey) -> Result<&'a KeyFormatSpec, Error> {
    let Some(format) = policy.format_with(sent.prefix.trim()) else {
        let known: Vec<_> = policy.spec().keys.iter().map(|format| format.prefix.as_str()).collect();
        let detail = format!("the policy knows no keys with this prefix; it knows `{}`", known.join("`, `"));
        return Err(Error::invalid("/prefix", detail));
    };
    match &sent.environment {
        // The edge tells a key's environment from its prefix and nothing else.
        Some(environment) if *environment != format.environment => {
            let detail = format!("keys with the prefix `{}` are for `{}`", format.prefix, format.environment);
            Err(Error::invalid("/environment", detail))
        }
        _ => Ok(format),
    }
}

/// What people may see: never so much that it helps in guessing the rest.
fn display(format: &KeyFormatSpec, sent: Option<&str>) -> Result<String, Error> {
    let Some(sent) = sent else { return Ok(format!("{}...", format.prefix)) };
    let shown = sent.trim().trim_end_matches(['.', '…']);
    let most = format.min_body_length.unwrap_or(format.body_length) / 4;
    let body = shown.strip_prefix(format.prefix.as_str()).unwrap_or("-");
    if body.len() > most || !body.bytes().all(|byte| format.alphabet.letters().contains(&byte)) {
        let detail = format!("expected `{}` and at most {most} more characters of the key", format.prefix);
        return Err(Error::invalid("/display", detail));
    }
    Ok(format!("{shown}..."))
}

fn created_before(now: u64, text: &str) -> Result<u64, Error> {
    let time = Error::time("/created_at", text)?;
    if time > now {
        return Err(Error::invalid("/created_at", "this is in the future"));
    }
    Ok(time)
}

/// Refuses a digest that stands twice in the request, or in the database already.
async fn refuse_known(app: &App, rows: &[KeyRow]) -> Result<(), Error> {
    let mut first = HashMap::new();
    for (index, row) in rows.iter().enumerate() {
        if let Some(earlier) = first.insert(row.digest, index) {
            let detail = format!("the same digest as that of key {} here", earlier + 1);
            return Err(Error::invalid(format!("/keys/{index}/sha256"), detail));
        }
    }
    let digests: Vec<_> = rows.iter().map(|row| row.digest).collect();
    let taken = app.store.taken_digests(&digests).await?;
    match taken.iter().filter_map(|digest| first.get(digest)).min() {
        None => Ok(()),
        Some(index) => Err(Error::Taken {
            pointer: format!("/keys/{index}/sha256"),
            detail: "a key with this digest is here already: nothing was imported".to_owned(),
        }),
    }
}

/// Says which key it was that has too many neighbours.
fn crowded(digests: &[KeyDigest], error: Error) -> Error {
    let Error::Store(StoreError::Crowded(digest)) = &error else { return error };
    let Some(index) = digests.iter().position(|it| it == digest) else { return error };
    let detail = format!(
        "the organisation has {MOST_IN_BUCKET} keys whose digests begin like this one: nothing was imported\n\
         hint: digests of random keys are spread evenly; is this the SHA-256 of one?"
    );
    Error::invalid(format!("/keys/{index}/sha256"), detail)
}

fn insertion(app: &App, by: &Caller, row: &KeyRow, layout: Layout) -> Change {
    let target = Target::new("key", row.id, &row.name);
    Change::new(by, app.clock.millis())
        .add(Write::ImportKey(row.clone(), layout), row.organization, Action::KeyImported, target)
        .detail(history::of_creation(row))
}
