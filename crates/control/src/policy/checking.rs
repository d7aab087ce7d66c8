//! A policy's text before it is published: whether it may be, and what it would change.
//!
//! Invariants: no more than a few large texts are worked on at once, whoever still waits for them; no whole key comes
//! further than this.

use std::sync::{Arc, LazyLock};

use portcullis_api::policy::PolicyDifference;
use portcullis_policy::{Checked, Diagnostics};
use tokio::sync::Semaphore;

use super::{PolicyRoom, difference, secrets, text};
use crate::app::App;
use crate::caller::{Caller, Scope};
use crate::error::Error;
use crate::store::{PolicyRow, StoreError};

/// How long a policy's lists may be. Who needs more rules matches by template.
const LONGEST: [(&str, usize); 5] =
    [("rules", 2000), ("keys", 100), ("credentials", 16), ("environments", 100), ("scopes", 2000)];
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
static WORK: LazyLock<Arc<Semaphore>> = LazyLock::new(|| Arc::new(Semaphore::new(2)));

/// A large policy takes long enough to keep other answers waiting.
pub(super) async fn work<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
    in_turn(&WORK, work).await
}

async fn in_turn<T: Send + 'static>(
    turns: &Arc<Semaphore>,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Error> {
    let turn = Arc::clone(turns).acquire_owned().await.map_err(|_| Error::Broken)?;
    // It goes with the work, not with whoever waits for it.
    let held = move || {
        let _turn = turn;
        work()
    };
    tokio::task::spawn_blocking(held).await.map_err(|_| Error::Broken)
}

fn short_enough(toml: &str) -> Result<(), Error> {
    if toml.len() <= MAX_BYTES { Ok(()) } else { Err(Error::invalid("/toml", "a policy has at most 1 MiB")) }
}

/// Rules are compared with each other, and so are names, so their number is what a comparison costs. Counted before
/// anything is compared.
fn few_enough(toml: &str) -> Result<(), Error> {
    // What is no TOML at all is told later, with its place.
    let table = toml::from_str::<toml::Table>(toml).unwrap_or_default();
    let entries = |list: &str| table.get(list).and_then(toml::Value::as_array).map_or(0, Vec::len);
    match LONGEST.into_iter().find(|(list, most)| entries(list) > *most) {
        Some((list, most)) => Err(Error::invalid("/toml", format!("a policy has at most {most} {list}"))),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_list_is_longer_than_it_may_be() {
        for (list, most) in
            [("rules", 2000), ("keys", 100), ("credentials", 16), ("environments", 100), ("scopes", 2000)]
        {
            let with = |entries: usize| few_enough(&format!("{list} = [{}]", "1,".repeat(entries)));
            assert!(with(most).is_ok(), "{list}");
            let expected = format!("a policy has at most {most} {list}");
            assert!(matches!(with(most + 1), Err(Error::Invalid { detail, .. }) if detail == expected), "{list}");
        }
        assert!(few_enough("keys = [").is_ok() && few_enough("keys = 1").is_ok());
    }

    #[tokio::test]
    async fn work_that_nobody_waits_for_any_more_keeps_its_turn() {
        let turns = Arc::new(Semaphore::new(1));
        let (started, has_started) = tokio::sync::oneshot::channel();
        let (finish, may_finish) = std::sync::mpsc::channel::<()>();
        let work = move || {
            started.send(()).unwrap();
            may_finish.recv().unwrap();
        };
        {
            let mut request = Box::pin(in_turn(&turns, work));
            tokio::select! {
                _ = &mut request => panic!("it was not told to finish"),
                started = has_started => started.unwrap(),
            }
        }
        assert_eq!(turns.available_permits(), 0);
        finish.send(()).unwrap();
        assert_eq!(in_turn(&turns, || 1).await.unwrap(), 1);
    }
}
