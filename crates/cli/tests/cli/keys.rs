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
fn limits_of_a_key_are_set_shown_and_lifted() {
    let control = Control::start();
    let create = ["keys", "create", "till", "--environment", "test", "--quota", "30000/month", "--json"];
    let made = json(&control.admin(&create).stdout);
    assert_eq!(made["quota"], serde_json::json!({ "limit": 30000, "period": "month" }));
    let id = made["id"].as_str().unwrap().to_owned();
    let limit = |more: &[&str]| control.admin(&[&["keys", "limit", &id][..], more].concat());
    let limited = limit(&["--rate", "100/60s+20"]);
    for words in ["30000/month", "100/60s+20"] {
        assert!(limited.stdout.contains(words), "{words}: {}{}", limited.stdout, limited.stderr);
    }
    let lifted = limit(&["--no-quota", "--no-rate"]).stdout;
    assert!(lifted.contains("its organisation's") && lifted.contains("as the policy says"), "{lifted}");
    for (more, words) in [
        (&[][..], "hint: --quota and --rate limit"),
        (&["--quota", "30000"], "as in `30000/month`"),
        (&["--rate", "100"], "as in `100/1s`"),
        (&["--quota", "1/day", "--no-quota"], "cannot be used with"),
    ] {
        let wrong = limit(more);
        assert!(wrong.code == 2 && wrong.stderr.contains(words), "{words}: {}", wrong.stderr);
    }
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

#[test]
fn a_key_is_labelled_found_switched_tried_and_explained() {
    let control = Control::start();
    let made = control.admin(&["keys", "create", "till", "--environment", "live", "--metadata", "team=pay", "--json"]);
    let made = json(&made.stdout);
    let (id, key) = (made["id"].as_str().unwrap(), made["key"].as_str().unwrap());
    for (arguments, words) in [
        (&["keys", "list", "--q", "TEAM=pay", "--environment", "live"][..], "till"),
        (&["keys", "show", id], "metadata      team=pay"),
        (&["keys", "disable", id], "status        disabled"),
        (&["keys", "enable", id], "status        active"),
        (&["keys", "trial", "start", id, "--no-scopes", "--ip-allow", "192.0.2.0/24"], "tried from"),
        (&["keys", "trial", "show", id], "tried scopes"),
        (&["keys", "trial", "enforce", id], "from          192.0.2.0/24"),
        (&["keys", "trial", "start", id, "--scope", "refunds:read"], "refunds:read"),
        (&["keys", "trial", "discard", id], "scopes        none"),
    ] {
        let done = control.admin(arguments);
        assert_eq!(done.code, 0, "{arguments:?}: {}", done.stderr);
        assert!(done.stdout.contains(words), "{arguments:?}: {}", done.stdout);
    }
    for (arguments, code, stdout, stderr) in [
        (&["keys", "list", "--q", "nowhere", "--overdue", "--idle"][..], 0, "ID", ""),
        (&["keys", "list", "--q", key], 1, "", "keys:find"),
        (&["keys", "trial", "start", id], 2, "", "hint: --scope"),
        (&["keys", "trial", "enforce", id], 1, "", "nothing is tried"),
        (&["explain", "--key-id", id, "--path", "/v1/charges", "--from", "203.0.113.9"], 3, "ip_not_allowed", ""),
        (&["explain", "--key-id", id, "--json", "--path", "/nowhere"], 3, "\"allowed\": false", ""),
        (&["explain", "--key-id", "key_0000000000000000"], 1, "", "there is no such key"),
        (&["explain", "--key-id", id, "--header", "x-api-key: x"], 2, "", "Referer and Origin"),
        (&["explain", "--key-id", id, "--header", "authorization: x"], 2, "", "explain --bundle FILE --key-stdin"),
    ] {
        let done = control.admin(arguments);
        assert_eq!(done.code, code, "{arguments:?}: {}", done.stderr);
        assert!(done.stdout.contains(stdout) && done.stderr.contains(stderr), "{arguments:?}: {done:?}");
        assert!(!done.stderr.contains(key), "{arguments:?}");
    }
    for (text, code, words) in [(key, 0, "till"), ("sk_live_abcdefghijklmnopqrstuvwx\n", 3, ""), ("", 2, "")] {
        let done = control.admin_with(&["keys", "find"], text);
        assert_eq!(done.code, code, "{}", done.stderr);
        assert!(done.stdout.contains(words) && !done.stdout.contains(key), "{}", done.stdout);
    }
}

#[test]
fn keys_made_elsewhere_are_imported_by_their_digests() {
    let control = Control::start();
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let import = |file: &str, more: &[&str]| control.admin(&[&["keys", "import", file][..], more].concat());
    let old = |index: usize| format!("sk_live_old{index:021}");
    let table: String = (0..1500).map(|index| format!("old {index},{},sk_live_\n", old(index))).collect();
    let plain = write("plain.csv", &format!("name,key,prefix\n{table}"));
    let done = import(&plain, &["--hash"]);
    assert_eq!(done.code, 0, "{}", done.stderr);
    assert!(done.stderr.contains("imported 1500 keys") && done.stdout.lines().count() == 1500, "{}", done.stderr);
    assert!(control.admin_with(&["keys", "find"], &old(1234)).stdout.contains("old 1234"));
    let members = r#"[{ "name": "json", "key": "sk_test_older", "prefix": "sk_test_", "metadata": { "team": "x" } }]"#;
    let done = import(&write("plain.json", members), &["--hash", "--json"]);
    assert_eq!(json(&done.stdout)[0]["metadata"]["team"], "x", "{}", done.stderr);

    let wrong: String = (0..1200).map(|index| format!("new {index},{index:064x},sk_live_\n")).collect();
    let wrong = write("wrong.csv", &format!("name,sha256,prefix\n{wrong}last,nonsense,sk_live_\n"));
    for (file, more, code, words) in [
        (&plain, &["--hash"][..], 1, "line 2, column `sha256`: a key with this digest"),
        (&plain, &[], 1, "line 1: column 2 is none of"),
        (&wrong, &[], 1, "line 1202, column `sha256`: expected"),
        (&wrong, &["--hash"], 2, "in place of `sha256`"),
        (&write("x.json", "{\"sk_live_0000"), &[], 1, "not JSON"),
        (&write("y.json", "[{\"name\": \"x\"}]"), &["--hash"], 1, "key 1: with --hash"),
        (&write("z.json", "{\"keys\": []}"), &[], 2, "there are no keys in it"),
        (&"/nowhere.csv".to_owned(), &[], 2, "cannot read"),
    ] {
        let done = import(file, more);
        assert_eq!((done.code, done.stdout.as_str()), (code, ""), "{file} {more:?}: {}", done.stderr);
        assert!(
            done.stderr.contains(words) && !done.stderr.contains("0000000000000"),
            "{file} {more:?}: {}",
            done.stderr
        );
    }
}
