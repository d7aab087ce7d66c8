//! A credential that is an access token in place of a key: who calls with it, or why it does not count.
//!
//! The store verifies it; whatever is checked of a key afterwards is checked of the token's record. Invariant: what its record may not do,
//! a token may not do either, and it is never in two environments.

use core::fmt;

use super::{Ambient, Caller, KeyStore, Token};
use crate::credential::CredentialSource;
use crate::policy::Policy;
use crate::reason::Reason;
use crate::record::TokenRecord;
use crate::spec::CredentialPlace;
use crate::trace::{Outcome, Step, Trace};

/// Format → token → lookup. Not inlined: keys are not to pay for it.
#[inline(never)]
pub(super) fn authenticate<'a, S: KeyStore>(
    policy: &'a Policy,
    store: &'a mut S,
    token: &[u8],
    source: Option<usize>,
    ambient: &impl Ambient,
    trace: &mut impl Trace,
) -> Result<Caller<'a>, Reason> {
    let form = form(policy, token, source);
    let outcome = form.map_or_else(Outcome::Denied, |()| Outcome::Passed);
    trace.check(Step::Format, outcome, format_args!("an access token, not a key"));
    form?;
    let found = store.find_token(token, ambient.now()).and_then(|it| match policy.environment_index(it.environment) {
        Some(environment) => Ok((environment, it)),
        None => Err(Reason::TokenClaims),
    });
    match found {
        Ok((environment, TokenRecord { key: record, granted, scopes, subject, .. })) => {
            let seen = Seen { environment: policy.environment(environment), granted, scopes, subject };
            trace.check(Step::Token, Outcome::Passed, format_args!("{seen}"));
            trace.check(Step::Lookup, Outcome::Passed, format_args!("minted for {}", record.id));
            Ok(Caller { source, environment, scopes, record, token: Some(Token { granted, subject }) })
        }
        Err(reason) => trace.result(step(reason), Err(reason)),
    }
}

/// Whether such a token is taken from there at all.
fn form(policy: &Policy, token: &[u8], source: Option<usize>) -> Result<(), Reason> {
    let place = source.and_then(|index| policy.credential_sources().get(index)).map(CredentialSource::place);
    match policy.tokens() {
        // In a URL it would be written down all over (RFC 6750 §5.3), and a cookie is sent by whoever makes a browser send it.
        Some(_) if place != Some(CredentialPlace::Header) => Err(Reason::TokensNotAccepted),
        Some(spec) if token.len() > spec.max_bytes as usize => Err(Reason::MalformedToken),
        Some(_) => Ok(()),
        None => Err(Reason::TokensNotAccepted),
    }
}

/// The check that refused it.
const fn step(reason: Reason) -> Step {
    match reason {
        Reason::UnknownTokenSubject | Reason::StoreUnavailable => Step::Lookup,
        _ => Step::Token,
    }
}

/// A token in words.
struct Seen<'a> {
    environment: &'a str,
    granted: &'a str,
    scopes: &'a str,
    subject: Option<&'a str>,
}

impl fmt::Display for Seen<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { environment, granted, scopes, subject } = self;
        write!(f, "environment {environment}; granted `{granted}`, of which its record has `{scopes}`")?;
        subject.map_or(Ok(()), |subject| write!(f, "; for `{}`", subject.escape_default()))
    }
}
