//! Whose access tokens edges accept, out of the policy and the keys that are in force.
//!
//! Invariant: the same policy and the same sources give the same text, whoever makes it of them; a policy without `[tokens]` has
//! none.

use portcullis_engine::PolicySpec;
use portcullis_token::{IssuerSpec, IssuersSpec, Jwk, Subjects};

use crate::store::{TokenKeyRow, TokenSources};

/// The issuers, those outside included.
pub(super) fn issuers(policy: &PolicySpec, sources: &TokenSources, outside: Vec<IssuerSpec>) -> Option<IssuersSpec> {
    let tokens = policy.tokens.as_ref()?;
    let keys: Vec<_> = sources.keys.iter().filter(|row| row.revoked_at.is_none()).filter_map(public).collect();
    // Of whom no key is known nothing could be verified.
    let own = sources.issuer.clone().filter(|_| !keys.is_empty()).map(|issuer| IssuerSpec {
        issuer,
        audiences: vec![tokens.audience.clone()],
        types: vec!["at+jwt".to_owned()],
        clock_skew_seconds: tokens.clock_skew_seconds,
        keys,
        subjects: Subjects::Own,
    });
    let max_token_bytes = usize::try_from(tokens.max_bytes).unwrap_or(usize::MAX);
    Some(IssuersSpec { max_token_bytes, issuers: own.into_iter().chain(outside).collect() })
}

/// One that cannot be read is left out: the others still count.
fn public(row: &TokenKeyRow) -> Option<Jwk> {
    let read = serde_json::from_str(&row.jwk);
    read.inspect_err(|error| tracing::error!(kid = row.kid, %error, "this signing key cannot be read")).ok()
}
