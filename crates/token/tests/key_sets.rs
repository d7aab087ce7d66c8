//! Key sets as providers publish them, lists of issuers that cannot be used, and lists that follow each other.
//!
//! The sets have the shape of real ones, the keys in them are published test keys. Invariant: what is returned compiles.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use ed25519_dalek::{Signer as _, SigningKey};
use portcullis_token::{
    Algorithm, InvalidIssuers, InvalidJwks, InvalidKey, IssuerSpec, Issuers, IssuersSpec, Jwk, Mapping, Refusal,
    Subjects, Succession, VerifiedBy, read_jwks,
};
use serde_json::{Value, json};

// RFC 7517, appendix A.1; RFC 8037, appendix A.2; RFC 7638, section 3.1.
const EC_X: &str = "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4";
const EC_Y: &str = "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM";
const ED_X: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
const RSA_N: &str = concat!(
    "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMs",
    "tn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn",
    "1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw",
);

fn rsa(more: Value) -> Value {
    with(json!({ "kty": "RSA", "n": RSA_N, "e": "AQAB" }), more)
}

fn ec(more: Value) -> Value {
    with(json!({ "kty": "EC", "crv": "P-256", "x": EC_X, "y": EC_Y }), more)
}

fn ed(more: Value) -> Value {
    with(json!({ "kty": "OKP", "crv": "Ed25519", "x": ED_X }), more)
}

fn with(mut key: Value, more: Value) -> Value {
    key.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    key
}

#[track_caller]
fn check(keys: &[Value], taken: &[(&str, Algorithm)], skipped: &[&str]) {
    let reading = read_jwks(json!({ "keys": keys }).to_string().as_bytes()).unwrap();
    let found: Vec<_> = reading.keys.iter().map(|key| (key.kid.as_deref().unwrap_or("-"), key.alg)).collect();
    assert_eq!((found, reading.skipped), (taken.to_vec(), skipped.iter().map(|it| (*it).to_owned()).collect()));
    compile(reading.keys).unwrap();
}

fn compile(keys: Vec<Jwk>) -> Result<Issuers, InvalidIssuers> {
    compile_all(vec![issuer("https://idp.example.com", &["api"], keys)])
}

fn compile_all(issuers: Vec<IssuerSpec>) -> Result<Issuers, InvalidIssuers> {
    Issuers::compile(&IssuersSpec { max_token_bytes: 8192, issuers })
}

fn issuer(issuer: &str, audiences: &[&str], keys: Vec<Jwk>) -> IssuerSpec {
    let audiences = audiences.iter().map(|it| (*it).to_owned()).collect();
    let [key, environment, scope_claim] = ["key_0000000000000000", "live", "scp"].map(str::to_owned);
    let subjects = Subjects::Mapped(Mapping { key, environment, scope_claim, scopes: Default::default() });
    let types = vec!["jwt".to_owned()];
    IssuerSpec { issuer: issuer.to_owned(), audiences, types, clock_skew_seconds: 0, keys, subjects }
}

#[test]
fn sets_of_providers() {
    use Algorithm::{EdDsa, Es256, Rs256};
    let x5 = json!({ "x5c": ["MIIC"], "x5t": "abc", "x5t#S256": "abc" });
    // Auth0, Okta, Google: everything is said.
    check(&[rsa(with(json!({ "kid": "a", "use": "sig", "alg": "RS256" }), x5.clone()))], &[("a", Rs256)], &[]);
    // Azure AD: no `alg`, and members of its own.
    let azure = with(json!({ "kid": "b", "use": "sig", "issuer": "https://login.example.com/x/v2.0" }), x5);
    check(&[rsa(azure)], &[("b", Rs256)], &[]);
    // Keycloak: a key for signing and one for encryption.
    let keycloak = [
        rsa(json!({ "kid": "c", "use": "sig", "alg": "RS256" })),
        rsa(json!({ "kid": "d", "use": "enc", "alg": "RSA-OAEP" })),
    ];
    check(&keycloak, &[("c", Rs256)], &["key 2: its `use` is `enc`"]);
    check(&[ec(json!({ "kid": "e" })), ed(json!({ "kid": "f" }))], &[("e", Es256), ("f", EdDsa)], &[]);
    check(&[ed(json!({ "alg": "Ed25519", "key_ops": ["verify"] }))], &[("-", EdDsa)], &[]);
    check(&[], &[], &[]);
}

#[test]
fn keys_that_are_passed_over() {
    let short = json!({ "kty": "RSA", "n": "sXchDaQebHnPiGvyDOAT4saGEUetSyo9MKLOoWFsueri", "e": "AQAB" });
    let bad_rsa = "an RSA key that is not 2048 to 4096 bits, or whose exponent is not odd and 3 to 65537";
    for (key, why) in [
        (json!({ "kty": "oct", "k": "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ" }), "it has the secret member `k`"),
        (ec(json!({ "d": "870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE" })), "it has the secret member `d`"),
        (rsa(json!({ "p": "AQ" })), "it has the secret member `p`"),
        (json!({ "kty": "DSA" }), "keys of the type `DSA` are not accepted"),
        (json!({}), "keys of the type `` are not accepted"),
        (json!({ "kty": "EC", "crv": "P-384", "x": EC_X, "y": EC_Y }), "the curve `P-384` is not accepted"),
        (json!({ "kty": "OKP", "crv": "Ed448", "x": ED_X }), "the curve `Ed448` is not accepted"),
        (json!({ "kty": "OKP", "crv": "X25519", "x": ED_X }), "the curve `X25519` is not accepted"),
        (rsa(json!({ "alg": "PS256" })), "its algorithm `PS256` is not accepted"),
        (rsa(json!({ "alg": "HS256" })), "its algorithm `HS256` is not accepted"),
        (ec(json!({ "alg": "EdDSA" })), "its algorithm `EdDSA` is not accepted"),
        (rsa(json!({ "use": "tls" })), "its `use` is `tls`"),
        (rsa(json!({ "key_ops": ["sign"] })), "its `key_ops` do not name `verify`"),
        (rsa(json!({ "e": "AQ" })), bad_rsa),
        (rsa(json!({ "e": "AgAA" })), bad_rsa),
        (rsa(json!({ "e": "AQAAAAE" })), bad_rsa),
        (rsa(json!({ "e": "AQAD" })), bad_rsa),
        (rsa(json!({ "e": "_____w" })), bad_rsa),
        (short, bad_rsa),
        (ed(json!({ "kid": "k".repeat(256) })), "its `kid` is longer than 255 bytes"),
        (rsa(json!({ "n": format!("{RSA_N}=") })), "a key with a member that is not base64url without padding"),
        (rsa(json!({ "n": 7 })), "a key whose `kty`, `crv`, `alg` and members do not fit together"),
        (ec(json!({ "y": EC_X })), "a key that is no good point of its curve"),
        (ec(json!({ "x": "AA", "y": "AA" })), "a key that is no good point of its curve"),
        (ed(json!({ "x": "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" })), "a key that is no good point of its curve"),
        (ed(json!({ "x": "AA" })), "a key that is no good point of its curve"),
    ] {
        check(&[key, ed(json!({ "kid": "good" }))], &[("good", Algorithm::EdDsa)], &[&format!("key 1: {why}")]);
    }
    let twins = "several keys have the `kid` `one`";
    let twice = [ed(json!({ "kid": "one" })), rsa(json!({ "kid": "one" })), ec(json!({ "kid": "two" }))];
    check(&twice, &[("two", Algorithm::Es256)], &[&format!("key 1: {twins}"), &format!("key 2: {twins}")]);
}

#[test]
fn what_is_no_key_set() {
    let many = json!({ "keys": vec![json!({}); 33] }).to_string();
    for (text, why) in [
        ("", InvalidJwks::Json),
        ("<html>", InvalidJwks::Json),
        ("[]", InvalidJwks::Json),
        (r#"{"keys":[],"keys":[]}"#, InvalidJwks::Json),
        (r#"{"keys":[{"kty":"RSA","kty":"EC"}]}"#, InvalidJwks::Json),
        ("{}", InvalidJwks::Keys),
        (r#"{"keys":{}}"#, InvalidJwks::Keys),
        (r#"{"keys":["x"]}"#, InvalidJwks::Keys),
        (&many, InvalidJwks::TooMany),
    ] {
        assert_eq!(read_jwks(text.as_bytes()).unwrap_err(), why, "{text}");
    }
}

#[test]
fn thumbprints_are_those_of_the_rfcs() {
    for (key, thumbprint) in [
        (ed(json!({ "alg": "EdDSA", "kid": "x" })), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"),
        (rsa(json!({ "alg": "RS256" })), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"),
    ] {
        assert_eq!(serde_json::from_value::<Jwk>(key).unwrap().thumbprint(), thumbprint);
    }
}

#[test]
fn lists_of_issuers() {
    let key = |more: Value| serde_json::from_value::<Jwk>(more).unwrap();
    let good = || key(ed(json!({ "alg": "EdDSA", "kid": "x" })));
    let [a, b] = ["https://a.example", "https://b.example"];
    let twice = |issuer: &str| Some(InvalidIssuers::Twice(issuer.to_owned()));
    let own = |mut spec: IssuerSpec| {
        spec.subjects = Subjects::Own;
        spec
    };
    for (issuers, problem) in [
        (vec![], None),
        (vec![issuer(a, &["x"], vec![good()]), issuer(b, &["x"], vec![good()])], None),
        (vec![issuer(a, &["x"], vec![]), issuer(a, &["y", "z"], vec![])], None),
        (vec![issuer(a, &["x", "y"], vec![]), issuer(a, &["y"], vec![])], twice(a)),
        (vec![own(issuer(a, &["x"], vec![])), issuer(a, &["y"], vec![])], twice(a)),
        (vec![issuer("", &["x"], vec![])], Some(InvalidIssuers::Empty(String::new()))),
        (vec![issuer(a, &[], vec![])], Some(InvalidIssuers::Empty(a.to_owned()))),
        (vec![issuer(a, &[""], vec![])], Some(InvalidIssuers::Empty(a.to_owned()))),
        (
            vec![issuer(a, &["x"], vec![good(), good()])],
            Some(InvalidIssuers::DuplicateKid { issuer: a.to_owned(), kid: "x".to_owned() }),
        ),
        (
            vec![issuer(a, &["x"], vec![key(ed(json!({ "alg": "RS256" })))])],
            Some(InvalidIssuers::Key { issuer: a.to_owned(), problem: InvalidKey::Members }),
        ),
    ] {
        assert_eq!(compile_all(issuers).err(), problem);
    }
    for (max_token_bytes, good) in [(0, false), (1, true), (16_384, true), (16_385, false)] {
        assert_eq!(
            Issuers::compile(&IssuersSpec { max_token_bytes, issuers: vec![] }).is_ok(),
            good,
            "{max_token_bytes}"
        );
    }
}

#[test]
fn specs_are_json_without_surprises() {
    let spec = IssuersSpec { max_token_bytes: 8192, issuers: vec![issuer("https://a.example", &["x"], vec![])] };
    let json = serde_json::to_value(&spec).unwrap();
    assert_eq!(json["issuers"][0]["subjects"]["mapped"]["scope_claim"], "scp");
    assert_eq!(serde_json::from_value::<IssuersSpec>(json.clone()).unwrap(), spec);
    assert!(serde_json::from_value::<IssuersSpec>(with(json, json!({ "more": 1 }))).is_err());
    assert!(serde_json::from_value::<Jwk>(ed(json!({ "alg": "EdDSA", "d": "x" }))).is_err());
}

fn url(name: &str) -> String {
    format!("https://{name}.example")
}

fn key(seed: u8, kid: &str) -> Jwk {
    let x = BASE64.encode(SigningKey::from_bytes(&[seed; 32]).verifying_key().as_bytes());
    serde_json::from_value(ed(json!({ "alg": "EdDSA", "kid": kid, "x": x }))).unwrap()
}

/// What becomes of a token of that issuer, for these audiences and signed like that.
fn verify(list: &Issuers, name: &str, audiences: &[&str], seed: u8, kid: &str) -> Result<VerifiedBy, Refusal> {
    let text = |value: Value| BASE64.encode(value.to_string());
    let header = text(json!({ "alg": "EdDSA", "typ": "jwt", "kid": kid }));
    let signed = format!("{header}.{}", text(json!({ "iss": url(name), "aud": audiences, "exp": 2000 })));
    let signature = BASE64.encode(SigningKey::from_bytes(&[seed; 32]).sign(signed.as_bytes()).to_bytes());
    list.verify(format!("{signed}.{signature}").as_bytes(), 1500).map(|it| it.by)
}

#[test]
fn a_list_is_followed_by_another() {
    let one = |name: &str, keys: Vec<Jwk>| issuer(&url(name), &["api"], keys);
    let earlier =
        || vec![one("a", vec![key(1, "1"), key(2, "2")]), one("b", vec![key(3, "3")]), one("c", vec![key(4, "4")])];
    let stricter = |mut spec: IssuerSpec| {
        spec.clock_skew_seconds += 1;
        spec
    };
    let (all, none) = (&[("a", 1, "1"), ("a", 2, "2"), ("b", 3, "3"), ("c", 4, "4")][..], &[][..]);
    for (what, later, kept) in [
        ("nothing changed", earlier(), all),
        ("nobody is left", vec![], none),
        ("another order", earlier().into_iter().rev().collect(), all),
        ("one more", earlier().into_iter().chain([one("d", vec![key(1, "1")])]).collect(), all),
        ("one more before", [one("d", vec![key(1, "1")])].into_iter().chain(earlier()).collect(), all),
        ("one less", earlier().into_iter().skip(1).collect(), &all[2..]),
        ("a key less", vec![one("a", vec![key(2, "2")])], &all[1..2]),
        ("a key more", vec![one("a", vec![key(9, "9"), key(1, "1"), key(2, "2")])], &all[..2]),
        ("another key of that name", vec![one("a", vec![key(9, "1"), key(2, "2")])], &all[1..2]),
        ("another name of that key", vec![one("a", vec![key(1, "9"), key(2, "2")])], &all[1..2]),
        ("another rule", vec![stricter(one("a", vec![key(1, "1"), key(2, "2")]))], none),
        ("another audience", vec![issuer(&url("a"), &["api", "more"], vec![key(1, "1"), key(2, "2")])], none),
    ] {
        let [earlier, later] = [earlier(), later].map(|list| compile_all(list).unwrap());
        let succession = Succession::new(&earlier, &later);
        for (name, seed, kid) in all {
            let by = |list: &Issuers| verify(list, name, &["api"], *seed, kid).unwrap();
            let expected = kept.contains(&(*name, *seed, *kid)).then(|| by(&later));
            assert_eq!(succession.of(by(&earlier)), expected, "{what}: {name} {kid}");
        }
    }
}

/// What providers list beside the API as an audience, anybody may have configured as theirs.
#[test]
fn a_later_issuer_of_one_url_changes_nothing_for_an_earlier_one() {
    let list = |order: &[usize]| {
        let both =
            [issuer(&url("a"), &["api"], vec![key(1, "k")]), issuer(&url("a"), &["userinfo"], vec![key(9, "k")])];
        compile_all(order.iter().map(|place| both[*place].clone()).collect()).unwrap()
    };
    for (order, audiences, seed, refusal) in [
        ([0, 1], &["api", "userinfo"][..], 1, None),
        ([0, 1], &["userinfo", "api"], 1, None),
        ([0, 1], &["userinfo", "api"], 9, Some(Refusal::Signature)),
        ([0, 1], &["userinfo"], 9, None),
        ([1, 0], &["api", "userinfo"], 1, Some(Refusal::Signature)),
    ] {
        let verified = verify(&list(&order), "a", audiences, seed, "k");
        assert_eq!(verified.err(), refusal, "{audiences:?} by {seed}, {order:?}");
    }
}
