//! What of the caller is taken out of a request: identity headers that it made up, and its credential.
//!
//! Invariant: where a credential stands is said by the policy's sources alone, the same that it was looked for in.

use portcullis_engine::Request;
use portcullis_engine::credential::{CredentialSource, strip_cookie, strip_query};
use portcullis_engine::spec::CredentialPlace;

use crate::host::Host;
use crate::pairs::Pair;

const PREFIX: &[u8] = b"x-portcullis-";

/// Removes what a client has no business sending. Any sign counts as `-`: upstreams that hand headers on as CGI variables
/// tell `-`, `_` and, some of them, `.` or `+` not apart.
pub fn strip_identity(host: &impl Host, headers: &[Pair<'_>]) {
    for (name, _) in headers {
        if is_identity_header(name) {
            host.remove_request_header(name);
        }
    }
}

/// Whether a header has such a name.
pub fn is_identity_header(name: &[u8]) -> bool {
    name.first() == Some(&b'x')
        && name.len() >= PREFIX.len()
        && name
            .iter()
            .zip(PREFIX)
            .all(|(byte, wanted)| byte == wanted || *wanted == b'-' && !byte.is_ascii_alphanumeric())
}

/// Removes the credential from the source that was found to carry it.
pub fn strip_carrier(host: &impl Host, carrier: &CredentialSource, request: &Request<'_>) {
    match carrier.place() {
        // That it is there is known.
        CredentialPlace::Header => host.remove_request_header(carrier.name().as_bytes()),
        CredentialPlace::Query | CredentialPlace::Cookie => {
            strip_credentials(host, core::slice::from_ref(carrier), request);
        }
    }
}

/// Removes the credential from where it stands.
pub fn strip_credentials(host: &impl Host, sources: &[CredentialSource], request: &Request<'_>) {
    strip_headers(host, sources, request);
    let cookies = names(sources, CredentialPlace::Cookie);
    if let Some(path) = request.path.and_then(|path| without_credential(path, sources)) {
        host.replace_request_header(":path", &path);
    }
    if cookies.clone().next().is_some() {
        strip_cookies(host, request, cookies);
    }
}

/// A path without the credential in its query; `None` if there is none.
pub fn without_credential(path: &[u8], sources: &[CredentialSource]) -> Option<Vec<u8>> {
    strip_all(path, names(sources, CredentialPlace::Query), strip_query)
}

fn names(sources: &[CredentialSource], place: CredentialPlace) -> impl Iterator<Item = &str> + Clone {
    sources.iter().filter(move |source| source.place() == place).map(CredentialSource::name)
}

fn strip_headers(host: &impl Host, sources: &[CredentialSource], request: &Request<'_>) {
    for source in sources.iter().filter(|source| source.place() == CredentialPlace::Header) {
        if request.headers.iter().any(|(name, value)| carries(source, name, value)) {
            host.remove_request_header(source.name().as_bytes());
        }
    }
}

/// Whether a source takes a credential from that header.
fn carries(source: &CredentialSource, name: &[u8], value: &[u8]) -> bool {
    name == source.name().as_bytes() && source.carries(value)
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
