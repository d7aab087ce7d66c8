//! One request: read its headers once, decide, apply the decision.
//!
//! It keeps nothing between requests. Invariant: identity headers that a client sent are gone before anything else
//! happens, and only a grant with an identity puts them back.

use core::net::IpAddr;

use portcullis_engine::ascii::same;
use portcullis_engine::credential::CredentialSource;
use portcullis_engine::spec::{IdentityHeader, IdentityHeaders, RateLimitHeaders};
use portcullis_engine::{
    Admission, Ambient, Decision, Denial, Grant, Identity, KeyStore, Policy, Reason, Request, ServiceUse, decide,
};

use crate::egress;
use crate::host::Host;
use crate::journal::Journal;
use crate::limits::Keeper;
use crate::pairs::Pair;
use crate::ratelimit;
use crate::reply;
use crate::strip::{strip_carrier, strip_credentials, strip_identity};

/// What the proxy does with the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Goes on to the next filter.
    Forward,
    /// Was answered here.
    Replied,
    /// Not yet answered: a part of the bundle was not where the header said.
    Missed,
    /// Not yet answered: tokens of its quota are on their way.
    Waits,
}

/// Decides with a policy and keys, and applies the decision. Without them every request is refused for `Err`'s reason,
/// in the words of its policy if it has one.
pub fn decide_request<H: Host>(
    host: &H,
    headers: Option<&[Pair<'_>]>,
    data: Result<(&Policy, impl KeyStore), (Reason, Option<&Policy>)>,
    last_try: bool,
    keeper: &mut Keeper<'_, H>,
    journal: &mut Journal,
) -> Action {
    let Some(headers) = headers else {
        // Without headers there is nothing to decide on, not even whether somebody forged an identity.
        let request = Request { method: b"", path: None, headers: &[] };
        return refuse(host, None, &Denial::early(Reason::StoreUnavailable), &request, journal);
    };
    strip_identity(host, headers);
    let request = read(headers);
    let (policy, mut keys) = match data {
        Ok(data) => data,
        Err((reason, policy)) => return refuse(host, policy, &Denial::early(reason), &request, journal),
    };
    match decide(policy, &mut keys, &request, &RequestAmbient { host }, keeper) {
        Decision::Allow(Grant { service: Some(using), identity, rule, .. })
            if keeper.is_control(using.service.cluster()) =>
        {
            // Whoever writes policies must not have secrets sent to the control plane.
            refuse(host, Some(policy), &refusal(Reason::ServiceIsControl, identity, rule), &request, journal)
        }
        Decision::Allow(grant) => forward(host, policy, &grant, &request, journal),
        Decision::Deny(denial) if denial.reason == Reason::StoreUnavailable && !last_try => Action::Missed,
        Decision::Deny(_) if keeper.is_to_wait() => Action::Waits,
        // Without keys nothing is readable; but this is why there are none.
        Decision::Deny(denial) if denial.reason == Reason::SecretUnreadable && !host.guards_answers() => {
            refuse(host, Some(policy), &Denial { reason: Reason::AnswersUnguarded, ..denial }, &request, journal)
        }
        Decision::Deny(denial) => refuse(host, Some(policy), &denial, &request, journal),
    }
}

fn read<'a>(headers: &'a [Pair<'a>]) -> Request<'a> {
    let pseudo = |name: &[u8]| headers.iter().find(|(header, _)| same(header, name)).map(|(_, value)| *value);
    Request { method: pseudo(b":method").unwrap_or_default(), path: pseudo(b":path"), headers }
}

fn forward<H: Host>(
    host: &H,
    policy: &Policy,
    grant: &Grant<'_>,
    request: &Request<'_>,
    journal: &mut Journal,
) -> Action {
    let sources = policy.credential_sources();
    // The one that carried the key, or, where none was looked for, whichever may carry one.
    let carrier = grant.source.and_then(|index| sources.get(index));
    let sources = carrier.map_or(sources, core::slice::from_ref);
    if let Some(using) = &grant.service {
        return send(host, policy, grant, using, sources, request, journal);
    }
    if !policy.forwards_credential() {
        match carrier {
            Some(carrier) => strip_carrier(host, carrier, request),
            None => strip_credentials(host, sources, request),
        }
    }
    if let Some(identity) = &grant.identity {
        identify(host, policy.identity_headers(), identity);
    }
    if policy.rate_limit_headers() == RateLimitHeaders::Always {
        tell_limits(host, &grant.admission);
    }
    journal.granted(host, policy, grant, request);
    Action::Forward
}

/// To a service, which never sees the caller's credential. Not inlined: no other request is to pay for it.
#[inline(never)]
fn send<H: Host>(
    host: &H,
    policy: &Policy,
    grant: &Grant<'_>,
    using: &ServiceUse<'_>,
    sources: &[CredentialSource],
    request: &Request<'_>,
    journal: &mut Journal,
) -> Action {
    match egress::send(host, grant, using, sources, request) {
        Ok(used) => {
            journal.sent(&used);
            journal.granted(host, policy, grant, request);
            Action::Forward
        }
        Err(reason) => refuse(host, Some(policy), &refusal(reason, grant.identity, grant.rule), request, journal),
    }
}

fn refusal(reason: Reason, identity: Option<Identity<'_>>, rule: Option<usize>) -> Denial<'_> {
    Denial { identity, rule, ..Denial::early(reason) }
}

fn refuse<H: Host>(
    host: &H,
    policy: Option<&Policy>,
    denial: &Denial<'_>,
    request: &Request<'_>,
    journal: &mut Journal,
) -> Action {
    // The request goes nowhere, but the access log prints its headers.
    if let Some(identity) = &denial.identity {
        identify(host, policy.map(Policy::identity_headers).unwrap_or_default(), identity);
    }
    journal.denied(host, policy, denial, request);
    host.reply(&reply::render(policy, denial, request));
    Action::Replied
}

fn identify(host: &impl Host, headers: IdentityHeaders, identity: &Identity<'_>) {
    // Whatever the client sent under these names is gone already, so adding is setting.
    if headers.has(IdentityHeader::KeyId) {
        host.add_request_header("x-portcullis-key-id", identity.key.to_text().as_bytes());
    }
    if headers.has(IdentityHeader::Org) {
        host.add_request_header("x-portcullis-org", identity.organization.to_text().as_bytes());
    }
    if headers.has(IdentityHeader::Environment) {
        host.add_request_header("x-portcullis-environment", identity.environment.as_bytes());
    }
    if headers.has(IdentityHeader::Scopes) {
        host.add_request_header("x-portcullis-scopes", identity.scopes.as_bytes());
    }
    // An issuer's word: what is no plain text does not become a header.
    let plain = identity.subject.filter(|it| it.bytes().all(|byte| byte.is_ascii_graphic()));
    if let Some(subject) = plain.filter(|_| headers.has(IdentityHeader::Subject)) {
        host.add_request_header("x-portcullis-subject", subject.as_bytes());
    }
}

/// For the proxy to copy to the response.
fn tell_limits(host: &impl Host, admission: &Admission) {
    let limits = [admission.quota, admission.rate];
    if limits.iter().any(Option::is_some) {
        host.add_request_header("x-portcullis-ratelimit", ratelimit::left(limits).as_bytes());
        host.add_request_header("x-portcullis-ratelimit-policy", ratelimit::policy(limits).as_bytes());
    }
}

/// Asks the proxy only when a key's record makes it matter.
struct RequestAmbient<'h, H> {
    host: &'h H,
}

impl<H: Host> Ambient for RequestAmbient<'_, H> {
    fn now(&self) -> u64 {
        self.host.now_nanos() / 1_000_000_000
    }

    fn source_address(&self) -> Option<IpAddr> {
        self.host.source_ip()
    }
}
