//! Which goals a run is held against, and which it meets.
//!
//! Invariant: a goal for which nothing was measured is said to be so, never to be met.

use super::data::Run;
use super::plots::FLAT;

/// What has to hold, of which figure, at most.
pub(super) struct Goal {
    what: &'static str,
    found: Option<f64>,
    most: f64,
}

/// Every goal there is.
pub(super) fn all(run: &Run) -> Vec<Goal> {
    let growth = |table: &str, column: &str| {
        let points = run.column(table, column);
        // Of one size alone nothing is known.
        (points.len() > 1).then_some(points.last()?.1 / points.first()?.1)
    };
    let added = |variant: &str| run.figure("envoy", &format!("/variants/{variant}/added_us"));
    let most_keys = |column: &str| run.column("keys", column).last().map(|(_, value)| *value);
    let refused = || Some(added("rejected")? / added("portcullis")?);
    let goal = |what, found, most| Goal { what, found, most };
    vec![
        goal("portcullis adds, in no-ops", run.figure("envoy", "/variants/portcullis/x_noop"), 1.5),
        goal("a request that is refused adds, over one that is let through", refused(), 1.0),
        goal("a lookup natively, the most keys over the fewest", growth("lookup", "ns"), FLAT),
        goal("instructions for a known key, the most keys over the fewest", growth("keys", "fuel_known"), FLAT),
        goal("instructions for a key first seen, the most keys over the fewest", growth("keys", "fuel_cached"), FLAT),
        goal("ms until a revocation is refused, p99, the most keys", most_keys("propagation_ms_p99"), 300.0),
    ]
}

impl Goal {
    /// As a row of the page's table.
    pub(super) fn row(&self) -> String {
        let (found, verdict) = match self.found {
            None => (String::new(), "not measured"),
            Some(found) if found <= self.most => (format!("{found:.2}"), "met"),
            Some(found) => (format!("{found:.2}"), "**missed**"),
        };
        format!("| {} | {found} | {} | {verdict} |\n", self.what, self.most)
    }
}
