//! Access tokens of the corpus: good ones, and every kind of bad one.
//!
//! Real ones come from the control plane's token endpoint, or from somebody else's. Invariant: tokens are minted by the corpus's clock and
//! with known keys, so that every run sees the same ones.

mod signer;

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use portcullis_token::{Algorithm, IssuerSpec, IssuersSpec, Mapping, Subjects};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::corpus::Corpus;

pub use signer::Signer;

/// What the corpus's own mint calls itself: the control plane's public URL.
pub const MINT: &str = "https://portcullis.test";

/// An issuer of somebody else's.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KnownIssuer {
    /// Its `iss`.
    pub url: String,
    /// The alias of its key.
    pub key: String,
    /// The environment of its tokens.
    pub environment: String,
    /// The claim that holds its words for scopes.
    pub scope_claim: String,
    /// Its words, in ours; none: they are ours.
    #[serde(default)]
    pub scopes: BTreeMap<String, Vec<String>>,
    /// What it signs with.
    pub algorithm: Algorithm,
}

/// An access token.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KnownToken {
    /// The alias of the key that it was minted for.
    #[serde(rename = "for")]
    pub key: String,
    /// The name of the issuer that minted it; absent = the corpus's own mint.
    pub issuer: Option<String>,
    /// Its scopes; absent = none are said.
    pub scopes: Option<Vec<String>>,
    /// Its environment, in place of the key's.
    pub environment: Option<String>,
    /// Seconds from now until it expires.
    #[serde(default = "lifetime")]
    pub expires_in: i64,
    /// Seconds from now when it was minted.
    #[serde(default)]
    pub issued_in: i64,
    /// Seconds from now until it is good (`nbf`); absent = it does not say.
    pub not_before_in: Option<i64>,
    /// The app that got it, if the key is a grant's.
    pub app: Option<String>,
    /// `sub`, in place of the key.
    pub subject: Option<String>,
    /// What signs it, in place of what its issuer signs with.
    pub algorithm: Option<Algorithm>,
    /// Whether the key that signs it was never published.
    #[serde(default)]
    pub unpublished: bool,
    /// Members of the header, in place of what stands there.
    #[serde(default)]
    pub header: Map<String, Value>,
    /// Claims, in place of what it says.
    #[serde(default)]
    pub claims: Map<String, Value>,
    /// How many bytes of nothing it holds beside.
    #[serde(default)]
    pub note: usize,
    /// Members of header and payload that are left out.
    #[serde(default)]
    pub without: Vec<String>,
    /// What happened to it after it was signed.
    #[serde(default)]
    pub tampered: Tampered,
}

/// What happened to a token after it was signed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tampered {
    /// Nothing.
    #[default]
    No,
    /// The signature is another.
    Signature,
    /// The signature was cut off.
    Unsigned,
    /// The payload says something else.
    Payload,
    /// Its end is missing.
    Cut,
    /// It is padded with `=`.
    Padded,
    /// A fourth part hangs on it.
    Longer,
    /// A claim stands in it twice.
    Twice,
}

const fn lifetime() -> i64 {
    900
}

/// One token by hand, for tests that need more of them than a corpus has.
#[derive(Clone, Debug)]
pub struct Mint {
    /// What signs.
    pub signer: Signer,
    /// The header.
    pub header: Map<String, Value>,
    /// The payload.
    pub payload: Map<String, Value>,
}

impl Mint {
    /// The token.
    pub fn sign(&self, tampered: Tampered) -> Result<String> {
        let [header, mut payload] = [&self.header, &self.payload].map(|it| Value::Object(it.clone()).to_string());
        if tampered == Tampered::Twice {
            payload.insert_str(1, r#""scope":"","#);
        }
        let signed = format!("{}.{}", part(header.as_bytes()), part(payload.as_bytes()));
        let mut signature = self.signer.sign(signed.as_bytes())?;
        if tampered == Tampered::Signature {
            signature.iter_mut().take(1).for_each(|byte| *byte ^= 1);
        }
        let token = format!("{signed}.{}", part(&signature));
        Ok(match tampered {
            Tampered::No | Tampered::Signature | Tampered::Twice => token,
            Tampered::Unsigned => format!("{signed}."),
            Tampered::Cut => token.chars().take(signed.len()).collect(),
            Tampered::Padded => format!("{token}=="),
            Tampered::Longer => format!("{token}.{}", part(b"more")),
            Tampered::Payload => {
                let mut other = self.payload.clone();
                other.insert("scope".to_owned(), json!("everything:*"));
                let other = part(Value::Object(other).to_string().as_bytes());
                format!("{}.{other}.{}", part(header.as_bytes()), part(&signature))
            }
        })
    }
}

fn part(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

impl Corpus {
    /// Whose access tokens count, if any do: the corpus's own mint, and the issuers that it names.
    pub fn issuers_spec(&self) -> Result<Option<IssuersSpec>> {
        let Some(tokens) = &self.spec.tokens else { return Ok(None) };
        let jwk = |algorithm| Signer { algorithm, unpublished: false }.jwk();
        let issuer = |url: &str, types: &[&str], keys, subjects| IssuerSpec {
            issuer: url.to_owned(),
            audiences: vec![tokens.audience.clone()],
            types: types.iter().map(|it| (*it).to_owned()).collect(),
            clock_skew_seconds: tokens.clock_skew_seconds,
            keys,
            subjects,
        };
        let own = vec![jwk(Algorithm::EdDsa)?, jwk(Algorithm::Es256)?];
        let mut issuers = vec![issuer(MINT, &["at+jwt"], own, Subjects::Own)];
        for known in self.issuers.values() {
            let key = self.keys.get(&known.key).context("the issuer has a key")?;
            let mapping = Mapping {
                key: key.id.to_string(),
                environment: known.environment.clone(),
                scope_claim: known.scope_claim.clone(),
                scopes: known.scopes.clone(),
            };
            let keys = vec![jwk(known.algorithm)?];
            issuers.push(issuer(&known.url, &["at+jwt", "jwt"], keys, Subjects::Mapped(mapping)));
        }
        Ok(Some(IssuersSpec { max_token_bytes: usize::try_from(tokens.max_bytes)?, issuers }))
    }

    /// A token as its issuer would mint it at the corpus's time.
    pub fn mint(&self, token: &KnownToken) -> Result<String> {
        self.mint_by_hand(token)?.sign(token.tampered)
    }

    /// The same, before it is signed.
    pub fn mint_by_hand(&self, token: &KnownToken) -> Result<Mint> {
        let issuer = token.issuer.as_ref().map(|name| self.issuers.get(name).context("no such issuer")).transpose()?;
        let usual = issuer.map_or(Algorithm::EdDsa, |it| it.algorithm);
        let signer = Signer { algorithm: token.algorithm.unwrap_or(usual), unpublished: token.unpublished };
        let typ = if issuer.is_some() { "JWT" } else { "at+jwt" };
        let kid = signer.jwk()?.kid;
        let header = json!({ "alg": signer.algorithm.as_str(), "typ": typ, "kid": kid });
        let payload = match issuer {
            None => self.own_claims(token)?,
            Some(issuer) => self.foreign_claims(issuer, token),
        };
        Ok(Mint {
            signer,
            header: changed(header, &token.header, token),
            payload: changed(payload, &token.claims, token),
        })
    }

    fn own_claims(&self, token: &KnownToken) -> Result<Value> {
        let key = self.keys.get(&token.key).context("no such key")?;
        let organization = self.organizations.get(&key.organization).context("no such organisation")?;
        let id = key.id.to_string();
        // What is null is left out.
        Ok(json!({
            "iss": MINT,
            "sub": token.subject.as_ref().unwrap_or(&id),
            "aud": self.audience(),
            "client_id": token.app.as_ref().unwrap_or(&id),
            "grant": token.app.as_ref().map(|_| &id),
            "org": organization.id.to_string(),
            "env": token.environment.as_ref().unwrap_or(&key.environment),
            "scope": token.scopes.as_ref().map(|scopes| scopes.join(" ")),
            "iat": self.later(token.issued_in),
            "exp": self.later(token.expires_in),
            "jti": "AAAAAAAAAAAAAAAAAAAAAA",
            "nbf": token.not_before_in.map(|seconds| self.later(seconds)),
            "note": (token.note > 0).then(|| "-".repeat(token.note)),
        }))
    }

    fn foreign_claims(&self, issuer: &KnownIssuer, token: &KnownToken) -> Value {
        // `realm_access.roles`: an object in an object.
        let words = token
            .scopes
            .as_ref()
            .map(|scopes| issuer.scope_claim.rsplit('.').fold(json!(scopes), |inner, name| json!({ name: inner })));
        let mut claims = words.unwrap_or_else(|| json!({}));
        let usual = json!({
            "iss": issuer.url,
            "sub": token.subject,
            "aud": [self.audience(), "https://elsewhere.example"],
            "iat": self.later(token.issued_in),
            "exp": self.later(token.expires_in),
        });
        if let (Some(claims), Value::Object(usual)) = (claims.as_object_mut(), usual) {
            claims.extend(usual);
        }
        claims
    }

    fn audience(&self) -> &str {
        self.spec.tokens.as_ref().map_or("", |tokens| &tokens.audience)
    }

    fn later(&self, seconds: i64) -> u64 {
        self.now.saturating_add_signed(seconds)
    }
}

/// The members with some in place of what was there, and some left out.
fn changed(value: Value, others: &Map<String, Value>, token: &KnownToken) -> Map<String, Value> {
    let Value::Object(mut members) = value else { return Map::new() };
    members.extend(others.clone());
    members.retain(|name, value| !token.without.contains(name) && !value.is_null());
    members
}
