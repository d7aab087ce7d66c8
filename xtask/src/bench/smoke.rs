//! `cargo xtask bench smoke`: every bench for a moment, so that none rots.
//!
//! That they work is checked, not what they measure: with so few requests a figure means nothing, and goals are not judged.

use std::process::{Command, ExitCode};

use crate::extras::Need;
use crate::shell;
use crate::stack::{Build, Parts};
use crate::test::Summary;

/// What the driver is asked, and what that takes.
const STEPS: [(&str, &[&str], &[Need]); 5] = [
    (
        "envoy",
        &["envoy", "--of", "200", "--rounds", "1", "--requests", "160", "--only", "noop", "--only", "portcullis"],
        &[Need::Noop],
    ),
    (
        "curve",
        &[
            "curve",
            "--keys",
            "1000,2000",
            "--workers",
            "1",
            "--rules",
            "1",
            "--scopes",
            "2",
            "--rounds",
            "1",
            "--requests",
            "160",
            "--revocations",
            "2",
        ],
        &[],
    ),
    ("management", &["management", "--keys", "2000", "--samples", "8"], &[Need::Postgres]),
    (
        "instructions",
        &["instructions", "--of", "200", "--requests", "200", "--only", "portcullis"],
        &[Need::Noop, Need::Valgrind],
    ),
    ("report", &["report", "--check"], &[]),
];

/// `cargo xtask bench smoke`.
pub(super) fn command() -> anyhow::Result<ExitCode> {
    let mut summary = Summary::default();
    let mut parts = Parts::build(Build::Tests)?;
    run(&mut summary, &mut parts);
    Ok(summary.finish())
}

/// Each as a suite.
pub(crate) fn run(summary: &mut Summary, parts: &mut Parts) {
    shell::step("every bench for a moment: whether a goal is met is not judged");
    summary.check("bench smoke: criterion", || criterion(&mut shell::cargo()));
    for (name, args, needs) in STEPS {
        summary.check(&format!("bench smoke: {name}"), || {
            parts.provide_fuel()?;
            parts.provide(needs)?;
            shell::run(parts.driver().arg("bench").args(args).args(["--json", "--no-goals"]))
        });
    }
}

/// Each bench's body once, in the profile of the tests: nothing but the benches is compiled for it.
fn criterion(cargo: &mut Command) -> anyhow::Result<()> {
    let packages = ["test", "--workspace", "--exclude", "xtask"];
    shell::run(cargo.args(packages).args(["--bench", "decide", "--bench", "bundle"]))
}
