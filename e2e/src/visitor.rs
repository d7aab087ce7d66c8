//! Somebody with the simplest of browsers: it keeps cookies, fills in forms, and follows redirects to pages of the same server. It
//! runs no script.
//!
//! What a form holds unseen (its CSRF token) is sent along, as a browser would. Invariant: only forms that are on the
//! page are sent.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use anyhow::Context as _;

use crate::http::{self, Request, Response};

mod html;

/// How many redirects in a row are no loop.
const MAX_REDIRECTS: usize = 5;

/// A visitor, with the cookies it was given.
#[derive(Clone, Debug)]
pub(crate) struct Visitor {
    address: SocketAddr,
    cookies: BTreeMap<String, String>,
}

/// A page as it arrived.
#[derive(Clone, Debug)]
pub(crate) struct Page {
    /// Where it is, after redirects.
    pub(crate) path: String,
    pub(crate) status: u16,
    pub(crate) text: String,
}

impl Visitor {
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self { address, cookies: BTreeMap::new() }
    }

    pub(crate) async fn get(&mut self, path: &str) -> anyhow::Result<Page> {
        self.follow(Request::get(path), path).await
    }

    /// Fills in the form that goes to `action` and sends it. What it holds already stays, but for fields given here; a
    /// field may be given more than once.
    pub(crate) async fn submit(&mut self, page: &Page, action: &str, fields: &[(&str, &str)]) -> anyhow::Result<Page> {
        let form = html::form(&page.text, action, &page.path);
        let form = form.with_context(|| format!("{} has no form for {action}: {}", page.path, page.gist()))?;
        let kept = form.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let kept = kept.filter(|(name, _)| !fields.iter().any(|(given, _)| given == name));
        let pairs: Vec<String> = kept
            .chain(fields.iter().copied())
            .map(|(name, value)| format!("{}={}", escape(name), escape(value)))
            .collect();
        let request = Request::new("POST", action)
            .header("content-type", "application/x-www-form-urlencoded")
            .header("origin", format!("http://{}", self.address))
            .body(pairs.join("&"));
        self.follow(request, action).await
    }

    /// Whether it was given a session.
    pub(crate) fn has_session(&self) -> bool {
        self.cookies.get("portcullis_session").is_some_and(|value| !value.is_empty())
    }

    /// Forgets a cookie, as somebody else's page would not have it.
    pub(crate) fn without(&self, cookie: &str) -> Self {
        let mut other = self.clone();
        other.cookies.remove(cookie);
        other
    }

    async fn follow(&mut self, request: Request, path: &str) -> anyhow::Result<Page> {
        let (mut request, mut path) = (request, path.to_owned());
        for _ in 0..MAX_REDIRECTS {
            let response = self.send(request).await.with_context(|| path.clone())?;
            let Some(next) = response.header("location").filter(|_| (300..400).contains(&response.status)) else {
                let text = String::from_utf8_lossy(&response.body).into_owned();
                return Ok(Page { path, status: response.status, text });
            };
            if next.starts_with("http") && !next.starts_with(&format!("http://{}/", self.address)) {
                // Somebody else's page: where it is is all that we want to know.
                return Ok(Page { path: next.to_owned(), status: response.status, text: String::new() });
            }
            path = next.to_owned();
            request = Request::get(&path);
        }
        anyhow::bail!("{path} redirects without end")
    }

    async fn send(&mut self, request: Request) -> anyhow::Result<Response> {
        let cookies: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let request = request.header("host", self.address.to_string()).header("accept", "text/html");
        let request = if cookies.is_empty() { request } else { request.header("cookie", cookies.join("; ")) };
        let response = http::once(self.address, &request).await?;
        for (_, value) in response.headers.iter().filter(|(name, _)| name == "set-cookie") {
            let (name, rest) = value.split_once('=').context("a cookie without a value")?;
            let value = rest.split(';').next().unwrap_or_default();
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
        Ok(response)
    }
}

impl Page {
    /// Its status and the beginning of its words.
    pub(crate) fn gist(&self) -> String {
        let words: Vec<String> = html::words(&self.text).collect();
        format!("{} {}", self.status, words.join(" ").chars().take(300).collect::<String>())
    }

    /// The first run of letters, digits, `_` and `-` that begins like this: a token, a link's end.
    pub(crate) fn word(&self, prefix: &str) -> Option<String> {
        let (_, after) = self.text.split_once(prefix)?;
        let end = after.find(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '-').unwrap_or(after.len());
        after.get(..end).map(|body| format!("{prefix}{body}"))
    }
}

/// As a form's body has it.
pub(crate) fn escape(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(byte).collect()
}
