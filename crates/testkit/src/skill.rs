//! Skills and secrets of the corpus: their values are in the source, and so is the key that they are sealed to.
//!
//! For tests only: whoever reads this can open what is sealed to [`edge_key`]. Invariant: what a skill refers to is looked up in
//! its own organisation, as the control plane does.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use portcullis_bundle::{SealedBox, SealedSecret, SecretEntry, SkillEntry, SkillShard, build_skill_shard};
use portcullis_engine::{OrganizationId, SecretId, SecretState, SecretValue, Skill, SkillId};
use portcullis_seal::{PrivateKey, Purpose};

use crate::corpus::Corpus;
use crate::key::drawn;

/// A secret of the corpus: a whole organisation's.
#[derive(Clone, Debug)]
pub struct KnownSecret {
    /// Its id in the runners that may choose it.
    pub id: SecretId,
    /// What skills call it.
    pub name: String,
    /// The alias of its organisation.
    pub organization: String,
    /// Its value.
    pub value: String,
    /// Whether it is sealed to [`elsewhere_key`] and not to [`edge_key`].
    pub sealed_elsewhere: bool,
}

/// A skill of the corpus.
#[derive(Clone, Debug)]
pub struct KnownSkill {
    /// Its id in the runners that may choose it.
    pub id: SkillId,
    /// The alias of its organisation.
    pub organization: String,
    /// The services it may use, each with the names of the secrets that may be sent to it.
    pub services: BTreeMap<String, Vec<String>>,
}

/// The edges' key of every test: known to all, worthless.
pub fn edge_key() -> PrivateKey {
    PrivateKey::from_bytes(*b"testkit: an edge's, known to all")
}

/// The key of an edge that is not there.
pub fn elsewhere_key() -> PrivateKey {
    PrivateKey::from_bytes(*b"testkit: another edge's, as open")
}

/// Opens what is sealed to [`edge_key`].
pub fn open(secret: SealedSecret<'_>) -> SecretState {
    let SealedSecret { id, organization, name, boxes } = secret;
    let (key, organization) = (edge_key(), organization.to_string());
    let purpose = Purpose { organization: &organization, name };
    let ours = boxes.iter().find(|(name, _)| name == key.public().name().as_bytes());
    let value = ours.and_then(|(_, sealed)| SecretValue::new(purpose.open(&key, sealed)?.to_vec()));
    value.map_or(SecretState::Unreadable(id), |value| SecretState::Open(id, value))
}

impl KnownSecret {
    /// The value in a box, with the name of the key that it is sealed to. The same box every time.
    pub fn sealed(&self, organization: OrganizationId) -> Result<SealedBox> {
        let key = if self.sealed_elsewhere { elsewhere_key() } else { edge_key() }.public();
        let organization = organization.to_string();
        let purpose = Purpose { organization: &organization, name: &self.name };
        let random = drawn(&format!("{}{}", self.id, self.value));
        Ok((*key.name().as_bytes(), purpose.seal(&key, self.value.as_bytes(), random)?))
    }
}

impl Corpus {
    /// The skills as the control plane would put them into a bundle.
    pub fn skill_entries(&self) -> Result<Vec<SkillEntry>> {
        self.skills.values().map(|skill| self.skill_entry(skill)).collect()
    }

    fn skill_entry(&self, skill: &KnownSkill) -> Result<SkillEntry> {
        let organization = self.organizations.get(&skill.organization).context("no such organisation")?.id;
        let names: BTreeSet<&String> = skill.services.values().flatten().collect();
        let secret = |name: &&String| -> Result<SecretEntry> {
            let known = self.secrets.values().find(|it| it.name == **name && it.organization == skill.organization);
            let secret = known.map(|it| Ok::<_, anyhow::Error>((it.id, vec![it.sealed(organization)?]))).transpose()?;
            Ok(SecretEntry { name: (*name).clone(), secret })
        };
        let place = |name: &String| names.iter().position(|it| *it == name);
        let services = skill.services.iter();
        let services = services.map(|(service, of)| (service.clone(), of.iter().filter_map(place).collect())).collect();
        Ok(SkillEntry {
            id: skill.id,
            organization,
            secrets: names.iter().map(secret).collect::<Result<_>>()?,
            services,
        })
    }

    /// The skills with their secrets open, as an edge has them.
    pub fn open_skills(&self) -> Result<Vec<Skill>> {
        let blob = build_skill_shard(1, 0, &self.skill_entries()?)?;
        let shard = SkillShard::open(blob.bytes())?;
        let ids: Vec<_> = shard.ids().collect();
        ids.iter().map(|id| shard.find(id, open)?.context("a skill that was put in is not there")).collect()
    }
}
