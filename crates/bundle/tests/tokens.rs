//! The tokens blob: what is in it, and that a bundle without one is the bundle it always was.

use portcullis_bundle::{Blob, BuildError, Layout, MANIFEST_FORMAT, Manifest, build_tokens, read_tokens};
use portcullis_token::IssuersSpec;

fn issuers(max_token_bytes: usize) -> IssuersSpec {
    IssuersSpec { max_token_bytes, issuers: Vec::new() }
}

fn manifest(tokens: Option<&Blob>) -> Manifest {
    let blob = Blob::new(*b"x").to_ref();
    Manifest {
        format: MANIFEST_FORMAT,
        version: 1,
        issued_at: 2,
        layout: Layout::default(),
        key_count: 0,
        policy: blob,
        tokens: tokens.map(Blob::to_ref),
        skills: Vec::new(),
        organizations: vec![blob],
        keys: vec![blob],
    }
}

#[test]
fn what_is_built_can_be_read_and_nothing_else() {
    let blob = build_tokens(&issuers(8192)).unwrap();
    assert!(read_tokens(blob.bytes()).is_ok());
    assert_eq!(build_tokens(&issuers(8192)).unwrap().digest(), blob.digest());
    assert!(matches!(build_tokens(&issuers(0)), Err(BuildError::Issuers(_))), "no edge could read it");
    for bytes in [&b""[..], b"{}", b"null", br#"{"max_token_bytes":0,"issuers":[]}"#, b"{\"max_token_bytes\":8192"] {
        assert!(read_tokens(bytes).is_err(), "{}", bytes.escape_ascii());
    }
}

#[test]
fn a_manifest_names_it_only_if_it_is_there() {
    let plain = manifest(None);
    let text = serde_json::to_string(&plain).unwrap();
    assert!(!text.contains("tokens"), "{text}");
    assert_eq!(serde_json::from_str::<Manifest>(&text).unwrap(), plain);
    assert_eq!(plain.blobs().count(), 3);
    let blob = build_tokens(&issuers(8192)).unwrap();
    let with = manifest(Some(&blob));
    let text = serde_json::to_string(&with).unwrap();
    assert_eq!(serde_json::from_str::<Manifest>(&text).unwrap(), with);
    assert!(with.blobs().any(|it| it.digest == blob.digest()));
}
