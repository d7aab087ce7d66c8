//! A bundle in one file: a signed manifest and every blob it names.
//!
//! For proxies without timers or callouts, and for deciding offline. Invariant: an archive that opened is complete
//! and verified throughout.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use portcullis_engine::{
    KeyDigest, KeyRecord, KeyStore, Policy, Reason, RestrictionSet, SecretState, Skill, SkillId, StoreUnavailable,
    TokenRecord,
};
use portcullis_token::Issuers;

use crate::blob::{BlobDigest, BlobRef};
use crate::key_shard::KeyShard;
use crate::manifest::Manifest;
use crate::organizations::OrganizationShard;
use crate::policy::{read_policy, read_restrictions};
use crate::read::{Malformed, u32_at};
use crate::sign::{PublicKey, VerifyError, verify};
use crate::skills::{SealedSecret, SkillShard};
use crate::tokens::{AcceptedToken, read_tokens};

const MAGIC: &[u8; 8] = b"PCBUNDL1";

/// An opened bundle file.
#[derive(Debug)]
pub struct Archive {
    manifest: Manifest,
    policy: Policy,
    issuers: Option<Issuers>,
    skills: BTreeMap<SkillId, Skill>,
    blobs: BTreeMap<BlobDigest, Vec<u8>>,
    /// The restrictions of the record found last.
    restrictions: Option<RestrictionSet>,
    /// The token found last, and the scopes that count of it.
    token: Option<(AcceptedToken, String)>,
}

/// Why a file is not a bundle to be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ArchiveError {
    /// Not in the form of a bundle file, or cut short.
    #[error("not a bundle file, or cut short")]
    File,
    /// The manifest is not to be trusted.
    #[error("manifest: {0}")]
    Manifest(#[from] VerifyError),
    /// No blob has a digest that the manifest names: it is missing, or was altered.
    #[error("a blob is missing or was altered: none has the digest `{0}` that the manifest names")]
    MissingBlob(BlobDigest),
    /// A verified blob that this version cannot read.
    #[error(transparent)]
    Malformed(#[from] Malformed),
}

impl Archive {
    /// Opens a bundle file, verifying all of it.
    pub fn open(bytes: &[u8], keys: &[PublicKey]) -> Result<Self, ArchiveError> {
        let (manifest, blobs) = parts(bytes).ok_or(ArchiveError::File)?;
        let manifest = verify(manifest, keys)?;
        let blobs: BTreeMap<_, _> = blobs.into_iter().map(|blob| (BlobDigest::of(blob), blob.to_vec())).collect();
        let blob = |it: &BlobRef| blobs.get(&it.digest).ok_or(ArchiveError::MissingBlob(it.digest));
        let policy = read_policy(blob(&manifest.policy)?)?;
        let issuers = manifest.tokens.as_ref().map(|it| Ok::<_, ArchiveError>(read_tokens(blob(it)?)?)).transpose()?;
        for shard in &manifest.organizations {
            OrganizationShard::open(blob(shard)?)?;
        }
        for shard in &manifest.keys {
            KeyShard::open(blob(shard)?, &manifest.layout)?;
        }
        let skills = BTreeMap::new();
        let mut archive = Self { manifest, policy, issuers, skills, blobs, restrictions: None, token: None };
        archive.open_secrets(|secret| SecretState::Sealed(secret.id))?;
        Ok(archive)
    }

    /// Reads its skills once more, `open` saying what each secret is.
    pub fn open_secrets(&mut self, mut open: impl FnMut(SealedSecret<'_>) -> SecretState) -> Result<(), ArchiveError> {
        for blob in &self.manifest.skills {
            let bytes = self.blobs.get(&blob.digest).ok_or(ArchiveError::MissingBlob(blob.digest))?;
            let shard = SkillShard::open(bytes)?;
            for id in shard.ids() {
                self.skills.extend(shard.find(&id, &mut open)?.map(|skill| (id, skill)));
            }
        }
        Ok(())
    }

    /// Its manifest.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Its policy.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Its policy and its keys, to decide with.
    pub fn parts_mut(&mut self) -> (&Policy, ArchiveKeys<'_>) {
        let Self { manifest, policy, issuers, skills, blobs, restrictions, token } = self;
        let (issuers, write_implies_read) = (issuers.as_ref(), policy.write_implies_read());
        (policy, ArchiveKeys { manifest, issuers, write_implies_read, skills, blobs, restrictions, token })
    }

    /// The bytes of a blob that the manifest names.
    pub fn blob(&self, blob: &BlobRef) -> Option<&[u8]> {
        self.blobs.get(&blob.digest).map(Vec::as_slice)
    }

    /// A bundle file's bytes.
    #[cfg(feature = "build")]
    pub fn write<'a>(manifest: &crate::SignedManifest, blobs: impl IntoIterator<Item = &'a crate::Blob>) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        let mut part = |it: &[u8]| {
            bytes.extend(u32::try_from(it.len()).unwrap_or(u32::MAX).to_le_bytes());
            bytes.extend(it);
        };
        part(manifest.as_bytes());
        blobs.into_iter().for_each(|blob| part(blob.bytes()));
        bytes
    }
}

/// The keys of an archive.
#[derive(Debug)]
pub struct ArchiveKeys<'a> {
    manifest: &'a Manifest,
    issuers: Option<&'a Issuers>,
    write_implies_read: bool,
    skills: &'a BTreeMap<SkillId, Skill>,
    blobs: &'a BTreeMap<BlobDigest, Vec<u8>>,
    restrictions: &'a mut Option<RestrictionSet>,
    token: &'a mut Option<(AcceptedToken, String)>,
}

/// Outer `None`: it cannot be read. Inner `None`: there is no such key.
fn record<'a>(
    manifest: &Manifest,
    blobs: &'a BTreeMap<BlobDigest, Vec<u8>>,
    skills: &'a BTreeMap<SkillId, Skill>,
    restrictions: &'a mut Option<RestrictionSet>,
    digest: &KeyDigest,
) -> Option<Option<KeyRecord<'a>>> {
    let layout = &manifest.layout;
    let shard = blobs.get(&manifest.keys.get(layout.key_shard_of(digest))?.digest)?;
    let Some(stored) = KeyShard::open(shard, layout).ok()?.find(layout, digest).ok()? else {
        return Some(None);
    };
    let organizations = manifest.organizations.get(layout.organization_shard_of(&stored.organization))?;
    let organizations = OrganizationShard::open(blobs.get(&organizations.digest)?).ok()?;
    let (organization_state, organization_limits) = organizations.find(&stored.organization).ok()?;
    *restrictions = match stored.restrictions {
        Some((_, bytes)) => Some(read_restrictions(bytes).ok()?),
        None => None,
    };
    Some(Some(KeyRecord {
        id: stored.id,
        organization: stored.organization,
        organization_state,
        organization_limits,
        status: stored.status,
        expires_at: stored.expires_at,
        scopes: stored.scopes,
        restrictions: restrictions.as_ref(),
        skill: restrictions.as_ref().and_then(|set| skills.get(&set.skill()?)),
    }))
}

impl KeyStore for ArchiveKeys<'_> {
    fn find(&mut self, digest: &KeyDigest) -> Result<Option<KeyRecord<'_>>, StoreUnavailable> {
        let Self { manifest, blobs, skills, restrictions, .. } = self;
        record(manifest, blobs, skills, restrictions, digest).ok_or(StoreUnavailable)
    }

    /// Verifies on each call: nothing here is secret by which a token could be told again.
    fn find_token(&mut self, token: &[u8], now: u64) -> Result<TokenRecord<'_>, Reason> {
        let accepted = AcceptedToken::verify(self.issuers.ok_or(Reason::TokensNotAccepted)?, token, now)?;
        let found = record(self.manifest, self.blobs, self.skills, self.restrictions, &accepted.digest());
        let record = found.ok_or(Reason::StoreUnavailable)?.ok_or(Reason::UnknownTokenSubject)?;
        let scopes = accepted.scopes_of(&record, self.write_implies_read);
        let (accepted, scopes) = self.token.insert((accepted, scopes));
        accepted.with_record(record, scopes)
    }
}

fn parts(bytes: &[u8]) -> Option<(&[u8], Vec<&[u8]>)> {
    let mut rest = bytes.strip_prefix(MAGIC)?;
    let mut parts = Vec::new();
    while !rest.is_empty() {
        let (part, tail) = rest.get(4..)?.split_at_checked(u32_at(rest, 0)? as usize)?;
        parts.push(part);
        rest = tail;
    }
    let (manifest, blobs) = parts.split_first()?;
    Some((manifest, blobs.to_vec()))
}
