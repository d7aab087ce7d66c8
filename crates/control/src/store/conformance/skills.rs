//! Skills, what their references stand for, and what the bundle is told of them.

use portcullis_api::skills::ServiceLink;
use portcullis_engine::SkillId;

use super::Fixture;
use super::accounts::{ALL, join, people};
use super::rows::{NOW, change, key, key_id, organization_id, put, with};
use super::secrets::{
    EVER, boxes, edge_key, insert as insert_secret, key_name, secret, secret_id, write as write_secret,
};
use crate::access::Role;
use crate::caller::Scope;
use crate::skills::{Names, Resolved};
use crate::store::{
    KeyRow, PublishedRow, SecretWrite, ShownSkill, SkillRow, SkillSources, SkillWrite, Slice, Store, StoreError,
    UserRow, Write,
};

pub(super) fn skill_id(number: u8) -> SkillId {
    SkillId::from_bytes([number; 10])
}

fn link(service: &str, secrets: &[&str]) -> ServiceLink {
    ServiceLink { service: service.to_owned(), secrets: secrets.iter().map(|&it| it.to_owned()).collect() }
}

pub(super) fn skill(number: u8, organization: u8, owner: Option<&UserRow>, name: &str, secrets: &[&str]) -> SkillRow {
    SkillRow {
        id: skill_id(number),
        organization: organization_id(organization),
        owner: owner.map(|it| it.id),
        name: name.to_owned(),
        description: "Ünï 'x'".to_owned(),
        version: 1,
        published: None,
        installed_from: None,
        services: vec![link("weather", secrets)],
        created_by: Some("ada".to_owned()),
        created_at: NOW + u64::from(number),
        changed_in: 0,
    }
}

pub(super) async fn write(store: &dyn Store, write: SkillWrite) -> u64 {
    put(store, Write::Skill(write)).await
}

async fn refused(store: &dyn Store, write: Write) -> StoreError {
    store.write(&with(change(1), write), 0).await.unwrap_err()
}

async fn insert(store: &dyn Store, row: SkillRow) -> SkillRow {
    let changed_in = write(store, SkillWrite::Insert(row.clone())).await;
    SkillRow { changed_in, ..row }
}

async fn replace(store: &dyn Store, row: SkillRow) -> SkillRow {
    let changed_in = write(store, SkillWrite::Replace(row.clone())).await;
    SkillRow { changed_in, ..row }
}

async fn found(store: &dyn Store, number: u8) -> Option<ShownSkill> {
    store.skill(Scope::All, skill_id(number)).await.unwrap()
}

pub(super) async fn skills_come_back_as_they_were_written(it: Fixture) {
    let store = &*it.store;
    let [ada] = people(store).await;
    join(store, &ada, 1, Role::Member, NOW).await;
    let team = insert(store, skill(1, 1, None, "s", &["a", "b"])).await;
    let own = insert(store, skill(2, 1, Some(&ada), "s", &[])).await;
    let other = insert(store, skill(3, 2, None, "s", &[])).await;
    let shown =
        |row: &SkillRow, owner_email| ShownSkill { row: row.clone(), owner_email, key_count: 0, available: None };
    let (team, own) = (shown(&team, None), shown(&own, Some(ada.email.clone())));
    let other = shown(&other, None);
    let here = Scope::Only(organization_id(1));
    assert_eq!(store.skill(here, skill_id(1)).await.unwrap().as_ref(), Some(&team));
    assert_eq!(store.skill(here, skill_id(3)).await.unwrap(), None);
    let stranger = crate::id::UserId::generate().unwrap();
    for (scope, seen_by, expected) in [
        (Scope::All, None, vec![&other, &own, &team]),
        (here, None, vec![&own, &team]),
        (here, Some(ada.id), vec![&own, &team]),
        (here, Some(stranger), vec![&team]),
    ] {
        let all = store.skills(scope, seen_by, &ALL).await.unwrap();
        assert_eq!(all.iter().collect::<Vec<_>>(), expected);
        let after = Slice { after: Some((all[0].row.created_at, all[0].row.id.to_string())), limit: 9 };
        assert_eq!(store.skills(scope, seen_by, &after).await.unwrap(), all[1..]);
    }
    assert_eq!(store.skill_count(organization_id(1)).await.unwrap(), 2);
    for (organization, owner) in [(1, None), (2, None), (1, Some(&ada))] {
        let twin = refused(store, Write::Skill(SkillWrite::Insert(skill(9, organization, owner, "s", &[])))).await;
        assert!(matches!(twin, StoreError::Duplicate), "{twin:?}");
    }
    let late = refused(store, Write::Skill(SkillWrite::Insert(skill(9, 2, Some(&ada), "s", &[])))).await;
    assert!(matches!(late, StoreError::Conflict), "no member of it: {late:?}");
}

pub(super) async fn a_version_of_a_skill_stays_and_is_published(it: Fixture) {
    let store = &*it.store;
    people::<0>(store).await;
    let first = insert(store, skill(1, 1, None, "s", &["a"])).await;
    assert_eq!(store.published_skill(skill_id(1)).await.unwrap(), None);
    let published = replace(store, SkillRow { published: Some(1), ..first.clone() }).await;
    let late = refused(store, Write::Skill(SkillWrite::Replace(first.clone()))).await;
    assert!(matches!(late, StoreError::Conflict), "it changed since it was read: {late:?}");
    let second =
        SkillRow { version: 2, services: vec![link("crm", &["b"])], description: "new".to_owned(), ..published };
    let second = replace(store, second).await;
    assert_eq!(found(store, 1).await.unwrap().row, second);
    let row = SkillRow { services: first.services.clone(), ..second.clone() };
    let expected = PublishedRow { row, publisher: "organisation 1".to_owned() };
    assert_eq!(store.published_skill(skill_id(1)).await.unwrap().as_ref(), Some(&expected));
    assert_eq!(store.published_skills(&ALL).await.unwrap(), [expected]);
    let after = Slice { after: Some((first.created_at, first.id.to_string())), limit: 9 };
    assert_eq!(store.published_skills(&after).await.unwrap(), []);

    // Another's services under a version that is there are not kept.
    let second = replace(store, SkillRow { services: vec![], published: Some(2), ..second }).await;
    assert_eq!(found(store, 1).await.unwrap().row.services, [link("crm", &["b"])]);
    let refused = it.sql("UPDATE skill_versions SET services = '[]'").await.unwrap_err();
    assert!(refused.contains("never changes"), "{refused}");

    let copy = SkillRow { installed_from: Some(skill_id(1)), version: 2, ..skill(2, 2, None, "s", &["a"]) };
    let copy = insert(store, copy).await;
    for published in [Some(2), None] {
        let row = found(store, 1).await.unwrap().row;
        replace(store, SkillRow { published, ..row }).await;
        let shown = found(store, 2).await.unwrap();
        assert_eq!((shown.available, &shown.row), (published, &copy));
    }
    write(store, SkillWrite::Delete(second.id)).await;
    let shown = found(store, 2).await.unwrap();
    assert_eq!((shown.available, &shown.row), (None, &copy), "it goes on without the one it came from");
    assert_eq!(it.text("SELECT skill_id FROM skill_versions").await, [copy.id.to_string()]);
}

pub(super) async fn a_reference_is_found_among_ones_own_and_then_among_the_team_s(it: Fixture) {
    let store = &*it.store;
    let [ada, bob] = people(store).await;
    for (user, organization) in [(&ada, 1), (&ada, 2), (&bob, 1)] {
        join(store, user, organization, Role::Member, NOW).await;
    }
    write_secret(store, SecretWrite::InsertKey(edge_key(1), 4)).await;
    for (number, organization, owner, name) in [
        (1, 1, None, "both"),
        (2, 1, Some(&ada), "both"),
        (3, 1, None, "team"),
        (4, 1, Some(&bob), "bob_s"),
        (5, 2, None, "elsewhere"),
        (6, 2, Some(&ada), "ada_s_elsewhere"),
    ] {
        insert_secret(store, secret(number, organization, owner, name), &[1]).await;
    }
    let names = ["team", "both", "bob_s", "elsewhere", "ada_s_elsewhere"];
    for (number, owner) in [(1, None), (2, Some(&ada)), (3, Some(&bob))] {
        insert(store, skill(number, 1, owner, "s", &names)).await;
    }
    let skills = store.skills_of(organization_id(1)).await.unwrap();
    let secrets = store.secrets_of(organization_id(1)).await.unwrap();
    let known = Names::of(&secrets);
    let (missing, team) = (Resolved::Missing, |number| Resolved::Team(secret_id(number)));
    let personal = |number| Resolved::Personal(secret_id(number));
    for (number, both, bob_s) in [(0, team(1), missing), (1, personal(2), missing), (2, team(1), personal(4))] {
        let expected =
            [("ada_s_elsewhere", missing), ("bob_s", bob_s), ("both", both), ("elsewhere", missing), ("team", team(3))];
        assert_eq!(known.resolve(&skills[number]), expected, "{number}");
    }
    for (number, users) in [(1, vec![1, 3]), (2, vec![2]), (3, vec![1, 2, 3]), (4, vec![3]), (5, vec![]), (6, vec![])] {
        let shown = store.secret(Scope::All, secret_id(number)).await.unwrap().unwrap();
        let used: Vec<_> = shown.skills.iter().map(|it| it.id).collect();
        assert_eq!(used, users.into_iter().map(skill_id).collect::<Vec<_>>(), "{number}");
    }
    write_secret(store, SecretWrite::Delete(secret_id(2))).await;
    let shown = store.secret_named(organization_id(1), None, "both").await.unwrap().unwrap();
    assert_eq!(shown.skills.len(), 3, "the team's is found in its place");
    assert_eq!((shown.skills[1].name.as_str(), shown.skills[1].owner), ("s", Some(ada.id)));
}

fn told(changes: &crate::store::Changes, number: u16) -> Option<String> {
    let key = changes.keys.iter().find(|it| it.id == key_id(number)).unwrap();
    key.restrictions.clone()
}

pub(super) async fn keys_of_a_skill_that_goes_have_none(it: Fixture) {
    let store = &*it.store;
    people::<0>(store).await;
    for (number, organization) in [(1, 1), (2, 2)] {
        insert(store, skill(number, organization, None, "s", &[])).await;
    }
    let of = |number, skill| KeyRow { skill: Some(skill_id(skill)), ..key(number, 1) };
    for late in [of(9, 2), of(9, 9)] {
        let late = refused(store, Write::InsertKey(late)).await;
        assert!(matches!(late, StoreError::Conflict), "not a skill of its organisation: {late:?}");
    }
    put(store, Write::InsertKey(of(1, 1))).await;
    put(store, Write::InsertKey(KeyRow { revoked_at: Some(NOW), ..of(2, 1) })).await;
    put(store, Write::InsertKey(key(3, 1))).await;
    let row = store.key(Scope::All, key_id(3)).await.unwrap().unwrap();
    let late = refused(store, Write::ReplaceKey(KeyRow { skill: Some(skill_id(2)), ..row.clone() })).await;
    assert!(matches!(late, StoreError::Conflict), "{late:?}");
    let before = put(store, Write::ReplaceKey(KeyRow { skill: Some(skill_id(1)), ..row })).await;
    assert_eq!(found(store, 1).await.unwrap().key_count, 2);
    let row = store.key(Scope::All, key_id(1)).await.unwrap().unwrap();
    assert_eq!(row.skill, Some(skill_id(1)));
    let restrictions = serde_json::to_string(&row.published_restrictions()).unwrap();
    assert_eq!(restrictions, format!(r#"{{"skill":"{}"}}"#, skill_id(1)));
    let changes = store.changes(0, 0).await.unwrap();
    for (number, expected) in [(1, Some(restrictions.clone())), (2, None), (3, Some(restrictions))] {
        assert_eq!(told(&changes, number), expected, "{number}");
    }

    write(store, SkillWrite::Delete(skill_id(1))).await;
    let changes = store.changes(before, 0).await.unwrap();
    for number in [1, 2, 3] {
        assert_eq!(told(&changes, number), None, "{number}");
        assert_eq!(store.key(Scope::All, key_id(number)).await.unwrap().unwrap().skill, None);
    }
    let late = refused(store, Write::ReplaceKey(row)).await;
    assert!(matches!(late, StoreError::Conflict), "it changed since it was read: {late:?}");
    let twice = refused(store, Write::Skill(SkillWrite::Delete(skill_id(1)))).await;
    assert!(matches!(twice, StoreError::Conflict), "{twice:?}");
}

pub(super) async fn changes_are_of_organizations_with_news(it: Fixture) {
    let store = &*it.store;
    let [ada] = people(store).await;
    join(store, &ada, 1, Role::Member, NOW).await;
    put(store, Write::InsertKey(key(1, 1))).await;
    let told = async |after| {
        let changes = store.changes(after, 0).await.unwrap();
        changes.skills.iter().map(|(id, _)| id.as_bytes()[0]).collect::<Vec<_>>()
    };
    assert_eq!(told(0).await, Vec::<u8>::new());
    let keyed = write_secret(store, SecretWrite::InsertKey(edge_key(1), 4)).await;
    let one = insert_secret(store, secret(1, 1, None, "a"), &[1]).await;
    assert_eq!((told(0).await, told(keyed).await), (vec![], vec![1]), "from the start those with skills are told");
    let mine = insert(store, skill(1, 1, None, "s", &["a"])).await;
    let theirs = insert(store, skill(2, 2, None, "s", &["a"])).await;
    assert_eq!(
        (told(0).await, told(mine.changed_in).await, told(theirs.changed_in).await),
        (vec![1, 2], vec![2], vec![])
    );
    let expected = [
        (organization_id(1), SkillSources { skills: vec![mine.clone()], secrets: vec![(one.clone(), boxes(&[1]))] }),
        (organization_id(2), SkillSources { skills: vec![theirs.clone()], secrets: vec![] }),
    ];
    assert_eq!(store.changes(0, 0).await.unwrap().skills, expected);

    let mut last = theirs.changed_in;
    for (write, expected) in [
        (Write::Secret(SecretWrite::Replace(one, boxes(&[1]))), vec![1]),
        (Write::Secret(SecretWrite::InsertKey(edge_key(2), 4)), vec![1]),
        (Write::Secret(SecretWrite::DeleteKey { key: key_name(1), force: true, lately: EVER }), vec![1]),
        (Write::Secret(SecretWrite::Delete(secret_id(1))), vec![1]),
        (Write::Secret(SecretWrite::DeleteKey { key: key_name(2), force: false, lately: EVER }), vec![]),
        (Write::Skill(SkillWrite::Replace(theirs)), vec![2]),
        (Write::InsertKey(key(2, 1)), vec![]),
        (Write::Skill(SkillWrite::Delete(mine.id)), vec![1]),
        (Write::Secret(SecretWrite::DeleteOf(organization_id(1), ada.id)), vec![1]),
    ] {
        let name = format!("{write:?}");
        let version = put(store, write).await;
        assert_eq!(told(last).await, expected, "{name}");
        last = version;
    }
    assert_eq!(told(0).await, [2]);
    it.sql("DELETE FROM skill_versions").await.unwrap();
    it.sql(&format!("INSERT INTO skill_versions VALUES ('{}', 1, 'no JSON')", skill_id(2))).await.unwrap();
    let unreadable = store.changes(1, 0).await.unwrap().skills;
    assert!(
        unreadable.iter().all(|(_, sources)| *sources == SkillSources::default()),
        "nothing of it is taken for read"
    );
}
