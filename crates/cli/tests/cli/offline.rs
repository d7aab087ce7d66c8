//! What works without a control plane: `policy check`, `bundle`, `explain`.

use serde_json::Value;

use crate::run::{Control, finish, portcullis, run};

const POLICY: &str = "policies/payments/policy.toml";
const CASES: &str = "policies/payments/cases.toml";
/// A public key that signed nothing here.
const STRANGE: &str = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";

#[test]
fn policies_are_checked() {
    let folder = tempfile::tempdir().unwrap();
    let bad = folder.path().join("bad.toml");
    std::fs::write(&bad, "name = \"x\"\nenvironments = []\n").unwrap();
    let bad = bad.to_str().unwrap();
    let fine = run(["policy", "check", POLICY, "policies/systemprompt/policy.toml"]);
    assert_eq!((fine.code, fine.stdout.lines().count()), (0, 2), "{}", fine.stderr);
    let mixed = run(["policy", "check", POLICY, bad]);
    assert_eq!((mixed.code, mixed.stdout.lines().count()), (3, 1));
    assert!(mixed.stderr.contains("bad.toml:"), "{}", mixed.stderr);
    let json: Value = serde_json::from_str(&run(["policy", "check", "--json", POLICY, bad]).stdout).unwrap();
    assert_eq!((json[0]["valid"].as_bool(), json[1]["valid"].as_bool()), (Some(true), Some(false)));
    assert!(json[1]["errors"][0]["message"].is_string());
    assert_eq!((json[0]["warnings"].as_array().unwrap().len(), fine.stderr.as_str()), (0, ""));
    assert_eq!(run(["policy", "check"]).code, 2);
    assert_eq!(run(["policy", "check", "nosuch.toml"]).code, 1);
    assert_eq!(run(["policy", "check", bad, "nosuch.toml"]).code, 1, "one was not checked");
}

#[test]
fn a_doubtful_policy_is_warned_about_and_valid() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("gap.toml");
    let guarded = "\n[[rules]]\nmethods = [\"GET\", \"POST\"]\npath = \"/v1/charges\"\nenvironments = [\"live\"]\n";
    let payments = std::fs::read_to_string(crate::run::workspace().join(POLICY)).unwrap();
    std::fs::write(&file, payments + guarded).unwrap();
    let file = file.to_str().unwrap();
    let warned = run(["policy", "check", file]);
    assert_eq!((warned.code, warned.stdout.lines().count()), (0, 1), "{}", warned.stderr);
    let words = "warning: `PUT`, `PATCH` and `DELETE` of this path fall to the rule on line ";
    assert!(warned.stderr.contains(words), "{}", warned.stderr);
    let json: Value = serde_json::from_str(&run(["policy", "check", "--json", file]).stdout).unwrap();
    assert_eq!((json[0]["valid"].as_bool(), json[0]["errors"].as_array().unwrap().len()), (Some(true), 0));
    assert!(json[0]["warnings"][0]["hint"].is_string() && json[0]["warnings"][0]["line"].is_u64());
}

#[test]
fn a_request_is_explained_check_by_check() {
    for (key, method, path, code, last) in [
        ("refunder", "GET", "/v1/refunds", 0, "allow"),
        ("viewer", "POST", "/v1/payouts", 3, "deny: 403 insufficient_scope"),
        ("revoked", "GET", "/v1/users/1", 3, "deny: 401 invalid_api_key"),
        ("narrow", "GET", "/v1/products/1", 3, "deny: 403 ip_not_allowed"),
    ] {
        let header = format!("Authorization: Bearer {{key:{key}}}");
        let done = run([
            "explain", "--policy", POLICY, "--keys", CASES, "--method", method, "--path", path, "--header", &header,
        ]);
        assert_eq!(done.code, code, "{key}: {}{}", done.stdout, done.stderr);
        let lines: Vec<_> = done.stdout.lines().collect();
        assert_eq!(lines.first(), Some(&format!("{method} {path} from 127.0.0.1").as_str()));
        assert!(lines.iter().any(|line| line.starts_with(last)), "{key}: {}", done.stdout);
        assert!(!done.stdout.contains("sk_"), "{key}: no key is printed");
    }
}

#[test]
fn an_access_token_is_explained_as_a_key_is() {
    const SCOPE: &str = "policies/scope/policy.toml";
    const CASES: &str = "policies/scope/cases.toml";
    for (credential, path, code, said) in [
        ("{token:narrow}", "/v1/documents", 0, "allow"),
        ("{token:of_user}", "/v1/documents", 0, "allow"),
        ("{token:narrow}", "/v1/indexes", 3, "deny: 403 insufficient_scope"),
        ("{token:revoked}", "/v1/documents", 3, "deny: 401 invalid_token"),
        ("{token:old}", "/v1/documents", 3, "deny: 401 expired_token"),
        (
            "{token:forged}",
            "/v1/documents",
            1,
            "error: tokens.forged: explain mints good tokens of our own only, and these have no `tampered`",
        ),
        (
            "{token:employee}",
            "/v1/documents",
            1,
            "error: tokens.employee: explain mints good tokens of our own only, and these have no `issuer`",
        ),
        ("{token:nosuch}", "/v1/documents", 2, "error: no token is called `nosuch`"),
        ("{key:service}", "/v1/documents", 1, "error: keys.service: nobody presents it"),
    ] {
        let header = format!("Authorization: Bearer {credential}");
        let done = run(["explain", "--policy", SCOPE, "--keys", CASES, "--path", path, "--header", &header]);
        let said_all = format!("{}{}", done.stdout, done.stderr);
        assert_eq!(done.code, code, "{credential}: {said_all}");
        assert!(said_all.lines().any(|line| line.starts_with(said)), "{credential}: {said_all}");
        assert!(!said_all.contains("eyJ"), "{credential}: no token is printed");
    }
    let header = "Authorization: Bearer {token:narrow}";
    let wrong = run(["explain", "--policy", POLICY, "--keys", CASES, "--path", "/", "--header", header]);
    assert_eq!(wrong.code, 1, "{}", wrong.stdout);
}

#[test]
fn what_a_key_is_tried_with_is_told_and_denies_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("keys.toml");
    let keys = "[organizations.shop]\nstate = \"active\"\n\
                [keys.tried]\nenvironment = \"live\"\norganization = \"shop\"\nscopes = [\"refunds:write\"]\n\
                [keys.tried.trial]\nscopes = []\nip = { allow = [\"192.0.2.0/24\"] }\n\
                endpoint = { allow = [\"GET /v1/users/**\"] }\n";
    let explain = |text: &str, from: &str, path: &str| {
        std::fs::write(&file, text).unwrap();
        let keys = file.to_str().unwrap();
        let header = "Authorization: Bearer {key:tried}";
        run([
            "explain", "--policy", POLICY, "--keys", keys, "--method", "POST", "--path", path, "--header", header,
            "--from", from,
        ])
    };
    for (from, path, observed) in [
        ("127.0.0.1", "/v1/refunds", "ip_not_allowed, endpoint_not_allowed, no_scopes"),
        ("192.0.2.7", "/v1/refunds", "endpoint_not_allowed, no_scopes"),
    ] {
        let done = explain(keys, from, path);
        assert_eq!(done.code, 0, "{}{}", done.stdout, done.stderr);
        let verdict = format!("allow, although observed restrictions say {observed}");
        assert!(done.stdout.lines().any(|line| line == verdict), "{}", done.stdout);
    }
    let wrong = explain(&keys.replace("scopes = []", "scope = []"), "127.0.0.1", "/v1/refunds");
    assert_eq!(wrong.code, 1, "{}", wrong.stdout);
    assert!(wrong.stderr.contains("unknown field `scope`"), "{}", wrong.stderr);
    let wrong = explain(&keys.replace("192.0.2.0/24", "192.0.2.1/24"), "127.0.0.1", "/v1/refunds");
    assert!(wrong.stderr.contains("keys.tried: trial.ip"), "{}", wrong.stderr);
}

#[test]
fn a_key_on_the_command_line_is_warned_about_and_stdin_is_not() {
    let control = Control::start();
    let key = control.admin(&["keys", "create", "x", "--environment", "live"]).stdout.trim().to_owned();
    let file = control.folder.path().join("bundle");
    let file = file.to_str().unwrap();
    let exported = finish(
        portcullis().args(["bundle", "export", "--control", &control.url, "--out", file]).envs(control.edge_env()),
        "",
    );
    assert_eq!(exported.code, 0, "{}", exported.stderr);
    let explain = |more: &[&str]| {
        let mut command = portcullis();
        command.args(["explain", "--bundle", file, "--path", "/v1/users/1"]).args(more).envs(control.edge_env());
        command
    };
    let pasted = finish(&mut explain(&["--header", &format!("Authorization: Bearer {key}")]), "");
    let piped = finish(&mut explain(&["--key-stdin"]), &format!("{key}\n"));
    let named = finish(explain(&[]).env("PORTCULLIS_KEY", &key), "");
    for (done, warned) in [(&pasted, true), (&piped, false), (&named, false)] {
        assert_eq!(done.code, 0, "{}{}", done.stdout, done.stderr);
        assert_eq!(done.stderr.contains("hint: --key-stdin"), warned, "{}", done.stderr);
        assert!(!done.stdout.contains(&key) && !done.stderr.contains(&key));
        assert_eq!(done.stdout, pasted.stdout);
    }

    let inspected = finish(portcullis().args(["bundle", "inspect", file]).envs(control.edge_env()), "");
    assert!(inspected.stdout.contains("payments, "), "{}{}", inspected.stdout, inspected.stderr);
    let mut bytes = std::fs::read(file).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    let tampered = control.folder.path().join("tampered");
    std::fs::write(&tampered, bytes).unwrap();
    for (file, keys, code, words) in [
        (file, control.edge_env(), 0, ""),
        (tampered.to_str().unwrap(), control.edge_env(), 3, "a blob is missing or was altered: none has the digest `"),
        (
            file,
            vec![("PORTCULLIS_PUBLIC_KEY".to_owned(), STRANGE.to_owned())],
            3,
            "signed by a key that is not configured",
        ),
        (POLICY, control.edge_env(), 3, "not a bundle file"),
        ("/nowhere", control.edge_env(), 1, "cannot read"),
        (file, Vec::new(), 2, "hint: --public-key"),
    ] {
        let done = finish(portcullis().args(["bundle", "verify", file]).envs(keys), "");
        assert_eq!(done.code, code, "{words}: {}", done.stderr);
        assert!(done.stderr.contains(words), "{words}: {}", done.stderr);
    }
}

#[test]
fn the_limits_of_a_request_are_told_and_not_counted() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("keys.toml");
    let keys = "[organizations.shop]\nstate = \"active\"\nmetered = true\n\
                rate = { requests = 9, seconds = 60, burst = 12 }\n\
                [keys.counted]\nenvironment = \"live\"\norganization = \"shop\"\nlimits = { quota = true }\n";
    let explain = |text: &str| {
        std::fs::write(&file, text).unwrap();
        let (keys, header) = (file.to_str().unwrap(), "Authorization: Bearer {key:counted}");
        run(["explain", "--policy", POLICY, "--keys", keys, "--path", "/v1/users/1", "--header", header])
    };
    let told = "organisation quota, cost 1; key quota, cost 1; rate 500 in 1 s, burst 1000, by key; \
                rate 9 in 60 s, burst 12, by organisation; what is left is not looked at";
    let done = explain(keys);
    assert_eq!(done.code, 0, "{}{}", done.stdout, done.stderr);
    assert!(done.stdout.lines().any(|line| line.ends_with(told)), "{}", done.stdout);
    for (from, to, words) in [
        ("requests = 9", "requests = 0", "organizations.shop: rate: `requests` and `burst` must be at least 1"),
        ("{ quota = true }", "{ meter = \"me\" }", "keys.counted: limits.meter: "),
    ] {
        let wrong = explain(&keys.replace(from, to));
        assert_eq!(wrong.code, 1, "{}{}", wrong.stdout, wrong.stderr);
        assert!(wrong.stderr.contains(words), "{}", wrong.stderr);
    }
}

#[test]
fn the_default_is_named_as_the_file_has_it() {
    let done = run(["explain", "--policy", POLICY, "--keys", CASES, "--path", "/nowhere"]);
    assert!(done.stdout.contains("no rule matches; default = `deny`"), "{}", done.stdout);
}

#[test]
fn explain_says_what_it_lacks() {
    for (arguments, code, words) in [
        (vec![], 2, "hint: --bundle FILE, --policy FILE or --key-id ID"),
        (vec!["--policy", POLICY, "--keys", "/nowhere"], 2, "cannot read `/nowhere`"),
        (vec!["--policy", POLICY, "--keys", "Cargo.lock"], 3, ""),
        (vec!["--policy", POLICY, "--header", "nonsense"], 2, "name: value"),
        (vec!["--policy", POLICY, "--header", "a: {key:nobody}"], 2, "no key is called `nobody`"),
        (vec!["--policy", POLICY, "--from", "here"], 2, "--from"),
        (vec!["--policy", POLICY, "--keys", "README.md"], 1, "README.md"),
        (vec!["--policy", "nosuch.toml"], 1, "cannot read the policy"),
        (vec!["--policy", "Cargo.toml"], 1, "Cargo.toml:"),
        (vec!["--bundle", "README.md", "--public-key", STRANGE], 1, "not a bundle file"),
        (vec!["--policy", POLICY], 3, "warning: no --keys given, so every key is unknown; hint: "),
        (vec!["--policy", POLICY, "--path", "v1/x"], 3, "hint: a path begins with `/`"),
        (vec!["--without-policy"], 3, ""),
    ] {
        let done = run([vec!["explain"], arguments.clone()].concat());
        assert_eq!(done.code, code, "{arguments:?}: {}{}", done.stdout, done.stderr);
        assert!(done.stderr.contains(words), "{arguments:?}: {}", done.stderr);
    }
}
