//! What a client sends to the token endpoint: a form, and perhaps a header that says who it is.
//!
//! Invariant: no parameter comes twice; one without a value counts as left out (RFC 6749 §3.2).

use std::collections::{BTreeMap, BTreeSet};

use axum::extract::{FromRequest, Request};
use axum::http::Method;
use axum::http::header::CONTENT_TYPE;

use super::client::Client;
use super::refusal::Refusal;
use crate::app::App;

const URLENCODED: &str = "application/x-www-form-urlencoded";

/// What a form says. It may hold a secret, so it has no `Debug`.
pub(super) struct Parameters(BTreeMap<String, String>);

impl Parameters {
    /// The value of a parameter, if there is one.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    fn new(pairs: Vec<(String, String)>) -> Result<Self, Refusal> {
        let mut seen = BTreeSet::new();
        if !pairs.iter().all(|(name, _)| seen.insert(name.as_str())) {
            return Err(Refusal::request("a parameter comes more than once"));
        }
        Ok(Self(pairs.into_iter().filter(|(_, value)| !value.is_empty()).collect()))
    }
}

/// Who the client says it is, and what it asks for.
pub(super) async fn read(app: &App, request: Request) -> Result<(Option<Client>, Parameters), Refusal> {
    let content_type = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let content_type = content_type.split(';').next().unwrap_or_default().trim();
    if *request.method() != Method::POST || !content_type.eq_ignore_ascii_case(URLENCODED) {
        return Err(Refusal::request("expected a form: `application/x-www-form-urlencoded`"));
    }
    let headers = request.headers().clone();
    let form = axum::Form::<Vec<(String, String)>>::from_request(request, app).await;
    let axum::Form(pairs) = form.map_err(|_| Refusal::request("the form cannot be read"))?;
    let sent = Parameters::new(pairs)?;
    Ok((Client::read(&headers, &sent)?, sent))
}

#[cfg(test)]
impl Parameters {
    pub(super) fn of(pairs: &[(&str, &str)]) -> Self {
        Self(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }
}
