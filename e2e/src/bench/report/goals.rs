//! Which goals a run is held against, and which it meets.
//!
//! Invariant: a goal for which nothing was measured is said to be so, never to be met.

use super::data::Run;
use super::plots::FLAT;

/// What has to hold, of which figure, at most.
#[derive(Clone, Debug)]
pub(super) struct Goal {
    what: String,
    found: Option<f64>,
    most: f64,
}

/// Of a million keys on one Envoy with four workers.
const EDGE: [(&str, &str, f64); 7] = [
    ("a million keys: MB of the bundle", "bundle_mb", 64.0),
    ("a million keys: MiB of the whole Envoy beyond ten keys", "rss_growth_mb", 120.0),
    ("a million keys: seconds from a cold start to enforcing", "seconds_to_enforcing", 10.0),
    ("a million keys: kB that a revocation moves", "revocation_kb_max", 300.0),
    ("a million keys: ms until the slowest worker refuses a revoked one, p99", "revocation_ms_p99", 300.0),
    (
        "a million keys: the same while others create keys without a pause, the slowest",
        "revocation_in_a_storm_ms_max",
        5000.0,
    ),
    ("a million keys: ms that a request waits longer while all is replaced, p99.9", "applying_added_ms_p999", 5.0),
];

/// Of a control plane with a million keys.
const CONTROL: [(&str, &str, f64); 5] = [
    ("seconds from a start to the bundle", "seconds_to_bundle", 10.0),
    ("ms from a revocation to the manifest, p99", "revocation_to_manifest_ms_p99", 20.0),
    ("ms until 500 edges have the manifest, the slowest", "all_edges_have_manifest_ms_max", 500.0),
    ("MiB, the most while it is created", "rss_mb_peak_of_creating", 1024.0),
    ("MiB with 500 edges", "rss_mb_with_edges", 1024.0),
];

/// Every goal there is.
pub(super) fn all(run: &Run) -> Vec<Goal> {
    [checks(run), edge(run), control(run)].concat()
}

fn edge(run: &Run) -> Vec<Goal> {
    let found = |name: &str| run.figure("million", &format!("/figures/{name}"));
    EDGE.map(|(what, name, most)| Goal { what: what.to_owned(), found: found(name), most }).to_vec()
}

fn control(run: &Run) -> Vec<Goal> {
    let goal = |database: &str, (what, name, most): (&str, &str, f64)| Goal {
        what: format!("a control plane with a million keys, {database}: {what}"),
        found: run.figure("control", &format!("/figures/{}_{name}", database.to_lowercase())),
        most,
    };
    ["SQLite", "PostgreSQL"].iter().flat_map(|database| CONTROL.map(|it| goal(database, it))).collect()
}

/// What a request costs.
fn checks(run: &Run) -> Vec<Goal> {
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
        goal("portcullis adds, in no-ops", run.figure("envoy", "/variants/portcullis/x_noop"), 1.5),
        goal("portcullis adds, over what ext_authz adds", over("portcullis", "ext_authz"), 1.0 / 8.0),
        goal("a request that is refused adds, over one that is let through", over("rejected", "portcullis"), 1.0),
        goal("us that a quota and a rate limit add", beyond("limited"), 0.6),
        goal("us that a service's credential adds", beyond("services"), 1.5),
        goal("a token seen before, over an API key", token("tokens").map(|(token, key)| token / key), 1.2),
        goal(
            "us for a token that is verified, beyond an API key",
            token("new tokens").map(|(new, key)| new - key),
            250.0,
        ),
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
