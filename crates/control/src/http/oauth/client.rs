//! Who a client says it is: by HTTP Basic, or by two parameters of the form (RFC 6749 §2.3.1), never by both.
//!
//! Whether it is so is not decided here. Invariant: `Debug` shows no secret.

use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, HeaderValue};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::form::Parameters;
use super::refusal::Refusal;
use crate::access_tokens::ClientSecret;

/// A client, as it says.
pub(super) struct Client {
    id: String,
    secret: Option<String>,
}

impl Client {
    /// What the headers and the form say together.
    pub(super) fn read(headers: &HeaderMap, sent: &Parameters) -> Result<Option<Self>, Refusal> {
        let mut authorizations = headers.get_all(AUTHORIZATION).iter();
        let named = sent.get("client_id");
        let secret = sent.get("client_secret");
        let Some(header) = authorizations.next() else {
            return Ok(named.map(|id| Self { id: id.to_owned(), secret: secret.map(str::to_owned) }));
        };
        if secret.is_some() || authorizations.next().is_some() {
            return Err(Refusal::request("a client proves itself in one way: by HTTP Basic or by `client_secret`"));
        }
        let client = basic(header).ok_or(Refusal::Client)?;
        if named.is_some_and(|id| id != client.id) {
            return Err(Refusal::request("`client_id` is another than in the header"));
        }
        Ok(Some(client))
    }

    /// What it proves itself with, if it sent anything.
    pub(super) fn secret(&self) -> Option<ClientSecret> {
        self.secret.as_deref().map(|secret| ClientSecret::new(&self.id, secret))
    }
}

/// A header of HTTP Basic (RFC 7617), of which both parts are written as in a form (RFC 6749 §2.3.1).
fn basic(header: &HeaderValue) -> Option<Client> {
    let (scheme, encoded) = header.as_bytes().split_at_checked(6)?;
    if !scheme.eq_ignore_ascii_case(b"basic ") {
        return None;
    }
    let pair = String::from_utf8(STANDARD.decode(encoded.trim_ascii()).ok()?).ok()?;
    let (id, secret) = pair.split_once(':')?;
    Some(Client { id: decoded(id)?, secret: Some(decoded(secret)?) })
}

/// Text as it was before it was put into a form.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
                u8::try_from(digit(rest.next())? * 16 + digit(rest.next())?).ok()?
            }
            byte => byte,
        });
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(header: Option<&str>, pairs: &[(&str, &str)]) -> String {
        let mut headers = HeaderMap::new();
        header.into_iter().for_each(|it| drop(headers.insert(AUTHORIZATION, it.parse().unwrap())));
        match Client::read(&headers, &Parameters::of(pairs)) {
            Ok(Some(client)) => format!("{} {}", client.id, client.secret.unwrap_or_else(|| "-".to_owned())),
            Ok(None) => "nobody".to_owned(),
            Err(refusal) => refusal.code().to_owned(),
        }
    }

    #[test]
    fn a_client_says_once_who_it_is() {
        let basic = |pair: &str| format!("Basic {}", STANDARD.encode(pair));
        for (header, pairs, expected) in [
            (None, vec![], "nobody"),
            (None, vec![("client_id", "a"), ("client_secret", "b")], "a b"),
            (None, vec![("client_id", "a")], "a -"),
            (None, vec![("client_secret", "b")], "nobody"),
            (Some(basic("a:b")), vec![], "a b"),
            (Some(basic("a:b").replace("Basic", "bASIC")), vec![("client_id", "a")], "a b"),
            (Some(basic("a%2Bb%3a:c+d:e")), vec![], "a+b: c d:e"),
            (Some(basic("a:b")), vec![("client_id", "x")], "invalid_request"),
            (Some(basic("a:b")), vec![("client_secret", "b")], "invalid_request"),
            (Some(basic("a%2:b")), vec![], "invalid_client"),
            (Some(basic("a%ff:b")), vec![], "invalid_client"),
            (Some(basic("a")), vec![], "invalid_client"),
            (Some("Basic !".to_owned()), vec![], "invalid_client"),
            (Some("Bearer abcdef".to_owned()), vec![("client_id", "a")], "invalid_client"),
            (Some(String::new()), vec![], "invalid_client"),
        ] {
            assert_eq!(read(header.as_deref(), &pairs), expected, "{header:?} {pairs:?}");
        }
    }
}
