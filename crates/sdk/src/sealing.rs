//! Secrets are sealed where they are entered, to the keys that the control plane publishes for the edges.
//!
//! It opens nothing. Invariants: a value leaves this machine sealed or not at all; each box has random bytes of its own; no
//! error and no `Debug` repeats a value.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use portcullis_api::EdgeKey;
use portcullis_seal::{PublicKey, Purpose};
use zeroize::Zeroizing;

use crate::error::Error;
use crate::value::SecretValue;

/// Which of the published keys a secret may be sealed to. Whoever pins them need not trust the control plane with secrets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Pins {
    /// Each of them.
    #[default]
    Published,
    /// Only these: if any other is published, nothing is sealed.
    Only(Vec<PublicKey>),
}

/// The value in boxes for that purpose, one for each of the keys, by the keys' ids.
pub(crate) fn boxes(
    published: &[EdgeKey],
    purpose: Purpose<'_>,
    value: &SecretValue,
    pins: &Pins,
) -> Result<BTreeMap<String, String>, Error> {
    // All are looked at before anything is sealed to one.
    let keys = published.iter().map(|it| key(it, pins)).collect::<Result<Vec<_>, _>>()?;
    if keys.is_empty() {
        return Err(Error::NoEdgeKeys);
    }
    keys.iter().map(|key| Ok((key.name().to_string(), sealed(key, purpose, value)?))).collect()
}

fn key(published: &EdgeKey, pins: &Pins) -> Result<PublicKey, Error> {
    let key: PublicKey = published.public_key.parse().map_err(|_| unusable(&published.public_key))?;
    match pins {
        Pins::Only(pinned) if !pinned.contains(&key) => Err(Error::UnpinnedEdgeKey(key.to_string())),
        _ => Ok(key),
    }
}

fn sealed(key: &PublicKey, purpose: Purpose<'_>, value: &SecretValue) -> Result<String, Error> {
    let mut random = Zeroizing::new([0; 32]);
    getrandom::fill(random.as_mut_slice()).map_err(|_| Error::Randomness)?;
    let sealed = purpose.seal(key, value.expose().as_bytes(), *random).map_err(|_| unusable(&key.to_string()))?;
    Ok(STANDARD.encode(sealed))
}

fn unusable(key: &str) -> Error {
    Error::UnusableEdgeKey(key.to_owned())
}

#[cfg(test)]
mod tests {
    use portcullis_seal::PrivateKey;

    use super::*;

    const VALUE: &str = "correct horse battery staple";
    const PURPOSE: Purpose<'_> = Purpose { organization: "org_0000000000000000", name: "api_key" };

    fn private(seed: u8) -> PrivateKey {
        PrivateKey::from_bytes([seed; 32])
    }

    fn published(public_key: &str) -> EdgeKey {
        EdgeKey {
            id: public_key.get(..16).unwrap_or_default().to_owned(),
            public_key: public_key.to_owned(),
            description: String::new(),
            created_by: None,
            created_at: "2027-01-31T12:00:00Z".to_owned(),
            unsealed: 0,
            edges: None,
        }
    }

    fn of(private: &PrivateKey) -> EdgeKey {
        published(&private.public().to_string())
    }

    fn seal_to(keys: &[EdgeKey], pins: &Pins) -> Result<BTreeMap<String, String>, Error> {
        boxes(keys, PURPOSE, &SecretValue::new(VALUE.to_owned()).unwrap(), pins)
    }

    #[test]
    fn each_edge_opens_its_own_box_and_no_other() {
        let pair = [private(1), private(2)];
        let sealed = seal_to(&pair.each_ref().map(of), &Pins::Published).unwrap();
        assert_eq!(sealed.len(), 2);
        for ours in &pair {
            for (id, text) in &sealed {
                let opened = PURPOSE.open(ours, &STANDARD.decode(text).unwrap());
                let is_ours = *id == ours.public().name().to_string();
                assert_eq!(opened.as_ref().map(|it| it.as_slice()), is_ours.then_some(VALUE.as_bytes()), "{id}");
            }
        }
    }

    #[test]
    fn no_box_shares_its_randomness_with_another() {
        let keys = [of(&private(1)), of(&private(2))];
        // A box begins with the public key that was made of its random bytes.
        let made = (0..4).flat_map(|_| seal_to(&keys, &Pins::Published).unwrap().into_values());
        let mut begins: Vec<_> = made.map(|text| STANDARD.decode(text).unwrap()[..32].to_vec()).collect();
        begins.sort();
        begins.dedup();
        assert_eq!(begins.len(), 8);
    }

    #[test]
    fn what_is_not_pinned_or_no_key_is_refused_whole() {
        let [ours, theirs] = [private(1), private(2)];
        let weak = "0".repeat(64);
        let only = |keys: &[&PrivateKey]| Pins::Only(keys.iter().map(|it| it.public()).collect());
        for (keys, pins, expected) in [
            (vec![of(&ours)], only(&[&ours]), None),
            (vec![of(&ours)], only(&[&ours, &theirs]), None),
            (vec![of(&ours), of(&theirs)], only(&[&ours]), Some(format!("not pinned: `{}`", theirs.public()))),
            (vec![of(&ours)], only(&[]), Some(format!("not pinned: `{}`", ours.public()))),
            (vec![], Pins::Published, Some("`portcullis edge-keys generate`".to_owned())),
            (vec![published("abc")], Pins::Published, Some("nothing can be sealed to: `abc`".to_owned())),
            (vec![published(&weak)], Pins::Published, Some(format!("nothing can be sealed to: `{weak}`"))),
        ] {
            let told = seal_to(&keys, &pins).err().map(|error| error.to_string());
            assert_eq!(told.is_some(), expected.is_some(), "{told:?}");
            assert!(told.unwrap_or_default().contains(&expected.unwrap_or_default()));
        }
    }
}
