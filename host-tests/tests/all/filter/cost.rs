//! What a request costs inside the VM, counted in host calls and instructions: numbers a busy machine cannot blur.

use portcullis_host_tests::Request;

use super::edge::Edge;

#[test]
fn host_calls_and_instructions_per_request() {
    let mut edge = Edge::synced();
    let stranger = Request::get("/api/v1/skills").bearer("sp_live_00000000000000000000000000000000");
    let cases = [
        ("a key seen before", edge.reading()),
        ("a stranger", stranger),
        ("public", Request::get("/health")),
        ("no credential", Request::get("/api/v1/skills")),
    ];
    for (why, request) in cases {
        edge.process.request(0, request.clone());
        edge.process.request(0, request);
        let exchange = edge.process.exchange(0);
        println!("{why}: {} {:?} {:?}", exchange.fuel, exchange.callbacks, exchange.host_calls);
    }
}
