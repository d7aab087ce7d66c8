//! `cargo xtask test`: every test there is, native, in Python, in the wasm host, and on a real Envoy.
//!
//! One suite's failure does not hide the next one's. Invariant: a suite that could not run counts as a failure.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use crate::extras::Need;
use crate::python;
use crate::shell::{self, Tally, step};
use crate::stack::{Build, Parts, SCENARIOS};

/// What ran, and how it went.
#[derive(Debug, Default)]
pub(crate) struct Summary {
    suites: Vec<(String, Tally, Duration)>,
}

impl Summary {
    /// Runs a suite; an error counts as one failure.
    pub(crate) fn suite(&mut self, name: &str, run: impl FnOnce() -> anyhow::Result<Tally>) {
        step(name);
        let since = Instant::now();
        let tally = run().unwrap_or_else(|error| {
            eprintln!("error: {error:#}");
            Tally { passed: 0, failed: 1 }
        });
        self.suites.push((name.to_owned(), tally, since.elapsed()));
    }

    /// A suite that either holds or does not.
    pub(crate) fn check(&mut self, name: &str, run: impl FnOnce() -> anyhow::Result<()>) {
        self.suite(name, || run().map(|()| Tally { passed: 1, failed: 0 }));
    }

    /// Prints a line a suite and the closing line that test runners print.
    pub(crate) fn finish(&self) -> ExitCode {
        let mut total = Tally::default();
        for (name, tally, took) in &self.suites {
            let (Tally { passed, failed }, seconds) = (tally, took.as_secs());
            let mark = if *failed == 0 { "ok  " } else { "FAIL" };
            shell::print_line(&format!("{mark} {name}: {passed} passed, {failed} failed, {seconds} s"));
            total.add(*tally);
        }
        shell::print_line(&format!("{} passed, {} failed", total.passed, total.failed));
        if total.failed == 0 && total.passed > 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}

/// `cargo xtask test`.
pub(crate) fn command() -> anyhow::Result<ExitCode> {
    let mut summary = Summary::default();
    run_all(&mut summary);
    Ok(summary.finish())
}

/// Every suite.
pub(crate) fn run_all(summary: &mut Summary) {
    summary
        .suite("xtask", || shell::counted(shell::cargo().args(["test", "--package", "xtask", "--profile", "xtask"])));
    python::run_all(summary);
    let mut built = None;
    summary.check("everything is built", || {
        built = Some(Parts::build(Build::Tests)?);
        Ok(())
    });
    let Some(mut parts) = built else { return };
    summary.suite("workspace", || {
        parts.provide(&[Need::Trap, Need::Postgres, Need::Browser])?;
        let mut cargo = shell::cargo();
        cargo.args(["test", "--workspace", "--exclude", "xtask", "--no-fail-fast"]);
        parts.hand_over(&mut cargo);
        shell::counted(&mut cargo)
    });
    for scenario in SCENARIOS {
        summary.suite(&format!("e2e {}", scenario.name), || parts.scenario(scenario));
    }
}
