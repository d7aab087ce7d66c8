//! The first owner.

use super::{ADA, Desk, HOURS};
use crate::access::Role;
use crate::accounts;
use crate::caller::Caller;

#[tokio::test]
async fn the_first_owner_comes_by_a_link_that_works_once_for_a_day() {
    let desk = Desk::open(None).await;
    let invited = accounts::look_at(&desk.app, &desk.link).await.unwrap();
    assert!(invited.is_first && invited.role == Role::Owner);
    let first = desk.link.clone();
    // A later start without anybody makes another.
    let second = accounts::first_owner_link(&desk.app).await.unwrap().unwrap();
    assert!(second.starts_with("http://127.0.0.1:") && second.contains("/welcome/pci_"), "its beginning is right");
    let second = second.rsplit('/').next().unwrap();
    assert!(desk.join(&first, ADA).await.is_err());
    desk.pass(24 * HOURS);
    assert!(desk.join(second, ADA).await.is_err());
    let third = accounts::first_owner_link(&desk.app).await.unwrap().unwrap();
    let third = third.rsplit('/').next().unwrap();
    let accepted = desk.join(third, ADA).await.unwrap();
    assert_eq!(
        (accepted.membership.role, accepted.membership.organization),
        (Role::Owner, desk.app.default_organization)
    );
    assert!(desk.join(third, "eve@example.com").await.is_err());
    assert_eq!(accounts::first_owner_link(&desk.app).await.unwrap(), None);
}

#[tokio::test]
async fn the_first_owners_link_is_void_once_there_is_anybody() {
    let desk = Desk::open(None).await;
    let root = Caller::root(desk.app.default_organization, None, String::new());
    let invitation = portcullis_api::CreateInvitation { role: portcullis_api::Role::Owner, email: ADA.to_owned() };
    let home = desk.app.default_organization.to_string();
    let lost = accounts::invite(&desk.app, &root, &home, &invitation).await.unwrap().url;
    desk.join(lost.expose().rsplit('/').next().unwrap(), ADA).await.unwrap();
    assert!(desk.join(&desk.link, "eve@example.com").await.is_err());
}
