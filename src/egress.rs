//! A request that goes to a service outside: the credential of whoever calls is taken out, the service's put in.
//!
//! It decides nothing: the grant says what may be sent where. Invariants: no identity header, no cookie and no credential of the
//! caller goes to a service, whatever the policy says of other requests; a value leaves only if the answer will be looked at.

use portcullis_engine::credential::CredentialSource;
use portcullis_engine::spec::CredentialPlace;
use portcullis_engine::{Grant, Identity, Outgoing, Reason, Request, SecretId, ServiceUse};

use crate::host::Host;
use crate::pairs::Pair;
use crate::strip::{is_identity_header, without_credential};

/// For the proxy to pick the cluster by.
const CLUSTER: &str = "x-portcullis-cluster";
/// What access logs print in place of a path that was changed.
const ORIGINAL_PATH: &str = "x-envoy-original-path";

/// Turns the request into what the service gets. Gives the secrets that are in it. `sources`: where the caller's credential may stand.
pub fn send<H: Host>(
    host: &H,
    grant: &Grant<'_>,
    using: &ServiceUse<'_>,
    sources: &[CredentialSource],
    request: &Request<'_>,
) -> Result<Vec<SecretId>, Reason> {
    if !host.guards_answers() {
        return Err(Reason::AnswersUnguarded);
    }
    let path = request.path.unwrap_or_default();
    let stripped = without_credential(path, sources);
    let path = stripped.as_deref().unwrap_or(path);
    // What is not to go there does not come back for standing beside a reference.
    let stays = |(name, _): &&Pair<'_>| !is_callers(sources, name) && !is_identity_header(name);
    let left: Vec<_> = if using.refers { request.headers.iter().filter(stays).copied().collect() } else { Vec::new() };
    let left = Request { headers: &left, ..*request };
    let mut outgoing = using.outgoing(&left, path).ok_or(Reason::SecretUnreadable)?;
    host.guard(core::mem::take(&mut outgoing.masks));
    remove_headers(host, sources, &outgoing, request);
    if outgoing.is_secret_in_path {
        host.replace_request_header(ORIGINAL_PATH, path);
    }
    host.replace_request_header(":path", &outgoing.path);
    host.replace_request_header(":authority", using.service.host().as_bytes());
    host.add_request_header(CLUSTER, using.service.cluster().as_bytes());
    put_headers(host, &outgoing);
    if let Some(identity) = &grant.identity {
        tell(host, using.service.name(), identity);
    }
    Ok(outgoing.used)
}

/// Whether a header is between the caller and us, whatever its value.
fn is_callers(sources: &[CredentialSource], name: &[u8]) -> bool {
    let is_source =
        |source: &CredentialSource| source.place() == CredentialPlace::Header && source.name().as_bytes() == name;
    name == b"cookie" || sources.iter().any(is_source)
}

/// Removes what must not go there, unless it is replaced anyway.
fn remove_headers(host: &impl Host, sources: &[CredentialSource], outgoing: &Outgoing<'_>, request: &Request<'_>) {
    for (name, _) in request.headers {
        // An original path is not told in the caller's words.
        let goes = is_callers(sources, name) || *name == ORIGINAL_PATH.as_bytes();
        if goes && !outgoing.headers.iter().any(|(other, _)| other == name) {
            host.remove_request_header(name);
        }
    }
}

/// The first of each name replaces all that there are.
fn put_headers(host: &impl Host, outgoing: &Outgoing<'_>) {
    for (place, (name, value)) in outgoing.headers.iter().enumerate() {
        let Ok(text) = core::str::from_utf8(name) else { continue };
        if outgoing.headers.iter().take(place).any(|(earlier, _)| earlier == name) {
            host.add_request_header(text, value);
        } else {
            host.replace_request_header(text, value);
        }
    }
}

/// Who called which service, for access logs alone. One field: each costs what two of Envoy's headers do.
fn tell(host: &impl Host, service: &str, identity: &Identity<'_>) {
    let (key, organization) = (identity.key.to_text(), identity.organization.to_text());
    let mut call = Vec::with_capacity(service.len() + key.as_bytes().len() + organization.as_bytes().len() + 2);
    for part in [service.as_bytes(), b" ", key.as_bytes(), b" ", organization.as_bytes()] {
        call.extend_from_slice(part);
    }
    host.set_log_field("portcullis_call", &call);
}
