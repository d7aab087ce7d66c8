//! What a program is given to get access tokens with. It connects to nothing.
//!
//! Invariant: an error names the variable or the part that is wrong, and never what stood in it.

use std::collections::BTreeSet;
use std::fmt;

use portcullis_api::Secret;
use reqwest::Url;

use super::error::TokenError;

const PREFIX: &str = "PORTCULLIS";

/// An organisation, a key id, its secret, and the control plane that exchanges them. `Debug` does not show the secret.
#[derive(Clone)]
pub struct Credentials {
    pub(crate) organization: String,
    pub(crate) key: String,
    pub(crate) secret: Secret,
    pub(crate) auth_url: Url,
}

/// One of the four, and how it is spoken of.
#[derive(Clone, Copy)]
struct Part {
    name: &'static str,
    variable: &'static str,
    form: &'static str,
    expected: &'static str,
    example: &'static str,
}

const ORGANIZATION: Part = Part {
    name: "the organisation",
    variable: "ORG_ID",
    form: "org_",
    expected: "an organisation id",
    example: "org_…, on the key's page",
};
const KEY: Part = Part {
    name: "the key id",
    variable: "API_KEY",
    form: "key_",
    expected: "a key id",
    example: "key_…, shown when the credential was created",
};
const SECRET: Part = Part {
    name: "the secret",
    variable: "API_SECRET",
    form: "secret_",
    expected: "a secret",
    example: "secret_…, shown once when the credential was created",
};
const AUTH_URL: Part = Part {
    name: "the auth API URL",
    variable: "AUTH_API_URL",
    form: "",
    expected: "the URL of a control plane",
    example: "https://control.example.com",
};

/// A part as it was given: what it is called where it came from, and its text.
type Given<'a> = (&'a str, &'a str);

impl Credentials {
    /// Credentials from wherever they are kept.
    pub fn new(organization: &str, key: &str, secret: &str, auth_url: &str) -> Result<Self, TokenError> {
        Self::parse([
            (ORGANIZATION.name, organization),
            (KEY.name, key),
            (SECRET.name, secret),
            (AUTH_URL.name, auth_url),
        ])
    }

    /// `PORTCULLIS_ORG_ID`, `PORTCULLIS_API_KEY`, `PORTCULLIS_API_SECRET` and `PORTCULLIS_AUTH_API_URL`.
    pub fn from_env() -> Result<Self, TokenError> {
        Self::from_env_with(PREFIX)
    }

    /// The same with another prefix: `SCOPE` reads `SCOPE_ORG_ID` and so on.
    pub fn from_env_with(prefix: &str) -> Result<Self, TokenError> {
        let names = || std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
        // What is no text is as wrong as any other text: it is refused as a part, unseen.
        let value = |name: &str| std::env::var_os(name).map(|it| it.to_string_lossy().into_owned());
        Self::from_variables(prefix, value).map_err(|error| error.with_prefix(other_prefix(prefix, names())))
    }

    pub(crate) fn from_variables(prefix: &str, value: impl Fn(&str) -> Option<String>) -> Result<Self, TokenError> {
        let read = |part: Part| {
            let variable = format!("{prefix}_{}", part.variable);
            match value(&variable).filter(|text| !text.trim().is_empty()) {
                Some(text) => Ok((variable, text)),
                None => Err(TokenError::Missing { variable, example: part.example, prefix: None }),
            }
        };
        let parts = [read(ORGANIZATION)?, read(KEY)?, read(SECRET)?, read(AUTH_URL)?];
        Self::parse(parts.each_ref().map(|(name, text)| (name.as_str(), text.as_str())))
    }

    fn parse([organization, key, secret, auth_url]: [Given<'_>; 4]) -> Result<Self, TokenError> {
        Ok(Self {
            organization: id(ORGANIZATION, organization)?,
            key: id(KEY, key)?,
            secret: Secret::new(word(SECRET, secret, |byte| byte.is_ascii_graphic())?),
            auth_url: url(auth_url)?,
        })
    }
}

/// A prefix under which there is a credential.
pub(crate) fn other_prefix(prefix: &str, names: impl IntoIterator<Item = String>) -> Option<String> {
    let names: BTreeSet<String> = names.into_iter().collect();
    let has = |other: &str, part: Part| names.contains(&format!("{other}_{}", part.variable));
    let others = names.iter().filter_map(|name| name.strip_suffix(SECRET.variable)?.strip_suffix('_'));
    let found = others.filter(|&it| it != prefix).find(|it| has(it, ORGANIZATION) && has(it, KEY));
    found.map(str::to_owned)
}

fn id(part: Part, given: Given<'_>) -> Result<String, TokenError> {
    word(part, given, |byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

fn word(part: Part, (name, text): Given<'_>, fits: impl Fn(u8) -> bool) -> Result<String, TokenError> {
    let text = text.trim();
    let rest = text.strip_prefix(part.form).filter(|rest| !rest.is_empty() && rest.bytes().all(fits));
    rest.map(|_| text.to_owned()).ok_or_else(|| malformed(part, name))
}

fn url((name, text): Given<'_>) -> Result<Url, TokenError> {
    let is_plain = |url: &Url| {
        let is_http = matches!(url.scheme(), "http" | "https") && url.has_host();
        is_http && url.username().is_empty() && url.password().is_none() && !text.contains(['?', '#'])
    };
    Url::parse(text.trim()).ok().filter(is_plain).ok_or_else(|| malformed(AUTH_URL, name))
}

fn malformed(part: Part, name: &str) -> TokenError {
    TokenError::Malformed { name: name.to_owned(), expected: part.expected, example: part.example }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("organization", &self.organization)
            .field("key", &self.key)
            .field("secret", &self.secret)
            .field("auth_url", &self.auth_url.as_str())
            .finish()
    }
}
