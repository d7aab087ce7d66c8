//! Access tokens of keys written by hand: minted in this process, the way the control plane mints them.
//!
//! It mints only good tokens of our own: somebody else's, and bad ones, are pasted in. Invariant: what signs them is made
//! up, so no edge takes them.

use portcullis_engine::spec::{PolicySpec, TokenAlgorithm, TokensSpec};
use portcullis_engine::{KeyId, OrganizationId};
use portcullis_token::{Algorithm, Claims, IssuerSpec, IssuersSpec, Subjects, TokenKey};
use serde::Deserialize;

use super::{Key, Kind, ten_bytes};
use crate::exit::Failure;

/// `iss`: a name that nobody can have (RFC 6761).
const MINT: &str = "https://explain.invalid";
/// What a token is described with.
const MEMBERS: [&str; 6] = ["for", "scopes", "subject", "app", "issued_in", "expires_in"];
const USUAL_APP: &str = "app_0000000000000000";

/// `[tokens.NAME]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Token {
    /// The name of the key that has it minted.
    #[serde(rename = "for")]
    pub(super) key: String,
    #[serde(default)]
    scopes: Vec<String>,
    subject: Option<String>,
    app: Option<String>,
    #[serde(default)]
    issued_in: i64,
    expires_in: Option<i64>,
}

impl Token {
    /// A corpus describes bad tokens, and tokens of others, with members of their own.
    pub(super) fn read(described: toml::Value) -> Result<Self, String> {
        let mut members = described.as_table().into_iter().flat_map(toml::Table::keys);
        if let Some(other) = members.find(|it| !MEMBERS.contains(&it.as_str())) {
            let minted = format!("explain mints good tokens of our own only, and these have no `{other}`");
            let known = MEMBERS.join("`, `");
            return Err(format!("{minted}\nhint: they have `{known}`; --key-stdin sends any other token"));
        }
        Self::deserialize(described).map_err(|error| error.message().to_owned())
    }
}

/// What signs, and what is signed for.
pub(super) struct Mint<'a> {
    spec: &'a TokensSpec,
    key: TokenKey,
    now: u64,
}

impl<'a> Mint<'a> {
    /// `None` if the policy takes no tokens.
    pub(super) fn of(policy: &'a PolicySpec, now: u64) -> Result<Option<Self>, Failure> {
        let Some(spec) = &policy.tokens else { return Ok(None) };
        let algorithm = match spec.algorithm {
            TokenAlgorithm::EdDsa => Algorithm::EdDsa,
            TokenAlgorithm::Es256 => Algorithm::Es256,
        };
        Ok(Some(Self { spec, key: TokenKey::generate(algorithm, &[1; 32]).map_err(Failure::unable)?, now }))
    }

    /// Whose tokens count.
    pub(super) fn issuers(&self) -> Result<IssuersSpec, Failure> {
        let own = IssuerSpec {
            issuer: MINT.to_owned(),
            audiences: vec![self.spec.audience.clone()],
            types: vec!["at+jwt".to_owned()],
            clock_skew_seconds: self.spec.clock_skew_seconds,
            keys: vec![self.key.jwk()],
            subjects: Subjects::Own,
        };
        let max_token_bytes = usize::try_from(self.spec.max_bytes).map_err(Failure::unable)?;
        Ok(IssuersSpec { max_token_bytes, issuers: vec![own] })
    }

    /// The token as it would be minted for that key.
    pub(super) fn mint(&self, token: &Token, key: &Key) -> Result<String, String> {
        let id = KeyId::from_bytes(ten_bytes(&token.key)).to_string();
        let grant = match key.kind {
            Kind::Credential => None,
            Kind::Grant => Some(id.clone()),
            Kind::ApiKey => return Err(format!("`{}` is an API key, which has no tokens", token.key)),
            Kind::Issuer => return Err(format!("tokens of the issuer `{}` are signed by that issuer", token.key)),
        };
        let app = || token.app.clone().unwrap_or_else(|| USUAL_APP.to_owned());
        let lifetime = token.expires_in.unwrap_or(i64::from(self.spec.lifetime_seconds));
        Ok(self.key.sign(&Claims {
            iss: MINT.to_owned(),
            sub: token.subject.clone().unwrap_or_else(|| id.clone()),
            aud: self.spec.audience.clone(),
            client_id: if grant.is_some() { app() } else { id },
            grant,
            org: OrganizationId::from_bytes(ten_bytes(&key.organization)).to_string(),
            env: key.environment.clone(),
            scope: (!token.scopes.is_empty()).then(|| token.scopes.join(" ")),
            iat: self.now.saturating_add_signed(token.issued_in),
            exp: self.now.saturating_add_signed(lifetime),
            jti: "explained".to_owned(),
        }))
    }
}
