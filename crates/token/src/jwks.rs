//! Reading the key sets that identity providers publish (RFC 7517, section 5).
//!
//! Providers list keys for encryption, of curves and kinds that are not accepted here, and leave `alg` out. What cannot
//! be used is passed over with a reason, so that one strange key does not cost the others. Invariant: every key that is
//! returned can be compiled, and no two have one `kid`.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use crate::base64url;
use crate::json::{self, Json, Object};
use crate::jwk::{Algorithm, Curve, Jwk, KeyType};
use crate::public_key::PublicKey;

/// More keys than anybody rotates through, since each is in every edge's memory.
const MOST_KEYS: usize = 32;
/// The longest `kid`, in bytes: it is in every edge's memory as well.
const LONGEST_KID: usize = 255;

/// What stands for a secret in a JWK (RFC 7518, sections 6.2.2, 6.3.2 and 6.4).
const SECRET: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// What a key set holds for us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JwksReading {
    /// The keys that tokens can be verified with.
    pub keys: Vec<Jwk>,
    /// Why other keys were passed over, in words, one each.
    pub skipped: Vec<String>,
}

/// Why bytes are not a key set. Whoever publishes it can fix it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidJwks {
    /// Not JSON, or a name twice.
    #[error("not a JSON object, or one in which a name stands twice")]
    Json,
    /// No `keys`.
    #[error("no array `keys` of objects")]
    Keys,
    /// More than anybody needs.
    #[error("more than {MOST_KEYS} keys")]
    TooMany,
}

/// Reads a published key set.
pub fn read_jwks(json: &[u8]) -> Result<JwksReading, InvalidJwks> {
    let set = json::read(json).ok_or(InvalidJwks::Json)?;
    let Some(Json::List(list)) = set.get("keys") else { return Err(InvalidJwks::Keys) };
    if list.len() > MOST_KEYS {
        return Err(InvalidJwks::TooMany);
    }
    let mut reading = JwksReading { keys: Vec::new(), skipped: Vec::new() };
    for (index, member) in list.iter().enumerate() {
        let member = member.object().ok_or(InvalidJwks::Keys)?;
        match key(member).and_then(|jwk| unambiguous(list, jwk)) {
            Ok(jwk) => reading.keys.push(jwk),
            Err(why) => reading.skipped.push(format!("key {}: {why}", index + 1)),
        }
    }
    Ok(reading)
}

fn key(member: &Object) -> Result<Jwk, String> {
    let text = |name: &str| member.get(name).and_then(Json::text);
    let own = |name: &str| text(name).map(String::from);
    // Whoever publishes a secret has lost it: such a key proves nothing any more.
    if let Some(name) = SECRET.iter().find(|name| member.contains_key(**name)) {
        return Err(format!("it has the secret member `{name}`"));
    }
    if let Some(usage) = text("use").filter(|it| *it != "sig") {
        return Err(format!("its `use` is `{}`", short(usage)));
    }
    if matches!(member.get("key_ops"), Some(Json::List(ops)) if !ops.iter().any(|op| op.text() == Some("verify"))) {
        return Err("its `key_ops` do not name `verify`".into());
    }
    let kind = (text("kty").unwrap_or_default(), text("crv"));
    let (kty, crv, alg) = match kind {
        ("OKP", Some("Ed25519")) => (KeyType::Okp, Some(Curve::Ed25519), Algorithm::EdDsa),
        ("EC", Some("P-256")) => (KeyType::Ec, Some(Curve::P256), Algorithm::Es256),
        ("RSA", None) => (KeyType::Rsa, None, Algorithm::Rs256),
        (kty, None) => return Err(format!("keys of the type `{}` are not accepted", short(kty))),
        (_, Some(crv)) => return Err(format!("the curve `{}` is not accepted", short(crv))),
    };
    // RFC 9864 calls EdDSA with this curve `Ed25519`.
    let ours = |it: &str| it == alg.as_str() || alg == Algorithm::EdDsa && it == "Ed25519";
    if let Some(other) = text("alg").filter(|it| !ours(it)) {
        return Err(format!("its algorithm `{}` is not accepted", short(other)));
    }
    let of = |kinds: &[KeyType], name: &str| if kinds.contains(&kty) { own(name) } else { None };
    let jwk = Jwk {
        kty,
        crv,
        x: of(&[KeyType::Okp, KeyType::Ec], "x"),
        y: of(&[KeyType::Ec], "y"),
        n: of(&[KeyType::Rsa], "n"),
        e: of(&[KeyType::Rsa], "e"),
        kid: own("kid"),
        alg,
    };
    if jwk.kid.as_ref().is_some_and(|kid| kid.len() > LONGEST_KID) {
        return Err(format!("its `kid` is longer than {LONGEST_KID} bytes"));
    }
    PublicKey::read(&jwk).map_err(|problem| format!("{problem}"))?;
    if jwk.n.as_deref().and_then(|n| base64url::decode(n.as_bytes())).is_some_and(|n| is_roca(&n)) {
        return Err("its modulus is of the kind that can be factored (CVE-2017-15361)".into());
    }
    Ok(jwk)
}

/// Whether the modulus is a product of primes that a broken generator made: a power of 65537 modulo every small prime.
fn is_roca(modulus: &[u8]) -> bool {
    const PRIMES: [u32; 17] = [11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157];
    PRIMES.iter().all(|prime| {
        let rest = modulus.iter().fold(0, |rest, byte| (rest << 8 | u32::from(*byte)) % prime);
        let powers = core::iter::successors(Some(1), |power| Some(power * 65_537 % prime));
        powers.take(157).any(|power| power == rest)
    })
}

/// The key, unless another one of the set has its `kid`, even one that is not accepted: tokens could mean either.
fn unambiguous(list: &[Json], jwk: Jwk) -> Result<Jwk, String> {
    let Some(kid) = jwk.kid.as_deref() else { return Ok(jwk) };
    let named = list.iter().filter(|it| it.object().and_then(|it| it.get("kid")).and_then(Json::text) == Some(kid));
    if named.count() > 1 {
        return Err(format!("several keys have the `kid` `{}`", short(kid)));
    }
    Ok(jwk)
}

fn short(text: &str) -> String {
    text.chars().take(40).filter(|it| !it.is_control()).collect()
}
