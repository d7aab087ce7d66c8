//! Answers to refused requests: status, body and headers as data.
//!
//! The one place where a [`Denial`] becomes bytes. Nothing internal leaves here but through `details`, which only the
//! access log shows. Invariant: a body never holds anything from a credential.

use portcullis_engine::request::Occurrence;
use portcullis_engine::spec::ErrorFormat;
use portcullis_engine::{Code, Denial, Policy, Reason, Request};
use serde::Serialize;

use crate::host::Reply;
use crate::ratelimit;

/// Seconds a client should wait while there is no policy.
const RETRY_WITHOUT_POLICY: u64 = 1;

/// Seconds a client should wait that shares its address with somebody who makes tokens up.
const RETRY_AFTER_FORGERIES: u64 = 5;

/// Seconds a client should wait while somebody has to do something about a secret.
const RETRY_WITHOUT_SECRET: u64 = 60;

/// What a page may read of a refusal.
const EXPOSED: &str = "www-authenticate, retry-after, ratelimit, ratelimit-policy";

#[derive(Serialize)]
struct JsonBody<'a> {
    error: JsonError<'a>,
}

#[derive(Serialize)]
struct JsonError<'a> {
    code: &'static str,
    message: &'a str,
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    docs_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reference: Option<&'a str>,
}

/// RFC 9457.
#[derive(Serialize)]
struct ProblemBody<'a> {
    r#type: String,
    title: &'a str,
    status: u16,
    code: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reference: Option<&'a str>,
}

/// The answer to a refused request. Without a policy the wording is the default one.
pub fn render(policy: Option<&Policy>, denial: &Denial<'_>, request: &Request<'_>) -> Reply {
    let code = denial.reason.code();
    let message = policy.map_or(code.default_message(), |policy| policy.message(code));
    let format = policy.map(Policy::error_format).unwrap_or_default();
    let mut headers = vec![("content-type", content_type(format).to_string())];
    headers.extend(challenge(policy, denial, code).map(|value| ("www-authenticate", value)));
    headers.extend(retry_after(denial).map(|seconds| ("retry-after", seconds.to_string())));
    if denial.standing.is_some() {
        headers.push(("ratelimit-policy", ratelimit::policy([denial.standing])));
        headers.push(("ratelimit", ratelimit::left([denial.standing])));
    }
    cors(denial, request, &mut headers);
    Reply {
        status: u32::from(code.status()),
        grpc_status: request.is_grpc().then(|| code.grpc_status()),
        details: ["portcullis.", denial.reason.as_str()].concat(),
        headers,
        body: body(policy, format, denial, message, request),
    }
}

const fn content_type(format: ErrorFormat) -> &'static str {
    match format {
        ErrorFormat::Json => "application/json",
        ErrorFormat::Problem => "application/problem+json",
    }
}

fn body(
    policy: Option<&Policy>,
    format: ErrorFormat,
    denial: &Denial<'_>,
    message: &str,
    request: &Request<'_>,
) -> String {
    let (code, reference) = (denial.reason.code(), denial.reference.as_deref());
    let request_id = match request.header("x-request-id") {
        Occurrence::Once(value) => core::str::from_utf8(value).ok(),
        Occurrence::Absent | Occurrence::Repeated => None,
    };
    let (docs_url, status) = (policy.and_then(|policy| policy.docs_url(code)), code.status());
    let body = match format {
        ErrorFormat::Json => {
            let error = JsonError { code: code.as_str(), message, status, request_id, docs_url, reference };
            serde_json::to_string(&JsonBody { error })
        }
        ErrorFormat::Problem => {
            let r#type = docs_url.unwrap_or_else(|| "about:blank".into());
            let code = code.as_str();
            serde_json::to_string(&ProblemBody { r#type, title: message, status, code, request_id, reference })
        }
    };
    body.unwrap_or_default()
}

/// `WWW-Authenticate` (RFC 6750 §3), on 401 and 403.
fn challenge(policy: Option<&Policy>, denial: &Denial<'_>, code: Code) -> Option<String> {
    if !matches!(code.status(), 401 | 403) {
        return None;
    }
    let mut value = ["Bearer realm=\"", policy.map_or("portcullis", Policy::realm), "\""].concat();
    if let Some(error) = code.bearer_error() {
        value.push_str(&[", error=\"", error, "\""].concat());
    }
    if let Some(required) = denial.required {
        let scopes: Vec<_> = required.scopes().iter().map(|scope| scope.as_str()).collect();
        value.push_str(&[", scope=\"", &scopes.join(" "), "\""].concat());
    }
    Some(value)
}

fn retry_after(denial: &Denial<'_>) -> Option<u64> {
    match denial.reason {
        Reason::NoPolicy | Reason::StalePolicy | Reason::StoreUnavailable => Some(RETRY_WITHOUT_POLICY),
        Reason::SecretUnreadable | Reason::ServiceIsControl | Reason::AnswersUnguarded => Some(RETRY_WITHOUT_SECRET),
        Reason::TokenForgeries => Some(RETRY_AFTER_FORGERIES),
        _ => denial.retry_after,
    }
}

/// A browser shows a refusal to its page only with these (Fetch standard).
fn cors(denial: &Denial<'_>, request: &Request<'_>, headers: &mut Vec<(&'static str, String)>) {
    let Occurrence::Once(origin) = request.header("origin") else { return };
    let Ok(origin) = core::str::from_utf8(origin) else { return };
    if denial.for_browser && origin.bytes().all(|byte| byte.is_ascii_graphic()) {
        headers.push(("access-control-allow-origin", origin.to_string()));
        headers.push(("access-control-expose-headers", EXPOSED.into()));
        headers.push(("vary", "Origin".into()));
    }
}
