//! What is asked of the control plane, ready to be sent as often as it takes.
//!
//! Nothing is sent here. Invariant: a plan that exists may be carried out: the secret goes over TLS, to this machine, or where
//! that was allowed.

use std::fmt::Write as _;
use std::net::IpAddr;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use portcullis_api::Secret;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use reqwest::{RequestBuilder, Url};

use super::credentials::Credentials;
use super::error::TokenError;

/// One kind of exchange.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) url: Url,
    pub(crate) deadline: Duration,
    body: String,
    /// What stands after `Basic `.
    basic: Secret,
    secret: Secret,
}

impl Plan {
    /// The request of these credentials; `fields` come beside the organisation.
    pub(crate) fn new(
        credentials: &Credentials,
        fields: &[(&str, &str)],
        deadline: Duration,
        allow_plain_http: bool,
    ) -> Result<Self, TokenError> {
        let mut url = credentials.auth_url.clone();
        if url.scheme() == "http" && !allow_plain_http && !is_loopback(&url) {
            return Err(TokenError::InClear(url.to_string()));
        }
        let path = format!("{}/oauth/token", url.path().trim_end_matches('/'));
        url.set_path(&path);
        let mut body = format!("grant_type=client_credentials&org_id={}", form(&credentials.organization));
        for (name, value) in fields {
            // Writing into a text does not fail.
            let _ = write!(body, "&{name}={}", form(value));
        }
        Ok(Self { url, deadline, body, basic: basic(credentials), secret: credentials.secret.clone() })
    }

    pub(crate) fn request(&self, http: &reqwest::Client) -> RequestBuilder {
        // Base64 always fits; without it the server would refuse.
        let mut authorization = HeaderValue::from_str(&format!("Basic {}", self.basic.expose())).ok();
        authorization.iter_mut().for_each(|it| it.set_sensitive(true));
        http.post(self.url.clone())
            .headers(authorization.map(|it| (AUTHORIZATION, it)).into_iter().collect())
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(ACCEPT, "application/json")
            .body(self.body.clone())
    }

    /// Whether a text that a server wrote gives away what was sent to it.
    pub(crate) fn is_told_by(&self, text: &str) -> bool {
        text.contains(self.secret.expose()) || text.contains(self.basic.expose())
    }
}

/// Key id and secret, each encoded as in a form before they are put together (RFC 6749 §2.3.1).
fn basic(credentials: &Credentials) -> Secret {
    let pair = format!("{}:{}", form(&credentials.key), form(credentials.secret.expose()));
    Secret::new(STANDARD.encode(pair))
}

/// `application/x-www-form-urlencoded`.
fn form(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b' ' => encoded.push('+'),
            b'*' | b'-' | b'.' | b'_' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => encoded.push(char::from(byte)),
            // Writing into a text does not fail.
            _ => drop(write!(encoded, "%{byte:02X}")),
        }
    }
    encoded
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    address.map_or(host == "localhost", |address| address.is_loopback())
}
