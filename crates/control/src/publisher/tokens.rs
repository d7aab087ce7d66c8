//! Whose access tokens edges accept, out of the policy and the keys that are in force.
//!
//! Invariant: the same policy and the same sources give the same text, whoever makes it of them; a policy without `[tokens]` has
//! none.

use portcullis_bundle::{Blob, build_tokens};
use portcullis_engine::PolicySpec;
use portcullis_token::{IssuerSpec, IssuersSpec, Jwk, Subjects};

use crate::store::{TokenKeyRow, TokenSources};

/// What edges are told; `None` if they are to accept no token. If it cannot be told, none is accepted either: revocations must
/// still reach the edges.
pub(super) fn blob(policy: &PolicySpec, sources: &TokenSources, outside: Vec<IssuerSpec>) -> Option<Blob> {
    let built = build_tokens(&issuers(policy, sources, outside)?);
    built.inspect_err(|error| tracing::error!(%error, "no access token is accepted: its issuers cannot be told")).ok()
}

/// The issuers, those outside included.
fn issuers(policy: &PolicySpec, sources: &TokenSources, outside: Vec<IssuerSpec>) -> Option<IssuersSpec> {
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
