//! On a key's page: who still uses the key that it was rotated to replace, or that was rotated to it.
//!
//! It says the same on the pages of both, and no more than the pages' reader may see of either.

use std::collections::BTreeSet;

use portcullis_api::edge::SampleKind;
use portcullis_api::observations::Observation as Seen;
use portcullis_api::{Key, KeyStatus};

use super::desk::Desk;
use super::key::of_kind;
use crate::app::App;
use crate::error::Error;
use crate::keys;
use crate::observations::observations;
use crate::pages::trial::{Rotation, Use};
use crate::pages::when::When;

/// The key's rotations: to it, and from it.
pub(super) async fn rotations(app: &App, desk: &Desk, key: &Key, seen: &[Seen]) -> Result<Vec<Rotation>, Error> {
    let (before, after) = (from(app, desk, key).await?, to(app, desk, key, seen).await?);
    Ok(before.into_iter().chain(after).collect())
}

/// What the key was rotated to.
async fn to(app: &App, desk: &Desk, key: &Key, seen: &[Seen]) -> Result<Option<Rotation>, Error> {
    let Some(successor) = &key.successor else { return Ok(None) };
    match keys::show(app, &desk.by, successor).await {
        Err(Error::NotFound(_)) => Ok(None),
        new => Ok(Some(rotation(key, &new?, true, seen, app.clock.seconds()))),
    }
}

/// What it replaces, for as long as anybody may have to know.
async fn from(app: &App, desk: &Desk, key: &Key) -> Result<Option<Rotation>, Error> {
    let Some(old) = keys::predecessor(app, &desk.by, key).await? else { return Ok(None) };
    let seen = observations(app, &desk.by, &old.id, Some(SampleKind::Retiring)).await?.data;
    let rotation = rotation(&old, &old, false, &seen, app.clock.seconds());
    Ok(Some(rotation).filter(|it| it.works_until.is_some() || it.used.is_some()))
}

fn rotation(old: &Key, other: &Key, is_old: bool, seen: &[Seen], now: u64) -> Rotation {
    let works = old.status == KeyStatus::Active;
    Rotation {
        is_old,
        other_id: other.id.clone(),
        other_name: other.name.clone(),
        works_until: old.expires_at.as_deref().filter(|_| works).map(|at| When::parse(at, now)),
        used: used(seen, now),
        uses: of_kind(seen, SampleKind::Retiring, now),
    }
}

/// All uses of the old key in one line.
fn used(seen: &[Seen], now: u64) -> Option<Use> {
    let uses = || seen.iter().filter(|it| it.kind == SampleKind::Retiring);
    let last = uses().map(|it| it.last_seen.as_str()).max()?;
    Some(Use {
        requests: uses().map(|it| it.count).fold(0, u64::saturating_add),
        addresses: uses().filter_map(|it| it.address.as_deref()).collect::<BTreeSet<_>>().len(),
        last: When::parse(last, now),
    })
}
