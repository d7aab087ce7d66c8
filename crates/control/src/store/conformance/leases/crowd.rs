//! Ten thousand organisations with a plan.

use std::time::{Duration, Instant};

use portcullis_api::edge::{FloorsAfter, MeterState};

use super::super::{Fixture, Place};
use super::{NOW, plan, put};
use crate::store::{LeaseCall, Write};

const COUNT: usize = 10_000;

pub(in super::super) async fn a_call_takes_little_among_many_organizations(it: Fixture) {
    put(&*it.store, Write::InsertPlan(plan(30_000))).await;
    let (numbers, id) = match it.place {
        Place::Sqlite(_) => (
            "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 10000)",
            "printf('org_%016d', n)",
        ),
        Place::Postgres(_) => ("WITH n AS (SELECT generate_series(1, 10000) AS n)", "'org_' || lpad(n::text, 16, '0')"),
    };
    let columns = "id, name, state, is_default, created_at, changed_in, plan";
    it.sql(&format!(
        "INSERT INTO organizations ({columns}) {numbers} SELECT {id}, 'x', 'active', FALSE, {NOW}, 1, 'plan' FROM n"
    ))
    .await
    .unwrap();
    let call = |seq| LeaseCall {
        edge: "e".to_owned(),
        boot: "00000000000000a1".to_owned(),
        now_ms: NOW * 1000 + seq,
        ..LeaseCall::default()
    };
    let (mut after, mut grants, mut seq) = (FloorsAfter::default(), Vec::new(), 1);
    let began = Instant::now();
    loop {
        let page = it.store.lease(&LeaseCall { floors: Some(after.clone()), ..call(seq) }).await.unwrap();
        grants.extend(page.grants);
        seq += 1;
        after.subject = page.floors.unwrap().subject;
        if after.subject.is_none() {
            break;
        }
    }
    let floors = began.elapsed();
    assert_eq!(grants.len(), COUNT);
    let mut took = Vec::new();
    for count in [0, 1, 100, 1000] {
        let meters = grants.iter().take(count).map(|grant| {
            let told = MeterState {
                period: grant.period,
                granted: grant.granted,
                spent: 1,
                want: 10,
                revision: 1,
                ..MeterState::default()
            };
            (portcullis_engine::Subject::parse(&grant.subject).unwrap(), told)
        });
        let meters: Vec<_> = meters.collect();
        let began = Instant::now();
        for _ in 0..10 {
            seq += 1;
            it.store.lease(&LeaseCall { meters: meters.clone(), ..call(seq) }).await.unwrap();
        }
        took.push((count, began.elapsed() / 10));
    }
    println!("{COUNT} organisations: all floors in {floors:?}; a call about so many meters: {took:?}");
    assert!(floors < Duration::from_secs(60) && took.iter().all(|(_, it)| *it < Duration::from_secs(5)));
}
