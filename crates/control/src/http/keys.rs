//! `/v1/keys`.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use portcullis_api::keys::{CreateKeys, FindKey, ImportKeys, ListKeys, StartTrial};
use portcullis_api::{CreateKey, CreatedKey, Data, Key, KeyList, RotateKey, UpdateKey};

use super::auth::By;
use super::body::{Body, OptionalBody, Parameters, Segment, Table, Written};
use super::failure::Failure;
use super::tagged::{Retagged, Tagged};
use crate::app::App;
use crate::keys;

/// Makes a key. Its text is in this answer and nowhere else.
#[utoipa::path(post, path = "/v1/keys", tag = "keys", request_body = CreateKey,
    responses((status = 201, description = "the key", body = CreatedKey)))]
pub(super) async fn create(
    State(app): State<App>,
    By(by): By,
    Body(request): Body<CreateKey>,
) -> Result<Written<CreatedKey>, Failure> {
    Ok(Written(StatusCode::CREATED, keys::create(&app, &by, request).await?))
}

/// Makes many keys: all or none.
#[utoipa::path(post, path = "/v1/keys:batch", tag = "keys", request_body = CreateKeys,
    responses((status = 201, description = "the keys", body = Data<CreatedKey>)))]
pub(super) async fn create_batch(
    State(app): State<App>,
    By(by): By,
    Body(request): Body<CreateKeys>,
) -> Result<Written<Data<CreatedKey>>, Failure> {
    let created = keys::create_batch(&app, &by, request).await?;
    Ok(Written(StatusCode::CREATED, created.map(|data, _| Data { data })))
}

/// One page of keys, newest first.
#[utoipa::path(get, path = "/v1/keys", tag = "keys", params(ListKeys),
    responses((status = 200, description = "the page", body = KeyList)))]
pub(super) async fn list(
    State(app): State<App>,
    By(by): By,
    Parameters(query): Parameters<ListKeys>,
) -> Result<Json<KeyList>, Failure> {
    let _listing = app.listings.turn(&by).await;
    Ok(Json(keys::list(&app, &by, query).await?))
}

/// One key.
#[utoipa::path(get, path = "/v1/keys/{id}", tag = "keys",
    responses((status = 200, description = "the key", body = Key)))]
pub(super) async fn show(State(app): State<App>, By(by): By, Segment(id): Segment) -> Result<Tagged<Key>, Failure> {
    Ok(Tagged(keys::show(&app, &by, &id).await?))
}

/// Changes what may change in a key's life.
#[utoipa::path(patch, path = "/v1/keys/{id}", tag = "keys", request_body = UpdateKey,
    responses((status = 200, description = "the key", body = Key)))]
pub(super) async fn update(
    State(app): State<App>,
    By(by): By,
    Segment(id): Segment,
    Body(request): Body<UpdateKey>,
) -> Result<Retagged<Key>, Failure> {
    Ok(Retagged(Written(StatusCode::OK, keys::update(&app, &by, &id, &request).await?)))
}

/// Makes a key like that one, which goes on working for a while.
#[utoipa::path(post, path = "/v1/keys/{id}/rotate", tag = "keys", request_body = Option<RotateKey>,
    responses((status = 201, description = "the new key", body = CreatedKey)))]
pub(super) async fn rotate(
    State(app): State<App>,
    By(by): By,
    Segment(id): Segment,
    OptionalBody(request): OptionalBody<RotateKey>,
) -> Result<Written<CreatedKey>, Failure> {
    Ok(Written(StatusCode::CREATED, keys::rotate(&app, &by, &id, &request).await?))
}

/// Revokes a key for good.
#[utoipa::path(delete, path = "/v1/keys/{id}", tag = "keys",
    responses((status = 200, description = "the key", body = Key)))]
pub(super) async fn revoke(State(app): State<App>, By(by): By, Segment(id): Segment) -> Result<Retagged<Key>, Failure> {
    Ok(Retagged(Written(StatusCode::OK, keys::revoke(&app, &by, &id).await?)))
}

/// The record of a whole key, revoked ones too. The key is hashed here and forgotten.
#[utoipa::path(post, path = "/v1/keys:find", tag = "keys", request_body = FindKey,
    responses((status = 200, description = "the key's record", body = Key)))]
pub(super) async fn find(
    State(app): State<App>,
    By(by): By,
    Body(request): Body<FindKey>,
) -> Result<Json<Key>, Failure> {
    Ok(Json(keys::find(&app, &by, &request).await?))
}

/// Stores keys that were made elsewhere, by their SHA-256: all or none.
#[utoipa::path(post, path = "/v1/keys:import", tag = "keys",
    request_body(content((ImportKeys = "application/json"), (String = "text/csv"))),
    responses((status = 201, description = "the keys", body = Data<Key>)))]
pub(super) async fn import(
    State(app): State<App>,
    By(by): By,
    table: Table<ImportKeys>,
) -> Result<Written<Data<Key>>, Failure> {
    let imported = match table {
        Table::Json(request) => keys::import(&app, &by, &request).await?,
        Table::Csv(text) => keys::import_csv(&app, &by, &text).await?,
    };
    Ok(Written(StatusCode::CREATED, imported.map(|data, _| Data { data })))
}

/// Tries scopes and restrictions on a key: edges tell what they would deny, and deny nothing for them.
#[utoipa::path(put, path = "/v1/keys/{id}/trial", tag = "keys", request_body = StartTrial,
    responses((status = 200, description = "the key", body = Key)))]
pub(super) async fn start_trial(
    State(app): State<App>,
    By(by): By,
    Segment(id): Segment,
    Body(request): Body<StartTrial>,
) -> Result<Retagged<Key>, Failure> {
    Ok(Retagged(Written(StatusCode::OK, keys::start_trial(&app, &by, &id, &request).await?)))
}

/// Ends a trial; the key stays as it is.
#[utoipa::path(delete, path = "/v1/keys/{id}/trial", tag = "keys",
    responses((status = 200, description = "the key", body = Key)))]
pub(super) async fn end_trial(
    State(app): State<App>,
    By(by): By,
    Segment(id): Segment,
) -> Result<Retagged<Key>, Failure> {
    Ok(Retagged(Written(StatusCode::OK, keys::end_trial(&app, &by, &id).await?)))
}

/// Sets what was tried: scopes in place of the key's own, restrictions each in place of its kind.
#[utoipa::path(post, path = "/v1/keys/{id}/trial/enforce", tag = "keys",
    responses((status = 200, description = "the key", body = Key)))]
pub(super) async fn enforce_trial(
    State(app): State<App>,
    By(by): By,
    Segment(id): Segment,
) -> Result<Retagged<Key>, Failure> {
    Ok(Retagged(Written(StatusCode::OK, keys::enforce_trial(&app, &by, &id).await?)))
}
