//! What was let through with a key and is told of all the same: what a restriction or a trial would have refused, by
//! address, referrer and path; and who still uses a key that was rotated.

use std::collections::BTreeMap;

use portcullis_api::edge::SampleKind;
use portcullis_api::observations::{Observation, ObservationTotals, Observations, Total};

use crate::access::Permission::KeysRead;
use crate::app::App;
use crate::caller::Caller;
use crate::clock::to_rfc3339;
use crate::error::Error;
use crate::keys;
use crate::store::{Seen, Sighting};

/// What was observed of a key; of one kind, or of all.
pub(crate) async fn observations(
    app: &App,
    by: &Caller,
    id: &str,
    kind: Option<SampleKind>,
) -> Result<Observations, Error> {
    by.require(KeysRead)?;
    let key = keys::row(app, by, id).await?;
    app.fleet.settle().await?;
    let rows = app.store.observations(key.id, kind).await?;
    Ok(Observations { totals: totals(&rows), data: rows.into_iter().map(observation).collect() })
}

fn observation((sighting, seen): (Sighting, Seen)) -> Observation {
    let known = |text: String| Some(text).filter(|it| !it.is_empty());
    Observation {
        kind: sighting.kind,
        reason: known(sighting.reason),
        address: known(sighting.address),
        referrer: known(sighting.referrer),
        method: known(sighting.method),
        path: known(sighting.path),
        count: seen.requests,
        first_seen: to_rfc3339(seen.first),
        last_seen: to_rfc3339(seen.last),
    }
}

fn totals(rows: &[(Sighting, Seen)]) -> ObservationTotals {
    let endpoint =
        |it: &Sighting| if it.path.is_empty() { String::new() } else { format!("{} {}", it.method, it.path) };
    ObservationTotals {
        count: rows.iter().map(|(_, seen)| seen.requests).fold(0, u64::saturating_add),
        reasons: by(rows, |it| it.reason.clone()),
        addresses: by(rows, |it| it.address.clone()),
        referrers: by(rows, |it| it.referrer.clone()),
        paths: by(rows, endpoint),
    }
}

/// Counts by what is alike in them, the largest first.
fn by(rows: &[(Sighting, Seen)], what: impl Fn(&Sighting) -> String) -> Vec<Total> {
    let mut sums = BTreeMap::new();
    crate::store::add(&mut sums, rows.iter().map(|(sighting, seen)| (what(sighting), seen.requests)));
    let known = sums.into_iter().filter(|(value, _)| !value.is_empty());
    let mut totals: Vec<_> = known.map(|(value, count)| Total { value, count }).collect();
    totals.sort_by_key(|total| std::cmp::Reverse(total.count));
    totals
}
