//! `GET /keys`: the listing, and the page that shows a new key once.

use askama::Template;
use portcullis_api::{ApiKey, Key, KeyKind, KeyStatus, Secret};

use super::parts::{Badge, Code, Pager, Tone};
use super::receipt::Receipt;
use super::shell::Shell;
use super::when::When;
use crate::public_url::PublicUrl;

/// A key that stops working within this is said to expire soon.
const SOON: u64 = 14 * 24 * 60 * 60;

/// The page.
#[derive(Clone, Debug, Template)]
#[template(path = "keys.html")]
pub(crate) struct Keys {
    pub(crate) shell: Shell,
    pub(crate) filter: KeyFilter,
    pub(crate) environments: Vec<String>,
    pub(crate) rows: Vec<KeyRow>,
    pub(crate) pager: Pager,
    /// What a newcomer pastes.
    pub(crate) first_key: Code,
}

/// What the listing is narrowed to. A pasted key never comes here: `/keys/search` redirects to the key's page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct KeyFilter {
    pub(crate) q: String,
    pub(crate) status: Option<KeyStatus>,
    pub(crate) environment: String,
    pub(crate) overdue: bool,
    pub(crate) idle: bool,
}

impl KeyFilter {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Every status with its word and whether it is chosen.
    fn statuses(&self) -> Vec<(&'static str, bool)> {
        let all = [KeyStatus::Active, KeyStatus::Disabled, KeyStatus::Expired, KeyStatus::Revoked];
        all.into_iter().map(|status| (status.as_str(), self.status == Some(status))).collect()
    }
}

/// One key in a listing, and the head of its page.
#[derive(Clone, Debug)]
pub(crate) struct KeyRow {
    pub(crate) id: String,
    pub(crate) kind: KeyKind,
    /// Its organisation's id.
    pub(crate) organization: String,
    pub(crate) name: String,
    pub(crate) display: String,
    pub(crate) environment: String,
    pub(crate) created_by: Option<String>,
    pub(crate) created: When,
    pub(crate) last_used: Option<When>,
    pub(crate) expires: Option<When>,
    pub(crate) status: KeyStatus,
    pub(crate) age_days: u64,
    pub(crate) overdue: bool,
    pub(crate) idle: bool,
    pub(crate) expires_soon: bool,
}

impl KeyRow {
    /// A key's record as seen at `now`.
    pub(crate) fn new(key: &Key, idle: bool, now: u64) -> Self {
        let expiry = key.expires_at.as_deref().and_then(crate::clock::from_rfc3339);
        let works = key.status == KeyStatus::Active;
        Self {
            id: key.id.clone(),
            kind: key.kind,
            organization: key.organization.clone(),
            name: key.name.clone(),
            display: key.display.clone(),
            environment: key.environment.clone(),
            created_by: key.created_by.clone(),
            created: When::parse(&key.created_at, now),
            last_used: key.last_used.as_deref().map(|at| When::parse(at, now)),
            expires: key.expires_at.as_deref().map(|at| When::parse(at, now)),
            status: key.status,
            age_days: key.age_days,
            overdue: key.overdue,
            idle,
            expires_soon: works && expiry.is_some_and(|at| at.saturating_sub(now) <= SOON),
        }
    }

    pub(crate) fn badge(&self) -> Badge {
        self.status.into()
    }

    /// What it is, if that is no API key, and what wants attention.
    pub(crate) fn flags(&self) -> Vec<Badge> {
        let flags = [
            (self.kind == KeyKind::Credential, Tone::Quiet, "Credential"),
            (self.kind == KeyKind::Grant, Tone::Quiet, "Grant"),
            (self.kind == KeyKind::Issuer, Tone::Quiet, "Issuer"),
            (self.overdue, Tone::Warn, "Overdue"),
            (self.idle, Tone::Quiet, "Idle"),
            (self.expires_soon, Tone::Warn, "Expires soon"),
        ];
        flags.into_iter().filter(|(set, ..)| *set).map(|(_, tone, word)| Badge::new(tone, word)).collect()
    }

    /// Whether it is exchanged for access tokens in place of being sent itself.
    pub(crate) fn is_credential(&self) -> bool {
        self.kind == KeyKind::Credential
    }

    pub(crate) fn is_revoked(&self) -> bool {
        self.status == KeyStatus::Revoked
    }

    pub(crate) fn is_disabled(&self) -> bool {
        self.status == KeyStatus::Disabled
    }

    /// Whether it can be changed at all: neither revoked nor expired.
    pub(crate) fn is_alive(&self) -> bool {
        matches!(self.status, KeyStatus::Active | KeyStatus::Disabled)
    }
}

/// Stands for an address that only the operator knows; nobody can take it for one.
const PLACEHOLDER: &str = "https://YOUR-GATEWAY.example";

/// The answer to creating or rotating a key: the only page that holds one.
#[derive(Clone, Debug, Template)]
#[template(path = "key_created.html")]
pub(crate) struct KeyCreated {
    pub(crate) shell: Shell,
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) environment: String,
    /// What is to be copied: `key` or `secret`.
    pub(crate) what: &'static str,
    /// Whatever holds it.
    pub(crate) texts: Vec<Code>,
    /// Whether edges can fetch it yet.
    pub(crate) published: bool,
    pub(crate) receipt: Option<Receipt>,
    /// After a rotation: the old key and until when it works.
    pub(crate) replaces: Option<Replaced>,
}

/// A key that was rotated.
#[derive(Clone, Debug)]
pub(crate) struct Replaced {
    pub(crate) id: String,
    pub(crate) name: String,
    /// Absent: it stopped working at once.
    pub(crate) works_until: Option<When>,
}

impl KeyCreated {
    /// The three texts to copy: the key, the header line, a request to the gateway.
    pub(crate) fn texts(key: &ApiKey, authorization: &ApiKey, gateway: Option<&PublicUrl>, path: &str) -> Vec<Code> {
        let (usage, line) = (authorization.expose(), " \\\n  -H");
        let (url, label) = match gateway {
            Some(gateway) => (format!("{gateway}{path}"), "Try it"),
            None => (format!("{PLACEHOLDER}{path}"), "Try it, with your gateway’s address in place of YOUR-GATEWAY"),
        };
        let curl = ApiKey::new(match usage.starts_with('?') {
            true => format!("curl '{url}{usage}'"),
            false => format!("curl {url}{line} '{usage}'"),
        });
        vec![
            Code::secret("key-text", "Your new key", key),
            Code::with_secret("authorization", "Header to send with each request", authorization),
            Code::with_secret("curl", label, &curl),
        ]
    }

    /// What a credential's holder copies: its id and secret, the lines for its environment, and how to exchange them.
    pub(crate) fn credential(id: &str, secret: &Secret, env: &Secret, issuer: &PublicUrl) -> Vec<Code> {
        let secret = secret.expose();
        let curl = format!("curl -u {id}:{secret} -d grant_type=client_credentials {issuer}/oauth/token");
        vec![
            Code::example("key-id", "Key id, which is no secret", id),
            Code::secret("secret-text", "Its secret", &ApiKey::new(secret)),
            Code::with_secret("env", "For the environment of your service", &ApiKey::new(env.expose())),
            Code::with_secret("curl", "An access token for it", &ApiKey::new(curl)),
        ]
    }
}
