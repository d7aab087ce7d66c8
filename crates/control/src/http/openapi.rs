//! `GET /v1/openapi.json`: the management API, described from the handlers' annotations.
//!
//! What every operation has in common (who may call, how it is refused, ids in paths) is written here once and added to
//! each. Invariant: the document is the routes that are served; `crates/control/openapi.json` is a copy that a test holds.

mod complete;
mod refusals;

use std::sync::Arc;

use axum::Extension;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use serde_json::{Map, Value, json};
use utoipa::openapi::OpenApi;

/// The finished document, as text.
#[derive(Clone)]
pub(super) struct Document(Arc<str>);

impl Document {
    /// Finishes what the handlers' annotations gave.
    pub(super) fn new(annotated: OpenApi) -> Self {
        let mut document = serde_json::to_value(annotated).unwrap_or_default();
        if let Some(document) = document.as_object_mut() {
            introduce(document);
            complete::complete(document);
        }
        Self(document.to_string().into())
    }
}

/// This document.
#[utoipa::path(get, path = "/v1/openapi.json", tag = "meta", security(()),
    responses((status = 200, description = "the API, as OpenAPI 3.1 says it", body = serde_json::Value)))]
pub(super) async fn document(Extension(Document(text)): Extension<Document>) -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/json")], text.as_bytes().to_vec())
}

/// What stands before the operations.
fn introduce(document: &mut Map<String, Value>) {
    document.insert(
        "info".to_owned(),
        json!({
            "title": "Portcullis control plane",
            "description": "Manages API keys that are enforced inside Envoy. Every list is of what the caller may see; \
                every error is a problem as in RFC 9457 whose `code` is stable.",
            "version": "1",
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        }),
    );
    document.insert("security".to_owned(), json!([{ "bearer": [] }]));
    document.insert(
        "tags".to_owned(),
        TAGS.iter().map(|(name, description)| json!({ "name": name, "description": description })).collect(),
    );
    let Some(components) = object(document, "components") else { return };
    components.insert(
        "securitySchemes".to_owned(),
        json!({ "bearer": {
        "type": "http",
        "scheme": "bearer",
        "description": "The administrator's token (`pca_…`) or an API token (`pct_…`).",
    } }),
    );
    components.insert("responses".to_owned(), refusals::responses());
}

const TAGS: &[(&str, &str)] = &[
    ("keys", "API keys: made, found, restricted, rotated, revoked"),
    ("organizations", "What keys belong to, and who may manage them"),
    ("members", "Who belongs to an organisation, and as what"),
    ("invitations", "Who may join an organisation"),
    ("tokens", "API tokens for this API"),
    ("secrets", "Values that skills use at the edge and nobody sees"),
    ("edge_keys", "The public keys that secrets are sealed to"),
    ("skills", "Which services a key may use, and with which secrets; those that others published"),
    ("policy", "The policy in force, its versions, and what a new one would change"),
    ("fleet", "The edges, and what they enforce"),
    ("explain", "Why a request is allowed or denied"),
    ("audit", "Who did what"),
    ("payments", "The same keys in the envelope of the payments product"),
    ("meta", "About this API and its caller"),
];

/// A member that is an object; made if there is none.
fn object<'a>(parent: &'a mut Map<String, Value>, name: &str) -> Option<&'a mut Map<String, Value>> {
    parent.entry(name).or_insert_with(|| json!({})).as_object_mut()
}
