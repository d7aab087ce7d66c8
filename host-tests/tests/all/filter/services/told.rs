//! Which of the edges' keys a VM has is told with every report, by their names: by modules that give out secrets alone.

use std::time::Duration;

use portcullis_host_tests::Module;
use portcullis_testkit::{edge_key, elsewhere_key};
use serde_json::{Value, json};

use super::super::edge::{BY_VARIABLE, Edge, configuration, corpus};

/// What the reports of an edge have under `edge_keys`, from its first second and after that.
fn told(module: Module, more: &str) -> Vec<Option<Value>> {
    let mut edge = Edge::of(corpus("skills"), module, &configuration(more));
    edge.run(Duration::from_secs(1));
    let mut edge = edge.with_bundle();
    edge.run(Duration::from_secs(12));
    let reports = edge.plane.take_reports();
    let has_none = |report: &&Value| report["applied_version"] == 0;
    assert!(reports.iter().any(|it| has_none(&it)) && reports.len() > 6, "{reports:?}");
    edge.assert_nothing_leaked();
    reports.iter().map(|report| report.get("edge_keys").cloned()).collect()
}

#[test]
fn a_vm_tells_the_names_of_its_keys_whether_it_has_a_bundle_or_not() {
    let (ours, other) = (edge_key().public().name().to_string(), elsewhere_key().public().name().to_string());
    let written = format!(r#""edge_keys":["{}","{}"]"#, elsewhere_key().expose(), edge_key().expose());
    let (egress, plain) = (|| Module::egress().unwrap(), || Module::built().unwrap());
    for (why, module, more, expected) in [
        ("one in a variable", egress(), BY_VARIABLE, Some(json!([ours]))),
        ("two that are written out", egress(), &*written, Some(json!([other, ours]))),
        ("none", egress(), "", Some(json!([]))),
        ("gives out no secrets", plain(), "", None),
    ] {
        let told = told(module, more);
        assert!(told.iter().all(|it| *it == expected), "{why}: {told:?}");
    }
}
