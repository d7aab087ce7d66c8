//! The SDK's token source against the real token endpoint.

use portcullis_sdk::{Credentials, TokenError, TokenSource};

use super::minting::{AUDIENCE, Credential, minting};
use crate::stack::{NOON, Stack};

fn credentials(stack: &Stack, credential: &Credential) -> Credentials {
    let address = format!("http://{}", stack.address);
    Credentials::new(&credential.organization, &credential.id, &credential.secret, &address).unwrap()
}

#[tokio::test]
async fn a_credential_is_all_that_a_program_needs() {
    let stack = minting().await;
    let credential = stack.credential(&["refunds:*", "payouts:read"]).await;
    let source = TokenSource::new(credentials(&stack, &credential)).unwrap();
    let token = source.token().await.unwrap();
    assert_eq!(token.scopes().unwrap(), ["payouts:read", "refunds:*"]);
    let verified = stack.verified(token.expose()).await.unwrap();
    assert_eq!((verified.key.as_str(), verified.environment.as_str()), (credential.id.as_str(), "live"));
    assert_eq!(source.token().await.unwrap().expose(), token.expose(), "the same while it is good");
    // It is kept if less than 5 s have passed.
    let forgotten = source.invalidate(&token);
    assert_eq!(source.token().await.unwrap().expose() != token.expose(), forgotten);
    let another = TokenSource::new(credentials(&stack, &credential)).unwrap();
    assert_ne!(another.token().await.unwrap().expose(), token.expose());

    let narrow = TokenSource::builder(credentials(&stack, &credential)).scopes(["payouts:read"]).resource(AUDIENCE);
    let token = narrow.build().unwrap().token().await.unwrap();
    assert_eq!(stack.verified(token.expose()).await.unwrap().scopes, ["payouts:read"]);
}

#[tokio::test]
async fn callers_at_once_are_one_exchange() {
    let stack = minting().await;
    let credential = stack.credential(&[]).await;
    let source = TokenSource::new(credentials(&stack, &credential)).unwrap();
    let ask = |source: TokenSource| tokio::spawn(async move { source.token().await.unwrap().expose().to_owned() });
    let callers: Vec<_> = (0..100).map(|_| ask(source.clone())).collect();
    let mut tokens = std::collections::BTreeSet::new();
    for caller in callers {
        tokens.insert(caller.await.unwrap());
    }
    assert_eq!(tokens.len(), 1);
}

#[tokio::test]
async fn what_the_server_is_asked_for_in_vain_is_told_as_it_says_it() {
    let stack = minting().await;
    let credential = stack.credential(&["refunds:read"]).await;
    let mine = || TokenSource::builder(credentials(&stack, &credential));
    let wrong = Credential { secret: format!("{}x", credential.secret), ..stack.credential(&[]).await };
    let other = Credential { organization: stack.organization("other").await, ..stack.credential(&[]).await };
    for (source, code) in [
        (mine().scopes(["payouts:read"]), "invalid_scope"),
        (mine().resource("https://elsewhere.example"), "invalid_target"),
        (TokenSource::builder(credentials(&stack, &wrong)), "invalid_client"),
        (TokenSource::builder(credentials(&stack, &other)), "invalid_client"),
    ] {
        let error = source.build().unwrap().token().await.unwrap_err();
        assert!(matches!(&error, TokenError::Refused { code: found, .. } if found == code), "{error}");
        assert!(!format!("{error}{error:?}").contains("secret_"), "{error}");
    }
}

#[tokio::test]
async fn a_revoked_credential_is_told_so_when_it_asks_for_another_token() {
    let stack = minting().await;
    let credential = stack.credential(&[]).await;
    let source = TokenSource::new(credentials(&stack, &credential)).unwrap();
    source.token().await.unwrap();
    assert_eq!(stack.delete(&format!("/v1/keys/{}", credential.id)).await.status, 200);
    // The first has a token that may be too new to be forgotten: one that has none asks.
    let another = TokenSource::new(credentials(&stack, &credential)).unwrap();
    let error = another.token().await.unwrap_err();
    assert!(error.to_string().contains("invalid_client"), "{error}");
}

#[tokio::test]
async fn a_wrong_wall_clock_here_matters_nowhere() {
    // The control plane's clock stands at noon of a day long past: its token would be old by ours.
    let stack = minting().await;
    let credential = stack.credential(&[]).await;
    let source = TokenSource::new(credentials(&stack, &credential)).unwrap();
    let token = source.token().await.unwrap();
    assert_eq!(stack.now(), NOON);
    assert_eq!(source.token().await.unwrap().expose(), token.expose());
}

#[tokio::test]
async fn a_server_without_tokens_gives_none() {
    let stack = Stack::start().await;
    let address = format!("http://{}", stack.address);
    let nobody = Credentials::new("org_x", "key_x", "secret_x", &address).unwrap();
    let error = TokenSource::new(nobody).unwrap().token().await.unwrap_err();
    assert!(matches!(&error, TokenError::Refused { code, .. } if code == "unsupported_grant_type"), "{error}");
}
