//! `portcullis serve` as a process: it starts, it stops when told, and says why it does not.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use crate::run::{Control, finish, portcullis, run, workspace};

#[test]
fn the_first_start_says_where_the_secrets_are() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let words = format!("new data folder {0}: administrator's token in {0}/admin-token", data.display());
    for is_first in [true, false] {
        let mut command = portcullis();
        command.args(["serve", "--listen", "127.0.0.1:0", "--policy", "policies/payments/policy.toml", "--data"]);
        let mut child = command.arg(&data).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut String::new()).unwrap();
        child.kill().unwrap();
        let said = String::from_utf8(child.wait_with_output().unwrap().stderr).unwrap();
        assert_eq!(said.contains(&words), is_first, "{said}");
    }
}

#[test]
fn a_signal_ends_it_in_order() {
    for signal in ["-TERM", "-INT"] {
        let mut control = Control::start();
        let id = control.process().id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
        assert_eq!(control.process().wait().unwrap().code(), Some(0), "{signal}");
    }
}

#[test]
fn a_kill_loses_nothing_that_was_answered() {
    let mut control = Control::start();
    for round in 0..3 {
        let name = format!("key {round}");
        let made = control.admin(&["keys", "create", &name, "--environment", "live", "--json"]);
        let made: serde_json::Value = serde_json::from_str(&made.stdout).unwrap();
        let id = made["id"].as_str().unwrap();
        assert_eq!(control.admin(&["keys", "revoke", id]).code, 0);
        control = control.kill_and_restart();
        let shown = control.admin(&["keys", "show", id]);
        assert!(shown.stdout.contains("status        revoked"), "{}{}", shown.stdout, shown.stderr);
    }
}

#[test]
fn what_it_cannot_start_with_is_named() {
    let control = Control::start();
    let address = control.url.strip_prefix("http://").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (data, own) = (folder.path().to_str().unwrap(), control.folder.path().to_str().unwrap());
    let invalid = folder.path().join("policy.toml");
    std::fs::write(&invalid, "name = 1\n").unwrap();
    let (good, bad) = ("policies/payments/policy.toml", invalid.to_str().unwrap());
    let doubtful = folder.path().join("doubtful.toml");
    let gap = "\n[[rules]]\nmethods = [\"POST\"]\npath = \"/v1/charges\"\nenvironments = [\"live\"]\n";
    std::fs::write(&doubtful, std::fs::read_to_string(workspace().join(good)).unwrap() + gap).unwrap();
    let doubtful = doubtful.to_str().unwrap();
    for (arguments, code, words) in [
        (
            vec!["--policy", good, "--data", data, "--listen", address],
            1,
            "hint: is another control plane running there?",
        ),
        (
            vec!["--policy", good, "--data", own, "--listen", "127.0.0.1:0"],
            1,
            "another control plane serves the data folder",
        ),
        (vec!["--policy", doubtful, "--data", data, "--listen", address], 1, "warning: `PUT`, `PATCH` and `DELETE`"),
        (vec!["--policy", bad, "--data", data], 1, "policy.toml:1:"),
        (vec!["--policy", "/nowhere", "--data", data], 1, "cannot read the policy"),
        (vec!["--data", data, "--listen", "127.0.0.1:0"], 2, "hint: give one, --policy FILE"),
        (vec!["--policy", good, "--listen", "here"], 2, "--listen"),
    ] {
        let done = run([vec!["serve"], arguments.clone()].concat());
        assert_eq!(done.code, code, "{arguments:?}: {}", done.stderr);
        assert!(done.stderr.contains(words), "{arguments:?}: {}", done.stderr);
    }
}

#[test]
fn help_and_version_are_data() {
    for arguments in [vec!["--version"], vec!["--help"], vec!["keys", "create", "--help"], vec!["explain", "--help"]] {
        let output = portcullis().args(&arguments).output().unwrap();
        assert!(output.status.success() && !output.stdout.is_empty(), "{arguments:?}");
    }
    assert_eq!(portcullis().output().unwrap().status.code(), Some(2), "nothing to do is wrong usage");
}

#[test]
fn requests_are_logged_for_programs_with_who_asked_and_without_what_they_proved_it_with() {
    let mut command = portcullis();
    command.args(["serve", "--listen", "127.0.0.1:0", "--policy", "policies/payments/policy.toml"]);
    let folder = tempfile::tempdir().unwrap();
    command.args(["--log", "info", "--log-format", "json", "--data"]).arg(folder.path());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    let url = line.trim().strip_prefix("portcullis listening on ").unwrap().to_owned();
    let token = folder.path().join("admin-token");
    let asked = ["keys", "list", "--json", "--control", &url, "--token-file", token.to_str().unwrap()];
    assert_eq!(run(asked).code, 0);
    assert!(Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap().success());
    let said = String::from_utf8(child.wait_with_output().unwrap().stderr).unwrap();
    assert!(!said.contains(std::fs::read_to_string(&token).unwrap().trim()));
    let lines = said.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let answered: Vec<_> = lines.filter(|line| line["message"] == "answered").collect();
    assert_eq!(answered.len(), 1, "{said}");
    let line = &answered[0];
    let fields = ["method", "route", "status", "caller", "level"].map(|name| line[name].clone());
    assert_eq!(fields, ["GET".into(), "/v1/keys".into(), serde_json::json!(200), "root".into(), "INFO".into()]);
    assert!(line["request_id"].as_str().unwrap().starts_with("req_") && line["ms"].is_u64(), "{line}");
    assert!(line["organization"].as_str().unwrap().starts_with("org_"), "{line}");
}

#[test]
fn a_database_is_chosen_by_its_url_and_its_password_is_never_said() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let url_file = folder.path().join("url");
    std::fs::write(&url_file, "postgres://me:s3cret@127.0.0.1:1/keys\n").unwrap();
    let serve = || {
        let mut command = portcullis();
        command.args(["serve", "--listen", "127.0.0.1:0", "--policy", "policies/payments/policy.toml", "--data"]);
        command.arg(&data);
        command
    };
    let given = |url: &str| finish(serve().env("PORTCULLIS_DATABASE_URL", url).env("PORTCULLIS_LOG", "trace"), "");
    for (done, words) in [
        (given("postgres://me:s3cret@127.0.0.1:1/keys"), "the database cannot be reached"),
        (given("mysql://me:s3cret@127.0.0.1/keys"), "this is no database's URL"),
        (given("postgres://me:s3cret@127.0.0.1/keys?sslmode=s3cret"), "cannot be read"),
        (given("postgres://me:s3cret@127.0.0.1/keys?s3cret"), "unknown parameter"),
        (finish(serve().args(["--database-url", "s3cret"]), ""), "this is no database's URL"),
        (finish(serve().arg("--database-url-file").arg(&url_file), ""), "can be read by others"),
    ] {
        assert_ne!(done.code, 0);
        assert!(done.stderr.contains(words), "{words}: {}", done.stderr);
        assert!(!done.stderr.contains("s3cret") && !done.stdout.contains("s3cret"), "{}", done.stderr);
    }
    let help = finish(portcullis().args(["serve", "--help"]).env("PORTCULLIS_DATABASE_URL", "s3cret"), "");
    assert!(!help.stdout.contains("s3cret"));
}
