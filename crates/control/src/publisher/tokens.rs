//! Whose access tokens edges accept, out of the policy and the keys that are in force.
//!
//! Invariant: the same policy and the same sources give the same text, whoever makes it of them; a policy without `[tokens]` has
//! none; an issuer that edges could not read keeps no other from them.

use std::sync::Arc;

use portcullis_bundle::{Blob, compile_tokens};
use portcullis_engine::PolicySpec;
use portcullis_token::{IssuerSpec, Issuers, IssuersSpec, Jwk, Subjects};

use crate::store::{TokenKeyRow, TokenSources};

/// Whose access tokens count: as edges are told, and read already for whoever verifies one here.
#[derive(Clone, Debug)]
pub(super) struct Tokens {
    /// As edges are told.
    pub blob: Blob,
    /// The same, read.
    pub issuers: Arc<Issuers>,
}

/// What edges were told last. It stays while nothing changes that it is made of: to read every key takes longer than to publish a
/// revocation.
#[derive(Default)]
pub(super) struct Told {
    last: Option<(IssuersSpec, Option<Tokens>)>,
}

impl Told {
    /// What edges are told; `None` if they are to accept no token.
    pub(super) fn tokens(
        &mut self,
        policy: &PolicySpec,
        sources: &TokenSources,
        outside: Vec<IssuerSpec>,
    ) -> Option<Tokens> {
        let spec = issuers(policy, sources, outside)?;
        match &self.last {
            Some((last, tokens)) if *last == spec => tokens.clone(),
            _ => {
                let tokens = build(spec.clone());
                self.last = Some((spec, tokens.clone()));
                tokens
            }
        }
    }
}

/// If it cannot be told, no token is accepted: revocations must still reach the edges.
fn build(spec: IssuersSpec) -> Option<Tokens> {
    // All keys are read once; one by one only if one of them is why they cannot be.
    let built = compile_tokens(&spec).or_else(|_| compile_tokens(&readable(spec)));
    let built = built.map(|(blob, issuers)| Tokens { blob, issuers: Arc::new(issuers) });
    built.inspect_err(|error| tracing::error!(%error, "no access token is accepted: its issuers cannot be told")).ok()
}

/// Those issuers that can be read by themselves.
fn readable(mut spec: IssuersSpec) -> IssuersSpec {
    let max_token_bytes = spec.max_token_bytes;
    spec.issuers.retain(|issuer| {
        let read = Issuers::compile(&IssuersSpec { max_token_bytes, issuers: vec![issuer.clone()] });
        read.inspect_err(|error| tracing::error!(%error, "an issuer cannot be read; its tokens are not accepted"))
            .is_ok()
    });
    spec
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

#[cfg(test)]
mod tests {
    use super::*;

    fn outside(url: &str, x: &str) -> IssuerSpec {
        let jwk = format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{x}","kid":"1","alg":"EdDSA"}}"#);
        let mapping =
            r#"{"mapped":{"key":"key_0000000000000000","environment":"live","scope_claim":"scope","scopes":{}}}"#;
        IssuerSpec {
            issuer: url.to_owned(),
            audiences: vec!["https://api.example.com".to_owned()],
            types: vec!["at+jwt".to_owned()],
            clock_skew_seconds: 0,
            keys: vec![serde_json::from_str(&jwk).unwrap()],
            subjects: serde_json::from_str(mapping).unwrap(),
        }
    }

    /// RFC 8037, appendix A.2.
    const GOOD: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";

    #[test]
    fn what_cannot_be_read_keeps_nothing_else_from_the_edges() {
        let spec =
            PolicySpec { tokens: Some(serde_json::from_str(r#"{"audience":"a"}"#).unwrap()), ..Default::default() };
        let sources = TokenSources { issuer: None, keys: Vec::new() };
        let (good, bad) = (outside("https://good.example", GOOD), outside("https://bad.example", "AAAA"));
        let mut told = Told::default();
        let first = told.tokens(&spec, &sources, vec![good.clone(), bad]).unwrap();
        let text = String::from_utf8(first.blob.bytes().to_vec()).unwrap();
        assert!(text.contains("good.example") && !text.contains("bad.example"), "{text}");
        let alone = told.tokens(&spec, &sources, vec![good.clone()]).unwrap();
        assert_eq!(alone.blob.digest(), first.blob.digest());
        let again = told.tokens(&spec, &sources, vec![good]).unwrap();
        assert_eq!(again.blob.digest(), alone.blob.digest());
        assert!(Arc::ptr_eq(&again.issuers, &alone.issuers), "nothing is read again");
        assert!(told.tokens(&PolicySpec::default(), &sources, Vec::new()).is_none(), "a policy without tokens");
    }
}
