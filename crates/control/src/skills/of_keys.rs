//! Which skill a key may belong to.
//!
//! Invariant: a key belongs to a skill of its own organisation, and to somebody's own only if they said so; nobody else makes
//! another key like it, or lets it do more.

use std::collections::HashMap;

use portcullis_engine::{OrganizationId, SkillId};

use crate::app::App;
use crate::caller::{Caller, Scope};
use crate::error::Error;
use crate::owned;
use crate::store::KeyRow;

/// The skills that a batch names, each looked up once.
#[derive(Debug, Default)]
pub(crate) struct Usable(HashMap<(OrganizationId, String), SkillId>);

impl Usable {
    /// The skill that a key of the organisation is to belong to, if it names one.
    pub(crate) async fn find(
        &mut self,
        app: &App,
        by: &Caller,
        organization: OrganizationId,
        named: Option<&str>,
    ) -> Result<Option<SkillId>, Error> {
        let Some(named) = named else { return Ok(None) };
        let place = (organization, named.to_owned());
        if let Some(known) = self.0.get(&place) {
            return Ok(Some(*known));
        }
        let found = usable(app, by, organization, named).await?;
        self.0.insert(place, found);
        Ok(Some(found))
    }
}

/// One that a key of the organisation may belong to.
pub(crate) async fn usable(
    app: &App,
    by: &Caller,
    organization: OrganizationId,
    named: &str,
) -> Result<SkillId, Error> {
    let none = || {
        let detail = "the key's organisation has no such skill\nhint: ids look like `skl_0123456789abcdef`; `GET /v1/skills` lists them";
        Error::invalid("/skill", detail)
    };
    let id: SkillId = named.parse().map_err(|_| none())?;
    let found = app.store.skill(Scope::Only(organization), id).await?;
    let row = found.map(|it| it.row).filter(|row| owned::is_seen(by, row.owner)).ok_or_else(none)?;
    if row.owner.is_some() && row.owner != by.user() {
        return Err(Error::invalid("/skill", "this skill is somebody's own: only they let keys belong to it"));
    }
    Ok(id)
}

/// Fails unless the caller may let a key go on with the skill that it belongs to: by another key like it, or by more that it may do.
pub(crate) async fn may_use(app: &App, by: &Caller, key: &KeyRow) -> Result<(), Error> {
    let Some(skill) = key.skill else { return Ok(()) };
    usable(app, by, key.organization, &skill.to_string()).await.map(drop).map_err(|error| match error {
        Error::Invalid { pointer, .. } => {
            let detail = "the key belongs to a skill that is somebody's own: only they rotate or change it\nhint: it can be disabled or \
                          revoked, and taken out of the skill with `\"skill\": null`";
            Error::invalid(pointer, detail)
        }
        other => other,
    })
}
