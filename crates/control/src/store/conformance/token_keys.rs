//! The keys that access tokens are signed with.

use super::Fixture;
use super::rows::{change, put};
use crate::store::{Store, StoreError, TokenKeyRow, TokenKeysWrite, TokenSources, Write};

fn token_key(kid: &str) -> TokenKeyRow {
    TokenKeyRow {
        kid: kid.to_owned(),
        algorithm: "EdDSA".to_owned(),
        jwk: "{}".to_owned(),
        secret: Some(vec![0, 255, 7]),
        created_at: 1,
        signs_from: 2,
        signs_until: None,
        accepted_until: None,
        revoked_at: None,
    }
}

fn replace(from: &[TokenKeyRow], to: &[TokenKeyRow]) -> Write {
    Write::TokenKeys(TokenKeysWrite::Replace { from: from.to_vec(), to: to.to_vec() })
}

async fn sources(store: &dyn Store) -> TokenSources {
    // However much was taken in before, all of them are there: they are few.
    let version = store.version().await.unwrap();
    store.changes(version, 0).await.unwrap().tokens
}

pub(super) async fn token_keys_come_back_as_they_were_written(it: Fixture) {
    assert_eq!(sources(&*it.store).await, TokenSources::default());
    let before = it.store.version().await.unwrap();
    let ended = TokenKeyRow {
        secret: None,
        signs_until: Some(3),
        accepted_until: Some(4),
        revoked_at: Some(5),
        ..token_key("A-b_1")
    };
    let both = [ended, token_key("b")];
    put(&*it.store, replace(&[], &both)).await;
    put(&*it.store, Write::TokenKeys(TokenKeysWrite::Issuer("https://one.example".to_owned()))).await;
    put(&*it.store, Write::TokenKeys(TokenKeysWrite::Issuer("https://two.example".to_owned()))).await;
    assert_eq!(it.store.token_keys().await.unwrap(), both);
    assert_eq!(it.store.token_issuer().await.unwrap().as_deref(), Some("https://two.example"));
    let expected = TokenSources { issuer: Some("https://two.example".to_owned()), keys: both.to_vec() };
    assert_eq!(sources(&*it.store).await, expected);
    assert_eq!(it.store.version().await.unwrap(), before + 3, "edges have to know");
}

pub(super) async fn of_many_who_replace_token_keys_one_does(it: Fixture) {
    let writers = (0..8).map(|number| {
        let store = it.store.clone();
        tokio::spawn(async move {
            let row = token_key(&format!("key-{number}"));
            store.write(&change(1).also(replace(&[], &[row])), 0).await
        })
    });
    let mut done = 0;
    for outcome in futures_util::future::join_all(writers).await {
        match outcome.unwrap() {
            Ok(_) => done += 1,
            Err(error) => assert!(matches!(error, StoreError::Conflict), "{error:?}"),
        }
    }
    assert_eq!((done, it.store.token_keys().await.unwrap().len()), (1, 1));
}
