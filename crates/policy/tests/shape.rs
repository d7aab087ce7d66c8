//! Text that is not TOML, and TOML that is not a policy: every complaint names the place and the fix.
#![expect(clippy::expect_used, reason = "a test may stop where it stands")]

use portcullis_policy::parse;

/// The policy in `source` is refused, and the complaints' first and last lines are as expected.
#[track_caller]
fn check(source: &str, expect: &[&str]) {
    let refused = parse(source, "p.toml").expect_err("the policy must be refused").to_string();
    let drawn = |line: &&str| !line.starts_with(' ') && !line.is_empty();
    let found: Vec<&str> = refused.lines().filter(drawn).collect();
    assert_eq!(found, expect, "{refused}");
}

const HEAD: &str = "name='x'\nenvironments=['a']\ncredentials=[]\n";

#[test]
fn a_whole_diagnostic_shows_line_caret_and_hint() {
    let refused = parse("name = 'x'\ndefualt = 'deny'\n", "p.toml").expect_err("unknown field").to_string();
    let expect = "p.toml:2:1: error: unknown field `defualt`\n 2 | defualt = 'deny'\n   | ^^^^^^^\nhint: did you mean `default`? ";
    assert!(refused.starts_with(expect), "{refused}");
}

#[test]
fn only_the_first_syntax_error_is_reported() {
    check("name = 'x'\nname = 'y'\n", &["p.toml:2:1: error: duplicate key", "hint: remove one of the two"]);
    check(
        "name = \nkeys = ]\n",
        &[
            "p.toml:1:8: error: string values must be quoted, expected literal string",
            "hint: put the value in double quotes",
        ],
    );
}

#[test]
fn missing_fields() {
    check("", &["p.toml:1:1: error: missing field `name`", "hint: add `name = \"…\"`"]);
    check(&format!("{HEAD}keys=[]"), &["p.toml:1:1: error: missing field `rules`", "hint: add a table `[[rules]]`"]);
    check(
        &format!("{HEAD}keys=[]\n[[rules]]\nmethods=['GET']"),
        &["p.toml:5:1: error: missing field `path`", "hint: add `path = \"…\"`"],
    );
}

#[test]
fn every_entry_of_a_list_gets_its_own_complaint() {
    check(
        &format!(
            "{HEAD}wriet = 1\n[[rules]]\npth='/'\n[[rules]]\npath='/'\naccess='pblic'\n[[keys]]\nprefix='a'\nenvironment='a'\nbody_length='3'"
        ),
        &[
            "p.toml:4:1: error: unknown field `wriet`",
            "hint: known fields: `name`, `realm`, `docs_url`, `error_format`, `default`, `write_implies_read`, `preflight`, \
             `forward_credential`, `identity_headers`, `rate_limit_headers`, `environments`, `scopes`, `credentials`, `keys`, `tokens`, `services`, `rules`, `quota`, `rate_limits`, `messages`",
            "p.toml:6:1: error: unknown field `pth`",
            "hint: did you mean `path`? known fields: `methods`, `path`, `access`, `all`, `any`, `environments`, `service`, `cost`, `rate_limit`",
            "p.toml:9:8: error: unknown value `pblic`",
            "hint: did you mean `public`? known values: `key`, `public`",
            "p.toml:13:13: error: expected a whole number, zero or more, found the string `3`",
            "hint: write it without sign, point or quotes",
        ],
    );
}

#[test]
fn wrong_types() {
    let whole = "hint: write it without sign, point or quotes";
    let keys = |length| format!("{HEAD}rules=[]\n[[keys]]\nprefix='a'\nenvironment='a'\nbody_length={length}");
    check(&keys("-3"), &["p.toml:8:13: error: expected a whole number, zero or more, found `-3`", whole]);
    check(&keys("3.5"), &["p.toml:8:13: error: expected a whole number, zero or more, found `3.5`", whole]);
    check(
        &format!("{HEAD}keys=[]\n[rules]\npath='/'"),
        &[
            "p.toml:5:1: error: expected a list, found a table",
            "hint: an entry of a list of tables has double brackets: [[…]]",
        ],
    );
    check(
        &format!("{HEAD}keys=[]\nrules=[{{path='/',methods='GET'}}]"),
        &[
            "p.toml:5:26: error: expected a list, found the string `GET`",
            "hint: put the values in square brackets: [\"…\", \"…\"]",
        ],
    );
    check("name = 3", &["p.toml:1:8: error: expected a string, found `3`", "hint: put the value in double quotes"]);
    check(
        "forward_credential = 'no'\nname='x'",
        &[
            "p.toml:1:22: error: expected true or false, found the string `no`",
            "hint: write true or false, without quotes",
        ],
    );
}
