//! One request: read its headers once, decide, apply the decision.
//!
//! It keeps nothing between requests. Invariant: identity headers that a client sent are gone before anything else
//! happens, and only a grant with an identity puts them back.

use core::net::IpAddr;

use portcullis_engine::credential::{CredentialSource, strip_cookie, strip_query};
use portcullis_engine::spec::{CredentialPlace, RateLimitHeaders};
use portcullis_engine::{
    Admission, Ambient, Decision, Denial, Grant, Identity, KeyStore, Policy, Reason, Request, ServiceUse, decide,
};

use crate::egress;
use crate::host::Host;
use crate::journal::Journal;
use crate::limits::Keeper;
use crate::pairs::{self, Pair};
use crate::ratelimit;
use crate::reply;

const PREFIX: &[u8] = b"x-portcullis-";

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
    blob: Option<&[u8]>,
    data: Result<(&Policy, impl KeyStore), (Reason, Option<&Policy>)>,
    last_try: bool,
    keeper: &mut Keeper<'_, H>,
    journal: &mut Journal,
) -> Action {
    let Some(headers) = blob.and_then(pairs::parse) else {
        // Without headers there is nothing to decide on, not even whether somebody forged an identity.
        let request = Request { method: b"", path: None, headers: &[] };
        return refuse(host, None, &Denial::early(Reason::StoreUnavailable), &request, journal);
    };
    strip_identity(host, &headers);
    let request = read(&headers);
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
    let pseudo = |name: &[u8]| headers.iter().find(|(header, _)| *header == name).map(|(_, value)| *value);
    Request { method: pseudo(b":method").unwrap_or_default(), path: pseudo(b":path"), headers }
}

/// Removes what a client has no business sending. Any sign counts as `-`: upstreams that hand headers on as CGI variables
/// tell `-`, `_` and, some of them, `.` or `+` not apart.
fn strip_identity(host: &impl Host, headers: &[Pair<'_>]) {
    for (name, _) in headers {
        if is_identity_header(name) {
            host.remove_request_header(name);
        }
    }
}

fn is_identity_header(name: &[u8]) -> bool {
    name.first() == Some(&b'x')
        && name.len() >= PREFIX.len()
        && name
            .iter()
            .zip(PREFIX)
            .all(|(byte, wanted)| byte == wanted || *wanted == b'-' && !byte.is_ascii_alphanumeric())
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
    let sources = grant.source.map_or(sources, |index| sources.get(index..=index).unwrap_or_default());
    if let Some(using) = &grant.service {
        return send(host, policy, grant, using, sources, request, journal);
    }
    if !policy.forwards_credential() {
        strip_credentials(host, sources, request);
    }
    if let Some(identity) = &grant.identity {
        identify(host, identity);
    }
    if policy.rate_limit_headers() == RateLimitHeaders::Always {
        tell_limits(host, &grant.admission);
    }
    journal.granted(host, policy, grant, request);
    Action::Forward
}

/// To a service, which never sees the caller's credential.
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
    // Before a service's own goes there.
    strip_headers(host, sources, request);
    if request.headers.iter().any(|(name, _)| *name == b"cookie") {
        host.remove_request_header(b"cookie");
    }
    let path = request.path.unwrap_or_default();
    let stripped = strip_all(path, names(sources, CredentialPlace::Query), strip_query);
    // What is gone does not come back for standing beside a reference.
    let headers: Vec<_> = request.headers.iter().filter(|header| stays(sources, header)).copied().collect();
    let left = Request { headers: &headers, ..*request };
    match egress::send(host, grant, using, &left, stripped.as_deref().unwrap_or(path)) {
        Ok(outgoing) => {
            journal.sent(&outgoing.used);
            journal.granted(host, policy, grant, request);
            Action::Forward
        }
        Err(reason) => refuse(host, Some(policy), &refusal(reason, grant.identity, grant.rule), request, journal),
    }
}

/// Whether a header may go to a service: no credential of the caller's, no cookie, nothing of ours.
fn stays(sources: &[CredentialSource], (name, value): &Pair<'_>) -> bool {
    *name != b"cookie" && !is_identity_header(name) && !carries(sources, name, value)
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
        identify(host, identity);
    }
    journal.denied(host, policy, denial, request);
    host.reply(&reply::render(policy, denial, request));
    Action::Replied
}

fn identify(host: &impl Host, identity: &Identity<'_>) {
    // Whatever the client sent under these names is gone already, so adding is setting.
    host.add_request_header("x-portcullis-key-id", identity.key.to_text().as_bytes());
    host.add_request_header("x-portcullis-org", identity.organization.to_text().as_bytes());
    host.add_request_header("x-portcullis-environment", identity.environment.as_bytes());
    host.add_request_header("x-portcullis-scopes", identity.scopes.as_bytes());
    // An issuer's word: what is no plain text does not become a header.
    if let Some(subject) = identity.subject.filter(|it| it.bytes().all(|byte| byte.is_ascii_graphic())) {
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

/// Removes the credential from where it stands.
fn strip_credentials(host: &impl Host, sources: &[CredentialSource], request: &Request<'_>) {
    strip_headers(host, sources, request);
    let (parameters, cookies) = (names(sources, CredentialPlace::Query), names(sources, CredentialPlace::Cookie));
    if let Some(path) = request.path.and_then(|path| strip_all(path, parameters, strip_query)) {
        host.replace_request_header(":path", &path);
    }
    if cookies.clone().next().is_some() {
        strip_cookies(host, request, cookies);
    }
}

fn names(sources: &[CredentialSource], place: CredentialPlace) -> impl Iterator<Item = &str> + Clone {
    sources.iter().filter(move |source| source.place() == place).map(CredentialSource::name)
}

fn strip_headers(host: &impl Host, sources: &[CredentialSource], request: &Request<'_>) {
    for source in sources.iter().filter(|source| source.place() == CredentialPlace::Header) {
        if request.headers.iter().any(|(name, value)| carries(core::slice::from_ref(source), name, value)) {
            host.remove_request_header(source.name().as_bytes());
        }
    }
}

/// Whether one of these sources takes a credential from that header.
fn carries(sources: &[CredentialSource], name: &[u8], value: &[u8]) -> bool {
    let mut sources = sources.iter().filter(|source| source.place() == CredentialPlace::Header);
    sources.any(|source| name == source.name().as_bytes() && source.carries(value))
}

fn strip_cookies<'p>(host: &impl Host, request: &Request<'_>, names: impl Iterator<Item = &'p str> + Clone) {
    let cookies = request.headers.iter().filter(|(header, _)| *header == b"cookie").map(|(_, value)| *value);
    let stripped: Vec<_> = cookies.map(|value| (value, strip_all(value, names.clone(), strip_cookie))).collect();
    if stripped.iter().all(|(_, left)| left.is_none()) {
        return;
    }
    host.remove_request_header(b"cookie");
    for (value, left) in &stripped {
        let left = left.as_deref().unwrap_or(value);
        if !left.is_empty() {
            host.add_request_header("cookie", left);
        }
    }
}

/// `value` without any of `names`; `None` if none of them is in it.
fn strip_all<'p>(
    value: &[u8],
    names: impl Iterator<Item = &'p str>,
    strip: impl Fn(&[u8], &str) -> Option<Vec<u8>>,
) -> Option<Vec<u8>> {
    names.fold(None, |left, name| strip(left.as_deref().unwrap_or(value), name).or(left))
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
