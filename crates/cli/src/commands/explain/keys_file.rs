//! Keys and organisations written by hand, for `explain --policy`: the shape of the corpus's `cases.toml`.
//!
//! ```toml
//! [organizations.acme]
//! state = "active"                 # suspended, quota-exhausted; metered, rate
//! [keys.reader]
//! environment = "production"
//! organization = "acme"
//! scopes = ["skills:read"]         # status, expires_in, ip, referrer, endpoint
//! [keys.reader.limits]             # shown, never counted; no corpus has it
//! quota = true                     # meter, rate
//! [keys.reader.trial]              # counted, never denied; no corpus has it
//! scopes = []                      # ip, referrer, endpoint, retiring
//! ```
//! They are built into a bundle in memory, so that what decides is what decides at the edge. A key's text is made up
//! from its name; `{key:reader}` stands for it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use portcullis_bundle::{
    Archive, Blob, KeyEntry, Layout, MANIFEST_FORMAT, Manifest, OrganizationEntry, SigningKey, build_key_shard,
    build_organization_shard, build_policy,
};
use portcullis_engine::key_format::{CHECKSUM_LEN, checksum};
use portcullis_engine::spec::{
    Checksum, EndpointSpec, IpSpec, KeyFormatSpec, LimitsSpec, PolicySpec, RateSpec, ReferrerSpec, RestrictionsSpec,
    TrialSpec,
};
use portcullis_engine::{
    KeyDigest, KeyId, KeyStatus, OrganizationId, OrganizationLimits, OrganizationState, Rate, RestrictionSet,
};
use serde::Deserialize;

use crate::exit::Failure;

/// How long an exhausted quota stays exhausted, in seconds.
const QUOTA_WAIT: u64 = 3600;

/// One file. What else stands in it is not ours: a corpus has cases.
#[derive(Debug, Default, Deserialize)]
struct KeysFile {
    #[serde(default)]
    organizations: BTreeMap<String, Organization>,
    #[serde(default)]
    keys: BTreeMap<String, Key>,
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
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Status {
    #[default]
    Active,
    Disabled,
    Revoked,
}

/// The made-up texts of the keys, by name.
#[derive(Debug, Default)]
pub(super) struct KnownKeys(BTreeMap<String, String>);

impl KnownKeys {
    /// The same bytes with every `{key:NAME}` replaced.
    pub(super) fn fill(&self, bytes: &[u8]) -> Result<Vec<u8>, Failure> {
        let mut filled = bytes.to_vec();
        while let Some(start) = find(&filled, b"{key:") {
            let (head, rest) = filled.split_at(start);
            let Some(end) = rest.iter().position(|byte| *byte == b'}') else { break };
            let (placeholder, tail) = rest.split_at(end + 1);
            let name = String::from_utf8_lossy(placeholder.get(5..end).unwrap_or_default());
            let text = self.0.get(name.as_ref()).ok_or_else(|| self.unknown(&name))?;
            filled = [head, text.as_bytes(), tail].concat();
        }
        Ok(filled)
    }

    fn unknown(&self, name: &str) -> Failure {
        let known = self.0.keys().map(String::as_str).collect::<Vec<_>>().join("`, `");
        Failure::usage(format!("no key is called `{name}`\nhint: --keys FILE names `{known}`"))
    }
}

/// A bundle of a policy file and keys files, and the texts of the keys.
pub(super) fn load(policy: &Path, files: &[PathBuf], now: u64) -> Result<(Archive, KnownKeys), Failure> {
    let (spec, _) = portcullis_policy::load(policy).map_err(Failure::unable)?;
    let mut all = KeysFile::default();
    for file in files {
        let one = read(file)?;
        all.organizations.extend(one.organizations);
        all.keys.extend(one.keys);
    }
    let mut texts = BTreeMap::new();
    let mut entries = Vec::new();
    for (name, key) in &all.keys {
        let at = |problem: String| Failure::unable(format!("keys.{name}: {problem}"));
        let format = spec.keys.iter().find(|it| it.environment == key.environment);
        let format = format.ok_or_else(|| at(format!("the policy has no environment `{}`", key.environment)))?;
        let text = made_up(format, name);
        entries.push(key.entry(name, &text, now).map_err(at)?);
        texts.insert(name.clone(), text);
    }
    let organization = |(name, it): (&String, &Organization)| {
        it.entry(name, now).map_err(|problem| Failure::unable(format!("organizations.{name}: {problem}")))
    };
    let organizations = all.organizations.iter().map(organization).collect::<Result<Vec<_>, _>>()?;
    Ok((archive(&spec, &entries, &organizations, now)?, KnownKeys(texts)))
}

fn read(file: &Path) -> Result<KeysFile, Failure> {
    let text = std::fs::read_to_string(file);
    let text = text.map_err(|error| Failure::usage(format!("cannot read `{}`: {error}", file.display())))?;
    toml::from_str(&text).map_err(|error| Failure::unable(format!("{}: {error}", file.display())))
}

impl Key {
    fn entry(&self, name: &str, text: &str, now: u64) -> Result<KeyEntry, String> {
        let spec = RestrictionsSpec {
            ip: self.ip.clone(),
            referrer: self.referrer.clone(),
            endpoint: self.endpoint.clone(),
            limits: self.limits.clone(),
            trial: self.trial.clone(),
        };
        Ok(KeyEntry {
            digest: KeyDigest::of(text.as_bytes()),
            id: KeyId::from_bytes(ten_bytes(name)),
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
    keys: &[KeyEntry],
    organizations: &[OrganizationEntry],
    now: u64,
) -> Result<Archive, Failure> {
    let layout = Layout::default();
    let blobs =
        [build_policy(spec)?, build_organization_shard(&layout, 0, organizations)?, build_key_shard(&layout, 0, keys)?];
    let [policy, organizations, shard] = blobs.each_ref().map(Blob::to_ref);
    let manifest = Manifest {
        format: MANIFEST_FORMAT,
        version: 1,
        issued_at: now,
        layout,
        key_count: keys.len() as u64,
        policy,
        tokens: None,
        organizations: vec![organizations],
        keys: vec![shard],
    };
    // Signed and verified within this process: any key does.
    let signer = SigningKey::from_seed([1; 32]);
    Ok(Archive::open(&Archive::write(&signer.sign(&manifest)?, &blobs), &[signer.public_key()])?)
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

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}
