//! What the audit log is told of exchanges: that there were some, of each credential once in a while, and how many.
//!
//! In memory, for each replica; a credential may be exchanged a hundred times a second. Invariant: however often anybody
//! tries, the log gets a row for each credential and each while, so nobody can fill it.

use portcullis_engine::KeyId;
use serde_json::json;

use crate::accounts::Refusals;
use crate::app::App;
use crate::caller::Caller;
use crate::clock::DAY;
use crate::store::{Action, Change, KeyRow, Target};

/// Exchanges that the log does not tell of yet.
#[derive(Debug)]
pub(crate) struct Journal {
    refused: Refusals<KeyId>,
    minted: Refusals<KeyId>,
}

impl Default for Journal {
    fn default() -> Self {
        Self { refused: Refusals::default(), minted: Refusals::each(DAY) }
    }
}

impl Journal {
    /// An exchange was refused. Of what is no credential nothing is written down, but it is counted.
    pub(super) fn refused(&self, app: &App, by: &Caller, row: Option<&KeyRow>, secret_is_right: bool) {
        app.metrics.exchanged(if row.is_some() { "refused" } else { "unknown" });
        let Some(row) = row else { return };
        let Some(attempts) = self.refused.count(row.id, app.clock.seconds()) else { return };
        let why = if secret_is_right { "does not work" } else { "wrong secret" };
        let change = if secret_is_right { proven(app, by, row) } else { Change::new(by, app.clock.millis()) };
        let change = note(change, row, Action::AccessTokenRefused);
        write_down(app, change.detail([("attempts", json!(attempts)), ("why", json!(why))]));
    }

    /// A token was minted.
    pub(super) fn minted(&self, app: &App, by: &Caller, row: &KeyRow) {
        app.metrics.exchanged("minted");
        let Some(tokens) = self.minted.count(row.id, app.clock.seconds()) else { return };
        write_down(app, note(proven(app, by, row), row, Action::AccessTokenMinted).detail([("tokens", json!(tokens))]));
    }
}

/// By the credential itself. Whoever has only its id is somebody else.
fn proven(app: &App, by: &Caller, row: &KeyRow) -> Change {
    Change::by_credential(by, row.id, &row.name, app.clock.millis())
}

fn note(change: Change, row: &KeyRow, action: Action) -> Change {
    change.note(row.organization, action, Target::new("key", row.id, &row.name))
}

/// Nobody waits for it: it would tell strangers which credentials there are.
fn write_down(app: &App, change: Change) {
    let app = app.clone();
    tokio::spawn(async move {
        let written = app.record(change).await;
        written.unwrap_or_else(|error| tracing::error!(%error, "an exchange is not in the audit log"));
    });
}
