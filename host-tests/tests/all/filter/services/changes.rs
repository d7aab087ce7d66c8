//! What changes while requests come: a replaced value, an unlinked secret, a skill that is gone, another key.

use std::time::Duration;

use portcullis_host_tests::{Outcome, Upstream};
use portcullis_testkit::Corpus;

use super::super::edge::Edge;
use super::{VALUE, received, weather};

const A_SECOND: Duration = Duration::from_secs(1);
const NEW: &str = "another-value-9876543210";

fn replaced(corpus: &mut Corpus) {
    corpus.secrets.get_mut("weather_api_key").unwrap().value = NEW.into();
}

/// What both workers make of a request for the weather: the value that was sent, or the reason.
fn seen(edge: &mut Edge) -> Vec<String> {
    let ask = |worker| {
        let outcome = edge.process.request(worker, weather(edge));
        match outcome.upstream() {
            Some(headers) => headers.text(":path").unwrap().rsplit_once('=').unwrap().1.to_owned(),
            None => outcome.details().trim_start_matches("portcullis.").to_owned(),
        }
    };
    [0, 1].map(ask).to_vec()
}

#[test]
fn a_change_counts_from_the_next_version_on() {
    type Row = (&'static str, fn(&mut Corpus), &'static str);
    let rows: [Row; 6] = [
        ("a value is replaced", replaced, NEW),
        ("a secret is deleted", |corpus| drop(corpus.secrets.remove("weather_api_key")), "secret_missing"),
        (
            "a secret is sealed to other edges alone",
            |corpus| corpus.secrets.get_mut("weather_api_key").unwrap().sealed_elsewhere = true,
            "secret_unreadable",
        ),
        (
            "a secret is unlinked",
            |corpus| corpus.skills.get_mut("forecaster").unwrap().services.get_mut("weather").unwrap().clear(),
            "secret_not_linked",
        ),
        (
            "a service is unlinked",
            |corpus| corpus.skills.get_mut("forecaster").unwrap().services.clear(),
            "service_not_linked",
        ),
        ("the skill is deleted", |corpus| drop(corpus.skills.remove("forecaster")), "no_skill"),
    ];
    for (why, change, expected) in rows {
        let mut edge = Edge::of_skills();
        assert_eq!(seen(&mut edge), [VALUE, VALUE]);
        edge.publish(2, change);
        edge.run(2 * A_SECOND);
        assert_eq!(seen(&mut edge), [expected, expected], "{why}");
        edge.publish(3, |_| ());
        edge.run(2 * A_SECOND);
        assert_eq!(seen(&mut edge), [VALUE, VALUE], "{why}: and back");
        edge.assert_nothing_leaked();
    }
}

#[test]
fn an_answer_under_way_is_masked_with_what_was_sent() {
    let mut edge = Edge::of_skills();
    let sent = edge.process.send(0, weather(&edge)).unwrap();
    edge.publish(2, replaced);
    edge.run(2 * A_SECOND);
    assert_eq!(seen(&mut edge), [NEW, NEW]);
    let upstream = Upstream::default().header("x-old", VALUE).header("x-new", NEW).trailer("x-old", VALUE);
    let Outcome::Forwarded { response, trailers, .. } = edge.process.receive(&sent, &upstream) else {
        panic!("it is answered")
    };
    assert_eq!(response.text("x-old").as_deref(), Some("***"));
    assert_eq!(trailers.text("x-old").as_deref(), Some("***"));
    assert_eq!(response.text("x-new").as_deref(), Some(NEW), "which this request never had");
}

#[test]
fn a_skill_is_opened_once_and_what_changes_is_opened_before_it_is_asked_for() {
    let mut edge = Edge::of_skills();
    let fuel = |edge: &mut Edge| {
        let outcome = edge.process.request(0, weather(edge));
        received(&outcome);
        edge.process.exchange(0).fuel
    };
    let (first, second) = (fuel(&mut edge), fuel(&mut edge));
    assert!(first > 10 * second, "{first} {second}");
    // A version that changes no skill opens nothing anew.
    edge.publish(2, |corpus| drop(corpus.keys.remove("revoked")));
    edge.run(2 * A_SECOND);
    let third = fuel(&mut edge);
    assert!(third < first / 2, "{first} {third}");
    // One that does is opened by the tick: no request waits for that.
    edge.publish(3, replaced);
    edge.run(2 * A_SECOND);
    let fourth = fuel(&mut edge);
    assert!(fourth < first / 2, "{first} {fourth}");
    assert_eq!(seen(&mut edge), [NEW, NEW]);
}

#[test]
fn a_report_tells_which_secrets_were_sent_and_when() {
    let mut edge = Edge::of_skills();
    edge.run(6 * A_SECOND);
    edge.plane.take_reports();
    seen(&mut edge);
    let now = edge.process.now() / 1_000_000_000;
    edge.run(6 * A_SECOND);
    let reports = edge.plane.take_reports();
    let used: Vec<_> = reports.iter().filter_map(|report| report["secrets_used"].as_object()).collect();
    assert!(!used.is_empty(), "{reports:?}");
    let id = edge.corpus.secrets["weather_api_key"].id.to_string();
    for used in used {
        assert_eq!(used.keys().collect::<Vec<_>>(), [&id]);
        assert!(used[&id].as_u64().unwrap().abs_diff(now) <= 1, "{used:?}, now {now}");
    }
    // What is refused, and what goes elsewhere, uses none.
    let foreign = portcullis_host_tests::Request::get("/services/weather/data").bearer(&edge.key("seller"));
    edge.process.request(0, foreign);
    edge.run(6 * A_SECOND);
    assert!(edge.plane.take_reports().iter().all(|report| report.get("secrets_used").is_none()));
}
