//! What tests of access tokens share: a policy that mints them, credentials, exchanges, and tokens read as a verifier reads them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use portcullis_token::{IssuerSpec, Issuers, IssuersSpec, Refusal, Subjects, Verified};
use reqwest::Method;
use serde_json::{Value, json};

use crate::stack::{Answer, NOON, Stack, eventually};

pub(crate) const AUDIENCE: &str = "https://api.example.com";

/// Keys, and access tokens that live for a quarter of an hour.
pub(crate) const POLICY: &str = r#"
name = "scope-api"
environments = ["live", "test"]
scopes = ["refunds:read", "refunds:write", "payouts:read"]
credentials = [{ in = "header", name = "authorization", scheme = "Bearer" }]
keys = [{ prefix = "sk_live_", environment = "live", body_length = 24 }]
rules = [{ path = "/v1/**" }, { methods = ["POST"], path = "/v1/refunds", all = ["refunds:write"] }]
[tokens]
audience = "https://api.example.com"
"#;

/// A key id and a secret.
pub(crate) struct Credential {
    pub(crate) id: String,
    pub(crate) secret: String,
    pub(crate) organization: String,
}

/// A control plane that mints access tokens, and has a key to sign them with.
pub(crate) async fn minting() -> Stack {
    minting_at(tempfile::tempdir().unwrap(), NOON).await
}

/// The same on a folder that one had before.
pub(crate) async fn minting_at(folder: tempfile::TempDir, now: u64) -> Stack {
    let stack = Stack::resume_with_policy(folder, now, Some(POLICY)).await;
    eventually("a signing key", async || !jwks(&stack).await["keys"].as_array().unwrap().is_empty()).await;
    stack
}

pub(crate) async fn jwks(stack: &Stack) -> Value {
    stack.send(Method::GET, "/.well-known/jwks.json", None, None).await.json()
}

impl Credential {
    pub(crate) fn of(made: &Value) -> Self {
        let text = |name: &str| made[name].as_str().unwrap().to_owned();
        Self { id: text("id"), secret: text("secret"), organization: text("organization") }
    }

    pub(crate) fn basic(&self) -> String {
        format!("Basic {}", STANDARD.encode(format!("{}:{}", self.id, self.secret)))
    }
}

impl Stack {
    pub(crate) async fn credential(&self, scopes: &[&str]) -> Credential {
        let body = json!({ "kind": "credential", "name": "till", "environment": "live", "scopes": scopes });
        let made = self.post("/v1/keys", body).await;
        assert_eq!(made.status, 201, "{}", made.json());
        Credential::of(&made.json())
    }

    /// An exchange, with a header of HTTP Basic or without, and a form.
    pub(crate) async fn exchange(&self, basic: Option<&str>, form: &str) -> Answer {
        let fields =
            [("content-type", "application/x-www-form-urlencoded"), ("authorization", basic.unwrap_or_default())];
        let fields = if basic.is_some() { &fields[..] } else { &fields[..1] };
        self.send_bare(Method::POST, "/oauth/token", fields, form.as_bytes()).await
    }

    /// A token for a credential.
    pub(crate) async fn access_token(&self, credential: &Credential) -> String {
        let answer = self.exchange(Some(&credential.basic()), "grant_type=client_credentials").await;
        assert_eq!(answer.status, 200, "{}", answer.json());
        answer.json()["access_token"].as_str().unwrap().to_owned()
    }

    /// What a verifier makes of a token, who knows the published keys.
    pub(crate) async fn verified(&self, token: &str) -> Result<Verified, Refusal> {
        let keys = jwks(self).await["keys"].as_array().unwrap().iter().map(public).collect();
        let own = IssuerSpec {
            issuer: format!("http://{}", self.address),
            audiences: vec![AUDIENCE.to_owned()],
            types: vec!["at+jwt".to_owned()],
            clock_skew_seconds: 30,
            keys,
            subjects: Subjects::Own,
        };
        let issuers = Issuers::compile(&IssuersSpec { max_token_bytes: 8192, issuers: vec![own] }).unwrap();
        issuers.verify(token.as_bytes(), self.now())
    }
}

fn public(jwk: &Value) -> portcullis_token::Jwk {
    let mut jwk = jwk.clone();
    assert_eq!(jwk.as_object_mut().unwrap().remove("use"), Some(json!("sig")));
    serde_json::from_value(jwk).unwrap()
}
