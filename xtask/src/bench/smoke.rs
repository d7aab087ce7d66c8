//! `cargo xtask bench smoke`: every bench for a moment, so that none rots.
//!
//! That they work is checked, not what they measure: with so few requests a figure means nothing, and goals are not judged.

use std::process::ExitCode;

use super::{BENCHES, Bench, CRITERION_SMALL};
use crate::shell;
use crate::stack::{Build, Parts};
use crate::test::Summary;

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
    summary.check("bench smoke: criterion", || shell::run(shell::cargo().args(CRITERION_SMALL)));
    for bench in BENCHES.iter().filter(|bench| bench.in_smoke) {
        summary.check(&format!("bench smoke: {}", bench.name), || once(bench, parts));
    }
    let check = ["bench", "report", "--check"];
    summary.check("bench smoke: report", || shell::run(parts.driver().args(check)));
}

fn once(bench: &Bench, parts: &mut Parts) -> anyhow::Result<()> {
    bench.provide(parts)?;
    shell::run(parts.driver().args(["bench", bench.name]).args(bench.small).args(["--json", "--no-goals"]))
}
