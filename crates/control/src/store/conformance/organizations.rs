//! Organisations.

use portcullis_engine::OrganizationState;

use super::Fixture;
use super::rows::{change, organization, organization_id, put, two_organizations, with};
use crate::caller::Scope;
use crate::store::{OrganizationRow, StoreError, Write};

pub(super) async fn organizations_come_back_as_they_were_written(it: Fixture) {
    let states = [
        OrganizationState::Active,
        OrganizationState::Suspended,
        OrganizationState::QuotaExhausted { until: u64::from(u32::MAX) },
    ];
    let mut expected = Vec::new();
    for (number, state) in (1..).zip(states) {
        let row = OrganizationRow { state, name: format!("Ünï \"{number}\" 'x' \\"), ..organization(number) };
        let changed_in = put(&*it.store, Write::InsertOrganization(row.clone())).await;
        expected.push(OrganizationRow { changed_in, ..row });
    }
    assert_eq!(it.store.organizations(Scope::All).await.unwrap(), expected, "oldest first");
    let row = OrganizationRow { name: "renamed".to_owned(), state: OrganizationState::Active, ..expected[1].clone() };
    let changed_in = put(&*it.store, Write::ReplaceOrganization(row.clone())).await;
    assert!(changed_in > row.changed_in);
    let found = it.store.organization(Scope::All, row.id).await.unwrap();
    assert_eq!(found, Some(OrganizationRow { changed_in, ..row }));
}

pub(super) async fn an_organization_is_there_for_its_own_scope(it: Fixture) {
    two_organizations(&*it.store).await;
    for (scope, first, second) in [
        (Scope::All, true, true),
        (Scope::Only(organization_id(1)), true, false),
        (Scope::Only(organization_id(3)), false, false),
    ] {
        for (number, expected) in [(1, first), (2, second)] {
            let found = it.store.organization(scope, organization_id(number)).await.unwrap();
            assert_eq!(found.is_some(), expected, "{scope:?} {number}");
        }
        let listed = it.store.organizations(scope).await.unwrap().len();
        assert_eq!(listed, usize::from(first) + usize::from(second), "{scope:?}");
    }
}

pub(super) async fn a_stale_organization_is_not_written(it: Fixture) {
    put(&*it.store, Write::InsertOrganization(organization(1))).await;
    let row = it.store.organization(Scope::All, organization_id(1)).await.unwrap().unwrap();
    let version = put(&*it.store, Write::ReplaceOrganization(row.clone())).await;
    let stale = OrganizationRow { name: "stale".to_owned(), ..row };
    let refused = it.store.write(&with(change(1), Write::ReplaceOrganization(stale)), 0).await;
    assert!(matches!(refused, Err(StoreError::Conflict)), "{refused:?}");
    let found = it.store.organization(Scope::All, organization_id(1)).await.unwrap().unwrap();
    assert_eq!((found.name.as_str(), it.store.version().await.unwrap()), ("organisation 1", version));
}

pub(super) async fn there_is_one_default(it: Fixture) {
    let default = |number| Write::InsertOrganization(OrganizationRow { is_default: true, ..organization(number) });
    put(&*it.store, default(1)).await;
    let refused = it.store.write(&with(change(2), default(2)), 0).await;
    assert!(matches!(refused, Err(StoreError::Duplicate)), "{refused:?}");
    assert_eq!(it.store.organizations(Scope::All).await.unwrap().len(), 1);
}
