//! What Prometheus is told: counted as it happens, or looked up when it asks.
//!
//! Names are Prometheus's own conventions: `portcullis_`, a unit, `_total` for what only grows. Invariant: no label is
//! taken from what a caller chose, so their number is bounded; no secret is in one.

mod gather;

use std::sync::Mutex;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

pub(crate) use gather::text;

use crate::store::TakenIn;

/// From a look at one row to a long poll.
const REQUEST_SECONDS: [f64; 14] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0];
/// From one shard to a million keys.
const PUBLISH_SECONDS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0];

/// Everything that is counted.
pub(crate) struct Metrics {
    registry: Mutex<Registry>,
    requests: Family<Answered, Counter>,
    request_seconds: Family<Route, Histogram, fn() -> Histogram>,
    publishes: Family<Published, Counter>,
    publish_seconds: Histogram,
    entries: Family<Entry, Counter>,
    sign_ins_refused: Family<Tried, Counter>,
    exchanges: Family<Sent, Counter>,
    unread: Family<Part, Counter>,
    webhook_attempts: Family<Sent, Counter>,
    leased: Counter,
    batches: Family<Batch, Counter>,
    strangers: Counter,
    gauges: Gauges,
}

/// What is looked up when it is asked for.
#[derive(Default)]
struct Gauges {
    stored_version: Gauge<u64, AtomicU64>,
    bundle_version: Gauge<u64, AtomicU64>,
    bundle_keys: Gauge<u64, AtomicU64>,
    bundle_bytes: Gauge<u64, AtomicU64>,
    publish_lag: Gauge<u64, AtomicU64>,
    database_up: Gauge<u64, AtomicU64>,
    edges: Family<EdgeState, Gauge<u64, AtomicU64>>,
    edge_lag: Gauge<u64, AtomicU64>,
    webhooks_pending: Gauge<u64, AtomicU64>,
    connections: Family<Connections, Gauge<u64, AtomicU64>>,
    most_connections: Family<Pool, Gauge<u64, AtomicU64>>,
    lease_tokens: Family<Held, Gauge<u64, AtomicU64>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    route: String,
    method: &'static str,
    status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Route {
    route: String,
    method: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Published {
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Entry {
    action: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Tried {
    account: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Part {
    part: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Sent {
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Batch {
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct EdgeState {
    state: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Connections {
    pool: &'static str,
    state: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Held {
    state: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Pool {
    pool: &'static str,
}

impl Metrics {
    pub(crate) fn new(now_seconds: u64) -> Self {
        let mut registry = Registry::with_prefix("portcullis");
        let it = Self {
            requests: Family::default(),
            request_seconds: Family::new_with_constructor(|| Histogram::new(REQUEST_SECONDS)),
            publishes: Family::default(),
            publish_seconds: Histogram::new(PUBLISH_SECONDS),
            entries: Family::default(),
            sign_ins_refused: Family::default(),
            exchanges: Family::default(),
            unread: Family::default(),
            webhook_attempts: Family::default(),
            leased: Counter::default(),
            batches: Family::default(),
            strangers: Counter::default(),
            gauges: Gauges::default(),
            registry: Mutex::default(),
        };
        let build = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
        registry.register("build", "This control plane", build);
        let started = Gauge::<u64, AtomicU64>::default();
        started.set(now_seconds);
        registry.register_with_unit("start_time", "When it was started, in Unix time", Unit::Seconds, started);
        registry.register("http_requests", "Requests answered", it.requests.clone());
        let help = "From a request's head to its answer's; /edge/v1/manifest waits for news";
        registry.register_with_unit("http_request_duration", help, Unit::Seconds, it.request_seconds.clone());
        registry.register("publishes", "Versions published, and attempts that failed", it.publishes.clone());
        let help = "From reading what changed to edges being able to fetch it";
        registry.register_with_unit("publish_duration", help, Unit::Seconds, it.publish_seconds.clone());
        registry.register("audit_entries", "Rows written to the audit log by this process", it.entries.clone());
        let help = "Passwords that were wrong, of somebody who is known here or not";
        registry.register("sign_ins_refused", help, it.sign_ins_refused.clone());
        let help = "Credentials in exchange for access tokens: minted, refused, or of nobody who is known here";
        registry.register("token_exchanges", help, it.exchanges.clone());
        registry.register("report_entries_unread", "What newer edges told and nobody here can read", it.unread.clone());
        let help = "Attempts to send a webhook its message, and what became of them";
        registry.register("webhook_attempts", help, it.webhook_attempts.clone());
        registry.register(
            "lease_tokens_granted",
            "Tokens granted to edges, those given back included",
            it.leased.clone(),
        );
        let help = "Numbered reports: applied, told again, or dropped because the database refuses them";
        registry.register("report_batches", help, it.batches.clone());
        let help = "Requests that edges counted of keys that are not here; no usage is kept of them";
        registry.register("usage_unknown_keys", help, it.strangers.clone());
        it.gauges.register(&mut registry);
        Self { registry: Mutex::new(registry), ..it }
    }

    /// A request was answered.
    pub(crate) fn answered(&self, route: Option<&str>, method: &str, status: u16, took: Duration) {
        let (route, method) = (route.unwrap_or("none").to_owned(), known_method(method));
        self.request_seconds.get_or_create(&Route { route: route.clone(), method }).observe(took.as_secs_f64());
        self.requests.get_or_create(&Answered { route, method, status }).inc();
    }

    /// A version was published.
    pub(crate) fn published(&self, took: Duration) {
        self.publishes.get_or_create(&Published { outcome: "published" }).inc();
        self.publish_seconds.observe(took.as_secs_f64());
    }

    /// An attempt to publish failed.
    pub(crate) fn publish_failed(&self) {
        self.publishes.get_or_create(&Published { outcome: "failed" }).inc();
    }

    /// A password was wrong.
    pub(crate) fn sign_in_refused(&self, is_known: bool) {
        let account = if is_known { "known" } else { "unknown" };
        self.sign_ins_refused.get_or_create(&Tried { account }).inc();
    }

    /// A credential was to be exchanged: `minted`, `refused` or `unknown`.
    pub(crate) fn exchanged(&self, outcome: &'static str) {
        self.exchanges.get_or_create(&Sent { outcome }).inc();
    }

    /// Something was written to the audit log.
    pub(crate) fn noted(&self, action: &'static str) {
        self.entries.get_or_create(&Entry { action }).inc();
    }

    /// A webhook's message was sent: `delivered`, `failed` and to be sent again, or `given_up`.
    pub(crate) fn webhook_attempted(&self, outcome: &'static str) {
        self.webhook_attempts.get_or_create(&Sent { outcome }).inc();
    }

    /// So many tokens were granted to an edge.
    pub(crate) fn leased(&self, tokens: u64) {
        self.leased.inc_by(tokens);
    }

    /// So many entries of a report were passed over.
    pub(crate) fn unread(&self, entries: [(&'static str, u64); 3]) {
        for (part, number) in entries.into_iter().filter(|it| it.1 > 0) {
            self.unread.get_or_create(&Part { part }).inc_by(number);
        }
    }

    /// Reports were written.
    pub(crate) fn taken_in(&self, done: TakenIn) {
        for (outcome, number) in [("applied", done.applied), ("repeated", done.repeated)] {
            self.batches.get_or_create(&Batch { outcome }).inc_by(number);
        }
        self.strangers(done.strangers);
    }

    /// A numbered report was not written, and will not be.
    pub(crate) fn batch_dropped(&self) {
        self.batches.get_or_create(&Batch { outcome: "dropped" }).inc();
    }

    /// An edge counted requests of keys that are not here.
    pub(crate) fn strangers(&self, requests: u64) {
        self.strangers.inc_by(requests);
    }
}

impl Gauges {
    fn register(&self, registry: &mut Registry) {
        let help = "The version that is stored; ahead of the bundle's while it is being published";
        registry.register("stored_version", help, self.stored_version.clone());
        registry.register("bundle_version", "The version that edges can fetch", self.bundle_version.clone());
        registry.register("bundle_keys", "Keys in it, lately revoked ones included", self.bundle_keys.clone());
        registry.register_with_unit("bundle_size", "All of its blobs", Unit::Bytes, self.bundle_bytes.clone());
        let help = "For how long something stored has not been published; 0 = all is";
        registry.register_with_unit("publish_lag", help, Unit::Seconds, self.publish_lag.clone());
        registry.register("database_up", "Whether the database answered when last asked", self.database_up.clone());
        registry.register("edges", "Edges heard of in ten minutes; silent = not in one", self.edges.clone());
        let help = "The age of the oldest published change that some reporting edge does not enforce; 0 = none";
        registry.register_with_unit("edge_lag", help, Unit::Seconds, self.edge_lag.clone());
        let help = "Messages to webhooks that did not arrive yet and are not given up";
        registry.register("webhook_deliveries_pending", help, self.webhooks_pending.clone());
        registry.register("database_connections", "Connections to the database", self.connections.clone());
        let help = "The most connections to the database";
        registry.register("database_connections_max", help, self.most_connections.clone());
        let help = "Tokens in processes of edges: held by those that call, in doubt with those that do no more";
        registry.register("lease_tokens", help, self.lease_tokens.clone());
    }
}

/// Callers may make methods up.
fn known_method(method: &str) -> &'static str {
    const KNOWN: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    KNOWN.into_iter().find(|it| *it == method).unwrap_or("other")
}
