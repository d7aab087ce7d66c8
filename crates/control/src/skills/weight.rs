//! How much that is sealed an organisation's skills are published with, and how much they may be.
//!
//! The boxes of a secret go into every skill that refers to it, and edges fetch and keep all of them. It opens nothing. Invariant:
//! what is refused here and what is left out of a bundle are weighed alike.

use std::collections::BTreeMap;

use portcullis_engine::{OrganizationId, SecretId};

use super::resolve::Names;
use crate::app::App;
use crate::error::Error;
use crate::store::{Boxes, SecretRow, SkillRow};

/// An organisation's skills have no more bytes of boxes, all of them together.
pub(crate) const MOST_SEALED: usize = 512 * 1024;

/// How many bytes the boxes of each secret have.
pub(crate) type Sizes = BTreeMap<SecretId, usize>;

/// With how many bytes of boxes a skill is published.
pub(crate) fn weight(skill: &SkillRow, names: &Names<'_>, sizes: &Sizes) -> usize {
    let size = |found: super::Resolved| found.id().and_then(|id| sizes.get(&id)).copied().unwrap_or_default();
    names.resolve(skill).into_iter().map(|(_, found)| size(found)).sum()
}

/// Fails if an organisation's skills would weigh too much with this one, in place of what it was.
pub(super) async fn room_for_skill(app: &App, row: &SkillRow) -> Result<(), Error> {
    let mut load = Load::read(app, row.organization).await?;
    let before = load.total();
    load.skills.retain(|it| it.id != row.id);
    load.skills.push(row.clone());
    load.at_most(before)
}

/// The same, with a secret and its value.
pub(crate) async fn room_for_secret(app: &App, row: &SecretRow, boxes: &Boxes) -> Result<(), Error> {
    let mut load = Load::read(app, row.organization).await?;
    let before = load.total();
    load.sizes.insert(row.id, boxes.size());
    load.secrets.retain(|it| it.id != row.id);
    load.secrets.push(row.clone());
    load.at_most(before)
}

/// What an organisation's skills weigh by.
struct Load {
    skills: Vec<SkillRow>,
    secrets: Vec<SecretRow>,
    sizes: Sizes,
}

impl Load {
    async fn read(app: &App, of: OrganizationId) -> Result<Self, Error> {
        let store = &app.store;
        Ok(Self {
            skills: store.skills_of(of).await?,
            secrets: store.secrets_of(of).await?,
            sizes: store.box_sizes(of).await?,
        })
    }

    fn total(&self) -> usize {
        let names = Names::of(&self.secrets);
        self.skills.iter().map(|skill| weight(skill, &names, &self.sizes)).sum()
    }

    /// What was too much before may become less.
    fn at_most(&self, before: usize) -> Result<(), Error> {
        let total = self.total();
        if total <= MOST_SEALED.max(before) {
            return Ok(());
        }
        let detail = format!(
            "the organisation's skills would carry {} KiB of sealed secrets, each of them once for every skill that names it and every \
             key of the edges; {} KiB are the most\nhint: delete skills that are not needed, let them name fewer secrets, or make values shorter",
            total.div_ceil(1024),
            MOST_SEALED / 1024
        );
        Err(Error::invalid("", detail))
    }
}
