//! What a request costs inside the VM, counted in host calls and instructions: numbers a busy machine cannot blur.
//!
//! Host calls are exact, since each costs a tenth of a microsecond to a whole one. Instructions are held to the committed
//! baseline (`cost/fuel.rs`); the test prints what it found.

use std::time::Duration;

use portcullis_engine::KeyDigest;
use portcullis_engine::record::KeyStatus;
use portcullis_engine::spec::{RateLimitsSpec, TrialSpec};
use portcullis_host_tests::{Module, Request};

use self::fuel::Meter;
use super::edge::{Edge, READER, configuration, corpus};

mod fuel;
mod limits;
mod refusals;
mod sizes;

/// (why, which request, host calls)
type Row = (&'static str, fn(&Edge) -> Request, &'static [(&'static str, u64)]);

/// What a request enters the VM for.
const ENTRIES: [&str; 2] = ["context_create", "request_headers"];

const READ: (&str, u64) = ("proxy_get_header_map_pairs", 1);
const IDENTIFY: (&str, u64) = ("proxy_add_header_map_value", 4);
const STRIP: (&str, u64) = ("proxy_remove_header_map_value", 1);
const ANSWER: (&str, u64) = ("proxy_send_local_response", 1);
const NOW: (&str, u64) = ("proxy_get_current_time_nanoseconds", 1);
const ADDRESS: (&str, u64) = ("proxy_get_property", 1);

#[track_caller]
fn check(edge: &mut Edge, meter: &mut Meter, rows: &[Row]) {
    check_entries(edge, meter, &ENTRIES, rows);
}

#[track_caller]
fn check_entries(edge: &mut Edge, meter: &mut Meter, entries: &[&str], rows: &[Row]) {
    let mut wrong = Vec::new();
    for (why, request, calls) in rows {
        let request = request(edge);
        edge.process.request(0, request);
        let exchange = edge.process.exchange(0);
        println!("{why}: {} instructions, {:?}", exchange.fuel, exchange.host_calls);
        if exchange.host_calls != calls.iter().copied().collect() || exchange.callbacks != entries {
            wrong.push(format!("{why}: {:?} in {:?}", exchange.host_calls, exchange.callbacks));
        }
        meter.read(why, exchange.fuel);
    }
    assert!(wrong.is_empty(), "other host calls, or other entries into the VM:\n  {}", wrong.join("\n  "));
}

#[test]
fn host_calls_and_instructions_per_request() {
    let mut meter = Meter::of("requests");
    let mut edge = Edge::synced();
    check(
        &mut edge,
        &mut meter,
        &[
            ("a key's first request", Edge::reading, &[("proxy_get_shared_data", 2), IDENTIFY, READ, STRIP]),
            ("a key seen before", Edge::reading, &[IDENTIFY, READ, STRIP]),
            ("public", |_| Request::get("/healthz"), &[READ]),
            ("refused, and told of", |_| stranger(), &[ADDRESS, READ, ANSWER]),
            (
                "a forged header",
                |edge| edge.reading().header("x-portcullis-org", "forged"),
                &[IDENTIFY, READ, ("proxy_remove_header_map_value", 2)],
            ),
        ],
    );
    // Once there are enough refusals for the next report, the others pay for none.
    for _ in 0..64 {
        edge.process.request(0, stranger());
    }
    check(
        &mut edge,
        &mut meter,
        &[
            ("a stranger seen before", |_| stranger(), &[READ, ANSWER]),
            ("malformed", |_| Request::get("/api/v1/skills").bearer("sp_live_short"), &[READ, ANSWER]),
            ("no credential", |_| Request::get("/api/v1/skills"), &[READ, ANSWER]),
        ],
    );
    meter.hold();
}

#[test]
fn a_new_version_costs_only_the_keys_beside_which_something_changed() {
    let mut meter = Meter::of("versions");
    // Enough for eight shards.
    let mut edge = Edge::new().with_more_keys(10_000).with_bundle();
    edge.statuses();
    let shard = |edge: &Edge, alias: &str| KeyDigest::of(edge.key(alias).as_bytes()).as_bytes()[0] >> 5;
    let readers = shard(&edge, READER);
    for (version, is_near, calls) in
        [(2, false, &[IDENTIFY, READ, STRIP][..]), (3, true, &[("proxy_get_shared_data", 1), IDENTIFY, READ, STRIP])]
    {
        let mut others = (0..10_000).map(|number| format!("other-{number}"));
        let other = others.find(|other| (shard(&edge, other) == readers) == is_near).unwrap();
        edge.publish(version, |corpus| corpus.keys.get_mut(&other).unwrap().status = KeyStatus::Revoked);
        edge.run(Duration::from_millis(300));
        let why = if is_near { "beside a changed key" } else { "far from a changed key" };
        check(&mut edge, &mut meter, &[(why, Edge::reading, calls)]);
    }
    meter.hold();
}

#[test]
fn what_a_request_to_a_service_costs_beside_a_plain_one() {
    fn weather(edge: &Edge) -> Request {
        Request::get("/services/weather/data?q=Oslo").bearer(&edge.key("forecaster"))
    }
    fn customers(edge: &Edge) -> Request {
        Request::get("/services/crm/x").bearer(&edge.key("seller"))
    }
    fn own(edge: &Edge) -> Request {
        Request::get("/v1/skills").bearer(&edge.key("plain"))
    }
    /// Answers are looked at too.
    const ALL: [&str; 4] = ["context_create", "request_headers", "response_headers", "delete"];
    // The request's and the answer's.
    const BOTH: (&str, u64) = ("proxy_get_header_map_pairs", 2);
    const LOGGED: (&str, u64) = ("proxy_set_property", 1);
    const CLUSTER: (&str, u64) = ("proxy_add_header_map_value", 1);
    // Host, path, and either the credential or the path for access logs.
    const REPLACE: (&str, u64) = ("proxy_replace_header_map_value", 3);
    // The skill's shard; the key's bucket is there.
    const SHARED: (&str, u64) = ("proxy_get_shared_data", 1);
    let mut meter = Meter::of("services");
    let mut edge = Edge::of_skills();
    check_entries(
        &mut edge,
        &mut meter,
        &ALL,
        &[
            ("to our own API, first", own, &[("proxy_get_shared_data", 2), IDENTIFY, READ, STRIP]),
            ("to our own API", own, &[IDENTIFY, READ, STRIP]),
            ("a skill's first, with one secret", weather, &[SHARED, BOTH, CLUSTER, REPLACE, LOGGED, STRIP]),
            ("a skill seen before, in the query", weather, &[BOTH, CLUSTER, REPLACE, LOGGED, STRIP]),
            ("another's first, with two secrets", customers, &[SHARED, BOTH, CLUSTER, REPLACE, LOGGED]),
            ("a skill seen before, in a header", customers, &[BOTH, CLUSTER, REPLACE, LOGGED]),
        ],
    );
    meter.hold();
}

#[test]
fn only_a_key_with_something_to_tell_pays_for_telling() {
    let mut meter = Meter::of("trial");
    let mut edge = Edge::new();
    edge.corpus.keys.get_mut(READER).unwrap().restrictions.trial =
        Some(TrialSpec { scopes: Some(Vec::new()), ..TrialSpec::default() });
    let mut edge = edge.with_bundle();
    edge.statuses();
    check(&mut edge, &mut meter, &[("on trial", Edge::reading, &[ADDRESS, IDENTIFY, READ, STRIP])]);
    meter.hold();
}

#[test]
fn only_a_key_with_address_rules_asks_for_the_address() {
    fn from_office(edge: &Edge) -> Request {
        let request = Request::get("/v1/products").bearer(&edge.key("office"));
        request.from("127.0.1.5".parse().unwrap())
    }
    let mut meter = Meter::of("address");
    let mut corpus = corpus("payments");
    corpus.spec.rate_limits = RateLimitsSpec::default();
    let mut edge = Edge::of(corpus, Module::built().unwrap(), &configuration("")).with_bundle();
    check(
        &mut edge,
        &mut meter,
        &[
            ("first", from_office, &[ADDRESS, ("proxy_get_shared_data", 2), IDENTIFY, READ, STRIP]),
            ("seen before", from_office, &[ADDRESS, IDENTIFY, READ, STRIP]),
        ],
    );
    meter.hold();
}

#[test]
fn a_token_that_is_known_costs_little_more_than_a_key() {
    let mut meter = Meter::of("tokens");
    let edge = Edge::of(corpus("scope"), Module::built().unwrap(), &configuration(""));
    let mut edge = edge.with_bundle();
    let ring = edge.corpus.ring().unwrap();
    let sized = |name: &str| println!("{name}: a token of {} bytes", ring.token(name).unwrap().len());
    ["narrow", "es256", "employee"].iter().for_each(|name| sized(name));
    // To remember whose it was, and to tell of it.
    const TWICE: (&str, u64) = ("proxy_get_property", 2);
    // Another issuer's token acts for somebody.
    const TOLD: (&str, u64) = ("proxy_add_header_map_value", 5);
    const SHARED: (&str, u64) = ("proxy_get_shared_data", 2);
    fn by(edge: &Edge, name: &str) -> Request {
        Request::get("/v1/documents").bearer(edge.corpus.ring().unwrap().token(name).unwrap())
    }
    check(
        &mut edge,
        &mut meter,
        &[
            ("first, Ed25519", |edge| by(edge, "narrow"), &[SHARED, NOW, IDENTIFY, READ, STRIP]),
            ("known, Ed25519", |edge| by(edge, "narrow"), &[NOW, IDENTIFY, READ, STRIP]),
            ("first, ES256", |edge| by(edge, "es256"), &[NOW, IDENTIFY, READ, STRIP]),
            ("known, ES256", |edge| by(edge, "es256"), &[NOW, IDENTIFY, READ, STRIP]),
            ("a key's first, RS256", |edge| by(edge, "employee"), &[NOW, TOLD, READ, STRIP]),
            ("first, RS256", |edge| by(edge, "admin"), &[NOW, TOLD, READ, STRIP]),
            ("known, RS256", |edge| by(edge, "employee"), &[NOW, TOLD, READ, STRIP]),
            ("forged, Ed25519", |edge| by(edge, "forged"), &[TWICE, NOW, READ, ANSWER]),
            ("expired", |edge| by(edge, "old"), &[ADDRESS, NOW, READ, ANSWER]),
            ("no token of ours", |edge| by(edge, "stranger"), &[ADDRESS, NOW, READ, ANSWER]),
        ],
    );
    meter.hold();
}

fn stranger() -> Request {
    Request::get("/api/v1/skills").bearer("sp_live_00000000000000000000000000000000")
}
