//! An OAuth client as a stranger with the RFCs would write it: forms out, JSON in.
//!
//! It shares no type with the server on purpose, caches nothing and verifies nothing.

use std::net::SocketAddr;

use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::Value;

use crate::control::Key;
use crate::http::{self, Request, Response};
use crate::visitor::escape;

/// Where the secret stands (RFC 6749 §2.3.1).
#[derive(Clone, Copy, Debug)]
pub(crate) enum Secret {
    InHeader,
    InForm,
}

/// Who asks.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    pub(crate) id: String,
    pub(crate) secret: String,
}

impl Client {
    /// From the answer that a credential's creation gave.
    pub(crate) fn read(record: &Value) -> anyhow::Result<Self> {
        let text = |name: &str| record[name].as_str().map(str::to_owned).with_context(|| format!("no `{name}`"));
        Ok(Self { id: text("id")?, secret: text("secret")? })
    }

    /// Asks the token endpoint.
    pub(crate) async fn ask(
        &self,
        control: SocketAddr,
        secret: Secret,
        fields: &[(&str, &str)],
    ) -> anyhow::Result<Response> {
        http::once(control, &self.request(secret, fields)).await
    }

    /// What the token endpoint is asked with.
    pub(crate) fn request(&self, secret: Secret, fields: &[(&str, &str)]) -> Request {
        let request = Request::new("POST", "/oauth/token");
        let (request, own): (Request, Vec<(&str, &str)>) = match secret {
            Secret::InHeader => {
                let pair = format!("{}:{}", escape(&self.id), escape(&self.secret));
                (request.header("authorization", format!("Basic {}", STANDARD.encode(pair))), Vec::new())
            }
            Secret::InForm => (request, vec![("client_id", &self.id), ("client_secret", &self.secret)]),
        };
        let fields: Vec<(&str, &str)> = own.into_iter().chain(fields.iter().copied()).collect();
        form(request, &fields)
    }

    /// An access token for what it may do: the token as a key of that id, so that it can be used like one.
    pub(crate) async fn token(&self, control: SocketAddr) -> anyhow::Result<Key> {
        let answer = self.ask(control, Secret::InHeader, &[("grant_type", "client_credentials")]).await?;
        let record = answer.json();
        let text = record["access_token"].as_str().with_context(|| format!("no token: {record}"))?.to_owned();
        Ok(Key { id: self.id.clone(), text, record })
    }
}

/// A request with fields as a form.
pub(crate) fn form(request: Request, fields: &[(&str, &str)]) -> Request {
    let pairs: Vec<String> = fields.iter().map(|(name, value)| format!("{}={}", escape(name), escape(value))).collect();
    request.header("content-type", "application/x-www-form-urlencoded").body(pairs.join("&"))
}

/// One of a token's parts, unverified: 0 is the header, 1 the claims.
pub(crate) fn part(token: &str, index: usize) -> anyhow::Result<Value> {
    let part = token.split('.').nth(index).context("not a JWT")?;
    Ok(serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part)?)?)
}

/// JSON as a part of a token.
pub(crate) fn encoded(part: &Value) -> String {
    URL_SAFE_NO_PAD.encode(part.to_string())
}
