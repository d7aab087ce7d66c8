//! The public test vectors of others, where they are present: what must be accepted is, what must be refused is.
//!
//! Their payloads are seldom claims, so these tests look below [`Issuers::verify`], at signatures alone. Invariant: a
//! vector that is passed over is counted and said, with the reason.

use std::path::{Path, PathBuf};
use std::prelude::v1::*;
use std::{format, println};

use serde_json::{Value, json};

use crate::base64url;
use crate::header::Header;
use crate::issuers::{Issuer, Issuers};
use crate::jwk::Jwk;
use crate::jwks::read_jwks;
use crate::public_key::PublicKey;
use crate::spec::{IssuerSpec, IssuersSpec, Mapping, Subjects};
use crate::verify::{Parts, Refusal};

/// A public vector file, or nothing, said plainly.
fn vectors(name: &str) -> Value {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/vectors");
    let file = std::env::var_os("PORTCULLIS_VECTORS").map_or_else(beside, PathBuf::from).join(name);
    match std::fs::read_to_string(&file) {
        Ok(text) => serde_json::from_str(&text).unwrap(),
        Err(error) => {
            println!("public vectors absent, nothing checked: {}: {error}", file.display());
            json!({ "cases": [], "testGroups": [] })
        }
    }
}

fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value[name].as_array().unwrap()
}

fn spec(keys: Vec<Jwk>) -> IssuersSpec {
    let mapping = Mapping {
        key: "key_0000000000000000".into(),
        environment: "live".into(),
        scope_claim: "scope".into(),
        scopes: Default::default(),
    };
    let issuer = IssuerSpec {
        issuer: "joe".into(),
        audiences: Vec::from(["anybody".into()]),
        types: Vec::from(["jwt".into(), "at+jwt".into()]),
        clock_skew_seconds: 0,
        keys,
        subjects: Subjects::Mapped(mapping),
    };
    IssuersSpec { max_token_bytes: 16_384, issuers: Vec::from([issuer]) }
}

/// Whether a key of the set signed the token, whatever it says.
fn open(jwks: &Value, token: &str) -> Result<Vec<u8>, Refusal> {
    let keys = read_jwks(jwks.to_string().as_bytes()).map_or_else(|_| Vec::new(), |it| it.keys);
    let issuer = Issuer::compile(&spec(keys).issuers[0]).unwrap();
    let parts = Parts::split(token.as_bytes()).ok_or(Refusal::Malformed)?;
    let header = Header::read(parts.header)?;
    let payload = base64url::decode(parts.payload).ok_or(Refusal::Malformed)?;
    issuer.key(&header)?.1.verify(parts.signed, &parts.signature).map_err(|_| Refusal::Signature)?;
    Ok(payload)
}

/// What is accepted besides is a mistake; what is refused although valid is so for an algorithm that is not ours.
fn check_tokens(file: &str, accepted: usize, skipped: &[&str]) {
    let file_json = vectors(file);
    let cases = list(&file_json, "cases");
    let (mut valid, mut refused) = (0, 0);
    for case in cases.iter().filter(|case| !skipped.contains(&case["id"].as_str().unwrap())) {
        let result = open(&case["jwks"], case["token"].as_str().unwrap());
        let expected = case["expect"]["result"] == "valid" || case["expect"]["signature_valid"] == true;
        let (id, comment) = (&case["id"], &case["comment"]);
        match result {
            Ok(_) => assert!(expected, "{id} {comment} was accepted"),
            Err(why) => {
                let foreign = matches!(why, Refusal::Algorithm | Refusal::Malformed);
                assert!(!expected || foreign, "{id} {comment}: {why:?}");
            }
        }
        if result.is_ok() { valid += 1 } else { refused += 1 }
    }
    println!("{file}: {valid} accepted, {refused} refused, {} passed over", skipped.len());
    assert!(cases.is_empty() || valid == accepted, "{file}: {valid} accepted, not {accepted}");
}

#[test]
fn signed_tokens_of_wycheproof() {
    // 367 and 370 contradict 357, as the folder's README says.
    check_tokens("jwt/wycheproof_jws.json", 10, &["wycheproof-jws-367", "wycheproof-jws-370"]);
}

#[test]
fn key_sets_of_wycheproof() {
    check_tokens("jwt/wycheproof_jwk.json", 1, &[]);
}

/// The whole decision on the examples of the RFCs and the classic attacks, at a time when the examples were good.
#[test]
fn examples_of_the_rfcs() {
    let file = vectors("jwt/rfc_jose_vectors.json");
    let mut counts = (0, 0);
    for case in list(&file, "cases") {
        let (id, token) = (&case["id"], case["token"].as_str().unwrap());
        let opened = open(&case["jwks"], token);
        if opened.is_ok() {
            assert!(case["oracle_signature_valid"] == true, "{id} was accepted");
            counts.0 += 1;
        } else {
            counts.1 += 1;
        }
        if case["expect"]["signature_valid"] == true && !["rfc7515-A.1", "rfc7515-A.4"].contains(&id.as_str().unwrap())
        {
            assert!(opened.is_ok(), "{id}: {opened:?}");
        }
        // None names an audience of ours: what fails earlier says so, and nothing is accepted.
        let keys = read_jwks(case["jwks"].to_string().as_bytes()).unwrap().keys;
        let refusal = Issuers::compile(&spec(keys)).unwrap().verify(token.as_bytes(), 1_300_000_000).unwrap_err();
        println!("{id}: {refusal:?}");
    }
    println!("examples of RFCs: {} signatures fit, {} do not or are not looked at", counts.0, counts.1);
}

/// Groups of raw signatures, all under keys in JWK.
fn check_signatures(file: &str, member: &str, alg: &str, expected: [usize; 2]) {
    let file_json = vectors(file);
    let (mut counts, mut keyless) = ([0, 0], 0);
    for group in list(&file_json, "testGroups") {
        let key = group_key(group, member, alg);
        for test in list(group, "tests") {
            let bytes = |name: &str| hex(test[name].as_str().unwrap());
            let Some(key) = &key else {
                assert_eq!(test["result"], "invalid", "{file} {}: its key was refused", test["tcId"]);
                keyless += 1;
                continue;
            };
            let accepted = key.verify(&bytes("msg"), &bytes("sig")).is_ok();
            // "Acceptable" are encodings that old readers let through: not this one.
            assert_eq!(accepted, test["result"] == "valid", "{file} {} {}", test["tcId"], test["comment"]);
            counts[usize::from(accepted)] += 1;
        }
    }
    println!("{file}: {} accepted, {} refused, {keyless} with a refused key", counts[1], counts[0]);
    assert!(list(&file_json, "testGroups").is_empty() || counts == expected, "{file}: {counts:?}");
}

fn group_key(group: &Value, member: &str, alg: &str) -> Option<PublicKey> {
    let mut jwk = json!({ "alg": alg });
    for name in ["kty", "crv", "x", "y", "n", "e"] {
        if let Some(value) = group[member].get(name) {
            jwk[name] = value.clone();
        }
    }
    // Some groups have no JWK, but all of these have the point.
    if let Some(point) = group["publicKey"]["uncompressed"].as_str().map(hex) {
        let [x, y] = [&point[1..33], &point[33..]].map(base64url::encode);
        jwk = json!({ "alg": alg, "kty": "EC", "crv": "P-256", "x": x, "y": y });
    }
    PublicKey::read(&serde_json::from_value(jwk).ok()?).ok()
}

fn hex(text: &str) -> Vec<u8> {
    let byte = |digits: &[u8]| u8::from_str_radix(std::str::from_utf8(digits).unwrap(), 16).unwrap();
    text.as_bytes().chunks(2).map(byte).collect()
}

#[test]
fn signatures_of_wycheproof() {
    check_signatures("crypto/wycheproof_ed25519_test.json", "publicKeyJwk", "EdDSA", [63, 88]);
    let p256 = "crypto/wycheproof_ecdsa_secp256r1_sha256_p1363_test.json";
    check_signatures(p256, "publicKeyJwk", "ES256", [89, 173]);
    for (bits, expected) in [(2048, [250, 9]), (3072, [251, 8]), (4096, [251, 7])] {
        let file = format!("crypto/wycheproof_rsa_signature_{bits}_sha256_test.json");
        check_signatures(&file, "keyJwk", "RS256", expected);
    }
}
