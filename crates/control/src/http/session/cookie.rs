//! The two cookies: of a session, and of somebody who fills in a form before there is one.
//!
//! Invariants: no script can read them, no other site can send them with a form, and over https they are sent over https
//! only and are nobody else's to set (`__Host-`).

use axum::http::header::COOKIE;
use axum::http::{HeaderMap, HeaderValue};

use crate::accounts::MAX_SECONDS;
use crate::app::App;
use crate::secret::{Purpose, Secret};

const SESSION: (&str, &str) = ("portcullis_session", "__Host-portcullis_session");
const VISIT: (&str, &str) = ("portcullis_visit", "__Host-portcullis_visit");

/// A cookie on its way to a browser.
#[derive(Clone, Debug)]
pub(crate) struct SetCookie(HeaderValue);

impl SetCookie {
    pub(super) fn into_value(self) -> HeaderValue {
        self.0
    }
}

/// The cookie of a session that just began.
pub(crate) fn cookie(app: &App, secret: &Secret) -> SetCookie {
    set(app, Purpose::Session, secret.expose(), Some(MAX_SECONDS))
}

/// Takes the cookie of a session back.
pub(crate) fn no_cookie(app: &App) -> SetCookie {
    set(app, Purpose::Session, "", Some(0))
}

/// The cookie of somebody who is not signed in, for as long as the browser runs.
pub(super) fn visit(app: &App, secret: &Secret) -> SetCookie {
    set(app, Purpose::Visit, secret.expose(), None)
}

/// The cookie that a request carries, if it can be one.
pub(in crate::http) fn sent(app: &App, headers: &HeaderMap, purpose: Purpose) -> Option<Secret> {
    let name = name(app, purpose).as_bytes();
    let pairs = headers.get_all(COOKIE).iter().flat_map(|line| line.as_bytes().split(|byte| *byte == b';'));
    let value = |pair: &[u8]| pair.trim_ascii().strip_prefix(name)?.strip_prefix(b"=").map(<[u8]>::to_vec);
    pairs.filter_map(value).find_map(|value| Secret::parse(purpose, &value))
}

fn set(app: &App, purpose: Purpose, value: &str, max_age: Option<u64>) -> SetCookie {
    let secure = if app.public_url.is_secure() { "; Secure" } else { "" };
    let max_age = max_age.map(|seconds| format!("; Max-Age={seconds}")).unwrap_or_default();
    let name = name(app, purpose);
    let text = format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax{max_age}{secure}");
    let mut value = HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static(""));
    value.set_sensitive(true);
    SetCookie(value)
}

fn name(app: &App, purpose: Purpose) -> &'static str {
    let (plain, secure) = if purpose == Purpose::Visit { VISIT } else { SESSION };
    if app.public_url.is_secure() { secure } else { plain }
}
