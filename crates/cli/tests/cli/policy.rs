//! `portcullis policy` against a control plane.

use crate::run::{Control, workspace};

#[test]
fn a_policy_is_compared_published_and_gone_back_on() {
    let control = Control::start();
    let made = control.admin(&["keys", "create", "till", "--environment", "live"]);
    assert_eq!(made.code, 0, "{}", made.stderr);
    let current = std::fs::read_to_string(workspace().join("policies/payments/policy.toml")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let open = file("open.toml", &(current.clone() + "\n[[rules]]\npath = \"/v1/news\"\naccess = \"public\"\n"));
    let wrong = file("wrong.toml", "name = 1\n");
    for (arguments, code, stdout, stderr) in [
        (vec!["show"], 0, "[[rules]]", "version 1, published "),
        (vec!["diff", &open], 0, "open to anyone: * /v1/news\n", ""),
        (vec!["diff", &wrong], 3, "", "wrong.toml:1:8: error: "),
        (vec!["publish", "/nowhere"], 1, "", "cannot read the policy"),
        (vec!["publish", &open, "--base", "7"], 1, "", "(policy_moved)"),
        (
            vec!["publish", &open, "--note", "news for all", "--base", "1"],
            0,
            "+ * /v1/news: anyone\n",
            "published as version 2",
        ),
        (vec!["show", "--json"], 0, "\"note\": \"news for all\"", ""),
        (
            vec!["restore", "1"],
            0,
            "no longer open to anyone: * /v1/news\n- * /v1/news: anyone\n",
            "published as version 3",
        ),
        (vec!["versions"], 0, "3 (current)  ", ""),
        (vec!["versions", "--limit", "1", "--json"], 0, "\"restored_from\": 1", ""),
        (vec!["show", "2"], 0, "/v1/news", "version 2"),
        (vec!["show", "9"], 1, "", "(not_found)"),
    ] {
        let done = control.admin(&[vec!["policy"], arguments.clone()].concat());
        assert_eq!(done.code, code, "{arguments:?}: {}{}", done.stdout, done.stderr);
        assert!(
            done.stdout.contains(stdout) && done.stderr.contains(stderr),
            "{arguments:?}: {}\n{}",
            done.stdout,
            done.stderr
        );
    }
    assert_eq!(control.admin(&["policy", "show"]).stdout.trim_end(), current.trim_end());
}
