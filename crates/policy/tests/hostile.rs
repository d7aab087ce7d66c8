//! Texts made to cost much: what is said of them is little, and short.

use portcullis_policy::{Diagnostics, check, parse};

const MOST: usize = 20;
const HEAD: &str = "name='x'\nenvironments=['e']\n";
const CREDENTIALS: &str = "credentials=[{in='header',name='x-api-key'}]\n";
const KEYS: &str = "keys=[{prefix='k_',environment='e',body_length=32}]\n";

/// So many complaints, none of which repeats a long line.
#[track_caller]
fn is_short(said: &Diagnostics, complaints: usize) {
    assert_eq!(said.entries().len(), complaints);
    for position in said.entries().iter().filter_map(|it| it.position.as_ref()) {
        assert!(position.text.chars().count() <= 202 && position.width <= 202 && position.before <= 202);
    }
    let printed = said.to_string();
    assert!(printed.len() <= complaints * 2_000, "{} bytes", printed.len());
}

#[test]
fn a_list_of_nonsense_on_one_line() {
    let nonsense = |list: &str, others: &str| format!("{HEAD}{others}{list}=[{}]\n", "1,".repeat(500_000));
    for (list, others) in [
        ("credentials", format!("{KEYS}rules=[]\n")),
        ("keys", format!("{CREDENTIALS}rules=[]\n")),
        ("rules", format!("{CREDENTIALS}{KEYS}")),
    ] {
        is_short(&parse(&nonsense(list, &others), "p.toml").expect_err("no policy"), MOST);
    }
}

#[test]
fn nonsense_in_every_list() {
    let list = |name: &str| format!("{name}=[{}]\n", "1,".repeat(8));
    let text = format!("{HEAD}{}{}{}", list("credentials"), list("keys"), list("rules"));
    let said = parse(&text, "p.toml").expect_err("no policy");
    is_short(&said, MOST);
    let lines: Vec<_> = said.entries().iter().filter_map(|it| it.position.as_ref()).map(|it| it.line).collect();
    assert_eq!([3, 4, 5].map(|line| lines.iter().filter(|it| **it == line).count()), [8, 8, 4]);
}

#[test]
fn many_warnings_on_one_line() {
    let rules = (0..200).map(|it| format!("{{methods=['POST'],path='/r{it}',all=['a:write']}},"));
    let rules: String = rules.chain(["{path='/**'}".to_owned()]).collect();
    let text = format!("{HEAD}scopes=['a:write']\n{CREDENTIALS}{KEYS}rules=[{rules}]\n");
    let warnings = check(&text, "p.toml").expect("a policy").warnings.expect("and doubtful");
    is_short(&warnings, MOST);
}

#[test]
fn a_syntax_error_behind_a_long_line() {
    is_short(&parse(&format!("a=[{}", "1,".repeat(500_000)), "p.toml").expect_err("no TOML"), 1);
    is_short(&parse(&"]".repeat(100_000), "p.toml").expect_err("no TOML"), 1);
}

#[test]
fn names_too_long_to_be_compared_get_no_hint() {
    let (one, other) = ("a".repeat(400_000), "b".repeat(400_000));
    let key = format!("keys=[{{prefix='k_',environment='{other}',body_length=32}}]\n");
    let text = format!("name='x'\nenvironments=['{one}']\n{CREDENTIALS}{key}rules=[]\n");
    let said = check(&text, "p.toml").expect_err("unknown environment");
    assert_eq!(said.entries().len(), 1);
    assert!(said.entries().iter().all(|it| it.message.starts_with("unknown environment `bbb") && it.hint.is_none()));
}

#[test]
fn thousands_of_formats_and_a_text_full_of_their_prefixes() {
    let formats = (0..5_000).map(|it| format!("{{prefix='a{it}',environment='e',body_length=9}},"));
    let same = (0..2_000).map(|_| "{prefix='a',environment='e',body_length=200,min_body_length=12},".to_owned());
    let formats: String = formats.chain(same).collect();
    let text = format!("{HEAD}{CREDENTIALS}rules=[]\nkeys=[{formats}]\n#{}\n", "a".repeat(600_000));
    is_short(&check(&text, "p.toml").expect_err("refused by the engine"), 1);
}
