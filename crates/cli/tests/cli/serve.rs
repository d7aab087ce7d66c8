//! `portcullis serve` as a process: it starts, it stops when told, and says why it does not.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use crate::run::{Control, portcullis, run, workspace};

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
