//! What the README shows of policies is true: its example compiles, its diagnostic is the one that is printed.
#![expect(clippy::expect_used, reason = "a test may stop where it stands")]

use std::fs;
use std::path::{Path, PathBuf};

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn readme() -> String {
    fs::read_to_string(workspace().join("README.md")).expect("there is a README")
}

#[test]
fn the_example_policy_compiles() {
    let readme = readme();
    let (_, rest) = readme.split_once("```toml\n").expect("the README shows a policy");
    let (policy, _) = rest.split_once("```").expect("the block ends");
    portcullis_policy::compile(policy, "README.md").unwrap_or_else(|refused| panic!("{refused}"));
}

#[test]
fn the_diagnostic_is_the_one_that_is_printed() {
    let name = "policies/invalid/unknown-scope";
    let printed =
        fs::read_to_string(workspace().join(name).with_extension("txt")).expect("it has its message beside it");
    let shown = format!("$ portcullis policy check {name}.toml\n{printed}");
    assert!(readme().contains(&shown), "the README does not show\n{shown}");
}

#[test]
fn the_readme_is_short() {
    let lines = readme().lines().count();
    assert!(lines <= 200, "{lines} lines");
}
