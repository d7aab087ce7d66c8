//! What forms send. A form is taken only from a page of ours that this very person was shown.
//!
//! Two things are asked, either of which would do: that the browser says the form is ours (Origin, Sec-Fetch-Site), and
//! that the form carries what only our page could know. Invariant: nothing is read from a form that fails either.

use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, Request};
use axum::http::header::{CONTENT_TYPE, HOST, ORIGIN};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::{SignedIn, sent};
use crate::app::App;
use crate::http::body::{malformed, read};
use crate::http::failure::Failure;
use crate::secret::Purpose;

const URLENCODED: &str = "application/x-www-form-urlencoded";
const SITE: &str = "sec-fetch-site";

/// What a form of ours sent.
pub(crate) struct Form<T>(pub(crate) T);

/// Every field of a form, for forms in which a name comes more than once.
#[derive(Clone, Deserialize)]
#[serde(transparent)]
pub(crate) struct Fields(Vec<(String, String)>);

impl Fields {
    /// The value of a field; empty if there is none.
    pub(crate) fn get(&self, name: &str) -> &str {
        self.all(name).next().unwrap_or_default()
    }

    /// Whether there is such a field: a box that was ticked.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.all(name).next().is_some()
    }

    /// Every field, as it came.
    pub(crate) fn pairs(&self) -> &[(String, String)] {
        &self.0
    }

    /// Every value under that name.
    pub(crate) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(it, _)| it == name).map(|(_, value)| value.as_str())
    }
}

#[derive(Deserialize)]
struct Token {
    #[serde(default)]
    csrf: String,
}

impl<T: DeserializeOwned> FromRequest<App> for Form<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, app: &App) -> Result<Self, Failure> {
        let headers = request.headers();
        let signed_in = request.extensions().get::<SignedIn>().map(|it| it.csrf.clone());
        let expected = signed_in.or_else(|| sent(app, headers, Purpose::Visit).map(|visit| visit.csrf()));
        let expected = expected.filter(|_| is_from_here(app, headers)).ok_or_else(forged)?;
        if !headers.get(CONTENT_TYPE).is_some_and(|value| value.as_bytes().starts_with(URLENCODED.as_bytes())) {
            let detail = format!("expected a form: {URLENCODED}");
            return Err(Failure::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", detail));
        }
        let bytes = read(request, app).await?;
        let Token { csrf } = parse(app, bytes.clone()).await?;
        if !expected.is(&csrf) {
            return Err(forged());
        }
        parse(app, bytes).await.map(Self)
    }
}

/// What the browser says about where the form was. Old ones say nothing; what the form carries is asked in any case.
fn is_from_here(app: &App, headers: &HeaderMap) -> bool {
    let text = |value: &HeaderValue| value.to_str().unwrap_or_default().to_owned();
    let site = headers.get(SITE).map(text);
    let origin = headers.get(ORIGIN).map(text);
    let host = headers.get(HOST).map(text).unwrap_or_default();
    let is_ours = |origin: &str| {
        let authority = origin.split_once("://").map(|(_, authority)| authority);
        app.public_url.is(origin) || authority.is_some_and(|authority| authority.eq_ignore_ascii_case(&host))
    };
    site.is_none_or(|site| matches!(site.as_str(), "same-origin" | "none")) && origin.is_none_or(|it| is_ours(&it))
}

fn forged() -> Failure {
    let detail = "this form is not ours, or too old: load the page again and repeat what you did";
    Failure::new(StatusCode::FORBIDDEN, "forged_form", detail)
}

async fn parse<T: DeserializeOwned>(app: &App, bytes: Bytes) -> Result<T, Failure> {
    let mut request = Request::new(Body::from(bytes));
    *request.method_mut() = axum::http::Method::POST;
    request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(URLENCODED));
    let form = axum::Form::from_request(request, &()).await;
    form.map(|axum::Form(form)| form).map_err(|rejection| malformed(app, "form", &rejection.body_text()))
}
