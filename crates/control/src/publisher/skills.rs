//! Every skill of the bundle in memory, with what its references stand for, and the shards built of them.
//!
//! Only shards with a change are built again. Invariants: the same skills and secrets give the same shards, whatever led there; a
//! skill that no shard can hold is left out, and so is one that makes its organisation's boxes too many; neither keeps another
//! from being published.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use portcullis_bundle::{
    Blob, BuildError, SKILL_BYTES, SecretEntry, SkillEntry, build_skill_shard, skill_shard_of, skill_shards,
};
use portcullis_engine::{OrganizationId, SecretId, SkillId};

use crate::skills::{MOST_SEALED, Names, Sizes, weight};
use crate::store::{Boxes, SkillRow, SkillSources};

#[derive(Default)]
pub(super) struct Skills {
    entries: BTreeMap<SkillId, SkillEntry>,
    of: BTreeMap<OrganizationId, BTreeSet<SkillId>>,
    shards: Vec<Blob>,
    /// Changed since the shards were built.
    stale: BTreeSet<SkillId>,
    /// About how many bytes the entries have in shards.
    bytes: usize,
}

impl Skills {
    /// Takes in an organisation's skills, in place of those it had.
    pub(super) fn put(&mut self, organization: OrganizationId, sources: &SkillSources) {
        let entries = entries(sources);
        let before = self.of.remove(&organization).unwrap_or_default();
        for gone in before.iter().filter(|id| !entries.contains_key(*id)) {
            self.set(*gone, None);
        }
        if !entries.is_empty() {
            self.of.insert(organization, entries.keys().copied().collect());
        }
        for (id, entry) in entries {
            if self.entries.get(&id) != Some(&entry) {
                self.set(id, Some(entry));
            }
        }
    }

    fn set(&mut self, id: SkillId, entry: Option<SkillEntry>) {
        self.bytes = self.bytes.saturating_add(entry.as_ref().map_or(0, size));
        let before = match entry {
            Some(entry) => self.entries.insert(id, entry),
            None => self.entries.remove(&id),
        };
        self.bytes = self.bytes.saturating_sub(before.as_ref().map_or(0, size));
        self.stale.insert(id);
    }

    /// Builds what is out of date. On failure it stays out of date, and the next call tries again.
    pub(super) fn build(&mut self) -> Result<(), BuildError> {
        let count = skill_shards(self.entries.len().max(self.bytes / SKILL_BYTES));
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
    let skills = affordable(sources, &names);
    let entries = skills.into_iter().map(|skill| entry(skill, &names, &boxes));
    entries.filter(fits).map(|entry| (entry.id, entry)).collect()
}

/// Those whose boxes an organisation may have in the bundle: the oldest, and of the others whichever still fit.
fn affordable<'a>(sources: &'a SkillSources, names: &Names<'_>) -> Vec<&'a SkillRow> {
    let sizes: Sizes = sources.secrets.iter().map(|(row, boxes)| (row.id, boxes.size())).collect();
    let mut left = MOST_SEALED;
    let fits = |skill: &&SkillRow| {
        let rest = left.checked_sub(weight(skill, names, &sizes));
        left = rest.unwrap_or(left);
        rest.is_some()
    };
    let (within, without): (Vec<_>, Vec<_>) = oldest_first(&sources.skills).into_iter().partition(fits);
    if let Some(first) = without.first() {
        let (organization, skills) = (first.organization, without.len());
        tracing::error!(%organization, skills, "left out of the bundle: the organisation's skills carry too many sealed secrets");
    }
    within
}

fn oldest_first(skills: &[SkillRow]) -> Vec<&SkillRow> {
    let mut sorted: Vec<_> = skills.iter().collect();
    sorted.sort_by_key(|skill| (skill.created_at, skill.id));
    sorted
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

/// About how many bytes it has in a shard; what matters is what it refers to.
fn size(entry: &SkillEntry) -> usize {
    let boxes = entry.secrets.iter().filter_map(|it| it.secret.as_ref()).flat_map(|(_, boxes)| boxes);
    let secrets: usize = boxes.map(|(_, sealed)| sealed.len()).sum();
    let services: usize = entry.services.iter().map(|(name, places)| name.len() + places.len()).sum();
    secrets + services
}

/// Whether a shard can hold it.
fn fits(entry: &SkillEntry) -> bool {
    let built = build_skill_shard(1, 0, std::slice::from_ref(entry));
    built.inspect_err(|error| tracing::error!(skill = %entry.id, %error, "left out of the bundle")).is_ok()
}

#[cfg(test)]
mod tests;
