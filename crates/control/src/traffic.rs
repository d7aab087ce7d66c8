//! What all edges together let through and refused in the last day, hour by hour. Only the operator sees it.

use std::collections::BTreeMap;

use portcullis_api::traffic::{Hour, Traffic};

use crate::access::Permission::EdgesRead;
use crate::app::App;
use crate::caller::Caller;
use crate::clock::{HOUR, to_rfc3339};
use crate::error::Error;
use crate::store::Count;

const HOURS: u64 = 24;

/// The last 24 hours, the one that is not over included.
pub(crate) async fn last_day(app: &App, by: &Caller) -> Result<Traffic, Error> {
    by.require(EdgesRead)?;
    by.require_operator(app)?;
    app.fleet.settle().await?;
    let this = app.clock.seconds() / HOUR;
    let first = this.saturating_sub(HOURS - 1);
    let empty = |hour| (hour * HOUR, Hour { starts_at: to_rfc3339(hour * HOUR), ..Hour::default() });
    let mut hours: BTreeMap<u64, Hour> = (first..=this).map(empty).collect();
    let mut traffic = Traffic::default();
    for (hour, count, number) in app.store.traffic(first * HOUR).await? {
        let Some(hour) = hours.get_mut(&hour) else { continue };
        let (total, place) = match count {
            Count::Allowed => (&mut traffic.allowed, &mut hour.allowed),
            Count::Denied(reason) => (&mut traffic.denied, hour.denied.entry(reason).or_default()),
            Count::Observed(reason) => (&mut traffic.observed, hour.observed.entry(reason).or_default()),
            Count::Unsampled => continue,
        };
        *place = number;
        *total = total.saturating_add(number);
    }
    traffic.hours = hours.into_values().collect();
    Ok(traffic)
}
