//! Requests to services in the modules as shipped: how edges get their keys, what a service gets, what the client gets back.

mod answers;
mod changes;
mod refused;
mod told;

use portcullis_engine::spec::{CredentialPlace, CredentialSpec};
use portcullis_host_tests::{Config, Headers, Module, Outcome, Process, Request};
use portcullis_testkit::bundle::public_key;
use portcullis_testkit::{edge_key, elsewhere_key};

use super::edge::{BY_VARIABLE, Edge, VARIABLE, configuration, corpus};

const VALUE: &str = "weather-value-0123456789";

/// A request for the weather.
fn weather(edge: &Edge) -> Request {
    Request::get("/services/weather/data?q=Oslo").bearer(&edge.key("forecaster"))
}

/// What an upstream received of a request.
#[track_caller]
fn received(outcome: &Outcome) -> &Headers {
    outcome.upstream().unwrap_or_else(|| panic!("{outcome:?}"))
}

fn process(module: &Module, configuration: &[u8], environment: &[(&str, &str)]) -> anyhow::Result<Process> {
    let environment = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Process::start(module, Config { plugin_configuration: configuration.to_vec(), environment, ..Config::default() })
}

#[test]
fn edges_get_their_keys_from_a_variable_or_the_configuration() {
    let (plain, egress) = (Module::built().unwrap(), Module::egress().unwrap());
    let (key, other) = (edge_key().expose(), elsewhere_key().expose());
    let (both, written) = (format!(" {key} ,{other}"), format!(r#""edge_keys":["{key}"]"#));
    let two = format!("{written},{BY_VARIABLE}");
    let half = format!(r#""edge_keys":["{}"]"#, key.get(..62).unwrap());
    let no_hex = format!(r#""edge_keys":["{key}","{}"]"#, key.replacen(|_: char| true, "x", 1));
    type Row<'a> = (&'a Module, &'a str, &'a [(&'a str, &'a str)], Option<&'a str>);
    let rows: [Row<'_>; 12] = [
        (&egress, BY_VARIABLE, &[(VARIABLE, &key)], None),
        (&egress, BY_VARIABLE, &[("A", "1"), (VARIABLE, &both), ("B", "")], None),
        (&egress, &written, &[], None),
        (&egress, "", &[(VARIABLE, &key)], None),
        (&plain, "", &[], None),
        (&egress, &two, &[(VARIABLE, &key)], Some("edge_keys: means nothing beside `edge_keys_env`; hint:")),
        (&egress, BY_VARIABLE, &[], Some("there is no variable `PORTCULLIS_EDGE_KEYS`; hint: set it where the proxy")),
        (&egress, BY_VARIABLE, &[("PORTCULLIS_EDGE_KEYS_OLD", &key)], Some("there is no variable")),
        (&egress, &half, &[], Some("edge_keys[0] is not an X25519 key")),
        (&egress, &no_hex, &[], Some("edge_keys[1] is not an X25519 key")),
        (&plain, &written, &[], Some("this module does not look at answers, so it gives out no secrets; hint: load")),
        (&plain, BY_VARIABLE, &[(VARIABLE, &key)], Some("load portcullis-egress.wasm")),
    ];
    for (module, more, environment, expected) in rows {
        let found = process(module, &configuration(more), environment).err().map(|error| format!("{error:#}"));
        let fits = match (&found, expected) {
            (Some(found), Some(expected)) => found.contains(expected),
            (None, None) => true,
            _ => false,
        };
        let hint = found.as_deref().unwrap_or("it starts");
        assert!(fits, "{more}: {hint}, expected {expected:?}");
        let part_of_it = |range| hint.contains(key.get::<std::ops::Range<usize>>(range).unwrap());
        assert!(!part_of_it(0..20) && !part_of_it(40..60), "{more}: {hint}");
    }
}

#[test]
fn a_service_gets_the_value_and_nothing_of_the_caller() {
    let mut edge = Edge::of_skills();
    let request = weather(&edge)
        .header("cookie", "session=1")
        .header("x-portcullis-cluster", "evil")
        .header("x-portcullis_cluster", "evil")
        .header("x-portcullis-org", "org_forged")
        .header("accept", "application/json");
    let outcome = edge.process.request(0, request);
    let expected: Headers = [
        (":authority", "api.weather.example".to_owned()),
        (":path", format!("/data?q=Oslo&appid={VALUE}")),
        (":method", "GET".to_owned()),
        (":scheme", "http".to_owned()),
        ("accept", "application/json".to_owned()),
        ("x-forwarded-proto", "http".to_owned()),
        ("x-request-id", received(&outcome).text("x-request-id").unwrap()),
        ("x-envoy-original-path", "/services/weather/data?q=Oslo".to_owned()),
        ("x-portcullis-cluster", "weather".to_owned()),
    ]
    .into_iter()
    .collect();
    assert_eq!(*received(&outcome), expected);
    let (key, organization) = (edge.corpus.keys["forecaster"].id, edge.corpus.organizations["acme"].id);
    let exchange = edge.process.exchange(0);
    assert!(exchange.route_cleared, "Envoy has to pick the route again");
    assert_eq!(exchange.filter_state["portcullis_call"], format!("weather {key} {organization}").into_bytes());
    edge.assert_nothing_leaked();
}

#[test]
fn what_access_logs_print_in_place_of_the_path_holds_no_value() {
    let mut edge = Edge::of_skills();
    let asked = |edge: &mut Edge, key: &str, path: &str| {
        let outcome = edge.process.request(1, Request::get(path).bearer(&edge.key(key)));
        received(&outcome).text("x-envoy-original-path")
    };
    let path = "/services/search/q?user={{secret:search_user}}";
    assert_eq!(asked(&mut edge, "researcher", path).as_deref(), Some(path), "the reference, not the value");
    assert_eq!(asked(&mut edge, "seller", "/services/crm/x?limit=1"), None, "no value is in the path");
}

#[test]
fn the_callers_credential_never_reaches_a_service_wherever_it_stands() {
    let mut edge = Edge::of(corpus("skills"), Module::egress().unwrap(), &configuration(BY_VARIABLE));
    edge.corpus.spec.forward_credential = true;
    let source = |place, name: &str, scheme: Option<&str>| CredentialSpec {
        place,
        name: name.into(),
        scheme: scheme.map(str::to_owned),
    };
    edge.corpus.spec.credentials.extend([
        source(CredentialPlace::Query, "key", None),
        source(CredentialPlace::Cookie, "key", None),
        source(CredentialPlace::Header, "x-two", Some("Key")),
    ]);
    let mut edge = edge.with_bundle();
    let key = edge.key("researcher");
    let search = |query: &str| Request::get(format!("/services/search/q{query}"));
    for (why, request) in [
        ("bearer", search("").bearer(&key)),
        ("header", search("").header("x-agent-key", &key)),
        ("query", search(&format!("?a=1&key={key}&b={{{{secret:search_user}}}}"))),
        ("cookie", search("").header("cookie", format!("a=1; key={key}"))),
        (
            "beside a reference in a cookie",
            search("").header("cookie", format!("a={{{{secret:search_user}}}}; key={key}")),
        ),
    ] {
        let outcome = edge.process.request(0, request);
        let sent = format!("{:?}", received(&outcome));
        assert!(!sent.contains(&key), "{why}: {sent}");
        assert!(!sent.contains("cookie"), "{why}: {sent}");
    }
    // Beside a reference in a header of the same name it is ambiguous.
    let both = search("").header("x-two", "{{secret:search_user}}").header("x-two", format!("Key {key}"));
    assert_eq!(edge.process.request(0, both).details(), "portcullis.ambiguous_credentials");
    // To our own API it goes, as the policy says.
    let outcome = edge.process.request(0, Request::get("/v1/skills").bearer(&edge.key("unscoped")));
    assert!(received(&outcome).get("authorization").is_some());
}

#[test]
fn a_bundle_in_the_configuration_brings_skills_too() {
    use base64::Engine as _;
    let corpus = corpus("skills");
    let bundle = base64::engine::general_purpose::STANDARD.encode(corpus.bundle(1).unwrap().archive());
    let fixed = |more: &str| format!(r#"{{"bundle":"{bundle}","public_keys":["{}"]{more}}}"#, public_key());
    let ask = |module: Module, more: &str| {
        let mut edge = Edge::of(corpus.clone(), module, fixed(more).as_bytes());
        let request = weather(&edge);
        edge.process.request(0, request)
    };
    let egress = || Module::egress().unwrap();
    let outcome = ask(egress(), &format!(",{BY_VARIABLE}"));
    assert_eq!(received(&outcome).text(":path"), Some(format!("/data?q=Oslo&appid={VALUE}")));
    assert_eq!(ask(egress(), "").details(), "portcullis.secret_unreadable", "without a key nothing can be opened");
    assert_eq!(ask(Module::built().unwrap(), "").details(), "portcullis.answers_unguarded");
}
