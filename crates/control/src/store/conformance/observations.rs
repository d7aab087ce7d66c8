//! What was let through and is told of all the same.

use portcullis_api::edge::SampleKind;

use super::Fixture;
use super::rows::{NOW, change, key, key_id, put, two_organizations};
use crate::store::{OBSERVATIONS_OF_A_KEY, Seen, Sighting, Write};

fn sighting(number: u16, kind: SampleKind, path: &str) -> Sighting {
    Sighting {
        key: key_id(number),
        kind,
        reason: "ip_not_allowed".to_owned(),
        address: "192.0.2.1".to_owned(),
        referrer: String::new(),
        method: "GET".to_owned(),
        path: path.to_owned(),
    }
}

fn seen(requests: u64, first: u64, last: u64) -> Seen {
    Seen { requests, first: NOW + first, last: NOW + last }
}

pub(super) async fn sightings_are_counted_and_forgotten(it: Fixture) {
    two_organizations(&*it.store).await;
    put(&*it.store, Write::InsertKey(key(1, 1))).await;
    let (trial, observe) = (SampleKind::Trial, SampleKind::Observe);
    let told = [
        (sighting(1, trial, "/a"), seen(2, 5, 5)),
        (sighting(1, observe, "/b"), seen(9, 1, 1)),
        (sighting(2, trial, "/of no key"), seen(1, 1, 1)),
    ];
    it.store.observe(&told).await.unwrap();
    it.store.observe(&[(sighting(1, trial, "/a"), seen(3, 4, 4))]).await.unwrap();
    let (a, b) = ((sighting(1, trial, "/a"), seen(5, 5, 5)), (sighting(1, observe, "/b"), seen(9, 1, 1)));
    for (kind, expected) in
        [(None, vec![b.clone(), a.clone()]), (Some(trial), vec![a.clone()]), (Some(SampleKind::Retiring), vec![])]
    {
        assert_eq!(it.store.observations(key_id(1), kind).await.unwrap(), expected, "{kind:?}");
    }
    assert_eq!(it.store.observations(key_id(2), None).await.unwrap(), []);
    it.store.forget_observations(NOW + 2).await.unwrap();
    assert_eq!(it.store.observations(key_id(1), None).await.unwrap(), [a]);
    it.store.write(&change(1).also(Write::ForgetObservations(key_id(1), trial)), 0).await.unwrap();
    assert_eq!(it.store.observations(key_id(1), None).await.unwrap(), []);
}

pub(super) async fn a_key_has_so_many_sightings(it: Fixture) {
    two_organizations(&*it.store).await;
    put(&*it.store, Write::InsertKey(key(1, 1))).await;
    let most = u64::from(OBSERVATIONS_OF_A_KEY);
    let told: Vec<_> =
        (0..most + 7).map(|path| (sighting(1, SampleKind::Observe, &path.to_string()), seen(1, 1, 1))).collect();
    it.store.observe(&told).await.unwrap();
    let found = it.store.observations(key_id(1), None).await.unwrap();
    assert_eq!(found.len() as u64, most + 1);
    let together = sighting(1, SampleKind::Observe, "").summary();
    assert_eq!(found[0], (together, seen(7, 1, 1)), "those beyond are counted together");
}
