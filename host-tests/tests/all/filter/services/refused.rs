//! What a refused request is told, and that nothing goes out with it.

use portcullis_engine::spec::ErrorFormat;
use portcullis_host_tests::{Module, Outcome, Request};
use portcullis_testkit::Corpus;
use serde_json::Value;

use super::super::edge::{BY_VARIABLE, Edge, configuration, corpus};
use super::weather;

fn edge(change: impl FnOnce(&mut Corpus)) -> Edge {
    let mut corpus = corpus("skills");
    change(&mut corpus);
    Edge::of(corpus, Module::egress().unwrap(), &configuration(BY_VARIABLE)).with_bundle()
}

#[track_caller]
fn told(outcome: &Outcome) -> (u32, &str, Value) {
    match outcome {
        Outcome::Replied { status, details, body, headers, .. } => {
            assert_eq!(headers.get("retry-after").is_some(), *status == 503, "{headers:?}");
            (*status, details, serde_json::from_slice(body).unwrap())
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_missing_secret_is_named_in_both_formats() {
    for format in [ErrorFormat::Json, ErrorFormat::Problem] {
        let mut edge = edge(|corpus| {
            corpus.spec.error_format = format;
            corpus.secrets.remove("weather_api_key");
        });
        let outcome = edge.process.request(0, weather(&edge));
        let (status, details, body) = told(&outcome);
        assert_eq!((status, details), (403, "portcullis.secret_missing"));
        let error = if format == ErrorFormat::Json { &body["error"] } else { &body };
        assert_eq!((&error["code"], &error["reference"]), (&"missing_secret".into(), &"weather_api_key".into()));
        let plain = Request::get("/services/weather/x").bearer(&edge.key("plain"));
        let outcome = edge.process.request(0, plain);
        let (status, details, body) = told(&outcome);
        assert_eq!((status, details), (403, "portcullis.no_skill"));
        assert!(!body.to_string().contains("reference"), "{body}");
    }
}

#[test]
fn what_is_sealed_to_other_edges_is_not_there_for_now() {
    let mut edge = edge(|corpus| corpus.secrets.get_mut("weather_api_key").unwrap().sealed_elsewhere = true);
    let outcome = edge.process.request(0, weather(&edge));
    let (status, details, body) = told(&outcome);
    assert_eq!((status, details), (503, "portcullis.secret_unreadable"));
    assert_eq!(
        (&body["error"]["code"], &body["error"]["reference"]),
        (&"secret_unavailable".into(), &"weather_api_key".into())
    );
    edge.assert_nothing_leaked();
}

#[test]
fn the_control_plane_gets_no_secrets() {
    let mut edge = edge(|corpus| {
        for service in &mut corpus.spec.services {
            service.cluster = Some("portcullis_control".to_owned());
        }
    });
    let outcome = edge.process.request(0, weather(&edge));
    let (status, details, _) = told(&outcome);
    assert_eq!((status, details), (503, "portcullis.service_is_control"));
    edge.assert_nothing_leaked();
}

#[test]
fn a_module_that_does_not_look_at_answers_sends_nothing_to_services() {
    let mut edge = Edge::of(corpus("skills"), Module::built().unwrap(), &configuration("")).with_bundle();
    let search = Request::get("/services/search/q").bearer(&edge.key("researcher"));
    for (why, request) in [("a value", weather(&edge)), ("none", search)] {
        let outcome = edge.process.request(0, request);
        let (status, details, body) = told(&outcome);
        assert_eq!((status, details), (503, "portcullis.answers_unguarded"), "{why}");
        assert_eq!(body["error"]["code"], "secret_unavailable", "{why}");
    }
    let own = Request::get("/v1/skills").bearer(&edge.key("unscoped"));
    assert_eq!(edge.process.request(0, own).status(), Some(200), "all else is as ever");
    edge.assert_nothing_leaked();
}

#[test]
fn a_skill_of_another_organisation_is_no_use() {
    let mut edge = edge(|corpus| {
        let abroad = corpus.skills["abroad"].id.to_string();
        corpus.keys.get_mut("forecaster").unwrap().restrictions.skill = Some(abroad);
    });
    let outcome = edge.process.request(0, weather(&edge));
    let (status, details, body) = told(&outcome);
    assert_eq!(
        (status, details, &body["error"]["code"]),
        (403, "portcullis.foreign_skill", &"service_not_allowed".into())
    );
}

#[test]
fn a_refused_request_keeps_its_path_and_names_no_cluster() {
    let mut edge = edge(|_| ());
    let request = Request::get("/services/weather/x?k={{secret:crm_token}}").bearer(&edge.key("forecaster"));
    assert_eq!(edge.process.request(0, request).status(), Some(403));
    let logged = edge.process.exchange(0).request.clone();
    assert_eq!(logged.text(":path").as_deref(), Some("/services/weather/x?k={{secret:crm_token}}"));
    assert_eq!(
        (logged.get("x-portcullis-cluster"), logged.text(":authority").as_deref()),
        (None, Some("api.example.com"))
    );
}
