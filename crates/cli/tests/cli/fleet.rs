//! `portcullis edges`, `receipt`, `denials` and `usage` against a control plane that no edge reports to.

use serde_json::Value;

use crate::run::Control;

#[test]
fn a_control_plane_without_edges_says_so() {
    let control = Control::start();
    let made = control.admin(&["keys", "create", "till", "--environment", "live", "--json"]);
    let made: Value = serde_json::from_str(&made.stdout).unwrap();
    let id = made["id"].as_str().unwrap();
    for arguments in [
        vec!["keys", "create", "till 2", "--environment", "live", "--wait"],
        vec!["keys", "restrict", id, "--ip-allow", "10.0.0.0/8", "--wait"],
        vec!["keys", "rotate", id, "--overlap", "60", "--wait"],
        vec!["keys", "revoke", id, "--wait"],
    ] {
        let done = control.admin(&arguments);
        assert!(
            done.code == 0 && done.stderr.ends_with("no edge has reported yet\n"),
            "{arguments:?}: {}",
            done.stderr
        );
    }
    let revoked = control.admin(&["keys", "revoke", id]).stderr;
    let version = revoked.split("version ").nth(1).unwrap().split(' ').next().unwrap();
    for (arguments, code, stdout) in [
        (vec!["receipt", version, "--wait", "5"], 3, "no edge has reported yet"),
        (vec!["receipt", version, "--json"], 3, "\"complete\": false"),
        (vec!["receipt", "7"], 1, ""),
        (vec!["receipt", version, "--wait", "31"], 2, ""),
        (vec!["edges"], 0, "EDGE  STATE"),
        (vec!["edges", "--json"], 0, "[]"),
        (vec!["denials"], 0, "AT  REQUEST"),
        (vec!["denials", "--key", id, "--json"], 0, "[]"),
        (vec!["usage"], 0, "ALLOWED  COST  DENIED\n0        0     0"),
        (vec!["usage", "--by", "day,key", "--top", "--json"], 0, "[]"),
        (vec!["usage", "--by", "day,reason", "--csv", "--key", id], 0, "day,reason,allowed,cost,denied\n"),
        (vec!["usage", "--csv", "--json"], 2, ""),
        (vec!["usage", "--by", "minute"], 1, ""),
        (vec!["usage", "--key", "key_0000000000000000"], 1, ""),
        (vec!["denials", "6c1f"], 1, ""),
        (vec!["denials", "6c1f", "--key", id], 2, ""),
    ] {
        let done = control.admin(&arguments);
        assert_eq!(done.code, code, "{arguments:?}: {}", done.stderr);
        assert!(done.stdout.contains(stdout), "{arguments:?}: {}", done.stdout);
    }
    for (arguments, stderr) in [
        (
            vec!["--from", "2026-01-15", "--to", "2026-01-15"],
            "`--from` and `--to` are the same, and `--to` is exclusive",
        ),
        (vec!["--environment", "liv"], "did you mean `live`?"),
        (vec!["--from", "2020-01-15T10:00:00Z"], "counted from 2020-01-15T00:00:00Z to "),
        (vec!["--from", "2020-01-15T10:00:00Z", "--csv"], "counted from 2020-01-15T00:00:00Z to "),
    ] {
        let done = control.admin(&[vec!["usage"], arguments.clone()].concat());
        assert!(done.stderr.contains(stderr), "{arguments:?}: {}", done.stderr);
    }
}
