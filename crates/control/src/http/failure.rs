//! Failures on their way out. The only place where domain errors become HTTP.
//!
//! A handler returns a [`Failure`]; the outermost layer, which knows the request's id, writes the body. Invariant:
//! what is wrong on our side is logged and never told to the caller.

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use portcullis_api::{KeyStatus, Problem};

use super::watch::RequestId;
use crate::error::Error;
use crate::store::StoreError;

/// A refusal that has no body yet.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub(super) status: StatusCode,
    pub(super) code: &'static str,
    pub(super) detail: String,
    pub(super) pointer: Option<String>,
    /// In how many seconds it is worth another try.
    pub(super) retry_after: Option<u64>,
}

impl Failure {
    pub(super) fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self { status, code, detail: detail.into(), pointer: None, retry_after: None }
    }

    pub(super) fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", detail)
    }

    pub(super) fn method_not_allowed() -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "this path does not answer that method")
    }

    pub(super) fn unauthorized() -> Self {
        let detail = "expected one header `Authorization: Bearer` with the right token";
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", detail)
    }

    pub(super) fn not_ready() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "not_ready", "the first bundle is being built: try again")
    }

    /// What is stored has not reached the edges for too long.
    pub(super) fn behind(seconds: u64) -> Self {
        let detail = format!("nothing new was published for {seconds} s: `/v1/status` and the log say why");
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "not_published", detail)
    }

    /// Nothing was read or written.
    pub(super) fn database_unavailable() -> Self {
        let detail = "the database cannot be reached: nothing was changed, try again";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "database_unavailable", detail)
    }

    pub(super) fn internal() -> Self {
        let detail = "something went wrong here: the log has more under the request's id";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", detail)
    }

    /// The answer that the caller reads; headers set on the way stay.
    pub(super) fn into_problem(self, id: &RequestId, mut response: Response) -> Response {
        let problem = Problem {
            kind: "about:blank".to_owned(),
            title: self.status.canonical_reason().unwrap_or("Error").to_owned(),
            status: self.status.as_u16(),
            detail: self.detail,
            code: self.code.to_owned(),
            pointer: self.pointer,
            request_id: id.as_str().to_owned(),
        };
        let body = serde_json::to_vec(&problem).unwrap_or_default();
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        *response.body_mut() = Body::from(body);
        response
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        if self.status == StatusCode::UNAUTHORIZED {
            let challenge = HeaderValue::from_static("Bearer realm=\"portcullis control\"");
            response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
        }
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response.extensions_mut().insert(self);
        response
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let detail = error.to_string();
        match error {
            Error::NotFound(_) | Error::Unknown { .. } | Error::UnknownEdge { .. } => Self::not_found(detail),
            Error::Forbidden(_)
            | Error::OperatorOnly
            | Error::OwnerOnly
            | Error::NoMembership
            | Error::PeopleOnly
            | Error::TooLow(_) => Self::new(StatusCode::FORBIDDEN, "forbidden", detail),
            Error::LastOwner => Self::new(StatusCode::CONFLICT, "last_owner", detail),
            Error::AlreadyMember => Self::new(StatusCode::CONFLICT, "already_member", detail),
            Error::Void => Self::not_found(detail),
            Error::WrongPassword => Self::new(StatusCode::FORBIDDEN, "wrong_password", detail),
            Error::TooMany { retry_after } => {
                let failure = Self::new(StatusCode::TOO_MANY_REQUESTS, "too_many_requests", detail);
                Self { retry_after: Some(retry_after), ..failure }
            }
            Error::TooManyWaiting => {
                let failure = Self::new(StatusCode::TOO_MANY_REQUESTS, "too_many_requests", detail);
                Self { retry_after: Some(60), ..failure }
            }
            Error::Invalid { pointer, .. } => {
                let failure = Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_request", detail);
                Self { pointer: Some(pointer), ..failure }
            }
            Error::PlanInUse(_) => Self::new(StatusCode::CONFLICT, "plan_in_use", detail),
            Error::NoEdgeKeys => Self::new(StatusCode::CONFLICT, "no_edge_keys", detail),
            Error::SecretInUse(_) => Self::new(StatusCode::CONFLICT, "secret_in_use", detail),
            Error::SkillInUse(_) => Self::new(StatusCode::CONFLICT, "skill_in_use", detail),
            Error::SecretsUnsealed { .. } => Self::new(StatusCode::CONFLICT, "secrets_unsealed", detail),
            Error::EdgeKeyInUse(_) => Self::new(StatusCode::CONFLICT, "edge_key_in_use", detail),
            Error::SkillMoved { .. } => Self::new(StatusCode::CONFLICT, "skill_moved", detail),
            Error::Unmetered => Self::new(StatusCode::CONFLICT, "not_metered", detail),
            Error::Taken { pointer, .. } => {
                let failure = Self::new(StatusCode::CONFLICT, "already_exists", detail);
                Self { pointer: Some(pointer), ..failure }
            }
            Error::Store(StoreError::Duplicate) => Self::new(StatusCode::CONFLICT, "already_exists", detail),
            Error::KeyState { status, .. } => Self::new(StatusCode::CONFLICT, key_state_code(status), detail),
            Error::Rotated(_) => Self::new(StatusCode::CONFLICT, "key_rotated", detail),
            Error::PolicyMoved { .. } => Self::new(StatusCode::CONFLICT, "policy_moved", detail),
            Error::Changed => Self::new(StatusCode::PRECONDITION_FAILED, "precondition_failed", detail),
            Error::NotReady => Self::not_ready(),
            Error::Contended => Self::new(StatusCode::CONFLICT, "conflict", detail),
            Error::NotPublished(_) => Self::new(StatusCode::SERVICE_UNAVAILABLE, "not_published", detail),
            Error::Store(StoreError::Nul) => Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_request", detail),
            Error::Store(StoreError::Contended(_)) => {
                Self::new(StatusCode::CONFLICT, "conflict", Error::Contended.to_string())
            }
            Error::Store(StoreError::Unreachable(_)) => {
                tracing::error!(error = detail, "a request failed");
                Self::database_unavailable()
            }
            Error::Store(StoreError::Unknown(_)) => {
                tracing::error!(error = detail, "a request failed");
                let detail = "the database's connection broke while the change was being stored: it may be stored, so look before you repeat it";
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "outcome_unknown", detail)
            }
            Error::Broken | Error::Randomness(_) | Error::Store(_) | Error::Password => {
                tracing::error!(error = detail, "a request failed");
                Self::internal()
            }
        }
    }
}

fn key_state_code(status: KeyStatus) -> &'static str {
    match status {
        KeyStatus::Active => "key_format_unknown",
        KeyStatus::Disabled => "key_disabled",
        KeyStatus::Expired => "key_expired",
        KeyStatus::Revoked => "key_revoked",
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    fn read(path: &Path) -> String {
        std::fs::read_to_string(path).unwrap()
    }

    /// Every status and code that a refusal is made with, wherever in the source.
    fn in_source(folder: &Path, found: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                in_source(&path, found);
                continue;
            }
            for rest in read(&path).split("StatusCode::").skip(1) {
                let Some((_, rest)) = rest.split_once(',') else { continue };
                let Some(rest) = rest.trim_start().strip_prefix('"') else { continue };
                found.extend(rest.split('"').next().map(str::to_owned));
            }
        }
    }

    #[test]
    fn every_code_is_explained_in_the_documentation() {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut codes = BTreeSet::new();
        in_source(&here.join("src/http"), &mut codes);
        let states = [
            portcullis_api::KeyStatus::Active,
            portcullis_api::KeyStatus::Disabled,
            portcullis_api::KeyStatus::Expired,
            portcullis_api::KeyStatus::Revoked,
        ];
        codes.extend(states.map(|status| super::key_state_code(status).to_owned()));
        assert!(codes.len() > 30, "{codes:?}");
        let document = read(&here.join("../../docs/ERRORS.md"));
        let (_, management) = document.split_once("\n# The management API\n").unwrap();
        let rows = management.lines().filter_map(|line| line.strip_prefix("| ")?.split(" | ").nth(1));
        let documented: BTreeSet<_> = rows.filter_map(|cell| cell.strip_prefix('`')?.strip_suffix('`')).collect();
        let codes: BTreeSet<_> = codes.iter().map(String::as_str).collect();
        assert_eq!(codes, documented, "docs/ERRORS.md and the source do not name the same codes");
    }
}
