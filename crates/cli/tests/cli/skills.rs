//! `portcullis skills`, and keys that belong to one.

use serde_json::Value;

use crate::run::{Control, Done};

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| panic!("{text}"))
}

fn id(made: &Done) -> String {
    json(&made.stdout)["id"].as_str().unwrap().to_owned()
}

fn check(done: &Done, code: i32, words: &str) {
    let told = format!("{}{}", done.stdout, done.stderr);
    assert_eq!(done.code, code, "{words}: {told}");
    assert!(told.contains(words), "{words}: {told}");
}

#[test]
fn a_skill_from_its_services_to_its_end() {
    let control = Control::with_services();
    let create = ["skills", "create", "forecast", "--team", "--use", "weather:weather_api_key,weather_user", "--json"];
    let made = control.admin(&create);
    check(&made, 0, "there is no secret `weather_user` yet: `portcullis secrets set weather_user --team` makes it");
    let skill = id(&made);
    let key = ["keys", "create", "till", "--environment", "live", "--skill", &skill, "--json"];
    let key = id(&control.admin(&key));
    for (arguments, code, words) in [
        (vec!["skills", "list"], 0, "weather:weather_api_key,weather_user"),
        (vec!["skills", "list"], 0, "2 secrets missing"),
        (vec!["skills", "show", &skill], 0, "weather: weather_api_key (missing), weather_user (missing)"),
        (vec!["skills", "update", &skill, "--use", "crm", "--use", "weather:w"], 0, "version       2"),
        (vec!["skills", "update", &skill, "--description", "rain or shine"], 0, "rain or shine"),
        (vec!["keys", "show", &key], 0, &skill),
        (vec!["skills", "show", &skill], 0, "keys          1"),
        (vec!["skills", "delete", &skill], 1, "1 key belongs to this skill (skill_in_use)\nhint: "),
        (vec!["skills", "delete", &skill], 1, "with `--force` it is deleted all the same"),
        (vec!["keys", "update", &key, "--no-skill"], 0, "enforced from version "),
        (vec!["skills", "show", &skill], 0, "keys          0"),
        (vec!["keys", "update", &key, "--skill", &skill], 0, &skill),
        (vec!["skills", "delete", &skill, "--force", "--json"], 0, &skill),
        (vec!["skills", "list", "--json"], 0, "[]"),
    ] {
        check(&control.admin(&arguments), code, words);
    }
}

#[test]
fn a_published_skill_is_installed_and_upgraded() {
    let control = Control::with_services();
    let create = ["skills", "create", "forecast", "--team", "--use", "weather:weather_api_key", "--json"];
    let skill = id(&control.admin(&create));
    let acme = id(&control.admin(&["organizations", "create", "acme", "--json"]));
    check(&control.admin(&["skills", "published", "--json"]), 0, "[]");
    check(&control.admin(&["skills", "publish", &skill]), 0, "published     1");
    check(&control.admin(&["skills", "published"]), 0, "weather:weather_api_key");
    let install = ["skills", "install", &skill, "--name", "rain", "--team", "--organization", &acme, "--json"];
    let late = ["skills", "install", &skill, "--team", "--organization", &acme, "--version", "7"];
    check(&control.admin(&late), 1, "version 1 of the skill is published, not 7");
    let made = control.admin(&install);
    check(
        &made,
        0,
        "it uses the secrets `weather_api_key`, which are yours to supply\nthere is no secret `weather_api_key` yet",
    );
    let installed = id(&made);
    for (arguments, code, words) in [
        (vec!["skills", "show", &installed], 0, skill.as_str()),
        (vec!["skills", "update", &installed, "--use", "crm"], 1, "upgrad"),
        (vec!["skills", "update", &skill, "--use", "crm"], 0, "version       2"),
        (vec!["skills", "publish", &skill], 0, "published     2"),
        (vec!["skills", "list", "--organization", &acme], 0, "installed, 2 is there"),
        (vec!["skills", "upgrade", &installed, "--version", "1"], 1, "version 2 of the skill is published, not 1"),
        (vec!["skills", "upgrade", &installed, "--version", "2"], 0, "version 2\nit uses no secrets\n"),
        (vec!["skills", "show", &installed], 0, "version         2"),
        (vec!["skills", "unpublish", &skill], 0, "published     none"),
        (vec!["skills", "published", "--json"], 0, "[]"),
        (vec!["skills", "show", &installed], 0, "crm"),
    ] {
        check(&control.admin(&arguments), code, words);
    }
}

#[test]
fn what_goes_wrong_is_said_with_a_hint_and_an_exit_code() {
    let control = Control::with_services();
    let names =
        "error: a service is followed by names of secrets, never by a value\nhint: --use weather:weather_api_key";
    for (arguments, code, words) in [
        (vec!["skills", "create", "x"], 2, "no service given\nhint: --use weather:weather_api_key"),
        (
            vec!["skills", "create", "x", "--team", "--use", "moon:a"],
            1,
            "error: service `moon`: the policy has no such service; ",
        ),
        (vec!["skills", "create", "x", "--team", "--use", "weather:a", "--use", "weather:b"], 1, "is there twice"),
        (vec!["skills", "create", "x", "--team", "--use", "crm:w"], 1, "the policy lets no secret go to `crm`"),
        (vec!["skills", "create", "x", "--use", "weather:Hunter2-Hunter2"], 2, names),
        (vec!["skills", "create", "X", "--team", "--use", "weather:a"], 1, "expected 1 to 64 lower-case letters"),
        (vec!["skills", "update", "skl_0000000000000000"], 2, "nothing to change\nhint: give --use or --description"),
        (vec!["skills", "show", "skl_0000000000000000"], 1, "(not_found)"),
        (vec!["skills", "install", "skl_0000000000000000", "--team"], 1, "(not_found)"),
        (vec!["keys", "create", "x", "--environment", "live", "--skill", "skl_x"], 1, "skill `skl_x`: "),
        (vec!["keys", "update", "key_0000000000000000"], 2, "nothing to change\nhint: give --skill or --no-skill"),
        (vec!["keys", "update", "key_0000000000000000", "--no-skill"], 1, "there is no such key"),
        (vec!["keys", "update", "key_0000000000000000", "--skill", "a", "--no-skill"], 2, "cannot be used with"),
    ] {
        let done = control.admin(&arguments);
        check(&done, code, words);
        assert!(!done.stderr.contains("Hunter2"), "{}", done.stderr);
    }
}
