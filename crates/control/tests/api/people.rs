//! People and programs to test with: put into the database as they would come to be there, without the pages.

use std::sync::atomic::{AtomicU64, Ordering};

use reqwest::Method;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::stack::{Answer, ON_POSTGRES, Stack};

/// Every permission that there is.
pub(crate) const ALL_SCOPES: &str = "keys:read keys:write members:read members:write tokens:read tokens:write \
     organizations:read organizations:write audit:read policy:read policy:write edges:read metrics:read secrets:read secrets:write \
     skills:read skills:write";
/// Matches no password.
const NO_PASSWORD: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
pub(crate) const PASSWORD: &str = "correct horse battery staple";

/// A member with a personal token that may all that they may.
#[derive(Clone, Debug)]
pub(crate) struct Person {
    pub(crate) id: String,
    pub(crate) email: String,
    pub(crate) token: String,
}

/// Sixteen characters that no other call gave.
pub(crate) fn unique() -> String {
    static LAST: AtomicU64 = AtomicU64::new(0);
    format!("{:016}", LAST.fetch_add(1, Ordering::Relaxed))
}

/// SHA-256 of a secret, as SQL writes it.
pub(crate) fn sha256(text: &str) -> String {
    let digest: [u8; 32] = Sha256::digest(text.as_bytes()).into();
    let digest: String = digest.iter().map(|byte| format!("{byte:02X}")).collect();
    if ON_POSTGRES { format!("'\\x{digest}'") } else { format!("x'{digest}'") }
}

impl Stack {
    /// The default organisation.
    pub(crate) async fn default_organization(&self) -> String {
        let all = self.get("/v1/organizations").await.json();
        let all = all["data"].as_array().unwrap();
        all.iter().find(|it| it["default"] == true).unwrap()["id"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn organization(&self, name: &str) -> String {
        let made = self.post("/v1/organizations", json!({ "name": name })).await;
        assert_eq!(made.status, 201, "{}", made.json());
        made.json()["id"].as_str().unwrap().to_owned()
    }

    /// A member who never signed in; nobody knows their password.
    pub(crate) async fn person(&self, organization: &str, role: &str) -> Person {
        let unique = unique();
        let (id, email) = (format!("usr_{unique}"), format!("{role}-{unique}@example.com"));
        self.run(format!("INSERT INTO users VALUES ('{id}', '{email}', '{role}', '{NO_PASSWORD}', {})", self.now()))
            .await;
        self.join(organization, &id, role).await;
        let token = self.token(organization, Some(&id), ALL_SCOPES, None).await;
        Person { id, email, token }
    }

    pub(crate) async fn join(&self, organization: &str, user: &str, role: &str) {
        let now = self.now();
        self.run(format!("INSERT INTO memberships VALUES ('{organization}', '{user}', '{role}', {now})")).await;
    }

    /// A token as its owner, or somebody who may all, would have made it.
    pub(crate) async fn token(
        &self,
        organization: &str,
        owner: Option<&str>,
        scopes: &str,
        expires_at: Option<u64>,
    ) -> String {
        let unique = unique();
        let text = format!("pct_{:0>40}", unique);
        let digest = sha256(&text);
        let owner = owner.map_or("NULL".to_owned(), |owner| format!("'{owner}'"));
        let expires_at = expires_at.map_or("NULL".to_owned(), |time| time.to_string());
        self.run(format!(
            "INSERT INTO api_tokens VALUES ('tok_{unique}', {digest}, 'pct_...', 'token {unique}', '{organization}', \
             {owner}, '{scopes}', 'test', {}, {expires_at}, NULL, NULL)",
            self.now()
        ))
        .await;
        text
    }

    pub(crate) async fn run(&self, statement: String) {
        self.sql(statement.leak()).await;
    }

    /// A request as whoever has that token.
    pub(crate) async fn by(&self, token: &str, method: Method, path: &str, body: Option<Value>) -> Answer {
        self.send(method, path, Some(token), body.map(|it| it.to_string()).as_deref().map(str::as_bytes)).await
    }

    /// Invites somebody with the administrator's token; what the link holds.
    pub(crate) async fn invite(&self, organization: &str, role: &str, email: &str) -> String {
        let path = format!("/v1/organizations/{organization}/invitations");
        let made = self.post(&path, json!({ "role": role, "email": email })).await;
        assert_eq!(made.status, 201, "{}", made.json());
        made.json()["url"].as_str().unwrap().rsplit('/').next().unwrap().to_owned()
    }

    pub(crate) async fn accept(&self, link: &str, email: &str, password: &str) -> Answer {
        let body = json!({ "token": link, "email": email, "name": "somebody", "password": password }).to_string();
        self.send(Method::POST, "/v1/invitations:accept", None, Some(body.as_bytes())).await
    }
}
