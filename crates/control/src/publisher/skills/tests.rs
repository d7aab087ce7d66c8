//! Shards of skills: the same whatever led there, and only those with a change anew.

use portcullis_api::skills::ServiceLink;
use portcullis_bundle::{SkillShard, skill_shard_of};
use portcullis_engine::{SecretState, Skill};
use portcullis_seal::KeyName;

use super::*;
use crate::store::SecretRow;

fn organization(number: u8) -> OrganizationId {
    OrganizationId::from_bytes([number; 10])
}

/// Ids that are spread over all shards.
fn skill_id(number: u16) -> SkillId {
    let mut bytes = [7; 10];
    bytes[..2].copy_from_slice(&number.wrapping_mul(40_503).to_be_bytes());
    bytes[2..4].copy_from_slice(&number.to_be_bytes());
    SkillId::from_bytes(bytes)
}

fn skill(number: u16, of: u8, services: &[(&str, &[&str])]) -> SkillRow {
    let link = |(service, secrets): &(&str, &[&str])| ServiceLink {
        service: (*service).to_owned(),
        secrets: secrets.iter().map(|&it| it.to_owned()).collect(),
    };
    SkillRow {
        id: skill_id(number),
        organization: organization(of),
        owner: None,
        name: format!("skill {number}"),
        description: String::new(),
        version: 1,
        published: None,
        installed_from: None,
        services: services.iter().map(link).collect(),
        created_by: None,
        created_at: 1,
        changed_in: 1,
    }
}

fn secret(number: u8, of: u8, name: &str, sealed: &[u8]) -> (SecretRow, Boxes) {
    let row = SecretRow {
        id: SecretId::from_bytes([number; 10]),
        organization: organization(of),
        owner: None,
        name: name.to_owned(),
        description: String::new(),
        revision: 1,
        created_by: None,
        created_at: 1,
        replaced_by: None,
        replaced_at: 1,
        last_used: None,
        changed_in: 1,
    };
    let boxes = sealed.iter().map(|byte| (KeyName::from_bytes([*byte; 8]), vec![*byte; 60])).collect();
    (row, Boxes(boxes))
}

/// An organisation with so many skills, all of which refer to its secret.
fn sources(of: u8, skills: std::ops::Range<u16>, sealed: &[u8]) -> SkillSources {
    SkillSources {
        skills: skills.map(|number| skill(number, of, &[("weather", &["token"])])).collect(),
        secrets: vec![secret(of, of, "token", sealed)],
    }
}

fn built(steps: &[(u8, SkillSources)]) -> Vec<Blob> {
    let mut skills = Skills::default();
    for (of, sources) in steps {
        skills.put(organization(*of), sources);
        skills.build().unwrap();
    }
    skills.shards().to_vec()
}

fn read(shards: &[Blob], id: SkillId) -> Option<Skill> {
    let shard = shards.get(skill_shard_of(&id, shards.len()))?;
    SkillShard::open(shard.bytes()).unwrap().find(&id, |secret| SecretState::Sealed(secret.id)).unwrap()
}

#[test]
fn the_same_skills_give_the_same_shards_whatever_led_there() {
    let nothing = SkillSources::default;
    let at_once = built(&[(1, sources(1, 0..100, &[1])), (2, sources(2, 100..150, &[2]))]);
    assert_eq!(at_once.len(), 8, "the test needs several shards");
    for (name, steps) in [
        ("in another order", vec![(2, sources(2, 100..150, &[2])), (1, sources(1, 0..100, &[1]))]),
        (
            "by and by",
            vec![
                (1, sources(1, 0..1, &[])),
                (2, sources(2, 100..300, &[1, 2])),
                (3, sources(3, 300..600, &[3])),
                (1, sources(1, 0..100, &[1])),
                (3, nothing()),
                (2, nothing()),
                (2, sources(2, 100..150, &[2])),
            ],
        ),
    ] {
        assert_eq!(built(&steps), at_once, "{name}");
    }
    assert_eq!(built(&[]), []);
    assert_eq!(
        built(&[(1, SkillSources { skills: vec![], ..sources(1, 0..0, &[1]) })]),
        [],
        "secrets alone are nothing"
    );
    assert_eq!(built(&[(1, sources(1, 0..100, &[1])), (1, nothing())]), [], "the last is gone");
}

#[test]
fn a_change_touches_the_shards_it_is_in() {
    let (all, few) = (sources(1, 0..100, &[1]), sources(2, 100..102, &[2]));
    let before = built(&[(1, all.clone()), (2, few.clone())]);
    let touched = |shards: &[Blob]| (0..before.len()).filter(|it| before[*it] != shards[*it]).collect::<BTreeSet<_>>();
    let replaced = built(&[(1, all.clone()), (2, few), (2, sources(2, 100..102, &[3]))]);
    let expected: BTreeSet<_> = (100..102).map(|number| skill_shard_of(&skill_id(number), before.len())).collect();
    assert_eq!(touched(&replaced), expected);
    let described = SkillRow { description: "new".to_owned(), changed_in: 9, ..all.skills[5].clone() };
    let mut skills = Skills::default();
    skills.put(organization(1), &all);
    skills.build().unwrap();
    let renewed = SkillSources { skills: [&all.skills[..5], &[described], &all.skills[6..]].concat(), ..all };
    skills.put(organization(1), &renewed);
    assert_eq!(skills.stale, BTreeSet::new(), "edges know no descriptions");
}

#[test]
fn a_skill_is_told_with_what_its_references_stand_for() {
    let row = skill(1, 1, &[("crm", &["token", "gone"]), ("open", &[]), ("weather", &["token"])]);
    let long = skill(2, 1, &[(&"x".repeat(300), &[])]);
    let sources = SkillSources {
        skills: vec![row, skill(3, 1, &[]), long],
        secrets: vec![secret(1, 1, "token", &[1]), secret(2, 2, "gone", &[1]), secret(3, 1, "unused", &[1])],
    };
    let shards = built(&[(1, sources)]);
    let found = read(&shards, skill_id(1)).unwrap();
    assert_eq!(found.organization, organization(1));
    let states: Vec<_> = found.secrets.iter().map(|it| (&*it.name, it.state.clone())).collect();
    let token = SecretState::Sealed(SecretId::from_bytes([1; 10]));
    assert_eq!(states, [("gone", SecretState::Missing), ("token", token)]);
    let links: Vec<_> = found.services.iter().map(|it| (&*it.service, it.secrets.clone())).collect();
    assert_eq!(links, [("crm", vec![1, 0]), ("open", vec![]), ("weather", vec![1])]);
    assert!(read(&shards, skill_id(3)).is_some(), "without secrets it is told all the same");
    assert!(read(&shards, skill_id(2)).is_none(), "what no shard can hold keeps no other from being told");
}

/// Skills of an organisation, all of which refer to a secret with so many bytes of boxes; the first is the youngest.
fn heavy(of: u8, skills: std::ops::Range<u16>, bytes: usize) -> SkillSources {
    let (row, _) = secret(of, of, "token", &[]);
    let boxes = [1, 2, 3, 4].map(|byte| (KeyName::from_bytes([byte; 8]), vec![byte; bytes / 4]));
    let aged =
        |number| SkillRow { created_at: u64::from(1000 - number), ..skill(number, of, &[("weather", &["token"])]) };
    SkillSources { skills: skills.map(aged).collect(), secrets: vec![(row, Boxes(boxes.to_vec()))] }
}

#[test]
fn an_organisation_with_too_much_sealed_is_told_in_part() {
    let mut sources = heavy(1, 0..6, MOST_SEALED / 4);
    sources.skills.push(SkillRow { created_at: 2000, ..skill(6, 1, &[("weather", &[])]) });
    let shards = built(&[(1, sources), (2, heavy(2, 10..14, MOST_SEALED / 4))]);
    let told: Vec<_> = (0..20).filter(|number| read(&shards, skill_id(*number)).is_some()).collect();
    assert_eq!(told, [2, 3, 4, 5, 6, 10, 11, 12, 13], "the oldest, and what still fits");
}

#[test]
fn shards_are_as_many_as_the_bytes_in_them_want() {
    let light = || sources(1, 0..1, &[1]);
    for (bytes, shards) in [(100, 1), (4096, 1), (8192, 2), (100_000, 32)] {
        let steps = [(1, heavy(1, 0..4, bytes)), (2, sources(2, 10..11, &[1]))];
        assert_eq!(built(&steps).len(), shards, "{bytes}");
        let back = [&steps[..1], &[(1, light())]].concat();
        assert_eq!(built(&back), built(&[(1, light())]), "{bytes}");
    }
}
