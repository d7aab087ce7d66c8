//! Which goals a run is held against, and which it meets.
//!
//! Invariant: a goal for which nothing was measured is said to be so, never to be met.

use super::super::control_plane::{GOAL_EDGES_MS, GOAL_MIB, GOAL_PUBLISH_MS, GOAL_SECONDS};
use super::super::envoy::{MOST_EXT_AUTHZ, MOST_FIRST, MOST_LIMITS, MOST_NOOPS, MOST_SERVICE, MOST_TOKEN};
use super::data::Run;
use super::plots::FLAT;
use crate::scenario::million::Goals;

/// What has to hold, of which figure, at most.
pub(super) struct Goal {
    what: String,
    found: Option<f64>,
    most: f64,
}

/// Of a million keys on one Envoy with four workers.
const EDGE: [(&str, &str, f64); 7] = {
    let Goals { bundle_mb, growth_mb, seconds, moved_kb, revocation_ms, storm_ms, added_ms } = Goals::MILLION;
    [
        ("MB of the bundle", "bundle_mb", bundle_mb),
        ("MiB of the whole Envoy beyond ten keys", "rss_growth_mb", growth_mb),
        ("seconds from a cold start to enforcing", "seconds_to_enforcing", seconds),
        ("kB that a revocation moves", "revocation_kb_max", moved_kb),
        ("ms until the slowest worker refuses a revoked one, p99", "revocation_ms_p99", revocation_ms),
        ("the same while others create keys without a pause, the slowest", "revocation_in_a_storm_ms_max", storm_ms),
        ("ms that a request waits longer while all is replaced, p99.9", "applying_added_ms_p999", added_ms),
    ]
};

/// Of a control plane with a million keys.
const CONTROL: [(&str, &str, f64); 5] = [
    ("seconds from a start to the bundle", "seconds_to_bundle", GOAL_SECONDS),
    ("ms from a revocation to the manifest, p99", "revocation_to_manifest_ms_p99", GOAL_PUBLISH_MS),
    ("ms until 500 edges have the manifest, the slowest", "all_edges_have_manifest_ms_max", GOAL_EDGES_MS),
    ("MiB, the most while it is created", "rss_mb_peak_of_creating", GOAL_MIB),
    ("MiB with 500 edges", "rss_mb_with_edges", GOAL_MIB),
];

/// Every goal there is.
pub(super) fn all(run: &Run) -> Vec<Goal> {
    let sqlite = "a control plane with a million keys, SQLite";
    let postgres = "a control plane with a million keys, PostgreSQL";
    let mut goals = requests(run);
    goals.extend(EDGE.map(|it| Goal::of(run, "a million keys", "million", "", it)));
    goals.extend(CONTROL.map(|it| Goal::of(run, sqlite, "control", "sqlite_", it)));
    goals.extend(CONTROL.map(|it| Goal::of(run, postgres, "control", "postgresql_", it)));
    goals
}

/// What a request costs.
fn requests(run: &Run) -> Vec<Goal> {
    let growth = |table: &str, column: &str| {
        let points = run.column(table, column);
        // Of one size alone nothing is known.
        (points.len() > 1).then_some(points.last()?.1 / points.first()?.1)
    };
    let of = |variant: &str, what: &str| run.figure("envoy", &format!("/variants/{variant}/{what}"));
    let added = |variant: &str| of(variant, "added_us");
    let beyond = |variant: &str| of(variant, "beyond_portcullis_us");
    let token = |variant: &str| Some((of(variant, "us_per_request")?, of("beside tokens", "us_per_request")?));
    let most_keys = |column: &str| run.column("keys", column).last().map(|(_, value)| *value);
    let over = |variant: &str, other: &str| Some(added(variant)? / added(other)?);
    let goal = |what: &str, found, most| Goal { what: what.to_owned(), found, most };
    vec![
        goal("portcullis adds, in no-ops", of("portcullis", "x_noop"), MOST_NOOPS),
        goal("portcullis adds, over what ext_authz adds", over("portcullis", "ext_authz"), MOST_EXT_AUTHZ),
        goal("a request that is refused adds, over one that is let through", over("rejected", "portcullis"), 1.0),
        goal("us that a quota and a rate limit add", beyond("limited"), MOST_LIMITS),
        goal("us that a service's credential adds", beyond("services"), MOST_SERVICE),
        goal("a token seen before, over an API key", token("tokens").map(|(token, key)| token / key), MOST_TOKEN),
        goal(
            "us for a token that is verified, beyond an API key",
            token("new tokens").map(|(new, key)| new - key),
            MOST_FIRST,
        ),
        goal("a lookup natively, the most keys over the fewest", growth("lookup", "ns"), FLAT),
        goal("instructions for a known key, the most keys over the fewest", growth("keys", "fuel_known"), FLAT),
        goal("instructions for a key first seen, the most keys over the fewest", growth("keys", "fuel_cached"), FLAT),
        goal(
            "ms until a revocation is refused, p99, the most keys",
            most_keys("propagation_ms_p99"),
            Goals::MILLION.revocation_ms,
        ),
    ]
}

impl Goal {
    /// One of a table: what it is, the figure's name and the most.
    fn of(run: &Run, about: &str, bench: &str, prefix: &str, (what, name, most): (&str, &str, f64)) -> Self {
        let found = run.figure(bench, &format!("/figures/{prefix}{name}"));
        Self { what: format!("{about}: {what}"), found, most }
    }

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
