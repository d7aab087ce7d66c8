//! `oauth-client`: programs that were not made for this server, and the Python SDK, against all of it.
//!
//! The independent client is `e2e/python/oauth_client.py` (authlib, joserfc). Invariant: it is told the issuer's address and
//! its own credentials, and finds out the rest.

mod service;
mod user;

use std::time::Duration;

use anyhow::Context as _;
use serde_json::{Value, json};

use crate::driven::Driven;
use crate::ports::local;
use crate::report::Report;
use crate::stack::{Setup, Stack};
use crate::{tools, wait};

/// How long a change may take to reach the edge before a check fails. Its speed is measured elsewhere.
const SOON: Duration = Duration::from_secs(10);
const AUDIENCE: &str = "https://api.scope.example";

pub(super) async fn run(report: &mut Report) -> anyhow::Result<()> {
    let stack = Stack::start(Setup::preset("scope")?).await?;
    let mut client = Client::start(&stack)?;
    let found = client.ok(json!({ "do": "discover", "issuer": issuer(&stack) })).await?;
    let grants = &found["metadata"]["grant_types_supported"];
    report.check(format!("the metadata of RFC 8414 is valid: {grants}"), grants.is_array());
    service::run(&stack, &mut client, report).await?;
    user::run(&stack, &mut client, report).await
}

/// The control plane's public URL.
fn issuer(stack: &Stack) -> String {
    format!("http://{}", local(stack.setup.ports.control))
}

/// The independent client.
struct Client {
    program: Driven,
    edge: String,
}

impl Client {
    fn start(stack: &Stack) -> anyhow::Result<Self> {
        let script = tools::root()?.join("e2e/python/oauth_client.py");
        let program = Driven::start(&tools::python()?, &script, &[], &stack.log("oauth_client.log"))?;
        Ok(Self { program, edge: format!("http://{}", stack.edge()) })
    }

    /// An order that has to succeed.
    async fn ok(&mut self, order: Value) -> anyhow::Result<Value> {
        let mut answer = self.program.ask(&order).await?;
        answer.get_mut("ok").map(Value::take).with_context(|| format!("`{}`: {answer}", order["do"]))
    }

    /// An order that has to fail; the error.
    async fn error(&mut self, order: Value) -> anyhow::Result<String> {
        let answer = self.program.ask(&order).await?;
        Ok(answer["error"].as_str().unwrap_or("no error").to_owned())
    }

    /// Calls the API until the answer is that status; the last one.
    async fn call(&mut self, name: &str, path: &str, status: u16) -> anyhow::Result<Value> {
        let order = json!({ "do": "call", "name": name, "url": format!("{}{path}", self.edge) });
        let mut last = Value::Null;
        let reached = wait::until("the edge's answer", SOON, async || {
            last = self.ok(order.clone()).await?;
            Ok((last["status"] == status).then_some(()))
        });
        // What it was instead is for the check to say.
        let _ = reached.await;
        Ok(last)
    }

    /// Who a token says it is, verified by the keys that the issuer publishes.
    async fn claims(&mut self, name: &str) -> anyhow::Result<Value> {
        let verified = self.ok(json!({ "do": "verify", "name": name, "audience": AUDIENCE })).await?;
        Ok(verified["claims"].clone())
    }
}

/// A text of an answer.
fn text(value: &Value, name: &str) -> anyhow::Result<String> {
    value[name].as_str().map(str::to_owned).with_context(|| format!("no `{name}` in the answer"))
}
