//! What keys did, and batches that come more than once.

use std::collections::BTreeMap;

use futures_util::future::join_all;

use super::Fixture;
use super::rows::{NOW, key, key_id, organization_id, put, take_in, two_organizations};
use crate::caller::Scope;
use crate::clock::{DAY, HOUR};
use crate::store::{
    Batch, Count, Grain, Heard, HeardEdge, HeardVm, Noted, Part, Place, Portion, Span, Store, Stream, TakenIn,
    UsageQuestion, Used, UsedFor, Write,
};

fn did(number: u16, hour: u64, route: &str, reason: &str) -> UsedFor {
    UsedFor { key: key_id(number), hour, route: route.to_owned(), reason: reason.to_owned() }
}

fn used(requests: u64, cost: u64) -> Used {
    Used { requests, cost }
}

const ALWAYS: u64 = 4_000_000_000;

fn span(grain: Grain, from: u64, to: u64) -> Span {
    Span { grain, from, to }
}

/// Everything since 1970, as one sum.
fn question() -> UsageQuestion {
    UsageQuestion {
        grain: Grain::Days,
        spans: vec![span(Grain::Days, 0, ALWAYS)],
        scope: Scope::All,
        key: None,
        environment: None,
        routes: None,
        by: Vec::new(),
        busiest_first: false,
        after: None,
        limit: 1000,
    }
}

/// As text: the parts of each row, and its numbers.
async fn asked(store: &dyn Store, question: &UsageQuestion) -> Vec<String> {
    let short = |place: &Place| match place {
        Place::Time(time) => format!("{:+} ", i128::from(*time) - i128::from(NOW)),
        Place::Text(text) => format!("{} ", text.trim_start_matches("org_").trim_start_matches("key_00000000000000")),
    };
    let rows = store.usage(question).await.unwrap().into_iter();
    rows.map(|it| format!("{}{}/{}/{}", it.place.iter().map(short).collect::<String>(), it.allowed, it.cost, it.denied))
        .collect()
}

/// A batch of a VM: a request that was let through, another that was not, and what else is told with them.
fn batch(vm: &str, seq: u64, version: u64) -> ((Stream, u64), Batch) {
    let at_ms = NOW * 1000 + seq;
    let heard_vm = HeardVm { reported_at_ms: at_ms, versions: [(version, at_ms)].into(), ..HeardVm::default() };
    let heard = |edge: HeardEdge| Heard { edges: [("e".to_owned(), edge)].into(), ..Heard::default() };
    let edge = HeardEdge { reported_at_ms: at_ms, ..HeardEdge::default() };
    let present = heard(HeardEdge { vms: [(vm.to_owned(), heard_vm)].into(), ..edge.clone() });
    let mut noted =
        Noted { heard: heard(HeardEdge { counts: [(Count::Allowed, 1)].into(), ..edge }), ..Noted::default() };
    noted.did(did(1, NOW, "/a", ""), used(seq, 2 * seq));
    noted.did(did(1, NOW, "/a", "no_rule"), used(1, 0));
    noted.used(key_id(1), NOW + seq);
    let stream = Stream { edge: "e".to_owned(), boot: "b".to_owned(), vm: vm.to_owned() };
    ((stream, seq), Batch { at: NOW, present, noted })
}

async fn told(store: &dyn Store, batches: Vec<((Stream, u64), Batch)>) -> TakenIn {
    let portion = Portion { batches: batches.into_iter().collect(), ..Portion::default() };
    store.take_in(&portion).await.unwrap()
}

/// What all batches so far add up to, everywhere.
async fn counted(store: &dyn Store) -> (Vec<String>, u64) {
    let edges = store.edges(0, 0).await.unwrap();
    let allowed = edges.iter().flat_map(|edge| edge.counts.iter()).map(|it| it.1).sum();
    (asked(store, &question()).await, allowed)
}

pub(super) async fn a_batch_counts_once_with_all_that_it_holds(it: Fixture) {
    let store = &*it.store;
    two_organizations(store).await;
    put(store, Write::InsertKey(key(1, 1))).await;
    let done = |applied, repeated| TakenIn { applied, repeated, strangers: 0 };
    for (batches, expected, counts, edge) in [
        (vec![("v", 1)], done(1, 0), "1/2/1", 1),
        (vec![("v", 1)], done(0, 1), "1/2/1", 1),
        (vec![("v", 3), ("v", 2)], done(2, 0), "6/12/3", 3),
        (vec![("v", 2), ("w", 1), ("v", 4)], done(2, 1), "11/22/5", 5),
        (vec![("v", 4), ("w", 1)], done(0, 2), "11/22/5", 5),
        (vec![("w", 9)], done(1, 0), "20/40/6", 6),
        (vec![("w", 8)], done(0, 1), "20/40/6", 6),
    ] {
        let told = told(store, batches.iter().map(|(vm, seq)| batch(vm, *seq, 7)).collect()).await;
        assert_eq!((told, counted(store).await), (expected, (vec![counts.to_owned()], edge)), "{batches:?}");
    }
    assert_eq!(store.key(Scope::All, key_id(1)).await.unwrap().unwrap().last_used, Some(NOW + 9));
    told(store, vec![batch("v", 1, 12)]).await;
    let versions: Vec<_> = store.vms(0).await.unwrap().into_iter().map(|vm| vm.applied_version).collect();
    assert_eq!(versions, [12, 7], "what an edge enforces is so however often it is told");
    it.sql("UPDATE report_streams SET seq = 2").await.unwrap();
    assert_eq!(told(store, vec![batch("v", 5, 7)]).await, done(1, 0), "a restored copy goes on from where edges are");
}

pub(super) async fn a_batch_that_many_replicas_take_in_counts_once(it: Fixture) {
    two_organizations(&*it.store).await;
    put(&*it.store, Write::InsertKey(key(1, 1))).await;
    for seq in 1..=20 {
        let replicas = (0..6).map(|_| {
            let store = it.store.clone();
            // Neither in one order nor in one portion.
            tokio::spawn(async move {
                let first = told(&*store, vec![batch("v", seq, 7), batch("w", seq, 7)]).await;
                let second = told(&*store, vec![batch("x", seq, 7)]).await;
                first.applied + second.applied
            })
        });
        let applied: Vec<u64> = join_all(replicas).await.into_iter().map(|it| it.unwrap()).collect();
        assert_eq!(applied.iter().sum::<u64>(), 3, "{applied:?}");
    }
    assert_eq!(counted(&*it.store).await, (vec!["630/1260/60".to_owned()], 60));
}

/// Streams seal batches of their own sizes. Each is sent until an answer comes, which is lost as often as the batch is.
pub(super) async fn whatever_is_lost_and_sent_again_the_sum_is_what_was_sealed(it: Fixture) {
    let store = &*it.store;
    two_organizations(store).await;
    put(store, Write::InsertKey(key(1, 1))).await;
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = |below: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % below
    };
    let mut unanswered: BTreeMap<u64, u64> = (0..5).map(|stream| (stream, 1)).collect();
    let (mut late, mut sealed) = (Vec::new(), [0_u64; 5]);
    for _ in 0..120 {
        let mut portion = Vec::new();
        for (stream, seq) in &mut unanswered {
            let sent = batch(&format!("v{stream}"), *seq, 7);
            sealed[usize::try_from(*stream).unwrap()] = *seq;
            match random(6) {
                0 => {}
                1 => late.push(sent),
                2 => portion.push(sent),
                fate => {
                    if fate == 3 {
                        late.push(sent.clone());
                    }
                    told(store, vec![sent]).await;
                    *seq += 1;
                }
            }
        }
        if !late.is_empty() && random(3) == 0 {
            let one = usize::try_from(random(late.len() as u64)).unwrap();
            portion.push(late.swap_remove(one));
        }
        told(store, portion).await;
    }
    told(store, late).await;
    for (stream, seq) in unanswered {
        told(store, vec![batch(&format!("v{stream}"), seq, 7)]).await;
        sealed[usize::try_from(stream).unwrap()] = seq;
    }
    let requests: u64 = sealed.iter().map(|last| last * (last + 1) / 2).sum();
    let batches: u64 = sealed.iter().sum();
    assert!(batches > 200, "{sealed:?}");
    assert_eq!(counted(store).await, (vec![format!("{requests}/{}/{batches}", 2 * requests)], batches), "{sealed:?}");
}

async fn some_usage(store: &dyn Store) {
    two_organizations(store).await;
    for (number, organization) in [(1, 1), (2, 1), (3, 2)] {
        put(store, Write::InsertKey(key(number, organization))).await;
    }
    let usage = [
        (did(1, NOW - 12 * HOUR, "/a", ""), used(1, 1)),
        (did(1, NOW - 13 * HOUR, "/a", ""), used(2, 0)),
        (did(1, NOW, "/a", ""), used(4, 8)),
        (did(1, NOW, "/b", ""), used(8, 8)),
        (did(1, NOW, "", "no_rule"), used(16, 0)),
        (did(2, NOW, "/a", ""), used(32, 32)),
        (did(2, NOW, "/a", "expired_key"), used(64, 0)),
        (did(3, NOW, "/a", ""), used(128, 128)),
        (did(4, NOW, "/a", ""), used(256, 0)),
        (did(4, NOW, "/a", "revoked_key"), used(512, 0)),
    ];
    let noted = Noted { usage: usage.into(), ..Noted::default() };
    assert_eq!(take_in(store, noted).await, TakenIn { strangers: 768, ..TakenIn::default() });
}

pub(super) async fn what_keys_did_is_added_up_as_it_is_asked(it: Fixture) {
    some_usage(&*it.store).await;
    let (all, one) = (question(), UsageQuestion { scope: Scope::Only(organization_id(1)), ..question() });
    let hours = UsageQuestion { grain: Grain::Hours, spans: vec![span(Grain::Hours, 0, ALWAYS)], ..one.clone() };
    let within = |grain, spans: &[Span]| UsageQuestion { grain, spans: spans.to_vec(), ..one.clone() };
    let midnight = NOW - 12 * HOUR;
    let pieces = [
        span(Grain::Hours, midnight - HOUR, midnight),
        span(Grain::Days, midnight, midnight + DAY),
        span(Grain::Hours, midnight + DAY, midnight + DAY + HOUR),
    ];
    let [first, second] = [1, 2].map(|it| organization_id(it).to_string().trim_start_matches("org_").to_owned());
    let by = |question: &UsageQuestion, by: &[Part]| UsageQuestion { by: by.to_vec(), ..question.clone() };
    let of_key = |number| UsageQuestion { key: Some(key_id(number)), ..one.clone() };
    let routes = |routes: &[&str]| {
        let routes = routes.iter().map(|it| (*it).to_owned()).collect();
        UsageQuestion { routes: Some(routes), ..all.clone() }
    };
    let environment = |name: &str| UsageQuestion { environment: Some(name.to_owned()), ..all.clone() };
    for (question, expected) in [
        (all.clone(), "175/177/80"),
        (one.clone(), "47/49/80"),
        (hours.clone(), "47/49/80"),
        (UsageQuestion { scope: Scope::Only(organization_id(3)), ..question() }, "0/0/0"),
        (within(Grain::Hours, &[span(Grain::Hours, NOW, ALWAYS)]), "44/48/80"),
        (within(Grain::Hours, &[span(Grain::Hours, 0, midnight)]), "2/0/0"),
        (within(Grain::Days, &pieces), "47/49/80"),
        (by(&within(Grain::Days, &pieces), &[Part::Time]), "-129600 2/0/0, -43200 45/49/80"),
        (by(&within(Grain::Days, &pieces[1..]), &[Part::Time]), "-43200 45/49/80"),
        (by(&within(Grain::Days, &[span(Grain::Hours, NOW, NOW + HOUR)]), &[Part::Time]), "-43200 44/48/80"),
        (by(&one, &[Part::Time]), "-129600 2/0/0, -43200 45/49/80"),
        (by(&hours, &[Part::Time]), "-46800 2/0/0, -43200 1/1/0, +0 44/48/80"),
        (by(&all, &[Part::Organization]), &format!("{first} 47/49/80, {second} 128/128/0")),
        (by(&one, &[Part::Key]), "01 15/17/16, 02 32/32/64"),
        (UsageQuestion { busiest_first: true, limit: 1, ..by(&one, &[Part::Key]) }, "02 32/32/64"),
        (by(&one, &[Part::Route]), " 0/0/16, /a 39/41/64, /b 8/8/0"),
        (by(&one, &[Part::Reason]), " 47/49/0, expired_key 0/0/64, no_rule 0/0/16"),
        (by(&all, &[Part::Environment]), "live 175/177/80"),
        (by(&of_key(1), &[Part::Route, Part::Reason]), " no_rule 0/0/16, /a  7/9/0, /b  8/8/0"),
        (of_key(2), "32/32/64"),
        (of_key(3), "0/0/0"),
        (routes(&["/b"]), "8/8/0"),
        (routes(&["/b", "", "/c"]), "8/8/16"),
        (routes(&[""]), "0/0/16"),
        (environment("live"), "175/177/80"),
        (environment("test"), "0/0/0"),
    ] {
        assert_eq!(asked(&*it.store, &question).await.join(", "), expected, "{question:?}");
    }
    for (question, ending, expected) in [
        (&all, "", vec!["", "/a", "/b"]),
        (&all, "b", vec!["/b"]),
        (&all, "%", vec![]),
        (&all, "and longer than any", vec![]),
        (&within(Grain::Days, &pieces[2..]), "", vec![]),
        (&of_key(2), "", vec!["/a"]),
    ] {
        assert_eq!(it.store.usage_routes(question, ending).await.unwrap(), expected, "{ending} {question:?}");
    }
}

/// As an edge that lies, or counts wrongly, can tell.
pub(super) async fn sums_end_before_numbers_do(it: Fixture) {
    let store = &*it.store;
    two_organizations(store).await;
    put(store, Write::InsertKey(key(1, 1))).await;
    let tell = async || {
        let usage = ["/a", "/b"].map(|route| (did(1, NOW, route, ""), used(u64::MAX, u64::MAX)));
        let noted = Noted { usage: usage.into(), ..Noted::default() };
        assert_eq!(take_in(store, noted).await, TakenIn::default());
    };
    tell().await;
    tell().await;
    // As an earlier version left it.
    for table in ["usage_hours", "usage_days"] {
        it.sql(&format!("UPDATE {table} SET requests = {max}, cost = {max}", max = i64::MAX)).await.unwrap();
    }
    for _ in 0..20 {
        tell().await;
    }
    for grain in [Grain::Hours, Grain::Days] {
        for by in [vec![], vec![Part::Route], vec![Part::Key]] {
            let spans = vec![span(grain, 0, ALWAYS)];
            let question = UsageQuestion { grain, spans, by, busiest_first: true, ..question() };
            let sums = store.usage(&question).await.unwrap();
            assert!(sums.iter().all(|sum| sum.allowed >= 1 << 62 && sum.cost == sum.allowed), "{question:?}: {sums:?}");
        }
    }
    let done = told(store, vec![batch("v", 1, 7)]).await;
    assert_eq!(done.applied, 1, "others are not kept from telling");
}

pub(super) async fn usage_is_read_in_pages(it: Fixture) {
    some_usage(&*it.store).await;
    for by in [vec![Part::Time, Part::Key, Part::Route], vec![Part::Key], vec![Part::Time], vec![Part::Organization]] {
        let spans = vec![span(Grain::Hours, 0, NOW / DAY * DAY), span(Grain::Days, NOW / DAY * DAY, ALWAYS)];
        let whole = UsageQuestion { by, spans, ..question() };
        let expected = it.store.usage(&whole).await.unwrap();
        let (mut paged, mut after) = (Vec::new(), None);
        while paged.len() < expected.len() {
            let page = UsageQuestion { limit: 2, after: after.take(), ..whole.clone() };
            let rows = it.store.usage(&page).await.unwrap();
            after = rows.last().map(|row| row.place.clone());
            assert!(!rows.is_empty() && rows.len() <= 2);
            paged.extend(rows);
        }
        assert_eq!(paged, expected);
        let beyond = UsageQuestion { after, ..whole };
        assert_eq!(it.store.usage(&beyond).await.unwrap(), []);
    }
}

pub(super) async fn usage_is_kept_for_so_long(it: Fixture) {
    let store = &*it.store;
    two_organizations(store).await;
    put(store, Write::InsertKey(key(1, 1))).await;
    let mut noted = Noted::default();
    for hour in 0..1100 {
        for route in ["/a", "/b"] {
            noted.did(did(1, NOW - hour * HOUR, route, ""), used(1, 1));
        }
    }
    take_in(store, noted).await;
    told(store, vec![batch("v", 1, 7)]).await;
    let left = async || {
        let hours = UsageQuestion { spans: vec![span(Grain::Hours, 0, ALWAYS)], ..question() };
        let hours = asked(store, &hours).await.remove(0);
        (hours, asked(store, &question()).await.remove(0))
    };
    for (days, steps, hours, all) in [
        (0, 0, "1683/1684/1", "2201/2202/1"),
        (34, 1, "51/52/1", "2201/2202/1"),
        (36, 0, "0/0/0", "2201/2202/1"),
        (399, 0, "0/0/0", "27/28/1"),
        (401, 0, "0/0/0", "0/0/0"),
    ] {
        let mut again = 0;
        while store.forget_usage(NOW + days * DAY).await.unwrap() {
            again += 1;
        }
        assert_eq!((again, left().await), (steps, (hours.to_owned(), all.to_owned())), "after {days} days");
    }
    assert_eq!(told(store, vec![batch("v", 1, 7)]).await.applied, 1, "a stream is forgotten in the end");
}
