//! Keys and organisations written by hand, for `explain --policy`: the shape of the corpus's `cases.toml`.
//!
//! ```toml
//! [organizations.acme]
//! state = "active"                 # suspended, quota-exhausted; metered, rate
//! [keys.reader]
//! environment = "production"
//! organization = "acme"
//! scopes = ["skills:read"]         # kind, status, expires_in, ip, referrer, endpoint
//! [keys.reader.limits]             # shown, never counted; no corpus has it
//! quota = true                     # meter, rate
//! [keys.reader.trial]              # counted, never denied; no corpus has it
//! scopes = []                      # ip, referrer, endpoint, retiring
//! [skills.sales]                   # `skill = "sales"` of a key
//! organization = "acme"
//! services = { crm = ["crm_token"] }
//! [secrets.crm_token]              # there is one of that name; its value is nobody's business here
//! organization = "acme"
//! [tokens.narrow]                  # of a key whose kind is "credential" or "grant"
//! for = "service"
//! scopes = ["skills:read"]         # subject, app, issued_in, expires_in
//! ```
//! They are built into a bundle in memory, so that what decides is what decides at the edge. A key's text is made up
//! from its name, and tokens are minted; `{key:reader}` and `{token:narrow}` stand for them. A token that cannot be
//! minted is an error where it is used: a corpus has bad ones too.

mod known;
mod skills;
mod tokens;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use portcullis_bundle::{
    Archive, Blob, KeyEntry, Layout, MANIFEST_FORMAT, Manifest, OrganizationEntry, SigningKey, SkillEntry,
    build_key_shard, build_organization_shard, build_policy, build_skill_shard, build_tokens,
};
use portcullis_engine::key_format::{CHECKSUM_LEN, checksum};
use portcullis_engine::spec::{
    Checksum, EndpointSpec, IpSpec, KeyFormatSpec, LimitsSpec, PolicySpec, RateSpec, ReferrerSpec, RestrictionsSpec,
    TrialSpec,
};
use portcullis_engine::{
    KeyDigest, KeyId, KeyStatus, OrganizationId, OrganizationLimits, OrganizationState, Rate, RestrictionSet,
};
use portcullis_token::IssuersSpec;
use serde::Deserialize;

use crate::exit::Failure;

pub(super) use known::KnownKeys;
use skills::{Secret, Skill};
use tokens::{Mint, Token};

/// How long an exhausted quota stays exhausted, in seconds.
const QUOTA_WAIT: u64 = 3600;

/// One file. What else stands in it is not ours: a corpus has cases.
#[derive(Debug, Default, Deserialize)]
struct KeysFile {
    #[serde(default)]
    organizations: BTreeMap<String, Organization>,
    #[serde(default)]
    keys: BTreeMap<String, Key>,
    #[serde(default)]
    tokens: BTreeMap<String, toml::Value>,
    #[serde(default)]
    skills: BTreeMap<String, Skill>,
    #[serde(default)]
    secrets: BTreeMap<String, Secret>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Organization {
    state: State,
    #[serde(default)]
    metered: bool,
    rate: Option<RateSpec>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum State {
    Active,
    Suspended,
    QuotaExhausted,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Key {
    #[serde(default)]
    kind: Kind,
    environment: String,
    #[serde(default)]
    organization: String,
    #[serde(default)]
    scopes: Vec<String>,
    #[serde(default)]
    status: Status,
    expires_in: Option<i64>,
    ip: Option<IpSpec>,
    referrer: Option<ReferrerSpec>,
    endpoint: Option<EndpointSpec>,
    limits: Option<LimitsSpec>,
    trial: Option<TrialSpec>,
    skill: Option<String>,
}

/// What a record of the bundle stands for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    /// Somebody presents it.
    #[default]
    ApiKey,
    /// Exchanged for access tokens.
    Credential,
    /// What a user allowed an app.
    Grant,
    /// Somebody else's access tokens.
    Issuer,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Status {
    #[default]
    Active,
    Disabled,
    Revoked,
}

/// A bundle of a policy file and keys files, and the texts of the keys.
pub(super) fn load(policy: &Path, files: &[PathBuf], now: u64) -> Result<(Archive, KnownKeys), Failure> {
    let (spec, _) = portcullis_policy::load(policy).map_err(Failure::unable)?;
    let mut all = KeysFile::default();
    for file in files {
        let one = read(file)?;
        all.organizations.extend(one.organizations);
        all.keys.extend(one.keys);
        all.tokens.extend(one.tokens);
    }
    let mut known = KnownKeys::default();
    let mut entries = Vec::new();
    for (name, key) in &all.keys {
        let at = |problem: String| Failure::unable(format!("keys.{name}: {problem}"));
        if !spec.environments.contains(&key.environment) {
            return Err(at(format!("the policy has no environment `{}`", key.environment)));
        }
        let text = key.text(name, &spec);
        entries.push(key.entry(name, text.as_deref().ok(), now).map_err(at)?);
        known.keys.insert(name.clone(), text);
    }
    let organization = |(name, it): (&String, &Organization)| {
        it.entry(name, now).map_err(|problem| Failure::unable(format!("organizations.{name}: {problem}")))
    };
    let organizations = all.organizations.iter().map(organization).collect::<Result<Vec<_>, _>>()?;
    let mint = Mint::of(&spec, now)?;
    for (name, token) in all.tokens {
        known.tokens.insert(name, minted(mint.as_ref(), token, &all.keys));
    }
    let issuers = mint.as_ref().map(Mint::issuers).transpose()?;
    let skills = skills::entries(&all.skills, &all.secrets);
    Ok((archive(&spec, issuers.as_ref(), &entries, &organizations, &skills, now)?, known))
}

fn minted(mint: Option<&Mint<'_>>, token: toml::Value, keys: &BTreeMap<String, Key>) -> Result<String, String> {
    let mint = mint.ok_or("the policy takes no access tokens\nhint: it has no `[tokens]`")?;
    let token = Token::read(token)?;
    let key = keys.get(&token.key).ok_or_else(|| format!("no key is called `{}`", token.key))?;
    mint.mint(&token, key)
}

fn read(file: &Path) -> Result<KeysFile, Failure> {
    let text = std::fs::read_to_string(file);
    let text = text.map_err(|error| Failure::usage(format!("cannot read `{}`: {error}", file.display())))?;
    toml::from_str(&text).map_err(|error| Failure::unable(format!("{}: {error}", file.display())))
}

impl Key {
    /// What is presented: made up from its name, if anybody presents it at all.
    fn text(&self, name: &str, policy: &PolicySpec) -> Result<String, String> {
        if self.kind != Kind::ApiKey {
            let what = "nobody presents it: access tokens speak for it";
            return Err(format!("{what}\nhint: `[tokens.NAME]` with `for`, and `{{token:NAME}}` in the request"));
        }
        let format = policy.keys.iter().find(|it| it.environment == self.environment);
        format.map(|it| made_up(it, name)).ok_or_else(|| format!("`{}` has no API keys", self.environment))
    }

    fn entry(&self, name: &str, text: Option<&str>, now: u64) -> Result<KeyEntry, String> {
        let spec = RestrictionsSpec {
            ip: self.ip.clone(),
            referrer: self.referrer.clone(),
            endpoint: self.endpoint.clone(),
            limits: self.limits.clone(),
            skill: self.skill.as_deref().map(|name| skills::id(name).to_string()),
            trial: self.trial.clone(),
        };
        let id = KeyId::from_bytes(ten_bytes(name));
        Ok(KeyEntry {
            digest: text.map_or_else(|| KeyDigest::of_token_key(id), |text| KeyDigest::of(text.as_bytes())),
            id,
            organization: OrganizationId::from_bytes(ten_bytes(&self.organization)),
            status: match self.status {
                Status::Active => KeyStatus::Active,
                Status::Disabled => KeyStatus::Disabled,
                Status::Revoked => KeyStatus::Revoked,
            },
            expires_at: self.expires_in.map(|seconds| now.saturating_add_signed(seconds)),
            scopes: self.scopes.clone(),
            restrictions: RestrictionSet::compile(&spec).map_err(|error| error.to_string())?,
        })
    }
}

impl Organization {
    fn entry(&self, name: &str, now: u64) -> Result<OrganizationEntry, String> {
        let state = match self.state {
            State::Active => OrganizationState::Active,
            State::Suspended => OrganizationState::Suspended,
            State::QuotaExhausted => OrganizationState::QuotaExhausted { until: now.saturating_add(QUOTA_WAIT) },
        };
        let rate = self.rate.map(|it| Rate::new(it.requests, it.seconds, it.burst)).transpose();
        let rate = rate.map_err(|error| format!("rate: {error}"))?;
        let limits = OrganizationLimits { metered: self.metered, rate };
        Ok(OrganizationEntry { id: OrganizationId::from_bytes(ten_bytes(name)), state, limits })
    }
}

/// One shard of each kind is enough for what people write by hand.
fn archive(
    spec: &PolicySpec,
    issuers: Option<&IssuersSpec>,
    keys: &[KeyEntry],
    organizations: &[OrganizationEntry],
    skills: &[SkillEntry],
    now: u64,
) -> Result<Archive, Failure> {
    let layout = Layout::default();
    let blobs =
        [build_policy(spec)?, build_organization_shard(&layout, 0, organizations)?, build_key_shard(&layout, 0, keys)?];
    let [policy, organizations, shard] = blobs.each_ref().map(Blob::to_ref);
    let tokens = issuers.map(build_tokens).transpose()?;
    let skills = (!skills.is_empty()).then(|| build_skill_shard(1, 0, skills)).transpose()?;
    let manifest = Manifest {
        format: MANIFEST_FORMAT,
        version: 1,
        issued_at: now,
        layout,
        key_count: keys.len() as u64,
        policy,
        tokens: tokens.as_ref().map(Blob::to_ref),
        skills: skills.iter().map(Blob::to_ref).collect(),
        organizations: vec![organizations],
        keys: vec![shard],
    };
    // Signed and verified within this process: any key does.
    let signer = SigningKey::from_seed([1; 32]);
    Ok(Archive::open(
        &Archive::write(&signer.sign(&manifest)?, blobs.iter().chain(&tokens).chain(&skills)),
        &[signer.public_key()],
    )?)
}

/// Well formed, the same every time, and nobody's.
fn made_up(format: &KeyFormatSpec, name: &str) -> String {
    let letters = format.alphabet.letters();
    let sum = if format.checksum == Checksum::None { 0 } else { CHECKSUM_LEN };
    let noise = (0u32..).flat_map(|round| *KeyDigest::of(format!("{name}/{round}").as_bytes()).as_bytes());
    let letter = |byte: u8| letters.get(usize::from(byte) % letters.len().max(1)).copied();
    let mut body: Vec<u8> = noise.take(format.body_length.saturating_sub(sum)).filter_map(letter).collect();
    if sum > 0 {
        body.extend(checksum(&body));
    }
    format!("{}{}", format.prefix, String::from_utf8_lossy(&body))
}

fn ten_bytes(name: &str) -> [u8; 10] {
    KeyDigest::of(name.as_bytes()).as_bytes().first_chunk().copied().unwrap_or_default()
}
