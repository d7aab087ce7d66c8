//! The first of the four runners: the engine as a library, without any proxy.
//!
//! It has no eyes for response headers and bodies, which the filter makes.

use portcullis_engine::credential::strip_query;
use portcullis_engine::spec::CredentialPlace;
use portcullis_engine::{
    Decision, Denial, Grant, Identity, KeyStore, Outgoing, Policy, Reason, Request, ServiceUse, Unlimited, decide,
};

use crate::corpus::WireRequest;
use crate::expectation::{Outcome, Seen};
use crate::store::FixedAmbient;

/// Decides a request and tells what is to be seen of it. Without a policy the answer is what the edge gives then.
pub fn run(
    policy: Option<&Policy>,
    store: &mut impl KeyStore,
    request: &WireRequest,
    ambient: &FixedAmbient,
) -> Outcome {
    let headers: Vec<(&[u8], &[u8])> =
        request.headers.iter().map(|(name, value)| (name.as_bytes(), value.as_slice())).collect();
    let view = Request { method: request.method.as_bytes(), path: request.path.as_deref(), headers: &headers };
    let Some(policy) = policy else { return denied(None, &Denial::early(Reason::NoPolicy), &view) };
    match decide(policy, store, &view, ambient, &mut Unlimited) {
        Decision::Allow(grant) => {
            let mut outcome = Outcome { status: 200, grpc_status: Seen::Absent, ..Outcome::default() };
            identify(&mut outcome, grant.identity);
            let observed = grant.would_be_reasons().map(|reason| reason.as_str().to_owned());
            outcome.observed = Seen::Is(observed.collect());
            outcome.service = grant.service.map(|using| using.service.cluster().to_owned()).into();
            if let Some(using) = &grant.service {
                send(&mut outcome, policy, &grant, using, &view);
            }
            outcome
        }
        Decision::Deny(denial) => {
            let mut outcome = denied(Some(policy), &denial, &view);
            identify(&mut outcome, denial.identity);
            outcome
        }
    }
}

/// What a service gets. A store that opens no secrets cannot tell.
fn send(outcome: &mut Outcome, policy: &Policy, grant: &Grant<'_>, using: &ServiceUse<'_>, request: &Request<'_>) {
    let sources = policy.credential_sources();
    let sources = grant.source.map_or(sources, |index| sources.get(index..=index).unwrap_or_default());
    let parameters = sources.iter().filter(|source| source.place() == CredentialPlace::Query);
    let path = request.path.unwrap_or_default().to_vec();
    let path = parameters.fold(path, |path, source| strip_query(&path, source.name()).unwrap_or(path));
    let Some(outgoing) = using.outgoing(request, &path) else { return };
    outcome.sent_path = Seen::Is(text(&outgoing.path));
    outcome.sent_host = Seen::Is(using.service.host().to_owned());
    outcome.sent_headers = Seen::Is(headers(&outgoing, request));
}

/// Those of the request, but for those that others take the place of.
fn headers(outgoing: &Outgoing<'_>, request: &Request<'_>) -> Vec<(String, String)> {
    let put = |name: &[u8]| outgoing.headers.iter().any(|(other, _)| *other == name);
    let kept = request.headers.iter().filter(|(name, _)| !put(name)).map(|(name, value)| (text(name), text(value)));
    kept.chain(outgoing.headers.iter().map(|(name, value)| (text(name), text(value)))).collect()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn denied(policy: Option<&Policy>, denial: &Denial<'_>, request: &Request<'_>) -> Outcome {
    let (reason, code) = (denial.reason, denial.reason.code());
    let message = policy.map_or(code.default_message(), |policy| policy.message(code));
    let grpc = request.is_grpc();
    Outcome {
        status: if grpc { 200 } else { code.status() },
        grpc_status: grpc.then(|| code.grpc_status()).into(),
        code: Seen::Is(code.as_str().to_owned()),
        message: Seen::Is(message.to_owned()),
        reason: Seen::Is(reason.as_str().to_owned()),
        reference: denial.reference.as_deref().map(str::to_owned).into(),
        ..Outcome::default()
    }
}

fn identify(outcome: &mut Outcome, identity: Option<Identity<'_>>) {
    outcome.environment = identity.map(|it| it.environment.to_owned()).into();
    outcome.key_id = identity.map(|it| it.key.to_string()).into();
    outcome.organization = identity.map(|it| it.organization.to_string()).into();
    outcome.subject = identity.and_then(|it| it.subject).map(str::to_owned).into();
    outcome.scopes = identity.map(|it| it.scopes.to_owned()).into();
}
