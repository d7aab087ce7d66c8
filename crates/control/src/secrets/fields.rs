//! What callers send about secrets, parsed into what is stored; every refusal names the member and the remedy.
//!
//! Invariant: no refusal repeats anything that was sent beside a value: somebody may have put the value there.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use portcullis_api::Secret;
use portcullis_engine::skill::{SecretValue, is_secret_name};
use portcullis_seal::{KeyName, PublicKey, Purpose};

use crate::app::App;
use crate::caller::Scope;
use crate::error::Error;
use crate::keys;
use crate::random;
use crate::store::Boxes;

const LENGTHS: std::ops::RangeInclusive<usize> = SecretValue::MIN_LEN..=SecretValue::MAX_LEN;

/// A value on its way: sealed by whoever sent it, or about to be.
#[derive(Debug)]
pub(super) enum Sent {
    /// The value itself.
    Plain(SecretValue),
    /// Boxes, by the ids of their keys.
    Sealed(BTreeMap<KeyName, Vec<u8>>),
}

/// What skills call a secret.
pub(crate) fn name(app: &App, pointer: &str, text: &str) -> Result<String, Error> {
    keys::no_secret(&app.policy(), pointer, text)?;
    if !is_secret_name(text.as_bytes()) {
        let detail = "expected 1 to 64 lower-case letters, digits and `_`, beginning with a letter";
        return Err(Error::invalid(pointer, detail));
    }
    Ok(text.to_owned())
}

/// The one value that was sent.
pub(super) fn value(sealed: Option<&BTreeMap<String, String>>, plain: Option<&Secret>) -> Result<Sent, Error> {
    match (sealed, plain) {
        (Some(sealed), None) => boxes(sealed).map(Sent::Sealed),
        (None, Some(plain)) => {
            let value = SecretValue::new(plain.expose().as_bytes().to_vec());
            let (least, most) = (SecretValue::MIN_LEN, SecretValue::MAX_LEN);
            let detail = format!(
                "expected {least} to {most} bytes without control characters, such as the end of a line, and without spaces at either end"
            );
            value.map(Sent::Plain).ok_or_else(|| Error::invalid("/value", detail))
        }
        _ => Err(Error::invalid("", "expected either `sealed` or `value`, and not both")),
    }
}

fn boxes(sent: &BTreeMap<String, String>) -> Result<BTreeMap<KeyName, Vec<u8>>, Error> {
    let wrong = |detail: &str| Error::invalid("/sealed", detail);
    let mut boxes = BTreeMap::new();
    for (key, text) in sent {
        let key: KeyName =
            key.parse().map_err(|_| wrong("expected ids of the edges' keys: 16 hexadecimal digits each"))?;
        let sealed =
            STANDARD.decode(text).map_err(|_| wrong("expected sealed boxes (libsodium) in standard base64"))?;
        if boxes.insert(key, sealed).is_some() {
            return Err(wrong("one of the edges' keys is there twice"));
        }
    }
    Ok(boxes)
}

impl Sent {
    /// Whether text that is stored beside it holds the value. Of what was sealed nobody can tell.
    pub(super) fn is_in(&self, text: &str) -> bool {
        match self {
            Self::Plain(value) => text.as_bytes().windows(value.expose().len()).any(|it| it == value.expose()),
            Self::Sealed(_) => false,
        }
    }

    /// Its boxes, one for each of the edges' keys as they are now, sealed for that purpose.
    pub(super) async fn for_edges(&self, app: &App, purpose: Purpose<'_>) -> Result<Boxes, Error> {
        let keys: Vec<_> = app.store.edge_keys(Scope::All, None).await?.into_iter().map(|(row, _)| row.key).collect();
        if keys.is_empty() {
            return Err(Error::NoEdgeKeys);
        }
        match self {
            Self::Plain(value) => sealed_to(&keys, value, purpose),
            Self::Sealed(boxes) => matching(&keys, boxes, purpose),
        }
    }
}

fn sealed_to(keys: &[PublicKey], value: &SecretValue, purpose: Purpose<'_>) -> Result<Boxes, Error> {
    let one = |key: &PublicKey| {
        let sealed = purpose.seal(key, value.expose(), random::bytes()?);
        // No such key is ever added.
        sealed.map(|sealed| (key.name(), sealed)).map_err(|_| Error::NoEdgeKeys)
    };
    keys.iter().map(one).collect::<Result<_, _>>().map(Boxes)
}

fn matching(keys: &[PublicKey], boxes: &BTreeMap<KeyName, Vec<u8>>, purpose: Purpose<'_>) -> Result<Boxes, Error> {
    let fits = |sealed: &Vec<u8>| sealed.len().checked_sub(purpose.overhead()).is_some_and(|it| LENGTHS.contains(&it));
    if !boxes.values().all(fits) {
        let detail = "expected sealed boxes of the organisation's id, NUL, the secret's name, NUL and a value of 8 to 4096 bytes";
        return Err(Error::invalid("/sealed", detail));
    }
    let names: std::collections::BTreeSet<_> = keys.iter().map(PublicKey::name).collect();
    if !boxes.keys().eq(&names) {
        let known = names.iter().map(KeyName::to_string).collect::<Vec<_>>().join("`, `");
        let detail = format!(
            "expected one box for each of the edges' keys and for no other: `{known}`\nhint: `GET /v1/edge-keys` has them; ask again, \
             and seal to those"
        );
        return Err(Error::invalid("/sealed", detail));
    }
    Ok(Boxes(boxes.iter().map(|(key, sealed)| (*key, sealed.clone())).collect()))
}
