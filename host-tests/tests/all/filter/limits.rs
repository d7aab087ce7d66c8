//! Quotas and rate limits in the module as shipped: exact across workers, told to clients, and harmless whatever the control
//! plane says.

use std::time::Duration;

use portcullis_engine::record::OrganizationLimits;
use portcullis_engine::spec::{Access, LimitsSpec, OnUnavailable, RateLimitHeaders, RateSpec};
use portcullis_host_tests::{Answer, Cluster, Outcome};
use portcullis_testkit::TestBundle;

use super::edge::{Edge, READER, assert_alive};
use super::usage;

const SECOND: Duration = Duration::from_secs(1);
const DAY: u64 = 86_400;

/// Two workers, and a quota for the reader's organisation.
pub(super) fn metered(limit: u64, change: impl FnOnce(&mut Edge)) -> Edge {
    let mut edge = Edge::new();
    change(&mut edge);
    let day = edge.corpus.now / DAY * DAY;
    edge.plane.meter(&organization(&edge), limit, day, day + DAY);
    let mut organizations = edge.corpus.organization_entries();
    organizations.iter_mut().for_each(|it| it.limits = OrganizationLimits { metered: true, rate: None });
    let keys = edge.corpus.key_entries().unwrap();
    let bundle = TestBundle::build(&edge.corpus.spec, &keys, &organizations, 1, edge.corpus.now).unwrap();
    edge.plane.publish(&bundle);
    edge.process.settle(&edge.plane);
    edge
}

fn organization(edge: &Edge) -> String {
    edge.corpus.organizations["acme"].id.to_string()
}

/// Requests on each worker in turn, with answers and ticks between them; how many passed, and the last refusal.
pub(super) fn serve(edge: &mut Edge, requests: usize) -> (usize, Option<Outcome>) {
    let (mut passed, mut refused) = (0, None);
    for number in 0..requests {
        let request = edge.reading();
        let outcome = edge.ask(number % 2, request);
        assert_alive("a limited request", &outcome);
        match outcome.status() {
            Some(200) => passed += 1,
            _ => refused = Some(outcome),
        }
        while edge.process.deliver(&edge.plane) {}
        if number % 10 == 9 {
            edge.run(Duration::from_millis(100));
        }
    }
    (passed, refused)
}

fn header(outcome: &Outcome, name: &str) -> String {
    match outcome {
        Outcome::Replied { headers, .. } => headers.text(name).unwrap_or_default(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_first_request_passes_and_exactly_the_limit_does() {
    for limit in [1, 7, 300] {
        let mut edge = metered(limit, |_| ());
        let (passed, refused) = serve(&mut edge, 700);
        assert_eq!(passed as u64, limit);
        let refused = refused.unwrap();
        assert_eq!((refused.status(), refused.details()), (Some(429), "portcullis.quota_exhausted"));
        let left = DAY - (edge.process.now() / 1_000_000_000) % DAY;
        let (retry, told) = (header(&refused, "retry-after"), header(&refused, "ratelimit"));
        assert!(retry.parse::<u64>().unwrap().abs_diff(left) <= 1, "{retry}, {left}");
        assert_eq!(told, format!("\"quota\";r=0;t={retry}"));
        assert_eq!(header(&refused, "ratelimit-policy"), format!("\"quota\";q={limit};w={DAY}"));
        edge.plane.meter(&organization(&edge), limit + 5, left, left);
    }
}

#[test]
fn a_top_up_is_noticed_within_seconds() {
    let mut edge = metered(20, |_| ());
    assert_eq!(serve(&mut edge, 100).0, 20);
    let day = edge.corpus.now / DAY * DAY;
    edge.plane.meter(&organization(&edge), 25, day, day + DAY);
    edge.run(2 * SECOND);
    assert_eq!(serve(&mut edge, 200).0, 5);
}

#[test]
fn without_answers_leases_end_and_the_policy_says_what_then() {
    for (choice, status) in [(OnUnavailable::Deny, 503), (OnUnavailable::Allow, 200)] {
        let mut edge = metered(1000, |edge| edge.corpus.spec.quota.on_unavailable = choice);
        assert_eq!(serve(&mut edge, 20).0, 20);
        edge.process.set_cluster("portcullis_control", Cluster::Empty);
        for callout in edge.process.callouts() {
            edge.process.answer(&callout, Answer::Reset);
        }
        edge.run(30 * SECOND);
        let request = edge.reading();
        let outcome = edge.process.request(0, request);
        assert_eq!(outcome.status(), Some(200), "what was granted may be spent for a while");
        assert_eq!(edge.metric("quota.unmetered"), 0);
        edge.run(31 * SECOND);
        let request = edge.reading();
        let outcome = edge.process.request(0, request);
        assert_eq!(outcome.status(), Some(status));
        edge.run(SECOND);
        assert_eq!(edge.metric("quota.unmetered"), u64::from(status == 200));
        assert!(edge.metric("quota.lease_errors") > 0);
        if status == 503 {
            assert_eq!((outcome.details(), &*header(&outcome, "retry-after")), ("portcullis.quota_unavailable", "1"));
        }
        edge.process.set_cluster("portcullis_control", Cluster::Healthy);
        edge.run(3 * SECOND);
        serve(&mut edge, 10);
        assert_eq!(edge.statuses(), [Some(200), Some(200)], "recovers");
    }
}

#[test]
fn what_is_not_needed_goes_back_and_before_a_stop_everything_does() {
    let mut edge = metered(1000, |_| ());
    let (subject, passed) = (organization(&edge), serve(&mut edge, 200).0 as u64);
    assert_eq!(passed, 200);
    edge.run(10 * SECOND);
    assert!(edge.plane.charged(&subject) <= passed + 1, "a floor is left: {}", edge.plane.charged(&subject));
    let before = usage::told(&edge).0;
    serve(&mut edge, 50);
    edge.plane.drain(true);
    edge.run(2 * SECOND);
    assert_eq!(before + usage::told(&edge).0, 250, "usage is told too");
    edge.run(2 * SECOND);
    assert_eq!(edge.plane.charged(&subject), 250);
}

#[test]
fn an_older_control_plane_has_no_quotas_to_give() {
    let mut edge = metered(10, |edge| edge.plane.forget_leases());
    assert_eq!(edge.statuses(), [Some(503), Some(503)]);
    edge.plane.take_asked();
    edge.run(20 * SECOND);
    let asked = edge.plane.take_asked().iter().filter(|line| line.contains("leases")).count();
    assert!(asked <= 3, "{asked} times in 20 s");
}

#[test]
fn answers_that_are_nonsense_grant_nothing_beyond_the_limit_and_trap_nobody() {
    let bodies = [
        "",
        "{}",
        "[]",
        "null",
        "\u{0}",
        r#"{"valid_seconds":-1}"#,
        r#"{"valid_seconds":60,"grants":[{}]}"#,
        r#"{"valid_seconds":18446744073709551615,"recall":["x","","org_0000000000000000"],"unmetered":["key_"]}"#,
        r#"{"valid_seconds":60,"grants":[{"subject":"S","period":0,"ends":0,"granted":9,"limit":9,"remaining":9,"state":"granted"}]}"#,
        r#"{"valid_seconds":60,"grants":[{"subject":"S","period":P,"ends":E,"granted":-5,"limit":9,"remaining":9,"state":"granted"}]}"#,
        r#"{"valid_seconds":60,"grants":[{"subject":"S","period":P,"ends":E,"granted":18446744073709551615,"limit":9,"remaining":9,"state":"granted"},{"subject":"S","period":P,"ends":E,"granted":18446744073709551615,"limit":9,"remaining":9,"state":"granted"}]}"#,
    ];
    for body in bodies {
        let mut edge = Edge::new();
        let day = edge.corpus.now / DAY * DAY;
        let body = body.replace('S', &organization(&edge)).replace(":P", &format!(":{day}"));
        let body = body.replace(":E", &format!(":{}", day + DAY)).into_bytes();
        let answer = body.clone();
        edge.plane.lie(move |call, honest| {
            let body = answer.clone();
            if call.line().contains("leases") {
                Answer::Response { status: 200, headers: vec![], body }
            } else {
                honest
            }
        });
        let mut organizations = edge.corpus.organization_entries();
        organizations.iter_mut().for_each(|it| it.limits.metered = true);
        let keys = edge.corpus.key_entries().unwrap();
        edge.plane.publish(&TestBundle::build(&edge.corpus.spec, &keys, &organizations, 1, edge.corpus.now).unwrap());
        edge.run(2 * SECOND);
        let passed = serve(&mut edge, 60).0;
        assert!(passed <= 9, "{passed} passed on {}", String::from_utf8_lossy(&body));
        edge.run(2 * SECOND);
    }
}

pub(super) fn rated(requests: u32, burst: u32) -> Edge {
    let mut edge = Edge::new();
    let rate = Some(RateSpec { requests, seconds: 1, burst });
    let limits = LimitsSpec { rate, ..LimitsSpec::default() };
    edge.corpus.keys.get_mut(READER).unwrap().restrictions.limits = Some(limits);
    edge.with_bundle()
}

#[test]
fn a_rate_is_exact_across_workers_and_comes_back_as_it_should() {
    let mut edge = rated(10, 5);
    let burst = |edge: &mut Edge| {
        let request = edge.reading();
        (0..40).filter(|number| edge.process.request(number % 2, request.clone()).status() == Some(200)).count()
    };
    assert_eq!(burst(&mut edge), 5);
    let refused = edge.process.request(0, edge.reading());
    assert_eq!((refused.status(), refused.details()), (Some(429), "portcullis.rate_limited"));
    assert_eq!((&*header(&refused, "retry-after"), &*header(&refused, "ratelimit")), ("1", "\"rate\";r=0;t=1"));
    edge.process.advance(Duration::from_millis(300));
    assert_eq!(burst(&mut edge), 3);
    edge.run(10 * SECOND);
    assert_eq!(burst(&mut edge), 5);
    let grpc = edge.reading().header("content-type", "application/grpc");
    match edge.process.request(0, grpc) {
        Outcome::Replied { grpc_status, .. } => assert_eq!(grpc_status, Some(8)),
        other => panic!("{other:?}"),
    }
}

#[test]
fn limits_are_told_on_what_passed_only_if_the_policy_says_so() {
    for (choice, told) in [(RateLimitHeaders::Refused, false), (RateLimitHeaders::Always, true)] {
        let mut edge = metered(100, |edge| edge.corpus.spec.rate_limit_headers = choice);
        let forged = edge.reading().header("x-portcullis-ratelimit", "forged");
        let outcome = edge.process.request(0, forged);
        let upstream = outcome.upstream().unwrap();
        let policy = upstream.text("x-portcullis-ratelimit-policy");
        assert_eq!(policy, told.then(|| format!("\"quota\";q=100;w={DAY}")));
        assert_eq!(upstream.text("x-portcullis-ratelimit").is_some_and(|it| it.contains("\"quota\";r=")), told);
    }
}

/// Takes what worker 0 holds, so that its next request has to wait; and how many passed. The control plane has said nothing since.
fn short(limit: u64, change: impl FnOnce(&mut Edge)) -> (Edge, u64) {
    let mut edge = metered(limit, change);
    for passed in 0..limit {
        let request = edge.reading();
        if edge.process.request(0, request) == Outcome::Waits {
            return (edge, passed);
        }
    }
    panic!("no request had to wait");
}

#[test]
fn who_comes_before_the_tokens_waits_for_them() {
    let (mut edge, _) = short(300, |_| ());
    assert_eq!(edge.process.exchange(0).action, 4, "its body waits too, however Envoy is configured");
    assert!(edge.process.woken(0).is_empty(), "nobody answered yet");
    while edge.process.deliver(&edge.plane) {}
    let woken = edge.process.woken(0);
    let upstream = woken[0].upstream().unwrap();
    assert_eq!((woken.len(), woken[0].status()), (1, Some(200)));
    assert_eq!(upstream.text("authorization"), None, "the credential is gone");
    assert_eq!(upstream.text("x-portcullis-org"), Some(organization(&edge)));
    edge.run(SECOND);
    assert_eq!((edge.metric("quota.waited"), edge.metric("decisions.quota_unavailable")), (1, 0));
}

#[test]
fn nobody_waits_long_for_a_control_plane_that_does_not_answer() {
    for (choice, status) in [(OnUnavailable::Deny, 503), (OnUnavailable::Allow, 200)] {
        let (mut edge, _) = short(300, |edge| edge.corpus.spec.quota.on_unavailable = choice);
        for _ in 0..6 {
            edge.process.advance(Duration::from_millis(100));
            edge.process.tick_all();
        }
        let woken: Vec<_> = edge.process.woken(0).iter().map(Outcome::status).collect();
        assert_eq!(woken, [Some(status)]);
        let request = edge.reading();
        assert_eq!(edge.process.request(0, request).status(), Some(status), "who comes later does not wait at all");
        edge.run(SECOND);
        assert_eq!(edge.metric("decisions.quota_unavailable") + edge.metric("quota.unmetered"), 2);
    }
}

#[test]
fn whoever_hangs_up_while_waiting_costs_nothing() {
    let (mut edge, before) = short(300, |_| ());
    edge.process.hang_up(0);
    while edge.process.deliver(&edge.plane) {}
    assert!(edge.process.woken(0).is_empty());
    let (passed, _) = serve(&mut edge, 400);
    edge.run(6 * SECOND);
    assert_eq!((before + passed as u64, usage::told(&edge).0), (300, 300), "those who were answered have it all");
}

#[test]
fn only_so_many_wait() {
    let (mut edge, _) = short(300, |_| ());
    let outcomes: Vec<_> = (0..200).map(|_| edge.process.request(0, edge.reading())).collect();
    let waiting = outcomes.iter().filter(|it| **it == Outcome::Waits).count();
    assert_eq!(waiting, 127, "beside the first");
    assert!(outcomes.iter().skip(waiting).all(|it| it.status() == Some(503)));
}

#[test]
fn whom_what_is_left_is_too_little_is_told_how_much_it_is() {
    let dear = |edge: &mut Edge| {
        let rules = edge.corpus.spec.rules.iter_mut().filter(|rule| rule.access == Access::Key);
        rules.for_each(|rule| rule.cost = Some(4));
    };
    let mut edge = metered(10, dear);
    let mut answers = Vec::new();
    for _ in 0..4 {
        let request = edge.reading();
        answers.push(edge.ask(0, request));
    }
    let statuses: Vec<_> = answers.iter().map(Outcome::status).collect();
    assert_eq!(statuses, [Some(200), Some(200), Some(429), Some(429)]);
    let told = header(&answers[3], "ratelimit");
    assert!(told.starts_with("\"quota\";r=2;t="), "{told}");
}
