//! What each kind of refusal costs, once there are enough of them for the next report: a denial must not cost more than it saves.

use portcullis_host_tests::Request;

use super::super::edge::Edge;
use super::fuel::Meter;
use super::{ADDRESS, ANSWER, IDENTIFY, NOW, READ, Row, check, stranger};

#[test]
fn what_each_refusal_costs() {
    fn skills(edge: &Edge, key: &str) -> Request {
        Request::get("/api/v1/skills").bearer(&edge.key(key))
    }
    const REFUSALS: &[Row] = &[
        ("revoked", |edge| skills(edge, "revoked"), &[IDENTIFY, READ, ANSWER]),
        ("disabled", |edge| skills(edge, "disabled"), &[IDENTIFY, READ, ANSWER]),
        ("expired", |edge| skills(edge, "expired"), &[IDENTIFY, NOW, READ, ANSWER]),
        ("without scopes", |edge| skills(edge, "bare"), &[IDENTIFY, READ, ANSWER]),
        ("another scope", |edge| skills(edge, "writer"), &[IDENTIFY, READ, ANSWER]),
        ("a suspended organisation", |edge| skills(edge, "frozen"), &[IDENTIFY, READ, ANSWER]),
        ("an exhausted organisation", |edge| skills(edge, "spent"), &[IDENTIFY, NOW, READ, ANSWER]),
        ("another address", |edge| skills(edge, "office"), &[ADDRESS, IDENTIFY, READ, ANSWER]),
        ("no rule", |edge| Request::get("/nowhere").bearer(&edge.key("reader")), &[IDENTIFY, READ, ANSWER]),
        ("two credentials", |edge| skills(edge, "reader").header("authorization", "Bearer x"), &[READ, ANSWER]),
        ("an ambiguous path", |edge| Request::get("/api/v1/../x").bearer(&edge.key("reader")), &[READ, ANSWER]),
    ];
    let mut edge = Edge::synced();
    // Enough for a report, and each once, so that the worker has all that it needs.
    for (_, request, _) in REFUSALS {
        let request = request(&edge);
        edge.process.request(0, request);
    }
    for _ in 0..64 {
        edge.process.request(0, stranger());
    }
    let mut meter = Meter::of("refusals");
    check(&mut edge, &mut meter, REFUSALS);
    meter.hold();
}
