//! Keys whose full text is known, made from a fixed seed so that every run sees the same ones.
//!
//! For tests only: a real key comes from the control plane and nobody can tell it in advance.

use std::collections::BTreeMap;
use std::fmt::Display;

use anyhow::{Context, Result};
use portcullis_engine::id::{KeyId, OrganizationId, SecretId, SkillId};
use portcullis_engine::key_format::{CHECKSUM_LEN, checksum};
use portcullis_engine::record::KeyStatus;
use portcullis_engine::spec::{Checksum, KeyFormatSpec, RestrictionsSpec};

/// A key of the corpus.
#[derive(Clone, Debug)]
pub struct KnownKey {
    /// Its name in the corpus.
    pub alias: String,
    /// Its full text in the runners that may choose it; real Envoy gets one from the control plane instead.
    pub text: String,
    /// Its id, likewise.
    pub id: KeyId,
    /// Its environment.
    pub environment: String,
    /// The alias of its organisation.
    pub organization: String,
    /// Its scopes.
    pub scopes: Vec<String>,
    /// Whether it works.
    pub status: KeyStatus,
    /// Seconds from now until it expires; negative = expired.
    pub expires_in: Option<i64>,
    /// Its restrictions, with the id of its skill as the bundle has it.
    pub restrictions: RestrictionsSpec,
    /// The alias of the skill that it belongs to.
    pub skill: Option<String>,
    /// Whether it is presented itself.
    pub kind: KeyKind,
}

/// Whether a record's key is presented itself, or has access tokens minted that are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KeyKind {
    /// It is presented itself.
    #[default]
    ApiKey,
    /// Never presented: only tokens that were minted for it are.
    Minting,
}

/// Which text and id stand for an alias in one run.
#[derive(Clone, Debug, Default)]
pub struct KeyRing {
    keys: BTreeMap<String, RingKey>,
    tokens: BTreeMap<String, String>,
    organizations: BTreeMap<String, String>,
}

/// A key as one run knows it.
#[derive(Clone, Debug)]
pub struct RingKey {
    /// Its full text.
    pub text: String,
    /// Its id: `key_…`.
    pub id: String,
}

impl KeyRing {
    /// Adds a key under an alias.
    pub fn insert(&mut self, alias: impl Into<String>, text: impl Into<String>, id: impl Display) {
        self.keys.insert(alias.into(), RingKey { text: text.into(), id: id.to_string() });
    }

    /// Adds an access token under a name.
    pub fn insert_token(&mut self, name: impl Into<String>, text: impl Into<String>) {
        self.tokens.insert(name.into(), text.into());
    }

    /// The access token of that name.
    pub fn token(&self, name: &str) -> Result<&str> {
        self.tokens.get(name).map(String::as_str).with_context(|| format!("no token is called `{name}`"))
    }

    /// Adds an organisation under an alias.
    pub fn insert_organization(&mut self, alias: impl Into<String>, id: impl Display) {
        self.organizations.insert(alias.into(), id.to_string());
    }

    /// The key of that alias.
    pub fn get(&self, alias: &str) -> Result<&RingKey> {
        self.keys.get(alias).with_context(|| format!("no key is called `{alias}`"))
    }

    /// The alias of a key id, for messages.
    pub fn alias_of(&self, id: &str) -> Option<&str> {
        self.keys.iter().find(|(_, key)| key.id == id).map(|(alias, _)| alias.as_str())
    }

    /// The alias of an organisation id, for messages.
    pub fn organization_of(&self, id: &str) -> Option<&str> {
        self.organizations.iter().find(|(_, known)| *known == id).map(|(alias, _)| alias.as_str())
    }
}

/// A key's text: the prefix and a body drawn from `seed`, with a checksum where the format wants one.
pub fn generate(format: &KeyFormatSpec, seed: &str) -> String {
    let mut draw = Draw::new(&format!("{seed}/{}", format.prefix));
    let letters = format.alphabet.letters();
    let sum = if format.checksum == Checksum::None { 0 } else { CHECKSUM_LEN };
    let mut body: Vec<u8> = (sum..format.body_length).filter_map(|_| draw.one_of(letters)).collect();
    if sum > 0 {
        body.extend(checksum(&body));
    }
    format!("{}{}", format.prefix, String::from_utf8_lossy(&body))
}

/// A key id drawn from `seed`.
pub fn key_id(seed: &str) -> KeyId {
    KeyId::from_bytes(Draw::new(&format!("{seed}/key")).bytes())
}

/// An organisation id drawn from `seed`.
pub fn organization_id(seed: &str) -> OrganizationId {
    OrganizationId::from_bytes(Draw::new(&format!("{seed}/organization")).bytes())
}

/// A skill's id drawn from `seed`.
pub fn skill_id(seed: &str) -> SkillId {
    SkillId::from_bytes(Draw::new(&format!("{seed}/skill")).bytes())
}

/// A secret's id drawn from `seed`.
pub fn secret_id(seed: &str) -> SecretId {
    SecretId::from_bytes(Draw::new(&format!("{seed}/secret")).bytes())
}

/// What looks random and is not, for sealing in tests.
pub(crate) fn drawn(seed: &str) -> [u8; 32] {
    Draw::new(seed).bytes()
}

/// SplitMix64 over an FNV-1a of the seed: good enough to look random, the same everywhere.
struct Draw(u64);

impl Draw {
    fn new(seed: &str) -> Self {
        Self(
            seed.bytes()
                .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)),
        )
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn one_of(&mut self, letters: &[u8]) -> Option<u8> {
        let index = self.next().checked_rem(letters.len() as u64)?;
        letters.get(usize::try_from(index).ok()?).copied()
    }

    fn bytes<const N: usize>(&mut self) -> [u8; N] {
        std::array::from_fn(|_| self.next().to_be_bytes()[0])
    }
}
