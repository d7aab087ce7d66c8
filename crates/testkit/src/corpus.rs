//! The corpus: one policy, its keys, and the requests whose answers are known.
//!
//! `policies/<preset>/policy.toml` and `cases.toml` side by side. Loading checks that the two fit together; a corpus
//! with a typing error does not load, so that no case passes by accident.

mod load;
mod raw;
mod skills;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use portcullis_engine::PolicySpec;
use portcullis_engine::id::OrganizationId;
use portcullis_engine::record::OrganizationState;

use crate::escape::Piece;
use crate::expectation::{Expectation, Mismatch, Outcome};
use crate::key::{KeyRing, KnownKey};
use crate::mint::{KnownIssuer, KnownToken};
use crate::skill::{KnownSecret, KnownSkill};

/// The presets that have a corpus.
pub const PRESETS: [&str; 5] = ["systemprompt", "payments", "fetchprompt", "scope", "skills"];

/// How long an exhausted quota of the corpus stays exhausted, in seconds.
pub const QUOTA_WAIT: u64 = 3600;

/// A preset's policy with its keys and cases.
#[derive(Clone, Debug)]
pub struct Corpus {
    /// The preset's name.
    pub preset: String,
    /// The folder of `policy.toml` and `cases.toml`.
    pub dir: PathBuf,
    /// The policy.
    pub spec: PolicySpec,
    /// The clock of every runner that can set one, in Unix seconds.
    pub now: u64,
    /// Organisations by alias.
    pub organizations: BTreeMap<String, Organization>,
    /// Keys by alias.
    pub keys: BTreeMap<String, KnownKey>,
    /// Whose access tokens count, beside the corpus's own mint.
    pub issuers: BTreeMap<String, KnownIssuer>,
    /// Access tokens by name.
    pub tokens: BTreeMap<String, KnownToken>,
    /// Secrets by alias.
    pub secrets: BTreeMap<String, KnownSecret>,
    /// Skills by alias.
    pub skills: BTreeMap<String, KnownSkill>,
    /// The cases.
    pub cases: Vec<Case>,
}

/// An organisation of the corpus.
#[derive(Clone, Copy, Debug)]
pub struct Organization {
    /// Its id in the runners that may choose it.
    pub id: OrganizationId,
    /// Its state by the corpus's clock.
    pub state: OrganizationState,
}

/// One request and what is expected of it.
#[derive(Clone, Debug)]
pub struct Case {
    /// Unique in its corpus.
    pub name: String,
    /// The method.
    pub method: String,
    /// Where the request comes from.
    pub from: IpAddr,
    /// What every runner expects.
    pub expect: Expectation,
    /// What real Envoy answers instead, where it answers before the filter or rewrites the request.
    pub envoy: Option<Expectation>,
    /// What `explain` says instead, which opens no secrets.
    pub explain: Option<Expectation>,
    /// Whether no policy is loaded.
    pub without_policy: bool,
    path: Option<Vec<Piece>>,
    headers: Vec<(String, Vec<Piece>)>,
}

/// The four ways in which the corpus is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Runner {
    /// The engine as a library.
    Engine,
    /// The module in a wasmtime host.
    Host,
    /// The module in real Envoy.
    Envoy,
    /// `portcullis explain`.
    Explain,
}

/// A request as it is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WireRequest {
    /// The method.
    pub method: String,
    /// The path with its query; absent for CONNECT.
    pub path: Option<Vec<u8>>,
    /// Headers in order, names in lower case, duplicates apart.
    pub headers: Vec<(String, Vec<u8>)>,
    /// Where it comes from.
    pub from: IpAddr,
}

impl Corpus {
    /// Loads the corpus in a preset's folder.
    pub fn load(dir: &Path) -> Result<Self> {
        load::load(dir).with_context(|| format!("the corpus in {}", dir.display()))
    }

    /// Loads every preset's corpus; `workspace` is the repository's root.
    pub fn all(workspace: &Path) -> Result<Vec<Self>> {
        PRESETS.iter().map(|preset| Self::load(&workspace.join("policies").join(preset))).collect()
    }

    /// The keys with the texts and ids made up by the corpus, and the tokens minted for them at its time.
    pub fn ring(&self) -> Result<KeyRing> {
        let mut ring = KeyRing::default();
        for key in self.keys.values() {
            ring.insert(&key.alias, &key.text, key.id);
        }
        for (alias, organization) in &self.organizations {
            ring.insert_organization(alias, organization.id);
        }
        for (name, token) in &self.tokens {
            ring.insert_token(name, self.mint(token)?);
        }
        Ok(ring)
    }

    /// The same by another clock.
    pub fn at(&self, now: u64) -> Self {
        let mut other = Self { now, ..self.clone() };
        for organization in other.organizations.values_mut() {
            if let OrganizationState::QuotaExhausted { until } = &mut organization.state {
                *until = until.saturating_sub(self.now).saturating_add(now);
            }
        }
        other
    }

    /// The policy's file.
    pub fn policy_file(&self) -> PathBuf {
        self.dir.join("policy.toml")
    }
}

impl Case {
    /// The request with the keys of this run in it.
    pub fn request(&self, ring: &KeyRing) -> Result<WireRequest> {
        let bytes = |pieces: &Vec<Piece>| fill(pieces, ring);
        let header = |(name, pieces): &(String, Vec<Piece>)| Ok((name.clone(), fill(pieces, ring)?));
        Ok(WireRequest {
            method: self.method.clone(),
            path: self.path.as_ref().map(bytes).transpose()?,
            headers: self.headers.iter().map(header).collect::<Result<_>>()?,
            from: self.from,
        })
    }

    /// Whether an access token stands in it: a runner that cannot mint the corpus's tokens cannot send it.
    pub fn has_token(&self) -> bool {
        let pieces = self.path.iter().chain(self.headers.iter().map(|(_, pieces)| pieces));
        pieces.flatten().any(|piece| matches!(piece, Piece::Token(_)))
    }

    /// What that runner has to see.
    pub fn expectation(&self, runner: Runner) -> &Expectation {
        let own = match runner {
            Runner::Envoy => self.envoy.as_ref(),
            Runner::Explain => self.explain.as_ref(),
            Runner::Engine | Runner::Host => None,
        };
        own.unwrap_or(&self.expect)
    }

    /// Compares what that runner saw with what it has to see.
    pub fn check(&self, runner: Runner, ring: &KeyRing, outcome: &Outcome) -> Result<(), Mismatch> {
        self.expectation(runner).check(ring, outcome)
    }
}

impl WireRequest {
    /// The same request as Envoy hands it to a filter: duplicates of `authorization` joined by a comma, empty ones
    /// dropped (`HeaderMapImpl::appendToHeader`).
    pub fn joined(&self) -> Self {
        let mut headers: Vec<(String, Vec<u8>)> = Vec::new();
        for (name, value) in &self.headers {
            match headers.iter_mut().find(|(earlier, _)| earlier == name && name == "authorization") {
                Some((_, joined)) if joined.is_empty() => joined.clone_from(value),
                Some(_) if value.is_empty() => {}
                Some((_, joined)) => {
                    joined.push(b',');
                    joined.extend(value);
                }
                None => headers.push((name.clone(), value.clone())),
            }
        }
        Self { headers, ..self.clone() }
    }
}

fn fill(pieces: &[Piece], ring: &KeyRing) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    for piece in pieces {
        match piece {
            Piece::Bytes(plain) => bytes.extend(plain),
            Piece::Key(alias) => bytes.extend(ring.get(alias)?.text.as_bytes()),
            Piece::Token(name) => bytes.extend(ring.token(name)?.as_bytes()),
        }
    }
    Ok(bytes)
}
