//! `portcullis secrets`: values go in and never come out.

use serde_json::Value;

use crate::run::{Control, Done, finish, portcullis};

const VALUE: &str = "v-correct-horse-1";
const OTHER: &str = "v-battery-staple-2";

fn check(done: &Done, code: i32, words: &str) {
    let told = format!("{}{}", done.stdout, done.stderr);
    assert_eq!(done.code, code, "{words}: {told}");
    assert!(told.contains(words), "{words}: {told}");
    assert!(!told.contains(VALUE) && !told.contains(OTHER), "{words}: {told}");
}

/// A control plane to which values can be sealed.
fn start() -> Control {
    let control = Control::with_services();
    assert_eq!(control.admin(&["edge-keys", "generate"]).code, 0);
    control
}

#[test]
fn a_secret_from_its_first_value_to_its_end() {
    let control = start();
    let set = ["secrets", "set", "weather_api_key", "--team"];
    let made = control.admin_with(&[&set[..], &["--description", "of the forecasts", "--json"]].concat(), VALUE);
    check(&made, 0, "\"revision\": 1");
    let made: Value = serde_json::from_str(&made.stdout).unwrap();
    let id = made["id"].as_str().unwrap();
    check(&control.admin_with(&set, &format!("{OTHER}\n")), 0, "revision 2");
    check(&control.admin(&["secrets", "list", "--unused", "--json"]), 0, id);
    let used = ["skills", "create", "forecast", "--team", "--use", "weather:weather_api_key"];
    check(&control.admin(&used), 0, "weather: weather_api_key (the team's)");
    for (arguments, code, words) in [
        (vec!["list"], 0, "of the forecasts"),
        (vec!["list", "--json"], 0, id),
        (vec!["list", "--unused", "--json"], 0, "[]"),
        (vec!["list", "--unsealed", "0011223344556677"], 0, "NOT SEALED TO"),
        (vec!["list", "--unsealed", "x"], 1, "16 hexadecimal digits"),
        (vec!["show", "weather_api_key"], 0, "of the forecasts"),
        (vec!["show", id, "--json"], 0, "forecast"),
        (vec!["show", "crm_token"], 1, "error: there is no such secret: `crm_token`\nhint: `portcullis secrets list`"),
        (vec!["show", "sec_0000000000000000"], 1, "error: there is no such secret: `sec_0000000000000000`"),
        (vec!["show", VALUE], 2, "error: that is not a name for a secret\n"),
        (
            vec!["describe", "weather_api_key", "x"],
            1,
            "you have no secret `weather_api_key`, the team has\nhint: --team",
        ),
        (vec!["describe", "weather_api_key", "for tomorrow", "--team"], 0, "for tomorrow"),
        (vec!["describe", id, "for today"], 0, "for today"),
        (vec!["delete", "weather_api_key"], 1, "hint: --team means the team's"),
        (vec!["delete", "weather_api_key", "--team"], 1, "`forecast` (skl_"),
        (
            vec!["delete", "weather_api_key", "--team"],
            1,
            "uses this secret (secret_in_use)\nhint: with `--force` it is deleted",
        ),
        (vec!["delete", "weather_api_key", "--team", "--force"], 0, "enforced from version "),
        (vec!["list", "--json"], 0, "[]"),
    ] {
        check(&control.admin(&[&["secrets"], &arguments[..]].concat()), code, words);
    }
}

#[test]
fn a_value_on_the_command_line_is_refused_unseen() {
    let control = start();
    let said = "error: the value of a secret does not stand on the command line: others see it, and the shell keeps it\n\
                hint: give it on stdin, `portcullis secrets set NAME < FILE`";
    let option =
        "error: an option is none that this command has, or has a value that it does not take; it is not repeated";
    let given = format!("--team={VALUE}");
    let with_sign = format!("--{VALUE}");
    let behind = format!("--value={VALUE}");
    let equals = format!("weather_api_key={VALUE}");
    for (arguments, words) in [
        (vec!["weather_api_key", VALUE], said),
        (vec!["weather_api_key", VALUE, "--team"], said),
        (vec!["weather_api_key", "--team", VALUE], said),
        (vec!["weather_api_key", &with_sign], option),
        (vec!["weather_api_key", &behind], option),
        (vec!["weather_api_key", "--teams"], option),
        (vec!["weather_api_key", &given], option),
        (vec![&with_sign, "weather_api_key"], option),
        (vec!["weather_api_key", "--", VALUE], said),
        (vec![&equals], "error: that is not a name for a secret\nhint: lower-case letters"),
    ] {
        let mut command = portcullis();
        command.args(["secrets", "set"]).args(&arguments).args(["--control", &control.url]);
        check(&finish(command.env("PORTCULLIS_TOKEN", "pct_x"), VALUE), 2, words);
    }
}

#[test]
fn what_is_no_value_is_told_without_repeating_it() {
    let control = start();
    let long = "v-correct-horse-1".repeat(300);
    for (value, code, words) in [
        ("", 2, "error: there is no value\n"),
        ("\n", 2, "error: there is no value\n"),
        ("v-corre", 2, "error: the value is too short\nhint: a secret has 8 to 4096 bytes\n"),
        (&long, 2, "error: the value is too long\nhint: a secret has 8 to 4096 bytes\n"),
        ("v-correct\thorse-1", 2, "error: the value has a control character in it\nhint: a secret is one line"),
        ("v-correct-horse-1\nv-battery-staple-2\n", 2, "error: the value has a control character in it\n"),
        ("of-the-forecasts", 1, "error: the value is in the secret's name or description, which others see\n"),
    ] {
        let set = ["secrets", "set", "weather_api_key", "--team", "--description", "of-the-forecasts"];
        let done = control.admin_with(&set, value);
        check(&done, code, words);
        assert!(value.trim().is_empty() || !done.stderr.contains(value), "{}", done.stderr);
    }
    check(&control.admin_with(&["secrets", "list", "--json"], ""), 0, "[]");
}

#[test]
fn what_is_stored_and_logged_holds_no_value() {
    let control = start();
    check(&control.admin_with(&["secrets", "set", "weather_api_key", "--team"], VALUE), 0, "made");
    let token = control.folder.path().join("admin-token");
    let mut set = portcullis();
    set.args(["secrets", "set", "weather_api_key", "--team", "--control", &control.url, "--token-file"]).arg(token);
    check(&finish(&mut set, OTHER), 0, "replaced");
    check(&control.admin(&["audit"]), 0, "secret.");
    let folder = control.kill();
    for file in std::fs::read_dir(folder.path()).unwrap() {
        let Ok(bytes) = std::fs::read(file.unwrap().path()) else { continue };
        for value in [VALUE, OTHER] {
            assert!(!bytes.windows(value.len()).any(|it| it == value.as_bytes()));
        }
    }
}

#[test]
fn without_a_key_nothing_is_sent() {
    let control = Control::with_services();
    let done = control.admin_with(&["secrets", "set", "weather_api_key", "--team"], VALUE);
    let words = "error: there is nothing to seal to: the edges have no key\nhint: whoever runs them makes one with";
    check(&done, 1, words);
}

#[test]
fn ones_own_comes_before_the_teams_and_stays_ones_own() {
    let control = start();
    let (ada, bob) = (control.person("ada@example.com", "admin"), control.person("bob@example.com", "member"));
    check(&ada.runs(&["secrets", "set", "crm_token", "--team"], VALUE), 0, "the team");
    check(&bob.runs(&["secrets", "show", "crm_token"], ""), 0, "the team");
    check(&bob.runs(&["secrets", "set", "crm_token"], OTHER), 0, "made sec_");
    check(&bob.runs(&["secrets", "show", "crm_token"], ""), 0, "bob@example.com");
    check(&bob.runs(&["secrets", "show", "crm_token", "--team"], ""), 0, "the team");
    check(&bob.runs(&["secrets", "set", "crm_token"], VALUE), 0, "revision 2");
    let theirs = ada.runs(&["secrets", "list", "--json"], "");
    let theirs: Value = serde_json::from_str(&theirs.stdout).unwrap();
    let of_bob = theirs.as_array().unwrap().iter().find(|it| it["owner"] == "bob@example.com").unwrap();
    check(&ada.runs(&["secrets", "describe", of_bob["id"].as_str().unwrap(), "x"], ""), 1, "only they can do this");
    check(&ada.runs(&["secrets", "delete", of_bob["id"].as_str().unwrap()], ""), 0, "deleted");
    check(&bob.runs(&["secrets", "delete", "crm_token", "--team"], ""), 1, "error: ");
}
