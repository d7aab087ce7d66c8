//! libsodium's boxes, and boxes that must not open (`seal/sealed_box.json` of the shared vectors).

use std::path::{Path, PathBuf};

use portcullis_seal::{KeyName, OVERHEAD, PrivateKey, PublicKey, Purpose, WeakKey, seal};
use serde::Deserialize;

#[derive(Deserialize)]
struct File {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    id: String,
    recipient_sk_hex: Option<String>,
    sealed_hex: Option<String>,
    expect: Expect,
}

#[derive(Deserialize)]
struct Expect {
    open: Option<bool>,
    plaintext_hex: Option<String>,
}

fn vectors() -> PathBuf {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/vectors");
    std::env::var_os("PORTCULLIS_VECTORS").map_or_else(beside, PathBuf::from).join("seal/sealed_box.json")
}

fn private(number: u8) -> PrivateKey {
    PrivateKey::from_bytes([number; 32])
}

#[test]
fn public_vectors() {
    let Ok(text) = std::fs::read_to_string(vectors()) else {
        eprintln!("no vectors at {}: nothing was checked against them", vectors().display());
        return;
    };
    let file: File = serde_json::from_str(&text).unwrap();
    let mut checked = 0;
    for case in &file.cases {
        // The others are about how boxes are written down.
        let (Some(key), Some(sealed), Some(open)) = (&case.recipient_sk_hex, &case.sealed_hex, case.expect.open) else {
            continue;
        };
        let opened = key.parse::<PrivateKey>().unwrap().open(&hex::decode(sealed).unwrap());
        let expected = case.expect.plaintext_hex.as_ref().map(|it| hex::decode(it).unwrap());
        assert_eq!(opened.as_deref(), expected.as_ref().filter(|_| open), "{}", case.id);
        checked += 1;
    }
    assert!(checked >= 20, "{checked} of {} cases say what to open", file.cases.len());
}

/// golang.org/x/crypto/nacl/box, `TestSealedBox`: sealed with a source that gives 5 for every byte.
#[test]
fn the_same_randomness_makes_the_same_box() {
    let Ok(text) = std::fs::read_to_string(vectors()) else { return };
    let file: File = serde_json::from_str(&text).unwrap();
    let case = file.cases.iter().find(|it| it.id == "golang-deterministic").unwrap();
    let recipient = case.recipient_sk_hex.as_ref().unwrap().parse::<PrivateKey>().unwrap().public();
    let plain = hex::decode(case.expect.plaintext_hex.as_ref().unwrap()).unwrap();
    assert_eq!(hex::encode(seal(&recipient, &plain, [5; 32]).unwrap()), *case.sealed_hex.as_ref().unwrap());
}

#[test]
fn what_is_sealed_opens_whole_and_for_the_right_key_alone() {
    for length in [0, 1, 15, 16, 31, 32, 33, 63, 64, 65, 4096] {
        let plain = vec![7; length];
        let sealed = seal(&private(1).public(), &plain, [9; 32]).unwrap();
        assert_eq!(sealed.len(), length + OVERHEAD);
        assert_eq!(private(1).open(&sealed).as_deref(), Some(&plain));
        assert!(private(2).open(&sealed).is_none(), "another key");
        for cut in [0, 1, 31, 32, 47, sealed.len() - 1] {
            assert!(private(1).open(&sealed[..cut]).is_none(), "cut to {cut} of {}", sealed.len());
        }
        for place in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[place] ^= 0x80;
            assert!(private(1).open(&changed).is_none(), "byte {place} of {}", sealed.len());
        }
    }
}

#[test]
fn nothing_is_sealed_to_a_key_of_low_order() {
    let mut one = [0; 32];
    one[0] = 1;
    for key in [[0; 32], one] {
        assert_eq!(seal(&PublicKey::from_bytes(key), b"value", [9; 32]), Err(WeakKey));
    }
}

#[test]
fn keys_have_texts_and_private_ones_show_none() {
    let key = private(1);
    let public = key.public();
    assert_eq!(public.to_string().parse(), Ok(public));
    assert_eq!(Some(public.name().to_string().as_str()), public.to_string().get(..16));
    assert_eq!(public.name().to_string().parse::<KeyName>(), Ok(public.name()));
    assert_eq!(key.expose().parse::<PrivateKey>().unwrap().public(), public);
    let bare = key.expose().strip_prefix("private_").unwrap().to_owned();
    assert!(!format!("{key:?}").contains(&bare));
    assert_eq!(bare.parse::<PrivateKey>().unwrap().public(), public);
    assert!(key.expose().parse::<PublicKey>().is_err(), "a private key is nothing that boxes are sealed to");
    for text in ["", "00", &"0".repeat(63), &"0".repeat(65), &"g".repeat(64)] {
        assert!(text.parse::<PublicKey>().is_err() && text.parse::<PrivateKey>().is_err(), "{text}");
    }
}

#[test]
fn a_value_opens_for_its_purpose_alone() {
    let ours = Purpose { organization: "org_1", name: "api_key" };
    let sealed = ours.seal(&private(1).public(), b"value\0with\0marks", [9; 32]).unwrap();
    assert_eq!(sealed.len(), ours.overhead() + 16);
    assert_eq!(ours.open(&private(1), &sealed).as_deref().map(Vec::as_slice), Some(b"value\0with\0marks".as_slice()));
    for (organization, name) in [
        ("org_2", "api_key"),
        ("org_1", "api_key2"),
        ("org_1", "api_ke"),
        ("org_1\0api_key", "value"),
        ("", ""),
        ("org_", "1"),
    ] {
        let other = Purpose { organization, name };
        // One purpose could only be read as another if names held NUL, which none does.
        let is_other = other.organization.contains('\0');
        assert_eq!(other.open(&private(1), &sealed).is_some(), is_other, "{other:?}");
    }
    assert!(ours.open(&private(2), &sealed).is_none());
    assert!(
        ours.open(&private(1), &seal(&private(1).public(), b"value", [9; 32]).unwrap()).is_none(),
        "bound to nothing"
    );
}
