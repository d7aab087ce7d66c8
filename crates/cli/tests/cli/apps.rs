//! `portcullis apps` and `grants`.

use serde_json::Value;

use crate::run::{Control, workspace};

#[test]
fn apps_and_grants_from_the_command_line() {
    let control = Control::start();
    let mut policy = std::fs::read_to_string(workspace().join("policies/payments/policy.toml")).unwrap();
    policy.push_str("\n[tokens]\naudience = \"https://api.example.com\"\n");
    let file = control.folder.path().join("with-tokens.toml");
    std::fs::write(&file, policy).unwrap();
    let published = control.admin(&["policy", "publish", file.to_str().unwrap()]);
    assert_eq!(published.code, 0, "{}", published.stderr);
    let uri = ["--redirect-uri", "https://a.example/cb"];
    let made = control.admin(&[&["apps", "create", "studio"][..], &uri, &["--json"]].concat()).stdout;
    let made: Value = serde_json::from_str(&made).unwrap();
    let (id, secret) = (made["id"].as_str().unwrap(), made["secret"].as_str().unwrap());
    for (arguments, code, words) in [
        (vec!["apps", "create", "x"], 2, "--redirect-uri"),
        (vec!["apps", "create", "x", "--redirect-uri", "http://a.example/cb"], 1, "expected `https://"),
        (vec!["apps", "create", "x", "--redirect-uri", "https://a.example", "--scope", "a:b"], 1, "no such scope"),
        (vec!["apps", "create", "pocket", "--redirect-uri", "com.example.app:/cb", "--public"], 0, "app_"),
        (
            vec!["apps", "create", "tool", "--redirect-uri", "http://127.0.0.1/cb"],
            0,
            "the only time the secret is shown",
        ),
        (
            vec!["apps", "create", "x", "--redirect-uri", "https://a.example", "--redirect-uri", "http://b.example/cb"],
            1,
            "redirect URI `http://b.example/cb`: ",
        ),
        (
            vec!["apps", "create", "x", "--redirect-uri", "https://a.example/?k=sk_live_abcdefghijklmnopqrstuvwx"],
            1,
            "error: this looks like a key",
        ),
        (vec!["apps", "update", id, "--scope", "refunds:read,a:b"], 1, "scope `a:b`: "),
        (vec!["apps", "create", "y", "--redirect-uri", "https://a.example"], 0, "hint: without --scope"),
        (vec!["apps", "update", id], 2, "nothing to change\nhint: give --name"),
        (vec!["apps", "update", id, "--name", "Studio", "--everyone", "true"], 0, "active, for everyone"),
        (vec!["apps", "rotate", id], 0, "secret_"),
        (vec!["apps", "list"], 0, "com.example.app:/cb"),
        (vec!["apps", "show", id], 0, "Studio"),
        (vec!["grants", "list"], 0, "ALLOWED BY"),
        (vec!["grants", "list", "--own", "--json"], 0, "[]"),
        (vec!["grants", "revoke", "key_0000000000000000"], 1, "(not_found)"),
        (vec!["apps", "revoke", id], 0, "enforced from version "),
        (vec!["apps", "list"], 0, "revoked"),
    ] {
        let done = control.admin(&arguments);
        assert_eq!(done.code, code, "{arguments:?}: {}", done.stderr);
        let told = format!("{}{}", done.stdout, done.stderr);
        assert!(told.contains(words), "{arguments:?}: {told}");
        assert!(!told.contains(secret), "{arguments:?}");
    }
}
