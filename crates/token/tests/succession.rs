//! Lists of issuers that follow each other: which of the tokens verified under one need not be verified under the next.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use ed25519_dalek::{Signer as _, SigningKey};
use portcullis_token::{IssuerSpec, Issuers, IssuersSpec, Jwk, Mapping, Refusal, Subjects, Succession, VerifiedBy};
use serde_json::{Value, json};

fn issuer(issuer: &str, audiences: &[&str], keys: Vec<Jwk>) -> IssuerSpec {
    let audiences = audiences.iter().map(|it| (*it).to_owned()).collect();
    let [key, environment, scope_claim] = ["key_0000000000000000", "live", "scp"].map(str::to_owned);
    let subjects = Subjects::Mapped(Mapping { key, environment, scope_claim, scopes: Default::default() });
    let types = vec!["jwt".to_owned()];
    IssuerSpec { issuer: issuer.to_owned(), audiences, types, clock_skew_seconds: 0, keys, subjects }
}

fn url(name: &str) -> String {
    format!("https://{name}.example")
}

fn key(seed: u8, kid: &str) -> Jwk {
    let x = BASE64.encode(SigningKey::from_bytes(&[seed; 32]).verifying_key().as_bytes());
    serde_json::from_value(json!({ "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "kid": kid, "x": x })).unwrap()
}

fn compile(issuers: Vec<IssuerSpec>) -> Issuers {
    Issuers::compile(&IssuersSpec { max_token_bytes: 8192, issuers }).unwrap()
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
        let [earlier, later] = [earlier(), later].map(compile);
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
        compile(order.iter().map(|place| both[*place].clone()).collect())
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
