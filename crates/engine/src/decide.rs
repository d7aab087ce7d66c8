//! The decision itself: every check in order, first failure wins.
//!
//! Route → credential → format → lookup (of an access token: is it one that counts, and its record) → status → environment → restrictions → scopes → service → limits; then, of what passed, what
//! a trial would have said. It reads the request and the key's record, and nothing else but what [`Ambient`] and [`Limiter`] tell it.
//! Invariant: the only way to a [`Grant`] is
//! through every check; whatever cannot be read is a denial.

mod limits;
mod service;
mod token;
mod trial;

use alloc::vec::Vec;
use core::net::IpAddr;

use crate::credential::{self, Found};
use crate::decision::{Decision, Denial, Grant, Identity, Observed};
use crate::id::KeyDigest;
use crate::limit::{Admission, Limiter};
use crate::path::CanonicalPath;
use crate::policy::{Policy, Route, Rule, canonical_path};
use crate::reason::Reason;
use crate::record::{KeyRecord, KeyStatus, OrganizationState, TokenRecord};
use crate::request::Request;
use crate::restriction::{Checked, Kinds, Mode};
use crate::scope::Requirement;
use crate::spec::{Access, DefaultAccess, Preflight};
use crate::trace::{Outcome, Step, Trace};
use limits::Told;

/// Where key records come from.
pub trait KeyStore {
    /// The record of a key, `None` if there is no such key.
    fn find(&mut self, digest: &KeyDigest) -> Result<Option<KeyRecord<'_>>, StoreUnavailable>;

    /// The record of a key as a client presented it. A store that can tell a key it has seen by cheaper means than its
    /// digest does so here; it must not keep the key.
    fn find_presented(&mut self, key: &[u8]) -> Result<Option<KeyRecord<'_>>, StoreUnavailable> {
        self.find(&KeyDigest::of(key))
    }

    /// What an access token stands for at that time (Unix seconds), or why it does not count. The token is verified here or was
    /// before; its times are looked at on each call, and so is the record: a store must never answer from what a record said
    /// earlier, and must not keep the token. A store that does not know whose signatures count takes none.
    fn find_token(&mut self, token: &[u8], now: u64) -> Result<TokenRecord<'_>, Reason> {
        let (_, _) = (token, now);
        Err(Reason::TokensNotAccepted)
    }
}

/// Key records cannot be read right now; the request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("key records cannot be read")]
pub struct StoreUnavailable;

/// What surrounds a request and costs something to find out; asked for only when a key's record needs it.
pub trait Ambient {
    /// Now, in Unix seconds.
    fn now(&self) -> u64;
    /// The client's address, as the proxy trusts it.
    fn source_address(&self) -> Option<IpAddr>;
}

/// Decides one request, and takes of `limiter` what it costs.
pub fn decide<'a, S: KeyStore>(
    policy: &'a Policy,
    store: &'a mut S,
    request: &Request<'_>,
    ambient: &impl Ambient,
    limiter: &mut impl Limiter,
) -> Decision<'a> {
    decide_traced(policy, store, request, ambient, limiter, &mut ())
}

/// Decides one request and tells `trace` each check as it is made. The same code as [`decide`].
pub fn decide_traced<'a, S: KeyStore>(
    policy: &'a Policy,
    store: &'a mut S,
    request: &Request<'_>,
    ambient: &impl Ambient,
    limiter: &mut impl Limiter,
    trace: &mut impl Trace,
) -> Decision<'a> {
    let routed = match find_route(policy, request, trace) {
        Ok(routed) => routed,
        Err(reason) => return Decision::Deny(Denial::early(reason)),
    };
    if let Some(open) = passes_without_key(policy, request, &routed.route) {
        trace.check(Step::Route, Outcome::Passed, format_args!("{open}"));
        let rule = routed.rule_index();
        let admission = Admission::default();
        let (observed, service) = (Vec::new(), None);
        return Decision::Allow(Grant { identity: None, observed, source: None, rule, admission, service });
    }
    match authenticate(policy, store, request, ambient, trace) {
        Ok(caller) => KeyCheck { policy, caller, routed: &routed, request, ambient }.decide(limiter, trace),
        Err(reason) => Decision::Deny(Denial { rule: routed.rule_index(), ..Denial::early(reason) }),
    }
}

struct Routed<'p, 'r> {
    path: Option<CanonicalPath<'r>>,
    route: Route<'p>,
}

impl Routed<'_, '_> {
    fn rule_index(&self) -> Option<usize> {
        match self.route {
            Route::Rule(index, _) => Some(index),
            Route::Unmatched(_) => None,
        }
    }
}

fn find_route<'p, 'r>(
    policy: &'p Policy,
    request: &Request<'r>,
    trace: &mut impl Trace,
) -> Result<Routed<'p, 'r>, Reason> {
    let found = canonical_path(request).and_then(|path| {
        let route = policy.route(request.method, path.as_ref())?;
        Ok(Routed { path, route })
    });
    match &found {
        Ok(Routed { route: Route::Rule(index, rule), .. }) => {
            trace.check(Step::Route, Outcome::Passed, format_args!("rules[{index}] {rule}"));
        }
        Ok(Routed { route: Route::Unmatched(default), .. }) => {
            trace.check(Step::Route, Outcome::Passed, format_args!("no rule matches; default = {default:?}"));
        }
        Err(reason) => {
            trace.check(Step::Route, Outcome::Denied(*reason), format_args!("the method or path has two readings"))
        }
    }
    found
}

/// Why a request needs no key, if it needs none.
fn passes_without_key(policy: &Policy, request: &Request<'_>, route: &Route<'_>) -> Option<&'static str> {
    match route {
        Route::Rule(_, Rule { access: Access::Public, .. }) => Some("public rule: no key needed"),
        Route::Unmatched(DefaultAccess::Public) => Some("public by default: no key needed"),
        _ if policy.preflight == Preflight::Allow && request.is_preflight() => Some("CORS preflight: no key needed"),
        _ => None,
    }
}

/// Who calls: a key that is known, or an access token that counts.
struct Caller<'a> {
    source: Option<usize>,
    /// The index of the environment in the policy.
    environment: usize,
    /// The scopes that count.
    scopes: &'a str,
    record: KeyRecord<'a>,
    token: Option<Token<'a>>,
}

/// What an access token adds to its record.
struct Token<'a> {
    granted: &'a str,
    subject: Option<&'a str>,
}

/// Credential → format → lookup.
fn authenticate<'a, S: KeyStore>(
    policy: &'a Policy,
    store: &'a mut S,
    request: &Request<'_>,
    ambient: &impl Ambient,
    trace: &mut impl Trace,
) -> Result<Caller<'a>, Reason> {
    let (found, source) = credential::locate(policy.credential_sources(), request.headers, request.path);
    let key = match found {
        Found::One(key) => Ok(key),
        Found::None => Err(Reason::MissingCredential),
        Found::Malformed => Err(Reason::MalformedCredential),
        Found::Ambiguous => Err(Reason::AmbiguousCredentials),
    };
    let key = trace.result(Step::Credential, key)?;
    let format = match policy.key_formats().classify(key) {
        Err(Reason::UnknownPrefix) if credential::is_like_token(key) => {
            return token::authenticate(policy, store, key, source, ambient, trace);
        }
        format => trace.result(Step::Format, format)?,
    };
    let record = match store.find_presented(key) {
        Ok(Some(record)) => Ok(record),
        Ok(None) => Err(Reason::UnknownKey),
        Err(StoreUnavailable) => Err(Reason::StoreUnavailable),
    };
    let record = trace.result(Step::Lookup, record)?;
    Ok(Caller { source, environment: format.environment(), scopes: record.scopes, record, token: None })
}

/// Everything that is checked once the key is known.
struct KeyCheck<'a, 'r, A> {
    policy: &'a Policy,
    caller: Caller<'a>,
    routed: &'r Routed<'a, 'r>,
    request: &'r Request<'r>,
    ambient: &'r A,
}

impl<'a, A: Ambient> KeyCheck<'a, '_, A> {
    fn decide(&self, limiter: &mut impl Limiter, trace: &mut impl Trace) -> Decision<'a> {
        let (mut observed, mut told) = (Vec::new(), Told::default());
        match self.run(&mut observed, limiter, &mut told, trace) {
            Ok(()) => {
                self.look_at_trial(&mut observed, trace);
                let (source, rule) = (self.caller.source, self.routed.rule_index());
                let (admission, service) = (told.admission, told.service);
                Decision::Allow(Grant { identity: Some(self.identity()), observed, source, rule, admission, service })
            }
            Err(reason) => Decision::Deny(self.denial(reason, told)),
        }
    }

    fn run(
        &self,
        observed: &mut Vec<Observed>,
        limiter: &mut impl Limiter,
        told: &mut Told<'a>,
        trace: &mut impl Trace,
    ) -> Result<(), Reason> {
        trace.result(Step::Status, self.status())?;
        trace.result(Step::Environment, self.environment())?;
        self.restrictions(observed, trace)?;
        trace.result(Step::Scopes, self.scopes(self.caller.scopes))?;
        self.service(told, trace)?;
        self.limits(limiter, told, trace)
    }

    fn status(&self) -> Result<(), Reason> {
        let Caller { record, token, .. } = &self.caller;
        let of = |key, of_token| if token.is_some() { of_token } else { key };
        match record.status {
            KeyStatus::Revoked => return Err(of(Reason::RevokedKey, Reason::TokenRevoked)),
            KeyStatus::Disabled => return Err(of(Reason::DisabledKey, Reason::TokenDisabled)),
            KeyStatus::Active => {}
        }
        if record.expires_at.is_some_and(|expiry| expiry <= self.ambient.now()) {
            return Err(of(Reason::ExpiredKey, Reason::TokenKeyExpired));
        }
        match record.organization_state {
            OrganizationState::Suspended => Err(Reason::OrganizationSuspended),
            OrganizationState::Active | OrganizationState::QuotaExhausted { .. } => Ok(()),
        }
    }

    fn environment(&self) -> Result<(), Reason> {
        match self.routed.route {
            Route::Rule(_, rule) if !rule.environments.is_empty() => {
                let served = rule.environments.contains(&self.caller.environment);
                served.then_some(()).ok_or(Reason::EnvironmentMismatch)
            }
            _ => Ok(()),
        }
    }

    fn restrictions(&self, observed: &mut Vec<Observed>, trace: &mut impl Trace) -> Result<(), Reason> {
        let Some(set) = self.caller.record.restrictions else { return Ok(()) };
        let checks = self.kinds(set.kinds());
        for (step, check) in checks {
            match check {
                Some((Mode::Enforce, result)) => trace.result(step, result)?,
                Some((Mode::Observe, Err(reason))) => {
                    trace.check(step, Outcome::Observed(reason), format_args!("observe mode"));
                    observed.push(Observed::Restriction(reason));
                }
                Some((Mode::Observe, Ok(()))) => trace.check(step, Outcome::Passed, format_args!("observe mode")),
                None => {}
            }
        }
        Ok(())
    }

    fn kinds(&self, kinds: &Kinds) -> [(Step, Checked); 3] {
        [
            (Step::Ip, kinds.ip(|| self.ambient.source_address())),
            (Step::Referrer, kinds.referrer(self.request)),
            (Step::Endpoint, kinds.endpoint(self.request.method, self.routed.path.as_ref())),
        ]
    }

    /// Whether these scopes are what the rule wants.
    fn scopes(&self, held: &str) -> Result<(), Reason> {
        let rule = match self.routed.route {
            Route::Rule(_, rule) => rule,
            Route::Unmatched(DefaultAccess::Deny) => return Err(Reason::NoRule),
            Route::Unmatched(DefaultAccess::Authenticate | DefaultAccess::Public) => return Ok(()),
        };
        match &rule.requirement {
            Requirement::Nothing => Ok(()),
            _ if held.is_empty() => Err(Reason::NoScopes),
            wanted => {
                let met = wanted.is_met_by(held, self.policy.write_implies_read);
                met.then_some(()).ok_or(Reason::InsufficientScope)
            }
        }
    }

    fn identity(&self) -> Identity<'a> {
        let Caller { environment, scopes, record, token, .. } = &self.caller;
        Identity {
            key: record.id,
            organization: record.organization,
            environment: self.policy.environment(*environment),
            scopes,
            subject: token.as_ref().and_then(|it| it.subject),
        }
    }

    fn denial(&self, reason: Reason, told: Told<'a>) -> Denial<'a> {
        let required = match (reason, self.routed.route) {
            (Reason::NoScopes | Reason::InsufficientScope, Route::Rule(_, rule)) => Some(&rule.requirement),
            _ => None,
        };
        Denial {
            reason,
            identity: Some(self.identity()),
            required,
            retry_after: told.retry_after,
            standing: told.standing,
            for_browser: self.caller.record.restrictions.is_some_and(|set| set.is_for_browsers()),
            rule: self.routed.rule_index(),
            reference: told.reference,
        }
    }
}
