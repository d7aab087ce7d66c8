//! The audit log.

use serde_json::json;

use super::Fixture;
use super::rows::{NOW, change, key, organization_id, put, two_organizations};
use crate::caller::{Caller, Scope};
use crate::store::{Action, AuditFilter, AuditRow, Change, Target, Write};

fn everything() -> AuditFilter {
    AuditFilter {
        scope: Scope::All,
        actor: None,
        action: None,
        target: None,
        since_ms: None,
        until_ms: None,
        before: None,
        limit: 1000,
    }
}

pub(super) async fn every_write_leaves_its_rows(it: Fixture) {
    two_organizations(&*it.store).await;
    let caller =
        Caller { address: Some([192, 0, 2, 1].into()), ..Caller::root(organization_id(1), None, "req_7".to_owned()) };
    let written = Change::new(&caller, NOW * 1000 + 5)
        .add(Write::InsertKey(key(1, 2)), organization_id(2), Action::KeyCreated, Target::new("key", "key_1", "Ünï"))
        .detail([("scopes", json!(["a:b"]))])
        .note(organization_id(1), Action::SignedIn, Target::new("user", "usr_1", "ada"));
    let version = it.store.write(&written, NOW * 1000).await.unwrap();
    let note = change(1).note(organization_id(1), Action::SignedOut, Target::new("user", "usr_1", "ada"));
    it.store.write(&note, NOW * 1000).await.unwrap();
    let found = it.store.audit(&everything()).await.unwrap();
    assert_eq!((found[0].action, found[0].version), (Action::SignedOut, None), "no version for what takes none");
    let ids = [found[2].id, found[1].id];
    assert!(found[0].id > ids[1] && ids[1] > ids[0]);
    let expected: Vec<_> =
        written.audit.into_iter().zip(ids).map(|(row, id)| AuditRow { id, version: Some(version), ..row }).collect();
    assert_eq!([found[2].clone(), found[1].clone()].as_slice(), expected);
}

pub(super) async fn the_log_is_filtered(it: Fixture) {
    let by = |name: &str| Caller::root(organization_id(1), None, name.to_owned());
    for (number, organization, action) in [
        (1, 1, Action::KeyCreated),
        (2, 2, Action::KeyRevoked),
        (3, 1, Action::OrganizationUpdated),
        (4, 1, Action::KeyCreated),
    ] {
        let target = Target::new("key", format!("key_{number}"), format!("name {number}"));
        let caller = if number == 4 { Caller::system(organization_id(1)) } else { by("req") };
        let note = Change::new(&caller, NOW * 1000 + number).note(organization_id(organization), action, target);
        it.store.write(&note, 0).await.unwrap();
    }
    let text = |text: &str| Some(text.to_owned());
    for (filter, expected) in [
        (everything(), vec![4, 3, 2, 1]),
        (AuditFilter { scope: Scope::Only(organization_id(2)), ..everything() }, vec![2]),
        (AuditFilter { scope: Scope::Only(organization_id(3)), ..everything() }, vec![]),
        (AuditFilter { action: text("key.created"), ..everything() }, vec![4, 1]),
        (AuditFilter { action: text("key"), ..everything() }, vec![4, 2, 1]),
        (AuditFilter { action: text("ke"), ..everything() }, vec![]),
        (AuditFilter { actor: text("system"), ..everything() }, vec![4]),
        (AuditFilter { actor: text("control plane"), ..everything() }, vec![4]),
        (AuditFilter { target: text("key_2"), ..everything() }, vec![2]),
        (AuditFilter { target: text("name 3"), ..everything() }, vec![3]),
        (AuditFilter { target: text("' OR 1 = 1 --"), ..everything() }, vec![]),
        (AuditFilter { since_ms: Some(NOW * 1000 + 2), until_ms: Some(NOW * 1000 + 4), ..everything() }, vec![3, 2]),
        (AuditFilter { limit: 2, ..everything() }, vec![4, 3]),
    ] {
        let found = it.store.audit(&filter).await.unwrap();
        let found: Vec<_> = found.iter().map(|row| row.at_ms - NOW * 1000).collect();
        assert_eq!(found, expected, "{filter:?}");
    }
}

pub(super) async fn the_log_is_read_in_pages_newest_first(it: Fixture) {
    two_organizations(&*it.store).await;
    for number in 0..7 {
        put(&*it.store, Write::InsertKey(key(number, 1))).await;
    }
    let all = it.store.audit(&everything()).await.unwrap();
    assert_eq!(all.len(), 9);
    let (mut found, mut before) = (Vec::new(), None);
    loop {
        let page = it.store.audit(&AuditFilter { before, limit: 2, ..everything() }).await.unwrap();
        let Some(last) = page.last() else { break };
        before = Some(last.id);
        found.extend(page);
    }
    assert_eq!(found, all);
}

pub(super) async fn the_log_only_grows(it: Fixture) {
    two_organizations(&*it.store).await;
    let before = it.store.audit(&everything()).await.unwrap();
    let mut statements = vec!["UPDATE audit SET detail = 'x'", "DELETE FROM audit", "DELETE FROM audit WHERE id = 1"];
    if let super::Place::Postgres(_) = it.place {
        // SQLite has no such statement.
        statements.push("TRUNCATE audit");
    }
    for statement in statements {
        let refusal = it.sql(statement).await.unwrap_err();
        assert!(refusal.contains("the audit log only grows"), "{statement}: {refusal}");
    }
    assert_eq!(it.store.audit(&everything()).await.unwrap(), before);
    let replaced = "INSERT OR REPLACE INTO audit SELECT id, at_ms, organization, actor_kind, actor_id, actor_name, address, \
                    request_id, action, target_kind, target_id, 'other', detail, version FROM audit";
    if let super::Place::Sqlite(_) = it.place {
        let refusal = it.sql(replaced).await.unwrap_err();
        assert!(refusal.contains("the audit log only grows"), "{refusal}");
    }
}
