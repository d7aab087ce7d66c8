//! What callers send about apps, parsed into what is stored, and back.

use std::collections::BTreeSet;

use portcullis_api as api;
use portcullis_engine::{OrganizationId, scope};

use super::redirect;
use crate::app::App;
use crate::caller::Caller;
use crate::clock::to_rfc3339;
use crate::error::Error;
use crate::keys;
use crate::policy::PolicyRoom;
use crate::store::AppRow;

const MAX_URIS: usize = 20;

/// Where people may be sent back to.
pub(super) fn redirect_uris(app: &App, list: &[String]) -> Result<Vec<String>, Error> {
    if !(1..=MAX_URIS).contains(&list.len()) {
        return Err(Error::invalid("/redirect_uris", format!("expected 1 to {MAX_URIS} redirect URIs")));
    }
    let policy = app.policy();
    let parse = |(index, text): (usize, &String)| {
        let pointer = format!("/redirect_uris/{index}");
        keys::no_secret(&policy, &pointer, text)?;
        redirect::parse(text).map_err(|refused| Error::invalid(pointer, refused.to_string()))
    };
    let uris: Vec<_> = list.iter().enumerate().map(parse).collect::<Result<_, _>>()?;
    let mut seen = BTreeSet::new();
    Ok(uris.into_iter().filter(|uri| seen.insert(uri.clone())).collect())
}

/// The most that an app may ask for.
pub(super) fn scopes(policy: &PolicyRoom, list: &[String]) -> Result<String, Error> {
    if let Some(index) = list.iter().position(|scope| !policy.knows_scope(scope)) {
        let detail = match policy.spec().scopes.as_slice() {
            [] => "the policy has no scopes".to_owned(),
            known => format!("the policy knows no such scope; it knows `{}`", known.join("`, `")),
        };
        return Err(Error::invalid(format!("/scopes/{index}"), detail));
    }
    let list = list.iter().map(String::as_str);
    scope::canonical_grants(list).map_err(|error| Error::invalid("/scopes", error.to_string()))
}

/// For which environments.
pub(super) fn environments(policy: &PolicyRoom, list: Option<&[String]>) -> Result<Vec<String>, Error> {
    let known = &policy.spec().environments;
    let Some(list) = list else { return Ok(known.clone()) };
    if let Some(index) = list.iter().position(|it| !known.contains(it)) {
        let detail = format!("the policy knows no such environment; it knows `{}`", known.join("`, `"));
        return Err(Error::invalid(format!("/environments/{index}"), detail));
    }
    let chosen: Vec<_> = known.iter().filter(|it| list.contains(it)).cloned().collect();
    if chosen.is_empty() {
        Err(Error::invalid("/environments", "expected one environment or more"))
    } else {
        Ok(chosen)
    }
}

/// Whether members of every organisation may use an app: the operator decides it.
pub(super) fn everyone(app: &App, by: &Caller, is_wanted: bool) -> Result<bool, Error> {
    if is_wanted && by.require_operator(app).is_err() {
        let detail = "only the operator offers apps to members of every organisation: leave it out";
        return Err(Error::invalid("/everyone", detail));
    }
    Ok(is_wanted)
}

/// Whether its members may use an app at all.
pub(super) fn is_offered(row: &AppRow, organization: OrganizationId) -> bool {
    row.everyone || row.organization == organization
}

/// Whether an app may have anything for an environment now: it was registered for it and the policy knows it.
pub(super) fn is_for(policy: &PolicyRoom, row: &AppRow, environment: &str) -> bool {
    let named = |list: &[String]| list.iter().any(|it| it == environment);
    named(&row.environments) && named(&policy.spec().environments)
}

/// What of some scopes an app may have now: what it was registered for and the policy knows.
pub(super) fn within(policy: &PolicyRoom, row: &AppRow, scopes: &str) -> String {
    let common = scope::common_grants(scopes, &row.scopes, policy.spec().write_implies_read);
    let known: Vec<_> = common.split_ascii_whitespace().filter(|it| policy.knows_scope(it)).collect();
    known.join(" ")
}

/// An app as it is sent.
pub(super) fn shown(row: &AppRow) -> api::App {
    api::App {
        id: row.id.to_string(),
        name: row.name.clone(),
        organization: row.organization.to_string(),
        redirect_uris: row.redirect_uris.clone(),
        scopes: row.scopes.split_ascii_whitespace().map(str::to_owned).collect(),
        environments: row.environments.clone(),
        public: row.secret.is_none(),
        everyone: row.everyone,
        created_by: row.created_by.clone(),
        created_at: to_rfc3339(row.created_at),
        revoked_at: row.revoked_at.map(to_rfc3339),
        last_used: row.last_used.map(to_rfc3339),
    }
}
