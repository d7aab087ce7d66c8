//! The policy as the control plane needs it: which environments, scopes and key formats there are; and its versions.
//!
//! Invariant: a [`PolicyRoom`] compiles, so what is made of it can be enforced.

mod checking;
mod difference;
mod probe;
mod secrets;
mod side;
mod start;
mod text;
mod versions;
mod view;

use std::sync::Arc;

use arc_swap::ArcSwap;
use portcullis_engine::spec::{CredentialPlace, CredentialSpec, KeyFormatSpec};
use portcullis_engine::{Policy, PolicySpec};
use portcullis_policy::Diagnostics;

use crate::store::PolicyRow;

pub(crate) use checking::masked;
pub use start::NoPolicy;
pub(crate) use start::{File, at_start};
pub(crate) use versions::{check, diff, publish, restore, show, version, versions};

use crate::keys::misleads;
use crate::secret::{CREDENTIAL_PREFIX, Purpose};
use crate::{token, webhooks};

/// Where the policy in force is; it changes while requests are served.
pub(crate) type PolicySlot = Arc<ArcSwap<PolicyRoom>>;

/// A policy that compiles.
#[derive(Debug)]
pub(crate) struct PolicyRoom {
    version: u64,
    spec: PolicySpec,
    compiled: Policy,
}

impl PolicyRoom {
    /// Accepts a policy only if it compiles. It is no published version.
    #[cfg(test)]
    pub(crate) fn new(spec: PolicySpec) -> Result<Self, portcullis_engine::PolicyError> {
        let compiled = Policy::compile(&spec)?;
        Ok(Self { version: 0, spec, compiled })
    }

    /// A published version, which compiled when it was published.
    pub(crate) fn read(row: &PolicyRow) -> Result<Self, Box<Diagnostics>> {
        let (spec, compiled) = portcullis_policy::compile(&row.toml, "policy.toml")?;
        Ok(Self { version: row.version, spec, compiled })
    }

    /// Which published version it is.
    pub(crate) fn version(&self) -> u64 {
        self.version
    }

    /// The policy as edges decide by it.
    pub(crate) fn compiled(&self) -> &Policy {
        &self.compiled
    }

    /// The policy as written.
    pub(crate) fn spec(&self) -> &PolicySpec {
        &self.spec
    }

    /// How new keys of an environment look: the first format the policy lists for it.
    pub(crate) fn format_for(&self, environment: &str) -> Option<&KeyFormatSpec> {
        self.spec.keys.iter().find(|format| format.environment == environment)
    }

    /// The format of keys with that prefix.
    pub(crate) fn format_with(&self, prefix: &str) -> Option<&KeyFormatSpec> {
        self.spec.keys.iter().find(|format| format.prefix == prefix)
    }

    /// Whether a key may hold this scope: one the policy lists, or all of a resource it lists.
    pub(crate) fn knows_scope(&self, scope: &str) -> bool {
        let known = &self.spec.scopes;
        match scope.strip_suffix('*').filter(|resource| resource.ends_with(':')) {
            Some(resource) => known.iter().any(|it| it.starts_with(resource)),
            None => known.iter().any(|it| it == scope),
        }
    }

    /// A new key as a request carries it: in the first header that the policy names, or else in its first place.
    pub(crate) fn usage(&self, key: &str) -> String {
        let places = &self.spec.credentials;
        let is_header = |it: &&CredentialSpec| it.place == CredentialPlace::Header;
        let Some(CredentialSpec { place, name, scheme }) = places.iter().find(is_header).or(places.first()) else {
            return key.to_owned();
        };
        match (place, scheme) {
            (CredentialPlace::Header, Some(scheme)) => format!("{}: {scheme} {key}", header_name(name)),
            (CredentialPlace::Header, None) => format!("{}: {key}", header_name(name)),
            (CredentialPlace::Query, _) => format!("?{name}={key}"),
            (CredentialPlace::Cookie, _) => format!("Cookie: {name}={key}"),
        }
    }

    /// Whether text holds what looks like a key of this policy or one of our tokens: someone pasted it in the wrong
    /// place.
    pub(crate) fn spots_secret_in(&self, text: &str) -> bool {
        self.spec.keys.iter().any(|format| spots(&format.prefix, text)) || spots_token_in(text)
    }

    /// What a caller sent, cut short, to be said again in an answer; nothing of what may hold a secret.
    pub(crate) fn repeated(&self, text: &str) -> Option<String> {
        const MOST: usize = 64;
        if self.spots_secret_in(text) {
            return None;
        }
        let plain: String = text.chars().filter(|it| !misleads(*it) && *it != '`').take(MOST).collect();
        Some(plain).filter(|it| !it.is_empty())
    }

    /// Whether half a key or more stands in a text, or one of our tokens. What people may see of a key is less.
    pub(crate) fn spots_key_in(&self, text: &str) -> bool {
        self.compiled.key_formats().occur_in(text.as_bytes()) || spots_token_in(text)
    }
}

/// So much of a secret is not shown to people.
const ENOUGH: usize = 8;
/// People write such words themselves: `secret_rotation`.
const ENOUGH_BEHIND_A_WORD: usize = 16;

/// Whether one of our own tokens stands in a text.
fn spots_token_in(text: &str) -> bool {
    let is_base64 = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/".contains(byte);
    token::PREFIXES.into_iter().chain(Purpose::PREFIXES).any(|prefix| spots(prefix, text))
        || spots_body(webhooks::SECRET_PREFIX, text, ENOUGH, is_base64)
        || spots_body(CREDENTIAL_PREFIX, text, ENOUGH_BEHIND_A_WORD, u8::is_ascii_alphanumeric)
}

/// Whether a prefix stands in a text, with enough behind it for a secret.
fn spots(prefix: &str, text: &str) -> bool {
    spots_body(prefix, text, ENOUGH, u8::is_ascii_alphanumeric)
}

/// The same of secrets of other characters.
fn spots_body(prefix: &str, text: &str, enough: usize, is_of_body: impl Fn(&u8) -> bool) -> bool {
    text.match_indices(prefix).any(|(at, _)| {
        let body = text.get(at + prefix.len()..).unwrap_or_default();
        body.bytes().take_while(&is_of_body).count() >= enough
    })
}

/// As people write it: `X-Api-Key`.
fn header_name(name: &str) -> String {
    let word = |word: &str| {
        let mut letters = word.chars();
        letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect::<String>()
    };
    name.split('-').map(word).collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_secrets_are_spotted_in_a_text() {
        for (text, is_secret) in [
            ("see pct_oYF8ntQ2", true),
            ("pct_oYF8nt...", false),
            ("pct_oYF8+tQ2", false),
            ("whsec_nJQ1bUFX", true),
            ("a whsec_nJ+Q1bUFXyDC+Yqn", true), // base64
            ("whsec_/J/Q1bUF", true),
            ("whsec_nJ+Q1bU", false),
            ("whsec_nJ...", false),
            ("a secret_0123456789abcdef", true),
            ("secret_rotation2026", false),
        ] {
            assert_eq!(spots_token_in(text), is_secret, "{text}");
        }
    }

    #[test]
    fn a_new_key_is_shown_as_the_policy_wants_it_sent() {
        for (places, expected) in [
            (r#"[{ in = "header", name = "authorization", scheme = "Bearer" }]"#, "Authorization: Bearer KEY"),
            (r#"[{ in = "header", name = "x-api-key" }]"#, "X-Api-Key: KEY"),
            (r#"[{ in = "query", name = "api_key" }, { in = "header", name = "X-Key" }]"#, "X-Key: KEY"),
            (r#"[{ in = "query", name = "api_key" }]"#, "?api_key=KEY"),
            (r#"[{ in = "cookie", name = "key" }]"#, "Cookie: key=KEY"),
        ] {
            let policy = format!(
                "name = \"test\"\nenvironments = [\"live\"]\ncredentials = {places}\nrules = [{{ path = \"/**\" }}]\n\
                 keys = [{{ prefix = \"sk_\", environment = \"live\", body_length = 24 }}]"
            );
            let room = PolicyRoom::new(portcullis_policy::parse(&policy, "policy.toml").unwrap()).unwrap();
            assert_eq!(room.usage("KEY"), expected);
        }
    }
}
