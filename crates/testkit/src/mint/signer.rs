//! Signing whatever a test wants signed, with keys that everybody knows.
//!
//! The product's own signer makes good tokens only; most of these are not. Invariant: the keys are in the source, so nothing that
//! is reachable from outside may ever take them.

use anyhow::{Context, Result};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use crypto_bigint::modular::{BoxedMontyForm, BoxedMontyParams};
use crypto_bigint::{BoxedUint, Odd};
use ed25519_dalek::Signer as _;
use portcullis_token::{Algorithm, Jwk, KeyType, TokenKey};
use sha2::{Digest as _, Sha256};

const SEED: [u8; 32] = *b"testkit: mint of worthless token";
const OTHER_SEED: [u8; 32] = *b"testkit: mint of nobody's tokens";

/// What stands before the digest in an RSA signature (RFC 8017 §9.2).
const DIGEST_INFO: [u8; 19] =
    [0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20];

/// A signing key of the corpus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signer {
    /// What it signs with.
    pub algorithm: Algorithm,
    /// One that no issuer has published.
    pub unpublished: bool,
}

impl Signer {
    /// The public half as issuers publish it. There is one RSA key, published or not.
    pub fn jwk(self) -> Result<Jwk> {
        if self.algorithm != Algorithm::Rs256 {
            return Ok(TokenKey::from_bytes(self.algorithm, self.seed())?.jwk());
        }
        let [n, e] = [bytes(MODULUS)?, vec![1, 0, 1]].map(|it| Some(URL_SAFE_NO_PAD.encode(it)));
        let jwk = Jwk { kty: KeyType::Rsa, crv: None, x: None, y: None, n, e, kid: None, alg: Algorithm::Rs256 };
        Ok(Jwk { kid: Some(jwk.thumbprint()), ..jwk })
    }

    /// A signature of these bytes, as a token carries it.
    pub fn sign(self, message: &[u8]) -> Result<Vec<u8>> {
        Ok(match self.algorithm {
            Algorithm::EdDsa => ed25519_dalek::SigningKey::from_bytes(self.seed()).sign(message).to_bytes().to_vec(),
            Algorithm::Es256 => {
                let signature: p256::ecdsa::Signature = p256::ecdsa::SigningKey::from_slice(self.seed())?.sign(message);
                signature.to_bytes().to_vec()
            }
            Algorithm::Rs256 => rsa(message)?,
        })
    }

    const fn seed(self) -> &'static [u8; 32] {
        if self.unpublished { &OTHER_SEED } else { &SEED }
    }
}

/// RSASSA-PKCS1-v1_5 by the book: slow, and as leaky as it likes.
fn rsa(message: &[u8]) -> Result<Vec<u8>> {
    let (modulus, exponent) = (bytes(MODULUS)?, bytes(PRIVATE_EXPONENT)?);
    let digest = Sha256::digest(message);
    let mut encoded = vec![0xff; modulus.len() - digest.len() - DIGEST_INFO.len() - 1];
    encoded.splice(..2, [0, 1]);
    encoded.push(0);
    encoded.extend(DIGEST_INFO);
    encoded.extend(digest);
    let odd = Odd::new(BoxedUint::from_be_slice_vartime(&modulus)).into_option().context("the modulus is odd")?;
    let params = BoxedMontyParams::new_vartime(odd);
    let encoded = BoxedUint::from_be_slice(&encoded, params.bits_precision()).context("as long as the modulus")?;
    let power = BoxedMontyForm::new(encoded, &params).pow(&BoxedUint::from_be_slice_vartime(&exponent));
    Ok(power.retrieve().to_be_bytes().to_vec())
}

fn bytes(hex: &str) -> Result<Vec<u8>> {
    hex::decode(hex).map_err(anyhow::Error::msg)
}

const MODULUS: &str = concat!(
    "ab9433f1630b05937c67248d5cadf7825cb5c33829d17d8d3dc858d05f87008359fe80f71ce745443cf07603d479e4c4",
    "76fdd434dedf1577a1fddc96bb4e131f08985de95c0812d2e66e77f149be6a57735a21845dba4bb9745829af7db9df3f",
    "31569553a26f2061baef13060143967bd6fe446f633cd442014d987fb852ff165a6a846cdaf7a64fe64e6747965dcbcb",
    "1d1c3b71e156006742b28993504828488c096830eb437d9c21c0096a162e0c671e63177241b12e5f8830b86699ad7f99",
    "8c771e92e661042af36547163d31b251b97ea5cf15f53b3631b7014b4821bc5854726473835553eb15534c910f6b8a4c",
    "3ca1c1a21ecce7c247cb0c11b8e72f35",
);

const PRIVATE_EXPONENT: &str = concat!(
    "168f0fc7f1b1109f4995f8bfaaab2785b8fc1f9a122027151b9b172cf3c2639636e38d6a9ac99583d94ca1acf33cc0e5",
    "4be27d0a23db74e3c67aad8c16930ca9e1e4169a33582466c7969d52837d9e570d2591393ebc306f466abe6057c973c9",
    "728a8dc0f1f4666f8862729531895a0f1794aac41d14c7063ea19dd1526cd1ce3ec4f5ae68ae80a207343309348459e8",
    "b733c9b88dd4d2609d444364ac55898244db8820aee6eeed10236ac5134fb66df67dcbdd7b10e2fa3fe5365da5d6b64a",
    "7b24fd1198ee191131bf362dcb42ecc5ed280f271fc97137c25a726a2bb52dea2f02c8fe2f48dba18e064301f8ce66be",
    "9b4a64728f1c2100b5175d7e099e7ee9",
);
