//! Webhooks, and how their deliveries are handed out.

use futures_util::future::join_all;

use super::Fixture;
use super::accounts::ALL;
use super::rows::{NOW, change, organization_id, put, two_organizations, with};
use crate::caller::Scope;
use crate::id::{DeliveryId, WebhookId};
use crate::store::{DeliveryRow, Outcome, Slice, Store, StoreError, WebhookRow, WebhookWrite, Write};

const NOW_MS: u64 = NOW * 1000;

fn webhook(organization: u8) -> WebhookRow {
    WebhookRow {
        id: WebhookId::generate().unwrap(),
        organization: organization_id(organization),
        url: "https://hooks.example.com/ü?a='b'".to_owned(),
        events: "quota.threshold".parse().unwrap(),
        secret: vec![0, 1, 255],
        created_by: "ada".to_owned(),
        created_at: NOW,
        disabled_at: None,
    }
}

fn delivery(webhook: &WebhookRow, cause: &str, next_at_ms: u64) -> DeliveryRow {
    DeliveryRow {
        id: DeliveryId::generate().unwrap(),
        webhook: webhook.id,
        cause: cause.to_owned(),
        event: "webhook.test".to_owned(),
        body: r#"{"type":"webhook.test"}"#.to_owned(),
        created_at: NOW,
        attempts: 0,
        next_at_ms: Some(next_at_ms),
        last_at: None,
        last_status: None,
        last_error: None,
        delivered_at: None,
        given_up_at: None,
    }
}

async fn write(store: &dyn Store, write: WebhookWrite) {
    put(store, Write::Webhook(write)).await;
}

async fn refused(store: &dyn Store, write: WebhookWrite) -> StoreError {
    store.write(&with(change(1), Write::Webhook(write)), 0).await.unwrap_err()
}

async fn made(store: &dyn Store, organization: u8) -> WebhookRow {
    let row = webhook(organization);
    write(store, WebhookWrite::Insert(row.clone())).await;
    row
}

async fn sent(store: &dyn Store, webhook: &WebhookRow, cause: &str, next_at_ms: u64) -> DeliveryRow {
    let row = delivery(webhook, cause, next_at_ms);
    write(store, WebhookWrite::InsertDelivery(row.clone())).await;
    row
}

pub(super) async fn webhooks_come_back_as_they_were_written(it: Fixture) {
    let store = &*it.store;
    two_organizations(store).await;
    let (mine, theirs) = (made(store, 1).await, made(store, 2).await);
    for (scope, id, found) in [
        (Scope::All, mine.id, Some(&mine)),
        (Scope::Only(organization_id(1)), mine.id, Some(&mine)),
        (Scope::Only(organization_id(1)), theirs.id, None),
    ] {
        assert_eq!(store.webhook(scope, id).await.unwrap().as_ref(), found);
    }
    assert_eq!(store.webhooks(Scope::Only(organization_id(2)), &ALL).await.unwrap(), std::slice::from_ref(&theirs));
    let first = store.webhooks(Scope::All, &Slice { after: None, limit: 1 }).await.unwrap().remove(0);
    let after = Slice { after: Some((first.created_at, first.id.to_string())), limit: 9 };
    let second = store.webhooks(Scope::All, &after).await.unwrap();
    assert!(second.len() == 1 && second[0] != first);
    let events = "quota.threshold quota.threshold.all".parse().unwrap();
    let to = WebhookRow { url: "https://b.example".to_owned(), events, disabled_at: Some(NOW + 1), ..mine.clone() };
    let replace = WebhookWrite::Replace { from: mine.clone(), to: to.clone() };
    write(store, replace.clone()).await;
    assert_eq!(store.webhook(Scope::All, mine.id).await.unwrap(), Some(to.clone()));
    assert!(matches!(refused(store, replace).await, StoreError::Conflict), "it is another by now");
    let version = store.version().await.unwrap();
    write(store, WebhookWrite::Replace { from: to, to: mine }).await;
    assert_eq!(store.version().await.unwrap(), version, "edges need not know");
}

pub(super) async fn a_webhook_goes_with_what_it_was_sent(it: Fixture) {
    let store = &*it.store;
    two_organizations(store).await;
    let (gone, stays) = (made(store, 1).await, made(store, 1).await);
    let (lost, kept) = (sent(store, &gone, "a", NOW_MS).await, sent(store, &stays, "a", NOW_MS).await);
    write(store, WebhookWrite::Delete(gone.id)).await;
    assert!(matches!(refused(store, WebhookWrite::Delete(gone.id)).await, StoreError::Conflict));
    assert_eq!(store.delivery(gone.id, lost.id).await.unwrap(), None);
    assert_eq!(store.delivery(gone.id, kept.id).await.unwrap(), None, "it is another's");
    assert_eq!(store.delivery(stays.id, kept.id).await.unwrap(), Some(kept));
    sent(store, &gone, "b", NOW_MS).await;
    assert_eq!(store.pending_deliveries().await.unwrap(), 1, "what is gone is told nothing");
}

pub(super) async fn what_is_due_is_the_first_of_each_webhook(it: Fixture) {
    let store = &*it.store;
    two_organizations(store).await;
    let (one, two, off) = (made(store, 1).await, made(store, 2).await, made(store, 1).await);
    let second = sent(store, &one, "second", NOW_MS - 1).await;
    let first = sent(store, &one, "first", NOW_MS - 3).await;
    let other = sent(store, &two, "first", NOW_MS).await;
    sent(store, &two, "later", NOW_MS + 1).await;
    sent(store, &off, "never", NOW_MS - 9).await;
    write(store, WebhookWrite::Replace { from: off.clone(), to: WebhookRow { disabled_at: Some(NOW), ..off } }).await;
    let due = async |now_ms, most| {
        let due = store.due(now_ms, most, 9).await.unwrap();
        due.into_iter().map(|it| (it.delivery.cause, it.webhook)).collect::<Vec<_>>()
    };
    assert_eq!(due(NOW_MS, 9).await, [("first".to_owned(), one.clone()), ("first".to_owned(), two.clone())]);
    assert_eq!(due(NOW_MS, 1).await, [("first".to_owned(), one.clone())]);
    assert_eq!(due(NOW_MS - 4, 9).await, []);
    assert!(store.claim_delivery(&first, NOW_MS + 60_000).await.unwrap());
    assert_eq!(due(NOW_MS, 1).await, [("second".to_owned(), one)]);
    let all = store.deliveries(two.id, &ALL).await.unwrap();
    assert!(all.len() == 2 && all.contains(&other), "{all:?}");
    assert!(store.claim_delivery(&second, NOW_MS + 60_000).await.unwrap());
    assert_eq!(store.pending_deliveries().await.unwrap(), 5);
}

pub(super) async fn of_one_organisation_only_so_much_is_due_at_once(it: Fixture) {
    let store = &*it.store;
    two_organizations(store).await;
    for number in 0..20 {
        let webhook = made(store, 1).await;
        sent(store, &webhook, &format!("{number}"), NOW_MS - 60 + number).await;
        sent(store, &webhook, "later", NOW_MS - 30 + number).await;
    }
    sent(store, &made(store, 2).await, "other", NOW_MS).await;
    for (most, of_one, expected) in
        [(16, 4, &["0", "1", "2", "3", "other"][..]), (16, 1, &["0", "other"]), (3, 4, &["0", "1", "2"]), (16, 0, &[])]
    {
        let due = store.due(NOW_MS, most, of_one).await.unwrap();
        assert_eq!(due.iter().map(|it| it.delivery.cause.as_str()).collect::<Vec<_>>(), expected, "{most} {of_one}");
    }
}

pub(super) async fn so_many_messages_that_were_asked_for_wait(it: Fixture) {
    let store = &*it.store;
    two_organizations(store).await;
    let (webhook, other) = (made(store, 1).await, made(store, 1).await);
    let ask = |cause: &str| WebhookWrite::InsertDelivery(delivery(&webhook, cause, NOW_MS));
    let arrived = sent(store, &webhook, "arrived", NOW_MS).await;
    let done = Outcome { at: NOW, status: Some(200), error: None, again_at_ms: None };
    store.settle_delivery(arrived.id, NOW_MS, &done).await.unwrap();
    let asked =
        (0..20).map(async |number| store.write(&with(change(1), Write::Webhook(ask(&number.to_string()))), 0).await);
    let written = join_all(asked).await.into_iter().filter(Result::is_ok).count();
    assert_eq!(written, 10, "however many ask at once");
    for write in [ask("more"), WebhookWrite::Retry(arrived.id, NOW_MS)] {
        assert!(matches!(refused(store, write).await, StoreError::TooManyWaiting));
    }
    sent(store, &other, "beside", NOW_MS).await;
    let waits = store.due(NOW_MS, 9, 9).await.unwrap().remove(0).delivery;
    write(store, WebhookWrite::Retry(waits.id, NOW_MS)).await;
    let told = [delivery(&webhook, "quota", NOW_MS)];
    it.sql(&format!(
        "INSERT INTO quota_events (subject, organization, period_start, period_end, percent, quota_limit, used, at_ms) \
         VALUES ('x', '{}', 10, 20, 50, 1000, 501, 12345)",
        organization_id(1)
    ))
    .await
    .unwrap();
    let event = store.untold_quota_events(9).await.unwrap().remove(0);
    store.tell_quota_event(event.id, &told).await.unwrap();
    assert!(store.delivery(webhook.id, told[0].id).await.unwrap().is_some(), "nobody asked for it");
}

pub(super) async fn of_many_who_claim_a_delivery_one_has_it(it: Fixture) {
    let store = &*it.store;
    two_organizations(store).await;
    let webhook = made(store, 1).await;
    let row = sent(store, &webhook, "a", NOW_MS).await;
    let claims = join_all((1..=8).map(|n| store.claim_delivery(&row, NOW_MS + n))).await;
    assert_eq!(claims.into_iter().filter(|it| matches!(it, Ok(true))).count(), 1);
    assert!(store.due(NOW_MS, 9, 9).await.unwrap().is_empty());
    let again = store.due(NOW_MS + 8, 9, 9).await.unwrap();
    assert_eq!(again.len(), 1, "whoever had it may be gone");
    assert!(store.claim_delivery(&again[0].delivery, NOW_MS + 99).await.unwrap());
}

pub(super) async fn an_attempt_is_written_by_whoever_holds_the_claim(it: Fixture) {
    let store = &*it.store;
    two_organizations(store).await;
    let webhook = made(store, 1).await;
    let row = sent(store, &webhook, "a", NOW_MS).await;
    let found = async || store.delivery(webhook.id, row.id).await.unwrap().unwrap();
    assert!(store.claim_delivery(&row, NOW_MS + 5).await.unwrap());
    let error = Some("answered with status 500".to_owned());
    let failed = Outcome { at: NOW + 1, status: Some(500), error: error.clone(), again_at_ms: Some(NOW_MS + 9) };
    store.settle_delivery(row.id, NOW_MS + 4, &failed).await.unwrap();
    assert_eq!(found().await.attempts, 0, "somebody else has it");
    store.settle_delivery(row.id, NOW_MS + 5, &failed).await.unwrap();
    let first = DeliveryRow {
        attempts: 1,
        next_at_ms: Some(NOW_MS + 9),
        last_at: Some(NOW + 1),
        last_status: Some(500),
        last_error: error,
        ..row.clone()
    };
    assert_eq!(found().await, first);
    let given_up = Outcome { again_at_ms: None, status: None, ..failed };
    let settle = |claimed| WebhookWrite::Settle(row.id, claimed, given_up.clone());
    assert!(matches!(refused(store, settle(NOW_MS)).await, StoreError::Conflict));
    write(store, settle(NOW_MS + 9)).await;
    let row_now = found().await;
    assert_eq!((row_now.attempts, row_now.next_at_ms, row_now.given_up_at), (2, None, Some(NOW + 1)));
    write(store, WebhookWrite::Retry(row.id, NOW_MS + 20)).await;
    let row_now = found().await;
    assert_eq!((row_now.attempts, row_now.next_at_ms, row_now.given_up_at), (0, Some(NOW_MS + 20), None));
    // A late answer to an attempt whose claim is over.
    let arrived = Outcome { at: NOW + 2, status: Some(204), error: None, again_at_ms: None };
    store.settle_delivery(row.id, NOW_MS + 5, &arrived).await.unwrap();
    let row_now = found().await;
    assert_eq!((row_now.attempts, row_now.next_at_ms, row_now.delivered_at), (1, None, Some(NOW + 2)));
    store.settle_delivery(row.id, NOW_MS + 20, &failed_again()).await.unwrap();
    assert_eq!(found().await, row_now, "it arrived");
}

fn failed_again() -> Outcome {
    Outcome { at: NOW + 3, status: None, error: Some("no connection".to_owned()), again_at_ms: Some(NOW_MS + 99) }
}

pub(super) async fn a_cause_is_told_once(it: Fixture) {
    let store = &*it.store;
    two_organizations(store).await;
    let (one, two) = (made(store, 1).await, made(store, 1).await);
    for (webhook, cause) in [(&one, "a"), (&one, "a"), (&two, "a"), (&one, "b")] {
        sent(store, webhook, cause, NOW_MS).await;
    }
    assert_eq!(store.deliveries(one.id, &ALL).await.unwrap().len(), 2);
    assert_eq!(store.deliveries(two.id, &ALL).await.unwrap().len(), 1);
}

pub(super) async fn a_part_of_a_quota_is_told_once(it: Fixture) {
    let store = &*it.store;
    two_organizations(store).await;
    let webhook = made(store, 1).await;
    for percent in [50, 80] {
        let sql = format!(
            "INSERT INTO quota_events (subject, organization, period_start, period_end, percent, quota_limit, used, at_ms) \
             VALUES ('key_0000000000000000', '{}', 10, 20, {percent}, 1000, 501, 12345)",
            organization_id(1)
        );
        it.sql(&sql).await.unwrap();
    }
    let untold = store.untold_quota_events(9).await.unwrap();
    let parts: Vec<_> = untold.iter().map(|it| (it.subject.as_str(), it.organization, it.percent, it.limit)).collect();
    let subject = "key_0000000000000000";
    assert_eq!(parts, [(subject, organization_id(1), 50, 1000), (subject, organization_id(1), 80, 1000)]);
    assert_eq!((untold[0].period_start, untold[0].period_end, untold[0].used, untold[0].at_ms), (10, 20, 501, 12345));
    // Two control planes that saw it at once.
    for _ in 0..2 {
        store.tell_quota_event(untold[0].id, &[delivery(&webhook, "quota 50", NOW_MS)]).await.unwrap();
    }
    assert_eq!(store.deliveries(webhook.id, &ALL).await.unwrap().len(), 1);
    assert_eq!(store.untold_quota_events(9).await.unwrap(), untold[1..]);
    assert_eq!(store.untold_quota_events(0).await.unwrap(), []);
}

pub(super) async fn what_is_done_is_forgotten(it: Fixture) {
    let store = &*it.store;
    two_organizations(store).await;
    let webhook = made(store, 1).await;
    let (done, open) = (sent(store, &webhook, "a", NOW_MS).await, sent(store, &webhook, "b", NOW_MS).await);
    let arrived = Outcome { at: NOW, status: Some(200), error: None, again_at_ms: None };
    store.settle_delivery(done.id, NOW_MS, &arrived).await.unwrap();
    store.forget_deliveries(NOW).await.unwrap();
    assert_eq!(store.deliveries(webhook.id, &ALL).await.unwrap().len(), 2);
    store.forget_deliveries(NOW + 1).await.unwrap();
    assert_eq!(store.deliveries(webhook.id, &ALL).await.unwrap(), [open]);
}
