//! What `up` shows of a preset: a few keys, and requests with the answers to expect.
//!
//! Data only. Invariant: every request's answer is the one written here; the `corpus` scenario sends them all.

use std::collections::BTreeMap;

use anyhow::Context as _;
use serde_json::{Value, json};

use crate::control::{Control, Key, in_seconds};
use crate::http::Request;
use crate::oauth::Client;
use crate::stack::Services;

/// A preset's demonstration.
#[derive(Clone, Debug)]
pub(crate) struct Demo {
    /// The team's secrets and their values.
    secrets: Vec<(&'static str, &'static str)>,
    skills: Vec<Value>,
    /// A key of a skill names it.
    keys: Vec<Value>,
    pub(crate) requests: Vec<Example>,
}

/// A request and its answer.
#[derive(Clone, Debug)]
pub(crate) struct Example {
    what: &'static str,
    method: &'static str,
    path: &'static str,
    key: Credential,
    headers: &'static [(&'static str, &'static str)],
    /// Status and code, or status and the side that answers.
    pub(crate) answer: &'static str,
}

#[derive(Clone, Copy, Debug)]
enum Credential {
    None,
    Demo(&'static str),
    Text(&'static str),
}

/// The demonstration keys of one control plane, by name.
pub(crate) type Keys = BTreeMap<String, Key>;

impl Demo {
    pub(crate) fn of(preset: &str) -> anyhow::Result<Self> {
        match preset {
            "systemprompt" => Ok(systemprompt()),
            "payments" => Ok(payments()),
            "fetchprompt" => Ok(fetchprompt()),
            "scope" => Ok(scope()),
            "skills" => Ok(skills()),
            other => anyhow::bail!("no preset `{other}`\nhint: systemprompt, payments, fetchprompt, scope or skills"),
        }
    }

    /// How many keys it has.
    pub(crate) fn size(&self) -> usize {
        self.keys.len()
    }

    /// Creates the keys, and skills and secrets before them, which are sealed to `services`. A key whose organisation is `spent` gets one of
    /// its own; see `spend`.
    pub(crate) async fn create_keys(&self, control: &Control, services: Option<&Services>) -> anyhow::Result<Keys> {
        let skills = self.create_skills(control, services).await?;
        let mut keys = Keys::new();
        for body in &self.keys {
            let mut body = body.clone();
            if let Some(id) = body["skill"].as_str().and_then(|name| skills.get(name)) {
                body["skill"] = id.as_str().into();
            }
            if body["organization"] == "spent" {
                body["organization"] = control.organization("spent", None).await?.into();
            }
            let name = body["name"].as_str().context("a demo key without a name")?.to_owned();
            let record = control.ok("POST", "/v1/keys", Some(&body)).await?;
            keys.insert(name, bearer(control, record).await?);
        }
        self.spend(control, &keys).await?;
        Ok(keys)
    }

    /// The skills' ids by their names.
    async fn create_skills(
        &self,
        control: &Control,
        services: Option<&Services>,
    ) -> anyhow::Result<BTreeMap<String, String>> {
        let mut skills = BTreeMap::new();
        let Some(services) = services else { return Ok(skills) };
        let key = json!({ "public_key": services.public_key()?, "description": "the demo's edge" });
        control.ok("POST", "/v1/edge-keys", Some(&key)).await?;
        for (name, value) in &self.secrets {
            let secret = json!({ "name": name, "team": true, "value": value });
            control.ok("POST", "/v1/secrets", Some(&secret)).await?;
        }
        for skill in &self.skills {
            let made = control.ok("POST", "/v1/skills", Some(skill)).await?;
            let text = |name: &str| made[name].as_str().map(str::to_owned).context("a skill without a name or an id");
            skills.insert(text("name")?, text("id")?);
        }
        Ok(skills)
    }

    /// From now on, for an hour, the `spent` organisation is over its quota.
    pub(crate) async fn spend(&self, control: &Control, keys: &Keys) -> anyhow::Result<()> {
        for body in self.keys.iter().filter(|body| body["organization"] == "spent") {
            let name = body["name"].as_str().unwrap_or_default();
            let key = keys.get(name).with_context(|| format!("no demo key `{name}`"))?;
            let organization = key.record["organization"].as_str().context("a demo key without an organization")?;
            let body = json!({ "state": { "quota_exhausted_until": in_seconds(3600) } });
            control.ok("PATCH", &format!("/v1/organizations/{organization}"), Some(&body)).await?;
        }
        Ok(())
    }
}

/// What requests are made with: the key, or an access token that a credential was exchanged for.
pub(crate) async fn bearer(control: &Control, record: Value) -> anyhow::Result<Key> {
    if record["kind"] != "credential" {
        return Key::read(record);
    }
    let token = Client::read(&record)?.token(control.address).await?;
    Ok(Key { record, ..token })
}

/// How a shell comes by the token that a credential is exchanged for, and what it calls it.
pub(crate) fn exchange(control: &Control, key: &Key) -> Option<String> {
    let (id, secret) = (key.record["id"].as_str()?, key.record["secret"].as_str()?);
    let url = format!("http://{}/oauth/token", control.address);
    let ask = format!("curl -s -u {id}:{secret} -d grant_type=client_credentials {url}");
    Some(format!("{}=$({ask} | sed 's/.*\"access_token\":\"\\([^\"]*\\)\".*/\\1/')", variable(key)))
}

fn variable(key: &Key) -> String {
    key.record["name"].as_str().unwrap_or_default().to_ascii_uppercase()
}

impl Example {
    /// The request, as bytes to send.
    pub(crate) fn request(&self, keys: &Keys) -> Request {
        let request = match self.credential(keys) {
            Some(text) => Request::new(self.method, self.path).bearer(text),
            None => Request::new(self.method, self.path),
        };
        self.headers.iter().fold(request, |request, (name, value)| request.header(name, *value))
    }

    /// The request as a line to paste into a shell, below a line that says what to expect.
    pub(crate) fn curl(&self, edge: &str, keys: &Keys) -> String {
        let mut words = vec![r"curl -s -w '\n%{http_code}\n'".to_owned()];
        if self.method != "GET" {
            words.push(format!("-X {}", self.method));
        }
        words.extend(self.shown(keys));
        words.extend(self.headers.iter().map(|(name, value)| format!("-H '{name}: {value}'")));
        words.push(format!("'{edge}{}'", self.path));
        format!("  # {}: {}\n  {}", self.what, self.answer, words.join(" "))
    }

    pub(crate) fn name(&self) -> &'static str {
        self.what
    }

    /// The header for a shell. A token is soon over, so that its line is asked for one.
    fn shown(&self, keys: &Keys) -> Option<String> {
        match self.known(keys) {
            Some(key) if key.record["secret"].is_string() => {
                Some(format!("-H \"Authorization: Bearer ${}\"", variable(key)))
            }
            _ => self.credential(keys).map(|text| format!("-H 'Authorization: Bearer {text}'")),
        }
    }

    /// The demonstration key that it is made with, if it is made with one.
    pub(crate) fn known<'a>(&self, keys: &'a Keys) -> Option<&'a Key> {
        match self.key {
            Credential::Demo(name) => keys.get(name),
            _ => None,
        }
    }

    fn credential<'a>(&self, keys: &'a Keys) -> Option<&'a str> {
        match self.key {
            Credential::Text(text) => Some(text),
            _ => self.known(keys).map(|key| key.text.as_str()),
        }
    }
}

const fn example(
    what: &'static str,
    method: &'static str,
    path: &'static str,
    key: Credential,
    answer: &'static str,
) -> Example {
    Example { what, method, path, key, headers: &[], answer }
}

fn systemprompt() -> Demo {
    use Credential::{Demo as Key, None, Text};
    let skills = "/api/v1/skills";
    Demo {
        secrets: Vec::new(),
        skills: Vec::new(),
        keys: vec![
            json!({ "name": "reader", "environment": "production", "scopes": ["skills:read"] }),
            json!({ "name": "writer", "environment": "production", "scopes": ["skills:read", "skills:write"] }),
            json!({ "name": "sandbox", "environment": "sandbox", "scopes": ["skills:read"] }),
            json!({ "name": "office", "environment": "production", "scopes": ["skills:read"],
                "restrictions": { "ip": { "allow": ["203.0.113.0/24"] } } }),
        ],
        requests: vec![
            example("a key with skills:read reads", "GET", skills, Key("reader"), "200 live"),
            example("it may not write", "POST", skills, Key("reader"), "403 insufficient_scope"),
            example("a key with skills:write does", "POST", skills, Key("writer"), "200 live"),
            example("a sp_test_ key reaches the sandbox only", "GET", skills, Key("sandbox"), "200 sandbox"),
            example("a key bound to another network", "GET", skills, Key("office"), "403 ip_not_allowed"),
            example("no key", "GET", skills, None, "401 missing_api_key"),
            example(
                "a key that nobody was given",
                "GET",
                skills,
                Text("sp_live_a1b2c3d4e5f6g7h8i9j0k1l2m3n4o5p6"),
                "401 invalid_api_key",
            ),
            example(
                "a path that could mean two things",
                "GET",
                "/api/v1/skills%2F1",
                Key("reader"),
                "400 ambiguous_path",
            ),
            example("a public route", "GET", "/healthz", None, "200 live"),
        ],
    }
}

fn payments() -> Demo {
    use Credential::{Demo as Key, None, Text};
    let from_shop: &[(&str, &str)] = &[("referer", "https://www.shop.example/cart")];
    let from_elsewhere: &[(&str, &str)] = &[("referer", "https://evilshop.example/cart")];
    Demo {
        secrets: Vec::new(),
        skills: Vec::new(),
        keys: vec![
            json!({ "name": "server", "environment": "live", "scopes": ["payouts:read", "refunds:write"] }),
            json!({ "name": "test", "environment": "test" }),
            json!({ "name": "shop", "environment": "live",
                "restrictions": { "referrer": { "allow": ["https://*.shop.example/*"] } } }),
            json!({ "name": "charges", "environment": "live", "restrictions": {
                "ip": { "allow": ["127.0.0.0/8"] }, "endpoint": { "allow": ["POST /v1/charges"] } } }),
        ],
        requests: vec![
            example("a live key", "POST", "/v1/charges", Key("server"), "200 live"),
            example("a test key: nothing is charged", "POST", "/v1/charges", Key("test"), "200 sandbox"),
            example("a test key where only money moves", "GET", "/v1/payouts", Key("test"), "403 environment_mismatch"),
            example("the shop's key from no page at all", "GET", "/v1/prices", Key("shop"), "403 referrer_not_allowed"),
            Example {
                headers: from_shop,
                ..example("the shop's key from its page", "GET", "/v1/prices", Key("shop"), "200 live")
            },
            Example {
                headers: from_elsewhere,
                ..example("the same from another page", "GET", "/v1/prices", Key("shop"), "403 referrer_not_allowed")
            },
            example("a key for one endpoint, there", "POST", "/v1/charges", Key("charges"), "200 live"),
            example("and elsewhere", "GET", "/v1/customers", Key("charges"), "403 endpoint_not_allowed"),
            example("no key", "GET", "/v1/charges", None, "401 missing_api_key"),
            example(
                "a key that nobody was given",
                "GET",
                "/v1/charges",
                Text("sk_live_abc123xyz789"),
                "401 invalid_api_key",
            ),
        ],
    }
}

fn fetchprompt() -> Demo {
    use Credential::{Demo as Key, None, Text};
    let prompt = "/api/v1/prompts/welcome";
    Demo {
        secrets: Vec::new(),
        skills: Vec::new(),
        keys: vec![
            json!({ "name": "production", "environment": "production" }),
            json!({ "name": "stage", "environment": "stage" }),
            json!({ "name": "spent", "environment": "production", "organization": "spent" }),
        ],
        requests: vec![
            example("a production key", "GET", prompt, Key("production"), "200 live"),
            example("a stage key: the key alone decides", "GET", prompt, Key("stage"), "200 sandbox"),
            example("an organisation over its quota", "GET", prompt, Key("spent"), "429 quota_exceeded"),
            example("a key that is too short", "GET", prompt, Text("fp_prod_abc"), "401 invalid_api_key"),
            example("no key", "GET", prompt, None, "401 missing_api_key"),
        ],
    }
}

fn scope() -> Demo {
    use Credential::{Demo as Key, None, Text};
    let documents = "/v1/documents";
    let credential = |name: &str, environment: &str, scopes: &[&str]| json!({ "kind": "credential", "name": name, "environment": environment, "scopes": scopes });
    Demo {
        secrets: Vec::new(),
        skills: Vec::new(),
        keys: vec![
            credential("service", "production", &["documents:read", "documents:write"]),
            credential("reader", "production", &["documents:read"]),
            credential("sandbox", "sandbox", &["documents:read", "documents:write", "indexes:write"]),
        ],
        requests: vec![
            example("a token with documents:read reads", "GET", documents, Key("reader"), "200 live"),
            example("it may not write", "POST", documents, Key("reader"), "403 insufficient_scope"),
            example("a token with documents:write does", "POST", documents, Key("service"), "200 live"),
            example("a token of the sandbox", "POST", documents, Key("sandbox"), "200 sandbox"),
            example("what only the sandbox may", "POST", "/v1/reset", Key("sandbox"), "200 sandbox"),
            example("from elsewhere", "POST", "/v1/reset", Key("service"), "403 environment_mismatch"),
            example("no token", "GET", documents, None, "401 missing_api_key"),
            example("a token that nobody signed", "GET", documents, Text(UNSIGNED), "401 invalid_token"),
            example("a public route", "GET", "/healthz", None, "200 live"),
        ],
    }
}

/// `{"alg":"none"}` and `{"sub":"me"}`.
const UNSIGNED: &str = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJtZSJ9.";

fn skills() -> Demo {
    use Credential::{Demo as Key, None};
    let (weather, crm) = ("/services/weather/data/2.5/weather?q=Oslo", "/services/crm/v1/contacts");
    let link = |service: &str, secret: &str| json!({ "service": service, "secrets": [secret] });
    Demo {
        secrets: vec![("weather_api_key", "demo-weather-key"), ("crm_token", "demo-crm-token")],
        skills: vec![
            json!({ "name": "forecaster", "team": true, "services": [link("weather", "weather_api_key")] }),
            json!({ "name": "seller", "team": true,
                "services": [link("crm", "crm_token"), link("billing", "billing_password")] }),
        ],
        keys: vec![
            json!({ "name": "forecaster", "environment": "live", "scopes": ["weather:use"], "skill": "forecaster" }),
            json!({ "name": "seller", "environment": "live", "skill": "seller",
                "scopes": ["crm:read", "billing:use", "weather:use"] }),
            json!({ "name": "plain", "environment": "live", "scopes": ["weather:use", "skills:read"] }),
        ],
        requests: vec![
            example(
                "the skill calls the weather service, whose key it does not have",
                "GET",
                weather,
                Key("forecaster"),
                "200 service",
            ),
            example("another service, with a token in a header", "GET", crm, Key("seller"), "200 service"),
            example(
                "a service that the skill is not linked to",
                "GET",
                weather,
                Key("seller"),
                "403 service_not_allowed",
            ),
            example(
                "a secret that nobody has set",
                "GET",
                "/services/billing/v1/invoices",
                Key("seller"),
                "403 missing_secret",
            ),
            example("a key without a skill", "GET", weather, Key("plain"), "403 service_not_allowed"),
            example("it reads our own API all the same", "GET", "/v1/skills", Key("plain"), "200 live"),
            example("no key", "GET", weather, None, "401 missing_api_key"),
        ],
    }
}
