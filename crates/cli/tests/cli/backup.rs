//! `portcullis backup` and `restore`: a copy of a database that is in use, and its way back.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use serde_json::Value;

use crate::run::{Control, Done, run};

fn backup(data: &Path, out: &Path) -> Done {
    run([Path::new("backup"), "--data".as_ref(), data, "--out".as_ref(), out, "--json".as_ref()])
}

fn restore(data: &Path, from: &Path) -> Done {
    run([Path::new("restore"), "--data".as_ref(), data, "--from".as_ref(), from, "--json".as_ref()])
}

fn json(done: &Done) -> Value {
    assert_eq!(done.code, 0, "{}", done.stderr);
    serde_json::from_str(&done.stdout).unwrap()
}

fn key(control: &Control, name: &str) -> String {
    let made = json(&control.admin(&["keys", "create", name, "--environment", "live", "--json"]));
    made["id"].as_str().unwrap().to_owned()
}

fn status(control: &Control, id: &str) -> String {
    let shown = control.admin(&["keys", "show", id, "--json"]);
    if shown.code == 0 { json(&shown)["status"].as_str().unwrap().to_owned() } else { "none".to_owned() }
}

#[test]
fn a_copy_is_made_while_serving_and_put_back_when_not() {
    let control = Control::start();
    let data = control.folder.path().to_owned();
    let copies = tempfile::tempdir().unwrap();
    let copy = copies.path().join("copy.sqlite");
    let (kept, revoked) = (key(&control, "kept"), key(&control, "revoked later"));

    let made = json(&backup(&data, &copy));
    assert_eq!(made["keys"], 2);
    assert_eq!(std::fs::metadata(&copy).unwrap().permissions().mode() & 0o777, 0o600);
    let again = backup(&data, &copy);
    assert!(again.code == 1 && again.stderr.contains("is there already"), "{}", again.stderr);
    assert_eq!(std::fs::read_dir(copies.path()).unwrap().count(), 1, "nothing is left beside it");

    let later = key(&control, "later");
    assert_eq!(control.admin(&["keys", "revoke", &revoked]).code, 0);
    let refused = restore(&data, &copy);
    assert!(refused.code == 1 && refused.stderr.contains("a control plane is running"), "{}", refused.stderr);

    let before = last_version(&control);
    let folder = control.kill();
    let done = json(&restore(&data, &copy));
    assert_eq!((&done["keys"], &done["revived"]["keys"]), (&Value::from(2), &serde_json::json!([revoked])));
    assert!(Path::new(done["kept"].as_str().unwrap()).exists(), "what was there is kept");
    let control = Control::on(folder);
    let states = [&kept, &revoked, &later].map(|id| status(&control, id));
    assert_eq!(states, ["active", "active", "none"]);
    assert_eq!(control.admin(&["keys", "revoke", &revoked]).code, 0);
    assert!(last_version(&control) > before, "edges take it");
}

/// The version of the last change.
fn last_version(control: &Control) -> u64 {
    let log = json(&control.admin(&["audit", "--limit", "1", "--json"]));
    assert_eq!(log[0]["action"], "key.revoked");
    log[0]["version"].as_u64().unwrap()
}

#[test]
fn what_is_no_copy_is_refused_and_the_database_stays() {
    let control = Control::start();
    let id = key(&control, "kept");
    let folder = control.kill();
    let data = folder.path().to_owned();
    let file = data.join("portcullis.sqlite");
    let copy = data.join("copy");
    assert_eq!(backup(&data, &copy).code, 0);
    let whole = std::fs::read(&copy).unwrap();
    let damaged = [&whole[..4096], &vec![0xff; whole.len() - 4096]].concat();
    let bad = data.join("bad");
    for (content, words) in [
        (&b"not a database, as anybody can see"[..], "is not whole"),
        (&damaged, "is not whole"),
        (&[], "is no database"),
    ] {
        std::fs::write(&bad, content).unwrap();
        let refused = restore(&data, &bad);
        assert!(refused.code == 1 && refused.stderr.contains(words), "{}", refused.stderr);
        assert!(!data.join("portcullis.sqlite.new").exists());
    }
    assert!(restore(&data, Path::new("/nowhere")).stderr.contains("`/nowhere`"));
    assert!(backup(Path::new("/nowhere"), &bad.with_extension("x")).stderr.contains("there is no database"));
    let postgres = ["backup", "--database-url", "postgres://me:s3cret@db/keys", "--out", "/nowhere"];
    let refused = run(postgres);
    assert!(
        refused.code == 1 && refused.stderr.contains("pg_dump") && !refused.stderr.contains("s3cret"),
        "{}",
        refused.stderr
    );
    assert!(file.exists());
    assert_eq!(status(&Control::on(folder), &id), "active");
}
