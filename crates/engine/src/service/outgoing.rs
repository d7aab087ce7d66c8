//! What is sent to a service: the path and the headers with values in them, and what must not come back.
//!
//! Invariants: what is not a reference stays byte for byte as it was; a value in a query is escaped, so that it is one value;
//! whatever holds a value is wiped when it is dropped.

use alloc::vec::Vec;
use core::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::placeholder::{Form, Piece, has_references, is_plain, pieces, split_query};
use super::{Place, ServiceCredential, ServiceUse};
use crate::credential::strip_query;
use crate::id::SecretId;
use crate::request::Request;
use crate::skill::{SecretState, SecretValue};

/// What is sent to a service in place of a request's own path and headers. Prints redacted.
#[derive(Default)]
pub struct Outgoing<'a> {
    /// The path with its query.
    pub path: Zeroizing<Vec<u8>>,
    /// Whether there is a value in the path.
    pub is_secret_in_path: bool,
    /// Headers in place of all of these names that the request has.
    pub headers: Vec<(&'a [u8], Zeroizing<Vec<u8>>)>,
    /// The secrets whose values are in it.
    pub used: Vec<SecretId>,
    /// What must not come back in an answer: the values, and what was made of them. The longest first, since one may be a part of
    /// another.
    pub masks: Vec<SecretValue>,
}

impl fmt::Debug for Outgoing<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outgoing").field("used", &self.used).finish_non_exhaustive()
    }
}

impl<'a> ServiceUse<'a> {
    /// What is sent to the service in place of `request`, whose path is taken to be `path`. `None` if a value is not known here.
    pub fn outgoing<'r>(&self, request: &Request<'r>, path: &[u8]) -> Option<Outgoing<'r>>
    where
        'a: 'r,
    {
        let mut outgoing = Outgoing::default();
        self.fill_path(path, &mut outgoing)?;
        if self.refers {
            self.fill_headers(request, &mut outgoing)?;
        }
        if let Some(credential) = &self.service.credential {
            self.put_credential(credential, &mut outgoing)?;
        }
        outgoing.masks.sort_by_key(|mask| core::cmp::Reverse(mask.expose().len()));
        Some(outgoing)
    }

    fn fill_path(&self, path: &[u8], outgoing: &mut Outgoing<'_>) -> Option<()> {
        let (path, query) = split_query(self.stripped(path)?);
        outgoing.path.reserve_exact(path.len() + query.map_or(1, |query| query.len() + 2));
        outgoing.path.extend(if path.is_empty() { &b"/"[..] } else { path });
        let Some(query) = query else { return Some(()) };
        outgoing.path.push(b'?');
        if !self.refers {
            outgoing.path.extend(query);
            return Some(());
        }
        for piece in pieces(query, Form::Escaped) {
            match piece.ok()? {
                Piece::Text(text) => {
                    make_room(&mut outgoing.path, text.len());
                    outgoing.path.extend(text);
                }
                Piece::Secret(name) => {
                    let value = self.take(name, outgoing)?;
                    outgoing.push_to_path(value.expose());
                }
            }
        }
        Some(())
    }

    fn fill_headers<'r>(&self, request: &Request<'r>, outgoing: &mut Outgoing<'r>) -> Option<()> {
        let refers = |(name, value): &&(&[u8], &[u8])| is_plain(name) && has_references(value, Form::Plain);
        for (name, _) in request.headers.iter().filter(refers) {
            if outgoing.headers.iter().any(|(done, _)| done == name) {
                continue;
            }
            // All of that name, since those without a reference are replaced with them.
            for (_, value) in request.headers.iter().filter(|(other, _)| other == name) {
                let value = self.filled(value, outgoing)?;
                outgoing.headers.push((name, value));
            }
        }
        Some(())
    }

    fn filled(&self, text: &[u8], outgoing: &mut Outgoing<'_>) -> Option<Zeroizing<Vec<u8>>> {
        let mut filled = Zeroizing::new(Vec::new());
        for piece in pieces(text, Form::Plain) {
            let value;
            let bytes = match piece.ok()? {
                Piece::Text(text) => text,
                Piece::Secret(name) => {
                    value = self.take(name, outgoing)?;
                    value.expose()
                }
            };
            make_room(&mut filled, bytes.len());
            filled.extend(bytes);
        }
        Some(filled)
    }

    fn put_credential<'r>(&self, credential: &'a ServiceCredential, outgoing: &mut Outgoing<'r>) -> Option<()>
    where
        'a: 'r,
    {
        let value = self.take(credential.secret.as_bytes(), outgoing)?;
        match &credential.place {
            Place::Header { name, before, after } => {
                let parts = [before.as_bytes(), value.expose(), after.as_bytes()];
                outgoing.put(name.as_bytes(), Zeroizing::new(parts.concat()));
            }
            Place::Query { name } => outgoing.put_parameter(name, value.expose()),
            Place::Basic { username } => {
                let user = username.iter().flat_map(|user| [user.as_bytes(), b":"]);
                let plain = Zeroizing::new(user.chain([value.expose()]).collect::<Vec<_>>().concat());
                let encoded = Zeroizing::new(STANDARD.encode(&*plain).into_bytes());
                outgoing.put(b"authorization", Zeroizing::new([b"Basic ", encoded.as_slice()].concat()));
                // Some write it without the padding.
                let text = encoded.split(|byte| *byte == b'=').next().unwrap_or_default().to_vec();
                outgoing.masks.push(SecretValue::made_of(text));
                outgoing.masks.extend(password(&value).map(SecretValue::made_of).filter(|_| username.is_none()));
            }
        }
        Some(())
    }

    /// The value of that name, which is used now.
    fn take(&self, name: &[u8], outgoing: &mut Outgoing<'_>) -> Option<SecretValue> {
        let SecretState::Open(id, value) = &self.secret(name).ok()?.state else { return None };
        if !outgoing.used.contains(id) {
            outgoing.used.push(*id);
            outgoing.masks.push(value.clone());
        }
        Some(value.clone())
    }
}

impl<'r> Outgoing<'r> {
    /// A header in place of those that are there.
    fn put(&mut self, name: &'r [u8], value: Zeroizing<Vec<u8>>) {
        self.headers.retain(|(other, _)| *other != name);
        self.headers.push((name, value));
    }

    /// A query parameter in place of those that are there.
    fn put_parameter(&mut self, name: &str, value: &[u8]) {
        if let Some(left) = strip_query(&self.path, name) {
            self.path = Zeroizing::new(left);
        }
        // The path may hold a value already.
        make_room(&mut self.path, 2 + name.len());
        let gap = if self.path.contains(&b'?') { b'&' } else { b'?' };
        // `/?` and `/?a&` take no second separator.
        if !matches!(self.path.last(), Some(b'?' | b'&')) {
            self.path.push(gap);
        }
        self.path.extend(name.bytes());
        self.path.push(b'=');
        self.push_to_path(value);
    }

    fn push_to_path(&mut self, value: &[u8]) {
        make_room(&mut self.path, 3 * value.len());
        push_escaped(&mut self.path, value);
        self.is_secret_in_path = true;
    }
}

/// What comes after the user's name, if that is long enough to be looked for.
fn password(value: &SecretValue) -> Option<Vec<u8>> {
    let colon = value.expose().iter().position(|byte| *byte == b':')?;
    let password = value.expose().get(colon + 1..)?;
    (password.len() >= SecretValue::MIN_LEN).then(|| password.to_vec())
}

/// So that nothing is moved, which would leave a copy behind.
fn make_room(text: &mut Zeroizing<Vec<u8>>, wanted: usize) {
    if text.capacity() - text.len() < wanted {
        let mut larger = Zeroizing::new(Vec::with_capacity(2 * text.len() + wanted));
        larger.extend(text.iter());
        *text = larger;
    }
}

/// RFC 3986 §2.3.
fn is_unreserved(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~".contains(byte)
}

/// Escapes what is not unreserved.
fn push_escaped(out: &mut Vec<u8>, value: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    for byte in value {
        if is_unreserved(byte) {
            out.push(*byte);
        } else {
            let digit = |nibble: u8| DIGITS.get(usize::from(nibble)).copied().unwrap_or(b'0');
            out.extend([b'%', digit(byte >> 4), digit(byte & 15)]);
        }
    }
}
