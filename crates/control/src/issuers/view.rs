//! An issuer as everyone who sees its key may see it.

use portcullis_api::Issuer;
use portcullis_api::issuers::IssuerKey;

use super::fields::listed;
use crate::clock::{millis_to_rfc3339, to_rfc3339};
use crate::keys;
use crate::store::OwnedIssuer;

pub(super) fn issuer(owned: &OwnedIssuer, now: u64) -> Issuer {
    let OwnedIssuer { row, key } = owned;
    Issuer {
        id: key.id.to_string(),
        name: key.name.clone(),
        organization: key.organization.to_string(),
        issuer: row.issuer.clone(),
        environment: key.environment.clone(),
        scopes: listed(&key.scopes),
        audiences: row.audiences.clone(),
        types: row.types.clone(),
        jwks_uri: row.jwks_uri.clone(),
        scope_claim: row.scope_claim.clone(),
        scope_map: row.scope_map.clone(),
        status: keys::status(key, now),
        keys: row
            .jwks
            .iter()
            .map(|it| IssuerKey { kid: it.kid.clone(), algorithm: it.alg.as_str().to_owned() })
            .collect(),
        fetched_at: to_rfc3339(row.fetched.at),
        next_fetch_at: millis_to_rfc3339(row.fetched.next_ms),
        problem: row.fetched.problem.clone(),
        created_by: key.created_by.clone(),
        created_at: to_rfc3339(key.created_at),
    }
}
