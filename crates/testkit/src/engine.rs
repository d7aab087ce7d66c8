//! The first of the four runners: the engine as a library, without any proxy.
//!
//! It has no eyes for response headers and bodies, which the filter makes.

use portcullis_engine::{Decision, Identity, KeyStore, Policy, Reason, Request, Unlimited, decide};

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
    let Some(policy) = policy else { return denied(None, Reason::NoPolicy, &view) };
    match decide(policy, store, &view, ambient, &mut Unlimited) {
        Decision::Allow(grant) => {
            let mut outcome = Outcome { status: 200, grpc_status: Seen::Absent, ..Outcome::default() };
            identify(&mut outcome, grant.identity);
            let observed = grant.would_be_reasons().map(|reason| reason.as_str().to_owned());
            outcome.observed = Seen::Is(observed.collect());
            outcome
        }
        Decision::Deny(denial) => {
            let mut outcome = denied(Some(policy), denial.reason, &view);
            identify(&mut outcome, denial.identity);
            outcome
        }
    }
}

fn denied(policy: Option<&Policy>, reason: Reason, request: &Request<'_>) -> Outcome {
    let code = reason.code();
    let message = policy.map_or(code.default_message(), |policy| policy.message(code));
    let grpc = request.is_grpc();
    Outcome {
        status: if grpc { 200 } else { code.status() },
        grpc_status: grpc.then(|| code.grpc_status()).into(),
        code: Seen::Is(code.as_str().to_owned()),
        message: Seen::Is(message.to_owned()),
        reason: Seen::Is(reason.as_str().to_owned()),
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
