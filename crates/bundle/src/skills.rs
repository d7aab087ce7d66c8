//! A shard of skills: what each may use, and the secrets it refers to, sealed.
//!
//! ```text
//! "SKL1" · u16 skills · (id 10 · u32 end) for each, sorted by id · bodies
//! body   = organisation 10 · count · secrets · count · services
//! secret = text name · secret id 10 · count · (key name 8 · u16 length · box) for each   (no boxes: there is no such secret)
//! link   = text service · count · a secret's place for each
//! text   = length 1 · bytes; count = 1
//! ```
//! Boxes are opened elsewhere. Invariant: reading never panics, and what does not fit its own lengths is [`Malformed`].

use alloc::vec::Vec;

use portcullis_engine::{OrganizationId, SecretId, SecretState, ServiceLink, Skill, SkillId, SkillSecret};

use crate::read::{Malformed, array, u16_at, u32_at};

pub(crate) const MAGIC: &[u8; 4] = b"SKL1";
pub(crate) const HEADER: usize = 6;
pub(crate) const ENTRY: usize = 14;
/// A shard has at most about this many skills on average.
const SKILLS_PER_SHARD: usize = 32;
/// So many bytes count for a skill: a shard has some 16 KiB, of which a worker reads all for one.
pub const SKILL_BYTES: usize = 512;
const MAX_BITS: u32 = 15;
const MALFORMED: Malformed = Malformed("skill shard");

/// How many shards so many skills are divided into; none at all for none. Who has larger ones than [`SKILL_BYTES`] each counts
/// one for each so many bytes.
pub fn skill_shards(skills: usize) -> usize {
    let bits = (0..MAX_BITS).find(|bits| skills <= SKILLS_PER_SHARD << bits).unwrap_or(MAX_BITS);
    if skills == 0 { 0 } else { 1 << bits }
}

/// Which of so many shards a skill is in.
pub fn skill_shard_of(id: &SkillId, shards: usize) -> usize {
    let leading = id.as_bytes().first_chunk().map_or(0, |head| u16::from_be_bytes(*head));
    // So many are a power of two, at most 2^15.
    (usize::from(leading) * shards) >> 16
}

pub(crate) fn is_shard_count(shards: usize) -> bool {
    shards == 0 || shards.is_power_of_two() && shards <= 1 << MAX_BITS
}

/// A shard's bytes, seen as skills.
#[derive(Clone, Copy, Debug)]
pub struct SkillShard<'a> {
    entries: &'a [u8],
    bodies: &'a [u8],
}

/// A secret that a skill refers to, sealed.
#[derive(Clone, Copy, Debug)]
pub struct SealedSecret<'a> {
    /// Its name.
    pub id: SecretId,
    /// The skill's organisation, whose secret it has to be.
    pub organization: OrganizationId,
    /// The name it is referred to by, under which it has to be sealed.
    pub name: &'a str,
    /// Its boxes.
    pub boxes: Boxes<'a>,
}

/// The boxes of one secret: the same value, sealed to each of the edges' keys.
#[derive(Clone, Copy, Debug)]
pub struct Boxes<'a> {
    bytes: &'a [u8],
    count: u8,
}

impl<'a> SkillShard<'a> {
    /// Sees a blob as a shard. Only the outline is checked; each skill is when it is read.
    pub fn open(bytes: &'a [u8]) -> Result<Self, Malformed> {
        Self::outline(bytes).ok_or(MALFORMED)
    }

    /// Whether every skill in it can be read.
    pub fn check(&self) -> Result<(), Malformed> {
        self.ids().try_for_each(|id| self.find(&id, |_| SecretState::Missing).map(drop))
    }

    fn outline(bytes: &'a [u8]) -> Option<Self> {
        let skills = u16_at(bytes.strip_prefix(MAGIC)?, 0)?;
        let (entries, bodies) = bytes.get(HEADER..)?.split_at_checked(skills * ENTRY)?;
        Some(Self { entries, bodies })
    }

    /// The skills in it.
    pub fn ids(&self) -> impl Iterator<Item = SkillId> {
        self.entries.chunks_exact(ENTRY).filter_map(|entry| array(entry, 0)).map(SkillId::from_bytes)
    }

    /// The skill of that id; `open` is asked for each secret that it refers to.
    pub fn find(
        &self,
        id: &SkillId,
        open: impl FnMut(SealedSecret<'a>) -> SecretState,
    ) -> Result<Option<Skill>, Malformed> {
        let Some(place) = self.ids().position(|it| it == *id) else { return Ok(None) };
        let body = self.body(place).ok_or(MALFORMED)?;
        Reader(body).skill(*id, open).map(Some).ok_or(MALFORMED)
    }

    fn body(&self, place: usize) -> Option<&'a [u8]> {
        let end = |place: usize| u32_at(self.entries, place * ENTRY + ENTRY - 4).map(|end| end as usize);
        let start = place.checked_sub(1).map_or(Some(0), end)?;
        self.bodies.get(start..end(place)?)
    }
}

impl<'a> Boxes<'a> {
    /// Each with the name of the key that it is sealed to.
    pub fn iter(&self) -> impl Iterator<Item = ([u8; 8], &'a [u8])> + use<'a> {
        let mut rest = Reader(self.bytes);
        (0..self.count).map_while(move |_| rest.sealed())
    }
}

/// What is left of a body.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn skill(mut self, id: SkillId, mut open: impl FnMut(SealedSecret<'a>) -> SecretState) -> Option<Skill> {
        let organization = OrganizationId::from_bytes(self.array()?);
        let secrets = (0..self.byte()?).map(|_| self.secret(organization, &mut open)).collect::<Option<Vec<_>>>()?;
        let services = (0..self.byte()?).map(|_| self.link()).collect::<Option<Vec<_>>>()?;
        let known = |link: &ServiceLink| link.secrets.iter().all(|place| *place < secrets.len());
        (self.0.is_empty() && services.iter().all(known)).then_some(Skill { id, organization, secrets, services })
    }

    fn secret(
        &mut self,
        organization: OrganizationId,
        open: &mut impl FnMut(SealedSecret<'a>) -> SecretState,
    ) -> Option<SkillSecret> {
        let name = self.text()?;
        let (id, count) = (SecretId::from_bytes(self.array()?), self.byte()?);
        let bytes = self.0;
        (0..count).try_for_each(|_| self.sealed().map(drop))?;
        let bytes = bytes.get(..bytes.len() - self.0.len())?;
        let sealed = SealedSecret { id, organization, name, boxes: Boxes { bytes, count } };
        let state = if count == 0 { SecretState::Missing } else { open(sealed) };
        Some(SkillSecret { name: name.into(), state })
    }

    fn link(&mut self) -> Option<ServiceLink> {
        let service = self.text()?.into();
        let secrets = (0..self.byte()?).map(|_| self.byte().map(usize::from)).collect::<Option<_>>()?;
        Some(ServiceLink { service, secrets })
    }

    fn sealed(&mut self) -> Option<([u8; 8], &'a [u8])> {
        let key = self.array()?;
        let length = u16::from_le_bytes(self.array()?);
        Some((key, self.take(length.into())?))
    }

    fn text(&mut self) -> Option<&'a str> {
        let length = self.byte()?;
        core::str::from_utf8(self.take(length.into())?).ok()
    }

    fn byte(&mut self) -> Option<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.first_chunk().copied()
    }

    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }
}

/// Building shards, which only the control plane and tests do.
#[cfg(feature = "build")]
pub(crate) mod build {
    use alloc::string::String;
    use alloc::vec::Vec;

    use portcullis_engine::{OrganizationId, SecretId, SkillId};

    use super::{MAGIC, skill_shard_of};
    use crate::blob::Blob;
    use crate::build::BuildError;

    /// A skill to be built into a bundle.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct SkillEntry {
        /// Its name.
        pub id: SkillId,
        /// Its organisation.
        pub organization: OrganizationId,
        /// What it refers to, each name once, in the order of names.
        pub secrets: Vec<SecretEntry>,
        /// The services it may use; of each, the places of the secrets that may be sent to it.
        pub services: Vec<(String, Vec<usize>)>,
    }

    /// A reference to a secret.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct SecretEntry {
        /// The name it is referred to by.
        pub name: String,
        /// The secret that it stands for, and its boxes with the name of the key of each; `None` if there is none.
        pub secret: Option<(SecretId, Vec<SealedBox>)>,
    }

    /// The name of the key that a box is sealed to, and the box.
    pub type SealedBox = ([u8; 8], Vec<u8>);

    /// The blob of one of so many shards of skills.
    pub fn build_skill_shard(shards: usize, shard: usize, entries: &[SkillEntry]) -> Result<Blob, BuildError> {
        let mut sorted: Vec<_> = entries.iter().collect();
        sorted.sort_by_key(|entry| entry.id);
        let count = u16::try_from(sorted.len()).map_err(|_| BuildError::TooLarge)?;
        let (mut bytes, mut bodies) = ([MAGIC.as_slice(), &count.to_le_bytes()].concat(), Vec::new());
        for entry in sorted {
            if skill_shard_of(&entry.id, shards) != shard {
                return Err(BuildError::WrongShard(shard));
            }
            push_skill(&mut bodies, entry).ok_or(BuildError::TooLarge)?;
            bytes.extend(entry.id.as_bytes());
            bytes.extend(u32::try_from(bodies.len()).map_err(|_| BuildError::TooLarge)?.to_le_bytes());
        }
        bytes.extend(bodies);
        Ok(Blob::new(bytes))
    }

    fn push_skill(bytes: &mut Vec<u8>, entry: &SkillEntry) -> Option<()> {
        bytes.extend(entry.organization.as_bytes());
        push_count(bytes, entry.secrets.len())?;
        entry.secrets.iter().try_for_each(|secret| push_secret(bytes, secret))?;
        push_count(bytes, entry.services.len())?;
        for (service, secrets) in &entry.services {
            push_text(bytes, service)?;
            push_count(bytes, secrets.len())?;
            secrets.iter().try_for_each(|place| push_count(bytes, *place))?;
        }
        Some(())
    }

    fn push_secret(bytes: &mut Vec<u8>, entry: &SecretEntry) -> Option<()> {
        push_text(bytes, &entry.name)?;
        let (id, boxes) = entry.secret.as_ref().map_or(([0; 10], &[][..]), |(id, boxes)| (*id.as_bytes(), boxes));
        bytes.extend(id);
        push_count(bytes, boxes.len())?;
        for (key, sealed) in boxes {
            bytes.extend(key);
            bytes.extend(u16::try_from(sealed.len()).ok()?.to_le_bytes());
            bytes.extend(sealed);
        }
        Some(())
    }

    fn push_text(bytes: &mut Vec<u8>, text: &str) -> Option<()> {
        push_count(bytes, text.len())?;
        bytes.extend(text.bytes());
        Some(())
    }

    fn push_count(bytes: &mut Vec<u8>, count: usize) -> Option<()> {
        bytes.push(u8::try_from(count).ok()?);
        Some(())
    }
}
