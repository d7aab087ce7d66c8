//! Issuers as edges get them.
//!
//! Invariant: the same rows give the same list. Of two issuers that a token could mean edges take the first, so the one that
//! tokens for this API are made for comes first, and whoever came first before the others: nobody changes what another's issuer
//! is believed for by adding one with another of its audiences.

use portcullis_engine::spec::TokensSpec;
use portcullis_token::{IssuerSpec, Mapping, Subjects};

use crate::store::OwnedIssuer;

/// What edges accept besides our own tokens. `own` is the control plane's name in tokens: nobody else has it, even if it
/// was given to somebody before it was ours.
pub(crate) fn specs(issuers: &[OwnedIssuer], own: Option<&str>, tokens: Option<&TokensSpec>) -> Vec<IssuerSpec> {
    let Some(tokens) = tokens else { return Vec::new() };
    let mut issuers: Vec<_> = issuers.iter().filter(|it| Some(it.row.issuer.as_str()) != own).collect();
    issuers.sort_by_key(|it| (!it.row.audiences.contains(&tokens.audience), it.key.created_in, it.key.id));
    issuers.into_iter().map(|it| spec(it, tokens.clock_skew_seconds)).collect()
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
