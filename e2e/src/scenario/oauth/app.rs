//! The app: a callback on loopback, and the requests it makes with what it is given.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use axum::extract::{Query, State};
use axum::routing::get as on_get;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::registration;
use crate::control::{Control, Key};
use crate::http::{self, Request, Response};
use crate::oauth::form;
use crate::scenario::lifecycle::Edge;
use crate::visitor::escape;
use crate::wait;

const SOON: Duration = Duration::from_secs(10);
/// RFC 7636, appendix B.
pub(super) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// Answers by the `state` that they came with.
type Answers = Arc<Mutex<BTreeMap<String, Value>>>;

/// A public app.
pub(super) struct App {
    pub(super) id: String,
    redirect_uri: String,
    answers: Answers,
}

impl App {
    /// Registers one whose callback this process answers.
    pub(super) async fn register(control: &Control) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let redirect_uri = format!("http://{}/callback", listener.local_addr()?);
        let answers = Answers::default();
        let router = axum::Router::new().route("/callback", on_get(callback)).with_state(Arc::clone(&answers));
        tokio::spawn(async move { axum::serve(listener, router).await });
        let record = control.ok("POST", "/v1/apps", Some(&registration(&redirect_uri))).await?;
        let id = record["id"].as_str().context("no `id`")?.to_owned();
        Ok(Self { id, redirect_uri, answers })
    }

    /// Where it sends people.
    pub(super) fn ask(&self, scope: &str, state: &str) -> String {
        let fields = [
            ("response_type", "code"),
            ("client_id", &self.id),
            ("redirect_uri", &self.redirect_uri),
            ("scope", scope),
            ("state", state),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ];
        let pairs = fields.map(|(name, value)| format!("{name}={}", escape(value)));
        format!("/oauth/authorize?{}", pairs.join("&"))
    }

    /// What came back with that state.
    pub(super) async fn answer(&self, state: &str) -> anyhow::Result<Value> {
        let arrived = async || Ok(self.answers.lock().unwrap_or_else(PoisonError::into_inner).get(state).cloned());
        wait::until("the app's callback", SOON, arrived).await
    }

    pub(super) async fn redeem(&self, edge: &Edge<'_>, code: &str) -> anyhow::Result<Response> {
        self.redeem_with(edge, code, VERIFIER).await
    }

    pub(super) async fn redeem_with(&self, edge: &Edge<'_>, code: &str, verifier: &str) -> anyhow::Result<Response> {
        let fields = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", &self.redirect_uri),
            ("code_verifier", verifier),
        ];
        self.token(edge, &fields).await
    }

    pub(super) async fn refresh(&self, edge: &Edge<'_>, refresh_token: &str) -> anyhow::Result<Response> {
        self.token(edge, &[("grant_type", "refresh_token"), ("refresh_token", refresh_token)]).await
    }

    async fn token(&self, edge: &Edge<'_>, fields: &[(&str, &str)]) -> anyhow::Result<Response> {
        let own = [("client_id", self.id.as_str())];
        let fields: Vec<(&str, &str)> = own.into_iter().chain(fields.iter().copied()).collect();
        http::once(edge.control.address, &form(Request::new("POST", "/oauth/token"), &fields)).await
    }
}

async fn callback(State(answers): State<Answers>, Query(query): Query<BTreeMap<String, String>>) -> &'static str {
    let state = query.get("state").cloned().unwrap_or_default();
    answers.lock().unwrap_or_else(PoisonError::into_inner).insert(state, json!(query));
    "You may close this window."
}

/// An access token, to be used like a key.
pub(super) fn bearer(tokens: &Value) -> anyhow::Result<Key> {
    let text = tokens["access_token"].as_str().with_context(|| format!("no token: {tokens}"))?.to_owned();
    Ok(Key { id: String::new(), text, record: tokens.clone() })
}

pub(super) fn get(token: &Key) -> Request {
    Request::get("/api/v1/skills").bearer(&token.text)
}
