//! The typed client against the real thing: every route once, and errors as the API words them.

use portcullis_sdk::api::denials::ListDenials;
use portcullis_sdk::api::edge::SampleKind;
use portcullis_sdk::api::explain::Explain;
use portcullis_sdk::api::keys::{CreateKeys, FindKey, ImportKey, ImportKeys, ListKeys, StartTrial};
use portcullis_sdk::api::policy::{CheckPolicy, ListPolicyVersions, PublishPolicy, RestorePolicy};
use portcullis_sdk::api::usage::{ExportUsage, ListUsage, UsageSort};
use portcullis_sdk::api::{
    CreateKey, CreateOrganization, KeyStatus, OrganizationState, Patch, RotateKey, UpdateKey, UpdateOrganization,
};
use portcullis_sdk::{Client, Error, Token};

use crate::stack::Stack;

#[tokio::test]
async fn every_route_has_a_method_that_understands_its_answer() {
    let stack = Stack::start().await;
    let client = Client::new(&format!("http://{}", stack.address), Token::new(&stack.admin)).unwrap();
    let request = CreateKey { name: "till".to_owned(), environment: "live".to_owned(), ..CreateKey::default() };
    let made = client.create_key(&request).await.unwrap();
    let id = &made.value.record.id;
    assert_eq!(client.show_key(id).await.unwrap(), made.value.record);
    let change = UpdateKey { expires_at: Patch::Set("2027-01-01T00:00:00Z".to_owned()), ..UpdateKey::default() };
    assert_eq!(client.update_key(id, &change).await.unwrap().value.expires_at.as_deref(), Some("2027-01-01T00:00:00Z"));
    let read = client.key_with_tag(id).await.unwrap();
    let named = UpdateKey { name: Patch::Set("till 1".to_owned()), ..UpdateKey::default() };
    assert_eq!(client.update_key_if(id, &read.etag, &named).await.unwrap().value.name, "till 1");
    let error = client.update_key_if(id, &read.etag, &named).await.unwrap_err();
    assert!(matches!(error, Error::Refused(problem) if problem.code == "precondition_failed"));
    let rotated = client.rotate_key(id, &RotateKey { overlap_seconds: 60 }).await.unwrap();
    assert!(rotated.version > made.version);
    let batch = CreateKeys { keys: vec![request.clone(), request] };
    assert_eq!(client.create_keys(&batch).await.unwrap().value.data.len(), 2);
    assert_eq!(client.list_keys(&ListKeys { limit: Some(3), ..ListKeys::default() }).await.unwrap().data.len(), 3);
    let found = FindKey { key: made.value.key.clone().unwrap() };
    assert_eq!(&client.find_key(&found).await.unwrap().id, id);
    let trial = StartTrial { scopes: Some(Vec::new()), restrictions: None };
    assert!(client.start_trial(id, &trial).await.unwrap().value.trial.is_some());
    assert!(client.end_trial(id).await.unwrap().value.trial.is_none());
    client.start_trial(id, &trial).await.unwrap();
    assert!(client.enforce_trial(id).await.unwrap().value.trial.is_none());
    let question =
        Explain { key: id.clone(), method: "GET".to_owned(), path: "/v1/x".to_owned(), ..Explain::default() };
    assert!(client.explain(&question).await.unwrap().allowed);
    assert_eq!(client.revoke_key(id).await.unwrap().value.status, KeyStatus::Revoked);
    assert_eq!(client.list_api_keys().await.unwrap().data.len(), 3);
    assert!(client.revoke_api_key(&rotated.value.record.id).await.unwrap().value.success);

    let policy = client.policy().await.unwrap();
    let check = CheckPolicy { toml: policy.toml.clone() };
    assert!(client.check_policy(&check).await.unwrap().valid);
    let publish = PublishPolicy { toml: policy.toml, note: None, base_version: Some(1) };
    assert_eq!(client.publish_policy(&publish).await.unwrap().value.policy.about.version, 2);
    let restored = client.restore_policy(1, &RestorePolicy::default()).await.unwrap().value.policy;
    assert_eq!(client.policy_version(3).await.unwrap(), restored);
    assert_eq!(client.policy_versions(&ListPolicyVersions::default()).await.unwrap().data.len(), 3);

    let acme = client
        .create_organization(&CreateOrganization { name: "acme".to_owned(), ..CreateOrganization::default() })
        .await
        .unwrap()
        .value;
    let change =
        UpdateOrganization { state: Patch::Set(OrganizationState::Suspended), ..UpdateOrganization::default() };
    let suspended = client.update_organization(&acme.id, &change).await.unwrap().value;
    assert_eq!(client.show_organization(&acme.id).await.unwrap(), suspended);
    assert_eq!(client.list_organizations().await.unwrap().len(), 2);
    assert_eq!(client.status().await.unwrap().keys, 4);
    assert!(client.list_edges().await.unwrap().is_empty());
    assert_eq!(client.receipt(rotated.version, 30).await.unwrap().text, "no edge has reported yet");
    assert!(client.list_denials(&ListDenials::default()).await.unwrap().data.is_empty());
    assert!(client.denial("../edges").await.unwrap_err().to_string().contains("(not_found)"));
    assert_eq!(client.observations(id, Some(SampleKind::Retiring)).await.unwrap().totals.count, 0);
    assert_eq!(client.traffic().await.unwrap().hours.len(), 24);
    let sum = ListUsage { by: Some("day,key".to_owned()), sort: UsageSort::Requests, ..ListUsage::default() };
    assert!(client.list_usage(&sum).await.unwrap().data.is_empty());
    let mut pieces = client.export_usage(&ExportUsage::default()).await.unwrap();
    assert_eq!(pieces.next().await.unwrap().unwrap(), b"allowed,cost,denied\n0,0,0\n");
    let old = ImportKey {
        name: "old".to_owned(),
        sha256: "0".repeat(64),
        prefix: "sk_live_".to_owned(),
        ..ImportKey::default()
    };
    assert_eq!(client.import_keys(&ImportKeys { keys: vec![old] }).await.unwrap().value.data[0].name, "old");
    let table = format!("name,sha256,prefix\nolder,{},sk_test_\n", "1".repeat(64));
    assert_eq!(client.import_table(table.into_bytes()).await.unwrap().value.data[0].environment, "test");
    let edge = Client::new(&format!("http://{}", stack.address), Token::new(&stack.edge)).unwrap();
    assert!(!edge.fetch_bundle().await.unwrap().is_empty());
}

#[tokio::test]
async fn people_and_tokens_are_managed_with_it_too() {
    use portcullis_sdk::api::accounts::{AcceptInvitation, CallerKind};
    use portcullis_sdk::api::tokens::ListTokens;
    use portcullis_sdk::api::{CreateInvitation, CreateToken, Role, Secret, TokenKind, UpdateMember, WhichPage};
    let stack = Stack::start().await;
    let client = Client::new(&format!("http://{}", stack.address), Token::new(&stack.admin)).unwrap();
    let me = client.me().await.unwrap();
    assert_eq!(me.kind, CallerKind::Root);
    let home = me.organization;
    let invitation = CreateInvitation { role: Role::Owner, email: "ada@example.com".to_owned() };
    let made = client.invite(&home, &invitation).await.unwrap();
    let unwanted = client
        .invite(&home, &CreateInvitation { role: Role::Viewer, email: "bob@example.com".to_owned() })
        .await
        .unwrap();
    let invited = client.list_invitations(&home, &WhichPage::default()).await.unwrap().data;
    assert_eq!(invited.len(), 3, "the first owner is invited too, as long as there is nobody");
    assert!(client.withdraw_invitation(&home, &unwanted.record.id).await.unwrap().withdrawn_at.is_some());
    let accept = AcceptInvitation {
        token: Secret::new(made.url.expose().rsplit('/').next().unwrap()),
        email: None,
        name: Some("Ada".to_owned()),
        password: Secret::new("correct horse battery staple"),
    };
    let user = client.accept_invitation(&accept).await.unwrap().user.id;
    assert!(client.list_invitations(&home, &WhichPage::default()).await.unwrap().data.is_empty());
    assert_eq!(client.list_members(&home, &WhichPage::default()).await.unwrap().data[0].user, user);
    let bob = stack.person(&home, "owner").await;
    let role = UpdateMember { role: Role::Viewer };
    assert_eq!(client.update_member(&home, &user, &role).await.unwrap().role, Role::Viewer);
    client.remove_member(&home, &user).await.unwrap();
    assert!(client.remove_member(&home, &bob.id).await.unwrap_err().to_string().contains("(last_owner)"));
    let token = CreateToken {
        name: "ci".to_owned(),
        scopes: vec!["keys:read".to_owned()],
        kind: TokenKind::Service,
        expires_at: None,
        organization: None,
    };
    let token = client.create_token(&token).await.unwrap();
    let ci = Client::new(&format!("http://{}", stack.address), Token::new(token.token.expose())).unwrap();
    assert!(ci.list_keys(&ListKeys::default()).await.unwrap().data.is_empty());
    assert_eq!(client.list_tokens(&ListTokens::default()).await.unwrap().data.len(), 2);
    assert!(client.revoke_token(&token.record.id).await.unwrap().revoked_at.is_some());
}

#[tokio::test]
async fn refusals_carry_the_problem_and_never_a_secret() {
    let stack = Stack::start().await;
    let base = format!("http://{}", stack.address);
    let client = Client::new(&base, Token::new(&stack.admin)).unwrap();
    let stranger = Client::new(&base, Token::new("pca_wrong")).unwrap();
    let nobody = Client::new("http://127.0.0.1:1", Token::new(&stack.admin)).unwrap();
    for (error, words) in [
        (client.show_key("key_0000000000000000").await.unwrap_err(), "there is no such key (not_found)"),
        (client.show_key("../../status").await.unwrap_err(), "(not_found)"),
        (client.create_key(&CreateKey::default()).await.unwrap_err(), "(invalid_request)"),
        (stranger.status().await.unwrap_err(), "(unauthorized)"),
        (nobody.status().await.unwrap_err(), "hint: is it running?"),
    ] {
        let message = error.to_string();
        assert!(message.contains(words), "{message}");
        assert!(!format!("{error:?}{message}").contains("pca_"), "{message}");
        assert!(!matches!(error, Error::Unexpected { .. }));
    }
}

#[tokio::test]
async fn apps_are_managed_with_it_too() {
    use portcullis_sdk::api::apps::{ListApps, ListGrants};
    use portcullis_sdk::api::{CreateApp, UpdateApp};
    let stack = super::apps::stack().await;
    let client = Client::new(&format!("http://{}", stack.address), Token::new(&stack.admin)).unwrap();
    let request = CreateApp {
        name: "studio".to_owned(),
        redirect_uris: vec!["https://a.example/cb".to_owned()],
        scopes: Vec::new(),
        environments: None,
        public: false,
        everyone: true,
        organization: None,
    };
    let made = client.create_app(&request).await.unwrap();
    let id = &made.record.id;
    assert_eq!(client.show_app(id).await.unwrap(), made.record);
    assert_ne!(client.rotate_app(id).await.unwrap().secret, made.secret);
    let renamed = UpdateApp { name: Patch::Set("Studio".to_owned()), ..UpdateApp::default() };
    assert_eq!(client.update_app(id, &renamed).await.unwrap().name, "Studio");
    assert_eq!(client.list_apps(&ListApps::default()).await.unwrap().data.len(), 1);
    assert!(client.revoke_app(id).await.unwrap().value.revoked_at.is_some());
    assert!(client.list_grants(&ListGrants::default()).await.unwrap().data.is_empty());
    let nosuch = "key_0000000000000000";
    assert!(client.show_grant(nosuch).await.unwrap_err().to_string().contains("(not_found)"));
    assert!(client.revoke_grant(nosuch).await.unwrap_err().to_string().contains("(not_found)"));
}
