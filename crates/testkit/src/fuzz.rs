//! What must hold for any bytes: the bodies of the fuzz targets in `fuzz/`.
//!
//! Each takes bytes and asserts; none returns anything. Ordinary tests run the same bodies on mutated seeds
//! (`tests/fuzz_smoke.rs`), so that they are alive without a nightly compiler.

use std::path::Path;
use std::sync::OnceLock;

use portcullis_bundle::{
    AcceptedToken, Archive, KeyBucket, KeyShard, Layout, OrganizationShard, SkillShard, read_policy, read_restrictions,
    read_tokens, verify,
};
use portcullis_engine::credential::{CredentialSource, Found, find, strip_cookie, strip_query};
use portcullis_engine::path::CanonicalPath;
use portcullis_engine::service::masked;
use portcullis_engine::spec::{CredentialPlace, CredentialSpec, EndpointSpec, IpSpec, ReferrerSpec, TrialSpec};
use portcullis_engine::{
    Decision, Grant, KeyDigest, OrganizationId, Policy, Request, RestrictionSet, SecretState, SecretValue, Unlimited,
    decide,
};
use portcullis_token::Issuers;

use crate::bundle::public_key;
use crate::corpus::Corpus;
use crate::store::{FixedAmbient, MemoryStore};

/// Bytes of an organisation's record.
const ORGANIZATION_RECORD: usize = 32;

/// A body: asserts, or returns nothing.
pub type Target = fn(&[u8]);

/// Every target by its name.
pub const TARGETS: [(&str, Target); 10] = [
    ("bucket", bucket),
    ("bundle", bundle),
    ("credential", credential),
    ("decision", decision),
    ("manifest", manifest),
    ("path", path),
    ("policy", policy),
    ("service", service),
    ("skills", skills),
    ("token", token),
];

/// A canonical path is its own canonical path, and no segment of it can climb or split.
pub fn path(data: &[u8]) {
    let Ok(path) = CanonicalPath::parse(data) else { return };
    let canonical = path.as_bytes().to_vec();
    let again = CanonicalPath::parse(&canonical).map(|again| again.as_bytes().to_vec());
    assert_eq!(again.as_ref(), Ok(&canonical), "canonicalising twice differs");
    for segment in path.segments().chain(path.segments_without_parameters()) {
        assert!(segment != b"." && segment != b"..", "a segment climbs");
        assert!(!segment.iter().any(|byte| matches!(byte, b'/' | b'\\' | 0)), "a segment splits");
    }
}

/// A credential taken out of a query or cookie is not found there again, and everything else stays.
pub fn credential(data: &[u8]) {
    const NAME: &str = "api_key";
    let source = |place| {
        CredentialSource::parse(&CredentialSpec { place, name: NAME.to_owned(), scheme: None }).ok().into_iter()
    };
    let header = CredentialSpec {
        place: CredentialPlace::Header,
        name: "authorization".to_owned(),
        scheme: Some("Bearer".to_owned()),
    };
    let header: Vec<_> = CredentialSource::parse(&header).into_iter().collect();
    if let Found::One(key) = find(&header, &[(b"authorization", data)], None) {
        assert!(!key.is_empty() && key.iter().all(u8::is_ascii_graphic), "not a credential");
        let doubled: [(&[u8], &[u8]); 2] = [(b"authorization", data), (b"authorization", data)];
        assert!(find(&header, &doubled, None) == Found::Ambiguous, "two credentials pass for one");
    }
    let query: Vec<_> = source(CredentialPlace::Query).collect();
    if let Some(stripped) = strip_query(data, NAME) {
        assert!(find(&query, &[], Some(&stripped)) == Found::None, "the query still holds the credential");
    } else {
        assert!(find(&query, &[], Some(data)) == Found::None, "the credential stays in the query");
    }
    let cookie: Vec<_> = source(CredentialPlace::Cookie).collect();
    let stripped = strip_cookie(data, NAME).unwrap_or_else(|| data.to_vec());
    assert!(find(&cookie, &[(b"cookie", &stripped)], None) == Found::None, "the cookie still holds the credential");
}

/// Nobody passes as somebody without sending a key that exists. Data: method, path, then `name:value`, one a line.
pub fn decision(data: &[u8]) {
    let mut lines = data.split(|byte| *byte == b'\n');
    let (method, path) = (lines.next().unwrap_or_default(), lines.next());
    let headers: Vec<(&[u8], &[u8])> = lines.filter_map(header).collect();
    let request = Request { method, path, headers: &headers };
    for preset in presets() {
        let mut store = preset.store.clone();
        let ambient = FixedAmbient { now: preset.corpus.now, address: None };
        let mut tried = preset.tried.clone();
        let with_trial = decide(&preset.policy, &mut tried, &request, &ambient, &mut Unlimited);
        let decision = decide(&preset.policy, &mut store, &request, &ambient, &mut Unlimited);
        assert_eq!(without_observed(&with_trial), without_observed(&decision), "a trial changed a decision");
        for secret in preset.secrets.first().into_iter().chain(preset.secrets.last()) {
            let around = [data, secret.as_bytes(), data].concat();
            assert!(preset.policy.key_formats().occur_in(&around), "a key or token goes unseen");
        }
        if let Decision::Allow(grant) = decision {
            let sent = |text: &str| data.windows(text.len()).any(|window| window == text.as_bytes());
            let known = preset.secrets.iter().any(|secret| sent(secret));
            assert!(grant.identity.is_none() || known, "an identity out of nothing");
        }
    }
}

/// The decision apart from what is only told of it.
fn without_observed<'a>(decision: &Decision<'a>) -> Decision<'a> {
    match decision.clone() {
        Decision::Allow(grant) => Decision::Allow(Grant { observed: Vec::new(), ..grant }),
        denied @ Decision::Deny(_) => denied,
    }
}

fn header(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let colon = line.iter().position(|byte| *byte == b':')?;
    Some((line.get(..colon)?, line.get(colon + 1..)?))
}

/// Unverified bytes can be read as skills without trapping: no link leads nowhere, and no box is longer than the shard.
pub fn skills(data: &[u8]) {
    let Ok(shard) = SkillShard::open(data) else { return };
    for id in shard.ids() {
        let found = shard.find(&id, |secret| {
            let length: usize = secret.boxes.iter().map(|(_, sealed)| sealed.len()).sum();
            assert!(length <= data.len(), "boxes out of nothing");
            SecretState::Sealed(secret.id)
        });
        let Ok(Some(skill)) = found else { continue };
        let places = skill.services.iter().flat_map(|link| &link.secrets);
        assert!(places.into_iter().all(|place| *place < skill.secrets.len()), "a link leads nowhere");
    }
    let _ = shard.check();
}

/// What goes to a service goes with the values that its skill links to it and no other, and is masked when it comes back. Data: method,
/// path, then `name:value`, one a line; with a key of each skill in turn.
pub fn service(data: &[u8]) {
    let mut lines = data.split(|byte| *byte == b'\n');
    let (method, path) = (lines.next().unwrap_or_default(), lines.next());
    for preset in presets().iter().filter(|preset| !preset.corpus.skills.is_empty()) {
        for key in preset.corpus.keys.values().filter(|key| key.skill.is_some()) {
            let bearer = format!("Bearer {}", key.text);
            let others = lines.clone().filter_map(header).filter(|(name, _)| *name != b"authorization");
            let headers: Vec<(&[u8], &[u8])> = others.chain([(&b"authorization"[..], bearer.as_bytes())]).collect();
            sent(preset, &Request { method, path, headers: &headers });
        }
    }
}

fn sent(preset: &Preset, request: &Request<'_>) {
    let mut store = preset.store.clone();
    let ambient = FixedAmbient { now: preset.corpus.now, address: None };
    let Decision::Allow(grant) = decide(&preset.policy, &mut store, request, &ambient, &mut Unlimited) else { return };
    let Some(using) = grant.service else { return };
    let outgoing = using.outgoing(request, request.path.unwrap_or_default());
    assert!(outgoing.is_some(), "what was granted cannot be sent");
    let outgoing = outgoing.unwrap_or_default();
    assert!(outgoing.path.starts_with(b"/"), "the path has no beginning");
    let skill = using.skill;
    let linked = skill.link(using.service.name()).map(|link| link.secrets.clone()).unwrap_or_default();
    for used in &outgoing.used {
        let is_it = |place: &usize| skill.secrets.get(*place).is_some_and(|secret| secret.state.id() == Some(*used));
        assert!(linked.iter().any(is_it), "a secret goes where it is not linked to");
    }
    for text in outgoing.headers.iter().map(|(_, value)| &**value).chain([&*outgoing.path]) {
        let left = masked(text, &outgoing.masks).unwrap_or_else(|| text.to_vec());
        let holds = |mask: &SecretValue| left.windows(mask.expose().len()).any(|part| part == mask.expose());
        assert!(!outgoing.masks.iter().any(holds), "a value comes back");
    }
}

/// Whatever verifies was minted: only the corpus's own tokens count, and what is kept of one says when it does.
pub fn token(data: &[u8]) {
    let _ = read_tokens(data).is_ok();
    for preset in presets() {
        let Some(issuers) = &preset.issuers else { continue };
        let minted = || preset.secrets.iter().any(|secret| secret.as_bytes() == data);
        if let Ok(accepted) = AcceptedToken::verify(issuers, data, preset.corpus.now) {
            assert!(minted(), "a forged token counts");
            assert!(accepted.counts_at(preset.corpus.now).is_ok() && accepted.counts_at(u64::MAX).is_err());
        }
    }
}

/// Whatever verifies was signed: only bytes that the signing key made can be read as a manifest.
pub fn manifest(data: &[u8]) {
    let signed = || presets().iter().any(|preset| preset.manifest == data);
    assert!(verify(data, &[public_key()]).is_err() || signed(), "a forged manifest verifies");
}

/// Likewise a whole bundle file: its manifest is the signed one.
pub fn bundle(data: &[u8]) {
    if let Ok(archive) = Archive::open(data, &[public_key()]) {
        let version = archive.manifest().version;
        assert_eq!(version, 1, "a forged bundle opens");
    }
}

/// Unverified bytes can be read as buckets and shards without trapping; what is found has the digest looked for.
pub fn bucket(data: &[u8]) {
    let digest = KeyDigest::of(data);
    for layout in [Layout::default(), Layout::for_counts(10_000, 1000)] {
        if let Ok(bucket) = KeyBucket::open(data) {
            for index in 0..bucket.len().min(256) {
                let Ok((digest, _)) = bucket.get(index) else { continue };
                let _ = (bucket.find(&layout, &digest), bucket.id(index));
            }
            let _ = bucket.find(&layout, &digest);
        }
        if let Ok(shard) = KeyShard::open(data, &layout) {
            let _ = shard.find(&layout, &digest);
        }
    }
    if let Ok(shard) = OrganizationShard::open(data) {
        for id in
            data.get(4..).unwrap_or_default().chunks(ORGANIZATION_RECORD).filter_map(|record| record.first_chunk())
        {
            let Ok((_, limits)) = shard.find(&OrganizationId::from_bytes(*id)) else { continue };
            assert!(limits.rate.is_none_or(|rate| rate.interval() > 0), "a rate without an end");
        }
    }
    let _ = read_policy(data).is_ok();
    if let Ok(set) = read_restrictions(data) {
        let canonical = set.to_spec();
        let again = RestrictionSet::compile(&canonical).map(|again| again.to_spec());
        assert_eq!(again.as_ref(), Ok(&canonical), "the canonical spec means something else");
    }
}

/// Any text is a policy or is refused in words that hold no control character.
pub fn policy(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Err(refused) = portcullis_policy::compile(text, "fuzz.toml") {
        assert!(!refused.entries().is_empty(), "refused without a word");
        let printed = refused.to_string();
        assert!(!printed.chars().any(|c| c.is_control() && c != '\n'), "a control character is printed");
    }
}

struct Preset {
    corpus: Corpus,
    policy: Policy,
    store: MemoryStore,
    /// The same keys, each on trial with what refuses every request.
    tried: MemoryStore,
    issuers: Option<Issuers>,
    /// The texts of all keys and tokens.
    secrets: Vec<String>,
    manifest: Vec<u8>,
}

/// The presets, loaded once.
fn presets() -> &'static [Preset] {
    static PRESETS: OnceLock<Vec<Preset>> = OnceLock::new();
    PRESETS.get_or_init(|| {
        let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let corpora = Corpus::all(&workspace).unwrap_or_default();
        assert!(!corpora.is_empty(), "the presets do not load");
        corpora.into_iter().filter_map(preset).collect()
    })
}

fn preset(corpus: Corpus) -> Option<Preset> {
    let policy = Policy::compile(&corpus.spec).ok()?;
    let store = corpus.store().ok()?;
    let mut trying = corpus.clone();
    trying.keys.values_mut().for_each(|key| key.restrictions.trial = Some(refusing()));
    let tried = trying.store().ok()?;
    let issuers = corpus.issuers_spec().ok()?.map(|spec| Issuers::compile(&spec)).transpose().ok()?;
    let keys = corpus.keys.values().map(|key| key.text.clone()).filter(|text| !text.is_empty());
    let tokens = corpus.tokens.values().filter_map(|token| corpus.mint(token).ok());
    let secrets = keys.chain(tokens).collect();
    let manifest = corpus.bundle(1).ok()?.signed.as_bytes().to_vec();
    Some(Preset { corpus, policy, store, tried, issuers, secrets, manifest })
}

fn refusing() -> TrialSpec {
    TrialSpec {
        ip: Some(IpSpec { allow: Some(Vec::new()), ..IpSpec::default() }),
        referrer: Some(ReferrerSpec::default()),
        endpoint: Some(EndpointSpec::default()),
        scopes: Some(Vec::new()),
        retiring: true,
    }
}
