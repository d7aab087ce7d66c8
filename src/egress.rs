//! A request that goes to a service outside: the credential of whoever calls is taken out, the service's put in.
//!
//! It decides nothing: the grant says what may be sent where. Invariants: no identity header, no cookie and no credential of the
//! caller goes to a service, whatever the policy says of other requests; a value leaves only if the answer will be looked at.

use portcullis_engine::{Grant, Identity, Outgoing, Reason, Request, ServiceUse};

use crate::host::Host;

/// For the proxy to pick the cluster by.
const CLUSTER: &str = "x-portcullis-cluster";
/// What access logs print in place of a path that was changed.
const ORIGINAL_PATH: &str = "x-envoy-original-path";

/// Turns the request into what the service gets. What is of the caller is taken out of `request` and of `path` already. Not inlined:
/// no other request is to pay for it.
#[inline(never)]
pub fn send<'r, H: Host>(
    host: &H,
    grant: &'r Grant<'r>,
    using: &'r ServiceUse<'r>,
    request: &Request<'r>,
    path: &[u8],
) -> Result<Outgoing<'r>, Reason> {
    if !host.guards_answers() {
        return Err(Reason::AnswersUnguarded);
    }
    let mut outgoing = using.outgoing(request, path).ok_or(Reason::SecretUnreadable)?;
    host.guard(core::mem::take(&mut outgoing.masks));
    if outgoing.is_secret_in_path {
        host.replace_request_header(ORIGINAL_PATH, path);
    } else if request.headers.iter().any(|(name, _)| *name == ORIGINAL_PATH.as_bytes()) {
        // Not in the caller's words.
        host.remove_request_header(ORIGINAL_PATH.as_bytes());
    }
    host.replace_request_header(":path", &outgoing.path);
    host.replace_request_header(":authority", using.service.host().as_bytes());
    host.add_request_header(CLUSTER, using.service.cluster().as_bytes());
    put_headers(host, &outgoing, request);
    if let Some(identity) = &grant.identity {
        tell(host, using.service.name(), identity);
    }
    Ok(outgoing)
}

fn put_headers<H: Host>(host: &H, outgoing: &Outgoing<'_>, request: &Request<'_>) {
    for (place, (name, value)) in outgoing.headers.iter().enumerate() {
        let Some(text) = core::str::from_utf8(name).ok() else { continue };
        let is_first = !outgoing.headers.iter().take(place).any(|(earlier, _)| earlier == name);
        if is_first && request.headers.iter().any(|(header, _)| header == name) {
            host.remove_request_header(name);
        }
        host.add_request_header(text, value);
    }
}

/// Who called which service, for access logs alone.
fn tell(host: &impl Host, service: &str, identity: &Identity<'_>) {
    host.set_log_field("portcullis_service", service.as_bytes());
    host.set_log_field("portcullis_key_id", identity.key.to_text().as_bytes());
    host.set_log_field("portcullis_org", identity.organization.to_text().as_bytes());
}
