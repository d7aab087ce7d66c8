//! Randomness from the operating system, as keys, tokens and identifiers need it.
//!
//! Invariant: every letter of an alphabet is equally likely; a byte that would favour one is thrown away.

use portcullis_engine::{KeyId, OrganizationId, SecretId, SkillId};

/// The operating system gave no randomness. Nothing can be created until it does.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the operating system gave no randomness: {0}")]
pub(crate) struct NoRandomness(#[from] getrandom::Error);

/// `length` letters of `alphabet`, which has 2 to 256 of them.
pub(crate) fn letters(alphabet: &[u8], length: usize) -> Result<String, NoRandomness> {
    let usable = 256 - 256 % alphabet.len().max(1);
    let mut text = String::with_capacity(length);
    while text.len() < length {
        for byte in bytes::<64>()? {
            let fair = usize::from(byte) < usable && text.len() < length;
            let letter = alphabet.get(usize::from(byte) % alphabet.len().max(1)).filter(|_| fair);
            text.extend(letter.map(|letter| char::from(*letter)));
        }
    }
    Ok(text)
}

pub(crate) fn bytes<const N: usize>() -> Result<[u8; N], NoRandomness> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)?;
    Ok(bytes)
}

pub(crate) fn key_id() -> Result<KeyId, NoRandomness> {
    bytes().map(KeyId::from_bytes)
}

pub(crate) fn organization_id() -> Result<OrganizationId, NoRandomness> {
    bytes().map(OrganizationId::from_bytes)
}

pub(crate) fn secret_id() -> Result<SecretId, NoRandomness> {
    bytes().map(SecretId::from_bytes)
}

pub(crate) fn skill_id() -> Result<SkillId, NoRandomness> {
    bytes().map(SkillId::from_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_letter_turns_up_about_equally_often() {
        let alphabet = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
        let text = letters(alphabet, 62_000).unwrap();
        assert_eq!(text.len(), 62_000);
        for letter in alphabet {
            let count = text.bytes().filter(|byte| byte == letter).count();
            assert!((800..1200).contains(&count), "{}: {count}", char::from(*letter));
        }
    }
}
