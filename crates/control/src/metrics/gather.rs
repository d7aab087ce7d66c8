//! Looking up what is not counted, and writing all of it out.
//!
//! Invariant: a database that does not answer is told, and keeps nothing else from being told.

use std::sync::PoisonError;
use std::time::Duration;

use prometheus_client::encoding::text::encode;
use tokio::time::timeout;

use super::{Connections, EdgeState, Gauges, Held, Pool};
use crate::access::Permission::MetricsRead;
use crate::app::App;
use crate::caller::Caller;
use crate::error::Error;
use crate::fleet;

/// A scrape does not wait longer for the database.
const LOOK_WITHIN: Duration = Duration::from_secs(3);

/// Everything as text.
pub(crate) async fn text(app: &App, by: &Caller) -> Result<String, Error> {
    by.require(MetricsRead)?;
    by.require_operator(app)?;
    let gauges = &app.metrics.gauges;
    look_at_bundle(gauges, app);
    look_at_edges(gauges, app).await;
    look_at_connections(gauges, app);
    look_at_leases(gauges, app).await;
    let registry = app.metrics.registry.lock().unwrap_or_else(PoisonError::into_inner);
    let mut text = String::new();
    // Writing to a string does not fail.
    let _ = encode(&mut text, &registry);
    Ok(text)
}

fn look_at_bundle(gauges: &Gauges, app: &App) {
    let lag = app.publisher.lag();
    let published = app.publisher.current();
    let version = published.as_ref().map_or(0, |it| it.version());
    gauges.bundle_version.set(version);
    gauges.stored_version.set(lag.pending_version.unwrap_or(version));
    gauges.bundle_keys.set(published.as_ref().map_or(0, |it| it.key_count()));
    gauges.bundle_bytes.set(published.map_or(0, |it| it.blobs().map(|blob| blob.bytes().len() as u64).sum()));
    gauges.publish_lag.set(lag.seconds);
    gauges.database_up.set(u64::from(!lag.unreachable));
}

async fn look_at_edges(gauges: &Gauges, app: &App) {
    let system = Caller::system(app.default_organization);
    let Ok(Ok(edges)) = timeout(LOOK_WITHIN, fleet::list(app, &system)).await else {
        gauges.database_up.set(0);
        return;
    };
    let silent = edges.iter().filter(|edge| edge.silent).count() as u64;
    gauges.edges.get_or_create(&EdgeState { state: "silent" }).set(silent);
    gauges.edges.get_or_create(&EdgeState { state: "reporting" }).set(edges.len() as u64 - silent);
    let lag = edges.iter().filter(|edge| !edge.silent).map(|edge| edge.seconds_behind).max();
    gauges.edge_lag.set(lag.unwrap_or(0));
}

async fn look_at_leases(gauges: &Gauges, app: &App) {
    let Ok(Ok((held, in_doubt))) = timeout(LOOK_WITHIN, app.store.held(app.clock.millis())).await else { return };
    gauges.lease_tokens.get_or_create(&Held { state: "held" }).set(held);
    gauges.lease_tokens.get_or_create(&Held { state: "in_doubt" }).set(in_doubt);
}

fn look_at_connections(gauges: &Gauges, app: &App) {
    for used in app.store.connections() {
        let pool = used.pool;
        gauges.connections.get_or_create(&Connections { pool, state: "idle" }).set(used.idle);
        gauges.connections.get_or_create(&Connections { pool, state: "busy" }).set(used.open.saturating_sub(used.idle));
        gauges.most_connections.get_or_create(&Pool { pool }).set(used.most);
    }
}
