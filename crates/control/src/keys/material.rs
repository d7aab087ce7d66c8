//! The text of a new key: random letters in the policy's format, or a credential's secret, and what may be kept of them.

use portcullis_api::ApiKey;
use portcullis_engine::key_format::{CHECKSUM_LEN, checksum};
use portcullis_engine::spec::{Checksum, KeyFormatSpec};
use portcullis_engine::{KeyDigest, KeyId};

use super::creation::Handed;
use crate::random::{self, NoRandomness};
use crate::secret::{Purpose, Secret, SecretDigest};

/// How much of a key people may see for ever, at most.
const DISPLAY_LENGTH: usize = 14;
/// So many random characters nobody sees, or none is shown.
const HIDDEN: usize = 16;

/// What is new in a new key. What is handed goes to whoever asked for it, the rest into the database.
#[derive(Debug)]
pub(super) struct Material {
    pub(super) digest: KeyDigest,
    pub(super) secret: Option<SecretDigest>,
    pub(super) display: String,
    pub(super) prefix: String,
    pub(super) handed: Handed,
}

impl Material {
    /// An API key's.
    pub(super) fn key(format: &KeyFormatSpec) -> Result<Self, NoRandomness> {
        let text = text(format)?;
        let shown: String = text.chars().take(shown(format)).collect();
        Ok(Self {
            digest: KeyDigest::of(text.as_bytes()),
            secret: None,
            display: format!("{shown}..."),
            prefix: format.prefix.clone(),
            handed: Handed::Key(ApiKey::new(text)),
        })
    }

    /// A credential's, which people know by its id.
    pub(super) fn credential(id: KeyId) -> Result<Self, NoRandomness> {
        let secret = Secret::generate(Purpose::Credential)?;
        Ok(Self {
            digest: KeyDigest::of_token_key(id),
            secret: Some(secret.digest()),
            display: id.to_string(),
            prefix: String::new(),
            handed: Handed::Secret(secret),
        })
    }
}

/// A well-formed key that is nobody's: what `explain` sends in place of one whose text nobody has any more.
pub(crate) fn stand_in(format: &KeyFormatSpec) -> Result<String, NoRandomness> {
    text(format)
}

fn text(format: &KeyFormatSpec) -> Result<String, NoRandomness> {
    let letters = format.alphabet.letters();
    let body = match format.checksum {
        Checksum::None => random::letters(letters, format.body_length)?,
        Checksum::Crc32Base62 => {
            let mut body = random::letters(letters, format.body_length.saturating_sub(CHECKSUM_LEN))?;
            let sum = checksum(body.as_bytes());
            body.extend(sum.into_iter().map(char::from));
            body
        }
    };
    Ok(format!("{}{body}", format.prefix))
}

/// How many characters of a key are shown: the prefix and at most a quarter of the body.
fn shown(format: &KeyFormatSpec) -> usize {
    let random = match format.checksum {
        Checksum::None => format.body_length,
        Checksum::Crc32Base62 => format.body_length.saturating_sub(CHECKSUM_LEN),
    };
    let of_body = (format.body_length / 4).min(random.saturating_sub(HIDDEN));
    format.prefix.len().saturating_add(of_body).min(DISPLAY_LENGTH)
}

#[cfg(test)]
mod tests {
    use super::*;
    use portcullis_engine::spec::Alphabet;

    #[test]
    fn keys_have_the_format_of_the_policy() {
        for (prefix, body_length, alphabet, checksum_kind, shown) in [
            ("sp_live_", 32, Alphabet::LowerAlphanumeric, Checksum::None, 14),
            ("sk_live_", 24, Alphabet::Base62, Checksum::None, 14),
            ("fp_stage_", 40, Alphabet::Base62, Checksum::None, 14),
            ("fp_prod_", 41, Alphabet::Base62, Checksum::None, 14),
            ("sk_test_", 30, Alphabet::Base62, Checksum::Crc32Base62, 14),
            ("sk_test_", 24, Alphabet::Base62, Checksum::Crc32Base62, 10),
            ("hex_", 20, Alphabet::LowerHex, Checksum::None, 8),
            ("k_", 12, Alphabet::Base62, Checksum::None, 2),
            ("a_prefix_longer_than_that_", 12, Alphabet::Base62, Checksum::None, 14),
        ] {
            let format = KeyFormatSpec {
                prefix: prefix.to_owned(),
                environment: "live".to_owned(),
                body_length,
                min_body_length: None,
                alphabet,
                checksum: checksum_kind,
            };
            let made = Material::key(&format).unwrap();
            let Handed::Key(text) = &made.handed else { panic!("a key was asked for") };
            let body = text.expose().strip_prefix(prefix).unwrap();
            assert_eq!(body.len(), body_length);
            assert!(body.bytes().all(|byte| alphabet.letters().contains(&byte)), "{prefix}");
            assert_eq!(made.digest, KeyDigest::of(text.expose().as_bytes()));
            assert_eq!(made.display, format!("{}...", text.expose().get(..shown).unwrap()));
            if checksum_kind == Checksum::Crc32Base62 {
                let (entropy, sum) = body.split_at(body.len() - CHECKSUM_LEN);
                assert_eq!(sum.as_bytes(), checksum(entropy.as_bytes()));
            }
            assert_ne!(Material::key(&format).unwrap().digest, made.digest);
        }
    }
}
