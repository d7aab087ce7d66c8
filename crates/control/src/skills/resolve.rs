//! Which secret stands behind each name that a skill refers to.
//!
//! It reads nothing and opens nothing. Invariants: a skill finds no secret of another organisation, and none of another person; of
//! two secrets of one name its owner's comes before the team's.

use std::collections::{BTreeMap, BTreeSet};

use portcullis_engine::{OrganizationId, SecretId};

use crate::id::UserId;
use crate::store::{SecretRow, SkillRow};

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Resolved {
    /// A secret of the skill's owner.
    Personal(SecretId),
    /// A secret of the organisation.
    Team(SecretId),
    /// Nothing.
    Missing,
}

impl Resolved {
    /// The secret.
    pub(crate) fn id(self) -> Option<SecretId> {
        match self {
            Self::Personal(id) | Self::Team(id) => Some(id),
            Self::Missing => None,
        }
    }
}

/// Secrets by their names.
#[derive(Debug)]
pub(crate) struct Names<'a>(BTreeMap<(OrganizationId, Option<UserId>, &'a str), SecretId>);

impl<'a> Names<'a> {
    /// Those of these secrets.
    pub(crate) fn of(secrets: impl IntoIterator<Item = &'a SecretRow>) -> Self {
        let named = |row: &'a SecretRow| ((row.organization, row.owner, row.name.as_str()), row.id);
        Self(secrets.into_iter().map(named).collect())
    }

    /// What a skill refers to, each name once, in the order of names.
    pub(crate) fn resolve<'s>(&self, skill: &'s SkillRow) -> Vec<(&'s str, Resolved)> {
        let names = skill.services.iter().flat_map(|link| &link.secrets).map(String::as_str);
        let names: BTreeSet<_> = names.collect();
        names.into_iter().map(|name| (name, self.find(skill, name))).collect()
    }

    fn find(&self, skill: &SkillRow, name: &str) -> Resolved {
        let of = |owner: Option<UserId>| self.0.get(&(skill.organization, owner, name)).copied();
        let personal = skill.owner.and_then(|owner| of(Some(owner))).map(Resolved::Personal);
        personal.or_else(|| of(None).map(Resolved::Team)).unwrap_or(Resolved::Missing)
    }
}
