//! A request to explain as the proxy would hand it on: bytes, with a key where the policy first looks for one.
//!
//! Invariant: what somebody pasted with a key in it goes no further.

use std::net::IpAddr;

use portcullis_api::explain::Explain;
use portcullis_engine::Request;
use portcullis_engine::spec::{CredentialPlace, CredentialSpec};

use super::is_token;
use crate::error::Error;
use crate::policy::PolicyRoom;

const MAX_LENGTH: usize = 8192;

/// A request with its headers.
pub(super) struct Wire {
    method: String,
    path: Option<String>,
    headers: Vec<(String, String)>,
}

/// Whether the request can be explained; its address, if it has one.
pub(super) fn check(policy: &PolicyRoom, sent: &Explain) -> Result<Option<IpAddr>, Error> {
    let texts = [
        ("/method", Some(&sent.method)),
        ("/path", Some(&sent.path)),
        ("/referrer", sent.referrer.as_ref()),
        ("/origin", sent.origin.as_ref()),
    ];
    for (pointer, text) in texts.into_iter().filter_map(|(pointer, text)| Some((pointer, text?))) {
        if policy.spots_key_in(text) {
            return Err(Error::invalid(
                pointer,
                "this holds a key: leave it out, `key` says by its id which one is meant",
            ));
        }
        if text.len() > MAX_LENGTH || text.chars().any(char::is_control) {
            return Err(Error::invalid(pointer, format!("expected at most {MAX_LENGTH} bytes on one line")));
        }
    }
    let address = sent.address.as_deref().map(str::trim).filter(|text| !text.is_empty());
    let wrong = |_| Error::invalid("/address", "expected an IP address, such as 192.0.2.7 or 2001:db8::7");
    address.map(str::parse).transpose().map_err(wrong)
}

impl Wire {
    pub(super) fn new(sent: &Explain, policy: &PolicyRoom, key: &str) -> Self {
        let mut path = sent.path.clone();
        let mut headers = Vec::new();
        let mut header = |name: &str, value: &Option<String>| {
            let value = value.as_ref().filter(|value| !value.is_empty());
            headers.extend(value.map(|value| (name.to_owned(), value.clone())));
        };
        header("referer", &sent.referrer);
        header("origin", &sent.origin);
        let places = &policy.spec().credentials;
        let is_header = |it: &&CredentialSpec| it.place == CredentialPlace::Header;
        // Tokens are taken from headers alone.
        let place = places.iter().find(is_header).filter(|_| is_token(key)).or(places.first());
        if let Some(place) = place {
            let name = &place.name;
            match place.place {
                CredentialPlace::Header => {
                    let value = place.scheme.as_ref().map_or_else(|| key.to_owned(), |it| format!("{it} {key}"));
                    header(&name.to_ascii_lowercase(), &Some(value));
                }
                CredentialPlace::Cookie => header("cookie", &Some(format!("{name}={key}"))),
                CredentialPlace::Query => {
                    let joint = if path.contains('?') { '&' } else { '?' };
                    path = format!("{path}{joint}{name}={key}");
                }
            }
        }
        // CONNECT has none (RFC 9113 §8.5).
        let path = Some(path).filter(|_| sent.method != "CONNECT");
        Self { method: sent.method.clone(), path, headers }
    }

    pub(super) fn headers(&self) -> Vec<(&[u8], &[u8])> {
        self.headers.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())).collect()
    }

    pub(super) fn as_request<'a>(&'a self, headers: &'a [(&'a [u8], &'a [u8])]) -> Request<'a> {
        Request { method: self.method.as_bytes(), path: self.path.as_deref().map(str::as_bytes), headers }
    }
}
