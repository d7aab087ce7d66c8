//! A bundle file with skills: they are found by the keys that belong to them, and a file without a shard does not open.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use portcullis_bundle::{Archive, Blob, KeyEntry, OrganizationEntry, SecretEntry, SkillEntry};
use portcullis_engine::spec::RestrictionsSpec;
use portcullis_engine::{
    KeyDigest, KeyId, KeyStatus, KeyStore as _, OrganizationId, OrganizationLimits, OrganizationState, PolicySpec,
    RestrictionSet, SecretId, SecretState, ServiceLink, Skill, SkillId, SkillSecret,
};
use portcullis_testkit::TestBundle;
use portcullis_testkit::bundle::{public_key, signing_key};

const ORGANIZATION: OrganizationId = OrganizationId::from_bytes([7; 10]);
const SECRET: SecretId = SecretId::from_bytes([1; 10]);

fn id(number: u16) -> SkillId {
    let mut bytes = [0; 10];
    bytes[..2].copy_from_slice(&number.to_be_bytes());
    SkillId::from_bytes(bytes)
}

fn entry(number: u16) -> SkillEntry {
    let secret = SecretEntry { name: "a".into(), secret: Some((SECRET, vec![([1; 8], vec![0; 56])])) };
    let services = vec![("weather".into(), vec![0])];
    SkillEntry { id: id(number), organization: ORGANIZATION, secrets: vec![secret], services }
}

fn expected(number: u16) -> Skill {
    let secret = SkillSecret { name: "a".into(), state: SecretState::Sealed(SECRET) };
    let services = vec![ServiceLink { service: "weather".into(), secrets: vec![0] }];
    Skill { id: id(number), organization: ORGANIZATION, secrets: vec![secret], services }
}

fn policy() -> PolicySpec {
    let credential = serde_json::json!({ "in": "header", "name": "x-key" });
    let key = serde_json::json!({ "prefix": "sk_", "environment": "live", "body_length": 12 });
    let spec = serde_json::json!({ "name": "agents", "environments": ["live"], "credentials": [credential],
        "keys": [key], "rules": [{ "path": "/" }] });
    serde_json::from_value(spec).unwrap()
}

/// A bundle of these skills and of a key that belongs to one, which may not be there.
fn bundle(skills: &[SkillEntry], skill: Option<u16>) -> TestBundle {
    let spec = RestrictionsSpec { skill: skill.map(|number| id(number).to_string()), ..RestrictionsSpec::default() };
    let key = KeyEntry {
        digest: KeyDigest::of(b"sk_0123456789ab"),
        id: KeyId::from_bytes([1; 10]),
        organization: ORGANIZATION,
        status: KeyStatus::Active,
        expires_at: None,
        scopes: Vec::new(),
        restrictions: RestrictionSet::compile(&spec).unwrap(),
    };
    let limits = OrganizationLimits::default();
    let organization = OrganizationEntry { id: ORGANIZATION, state: OrganizationState::Active, limits };
    TestBundle::build_all(&policy(), &[key], &[organization], None, skills, 1, 1).unwrap()
}

fn skill_of_the_key(archive: &mut Archive) -> Option<Skill> {
    let (_, mut keys) = archive.parts_mut();
    keys.find(&KeyDigest::of(b"sk_0123456789ab")).unwrap().unwrap().skill.cloned()
}

#[test]
fn a_file_holds_skills_and_opens_their_secrets_when_asked() {
    let skills: Vec<_> = (0..200).map(|number| entry(number * 320)).collect();
    let mut archive = bundle(&skills, Some(640)).open().unwrap();
    assert_eq!(archive.manifest().skills.len(), 8);
    assert_eq!(skill_of_the_key(&mut archive), Some(expected(640)));
    archive.open_secrets(|secret| SecretState::Unreadable(secret.id)).unwrap();
    let state = &skill_of_the_key(&mut archive).unwrap().secrets[0].state;
    assert_eq!(*state, SecretState::Unreadable(SECRET));
    for (why, skills, skill) in
        [("no skill", &skills[..], None), ("one that is gone", &skills[..3], Some(9)), ("none at all", &[], Some(9))]
    {
        assert_eq!(skill_of_the_key(&mut bundle(skills, skill).open().unwrap()), None, "{why}");
    }
}

#[test]
fn a_file_whose_shard_is_missing_or_broken_does_not_open() {
    let whole = bundle(&[entry(1)], Some(1));
    let without = whole.blobs.iter().filter(|blob| blob.digest() != whole.manifest.skills[0].digest);
    let file = Archive::write(&whole.signed, &without.cloned().collect::<Vec<_>>());
    assert!(Archive::open(&file, &[public_key()]).is_err());
    // As signed as any, and yet no shard.
    let mut broken = whole.clone();
    let nonsense = Blob::new(*b"SKL1\x01\0nonsense");
    broken.manifest.skills = vec![nonsense.to_ref()];
    broken.signed = signing_key().sign(&broken.manifest).unwrap();
    broken.blobs.push(nonsense);
    assert!(broken.open().is_err());
}
