//! Every skill of the bundle in memory, with what its references stand for, and the shards built of them.
//!
//! Only shards with a change are built again. Invariants: the same skills and secrets give the same shards, whatever led there; a
//! skill that no shard can hold is left out, and keeps no other from being published.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use portcullis_bundle::{Blob, BuildError, SecretEntry, SkillEntry, build_skill_shard, skill_shard_of, skill_shards};
use portcullis_engine::{OrganizationId, SecretId, SkillId};

use crate::skills::Names;
use crate::store::{Boxes, SkillRow, SkillSources};

#[derive(Default)]
pub(super) struct Skills {
    entries: BTreeMap<SkillId, SkillEntry>,
    of: BTreeMap<OrganizationId, BTreeSet<SkillId>>,
    shards: Vec<Blob>,
    /// Changed since the shards were built.
    stale: BTreeSet<SkillId>,
}

impl Skills {
    /// Takes in an organisation's skills, in place of those it had.
    pub(super) fn put(&mut self, organization: OrganizationId, sources: &SkillSources) {
        let entries = entries(sources);
        let before = self.of.remove(&organization).unwrap_or_default();
        for gone in before.iter().filter(|id| !entries.contains_key(*id)) {
            self.entries.remove(gone);
            self.stale.insert(*gone);
        }
        if !entries.is_empty() {
            self.of.insert(organization, entries.keys().copied().collect());
        }
        for (id, entry) in entries {
            if self.entries.get(&id) != Some(&entry) {
                self.entries.insert(id, entry);
                self.stale.insert(id);
            }
        }
    }

    /// Builds what is out of date. On failure it stays out of date, and the next call tries again.
    pub(super) fn build(&mut self) -> Result<(), BuildError> {
        let count = skill_shards(self.entries.len());
        let mut stale: BTreeSet<_> = self.stale.iter().map(|id| skill_shard_of(id, count)).collect();
        let mut shards = std::mem::take(&mut self.shards);
        if shards.len() != count {
            shards = vec![Blob::new([]); count];
            stale = (0..count).collect();
        }
        for shard in stale {
            if let Some(place) = shards.get_mut(shard) {
                *place = build_skill_shard(count, shard, &self.shard(count, shard))?;
            }
        }
        self.shards = shards;
        self.stale.clear();
        Ok(())
    }

    /// The shards as they were last built; none if there are no skills.
    pub(super) fn shards(&self) -> &[Blob] {
        &self.shards
    }

    fn shard(&self, count: usize, shard: usize) -> Vec<SkillEntry> {
        let first = first_id(count, shard).map_or(Bound::Unbounded, Bound::Included);
        let inside = self.entries.range((first, Bound::Unbounded));
        inside.take_while(|(id, _)| skill_shard_of(id, count) == shard).map(|(_, entry)| entry.clone()).collect()
    }
}

/// The lowest id of a shard.
fn first_id(count: usize, shard: usize) -> Option<SkillId> {
    let leading = u16::try_from((shard << 16).checked_div(count)?).ok()?;
    let mut bytes = [0; 10];
    *bytes.first_chunk_mut()? = leading.to_be_bytes();
    Some(SkillId::from_bytes(bytes))
}

/// An organisation's skills as edges get them.
fn entries(sources: &SkillSources) -> BTreeMap<SkillId, SkillEntry> {
    let names = Names::of(sources.secrets.iter().map(|(row, _)| row));
    let boxes: BTreeMap<_, _> = sources.secrets.iter().map(|(row, boxes)| (row.id, boxes)).collect();
    let entries = sources.skills.iter().map(|skill| entry(skill, &names, &boxes));
    entries.filter(fits).map(|entry| (entry.id, entry)).collect()
}

fn entry(skill: &SkillRow, names: &Names<'_>, boxes: &BTreeMap<SecretId, &Boxes>) -> SkillEntry {
    let resolved = names.resolve(skill);
    let place = |name: &String| resolved.iter().position(|(it, _)| it == name);
    let link = |link: &portcullis_api::skills::ServiceLink| {
        (link.service.clone(), link.secrets.iter().filter_map(place).collect())
    };
    let sealed = |id: SecretId| {
        let boxes = boxes.get(&id).map(|it| it.0.iter().map(|(key, sealed)| (*key.as_bytes(), sealed.clone())));
        (id, boxes.into_iter().flatten().collect())
    };
    let secrets =
        resolved.iter().map(|(name, found)| SecretEntry { name: (*name).to_owned(), secret: found.id().map(sealed) });
    SkillEntry {
        id: skill.id,
        organization: skill.organization,
        secrets: secrets.collect(),
        services: skill.services.iter().map(link).collect(),
    }
}

/// Whether a shard can hold it.
fn fits(entry: &SkillEntry) -> bool {
    let built = build_skill_shard(1, 0, std::slice::from_ref(entry));
    built.inspect_err(|error| tracing::error!(skill = %entry.id, %error, "left out of the bundle")).is_ok()
}

#[cfg(test)]
mod tests;
