//! Every policy in `policies/invalid` is refused with the message beside it.
//!
//! `UPDATE_EXPECT=1 cargo test -p portcullis-policy --test invalid` rewrites the messages; read the difference.
#![expect(clippy::expect_used, reason = "a test may stop where it stands")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use portcullis_policy::compile;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policies/invalid")
}

/// The names of the files with that extension, without it.
fn names(extension: &str) -> BTreeSet<String> {
    let entries = fs::read_dir(folder()).expect("the folder is there");
    let paths = entries.map(|entry| entry.expect("readable").path());
    let wanted = paths.filter(|path| path.extension().is_some_and(|it| it == extension));
    wanted.filter_map(|path| path.file_stem().map(|stem| stem.to_string_lossy().into_owned())).collect()
}

#[test]
fn every_invalid_policy_is_refused_with_its_message() {
    let update = std::env::var_os("UPDATE_EXPECT").is_some();
    let mut differing = Vec::new();
    for name in names("toml") {
        let file = folder().join(format!("{name}.toml"));
        let source = fs::read_to_string(&file).expect("readable");
        let Err(refused) = compile(&source, &format!("policies/invalid/{name}.toml")) else {
            differing.push(format!("{name} is not refused"));
            continue;
        };
        let found = format!("{refused}\n");
        let beside = file.with_extension("txt");
        if update {
            fs::write(&beside, &found).expect("writable");
        } else if fs::read_to_string(&beside).unwrap_or_default() != found {
            differing.push(found);
        }
    }
    assert!(differing.is_empty(), "not as in the .txt beside:\n{}", differing.join("\n"));
}

#[test]
fn no_message_is_an_orphan() {
    let orphans: Vec<_> = names("txt").difference(&names("toml")).cloned().collect();
    assert!(orphans.is_empty(), "no policy for {orphans:?}");
}

#[test]
fn the_presets_are_accepted() {
    for preset in ["systemprompt", "payments", "fetchprompt", "scope", "skills"] {
        let file = folder().join("..").join(preset).join("policy.toml");
        let (spec, policy) = portcullis_policy::load(&file).unwrap_or_else(|refused| panic!("{refused}"));
        assert_eq!((spec.name.as_str(), policy.name()), (preset, preset));
    }
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let refused = portcullis_policy::load(Path::new("no/such/policy.toml")).expect_err("there is none").to_string();
    assert!(refused.starts_with("no/such/policy.toml: error: cannot read the policy: "), "{refused}");
}
