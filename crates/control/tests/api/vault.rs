//! People and programs of two organisations, a key of the edges, and short ways to make secrets and skills with them.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use portcullis_seal::{PrivateKey, Purpose};
use reqwest::Method;
use serde_json::{Value, json};

use super::people::Person;
use crate::stack::{Answer, NOON, ON_POSTGRES, Stack};

/// A policy with two services.
pub(crate) const POLICY: &str = r#"
name = "test"
environments = ["live", "test"]
scopes = ["weather:use"]
credentials = [{ in = "header", name = "authorization", scheme = "Bearer" }]
keys = [{ prefix = "sk_live_", environment = "live", body_length = 24 }]
rules = [
    { path = "/v1/**" },
    { path = "/services/weather/**", service = "weather" },
    { path = "/services/crm/**", service = "crm" },
]

[[services]]
name = "weather"
host = "api.weather.example"
credential = { secret = "weather_api_key", in = "query", name = "appid" }
references = ["token", "a", "b", "crm_token", "used", "idle", "n0", "n1", "n2", "n3", "n4", "n5", "n6", "n7", "other", "region"]

[[services]]
name = "crm"
host = "crm.example"
references = ["n8", "n9", "n10", "n11", "n12", "n13", "n14", "n15"]

[tokens]
audience = "https://api.example.com"
"#;

pub(crate) const VALUE: &str = "correct horse";

/// A control plane, and who is there. Ada, Bob and the viewer are of the same organisation as the admin.
pub(crate) struct Vault {
    pub(crate) stack: Stack,
    pub(crate) acme: String,
    pub(crate) admin: Person,
    pub(crate) ada: Person,
    pub(crate) bob: Person,
    pub(crate) viewer: Person,
    /// A program of the organisation that manages secrets and skills.
    pub(crate) service: String,
    /// A program of the organisation that manages nothing.
    pub(crate) helper: String,
    /// The owner of another organisation.
    pub(crate) stranger: Person,
}

impl Vault {
    /// One without a key of the edges.
    pub(crate) async fn without_key() -> Self {
        let stack = Stack::resume_with_policy(tempfile::tempdir().unwrap(), NOON, Some(POLICY)).await;
        let (acme, other) = (stack.organization("acme").await, stack.organization("other").await);
        let scopes = "secrets:read secrets:write skills:read skills:write keys:write";
        Self {
            admin: stack.person(&acme, "admin").await,
            ada: stack.person(&acme, "member").await,
            bob: stack.person(&acme, "member").await,
            viewer: stack.person(&acme, "viewer").await,
            service: stack.token(&acme, None, &format!("{scopes} organizations:write"), None).await,
            helper: stack.token(&acme, None, scopes, None).await,
            stranger: stack.person(&other, "owner").await,
            acme,
            stack,
        }
    }

    /// One whose edges have the key of the seed 1.
    pub(crate) async fn open() -> Self {
        let it = Self::without_key().await;
        it.edge_key(1).await;
        it
    }

    /// Adds the key of a seed.
    pub(crate) async fn edge_key(&self, seed: u8) -> PrivateKey {
        let key = private(seed);
        let made = self.stack.post("/v1/edge-keys", json!({ "public_key": key.public().to_string() })).await;
        assert_eq!((made.status, made.json()["id"].as_str()), (201, Some(&*id_of(&key))), "{}", made.json());
        key
    }

    pub(crate) async fn send(&self, token: &str, route: &str, body: Value) -> Answer {
        let (method, path) = route.split_once(' ').unwrap();
        let method: Method = method.parse().unwrap();
        let body = (method != Method::GET).then_some(body);
        self.stack.by(token, method, path, body).await
    }

    pub(crate) async fn get(&self, token: &str, path: &str) -> Value {
        let answer = self.send(token, &format!("GET {path}"), json!({})).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.json());
        answer.json()
    }

    /// What a request answers that has to work.
    pub(crate) async fn done(&self, token: &str, route: &str, body: Value) -> Value {
        let answer = self.send(token, route, body.clone()).await;
        assert!([200, 201].contains(&answer.status), "{route} {body}: {}", answer.json());
        assert!(answer.version() > 0, "{route}");
        answer.json()
    }

    /// A new secret; its id.
    pub(crate) async fn secret(&self, token: &str, name: &str, team: bool) -> String {
        let body = json!({ "name": name, "team": team, "value": VALUE });
        text(&self.done(token, "POST /v1/secrets", body).await["id"])
    }

    /// A new skill for the service `weather`; its id.
    pub(crate) async fn skill(&self, token: &str, name: &str, team: bool, secrets: &[&str]) -> String {
        let services = json!([{ "service": "weather", "secrets": secrets }]);
        let body = json!({ "name": name, "team": team, "services": services });
        text(&self.done(token, "POST /v1/skills", body).await["id"])
    }

    /// What a key opens of a secret; `None` if it is not sealed to that key.
    pub(crate) async fn opened(&self, secret: &str, key: &PrivateKey) -> Option<String> {
        let sealed = if ON_POSTGRES { "encode(sealed, 'hex')" } else { "lower(hex(sealed))" };
        let query = format!(
            "SELECT coalesce(max({sealed}), '') FROM secret_boxes WHERE secret_id = '{secret}' AND edge_key = '{}'",
            id_of(key)
        );
        let sealed = self.stack.text(query.leak()).await;
        let plain = key.open(&hex::decode(sealed).unwrap());
        // Behind what it is for: the organisation and the name.
        let value = |plain: &[u8]| plain.splitn(3, |byte| *byte == 0).nth(2).map(<[u8]>::to_vec);
        plain.map(|plain| String::from_utf8(value(&plain).unwrap()).unwrap())
    }

    /// The log's lines of a kind: what was done, to what, and more about it.
    pub(crate) async fn noted(&self, action: &str) -> Vec<Value> {
        let listed = self.stack.get(&format!("/v1/audit?action={action}&limit=1000")).await.json();
        listed["data"].as_array().unwrap().clone()
    }
}

/// Sends what has to be refused: by whom, what, and with which status, code and words.
pub(crate) async fn refused(vault: &Vault, rows: &[(&str, &str, Value, u16, &str, &str)]) {
    for (token, route, body, status, code, words) in rows {
        let answer = vault.send(token, route, body.clone()).await;
        let told = answer.json();
        assert_eq!((answer.status, told["code"].as_str()), (*status, Some(*code)), "{route} {body}: {told}");
        let said = format!("{} {}", told["pointer"].as_str().unwrap_or_default(), told["detail"].as_str().unwrap());
        assert!(said.contains(words), "{route} {body}: {said}");
    }
}

pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value}")).to_owned()
}

pub(crate) fn private(seed: u8) -> PrivateKey {
    PrivateKey::from_bytes([seed; 32])
}

pub(crate) fn id_of(key: &PrivateKey) -> String {
    key.public().name().to_string()
}

/// A value as clients seal it: to each of these keys. For what, the control plane cannot see; edges would.
pub(crate) fn sealed(keys: &[&PrivateKey], value: &str) -> Value {
    let purpose = Purpose { organization: "org_0000000000000000", name: "api_key" };
    let sealed = |key: &&PrivateKey| STANDARD.encode(purpose.seal(&key.public(), value.as_bytes(), [7; 32]).unwrap());
    json!(keys.iter().map(|key| (id_of(key), sealed(key))).collect::<BTreeMap<_, _>>())
}
