//! How fetching an issuer's keys went.

use std::collections::BTreeMap;

use portcullis_api::KeyKind;

use super::Fixture;
use super::rows::{change, key, key_id, organization, put};
use crate::caller::Scope;
use crate::store::{Fetched, IssuerRow, IssuerWrite, KeyRow, Write};

fn fetched(problem: &str) -> Fetched {
    Fetched { at: 1, next_ms: 2, failures: 3, problem: Some(problem.to_owned()) }
}

pub(super) async fn how_a_fetch_went_is_told_of_the_row_it_was_for(it: Fixture) {
    let first = IssuerRow {
        key: key_id(1),
        issuer: "https://a.example".to_owned(),
        audiences: vec!["x".to_owned()],
        types: vec!["jwt".to_owned()],
        jwks_uri: None,
        scope_claim: "scope".to_owned(),
        scope_map: BTreeMap::new(),
        jwks: Vec::new(),
        fetched: fetched("first"),
        changed_in: 0,
    };
    put(&*it.store, Write::InsertOrganization(organization(1))).await;
    let insert = change(1)
        .also(Write::InsertKey(KeyRow { kind: KeyKind::Issuer, ..key(1, 1) }))
        .also(Write::Issuer(IssuerWrite::Insert(first)));
    it.store.write(&insert, 0).await.unwrap();
    let read = async || it.store.issuer(Scope::All, key_id(1)).await.unwrap().unwrap().row;
    let before = read().await;
    let moved =
        IssuerRow { jwks_uri: Some("https://b.example".to_owned()), fetched: fetched("moved"), ..before.clone() };
    it.store.write(&change(1).also(Write::Issuer(IssuerWrite::Replace(moved))), 0).await.unwrap();
    let after = read().await;
    let settled = async |row: &IssuerRow| {
        it.store.settle_issuer(&IssuerRow { fetched: fetched("settled"), ..row.clone() }).await.unwrap()
    };
    assert!(!settled(&before).await, "it was for where the keys were before");
    assert_eq!(read().await, after);
    assert!(settled(&after).await);
    assert_eq!(read().await, IssuerRow { fetched: fetched("settled"), ..after });
}
