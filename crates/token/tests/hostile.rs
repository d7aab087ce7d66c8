//! Tokens that must not be believed, each with the one reason why, beside the good ones they differ from.
//!
//! All are signed rightly unless that is the point: what is refused is refused for what it says. Invariant: no text in
//! this file is accepted by luck, since every table has its good case first.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::string_slice, reason = "helpers of tests")]

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use p256::ecdsa::signature::Signer as _;
use portcullis_token::{
    Algorithm, Curve, IssuerSpec, Issuers, IssuersSpec, Jwk, KeyType, Mapping, Refusal, Subjects, Verified,
};
use serde_json::{Value, json};

const NOW: u64 = 1_800_000_000;
const OWN: &str = "https://keys.example.com";
const OTHER: &str = "https://idp.example.com/";
const THIRD: &str = "https://other.example.com";
const AUDIENCE: &str = "https://api.example.com";
/// Stands in a patch for a member that is taken out.
const GONE: &str = "<gone>";

fn ed(seed: u8) -> ed25519_dalek::SigningKey {
    ed25519_dalek::SigningKey::from_bytes(&[seed; 32])
}

fn ec() -> p256::ecdsa::SigningKey {
    p256::ecdsa::SigningKey::from_slice(&[7; 32]).unwrap()
}

fn jwk(kty: KeyType, crv: Curve, alg: Algorithm, x: &[u8], y: Option<&[u8]>, kid: Option<&str>) -> Jwk {
    let [x, y] = [Some(x), y].map(|it| it.map(|it| BASE64.encode(it)));
    Jwk { kty, crv: Some(crv), x, y, n: None, e: None, kid: kid.map(Into::into), alg }
}

fn ed_jwk(seed: u8, kid: Option<&str>) -> Jwk {
    jwk(KeyType::Okp, Curve::Ed25519, Algorithm::EdDsa, ed(seed).verifying_key().as_bytes(), None, kid)
}

fn ec_jwk(kid: &str) -> Jwk {
    let point = ec().verifying_key().to_sec1_point(false);
    let (x, y) = point.as_bytes()[1..].split_at(32);
    jwk(KeyType::Ec, Curve::P256, Algorithm::Es256, x, Some(y), Some(kid))
}

fn issuer(issuer: &str, types: &[&str], keys: Vec<Jwk>, subjects: Subjects) -> IssuerSpec {
    let audiences = vec![AUDIENCE.to_owned()];
    let types = types.iter().map(|it| (*it).to_owned()).collect();
    IssuerSpec { issuer: issuer.to_owned(), audiences, types, clock_skew_seconds: 30, keys, subjects }
}

fn mapping(scope_claim: &str, scopes: &[(&str, &[&str])]) -> Mapping {
    let owned = |list: &[&str]| list.iter().map(|it| (*it).to_owned()).collect();
    Mapping {
        key: "key_0000000000000009".to_owned(),
        environment: "live".to_owned(),
        scope_claim: scope_claim.to_owned(),
        scopes: scopes.iter().map(|(value, scopes)| ((*value).to_owned(), owned(scopes))).collect::<BTreeMap<_, _>>(),
    }
}

fn spec() -> IssuersSpec {
    let mapped = |claim, scopes| Subjects::Mapped(mapping(claim, scopes));
    let issuers = vec![
        issuer(OWN, &["at+jwt"], vec![ed_jwk(1, Some("ed")), ec_jwk("ec")], Subjects::Own),
        issuer(
            OTHER,
            &["jwt", "at+jwt"],
            vec![ed_jwk(2, Some("theirs")), ec_jwk("their ec")],
            mapped("realm_access.roles", &[("reader", &["orders:read", "stock:read"]), ("boss", &["orders:*"])]),
        ),
        issuer(THIRD, &["jwt"], vec![ed_jwk(3, None), ed_jwk(4, Some("four"))], mapped("scope", &[])),
    ];
    IssuersSpec { max_token_bytes: 8192, issuers }
}

fn patched(mut value: Value, patch: &Value) -> String {
    for (name, member) in patch.as_object().unwrap() {
        match member == GONE {
            true => drop(value.as_object_mut().unwrap().remove(name)),
            false => value[name] = member.clone(),
        }
    }
    value.to_string()
}

fn header(patch: &Value) -> String {
    patched(json!({ "alg": "EdDSA", "typ": "at+jwt", "kid": "ed" }), patch)
}

fn claims(patch: &Value) -> String {
    let client = "key_0000000000000001";
    let claims = json!({
        "iss": OWN, "sub": client, "aud": AUDIENCE, "client_id": client, "org": "org_0000000000000001", "env": "live",
        "scope": "stock:read orders:read", "iat": NOW, "exp": NOW + 900, "jti": "abcdefghijklmnopqrstuv",
    });
    patched(claims, patch)
}

fn signed(header: &str, payload: &str, sign: impl Fn(&[u8]) -> Vec<u8>) -> String {
    let signed = format!("{}.{}", BASE64.encode(header), BASE64.encode(payload));
    let signature = BASE64.encode(sign(signed.as_bytes()));
    format!("{signed}.{signature}")
}

fn by_ed(seed: u8) -> impl Fn(&[u8]) -> Vec<u8> {
    move |message| ed(seed).sign(message).to_bytes().to_vec()
}

fn by_ec(message: &[u8]) -> Vec<u8> {
    let signature: p256::ecdsa::Signature = ec().sign(message);
    signature.to_bytes().to_vec()
}

fn verify(token: &str) -> Result<Verified, Refusal> {
    Issuers::compile(&spec()).unwrap().verify(token.as_bytes(), NOW)
}

#[track_caller]
fn check(token: &str, expected: Option<Refusal>) {
    assert_eq!(verify(token).err(), expected, "{}", &token[..token.len().min(300)]);
}

fn own(header_patch: &Value, claims_patch: &Value) -> String {
    signed(&header(header_patch), &claims(claims_patch), by_ed(1))
}

#[test]
fn headers() {
    use Refusal::*;
    for (patch, expected) in [
        (json!({}), None),
        (json!({ "x5t": "abc", "cty": "JWT", "nonce": [1] }), None),
        (json!({ "typ": "application/at+jwt" }), None),
        (json!({ "typ": "AT+JWT" }), None),
        (json!({ "typ": "Application/AT+jwt" }), None),
        (json!({ "typ": GONE }), Some(Type)),
        (json!({ "typ": "JWT" }), Some(Type)),
        (json!({ "typ": "at+jwt " }), Some(Type)),
        (json!({ "typ": "application/application/at+jwt" }), Some(Type)),
        (json!({ "typ": null }), Some(Type)),
        (json!({ "typ": ["at+jwt"] }), Some(Type)),
        (json!({ "alg": GONE }), Some(Algorithm)),
        (json!({ "alg": "none" }), Some(Algorithm)),
        (json!({ "alg": "None" }), Some(Algorithm)),
        (json!({ "alg": "" }), Some(Algorithm)),
        (json!({ "alg": "eddsa" }), Some(Algorithm)),
        (json!({ "alg": "HS256" }), Some(Algorithm)),
        (json!({ "alg": "ES256" }), Some(Algorithm)),
        (json!({ "alg": "RS256" }), Some(Algorithm)),
        (json!({ "alg": "PS256" }), Some(Algorithm)),
        (json!({ "alg": ["EdDSA"] }), Some(Algorithm)),
        (json!({ "kid": GONE }), Some(UnknownKey)),
        (json!({ "kid": "other" }), Some(UnknownKey)),
        (json!({ "kid": "../../dev/null" }), Some(UnknownKey)),
        (json!({ "kid": "theirs" }), Some(UnknownKey)),
        (json!({ "kid": "" }), Some(UnknownKey)),
        (json!({ "kid": 1 }), Some(Malformed)),
        (json!({ "kid": "ec" }), Some(Algorithm)),
        (json!({ "kid": "ec", "alg": "ES256" }), Some(Signature)),
        (json!({ "crit": ["exp"] }), Some(Critical)),
        (json!({ "crit": [] }), Some(Critical)),
        (json!({ "b64": false, "crit": ["b64"] }), Some(Critical)),
        (json!({ "b64": true }), Some(Critical)),
        (json!({ "jwk": ed_jwk(1, None) }), Some(Critical)),
        (json!({ "jku": "https://attacker.example" }), Some(Critical)),
        (json!({ "x5u": "https://attacker.example" }), Some(Critical)),
        (json!({ "x5c": ["MIIB"] }), Some(Critical)),
        (json!({ "zip": "DEF" }), Some(Critical)),
        (json!({ "enc": "A256GCM" }), Some(Critical)),
    ] {
        check(&own(&patch, &json!({})), expected);
    }
}

#[test]
fn payloads() {
    use Refusal::*;
    for (patch, expected) in [
        (json!({}), None),
        (json!({ "aud": [AUDIENCE] }), None),
        (json!({ "aud": ["x", AUDIENCE] }), None),
        (json!({ "aud": GONE }), Some(Audience)),
        (json!({ "aud": [] }), Some(Audience)),
        (json!({ "aud": "" }), Some(Audience)),
        (json!({ "aud": "https://api.example.com/" }), Some(Audience)),
        (json!({ "aud": "https://API.example.com" }), Some(Audience)),
        (json!({ "aud": ["x"] }), Some(Audience)),
        (json!({ "aud": [1, AUDIENCE] }), Some(Claims)),
        (json!({ "aud": { "x": AUDIENCE } }), Some(Claims)),
        (json!({ "aud": null }), Some(Claims)),
        (json!({ "iss": GONE }), Some(Claims)),
        (json!({ "iss": [OWN] }), Some(Claims)),
        (json!({ "iss": "https://keys.example.com/" }), Some(UnknownIssuer)),
        (json!({ "iss": "http://keys.example.com" }), Some(UnknownIssuer)),
        (json!({ "iss": "" }), Some(UnknownIssuer)),
        (json!({ "iss": OTHER }), Some(UnknownKey)),
        (json!({ "exp": GONE }), Some(Claims)),
        (json!({ "exp": null }), Some(Claims)),
        (json!({ "exp": "1800000900" }), Some(Claims)),
        (json!({ "exp": true }), Some(Claims)),
        (json!({ "exp": 1_800_000_900.5 }), None),
        (json!({ "exp": 1e12 }), Some(Claims)),
        (json!({ "exp": 1e300 }), Some(Claims)),
        (json!({ "exp": u64::MAX }), Some(Claims)),
        (json!({ "exp": 253_402_300_799_u64 }), None),
        (json!({ "exp": -1 }), Some(Expired)),
        (json!({ "exp": 0 }), Some(Expired)),
        (json!({ "exp": NOW - 30 }), Some(Expired)),
        (json!({ "exp": NOW - 29 }), None),
        (json!({ "nbf": NOW + 30 }), None),
        (json!({ "nbf": NOW + 31 }), Some(NotYetValid)),
        (json!({ "nbf": "soon" }), Some(Claims)),
        (json!({ "nbf": -5 }), None),
        (json!({ "iat": NOW + 30 }), None),
        (json!({ "iat": NOW + 31 }), Some(NotYetValid)),
        (json!({ "iat": GONE }), Some(Claims)),
        (json!({ "sub": GONE }), Some(Claims)),
        (json!({ "sub": "" }), Some(Claims)),
        (json!({ "sub": "a b" }), Some(Claims)),
        (json!({ "sub": "a\r\nx-evil: 1" }), Some(Claims)),
        (json!({ "sub": "é" }), Some(Claims)),
        (json!({ "sub": "x".repeat(255) }), None),
        (json!({ "sub": "x".repeat(256) }), Some(Claims)),
        (json!({ "sub": 7 }), Some(Claims)),
        (json!({ "jti": GONE }), Some(Claims)),
        (json!({ "jti": 7 }), Some(Claims)),
        (json!({ "client_id": GONE }), Some(Claims)),
        (json!({ "client_id": 1 }), Some(Claims)),
        (json!({ "grant": null }), Some(Claims)),
        (json!({ "env": GONE }), Some(Claims)),
        (json!({ "scope": ["orders:read"] }), Some(Claims)),
        (json!({ "scope": GONE }), None),
        (json!({ "pad": "x".repeat(8192) }), Some(TooLong)),
    ] {
        check(&own(&json!({}), &patch), expected);
    }
}

#[test]
fn texts() {
    use Refusal::*;
    let good = own(&json!({}), &json!({}));
    check(&good, None);
    let (head, rest) = good.split_once('.').unwrap();
    let (body, signature) = rest.split_once('.').unwrap();
    let last = &signature[..85];
    // The last of 86 letters holds four bits that must be zero: only A, Q, g and w do.
    let trailing: Vec<String> = "BRhx_".chars().map(|letter| format!("{head}.{body}.{last}{letter}")).collect();
    let whole = |json: &str| signed(&header(&json!({})), json, by_ed(1));
    let deep = |depth: usize| format!("{{\"a\":{}1{}}}", "{\"a\":".repeat(depth), "}".repeat(depth));
    for (token, expected) in [
        (String::new(), Malformed),
        (".".into(), Malformed),
        ("..".into(), Malformed),
        (format!("{head}.{body}"), Malformed),
        (format!("{head}.{body}."), Signature),
        (format!("{good}."), Malformed),
        (format!("{good}.{body}"), Malformed),
        (format!("{head}..{signature}"), Malformed),
        (format!(".{body}.{signature}"), Malformed),
        (format!("{good}="), Malformed),
        (format!("{good}=="), Malformed),
        (format!(" {good}"), Malformed),
        (format!("{good}\n"), Malformed),
        (format!("{head}.{body}\u{a0}.{signature}"), Malformed),
        (format!("{head}.{body}.+{}", &signature[1..]), Malformed),
        (format!("{head}.{body}.{last}"), Malformed),
        (format!("{head}.{body}.{}", &signature[..64]), Signature),
        (format!("{head}.{body}.{signature}AAAA"), Signature),
        (format!("{head}.{}.{signature}", BASE64.encode(claims(&json!({ "env": "x" })))), Signature),
        (format!("{}.{body}.{signature}", BASE64.encode(header(&json!({ "n": 1 })))), Signature),
        (whole("[]"), Malformed),
        (whole("\"x\""), Malformed),
        (whole(""), Malformed),
        (whole("{} {}"), Malformed),
        (whole(&format!("\u{feff}{}", claims(&json!({})))), Malformed),
        (whole(&claims(&json!({})).replacen('{', r#"{"exp":9999999999,"#, 1)), Malformed),
        (whole(&claims(&json!({})).replacen('{', r#"{"\u0065xp":9999999999,"#, 1)), Malformed),
        (whole(&claims(&json!({})).replacen('{', r#"{"x":{"y":1,"y":1},"#, 1)), Malformed),
        (whole(&claims(&json!({})).replacen("1800000900", "1e999", 1)), Malformed),
        (whole(&claims(&json!({})).replacen("1800000900", "01800000900", 1)), Malformed),
        (whole(&deep(1000)), Malformed),
        (signed(&header(&json!({})).replacen('{', r#"{"alg":"EdDSA","#, 1), &claims(&json!({})), by_ed(1)), Malformed),
    ] {
        check(&token, Some(expected));
    }
    trailing.iter().for_each(|token| check(token, Some(Malformed)));
}

#[test]
fn confusions() {
    use Refusal::*;
    let ec_header = json!({ "alg": "ES256", "kid": "ec" });
    let es256 = |message: &[u8]| by_ec(message);
    check(&signed(&header(&ec_header), &claims(&json!({})), es256), None);
    // Each key's signature under the other's name.
    check(&signed(&header(&json!({})), &claims(&json!({})), es256), Some(Signature));
    check(&signed(&header(&ec_header), &claims(&json!({})), by_ed(1)), Some(Signature));
    check(&signed(&header(&json!({ "alg": "ES256" })), &claims(&json!({})), es256), Some(Algorithm));
    check(&signed(&header(&json!({ "kid": "ec" })), &claims(&json!({})), by_ed(1)), Some(Algorithm));
    // DER where JOSE wants R and S, and a signature of nothing.
    let der = |message: &[u8]| {
        let signature: p256::ecdsa::Signature = ec().sign(message);
        signature.to_der().as_bytes().to_vec()
    };
    check(&signed(&header(&ec_header), &claims(&json!({})), der), Some(Signature));
    check(&signed(&header(&ec_header), &claims(&json!({})), |_| vec![0; 64]), Some(Signature));
    check(&signed(&header(&json!({})), &claims(&json!({})), |_| vec![0; 64]), Some(Signature));
    // Somebody else's key, and another issuer's.
    check(&signed(&header(&json!({})), &claims(&json!({})), by_ed(9)), Some(Signature));
    check(&signed(&header(&json!({ "kid": "theirs" })), &claims(&json!({})), by_ed(2)), Some(UnknownKey));
    let theirs = json!({ "iss": OTHER });
    check(&signed(&header(&json!({ "kid": "theirs" })), &claims(&theirs), by_ed(1)), Some(Signature));
    check(&signed(&header(&json!({ "kid": "theirs" })), &claims(&theirs), by_ed(2)), None);
}

#[test]
fn keys_without_a_name() {
    use Refusal::*;
    let no_kid = header(&json!({ "kid": GONE }));
    let of = |iss: &str| claims(&json!({ "iss": iss }));
    // The issuer's only key of the algorithm; with two there is a choice, and nobody makes it.
    check(&signed(&no_kid, &of(OTHER), by_ed(2)), None);
    check(&signed(&header(&json!({ "kid": GONE, "alg": "ES256" })), &of(OTHER), by_ec), None);
    check(&signed(&header(&json!({ "kid": GONE, "typ": "JWT" })), &of(THIRD), by_ed(3)), Some(UnknownKey));
    check(
        &signed(&header(&json!({ "kid": GONE, "typ": "JWT", "alg": "RS256" })), &of(THIRD), by_ed(3)),
        Some(UnknownKey),
    );
    check(&signed(&header(&json!({ "kid": "four", "typ": GONE })), &of(THIRD), by_ed(4)), None);
}

#[track_caller]
fn check_says(token: &str, key: &str, scopes: &[&str], subject: Option<&str>) {
    let verified = verify(token).unwrap();
    assert_eq!((verified.key.as_str(), verified.scopes, verified.subject.as_deref()), (key, owned(scopes), subject));
    assert_eq!(verified.environment, "live");
    assert_eq!((verified.not_before, verified.expires_at), (NOW - 30, NOW + 930));
    assert_eq!(verified.token_id.as_deref(), Some("abcdefghijklmnopqrstuv"));
}

fn owned(list: &[&str]) -> Vec<String> {
    list.iter().map(|it| (*it).to_owned()).collect()
}

#[test]
fn what_our_own_say() {
    let (key, grant) = ("key_0000000000000001", "key_0000000000000002");
    check_says(&own(&json!({}), &json!({})), key, &["orders:read", "stock:read"], None);
    let of_app = json!({ "client_id": "app_0000000000000001", "sub": "usr_0000000000000001", "grant": grant });
    let subject = Some("usr_0000000000000001");
    check_says(&own(&json!({}), &of_app), grant, &["orders:read", "stock:read"], subject);
    check_says(&own(&json!({}), &json!({ "scope": "b:x  a:x b:x" })), key, &["a:x", "b:x"], None);
    check_says(&own(&json!({}), &json!({ "scope": GONE })), key, &[], None);
}

#[test]
fn what_others_say() {
    let says = |claims_patch: &Value, scopes: &[&str]| {
        let patch = patched(json!({ "iss": OTHER, "sub": "auth0|7" }), claims_patch);
        let payload = claims(&serde_json::from_str(&patch).unwrap());
        let token = signed(&header(&json!({ "kid": "theirs", "typ": "JWT" })), &payload, by_ed(2));
        check_says(&token, "key_0000000000000009", scopes, Some("auth0|7"));
    };
    // Whom it calls as we call ours, it calls nobody.
    for lent in ["usr_0000000000000001", "key_0000000000000001", "app_0000000000000001", "org_0000000000000001"] {
        let payload = claims(&json!({ "iss": OTHER, "sub": lent }));
        let token = signed(&header(&json!({ "kid": "theirs" })), &payload, by_ed(2));
        assert_eq!(verify(&token).unwrap().subject, None, "{lent}");
    }
    // What it says of key, environment and scopes as if it were ours means nothing.
    says(&json!({ "client_id": "key_0000000000000001", "env": "sandbox", "grant": "key_0000000000000002" }), &[]);
    says(&json!({ "realm_access": { "roles": ["reader", "nobody"] } }), &["orders:read", "stock:read"]);
    says(&json!({ "realm_access": { "roles": ["boss", "reader"] } }), &["orders:*", "orders:read", "stock:read"]);
    says(&json!({ "realm_access": { "roles": "reader boss" } }), &["orders:*", "orders:read", "stock:read"]);
    says(&json!({ "realm_access": { "roles": [] } }), &[]);
    says(&json!({ "realm_access": "reader" }), &[]);
    // A claim may have a name with dots in it.
    says(&json!({ "realm_access.roles": ["boss"], "realm_access": { "roles": ["reader"] } }), &["orders:*"]);
    for bad in [json!(1), json!({ "a": 1 }), json!([1]), json!(["reader", null]), json!(true)] {
        let payload = claims(&json!({ "iss": OTHER, "realm_access": { "roles": bad } }));
        check(&signed(&header(&json!({ "kid": "theirs" })), &payload, by_ed(2)), Some(Refusal::Claims));
    }
}
