//! A bare client of the control API, as a stranger with the documentation would write it.
//!
//! It shares no type with the server on purpose: what it sends and reads is the documented JSON.

use std::net::SocketAddr;
use std::ops::Range;

use anyhow::Context as _;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::http::{self, Request, Response};

/// The most that one request creates or lists.
pub(crate) const BATCH: usize = 1000;
/// The control plane writes one after the other; what came meanwhile it publishes in one go.
const BATCHES_AT_ONCE: usize = 16;

/// The control API of one stack.
#[derive(Clone, Debug)]
pub(crate) struct Control {
    pub(crate) address: SocketAddr,
    /// The administrator's, or an API token.
    pub(crate) token: String,
}

/// A key as its creation answered.
#[derive(Clone, Debug)]
pub(crate) struct Key {
    pub(crate) id: String,
    pub(crate) text: String,
    pub(crate) record: Value,
}

impl Control {
    /// Any call, whatever it answers.
    pub(crate) async fn call(&self, method: &str, path: &str, body: Option<&Value>) -> anyhow::Result<Response> {
        let request = Request::new(method, path).bearer(&self.token);
        let request = body.map_or_else(|| request.clone(), |body| request.clone().json(body));
        http::once(self.address, &request).await.with_context(|| format!("{method} {path}"))
    }

    /// A change of exactly the state that carries this ETag.
    pub(crate) async fn call_if(&self, etag: &str, method: &str, path: &str, body: &Value) -> anyhow::Result<Response> {
        let request = Request::new(method, path).bearer(&self.token).header("if-match", etag).json(body);
        http::once(self.address, &request).await.with_context(|| format!("{method} {path}"))
    }

    /// A call that has to succeed; its JSON.
    pub(crate) async fn ok(&self, method: &str, path: &str, body: Option<&Value>) -> anyhow::Result<Value> {
        let response = self.call(method, path, body).await?;
        let text = String::from_utf8_lossy(&response.body);
        anyhow::ensure!(response.status < 300, "{method} {path} answered {}: {text}", response.status);
        Ok(response.json())
    }

    pub(crate) async fn create(&self, body: &Value) -> anyhow::Result<Key> {
        Key::read(self.ok("POST", "/v1/keys", Some(body)).await?)
    }

    pub(crate) async fn create_many(&self, bodies: Vec<Value>) -> anyhow::Result<Vec<Key>> {
        let answer = self.ok("POST", "/v1/keys:batch", Some(&json!({ "keys": bodies }))).await?;
        let keys = answer["data"].as_array().cloned().context("no `data` in the answer")?;
        keys.into_iter().map(Key::read).collect()
    }

    pub(crate) async fn show(&self, id: &str) -> anyhow::Result<Value> {
        self.ok("GET", &format!("/v1/keys/{id}"), None).await
    }

    pub(crate) async fn update(&self, id: &str, body: &Value) -> anyhow::Result<Value> {
        self.ok("PATCH", &format!("/v1/keys/{id}"), Some(body)).await
    }

    pub(crate) async fn rotate(&self, id: &str, overlap_seconds: u64) -> anyhow::Result<Key> {
        let body = json!({ "overlap_seconds": overlap_seconds });
        Key::read(self.ok("POST", &format!("/v1/keys/{id}/rotate"), Some(&body)).await?)
    }

    pub(crate) async fn revoke(&self, id: &str) -> anyhow::Result<Value> {
        self.ok("DELETE", &format!("/v1/keys/{id}"), None).await
    }

    /// Creates that many keys, a thousand to a request and some requests at once, which are published together. Their records,
    /// which of a million are gigabytes, are dropped.
    pub(crate) async fn fill(&self, count: usize) -> anyhow::Result<Vec<Key>> {
        let batches: Vec<_> = (0..count).step_by(BATCH).map(|first| first..count.min(first + BATCH)).collect();
        let mut filling = JoinSet::new();
        for lane in 0..BATCHES_AT_ONCE {
            let (control, mine) = (self.clone(), batches.iter().skip(lane).step_by(BATCHES_AT_ONCE).cloned());
            filling.spawn(control.fill_each(mine.collect()));
        }
        let mut filled = Vec::with_capacity(batches.len());
        while let Some(some) = filling.join_next().await {
            filled.extend(some??);
        }
        filled.sort_unstable_by_key(|(first, _)| *first);
        Ok(filled.into_iter().flat_map(|(_, keys)| keys).collect())
    }

    /// Creates the keys of some batches; with each, its first number.
    async fn fill_each(self, batches: Vec<Range<usize>>) -> anyhow::Result<Vec<(usize, Vec<Key>)>> {
        let body = |index: usize| json!({ "name": format!("key-{index}"), "environment": "production", "scopes": ["skills:read"] });
        let mut filled = Vec::with_capacity(batches.len());
        for batch in batches {
            let first = batch.start;
            let keys = self.create_many(batch.map(body).collect()).await?;
            filled.push((first, keys.into_iter().map(|key| Key { record: Value::Null, ..key }).collect()));
        }
        Ok(filled)
    }

    /// Everything that a list holds, page by page.
    pub(crate) async fn list(&self, path: &str) -> anyhow::Result<Vec<Value>> {
        let (mut all, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = self.ok("GET", &format!("{path}?limit={BATCH}{cursor}"), None).await?;
            all.extend(page["data"].as_array().cloned().context("no `data` in the answer")?);
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return Ok(all),
            }
        }
    }

    /// The same control plane, asked by somebody else.
    pub(crate) fn with_token(&self, token: &str) -> Self {
        Self { address: self.address, token: token.to_owned() }
    }

    /// Makes a service token of the default organisation; its text.
    pub(crate) async fn service_token(&self, name: &str, scopes: &[&str]) -> anyhow::Result<String> {
        let body = json!({ "name": name, "scopes": scopes, "kind": "service" });
        let answer = self.ok("POST", "/v1/tokens", Some(&body)).await?;
        Ok(answer["token"].as_str().context("no `token` in the answer")?.to_owned())
    }

    /// Creates an organisation; its id.
    pub(crate) async fn organization(&self, name: &str, state: Option<&Value>) -> anyhow::Result<String> {
        let answer = self.ok("POST", "/v1/organizations", Some(&json!({ "name": name }))).await?;
        let id = answer["id"].as_str().context("no `id` in the answer")?.to_owned();
        if let Some(state) = state {
            self.ok("PATCH", &format!("/v1/organizations/{id}"), Some(&json!({ "state": state }))).await?;
        }
        Ok(id)
    }
}

impl Key {
    /// Reads the answer to a creation.
    pub(crate) fn read(record: Value) -> anyhow::Result<Self> {
        let text =
            |name: &str| record[name].as_str().map(str::to_owned).with_context(|| format!("no `{name}` in the answer"));
        Ok(Self { id: text("id")?, text: text("key")?, record })
    }
}

/// An RFC 3339 time that many seconds from now.
pub(crate) fn in_seconds(seconds: i64) -> String {
    let now = jiff::Timestamp::now();
    let then = jiff::Timestamp::from_second(now.as_second().saturating_add(seconds)).unwrap_or(now);
    then.to_string()
}
