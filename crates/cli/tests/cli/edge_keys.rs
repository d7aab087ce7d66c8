//! `portcullis edge-keys`: pairs, pins, and sealing again.

use serde_json::Value;

use crate::run::{Control, Done, finish, portcullis, run};

const VALUE: &str = "v-correct-horse-1";
const OTHER: &str = "v-battery-staple-2";

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| panic!("{text}"))
}

/// The public key of a pair that was just made: the last word of the first line.
fn public(made: &Done) -> String {
    made.stderr.lines().next().unwrap().rsplit(' ').next().unwrap().to_owned()
}

fn check(done: &Done, code: i32, words: &str) {
    let told = format!("{}{}", done.stdout, done.stderr);
    assert_eq!(done.code, code, "{words}: {told}");
    assert!(told.contains(words), "{words}: {told}");
    assert!(!told.contains(VALUE) && !told.contains(OTHER), "{words}: {told}");
}

#[test]
fn a_pair_is_made_here_and_its_private_half_is_printed_once() {
    let control = Control::with_services();
    let alone = run(["edge-keys", "generate", "--no-add"]);
    let private = alone.stdout.trim().strip_prefix("PORTCULLIS_EDGE_KEYS=").unwrap();
    assert!(private.len() == 72 && !alone.stderr.contains(private), "{alone:?}");
    assert!(alone.stdout.lines().count() == 1 && alone.stderr.contains("`edge_keys_env`"), "{alone:?}");
    let of_private: portcullis_sdk::seal::PrivateKey = private.parse().unwrap();
    assert_eq!(of_private.public().to_string(), public(&alone));

    let made = control.admin(&["edge-keys", "generate", "--description", "the edges in Berlin"]);
    check(&made, 0, "secrets that are entered from now on are sealed to it too");
    let listed = control.admin(&["edge-keys", "list"]).stdout;
    assert!(listed.contains(&public(&made)) && listed.contains("the edges in Berlin"), "{listed}");
    assert!(!listed.contains(&public(&alone)), "{listed}");
    let as_json = json(&control.admin(&["edge-keys", "generate", "--json"]).stdout);
    assert!(as_json["env"].as_str().unwrap().starts_with("PORTCULLIS_EDGE_KEYS="), "{as_json}");
    let nowhere = run(["edge-keys", "generate", "--token", "pca_x", "--control", "http://127.0.0.1:1"]);
    check(&nowhere, 1, "error: it is made, and not added: the control plane cannot be reached");
}

#[test]
fn keys_are_added_listed_and_removed() {
    let control = Control::with_services();
    let key = public(&run(["edge-keys", "generate", "--no-add"]));
    let id = &key[..16];
    let zero = "0".repeat(64);
    for (arguments, code, words) in [
        (vec!["edge-keys", "list", "--json"], 0, "[]"),
        (vec!["edge-keys", "add", "abc"], 2, "not an X25519 key: expected 64 hexadecimal digits"),
        (vec!["edge-keys", "add", &zero], 1, "anybody could open what is sealed to it"),
        (vec!["edge-keys", "add", &key, "--description", "spare"], 0, "spare"),
        (vec!["edge-keys", "add", &key], 1, "(already_exists)"),
        (vec!["edge-keys", "list"], 0, "SECRETS NOT SEALED TO IT"),
        (vec!["edge-keys", "remove", "0011223344556677"], 1, "(not_found)"),
        (vec!["edge-keys", "remove", &key], 0, "enforced from version "),
        (vec!["edge-keys", "add", &key, "--json"], 0, id),
        (vec!["edge-keys", "remove", id, "--json"], 0, id),
        (vec!["edge-keys", "rotate"], 1, "hint: whoever runs them makes one with `portcullis edge-keys generate`"),
    ] {
        check(&control.admin(&arguments), code, words);
    }
}

#[test]
fn after_a_key_was_added_what_is_at_hand_is_sealed_again_and_the_rest_is_listed() {
    let control = Control::with_services();
    let old = public(&control.admin(&["edge-keys", "generate"]));
    for name in ["weather_api_key", "crm_token"] {
        check(&control.admin_with(&["secrets", "set", name, "--team"], VALUE), 0, name);
    }
    check(&control.admin(&["edge-keys", "rotate"]), 0, "each of these secrets is sealed to every key");
    check(
        &control.admin(&["edge-keys", "remove", &old]),
        1,
        "hint: let their values be entered again first; with `--force`",
    );
    let made = control.admin(&["edge-keys", "generate"]);
    check(&made, 0, "secrets that were there are not: `portcullis edge-keys rotate` lists them");
    let new = public(&made);
    check(
        &control.admin(&["edge-keys", "rotate"]),
        3,
        "2 secrets are not sealed to every key: enter their values again",
    );
    check(&control.admin(&["secrets", "list", "--unsealed", &new[..16]]), 0, "crm_token");

    let values = control.folder.path().join("values");
    let rotate = |text: &str, more: &[&str]| {
        std::fs::write(&values, text).unwrap();
        control.admin(&[&["edge-keys", "rotate", "--values", values.to_str().unwrap()][..], more].concat())
    };
    for (text, code, words) in [
        (format!("crm_token {VALUE}"), 2, "error: line 1 of the values: expected NAME=VALUE\n"),
        (
            format!("# these\n\ncrm_token={VALUE}\ncrm_token={OTHER}"),
            2,
            "line 4 of the values: its name is there twice",
        ),
        (
            "crm_token=abc".to_owned(),
            2,
            "line 1 of the values: the value is too short\nhint: a secret has 8 to 4096 bytes",
        ),
        (format!("stripe={OTHER}"), 3, "left as it is: `stripe` is sealed to every key, or there is no such secret"),
        (format!("# these\r\n\r\ncrm_token={OTHER}\r\n"), 3, "sealed `crm_token` again"),
    ] {
        check(&rotate(&text, &[]), code, words);
    }
    check(&rotate(&format!("weather_api_key={VALUE}\n"), &["--edge-key", &old]), 1, &format!("not pinned: `{new}`"));
    let left = json(&control.admin(&["edge-keys", "rotate", "--json"]).stdout);
    assert_eq!((left.as_array().unwrap().len(), &left[0]["name"]), (1, &Value::from("weather_api_key")));
    let last = control.admin_with(&["edge-keys", "rotate", "--values", "-"], &format!("weather_api_key={VALUE}"));
    check(&last, 0, "sealed `weather_api_key` again");
    check(&control.admin(&["edge-keys", "remove", &old[..16]]), 0, "its private half opens nothing any more");
    check(&control.admin(&["edge-keys", "remove", &new, "--force"]), 0, "removed");
}

#[test]
fn nothing_is_sealed_to_a_key_that_is_not_pinned() {
    let control = Control::with_services();
    let [ours, theirs] = [(); 2].map(|()| public(&control.admin(&["edge-keys", "generate"])));
    let token = control.folder.path().join("admin-token");
    let set = |pins: &str, arguments: &[&str]| {
        let mut command = portcullis();
        command.args(["secrets", "set", "weather_api_key", "--team", "--control", &control.url]).args(arguments);
        command.arg("--token-file").arg(&token).env("PORTCULLIS_EDGE_PUBLIC_KEYS", pins);
        finish(&mut command, VALUE)
    };
    let unpinned = format!(
        "error: the control plane publishes a key of the edges that is not pinned: `{theirs}`\nhint: ask whoever runs the edges; \
         if they added it, pin it too, and if they did not, somebody is after your secrets\n"
    );
    let both = format!("{ours}, {theirs}");
    for (pins, arguments, code, words) in [
        (ours.as_str(), &[][..], 1, unpinned.as_str()),
        ("", &["--edge-key", &ours], 1, &unpinned),
        (&both, &["--edge-key", &ours], 1, &unpinned),
        (VALUE, &[], 2, "error: PORTCULLIS_EDGE_PUBLIC_KEYS: not an X25519 key"),
        ("", &["--edge-key", ""], 2, "error: --edge-key: not an X25519 key"),
        (&both, &[], 0, "made sec_"),
        (&ours, &["--edge-key", &ours, "--edge-key", &theirs], 0, "replaced the value of sec_"),
        ("", &[], 2, "error: PORTCULLIS_EDGE_PUBLIC_KEYS: it is set, and there is no key in it\nhint: "),
        (" \n", &[], 2, "error: PORTCULLIS_EDGE_PUBLIC_KEYS: it is set, and there is no key in it\nhint: "),
        (",", &[], 2, "error: PORTCULLIS_EDGE_PUBLIC_KEYS: not an X25519 key"),
    ] {
        check(&set(pins, arguments), code, words);
    }
}
