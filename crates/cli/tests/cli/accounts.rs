//! `portcullis members`, `tokens`, `organizations` and `whoami`, and the link of the first owner.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use serde_json::Value;

use crate::run::{Control, finish, portcullis};

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn organisations_members_and_tokens_from_the_command_line() {
    let control = Control::start();
    let made = json(&control.admin(&["organizations", "create", "acme", "--json"]).stdout);
    let acme = made["id"].as_str().unwrap();
    for (arguments, code, words) in [
        (vec!["organizations", "list"], 0, "active, default"),
        (vec!["organizations", "rename", acme, "acme ltd"], 0, "acme ltd"),
        (vec!["organizations", "suspend", acme], 0, "suspended"),
        (vec!["organizations", "activate", acme], 0, "active"),
        (vec!["whoami"], 0, "whoever holds the administrator's token"),
        (
            vec!["members", "invite", "ada@example.com", "--role", "owner", "--organization", acme],
            0,
            "/invitations/pci_",
        ),
        (vec!["members", "list", "--organization", acme], 0, "invited until"),
        (vec!["members", "role", "ada@example.com", "viewer", "--organization", acme], 1, "is no member there"),
        (vec!["members", "remove", "usr_0000000000000000"], 1, "(not_found)"),
        (
            vec!["members", "invite", "ada@example.com", "--role", "king"],
            2,
            "possible values: owner, admin, member, viewer",
        ),
        (vec!["tokens", "create", "ci", "--scope", "keys:read"], 1, "only people have personal tokens"),
        (vec!["tokens", "create", "ci", "--service", "--scope", "keys:all"], 1, "there is no such scope"),
        (vec!["tokens", "revoke", "pct_0123456789"], 2, "that is not a token's id"),
    ] {
        let done = control.admin(&arguments);
        assert_eq!(done.code, code, "{arguments:?}: {}", done.stderr);
        assert!(format!("{}{}", done.stdout, done.stderr).contains(words), "{arguments:?}: {}", done.stdout);
    }
}

#[test]
fn a_token_stands_in_for_the_administrators() {
    let control = Control::start();
    let made = control.admin(&["tokens", "create", "ci", "--service", "--scope", "keys:read,keys:write"]);
    let token = made.stdout.trim();
    assert!(
        token.starts_with("pct_") && token.len() == 44 && !made.stderr.contains(token),
        "stdout is the token alone"
    );
    let ci = |arguments: &[&str]| {
        let mut command = portcullis();
        command.args(arguments).args(["--control", &control.url]);
        finish(command.env("PORTCULLIS_TOKEN", token).env("PORTCULLIS_ADMIN_TOKEN", "pca_wrong"), "")
    };
    assert_eq!(ci(&["keys", "create", "till", "--environment", "live"]).code, 0);
    let me = ci(&["whoami"]);
    assert!(me.stdout.contains("a service with the token `ci`") && me.stdout.contains("keys:read keys:write"));
    let refused = ci(&["members", "list"]);
    assert!(refused.code == 1 && refused.stderr.contains("`members:read`"), "{}", refused.stderr);
    let listed = json(&control.admin(&["tokens", "list", "--json"]).stdout);
    assert!(listed[0]["last_used"].is_string() && !listed.to_string().contains(token));
    assert_eq!(control.admin(&["tokens", "revoke", listed[0]["id"].as_str().unwrap()]).code, 0);
    let gone = ci(&["keys", "list"]);
    assert!(gone.code == 1 && gone.stderr.contains("refused the token"), "{}", gone.stderr);
}

#[test]
fn the_first_start_prints_the_first_owners_link_and_so_does_each_until_there_is_one() {
    let folder = tempfile::tempdir().unwrap();
    let mut links = Vec::new();
    for _ in 0..2 {
        let mut command = portcullis();
        command.args(["serve", "--listen", "127.0.0.1:0", "--policy", "policies/payments/policy.toml", "--public-url"]);
        command.args(["https://control.example.com", "--data"]).arg(folder.path());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut String::new()).unwrap();
        child.kill().unwrap();
        let said = String::from_utf8(child.wait_with_output().unwrap().stderr).unwrap();
        let start = "first owner: open https://control.example.com/welcome/pci_";
        let lines: Vec<_> = said.lines().filter(|line| line.starts_with(start)).map(str::to_owned).collect();
        assert_eq!(lines.len(), 1, "{said}");
        links.extend(lines);
    }
    assert_ne!(links[0], links[1]);
}

#[test]
fn the_audit_log_says_more_of_an_entry() {
    let control = Control::start();
    let made = control.admin(&["keys", "create", "till", "--environment", "live", "--scope", "refunds:read", "--json"]);
    control.admin(&["keys", "disable", json(&made.stdout)["id"].as_str().unwrap()]);
    let listed = control.admin(&["audit"]).stdout;
    assert!(listed.lines().next().unwrap().ends_with("  DETAIL"), "{listed}");
    assert!(listed.contains("  enabled="), "{listed}");
}
