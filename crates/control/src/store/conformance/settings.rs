//! Settings.

use futures_util::future::join_all;

use super::Fixture;

pub(super) async fn the_first_to_settle_a_setting_decides(it: Fixture) {
    let settle = |number: u8| {
        let store = it.store.clone();
        async move { store.settle("signing_key", &number.to_string()).await.unwrap() }
    };
    let settled = join_all((0..6).map(settle).map(tokio::spawn).collect::<Vec<_>>()).await;
    let settled: Vec<_> = settled.into_iter().map(|done| done.unwrap()).collect();
    assert!(settled.iter().all(|it| *it == settled[0]), "{settled:?}");
    assert_eq!(it.store.settle("other", "x").await.unwrap(), "x");
}

pub(super) async fn a_setting_can_be_replaced(it: Fixture) {
    for value in ["old", "new"] {
        it.store.replace_setting("signing_key", value).await.unwrap();
        assert_eq!(it.store.settle("signing_key", "other").await.unwrap(), value);
    }
}
