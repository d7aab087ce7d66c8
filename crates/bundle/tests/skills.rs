//! Shards of skills: what is built is read, whatever else is refused, and a bundle without skills is the bundle it always was.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use portcullis_bundle::{
    Blob, BuildError, Layout, MANIFEST_FORMAT, Manifest, SecretEntry, SkillEntry, SkillShard, build_skill_shard,
    skill_shard_of, skill_shards,
};
use portcullis_engine::{OrganizationId, SecretId, SecretState, SecretValue, ServiceLink, Skill, SkillId, SkillSecret};

const ORGANIZATION: OrganizationId = OrganizationId::from_bytes([7; 10]);

fn id(number: u16) -> SkillId {
    let mut bytes = [0; 10];
    bytes[..2].copy_from_slice(&number.to_be_bytes());
    SkillId::from_bytes(bytes)
}

fn secret(name: &str, number: u8, boxes: &[(u8, usize)]) -> SecretEntry {
    let sealed = boxes.iter().map(|(key, length)| ([*key; 8], vec![*key; *length])).collect();
    SecretEntry { name: name.into(), secret: Some((SecretId::from_bytes([number; 10]), sealed)) }
}

/// With a secret in two boxes, one that is not there, an empty box, the longest there is.
fn entry(number: u16) -> SkillEntry {
    SkillEntry {
        id: id(number),
        organization: ORGANIZATION,
        secrets: vec![
            secret("a", 1, &[(1, 56), (2, 56)]),
            SecretEntry { name: "missing".into(), secret: None },
            secret(&"n".repeat(64), 3, &[(1, 0)]),
            secret("z", 4, &[(1, 48 + 4096)]),
        ],
        services: vec![("weather".into(), vec![0]), ("crm".into(), vec![1, 3, 2]), (String::new(), vec![])],
    }
}

fn bare(number: u16) -> SkillEntry {
    SkillEntry { id: id(number), organization: ORGANIZATION, secrets: Vec::new(), services: Vec::new() }
}

/// As [`entry`] is read by whoever opens nothing.
fn expected(number: u16) -> Skill {
    let sealed = |number| SecretState::Sealed(SecretId::from_bytes([number; 10]));
    let secret = |name: &str, state| SkillSecret { name: name.into(), state };
    let link = |service: &str, secrets| ServiceLink { service: service.into(), secrets };
    Skill {
        id: id(number),
        organization: ORGANIZATION,
        secrets: vec![
            secret("a", sealed(1)),
            secret("missing", SecretState::Missing),
            secret(&"n".repeat(64), sealed(3)),
            secret("z", sealed(4)),
        ],
        services: vec![link("weather", vec![0]), link("crm", vec![1, 3, 2]), link("", vec![])],
    }
}

fn build(entries: &[SkillEntry]) -> Vec<u8> {
    build_skill_shard(1, 0, entries).unwrap().bytes().to_vec()
}

/// Reads all that can be read, opening nothing.
fn read(bytes: &[u8]) -> Vec<Skill> {
    let Ok(shard) = SkillShard::open(bytes) else { return Vec::new() };
    let skills = shard.ids().map(|id| shard.find(&id, |secret| SecretState::Sealed(secret.id)));
    let skills: Vec<_> = skills.filter_map(|found| found.ok().flatten()).collect();
    assert!(shard.check().is_err() || skills.len() == shard.ids().count());
    skills
}

#[test]
fn what_is_written_is_read() {
    let bytes = build(&[entry(3), bare(1), entry(2)]);
    let shard = SkillShard::open(&bytes).unwrap();
    assert_eq!(shard.ids().collect::<Vec<_>>(), [id(1), id(2), id(3)], "sorted");
    assert_eq!(shard.check(), Ok(()));
    assert_eq!(read(&bytes)[1..], [expected(2), expected(3)]);
    assert_eq!(shard.find(&id(4), |_| SecretState::Missing), Ok(None));
    assert_eq!(build(&[entry(2), entry(3), bare(1)]), bytes, "in any order");
    assert!(SkillShard::open(&build(&[])).unwrap().ids().next().is_none());
}

#[test]
fn whoever_opens_a_secret_sees_its_boxes() {
    let bytes = build(&[entry(1)]);
    let mut seen = Vec::new();
    let skill = SkillShard::open(&bytes).unwrap().find(&id(1), |secret| {
        seen.push((
            secret.id.as_bytes()[0],
            secret.boxes.iter().map(|(key, sealed)| (key[0], sealed.len())).collect::<Vec<_>>(),
        ));
        SecretState::Open(secret.id, SecretValue::new(b"a-value-".to_vec()).unwrap())
    });
    assert_eq!(
        seen,
        [(1, vec![(1, 56), (2, 56)]), (3, vec![(1, 0)]), (4, vec![(1, 4144)])],
        "none for what is missing"
    );
    let skill = skill.unwrap().unwrap();
    let link = skill.link("crm").unwrap();
    assert!(matches!(skill.secret(link, b"z").unwrap().state, SecretState::Open(..)));
    assert_eq!(skill.secret(link, b"missing").unwrap().state, SecretState::Missing);
    assert!(skill.secret(link, b"a").is_none(), "it is linked to another service");
    assert!(skill.link("crm ").is_none());
}

#[test]
fn skills_are_spread_over_shards_that_agree_with_their_readers() {
    for (skills, shards) in
        [(0, 0), (1, 1), (32, 1), (33, 2), (64, 2), (65, 4), (1_000_000, 1 << 15), (usize::MAX, 1 << 15)]
    {
        assert_eq!(skill_shards(skills), shards, "{skills}");
    }
    let ids: Vec<_> = (0..=u16::MAX).step_by(37).map(id).collect();
    for shards in [1, 2, 64, 1 << 15] {
        let places: Vec<_> = ids.iter().map(|id| skill_shard_of(id, shards)).collect();
        assert!(places.is_sorted() && places.iter().all(|place| *place < shards), "{shards}");
        assert_eq!((places.first(), skill_shard_of(&id(u16::MAX), shards)), (Some(&0), shards - 1));
    }
    let wrong = build_skill_shard(2, 0, &[entry(u16::MAX)]);
    assert!(matches!(wrong, Err(BuildError::WrongShard(0))));
}

#[test]
fn what_does_not_fit_is_not_built() {
    let too_many = SkillEntry { services: vec![("s".into(), vec![0; 256])], ..bare(1) };
    let far = SkillEntry { services: vec![("s".into(), vec![256])], ..bare(1) };
    let long = SkillEntry { services: vec![("s".repeat(256), vec![])], ..bare(1) };
    let large = SkillEntry { secrets: vec![secret("a", 1, &[(1, 1 << 16)])], ..bare(1) };
    for entry in [too_many, far, long, large] {
        assert!(matches!(build_skill_shard(1, 0, &[entry]), Err(BuildError::TooLarge)));
    }
    let crowd: Vec<_> = (0..=u16::MAX).map(bare).collect();
    assert!(matches!(build_skill_shard(1, 0, &crowd), Err(BuildError::TooLarge)));
}

#[test]
fn a_shard_that_is_cut_is_refused_wherever_it_is_cut() {
    let small =
        SkillEntry { secrets: vec![secret("a", 1, &[(1, 3)])], services: vec![("s".into(), vec![0])], ..bare(2) };
    let whole = build(&[small.clone(), bare(1)]);
    assert_eq!(read(&whole).len(), 2);
    for length in 0..whole.len() {
        let cut = &whole[..length];
        assert!(SkillShard::open(cut).and_then(|shard| shard.check()).is_err(), "{length} bytes");
        read(cut);
    }
    // What is left over belongs to nobody.
    assert_eq!(read(&[&whole[..], b"more"].concat()).len(), 2);
}

#[test]
fn no_bytes_can_harm() {
    let whole = build(&[entry(1), bare(2), entry(3)]);
    // Every byte of the outline and of the first body in every way that matters, the rest in some.
    for place in 0..whole.len() {
        let values: &[u8] = if place < 400 { &[0, 1, 2, 0x7f, 0x80, 0xfe, 0xff] } else { &[0xff] };
        for value in values {
            let mut bytes = whole.clone();
            bytes[place] = *value;
            for skill in read(&bytes) {
                let known = |link: &ServiceLink| link.secrets.iter().all(|place| *place < skill.secrets.len());
                assert!(skill.services.iter().all(known), "byte {place}: a link leads nowhere");
            }
        }
    }
    for bytes in [&b""[..], b"SKL1", b"SKL1\0", b"SKL2\0\0", b"SKL1\x01\0", b"SKL1\xff\xff", &[0xff; 64]] {
        read(bytes);
    }
    // Ends that go back, and beyond.
    let mut bytes = build(&[bare(1), bare(2)]);
    bytes[16..20].copy_from_slice(&u32::MAX.to_le_bytes());
    assert_eq!(read(&bytes), []);
    bytes[16..20].copy_from_slice(&0_u32.to_le_bytes());
    assert!(SkillShard::open(&bytes).unwrap().check().is_err());
}

#[test]
fn a_manifest_names_shards_only_if_there_are_any() {
    let blob = Blob::new(*b"x").to_ref();
    let plain = Manifest {
        format: MANIFEST_FORMAT,
        version: 1,
        issued_at: 2,
        layout: Layout::default(),
        key_count: 0,
        policy: blob,
        tokens: None,
        skills: Vec::new(),
        organizations: vec![blob],
        keys: vec![blob],
    };
    let text = serde_json::to_string(&plain).unwrap();
    assert!(!text.contains("skills"), "{text}");
    assert_eq!(serde_json::from_str::<Manifest>(&text).unwrap(), plain);
    let with = Manifest { skills: vec![blob, blob], ..plain.clone() };
    let text = serde_json::to_string(&with).unwrap();
    assert_eq!(serde_json::from_str::<Manifest>(&text).unwrap(), with);
    assert_eq!(with.blobs().count(), plain.blobs().count() + 2);
}
