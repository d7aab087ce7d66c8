//! Forgetting what is of no more use.

use super::{Fleet, GONE_AFTER_MS};
use crate::clock::DAY;
use crate::store::{Before, SLOT_MS, StoreError};

const MINUTE_MS: u64 = 60 * 1000;
/// Counts of an edge that is gone are kept for when it comes back.
const EDGE_DAYS: u64 = 7;
const OBSERVATION_DAYS: u64 = 30;

impl Fleet {
    /// Forgets a little of everything that is old.
    pub(super) async fn upkeep(&self, now_ms: u64) {
        self.known().forget_gone(now_ms);
        let done = self.forget(now_ms).await;
        let _ = done.inspect_err(|error| tracing::error!(%error, "what edges reported long ago stays"));
    }

    async fn forget(&self, now_ms: u64) -> Result<(), StoreError> {
        let now = now_ms / 1000;
        let before = Before {
            // Longer than any VM is asked about: a control plane that was away must find them as they were.
            vm_ms: now_ms.saturating_sub(6 * GONE_AFTER_MS),
            edge_ms: now_ms.saturating_sub(EDGE_DAYS * DAY * 1000),
            slot: now_ms.saturating_sub(2 * MINUTE_MS) / SLOT_MS,
            hour: now.saturating_sub(2 * DAY),
        };
        while self.store.forget_reports(&before).await? {}
        self.store.close_boots(now_ms).await?;
        if (now_ms / MINUTE_MS).is_multiple_of(60) {
            while self.store.forget_leases(now_ms).await? {}
        }
        while self.store.forget_usage(now).await? {}
        self.store.forget_observations(now.saturating_sub(OBSERVATION_DAYS * DAY)).await?;
        // What is used again ends its grant, so what was used is kept until it would be over anyway.
        self.store.forget_redeemed(now.saturating_sub(DAY)).await?;
        self.store.forget_denials(now.saturating_sub(DAY)).await
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::sync::Arc;

    use portcullis_api::edge::{Report, SampleKind};
    use portcullis_engine::OrganizationId;
    use serde_json::json;
    use sqlx::ConnectOptions as _;
    use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};

    use super::*;
    use crate::caller::{Caller, Scope};
    use crate::clock::HOUR;
    use crate::metrics::Metrics;
    use crate::policy::PolicyRoom;
    use crate::store::{Audience, Change, Denials as _, Edges as _, Observations as _, SqliteStore, Store as _, Write};

    const NOON_MS: u64 = 1_768_478_400_000;
    const KEY: &str = "key_0000000000000000";

    pub(in super::super) struct Bench {
        pub fleet: Arc<Fleet>,
        pub store: Arc<SqliteStore>,
        pub policy: PolicyRoom,
        folder: tempfile::TempDir,
    }

    impl Bench {
        pub(in super::super) async fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let store = Arc::new(SqliteStore::open(&folder.path().join("portcullis.sqlite")).await.unwrap());
            let policy = "name = \"test\"\nenvironments = [\"live\"]\nrules = [{ path = \"/**\" }]\n\
                          credentials = [{ in = \"header\", name = \"x-key\" }]\n\
                          keys = [{ prefix = \"sk_\", environment = \"live\", body_length = 24 }]";
            let policy = PolicyRoom::new(portcullis_policy::parse(policy, "policy.toml").unwrap()).unwrap();
            Self { fleet: Arc::new(Fleet::new(store.clone(), Arc::new(Metrics::new(0)))), store, policy, folder }
        }

        /// Another connection to the same file.
        pub(in super::super) async fn beside(&self) -> SqliteConnection {
            let file = self.folder.path().join("portcullis.sqlite");
            SqliteConnectOptions::new().filename(file).connect().await.unwrap()
        }

        async fn hear(&self, report: serde_json::Value, now_ms: u64) {
            let report: Report = serde_json::from_value(report).unwrap();
            assert!(self.fleet.hear(&self.policy, report, now_ms));
            self.fleet.settle().await.unwrap();
        }
    }

    #[tokio::test]
    async fn what_is_old_is_forgotten_and_nothing_else() {
        let bench = Bench::new().await;
        let store = &bench.store;
        let denial = json!({ "request_id": "6c1f", "at": NOON_MS / 1000, "reason": "no_rule", "method": "GET" });
        let report = json!({ "edge": "e", "vm": "1", "applied_version": 7, "allowed": 1, "denials": [denial] });
        bench.hear(report, NOON_MS).await;
        let audience = |strangers| Audience { scope: Scope::Only(OrganizationId::from_bytes([0; 10])), strangers };
        assert!(
            store.denial(audience(false), "6c1f").await.unwrap().is_none(),
            "a stranger's is the operator's to see"
        );
        for (hours, vms, edges, hours_kept, denials) in
            [(1, 1, 1, 1, 1), (2, 0, 1, 1, 1), (24, 0, 1, 1, 1), (25, 0, 1, 1, 0), (50, 0, 1, 0, 0), (169, 0, 0, 0, 0)]
        {
            bench.fleet.upkeep(NOON_MS + hours * HOUR * 1000).await;
            let left = (
                store.vms(0).await.unwrap().len(),
                store.edges(0, 0).await.unwrap().len(),
                store.traffic(0).await.unwrap().len(),
                usize::from(store.denial(audience(true), "6c1f").await.unwrap().is_some()),
            );
            assert_eq!(left, (vms, edges, hours_kept, denials), "after {hours} h");
        }
        bench.hear(json!({ "edge": "e", "vm": "1", "applied_version": 9 }), NOON_MS).await;
        let progress = store.progress(8, 0).await.unwrap();
        assert_eq!(progress.first().unwrap().oldest, Some(9), "what it was before is forgotten with it");
    }

    #[tokio::test]
    async fn the_last_versions_of_a_vm_are_kept() {
        let bench = Bench::new().await;
        for version in 1..=300 {
            let report = json!({ "edge": "e", "vm": "1", "applied_version": version });
            let report: Report = serde_json::from_value(report).unwrap();
            assert!(bench.fleet.hear(&bench.policy, report, NOON_MS + version));
        }
        bench.fleet.settle().await.unwrap();
        let progress = bench.store.progress(300, 0).await.unwrap();
        assert_eq!((progress[0].oldest, progress[0].reached_ms), (Some(45), Some(NOON_MS + 300)));
    }

    #[tokio::test]
    async fn observations_end_with_what_they_are_about() {
        let bench = Bench::new().await;
        let store = &bench.store;
        let mut other = bench.beside().await;
        for sql in [
            "INSERT INTO observations VALUES ('key_0000000000000000', 'trial', '', '', '', '', '', 1, 1768478400, 1768478400)",
            "INSERT INTO observations VALUES ('key_0000000000000000', 'observe', '', '', '', '', '', 2, 1768478400, 1768478400)",
        ] {
            sqlx::query(sql).execute(&mut other).await.unwrap();
        }
        let kinds = async || {
            let rows = store.observations(KEY.parse().unwrap(), None).await.unwrap();
            rows.iter().map(|(sighting, _)| sighting.kind).collect::<Vec<_>>()
        };
        assert_eq!(kinds().await, [SampleKind::Observe, SampleKind::Trial]);
        let forget = Write::ForgetObservations(KEY.parse().unwrap(), SampleKind::Trial);
        let change = Change::new(&Caller::system(OrganizationId::from_bytes([0; 10])), NOON_MS).also(forget);
        let version = store.write(&change, 0).await.unwrap();
        assert_eq!(version, store.version().await.unwrap(), "edges need not know");
        assert_eq!(kinds().await, [SampleKind::Observe]);
        bench.fleet.upkeep(NOON_MS + 31 * DAY * 1000).await;
        assert_eq!(kinds().await, []);
    }
}
