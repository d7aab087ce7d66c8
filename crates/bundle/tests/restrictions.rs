//! Restriction sets as a bucket's pool carries them.

use portcullis_bundle::read_restrictions;
use portcullis_engine::RestrictionSet;
use portcullis_engine::spec::{EndpointSpec, IpSpec, LimitsSpec, RateSpec, ReferrerSpec, RestrictionsSpec, TrialSpec};
use proptest::prelude::*;

#[test]
fn what_is_not_understood_is_refused_and_never_none() {
    for (json, readable) in [
        ("{}", true),
        (r#"{"ip":{"allow":["192.0.2.1"]}}"#, true),
        (r#"{"trial":{"scopes":[]}}"#, true),
        (r#"{"trial":{"retiring":true}}"#, true),
        (r#"{"from_a_later_version":{}}"#, false),
        (r#"{"trial":{"from_a_later_version":{}}}"#, false),
        (r#"{"trial":{"ip":{"from_a_later_version":1}}}"#, false),
        (r#"{"trial":{"scopes":["not a scope"]}}"#, false),
        (r#"{"trial":7}"#, false),
        (r#"{"limits":{}}"#, true),
        (r#"{"limits":{"quota":true,"meter":"key_0000000000000000"}}"#, true),
        (r#"{"limits":{"rate":{"requests":1,"seconds":1,"burst":1}}}"#, true),
        (r#"{"limits":{"rate":{"requests":0,"seconds":1,"burst":1}}}"#, false),
        (r#"{"limits":{"rate":{"requests":1,"seconds":1}}}"#, false),
        (r#"{"limits":{"meter":"nobody"}}"#, false),
        (r#"{"limits":{"from_a_later_version":1}}"#, false),
        (r#"{"limits":7}"#, false),
        ("", false),
    ] {
        assert_eq!(read_restrictions(json.as_bytes()).is_ok(), readable, "{json}");
    }
}

fn list(from: &'static [&'static str]) -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec(prop::sample::select(from).prop_map(str::to_owned), 0..4)
}

fn ip() -> impl Strategy<Value = IpSpec> {
    const NETWORKS: &[&str] = &["192.0.2.0/24", "198.51.100.7", "2001:db8::/32"];
    (prop::option::of(list(NETWORKS)), list(NETWORKS)).prop_map(|(allow, deny)| IpSpec {
        allow,
        deny,
        ..IpSpec::default()
    })
}

fn referrer() -> impl Strategy<Value = ReferrerSpec> {
    (list(&["https://a.example/*", "https://*.b.example/x/*"]), any::<bool>())
        .prop_map(|(allow, allow_missing)| ReferrerSpec { allow, allow_missing, ..ReferrerSpec::default() })
}

fn endpoint() -> impl Strategy<Value = EndpointSpec> {
    list(&["GET /a", "* /b/**", "POST /a/{id}"]).prop_map(|allow| EndpointSpec { allow, ..EndpointSpec::default() })
}

fn trial() -> impl Strategy<Value = TrialSpec> {
    let scopes = prop::option::of(list(&["a:read", "a:*", "b:write"]));
    (prop::option::of(ip()), prop::option::of(referrer()), prop::option::of(endpoint()), scopes, any::<bool>())
        .prop_map(|(ip, referrer, endpoint, scopes, retiring)| TrialSpec { ip, referrer, endpoint, scopes, retiring })
}

fn limits() -> impl Strategy<Value = LimitsSpec> {
    let meter = prop::sample::select(vec![None, Some("key_0000000000000000".to_owned())]);
    let rate = (1..100u32, 1..100u32, 1..100u32);
    let rate = rate.prop_map(|(requests, seconds, burst)| RateSpec { requests, seconds, burst });
    (meter, any::<bool>(), prop::option::of(rate)).prop_map(|(meter, quota, rate)| LimitsSpec { meter, quota, rate })
}

fn spec() -> impl Strategy<Value = RestrictionsSpec> {
    let kinds = (prop::option::of(ip()), prop::option::of(referrer()), prop::option::of(endpoint()));
    (kinds, prop::option::of(limits()), prop::option::of(trial())).prop_map(
        |((ip, referrer, endpoint), limits, trial)| RestrictionsSpec {
            ip,
            referrer,
            endpoint,
            limits,
            skill: None,
            trial,
        },
    )
}

proptest! {
    #[test]
    fn what_is_written_is_read(spec in spec()) {
        let canonical = RestrictionSet::compile(&spec).unwrap().to_spec();
        let read = read_restrictions(&serde_json::to_vec(&canonical).unwrap()).unwrap();
        prop_assert_eq!(read.to_spec(), canonical);
    }
}
