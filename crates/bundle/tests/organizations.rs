//! Organisation shards: what is built is read, and what cannot be read is never "active" and never "without limits".
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use portcullis_bundle::{Layout, OrganizationEntry, OrganizationShard, build_organization_shard};
use portcullis_engine::{OrganizationId, OrganizationLimits, OrganizationState, Rate};

const RECORD: usize = 32;

fn entry(number: u8, state: OrganizationState, limits: OrganizationLimits) -> OrganizationEntry {
    OrganizationEntry { id: OrganizationId::from_bytes([number; 10]), state, limits }
}

fn build(entries: &[OrganizationEntry]) -> Vec<u8> {
    build_organization_shard(&Layout::default(), 0, entries).unwrap().bytes().to_vec()
}

/// Every state with every kind of limits; the first has neither.
fn all() -> Vec<OrganizationEntry> {
    let states = [
        OrganizationState::Active,
        OrganizationState::Suspended,
        OrganizationState::QuotaExhausted { until: u64::from(u32::MAX) + 7 },
    ];
    let rate = Rate::new(600, 60, 1200).ok();
    let limits = [(false, None), (true, None), (false, rate), (true, rate)];
    let limits = limits.map(|(metered, rate)| OrganizationLimits { metered, rate });
    let pairs = states.into_iter().flat_map(|state| limits.into_iter().map(move |limits| (state, limits)));
    (0..).zip(pairs).map(|(number, (state, limits))| entry(number, state, limits)).collect()
}

#[test]
fn what_is_written_is_read() {
    let (mut entries, bytes) = (all(), build(&all()));
    let shard = OrganizationShard::open(&bytes).unwrap();
    for entry in &entries {
        assert_eq!(shard.find(&entry.id), Ok((entry.state, entry.limits)));
    }
    assert_eq!(shard.find(&OrganizationId::from_bytes([200; 10])), Ok(Default::default()));
    entries.reverse();
    assert_eq!(build(&entries), bytes, "in any order");
}

#[test]
fn only_what_is_active_and_unlimited_needs_no_record() {
    for (index, one) in all().iter().enumerate() {
        let bytes = build(std::slice::from_ref(one));
        assert_eq!(bytes.len(), if index == 0 { 4 } else { 4 + RECORD }, "{one:?}");
        assert_eq!(OrganizationShard::open(&bytes).unwrap().is_empty(), index == 0);
    }
}

#[test]
fn what_cannot_be_read_is_an_error() {
    let limits = OrganizationLimits { metered: true, rate: Rate::new(10, 1, 20).ok() };
    let one = entry(1, OrganizationState::Active, limits);
    let bytes = build(&[one]);
    // (offset in the record, the bytes put there)
    for (offset, put) in [
        (10, &[3][..]),
        (10, &[255]),
        (19, &[4 | 1]),
        (19, &[255]),
        (20, &[0; 4]),
        (24, &[0; 4]),
        (24, &[255; 4]),
        (28, &[0; 4]),
        (28, &[255; 4]),
        (20, &[255; 4]),
    ] {
        let mut bytes = bytes.clone();
        bytes[4 + offset..4 + offset + put.len()].copy_from_slice(put);
        assert!(OrganizationShard::open(&bytes).unwrap().find(&one.id).is_err(), "{put:?} at {offset}");
    }
    for bytes in [&b"POS1"[..], b"POS3", b"POS", &bytes[..bytes.len() - 1], &[&bytes[..], &[0]].concat()] {
        assert!(OrganizationShard::open(bytes).is_err(), "{bytes:?}");
    }
}
