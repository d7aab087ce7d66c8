//! `portcullis keys` against a control plane.

use serde_json::Value;

use crate::run::{Control, finish, portcullis, run};

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn a_key_from_creation_to_revocation() {
    let control = Control::start();
    let made =
        control.admin(&["keys", "create", "till 1", "--environment", "live", "--scope", "refunds:read,payouts:read"]);
    assert_eq!(made.code, 0, "{}", made.stderr);
    let key = made.stdout.trim();
    assert!(key.starts_with("sk_live_") && key.len() == 32, "stdout is the key alone");
    assert!(!made.stderr.contains(key), "what is said beside it does not repeat it");

    let other = json(&control.admin(&["keys", "create", "till 2", "--environment", "live", "--json"]).stdout);
    let other = other["id"].as_str().unwrap().to_owned();
    let listed = control.admin(&["keys", "list"]);
    let header = listed.stdout.lines().next().unwrap();
    assert!(header.starts_with("ID ") && header.contains("ENVIRONMENT") && header.ends_with("SCOPES"), "{header}");
    assert!(listed.stdout.contains("till 1") && !listed.stdout.contains(key));
    let id = json(&control.admin(&["keys", "list", "--json"]).stdout)[1]["id"].as_str().unwrap().to_owned();

    for (arguments, words) in [
        (
            vec!["restrict", &id, "--ip-allow", "10.0.0.0/8", "--endpoint", "GET /v1/charges/**", "--observe"],
            "(observed, not enforced)",
        ),
        (vec!["restrict", &id, "--referrer", "https://*.example.com/*", "--referrer-may-be-missing"], "referrer"),
        (vec!["restrict", &id, "--clear"], "restrictions  none"),
        (vec!["show", &id], "refunds:read"),
        (vec!["revoke", &id], "status        revoked"),
        (vec!["list", "--status", "revoked"], "till 1"),
    ] {
        let done = control.admin(&[vec!["keys"], arguments.clone()].concat());
        assert_eq!(done.code, 0, "{arguments:?}: {}", done.stderr);
        assert!(done.stdout.contains(words), "{arguments:?}: {}", done.stdout);
    }
    let restrict = |more: &[&str]| control.admin(&[&["keys", "restrict", &other][..], more].concat()).stderr;
    let both = restrict(&["--ip-allow", "10.0.0.0/8", "--endpoint", "GET /v1/charges/**"]);
    let lifting = restrict(&["--referrer", "https://*.example.com/*"]);
    assert_eq!((both.as_str(), lifting.as_str()), ("", "lifted: ip, endpoint\n"));
    assert_eq!(restrict(&["--clear"]), "lifted: referrer\n");
    let again = control.admin(&["keys", "rotate", &id]);
    assert_eq!((again.code, again.stdout.as_str()), (1, ""));
    assert!(again.stderr.contains("(key_revoked)"), "{}", again.stderr);
}

#[test]
fn rotation_prints_the_new_key() {
    let control = Control::start();
    let made = json(&control.admin(&["keys", "create", "till", "--environment", "test", "--json"]).stdout);
    let rotated = control.admin(&["keys", "rotate", made["id"].as_str().unwrap(), "--overlap", "60", "--json"]);
    let rotated = json(&rotated.stdout);
    assert_eq!((&rotated["name"], &rotated["prefix"]), (&made["name"], &made["prefix"]));
    assert_ne!(rotated["key"], made["key"]);

    let mut id = rotated["id"].as_str().unwrap().to_owned();
    for (overlap, words) in [("60", "works until 2"), ("0", "stopped working now (--overlap 0)")] {
        let done = control.admin(&["keys", "rotate", &id, "--overlap", overlap]);
        assert!(done.stderr.contains(&format!("the old key {id} {words}")), "{}", done.stderr);
        id = json(&control.admin(&["keys", "show", &id, "--json"]).stdout)["successor"].as_str().unwrap().to_owned();
    }
}

#[test]
fn what_goes_wrong_is_said_with_a_hint_and_an_exit_code() {
    let control = Control::start();
    let create = |more: &[&str]| control.admin(&[&["keys", "create", "x", "--environment", "live"], more].concat());
    for (done, code, words) in [
        (create(&["--scope", "nonsense"]), 1, "it knows `payouts:read`"),
        (create(&["--scope", "payouts:read,nonsense"]), 1, "scope `nonsense`: "),
        (control.admin(&["keys", "create", "x", "--environment", "moon"]), 1, "environment `moon`: "),
        (
            control.admin(&["keys", "rotate", "key_0000000000000000", "--overlap", "1d"]),
            2,
            "expected seconds, such as 86400",
        ),
        (create(&["--ip-allow", "10.0.0.1/8"]), 1, "10.0.0.0/8"),
        (control.admin(&["keys", "show", "key_0000000000000000"]), 1, "there is no such key: `key_0000000000000000`"),
        (control.admin(&["keys", "show", "sk_live_abcdefghijklmnopqrstuvwx"]), 2, "rotate it"),
        (control.admin(&["keys", "restrict", "key_0000000000000000"]), 2, "hint: --ip-allow"),
        (
            control.admin(&["keys", "restrict", "key_0000000000000000", "--clear", "--observe"]),
            2,
            "cannot be used with",
        ),
        (run(["keys", "list"]), 2, "PORTCULLIS_ADMIN_TOKEN"),
        (run(["keys", "list", "--token", "pca_x", "--control", "nowhere"]), 1, "hint: it looks like http://"),
        (run(["keys", "list", "--token", "pca_x", "--control", "http://127.0.0.1:1"]), 1, "portcullis serve"),
        (run(["keys", "list", "--token-file", "/nowhere"]), 2, "`/nowhere`"),
        (
            finish(
                portcullis().args(["keys", "list", "--control", &control.url]).env("PORTCULLIS_ADMIN_TOKEN", "pca_x"),
                "",
            ),
            1,
            "is in DATA/admin-token",
        ),
    ] {
        assert_eq!(done.code, code, "{words}: {}", done.stderr);
        assert!(done.stderr.contains(words), "{words}: {}", done.stderr);
        assert_eq!(done.stdout, "", "{words}");
    }
}

#[test]
fn a_token_file_wins_and_an_empty_variable_is_none() {
    let control = Control::start();
    let file = control.folder.path().join("admin-token");
    let list = |variable: &str| {
        let mut command = portcullis();
        command.args(["keys", "list", "--control", &control.url]).env("PORTCULLIS_ADMIN_TOKEN", variable);
        command
    };
    assert_eq!(finish(list("pca_x").arg("--token-file").arg(&file), "").code, 0);
    assert_eq!(finish(list("").arg("--token-file").arg(&file), "").code, 0);
    assert_eq!(finish(&mut list(&std::fs::read_to_string(&file).unwrap()), "").code, 0);
    let empty = finish(&mut list(""), "");
    assert!(empty.code == 2 && empty.stderr.contains("no token given"), "{}", empty.stderr);
    let mut export = portcullis();
    export.args(["bundle", "export", "--out", "/nowhere/x", "--edge-token", "pce_x", "--control", &control.url]);
    let refused = finish(&mut export, "");
    assert!(refused.code == 1 && refused.stderr.contains("DATA/edge.env"), "{}", refused.stderr);
}

#[test]
fn no_proxy_is_told_the_token() {
    let control = Control::start();
    let proxy = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    proxy.set_nonblocking(true).unwrap();
    let address = format!("http://{}", proxy.local_addr().unwrap());
    let token = control.folder.path().join("admin-token");
    let mut command = portcullis();
    command.args(["keys", "list", "--control", &control.url, "--token-file"]).arg(token);
    for name in ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"] {
        command.env(name, &address);
    }
    let done = finish(&mut command, "");
    assert_eq!(done.code, 0, "{}", done.stderr);
    assert!(proxy.accept().is_err(), "the proxy was asked");
}
