//! Rows and changes to test with.

use std::collections::BTreeMap;

use portcullis_api::KeyKind;
use portcullis_engine::{KeyDigest, KeyId, OrganizationId, OrganizationState};

use crate::caller::Caller;
use crate::store::{Action, Change, KeyRow, Noted, OrganizationRow, Portion, Store, TakenIn, Target, Write};

pub(super) const NOW: u64 = 1_768_478_400;

pub(super) fn organization_id(number: u8) -> OrganizationId {
    OrganizationId::from_bytes([number; 10])
}

pub(super) fn key_id(number: u16) -> KeyId {
    let mut bytes = [0; 10];
    bytes[8..].copy_from_slice(&number.to_be_bytes());
    KeyId::from_bytes(bytes)
}

pub(super) fn organization(number: u8) -> OrganizationRow {
    OrganizationRow {
        id: organization_id(number),
        name: format!("organisation {number}"),
        state: OrganizationState::Active,
        is_default: false,
        plan: None,
        time_zone: "UTC".to_owned(),
        created_at: NOW + u64::from(number),
        changed_in: 0,
    }
}

/// A key with nothing special about it.
pub(super) fn key(number: u16, organization: u8) -> KeyRow {
    KeyRow {
        id: key_id(number),
        kind: KeyKind::ApiKey,
        digest: KeyDigest::of(&number.to_be_bytes()),
        secret: None,
        name: format!("key {number}"),
        display: "sk_live_abcdef...".to_owned(),
        prefix: "sk_live_".to_owned(),
        environment: "live".to_owned(),
        organization: organization_id(organization),
        scopes: String::new(),
        restrictions: None,
        enabled: true,
        created_by: None,
        created_at: NOW,
        created_in: 0,
        expires_at: None,
        revoked_at: None,
        last_used: None,
        successor: None,
        metadata: BTreeMap::new(),
        trial: None,
        quota: None,
        rate: None,
        meter: None,
        skill: None,
        changed_in: 0,
    }
}

pub(super) fn change(organization: u8) -> Change {
    let caller = Caller { request_id: "req_1".to_owned(), ..Caller::system(organization_id(organization)) };
    Change::new(&caller, NOW * 1000)
}

/// A write, and a row in the log for it.
pub(super) fn with(change: Change, write: Write) -> Change {
    let (organization, action, target) = match &write {
        Write::InsertOrganization(row) => {
            (row.id, Action::OrganizationCreated, Target::new("organization", row.id, &row.name))
        }
        Write::ReplaceOrganization(row) => {
            (row.id, Action::OrganizationUpdated, Target::new("organization", row.id, &row.name))
        }
        Write::InsertKey(row) => (row.organization, Action::KeyCreated, Target::new("key", row.id, &row.name)),
        Write::ReplaceKey(row) => (row.organization, Action::KeyUpdated, Target::new("key", row.id, &row.name)),
        _ => return change.also(write),
    };
    change.add(write, organization, action, target)
}

/// Writes one thing.
pub(super) async fn put(store: &dyn Store, write: Write) -> u64 {
    store.write(&with(change(1), write), 0).await.unwrap()
}

/// Takes in what an edge told that numbers nothing.
pub(super) async fn take_in(store: &dyn Store, noted: Noted) -> TakenIn {
    store.take_in(&Portion { noted, ..Portion::default() }).await.unwrap()
}

/// Organisations 1 and 2.
pub(super) async fn two_organizations(store: &dyn Store) {
    for number in [1, 2] {
        put(store, Write::InsertOrganization(organization(number))).await;
    }
}
