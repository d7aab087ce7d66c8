//! Plans, and what processes of edges do with leases.

mod crowd;
mod simulation;

use portcullis_api::edge::{FloorsAfter, Grant, GrantState, MeterState};
use portcullis_api::{KeyQuota, LostLeases, QuotaPeriod};
use portcullis_engine::Subject;

use super::Fixture;
use super::rows::{NOW, key, key_id, organization, organization_id, put, two_organizations};
use crate::quota::Period;
use crate::store::{KeyRow, LeaseCall, LeaseOutcome, OrganizationRow, PlanRow, Store, StoreError, TopUpRow, Write};

pub(super) use crowd::a_call_takes_little_among_many_organizations;
pub(super) use simulation::{limits_hold_whatever_happens, limits_hold_whoever_dies};

pub(super) fn plan(limit: u64) -> PlanRow {
    PlanRow {
        name: "plan".to_owned(),
        display_name: "Plan".to_owned(),
        limit: Some(limit),
        period: QuotaPeriod::ThirtyDays,
        rate: None,
        lost_leases: LostLeases::Spent,
        is_default: false,
        created_at: NOW,
        changed_in: 0,
    }
}

pub(super) fn subject() -> Subject {
    Subject::Organization(organization_id(1))
}

/// Organisation 1, with that plan.
pub(super) async fn with_plan(store: &dyn Store, row: PlanRow) {
    put(store, Write::InsertPlan(row)).await;
    let row = OrganizationRow { plan: Some("plan".to_owned()), created_at: NOW, ..organization(1) };
    put(store, Write::InsertOrganization(row)).await;
}

fn at(boot: &str, revision: u64, now_ms: u64, told: MeterState) -> LeaseCall {
    let told = MeterState { revision, ..told };
    let meters = vec![(Subject::parse(&told.subject).unwrap_or(subject()), told)];
    LeaseCall { edge: "e".to_owned(), boot: boot.to_owned(), now_ms, meters, floors: None }
}

fn told(granted: u64, spent: u64, returned: u64, want: u64) -> MeterState {
    MeterState { subject: subject().to_string(), period: NOW, granted, spent, returned, want, least: 0, revision: 0 }
}

/// A first call, which wants a token.
pub(super) fn wish(boot: &str) -> LeaseCall {
    at(boot, 1, NOW * 1000, told(0, 0, 0, 1))
}

async fn call(it: &Fixture, boot: &str, revision: u64, told: MeterState) -> LeaseOutcome {
    it.store.lease(&at(boot, revision, NOW * 1000, told)).await.unwrap()
}

fn granted(outcome: &LeaseOutcome) -> (u64, GrantState) {
    let Grant { granted, state, .. } = outcome.grants[0];
    (granted, state)
}

pub(super) async fn plans_come_back_as_they_were_written(it: Fixture) {
    let free = it.store.plan("free").await.unwrap().unwrap();
    assert_eq!((free.limit, free.period, free.is_default), (Some(30_000), QuotaPeriod::ThirtyDays, false));
    let rate = portcullis_api::plans::Rate { requests: 1, seconds: 2, burst: 3 };
    let row = PlanRow { rate: Some(rate), lost_leases: LostLeases::Returned, is_default: true, limit: None, ..plan(0) };
    let changed_in = put(&*it.store, Write::InsertPlan(row.clone())).await;
    let row = PlanRow { changed_in, ..row };
    assert_eq!(it.store.plan("plan").await.unwrap(), Some(row.clone()));
    let stale = PlanRow { changed_in: changed_in - 1, ..row.clone() };
    for write in [Write::ReplacePlan(stale), Write::DeletePlan("plan".to_owned(), changed_in - 1)] {
        let refused = it.store.write(&super::rows::change(1).also(write), 0).await;
        assert!(matches!(refused, Err(StoreError::Conflict)), "{refused:?}");
    }
    put(&*it.store, Write::InsertPlan(PlanRow { name: "next".to_owned(), is_default: true, ..plan(1) })).await;
    let defaults: Vec<_> = it.store.plans().await.unwrap().into_iter().filter(|it| it.is_default).collect();
    assert_eq!(defaults.iter().map(|it| it.name.as_str()).collect::<Vec<_>>(), ["next"]);
}

pub(super) async fn a_plan_that_somebody_has_stays_and_changes_for_them(it: Fixture) {
    with_plan(&*it.store, plan(10)).await;
    let row = it.store.plan("plan").await.unwrap().unwrap();
    assert_eq!(it.store.plan_uses("plan").await.unwrap(), 1);
    let delete = Write::DeletePlan(row.name.clone(), row.changed_in);
    let refused = it.store.write(&super::rows::change(1).also(delete), 0).await;
    assert!(matches!(refused, Err(StoreError::Conflict)), "{refused:?}");
    let before = it.store.version().await.unwrap();
    put(&*it.store, Write::ReplacePlan(PlanRow { limit: None, ..row })).await;
    let changed = it.store.changes(before, 0).await.unwrap().organizations;
    assert_eq!(changed.iter().map(|it| it.id).collect::<Vec<_>>(), [organization_id(1)]);
    let outcome = call(&it, "a", 1, told(0, 0, 0, 1)).await;
    assert_eq!((outcome.unmetered, outcome.grants.len()), (vec![subject()], 0));
}

pub(super) async fn the_sums_are_those_of_the_leases(it: Fixture) {
    with_plan(&*it.store, plan(1000)).await;
    for (boot, revision, told, expected) in [
        ("a", 1, told(0, 0, 0, 10), (10, GrantState::Granted)),
        ("a", 1, told(0, 0, 0, 10), (10, GrantState::Granted)), // doubled
        ("b", 1, told(0, 0, 0, 4), (4, GrantState::Granted)),
        ("a", 3, told(10, 8, 0, 10), (18, GrantState::Granted)),
        ("a", 2, told(10, 2, 0, 10), (18, GrantState::Granted)), // late
        ("a", 4, told(18, 9, 9, 1), (19, GrantState::Granted)),
        ("c", 1, told(500, 20, 0, 480), (500, GrantState::Granted)), // forgotten, as after a restore
    ] {
        assert_eq!(granted(&call(&it, boot, revision, told.clone()).await), expected, "{boot} {revision} {told:?}");
        it.check_sums().await;
    }
    let (_, meter) = it.store.meter(subject(), NOW).await.unwrap();
    let sums = meter.unwrap().sums;
    assert_eq!((sums.charged, sums.spent, sums.in_doubt), (10 + 4 + 500, 9 + 20, 0));
    assert_eq!(it.store.held(NOW * 1000).await.unwrap(), (10 + 4 + 500 - 29, 0));
}

pub(super) async fn what_a_dead_process_held_is_in_doubt_or_returned(it: Fixture) {
    for (lost, charged_then) in [(LostLeases::Spent, 20), (LostLeases::Returned, 5)] {
        let it = it.again().await;
        with_plan(&*it.store, PlanRow { lost_leases: lost, ..plan(2000) }).await;
        call(&it, "a", 1, told(0, 0, 0, 20)).await;
        call(&it, "a", 2, told(20, 5, 0, 0)).await;
        let later = (NOW + 3600) * 1000;
        assert_eq!(it.store.close_boots(later).await.unwrap(), 1);
        assert_eq!(it.store.close_boots(later).await.unwrap(), 0, "once");
        it.check_sums().await;
        let sums = it.store.meter(subject(), NOW).await.unwrap().1.unwrap().sums;
        assert_eq!((sums.charged, sums.used()), (charged_then, charged_then), "{lost:?}");
        // It was not dead after all: it is told to give all back, gets nothing before, and is then charged what it spent.
        let late = it.store.lease(&at("a", 3, later, told(20, 8, 0, 30))).await.unwrap();
        let is_owed = lost == LostLeases::Returned;
        assert_eq!(late.recall.is_empty(), !is_owed, "{lost:?}");
        assert_eq!(granted(&late).0, if is_owed { 20 } else { 28 }, "{lost:?}");
        let settled = it.store.lease(&at("a", 4, later, told(20, 8, 12, 0))).await.unwrap();
        assert_eq!(settled.recall, Vec::<String>::new());
        let sums = it.store.meter(subject(), NOW).await.unwrap().1.unwrap().sums;
        assert_eq!((sums.spent, sums.in_doubt), (8, 0), "{lost:?}");
        it.check_sums().await;
    }
}

pub(super) async fn others_give_back_for_whoever_has_half_of_what_it_wants_or_less(it: Fixture) {
    with_plan(&*it.store, plan(100)).await;
    call(&it, "b", 1, told(98, 95, 0, 0)).await;
    for (spent, revision, state, recalled) in [(0, 1, GrantState::Granted, 0), (1, 2, GrantState::Busy, 1)] {
        let outcome = call(&it, "a", revision, told(2, spent, 0, 3)).await;
        assert_eq!(granted(&outcome), (2, state), "{spent} of 2 spent, nothing is free");
        assert_eq!(call(&it, "b", 1, told(98, 95, 0, 0)).await.recall.len(), recalled, "{spent} of 2 spent");
        it.check_sums().await;
    }
}

pub(super) async fn a_rotated_key_shares_the_meter_of_the_first(it: Fixture) {
    two_organizations(&*it.store).await;
    let quota = |limit| Some(KeyQuota { limit, period: QuotaPeriod::ThirtyDays });
    put(&*it.store, Write::InsertKey(KeyRow { quota: quota(10), ..key(1, 1) })).await;
    let next = KeyRow { quota: quota(20), meter: Some(key_id(1)), ..key(2, 1) };
    put(&*it.store, Write::InsertKey(next.clone())).await;
    assert_eq!(it.store.key(crate::caller::Scope::All, key_id(2)).await.unwrap().unwrap().meter, Some(key_id(1)));
    let floors = Some(FloorsAfter::default());
    let first = LeaseCall { boot: "a".to_owned(), now_ms: NOW * 1000, floors, ..LeaseCall::default() };
    let all = it.store.lease(&first).await.unwrap();
    let seen: Vec<_> = all.grants.iter().map(|it| (it.subject.clone(), it.limit, it.granted)).collect();
    assert_eq!(seen, [(key_id(1).to_string(), 20, 1)], "one meter, and the newest says how much");
    let version = all.floors.unwrap().version;
    let after = |version| Some(FloorsAfter { version, subject: None });
    let none = LeaseCall { boot: "a".to_owned(), now_ms: NOW * 1000, floors: after(version), ..LeaseCall::default() };
    assert_eq!(it.store.lease(&none).await.unwrap().grants, []);
}

pub(super) async fn a_period_that_began_keeps_its_bounds(it: Fixture) {
    with_plan(&*it.store, plan(1000)).await;
    let first = call(&it, "a", 1, told(0, 0, 0, 1)).await.grants[0].clone();
    let end = NOW + 30 * 86_400;
    assert_eq!((first.period, first.ends), (NOW, end));
    let row = it.store.plan("plan").await.unwrap().unwrap();
    put(&*it.store, Write::ReplacePlan(PlanRow { period: QuotaPeriod::Month, limit: Some(500), ..row })).await;
    let same = call(&it, "a", 2, told(1, 1, 0, 1)).await.grants[0].clone();
    assert_eq!((same.period, same.ends, same.granted, same.limit), (NOW, end, 2, 500));
    // 2026-02-14T12:00:00Z: the next begins there, and half a month is none: it ends with the one after it.
    let april = 1_775_001_600;
    let early = |now| at("a", 3, now * 1000, MeterState { period: end, ..told(0, 0, 0, 1) });
    for (now, period) in [(end - 61, NOW), (end - 60, end), (end, end)] {
        let next = it.store.lease(&early(now)).await.unwrap().grants[0].clone();
        assert_eq!((next.period, next.ends), (period, if period == end { april } else { end }), "{now}");
        let begun = it.text("SELECT CAST(COUNT(*) AS TEXT) FROM meters").await;
        assert_eq!(begun, [if period == end { "2" } else { "1" }], "what is not near has no bounds yet, at {now}");
    }
    let after = it.store.lease(&early(april)).await.unwrap().grants[0].clone();
    assert_eq!((after.period, after.granted), (april, 1), "whoever asks for what is over gets what runs");
}

pub(super) async fn a_top_up_is_for_the_period_that_runs(it: Fixture) {
    with_plan(&*it.store, plan(100)).await;
    let end = NOW + 30 * 86_400;
    let top_up = |start, end, created_at| {
        let period = Period { start, end };
        TopUpRow { organization: organization_id(1), period, tokens: 5, note: String::new(), created_at }
    };
    for (row, is_written) in [
        (top_up(NOW - 86_400, NOW + 86_400, NOW), false),
        (top_up(NOW, end, NOW), true),
        (top_up(NOW, end, end - 1), true),
        (top_up(NOW, end, end), false),
        (top_up(end, end + 30 * 86_400, end), true),
    ] {
        let written = it.store.write(&super::rows::change(1).also(Write::TopUp(row.clone())), 0).await;
        assert!(written.is_ok() == is_written, "{row:?}: {written:?}");
        assert!(is_written || matches!(written, Err(StoreError::Conflict)), "{row:?}: {written:?}");
    }
    let meters = it.text("SELECT period_start || ' ' || topped_up FROM meters ORDER BY period_start").await;
    assert_eq!(meters, [format!("{NOW} 10"), format!("{end} 5")]);
}

pub(super) async fn parts_of_a_limit_are_told_once_for_each_limit(it: Fixture) {
    with_plan(&*it.store, plan(100)).await;
    let spend = async |revision, spent| call(&it, "a", revision, told(1000, spent, 1000 - spent, 0)).await;
    let top_up = TopUpRow {
        organization: organization_id(1),
        period: Period { start: NOW, end: NOW + 30 * 86_400 },
        tokens: 100,
        note: "more".to_owned(),
        created_at: NOW,
    };
    let told =
        async || it.text("SELECT percent || '/' || quota_limit || '/' || used FROM quota_events ORDER BY id").await;
    let mut expected: Vec<&str> = Vec::new();
    for (revision, spent, more) in [
        (1, 49, &[][..]),
        (2, 50, &["50/100/50"]),
        (3, 50, &[]),
        (4, 49, &[]),
        (5, 50, &[]),
        (6, 100, &["80/100/100", "100/100/100"]),
    ] {
        spend(revision, spent).await;
        expected.extend(more);
        assert_eq!(told().await, expected, "{revision}");
    }
    put(&*it.store, Write::TopUp(top_up.clone())).await;
    assert_eq!(it.store.top_ups(organization_id(1)).await.unwrap(), [top_up]);
    spend(7, 159).await;
    assert_eq!(told().await, expected, "half of it was reached before");
    spend(8, 200).await;
    expected.extend(["80/200/200", "100/200/200"]);
    assert_eq!(told().await, expected);
}

pub(super) async fn leases_of_long_ago_are_forgotten_and_their_meters_kept(it: Fixture) {
    with_plan(&*it.store, plan(1000)).await;
    call(&it, "a", 1, told(0, 0, 0, 5)).await;
    let day = 86_400;
    for (days, leases, meters) in [(1, 1, 1), (31, 1, 1), (33, 0, 1), (429, 0, 1), (431, 0, 0)] {
        let now_ms = (NOW + days * day) * 1000;
        it.store.close_boots(now_ms).await.unwrap();
        while it.store.forget_leases(now_ms).await.unwrap() {}
        for (table, expected) in [("leases", leases), ("meters", meters)] {
            let count = it.text(&format!("SELECT CAST(COUNT(*) AS TEXT) FROM {table}")).await;
            assert_eq!(count, [expected.to_string()], "{table} after {days} days");
        }
    }
}
