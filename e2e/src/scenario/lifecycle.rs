//! `lifecycle`: a key from its creation to its revocation, as its owner, its client and the upstream see it.
//!
//! Every change is made through the control API and awaited at the edge. Invariant: each answer is asked for by its
//! exact status and code.

mod payments;
mod platform;

use std::time::Duration;

use crate::control::Control;
use crate::http::Request;
use crate::report::Report;
use crate::stack::{Setup, Stack};
use crate::wait;

/// How long a change may take to reach the edge before a check fails. Its speed is measured elsewhere.
const SOON: Duration = Duration::from_secs(5);

pub(super) async fn run(report: &mut Report) -> anyhow::Result<()> {
    let stack = Stack::start(Setup::preset("systemprompt")?).await?;
    platform::run(&Edge::new(&stack)?, report).await?;
    drop(stack);
    let stack = Stack::start(Setup::preset("payments")?).await?;
    payments::run(&Edge::new(&stack)?, report).await
}

/// Both sides of a stack: where keys are managed and where they are used.
pub(super) struct Edge<'a> {
    pub(super) stack: &'a Stack,
    pub(super) control: Control,
}

impl<'a> Edge<'a> {
    pub(super) fn new(stack: &'a Stack) -> anyhow::Result<Self> {
        Ok(Self { stack, control: stack.control()? })
    }

    /// Checks an answer, giving the edge the time to hear of the last change.
    pub(super) async fn expect(&self, report: &mut Report, what: &str, request: &Request, answer: &str) {
        let mut found = String::new();
        let reached = wait::until(what, SOON, async || {
            let response = self.stack.ask(request).await?;
            found = gist(&response);
            Ok((found == answer).then_some(()))
        });
        let reached = reached.await;
        match reached {
            Ok(()) => report.equal(what, answer.to_owned(), answer.to_owned()),
            Err(_) => report.equal(what, found, answer.to_owned()),
        }
    }
}

/// Status and the code of a denial, or the side that answered.
fn gist(response: &crate::http::Response) -> String {
    match response.json()["side"].as_str() {
        Some(side) => format!("{} {side}", response.status),
        None => response.gist(),
    }
}
