//! The same request over more keys, under more rules, with a key of more scopes: what grows, and what does not.

use portcullis_host_tests::{Instructions, Module};
use portcullis_testkit::Size;

use super::fuel::Meter;

#[test]
fn what_more_of_everything_costs() {
    let base = Size { keys: 1000, ..Size::default() };
    let keys = [1000, 10_000].map(|keys| (format!("{keys} keys"), Size { keys, ..base }));
    let rules = [1, 100, 1000].map(|rules| (format!("{rules} rules"), Size { rules, ..base }));
    let scopes = [10, 100, 1000].map(|scopes| (format!("{scopes} scopes"), Size { scopes, ..base }));
    let mut meter = Meter::of("sizes");
    let module = Module::built().unwrap();
    for (name, size) in keys.into_iter().chain(rules).chain(scopes) {
        let Instructions { cold, cached, known } = Instructions::of(size, &module).unwrap();
        println!("{name}: {cold} cold, {cached} cached, {known} known");
        meter.read(&format!("{name}, cold"), cold);
        meter.read(&format!("{name}, cached"), cached);
        meter.read(&format!("{name}, known"), known);
    }
    meter.hold();
}
