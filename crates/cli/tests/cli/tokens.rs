//! What there is with `[tokens]` in the policy: credentials, issuers, and the keys that sign.

use std::io::{Read, Write};
use std::net::TcpListener;

use portcullis_sdk::{Credentials, TokenSource};

use crate::run::{Control, finish, portcullis};

/// RFC 8037, appendix A.2.
const JWKS: &str =
    r#"{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"a","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;

/// Somebody else's keys, to whoever asks; the URL.
fn jwks() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/jwks", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for connection in listener.incoming() {
            let mut connection = connection.unwrap();
            let _ = connection.read(&mut [0; 4096]);
            let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close";
            let _ = write!(connection, "{head}\r\ncontent-length: {}\r\n\r\n{JWKS}", JWKS.len());
        }
    });
    url
}

#[test]
fn a_credential_says_what_it_lacks_and_stands_apart_from_keys() {
    const LACKS: &str = "hint: without --scope its tokens open no rule that wants a scope";
    const SOON: &str = "edges usually know it within a second; --wait waits until they do";
    let control = Control::with_tokens();
    let create = |more: &[&str]| control.admin(&[&["keys", "create", "x", "--environment", "live"], more].concat());
    for (more, lacks, soon) in [
        (&["--credential"][..], true, true),
        (&["--credential", "--scope", "refunds:read"], false, true),
        (&[], false, true),
        (&["--credential", "--scope", "refunds:read", "--wait"], false, false),
        (&["--credential", "--json"], false, false),
    ] {
        let made = create(more);
        assert_eq!(made.code, 0, "{more:?}: {}", made.stderr);
        let said = |words: &str| made.stderr.lines().any(|line| line == words);
        assert_eq!((said(LACKS), said(SOON)), (lacks, soon), "{more:?}: {}", made.stderr);
    }
    for (kind, has_kinds) in [(&[][..], true), (&["--kind", "credential"], false)] {
        let listed = control.admin(&[&["keys", "list"], kind].concat()).stdout;
        let header = listed.lines().next().unwrap();
        assert_eq!(header.contains(" KIND "), has_kinds, "{listed}");
        assert_eq!(listed.contains(" credential "), has_kinds, "{listed}");
    }
}

/// An access token of a credential, from the lines that its creation printed.
fn exchanged(env: &str) -> String {
    let value = |name: &str| env.lines().find_map(|line| line.split_once(name)).unwrap().1;
    let parts = ["_ORG_ID=", "_API_KEY=", "_API_SECRET=", "_AUTH_API_URL="].map(value);
    let credentials = Credentials::new(parts[0], parts[1], parts[2], parts[3]).unwrap();
    let token = async { TokenSource::new(credentials).unwrap().token().await.unwrap().expose().to_owned() };
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(token)
}

#[test]
fn a_real_token_is_explained_without_standing_on_the_command_line() {
    let control = Control::with_tokens();
    let made = control.admin(&["keys", "create", "x", "--environment", "live", "--credential"]);
    let token = exchanged(&made.stdout);
    let file = control.folder.path().join("now.bundle");
    let file = file.to_str().unwrap();
    let export = ["bundle", "export", "--control", &control.url, "--out", file];
    assert_eq!(finish(portcullis().args(export).envs(control.edge_env()), "").code, 0);
    let explain = |more: &[&str]| {
        let mut command = portcullis();
        command.args(["explain", "--bundle", file, "--path", "/v1/users/1"]).args(more).envs(control.edge_env());
        command
    };
    let pasted = finish(&mut explain(&["--header", &format!("Authorization: Bearer {token}")]), "");
    let piped = finish(&mut explain(&["--key-stdin"]), &format!("{token}\n"));
    let named = finish(explain(&[]).env("PORTCULLIS_KEY", &token), "");
    let bad = finish(&mut explain(&["--key-stdin"]), &format!("{}x", token.trim_end_matches('x')));
    for (done, code, said, warned) in [
        (&pasted, 0, "\nallow\n", true),
        (&piped, 0, "\nallow\n", false),
        (&named, 0, "\nallow\n", false),
        (&bad, 3, "(reason ", false),
    ] {
        assert_eq!(done.code, code, "{}{}", done.stdout, done.stderr);
        assert!(done.stdout.contains(said), "{}", done.stdout);
        assert_eq!(done.stderr.contains("hint: --key-stdin"), warned, "{}", done.stderr);
        assert!(!done.stdout.contains("eyJ") && !done.stderr.contains("eyJ"), "{done:?}");
    }
}

#[test]
fn an_issuer_is_shown_in_full_and_in_a_line() {
    let control = Control::with_tokens();
    let keys = jwks();
    let add = |more: &[&str]| {
        let add = ["issuers", "add", "https://login.example.com", "--name", "staff", "--environment", "live"];
        control.admin(&[&add[..], &["--jwks-uri", &keys], more].concat())
    };
    let added = add(&["--scope", "refunds:read"]);
    assert_eq!(added.code, 0, "{}", added.stderr);
    assert!(added.stderr.ends_with(" with 1 key\n"), "{}", added.stderr);
    assert!(added.stdout.starts_with("id ") && added.stdout.contains("\nnext fetch "), "{}", added.stdout);
    let listed = control.admin(&["issuers", "list"]).stdout;
    assert!(listed.contains(" STATUS ") && listed.contains(" active "), "{listed}");
    let refused = add(&["--scope", "refunds:read,a:b"]);
    assert!(refused.code == 1 && refused.stderr.contains("scope `a:b`: "), "{}", refused.stderr);
}

#[test]
fn a_second_rotation_of_signing_keys_is_told_how_it_would_go_on() {
    let control = Control::with_tokens();
    let rotate = |more: &[&str]| control.admin(&[&["signing-keys", "rotate"], more].concat());
    assert_eq!(rotate(&[]).code, 0);
    let refused = rotate(&[]);
    assert!(refused.code == 1 && refused.stderr.ends_with("\nhint: --now has it sign at once\n"), "{}", refused.stderr);
    assert_eq!(rotate(&["--now"]).code, 0);
}
