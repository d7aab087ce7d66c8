//! Issuers as edges get them.
//!
//! Invariant: the same rows give the same list, in the order of their keys' ids, and a row that edges could not read keeps no
//! other from them.

use portcullis_token::{IssuerSpec, Issuers, IssuersSpec, MAX_TOKEN_BYTES, Mapping, Subjects};

use crate::store::OwnedIssuer;

/// What edges accept besides our own tokens. `own` is the control plane's name in tokens: nobody else has it, even if it
/// was given to somebody before it was ours.
pub(crate) fn specs(issuers: &[OwnedIssuer], own: Option<&str>, clock_skew_seconds: u32) -> Vec<IssuerSpec> {
    let mut issuers: Vec<_> = issuers.iter().filter(|it| Some(it.row.issuer.as_str()) != own).collect();
    issuers.sort_by_key(|it| it.key.id);
    issuers.into_iter().map(|it| spec(it, clock_skew_seconds)).filter(is_readable).collect()
}

fn is_readable(spec: &IssuerSpec) -> bool {
    let alone = IssuersSpec { max_token_bytes: MAX_TOKEN_BYTES, issuers: vec![spec.clone()] };
    let read = Issuers::compile(&alone);
    read.inspect_err(|error| tracing::error!(%error, "an issuer cannot be read; its tokens are not accepted")).is_ok()
}

fn spec(OwnedIssuer { row, key }: &OwnedIssuer, clock_skew_seconds: u32) -> IssuerSpec {
    IssuerSpec {
        issuer: row.issuer.clone(),
        audiences: row.audiences.clone(),
        types: row.types.clone(),
        clock_skew_seconds,
        keys: row.jwks.clone(),
        subjects: Subjects::Mapped(Mapping {
            key: key.id.to_string(),
            environment: key.environment.clone(),
            scope_claim: row.scope_claim.clone(),
            scopes: row.scope_map.clone(),
        }),
    }
}
