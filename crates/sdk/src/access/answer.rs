//! Reading the token endpoint's answer: a token, a refusal for good, or a reason to try again.
//!
//! It sends and remembers nothing. Invariant: what the server wrote is shown only where it cannot be the secret.

use std::time::Duration;

use reqwest::header::{DATE, HeaderMap, HeaderName, RETRY_AFTER};
use serde::Deserialize;

use super::error::TokenError;
use super::plan::Plan;
use super::token::AccessToken;

/// A wrong secret does not hammer the server: nobody asks again for so long.
const REFUSED_FOR: Duration = Duration::from_secs(5);
const LONGEST_LIFETIME: u64 = 365 * 86_400;
const DESCRIPTION_LENGTH: usize = 200;
const CODE_LENGTH: usize = 40;

/// What an answer means.
#[derive(Debug)]
pub(crate) enum Reading {
    Minted(Minted),
    Failed(Failure),
    Again { cause: String, after: Option<Duration> },
}

/// A token, and how long it is good, counted from before it was asked for.
#[derive(Clone, Debug)]
pub(crate) struct Minted {
    pub(crate) token: AccessToken,
    pub(crate) lifetime: Duration,
}

/// A failure, and for how long it stands for every attempt that could be made.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub(crate) error: TokenError,
    pub(crate) remember_for: Option<Duration>,
}

#[derive(Deserialize)]
struct Granted {
    access_token: String,
    token_type: String,
    expires_in: u64,
    scope: Option<String>,
}

#[derive(Deserialize)]
struct Refusal {
    error: String,
    error_description: Option<String>,
}

/// Says what an answer means.
pub(crate) fn read(status: u16, headers: &HeaderMap, body: &[u8], plan: &Plan) -> Reading {
    match status {
        408 | 429 | 500.. => Reading::Again { cause: format!("status {status}"), after: retry_after(headers) },
        200 => {
            minted(body).map_or_else(|| unexpected(status, "it holds no bearer token with a lifetime"), Reading::Minted)
        }
        400..500 => refusal(body, plan).unwrap_or_else(|| unexpected(status, "it is no answer of OAuth")),
        _ => unexpected(status, "it is no answer of OAuth"),
    }
}

fn minted(body: &[u8]) -> Option<Minted> {
    let granted: Granted = serde_json::from_slice(body).ok()?;
    let fits = granted.token_type.eq_ignore_ascii_case("bearer") && granted.expires_in > 0;
    let token = AccessToken::parse(&granted.access_token, granted.scope.as_deref()).filter(|_| fits)?;
    Some(Minted { token, lifetime: Duration::from_secs(granted.expires_in.min(LONGEST_LIFETIME)) })
}

fn refusal(body: &[u8], plan: &Plan) -> Option<Reading> {
    let Refusal { error: code, error_description } = serde_json::from_slice(body).ok()?;
    let is_code = code.len() <= CODE_LENGTH && code.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    let description = error_description
        .filter(|text| !plan.is_told_by(text))
        .map(|text| text.chars().filter(|it| !it.is_control()).take(DESCRIPTION_LENGTH).collect::<String>())
        .filter(|text| !text.is_empty());
    let failed = failed(TokenError::Refused { code, description });
    is_code.then_some(failed)
}

fn unexpected(status: u16, what: &'static str) -> Reading {
    failed(TokenError::Unexpected { status, what })
}

fn failed(error: TokenError) -> Reading {
    Reading::Failed(Failure { error, remember_for: Some(REFUSED_FOR) })
}

/// Seconds, or a date, which counts from the answer's own: our wall clock may be wrong.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = |name: HeaderName| headers.get(name)?.to_str().ok();
    let wanted = text(RETRY_AFTER)?.trim();
    if let Ok(seconds) = wanted.parse::<u32>() {
        return Some(Duration::from_secs(u64::from(seconds)));
    }
    let (then, now) = (httpdate::parse_http_date(wanted).ok()?, httpdate::parse_http_date(text(DATE)?).ok()?);
    Some(then.duration_since(now).unwrap_or_default())
}
