//! How sessions end.

use super::{ADA, Desk, HOURS, PASSWORD, pair};
use crate::accounts::{self, NewPassword, Password};
use crate::caller::Caller;
use axum::http::header::{LOCATION, SET_COOKIE};

#[tokio::test]
async fn a_session_ends_when_it_is_not_used_and_in_any_case_after_thirty_days() {
    let desk = Desk::with_ada(None).await;
    let idle = pair(&desk.start().await);
    desk.pass(12 * HOURS);
    assert!(desk.is_signed_in(&idle).await, "to the second");
    desk.pass(12 * HOURS + 1);
    assert!(!desk.is_signed_in(&idle).await);
    let used = pair(&desk.start().await);
    for _ in 0..59 {
        desk.pass(12 * HOURS);
        assert!(desk.is_signed_in(&used).await);
    }
    desk.pass(12 * HOURS);
    assert!(!desk.is_signed_in(&used).await);
}

#[tokio::test]
async fn signing_out_ends_this_session_and_everywhere_all_of_them() {
    let desk = Desk::with_ada(None).await;
    let (one, two, three) = (desk.start().await, desk.start().await, desk.start().await);
    let page = desk.get("/", &pair(&one)).await;
    let csrf = page.text.rsplit(' ').next().unwrap();
    let out = desk.post("/sign-out", &pair(&one), &format!("csrf={csrf}")).await;
    assert_eq!((out.status, out.header(LOCATION)), (303, "/sign-in"));
    assert!(out.header(SET_COOKIE).starts_with("portcullis_session=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0"));
    assert!(!desk.is_signed_in(&pair(&one)).await && desk.is_signed_in(&pair(&two)).await);
    assert_eq!(accounts::list_sessions(&desk.app, &two.caller).await.unwrap().len(), 2);
    accounts::sign_out_everywhere(&desk.app, &two.caller).await.unwrap();
    assert!(!desk.is_signed_in(&pair(&two)).await && !desk.is_signed_in(&pair(&three)).await);
}

#[tokio::test]
async fn a_new_password_ends_every_other_session() {
    let desk = Desk::with_ada(None).await;
    let (here, there) = (desk.start().await, desk.start().await);
    let change = async |old: &str, new: &str| {
        let (old, new) = (Password::typed(old), Password::typed(new));
        let request = NewPassword { old, new, revoke_tokens: false };
        accounts::change_password(&desk.app, &here.caller, &request).await
    };
    assert!(change("wrong horse", "another good password").await.is_err());
    assert!(change(PASSWORD, "short").await.is_err());
    assert!(desk.is_signed_in(&pair(&there)).await);
    change(PASSWORD, "another good password").await.unwrap();
    assert!(desk.is_signed_in(&pair(&here)).await && !desk.is_signed_in(&pair(&there)).await);
    assert_eq!(desk.sign_in(PASSWORD, "/").await.status, 403);
    assert_eq!(desk.sign_in("another good password", "/").await.status, 303);
}

#[tokio::test]
async fn nobody_is_signed_in_with_a_password_that_was_changed_meanwhile() {
    let desk = Desk::with_ada(None).await;
    let here = desk.start().await;
    // As signing in finds her, before it looks at the password.
    let ada = desk.app.store.user_by_email(ADA).await.unwrap().unwrap();
    let (old, new) = (Password::typed(PASSWORD), Password::typed("another good password"));
    let request = NewPassword { old, new, revoke_tokens: false };
    accounts::change_password(&desk.app, &here.caller, &request).await.unwrap();
    let late = accounts::begin(&desk.app, &desk.visitor(), &ada, None, "test").await;
    assert!(matches!(late, Err(crate::error::Error::WrongPassword)), "{late:?}");
    assert_eq!(accounts::list_sessions(&desk.app, &here.caller).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_session_ends_with_the_membership_and_moves_between_memberships() {
    let desk = Desk::with_ada(None).await;
    let ada = desk.start().await;
    let root = Caller::root(desk.app.default_organization, None, String::new());
    let (role, email) = (portcullis_api::Role::Admin, "bob@example.com".to_owned());
    let invitation = portcullis_api::CreateInvitation { role, email };
    let home = desk.app.default_organization.to_string();
    let link = accounts::invite(&desk.app, &root, &home, &invitation).await.unwrap().url;
    let accepted = desk.join(link.expose().rsplit('/').next().unwrap(), "bob@example.com").await.unwrap();
    let bob = accounts::begin(&desk.app, &desk.visitor(), &accepted.user, None, "test").await.unwrap();
    assert!(desk.is_signed_in(&pair(&bob)).await);
    accounts::switch(&desk.app, &bob.caller, "org_0000000000000000").await.unwrap_err();
    accounts::switch(&desk.app, &bob.caller, &home).await.unwrap();
    accounts::remove_member(&desk.app, &ada.caller, &home, &accepted.user.id.to_string()).await.unwrap();
    assert!(!desk.is_signed_in(&pair(&bob)).await && desk.is_signed_in(&pair(&ada)).await);
    let again = accounts::sign_in(&desk.app, &desk.visitor(), "bob@example.com", &Password::typed(PASSWORD), "").await;
    assert!(matches!(again, Err(crate::error::Error::NoMembership)));
}
