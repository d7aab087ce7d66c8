//! Who is believed: [`IssuersSpec`] once its keys were read and its rules held.
//!
//! It is chosen from here, not decided. Invariant: of a URL and an audience there is one issuer at most, of an issuer
//! and a `kid` one key; of several that a token could mean the first one is meant, so that no later issuer changes what an
//! earlier one accepts.

use alloc::string::String;
use alloc::vec::Vec;

use crate::header::Header;
use crate::json::{Json, Object};
use crate::jwk::{Algorithm, Jwk};
use crate::public_key::{InvalidKey, PublicKey};
use crate::spec::{IssuerSpec, IssuersSpec, MAX_TOKEN_BYTES, Subjects};
use crate::verify::Refusal;

/// Every issuer whose tokens are accepted.
#[derive(Debug)]
pub struct Issuers {
    pub(crate) max_token_bytes: usize,
    pub(crate) issuers: Vec<Issuer>,
}

/// Why a list of issuers cannot be used. Whoever made the list can fix it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidIssuers {
    /// Tokens of any length would be read.
    #[error("tokens may be 1 to {MAX_TOKEN_BYTES} bytes long, not {0}")]
    MaxTokenBytes(usize),
    /// Nothing to compare `iss`, `aud` or `typ` with.
    #[error("issuer `{0}` has no URL, no audience or no type, or an empty one")]
    Empty(String),
    /// A token could belong to both.
    #[error("two issuers have the URL `{0}` and an audience in common, or one of them is this control plane")]
    Twice(String),
    /// Nobody could say which is meant.
    #[error("issuer `{issuer}` has two keys with the `kid` `{kid}`")]
    DuplicateKid {
        /// Whose.
        issuer: String,
        /// Which.
        kid: String,
    },
    /// More than could be told apart.
    #[error("more than {MOST} issuers, or keys of one of them; hint: remove those that nobody uses")]
    TooMany,
    /// A key is none.
    #[error("issuer `{issuer}`: {problem}")]
    Key {
        /// Whose.
        issuer: String,
        /// Why.
        problem: InvalidKey,
    },
}

impl Issuers {
    /// Reads the keys and holds the rules.
    pub fn compile(spec: &IssuersSpec) -> Result<Self, InvalidIssuers> {
        if !(1..=MAX_TOKEN_BYTES).contains(&spec.max_token_bytes) {
            return Err(InvalidIssuers::MaxTokenBytes(spec.max_token_bytes));
        }
        if spec.issuers.len() > MOST || spec.issuers.iter().any(|it| it.keys.len() > MOST) {
            return Err(InvalidIssuers::TooMany);
        }
        for (index, one) in spec.issuers.iter().enumerate() {
            if spec.issuers.iter().skip(index + 1).any(|other| overlap(one, other)) {
                return Err(InvalidIssuers::Twice(one.issuer.clone()));
            }
        }
        let issuers = spec.issuers.iter().map(Issuer::compile).collect::<Result<_, _>>()?;
        Ok(Self { max_token_bytes: spec.max_token_bytes, issuers })
    }

    /// The issuer that `iss` and `aud` name, and where it stands.
    pub(crate) fn choose(&self, payload: &Object) -> Result<(usize, &Issuer), Refusal> {
        let iss = payload.get("iss").and_then(Json::text).ok_or(Refusal::Claims)?;
        let audiences = audiences(payload)?;
        let mut known = self.issuers.iter().enumerate().filter(|(_, it)| it.issuer == iss).peekable();
        known.peek().ok_or(Refusal::UnknownIssuer)?;
        // A token may have several audiences, and a stranger may have configured another of them.
        let mut meant = known.filter(|(_, it)| it.audiences.iter().any(|own| audiences.contains(&own.as_str())));
        meant.next().ok_or(Refusal::Audience)
    }
}

/// `aud`, a string or an array of strings (RFC 7519, section 4.1.3).
fn audiences(payload: &Object) -> Result<Vec<&str>, Refusal> {
    match payload.get("aud") {
        None => Err(Refusal::Audience),
        Some(Json::Text(one)) => Ok(Vec::from([one.as_str()])),
        Some(Json::List(many)) => many.iter().map(|it| it.text().ok_or(Refusal::Claims)).collect(),
        Some(_) => Err(Refusal::Claims),
    }
}

fn overlap(one: &IssuerSpec, other: &IssuerSpec) -> bool {
    let own = |it: &IssuerSpec| it.subjects == Subjects::Own;
    let shared = || one.audiences.iter().any(|it| other.audiences.contains(it));
    one.issuer == other.issuer && (own(one) || own(other) || shared())
}

/// More than a list ever has.
const MOST: usize = u16::MAX as usize;

/// A key by its `kid`.
pub(crate) type NamedKey = (Option<String>, PublicKey);

/// One issuer.
#[derive(Debug)]
pub(crate) struct Issuer {
    pub(crate) issuer: String,
    pub(crate) audiences: Vec<String>,
    types: Vec<String>,
    pub(crate) skew: u64,
    pub(crate) keys: Vec<NamedKey>,
    pub(crate) subjects: Subjects,
}

impl Issuer {
    pub(crate) fn compile(spec: &IssuerSpec) -> Result<Self, InvalidIssuers> {
        let listed = |list: &[String]| !list.is_empty() && list.iter().all(|it| !it.is_empty());
        if spec.issuer.is_empty() || !listed(&spec.audiences) || !listed(&spec.types) {
            return Err(InvalidIssuers::Empty(spec.issuer.clone()));
        }
        if let Some(kid) = duplicate_kid(&spec.keys) {
            return Err(InvalidIssuers::DuplicateKid { issuer: spec.issuer.clone(), kid: kid.into() });
        }
        let read = |jwk: &Jwk| match PublicKey::read(jwk) {
            Ok(key) => Ok((jwk.kid.clone(), key)),
            Err(problem) => Err(InvalidIssuers::Key { issuer: spec.issuer.clone(), problem }),
        };
        Ok(Self {
            issuer: spec.issuer.clone(),
            audiences: spec.audiences.clone(),
            types: spec.types.clone(),
            skew: u64::from(spec.clock_skew_seconds),
            keys: spec.keys.iter().map(read).collect::<Result<_, _>>()?,
            subjects: spec.subjects.clone(),
        })
    }

    /// Whether all is the same but the keys.
    pub(crate) fn has_rules_of(&self, other: &Self) -> bool {
        let Self { issuer, audiences, types, skew, keys: _, subjects } = self;
        (issuer, audiences, types) == (&other.issuer, &other.audiences, &other.types)
            && (skew, subjects) == (&other.skew, &other.subjects)
    }

    pub(crate) fn takes_type(&self, header: &Header) -> Result<(), Refusal> {
        if self.types.contains(&header.typ) { Ok(()) } else { Err(Refusal::Type) }
    }

    /// The one key that the header means, and where it stands. Ours are always named; others may leave the name out if there is no choice.
    pub(crate) fn key(&self, header: &Header) -> Result<(usize, &PublicKey), Refusal> {
        let key = match &header.kid {
            Some(kid) => {
                self.places().find(|(_, (it, _))| it.as_ref() == Some(kid)).map(|(place, (_, key))| (place, key))
            }
            None if self.subjects == Subjects::Own => None,
            None => self.only(header.algorithm),
        };
        let (place, key) = key.ok_or(Refusal::UnknownKey)?;
        if key.algorithm() == header.algorithm { Ok((place, key)) } else { Err(Refusal::Algorithm) }
    }

    fn only(&self, algorithm: Algorithm) -> Option<(usize, &PublicKey)> {
        let mut keys =
            self.places().map(|(place, (_, key))| (place, key)).filter(|(_, key)| key.algorithm() == algorithm);
        keys.next().filter(|_| keys.next().is_none())
    }

    fn places(&self) -> impl Iterator<Item = (usize, &NamedKey)> {
        self.keys.iter().enumerate()
    }
}

pub(crate) fn duplicate_kid(keys: &[Jwk]) -> Option<&str> {
    let named = || keys.iter().filter_map(|key| key.kid.as_deref());
    named().enumerate().find(|(index, kid)| named().skip(index + 1).any(|other| other == *kid)).map(|(_, kid)| kid)
}
