//! A policy's text before it is published: whether it may be, and what it would change.
//!
//! Invariants: no more than a few large texts are worked on at once; no whole key comes further than this.

use std::sync::Arc;

use portcullis_api::policy::PolicyDifference;
use portcullis_policy::{Checked, Diagnostics};

use super::{PolicyRoom, difference, secrets, text};
use crate::app::App;
use crate::caller::{Caller, Scope};
use crate::error::Error;
use crate::store::{PolicyRow, StoreError};

/// Who needs more rules matches by template.
const MAX_RULES: usize = 2000;
/// Edges hold the policy in memory.
const MAX_BYTES: usize = 1024 * 1024;
/// What diagnostics call the text.
const NAME: &str = "policy.toml";

/// Whether a text can be published.
pub(super) async fn compile(app: &App, toml: &str) -> Result<Result<Checked, Box<Diagnostics>>, Error> {
    short_enough(toml)?;
    let (toml, in_force) = (toml.to_owned(), app.policy());
    work(move || {
        few_enough(&toml)?;
        // What else is wrong would be told with the line that holds the key.
        Ok(match secrets::keys_in(&toml, NAME, Some(in_force.spec())) {
            Some(keys) => Err(Box::new(keys.diagnostics)),
            None => portcullis_policy::check(&toml, NAME).map_err(Box::new),
        })
    })
    .await?
}

/// A text to be shown again to whoever sent it: without the keys in it.
pub(crate) async fn masked(app: &App, toml: &str) -> Result<String, Error> {
    short_enough(toml)?;
    let (toml, in_force) = (toml.to_owned(), app.policy());
    work(move || match secrets::keys_in(&toml, NAME, Some(in_force.spec())) {
        Some(keys) => keys.masked,
        None => toml,
    })
    .await
}

/// What a policy changes after the one in force. The operator counts everyone's keys; whose they are stays theirs.
pub(super) async fn compare(
    app: &App,
    by: &Caller,
    current: &PolicyRow,
    toml: &str,
    checked: Checked,
) -> Result<PolicyDifference, Error> {
    let counted = if by.require_operator(app).is_ok() { Scope::All } else { by.scope };
    let groups = app.store.key_groups(counted, by.scope, app.clock.seconds()).await?;
    let in_force = app.policy();
    let old = match in_force.version() == current.version {
        true => in_force,
        false => Arc::new(PolicyRoom::read(current).map_err(|_| StoreError::Unreadable { column: "toml" })?),
    };
    // It is not published yet.
    let new = PolicyRoom { version: 0, spec: checked.spec, compiled: checked.policy };
    let texts = (current.toml.clone(), toml.to_owned());
    work(move || PolicyDifference {
        text: text::between(&texts.0, &texts.1),
        ..difference::between(&old, &new, &groups)
    })
    .await
}

/// So much of it at once, however many ask.
static WORK: tokio::sync::Semaphore = tokio::sync::Semaphore::const_new(2);

/// A large policy takes long enough to keep other answers waiting.
pub(super) async fn work<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
    let _turn = WORK.acquire().await;
    tokio::task::spawn_blocking(work).await.map_err(|_| Error::Broken)
}

fn short_enough(toml: &str) -> Result<(), Error> {
    if toml.len() <= MAX_BYTES { Ok(()) } else { Err(Error::invalid("/toml", "a policy has at most 1 MiB")) }
}

/// Rules are compared with each other, so their number is what a comparison costs. Counted before anything is compared.
fn few_enough(toml: &str) -> Result<(), Error> {
    let rules = toml::from_str::<toml::Table>(toml).ok();
    let rules = rules.and_then(|table| table.get("rules")?.as_array().map(Vec::len)).unwrap_or_default();
    if rules <= MAX_RULES {
        Ok(())
    } else {
        Err(Error::invalid("/toml", format!("a policy has at most {MAX_RULES} rules")))
    }
}
