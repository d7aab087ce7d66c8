//! `portcullis plans`, `quota`, and what organisations have of them: what is typed wrong is said with what was typed.

use serde_json::Value;

use crate::run::Control;

/// An organisation's id, and a key's.
fn made(control: &Control) -> (String, String) {
    let id = |arguments: &[&str]| {
        let made: Value = serde_json::from_str(&control.admin(arguments).stdout).unwrap();
        made["id"].as_str().unwrap().to_owned()
    };
    (
        id(&["organizations", "create", "acme", "--json"]),
        id(&["keys", "create", "till", "--environment", "live", "--json"]),
    )
}

#[test]
fn plans_and_quotas_from_the_command_line() {
    let control = Control::start();
    let (acme, key) = made(&control);
    let (acme, key) = (acme.as_str(), key.as_str());
    let whole = "expected a whole number without separators, such as 1000000";
    let quota = "expected a whole number of tokens and a period";
    for (arguments, code, words) in [
        (vec!["plans", "create", "paid", "--limit", "1,000,000"], 2, whole),
        (vec!["plans", "create", "paid", "--limit", "-5"], 2, whole),
        (vec!["plans", "create", "paid", "--rate", "-1/1s"], 2, "expected requests, seconds"),
        (vec!["organizations", "top-up", acme, "5k"], 2, whole),
        (vec!["organizations", "top-up", acme, "-500"], 2, whole),
        (vec!["keys", "limit", key, "--quota", "-1/day"], 2, quota),
        (vec!["keys", "limit", key, "--quota", "1,000/day"], 2, quota),
        (vec!["plans", "create", "none"], 1, "`none` stands for no plan"),
        (vec!["plans", "create", "Paid"], 1, "`Paid` cannot be a plan's name: expected 1 to 64 of a-z"),
        (vec!["plans", "set", "nosuch", "--limit", "1"], 1, "there is no such plan: `nosuch`"),
        (vec!["plans", "set", "sk_live_0123456789abcdef", "--limit", "1"], 1, "there is no such plan ("),
        (vec!["organizations", "set", acme, "--plan", "nosuch"], 1, "there is no such plan: `nosuch`; there is `free`"),
        (vec!["organizations", "set", "acme", "--plan", "free"], 1, "there is no such organisation: `acme`"),
        (vec!["organizations", "set", "acme", "--plan", "free"], 1, "ids look like `org_0123456789abcdef`"),
        (vec!["organizations", "top-up", "org_0000000000000000", "5"], 1, "there is no such organisation ("),
        (vec!["keys", "list", "--organization", "acme"], 1, "expected an organisation's id\nhint: ids look like"),
        (vec!["webhooks", "create", "https://a.example", "--event", "quota"], 1, "there is no such event: `quota`; "),
        (vec!["quota", "show", "--key", "key_aaaaaaaaaaaaaaaa"], 1, "there is no such key: `key_aaaaaaaaaaaaaaaa`"),
        (vec!["quota", "show", "--key", "till"], 2, "that is not a key's id"),
        (vec!["plans", "create", "paid", "--limit", "1000"], 0, "paid"),
        (vec!["plans", "set", "paid"], 2, "nothing to change\nhint: give --limit"),
        (vec!["plans", "set", "paid", "--limit", "2000"], 0, "enforced from version "),
        (vec!["organizations", "set", acme, "--plan", "paid"], 0, "on; see `portcullis receipt "),
        (vec!["plans", "delete", "paid"], 1, "`acme` has this plan"),
        (vec!["organizations", "top-up", acme, "500"], 0, "500"),
        (vec!["keys", "limit", key, "--quota", "5/day"], 0, "enforced from version "),
        (vec!["organizations", "list"], 0, "TIME ZONE"),
        (vec!["webhooks", "list"], 0, "ORGANIZATION"),
    ] {
        let done = control.admin(&arguments);
        assert_eq!(done.code, code, "{arguments:?}: {}", done.stderr);
        let told = format!("{}{}", done.stdout, done.stderr);
        assert!(told.contains(words), "{arguments:?}: {told}");
    }
    let shown = control.admin(&["quota", "show", "--key", key]).stdout;
    assert!(shown.contains("remaining") && !shown.contains("plan") && !shown.contains("topped"), "{shown}");
}
