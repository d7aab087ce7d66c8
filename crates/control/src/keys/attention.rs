//! The keys of an organisation at a glance: how many there are of each kind, and which ones somebody has to look after.

use portcullis_api::Key;

use super::life::Life;
use super::view;
use crate::access::Permission::KeysRead;
use crate::app::App;
use crate::caller::Caller;
use crate::error::Error;
use crate::store::KeyCounts;

/// Counts, and the keys that want attention most: those that expire soon, then the oldest.
pub(crate) async fn attention(app: &App, by: &Caller, most: u32) -> Result<(KeyCounts, Vec<Key>), Error> {
    by.require(KeysRead)?;
    let now = app.clock.seconds();
    let marks = Life::marks(now);
    let counts = app.store.key_counts(by.scope, &marks).await?;
    let order = app.store.keys_to_look_after(by.scope, &marks, most).await?;
    let mut rows = app.store.keys(by.scope, &order).await?;
    rows.sort_by_key(|row| order.iter().position(|id| *id == row.id));
    Ok((counts, rows.into_iter().map(|row| view::key(row, now)).collect()))
}
