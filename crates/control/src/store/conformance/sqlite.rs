//! What only SQLite has to do: columns hold whatever was put into them.

use portcullis_engine::KeyStatus;

use super::Fixture;
use super::rows::{key, key_id, put, two_organizations};
use crate::store::Write;

/// Of a thousand keys that are read in one go, one that cannot be costs no other its place.
#[tokio::test]
async fn a_key_with_bytes_for_a_text_is_switched_off_and_no_other() {
    let it = Fixture::sqlite().await;
    two_organizations(&*it.store).await;
    for number in 1..=9 {
        put(&*it.store, Write::InsertKey(key(number, 1))).await;
    }
    let expected = it.store.changes(0, 0).await.unwrap().keys;
    it.sql(&format!("UPDATE keys SET scopes = x'ff', name = x'ff' WHERE id = '{}'", key_id(5))).await.unwrap();
    for after in [0, 1] {
        let keys = it.store.changes(after, 0).await.unwrap().keys;
        assert_eq!(keys.len(), expected.len());
        for (key, before) in keys.iter().zip(&expected) {
            match key.id == key_id(5) {
                true => assert_eq!(key.status, KeyStatus::Disabled),
                false => assert_eq!(key, before),
            }
        }
        let mut listed = Vec::new();
        it.store.summaries(after, &mut |summary| listed.push(summary.id)).await.unwrap();
        listed.sort_unstable();
        listed.dedup();
        assert_eq!(listed, (1..=9).filter(|number| *number != 5).map(key_id).collect::<Vec<_>>());
    }
}
