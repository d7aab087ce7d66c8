//! Why there is no token, as RFC 6749 §5.2 has it.
//!
//! Invariant: a description is one of ours, in the characters of RFC 6749; of what was sent it repeats a scope that is plain.

use axum::Json;
use axum::http::header::{CACHE_CONTROL, PRAGMA, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use portcullis_api::oauth::OAuthError;

use crate::access_tokens::NoToken;
use crate::apps::Stop;
use crate::error::Error;
use crate::store::StoreError;

/// Why there is no token.
#[derive(Debug)]
pub(super) enum Refusal {
    /// The request itself; what is wrong with it.
    Request(&'static str),
    /// The client is unknown or did not prove itself, or does not work.
    Client,
    /// Nobody said who asks.
    Nobody,
    /// The client proved itself, and gets its tokens in another way; which.
    Unauthorized(&'static str),
    /// The policy mints no access tokens, for whomever.
    NotMinted,
    /// No way that leads to a token here.
    UnsupportedGrantType,
    /// What it is to be made of is worth nothing.
    Grant(&'static str),
    /// A token that cannot be revoked by itself (RFC 7009 §2.2.1).
    TokenType,
    /// Scopes that the client does not hold.
    Scope(String),
    /// A resource that is not ours (RFC 8707 §2).
    Target,
    /// Not now: again in so many seconds.
    TooMany(u64),
    /// Not now, for want of something here.
    Unavailable,
    /// Our fault. The log has more.
    Internal,
}

impl Refusal {
    pub(super) fn request(what: &'static str) -> Self {
        Self::Request(what)
    }

    /// Its name.
    pub(super) fn code(&self) -> &'static str {
        match self {
            Self::Request(_) => "invalid_request",
            Self::Client | Self::Nobody => "invalid_client",
            Self::Unauthorized(_) => "unauthorized_client",
            Self::UnsupportedGrantType | Self::NotMinted => "unsupported_grant_type",
            Self::Grant(_) => "invalid_grant",
            Self::TokenType => "unsupported_token_type",
            Self::Scope(_) => "invalid_scope",
            Self::Target => "invalid_target",
            Self::TooMany(_) | Self::Unavailable => "temporarily_unavailable",
            Self::Internal => "server_error",
        }
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::Request(_)
            | Self::Unauthorized(_)
            | Self::UnsupportedGrantType
            | Self::NotMinted
            | Self::Grant(_)
            | Self::TokenType
            | Self::Scope(_)
            | Self::Target => StatusCode::BAD_REQUEST,
            Self::Client | Self::Nobody => StatusCode::UNAUTHORIZED,
            Self::TooMany(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn description(&self) -> String {
        match self {
            Self::Request(what) | Self::Grant(what) | Self::Unauthorized(what) => (*what).to_owned(),
            Self::TokenType => "an access token of a credential lasts until it ends: to stop it before, revoke the \
                                credential, or disable it"
                .to_owned(),
            Self::Client => "the client is unknown, its secret is wrong, or it does not work any more".to_owned(),
            Self::Nobody => {
                "no client named itself; hint: send HTTP Basic, or `client_id` and `client_secret` in the form"
                    .to_owned()
            }
            Self::NotMinted => {
                "the policy mints no access tokens; hint: add `[tokens]` with an `audience` to the policy".to_owned()
            }
            Self::UnsupportedGrantType => "this `grant_type` leads to no token here".to_owned(),
            Self::Scope(what) => what.clone(),
            Self::Target => "`resource` names another API than the one that tokens are for here".to_owned(),
            Self::TooMany(seconds) => format!("too many requests: try again in {seconds} s"),
            Self::Unavailable => "no token can be made at the moment: try again".to_owned(),
            Self::Internal => "something went wrong here: the log has more under the request's id".to_owned(),
        }
    }
}

impl From<NoToken> for Refusal {
    fn from(why: NoToken) -> Self {
        match why {
            NoToken::Client => Self::Client,
            NoToken::Scope(what) => Self::Scope(format!("the client does not hold {}", what.told())),
            NoToken::Failed(error) => error.into(),
        }
    }
}

impl From<Stop> for Refusal {
    fn from(why: Stop) -> Self {
        match why {
            Stop::Grant(what) => Self::Grant(what),
            Stop::Scope(what) => {
                let hint = "leave `scope` out, or ask the person again";
                Self::Scope(format!("{} was not allowed; hint: {hint}", what.told()))
            }
            Stop::Failed(error) => error.into(),
        }
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        match error {
            Error::TooMany { retry_after } => Self::TooMany(retry_after),
            Error::Invalid { pointer, detail } if pointer == "/scope" => {
                // No line ends in what RFC 6749 allows here.
                Self::Scope(detail.replace("\nhint: ", "; hint: "))
            }
            // The policy mints none any more.
            Error::Invalid { .. } => Self::NotMinted,
            Error::NotReady | Error::NotPublished(_) | Error::Contended => Self::Unavailable,
            Error::Store(StoreError::Unreachable(_) | StoreError::Contended(_) | StoreError::Unknown(_)) => {
                tracing::error!(%error, "no token could be made");
                Self::Unavailable
            }
            other => {
                tracing::error!(error = %other, "no token could be made");
                Self::Internal
            }
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let body = OAuthError { error: self.code().to_owned(), error_description: self.description() };
        let mut response =
            (self.status(), [(CACHE_CONTROL, "no-store"), (PRAGMA, "no-cache")], Json(body)).into_response();
        let headers = response.headers_mut();
        match self {
            Self::Client | Self::Nobody => {
                let challenge = HeaderValue::from_static("Basic realm=\"portcullis\", charset=\"UTF-8\"");
                headers.insert(WWW_AUTHENTICATE, challenge);
            }
            Self::TooMany(seconds) => drop(headers.insert(RETRY_AFTER, HeaderValue::from(seconds))),
            Self::Unavailable => drop(headers.insert(RETRY_AFTER, HeaderValue::from(1))),
            _ => {}
        }
        response
    }
}
