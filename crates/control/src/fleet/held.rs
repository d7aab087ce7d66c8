//! Which of the edges' keys edges have, as far as they tell: those that give out no secrets, and older ones, do not.
//!
//! Invariant: an edge has a key only if all of it has, so what is said here is never more than what requests find.

use std::collections::BTreeSet;

use portcullis_api::KeyHolders;
use portcullis_seal::KeyName;

use super::list::{by_edge, is_silent};
use super::{GONE_AFTER_MS, SILENT_AFTER_MS};
use crate::app::App;
use crate::error::Error;
use crate::store::{Lately, VmRow};

/// The keys of each edge that reports now and tells.
#[derive(Clone, Debug, Default)]
pub(crate) struct Holders(Vec<BTreeSet<KeyName>>);

impl Holders {
    /// How many have that one.
    pub(crate) fn of(&self, key: KeyName) -> KeyHolders {
        let count = |edges: usize| u64::try_from(edges).unwrap_or(u64::MAX);
        let holding = self.0.iter().filter(|held| held.contains(&key)).count();
        KeyHolders { holding: count(holding), reporting: count(self.0.len()) }
    }
}

/// Of all edges.
pub(crate) async fn holders(app: &App) -> Result<Holders, Error> {
    app.fleet.settle().await?;
    let now_ms = app.clock.millis();
    let edges = by_edge(app.store.vms(since_ms(now_ms)).await?);
    Ok(Holders(edges.values().filter_map(|vms| held(vms, now_ms)).collect()))
}

/// The edges of which some part could not open every secret without that key.
pub(crate) async fn in_need_of(app: &App, key: KeyName) -> Result<Vec<String>, Error> {
    app.fleet.settle().await?;
    Ok(app.store.edges_in_need_of(key, lately(app.clock.millis())).await?)
}

/// Whom a key must not be taken from.
pub(crate) fn lately(now_ms: u64) -> Lately {
    Lately { there_ms: since_ms(now_ms), known_ms: now_ms.saturating_sub(GONE_AFTER_MS) }
}

/// Whoever reported since then reports now.
fn since_ms(now_ms: u64) -> u64 {
    now_ms.saturating_sub(SILENT_AFTER_MS)
}

/// What all VMs of an edge have that tell; those that fell silent count only if all did.
pub(super) fn held(vms: &[VmRow], now_ms: u64) -> Option<BTreeSet<KeyName>> {
    let is_alive = |vm: &VmRow| !is_silent(vm.reported_at_ms, now_ms);
    let all_silent = !vms.iter().any(is_alive);
    let told = vms.iter().filter(|vm| all_silent || is_alive(vm)).filter_map(|vm| vm.edge_keys.clone());
    told.reduce(|all, these| &all & &these)
}

/// As it is shown.
pub(super) fn ids(held: &BTreeSet<KeyName>) -> Vec<String> {
    held.iter().map(KeyName::to_string).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW_MS: u64 = 1_768_478_400_000;

    fn key(number: u8) -> KeyName {
        KeyName::from_bytes([number; 8])
    }

    /// A VM that reported so long ago, with these keys.
    fn vm((ago_ms, keys): &(u64, Option<&[u8]>)) -> VmRow {
        VmRow {
            edge: "e".to_owned(),
            vm: "1".to_owned(),
            applied_version: 1,
            bundle_age_seconds: 0,
            edge_keys: keys.map(|keys| keys.iter().map(|it| key(*it)).collect()),
            reported_at_ms: NOW_MS - ago_ms,
        }
    }

    #[test]
    fn an_edge_has_what_all_of_it_has_that_is_there_and_tells() {
        type Row<'a> = (&'a [(u64, Option<&'a [u8]>)], Option<&'a [u8]>);
        let rows: [Row<'_>; 8] = [
            (&[], None),
            (&[(0, None)], None),
            (&[(0, Some(&[]))], Some(&[])),
            (&[(0, Some(&[1, 2])), (5, Some(&[2, 3]))], Some(&[2])),
            (&[(0, Some(&[1])), (0, None)], Some(&[1])),
            (&[(0, Some(&[1])), (60_001, Some(&[2]))], Some(&[1])),
            (&[(0, None), (60_001, Some(&[2]))], None),
            (&[(60_001, Some(&[1, 2])), (70_000, Some(&[2]))], Some(&[2])),
        ];
        for (vms, expected) in rows {
            let vms: Vec<_> = vms.iter().map(vm).collect();
            let expected = expected.map(|keys| keys.iter().map(|it| key(*it)).collect());
            assert_eq!(held(&vms, NOW_MS), expected, "{vms:?}");
        }
    }

    #[test]
    fn edges_are_counted_that_have_a_key() {
        let holders = Holders([&[1, 2][..], &[2], &[]].map(|keys| keys.iter().map(|it| key(*it)).collect()).into());
        for (number, holding) in [(1, 1), (2, 2), (3, 0)] {
            assert_eq!(holders.of(key(number)), KeyHolders { holding, reporting: 3 });
        }
    }
}
