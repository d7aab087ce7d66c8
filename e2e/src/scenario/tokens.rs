//! `tokens`: a key id and a secret become an access token, which works as long as what minted it does.
//!
//! Minted by the control plane and by an issuer of its own, used through a real Envoy with two workers. Invariant: every
//! refusal is asked for by its exact status and code.

use anyhow::Context as _;
use serde_json::{Value, json};

use super::lifecycle::Edge;
use crate::control::Key;
use crate::http::{Request, Response};
use crate::oauth::Client;
use crate::report::Report;
use crate::stack::{Setup, Stack};
use crate::tools;

mod exchange;
mod issuer;
mod life;
mod revocation;
mod rotation;

const WORKERS: u32 = 2;
const PATH: &str = "/api/v1/skills";
const AUDIENCE: &str = "https://api.example.com";

pub(super) async fn run(report: &mut Report) -> anyhow::Result<()> {
    let setup = Setup::policy(tools::root()?.join("e2e/policies/tokens.toml"))?.workers(WORKERS);
    let stack = Stack::start(setup.serve(&["--webhook-allow-http", "--webhook-allow-private"])).await?;
    let edge = Edge::new(&stack)?;
    exchange::run(&edge, report).await?;
    life::run(&edge, report).await?;
    rotation::run(&edge, report).await?;
    issuer::run(&edge, report).await?;
    revocation::run(&edge, report).await
}

/// A credential of the production environment, which may read and write skills, with `more` beside.
async fn credential(edge: &Edge<'_>, name: &str, more: &Value) -> anyhow::Result<(Client, Value)> {
    let scopes = ["skills:read", "skills:write"];
    let mut body = json!({ "kind": "credential", "name": name, "environment": "production", "scopes": scopes });
    for (name, value) in more.as_object().into_iter().flatten() {
        body[name] = value.clone();
    }
    let record = edge.control.ok("POST", "/v1/keys", Some(&body)).await?;
    Ok((Client::read(&record).with_context(|| record.to_string())?, record))
}

fn get(token: &Key) -> Request {
    Request::get(PATH).bearer(&token.text)
}

fn post(token: &Key) -> Request {
    Request::new("POST", PATH).bearer(&token.text)
}

/// A header as the upstream saw it; several lines of one name are joined.
fn seen(echo: &Response, name: &str) -> String {
    let headers = echo.json()["headers"].as_array().cloned().unwrap_or_default();
    let values = headers.iter().filter(|it| it[0] == name).filter_map(|it| it[1].as_str().map(str::to_owned));
    values.collect::<Vec<_>>().join(" | ")
}
