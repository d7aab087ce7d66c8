//! Writing what was heard, a portion at a time.
//!
//! Invariants: what the database cannot take now stays for the next time; what it will never take is dropped, and keeps nothing
//! else from being written.

use super::Fleet;
use super::pending::Pending;
use crate::store::{Portion, StoreError};

impl Fleet {
    /// Writes all of it. One at a time: batches of a stream are written in their order.
    pub(super) async fn write(&self) -> Result<(), StoreError> {
        let _alone = self.writing.lock().await;
        let mut taken = std::mem::take(&mut *self.pending());
        while !taken.is_empty() {
            let portion = taken.portion();
            if let Err(error) = self.write_portion(portion, &mut taken).await {
                let mut pending = self.pending();
                let later = std::mem::replace(&mut *pending, taken);
                pending.absorb(later);
                self.heard.notify_one();
                return Err(error);
            }
        }
        Ok(())
    }

    /// Writes a portion, of which what is refused is halved until what is at fault is alone. If it fails, what is not written of it
    /// is put back.
    async fn write_portion(&self, portion: Portion, taken: &mut Pending) -> Result<(), StoreError> {
        let mut parts = vec![portion];
        while let Some(mut part) = parts.pop() {
            match self.store.take_in(&part).await {
                Ok(done) => self.metrics.taken_in(done),
                Err(error) if error.is_refusal() => match part.halve() {
                    Some(second) => parts.extend([second, part]),
                    None => self.drop_refused(&part, &error),
                },
                Err(error) => {
                    parts.push(part);
                    parts.into_iter().for_each(|it| taken.put_back(it));
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    fn drop_refused(&self, part: &Portion, error: &StoreError) {
        match part.batches.keys().next() {
            Some((stream, seq)) => {
                self.metrics.batch_dropped();
                tracing::error!(edge = %stream.edge, vm = %stream.vm, seq, %error, "a report is dropped: the database refuses it");
            }
            None => tracing::error!(%error, "a part of a report without a number is dropped: the database refuses it"),
        }
    }
}

#[cfg(test)]
mod tests {
    use portcullis_api::edge::Report;
    use serde_json::{Value, json};

    use super::super::upkeep::tests::Bench;
    use crate::store::{Edges as _, StoreError};

    const NOON_MS: u64 = 1_768_478_400_000;

    /// A report, of a strange version if the database is to refuse it.
    fn report(edge: &str, boot: u64, seq: u64, is_bad: bool) -> Value {
        let version = if is_bad { 666 } else { 7 };
        json!({ "edge": edge, "vm": "1", "boot": format!("{boot:016x}"), "seq": seq, "applied_version": version, "allowed": 1 })
    }

    /// How many requests of each edge are stored.
    async fn stored(bench: &Bench) -> Vec<(String, u64)> {
        let edges = bench.store.edges(0, 0).await.unwrap().into_iter();
        edges.map(|edge| (edge.edge, edge.counts.iter().map(|it| it.1).sum())).collect()
    }

    async fn refusing(code: &str) -> Bench {
        let bench = Bench::new().await;
        let sql = format!(
            "CREATE TRIGGER refused BEFORE INSERT ON edge_vms WHEN NEW.applied_version = 666 BEGIN SELECT {code}; END"
        );
        sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&mut bench.beside().await).await.unwrap();
        bench
    }

    #[tokio::test]
    async fn what_the_database_refuses_is_dropped_and_keeps_no_other_report_waiting() {
        for is_numbered in [true, false] {
            let bench = refusing("RAISE(ABORT, 'refused')").await;
            let hear = |edge: &str, seq, is_bad| {
                let sent = report(edge, 1, if is_numbered { seq } else { 0 }, is_bad);
                let sent: Report = serde_json::from_value(sent).unwrap();
                assert!(bench.fleet.hear(&bench.policy, sent, NOON_MS));
            };
            if is_numbered {
                (1..=30).for_each(|seq| hear("a", seq, false));
                (1..=9).for_each(|seq| hear("bad", seq, seq == 5));
                (1..=30).for_each(|seq| hear("z", seq, false));
                bench.fleet.settle().await.unwrap();
                let expected = [("a", 30), ("bad", 8), ("z", 30)].map(|(edge, count)| (edge.to_owned(), count));
                assert_eq!(stored(&bench).await, expected);
            } else {
                hear("bad", 0, true);
                bench.fleet.settle().await.unwrap();
                assert_eq!(stored(&bench).await, []);
                hear("a", 0, false);
                bench.fleet.settle().await.unwrap();
                assert_eq!(stored(&bench).await, [("a".to_owned(), 1)]);
            }
            assert!(bench.fleet.pending().is_empty());
        }
    }

    #[tokio::test]
    async fn what_the_database_cannot_take_now_stays() {
        // As a disk that is full, and anything else that is not the report's fault, does.
        let bench = refusing("no_such_function()").await;
        let sent: Report = serde_json::from_value(report("a", 1, 1, true)).unwrap();
        assert!(bench.fleet.hear(&bench.policy, sent, NOON_MS));
        for _ in 0..2 {
            let refused = bench.fleet.settle().await;
            assert!(matches!(refused, Err(StoreError::Database(_))), "{refused:?}");
            assert!(!bench.fleet.pending().is_empty());
        }
        sqlx::query("DROP TRIGGER refused").execute(&mut bench.beside().await).await.unwrap();
        bench.fleet.settle().await.unwrap();
        assert_eq!(stored(&bench).await, [("a".to_owned(), 1)]);
    }
}
