//! How databases find what they are asked for: by the index that was meant.

use super::Fixture;

/// A table of a hundred thousand keys would be walked through for each listing, or each time something is published.
pub(super) async fn what_is_selective_is_found_by_its_index(it: Fixture) {
    for (sql, index) in it.planned() {
        let plan = it.plan(&sql).await;
        assert!(plan.contains(index), "{sql}: {plan}");
        assert!(!plan.contains("keys_organization"), "{sql}: {plan}");
    }
}
