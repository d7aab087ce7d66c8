//! `cargo xtask test`: every test there is, native, in Python, in the wasm host, and on a real Envoy.
//!
//! One suite's failure does not hide the next one's. Invariant: a suite that could not run counts as a failure.

use std::process::ExitCode;
use std::sync::{Mutex, PoisonError, mpsc};
use std::time::{Duration, Instant};

use crate::bench::{FUEL_UPDATE, smoke};
use crate::extras::Need;
use crate::python;
use crate::shell::{self, Tally, step};
use crate::stack::{Build, Parts, SCENARIOS};

/// Scenarios that share the machine, at a time.
const AT_ONCE: usize = 2;

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
        let tally = run();
        self.add(name.to_owned(), tally, since.elapsed());
    }

    fn add(&mut self, name: String, tally: anyhow::Result<Tally>, took: Duration) {
        let tally = tally.unwrap_or_else(|error| {
            eprintln!("error: {error:#}");
            Tally { passed: 0, failed: 1 }
        });
        self.suites.push((name, tally, took));
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
        // Here baselines are held, whatever the environment says.
        cargo.env_remove(FUEL_UPDATE);
        parts.hand_over(&mut cargo);
        shell::counted(&mut cargo)
    });
    for scenario in SCENARIOS.iter().filter(|scenario| !scenario.shares) {
        summary.suite(&scenario.suite(), || {
            parts.provide(scenario.needs)?;
            parts.scenario(*scenario, shell::print_line)
        });
    }
    share(summary, &mut parts);
    smoke::run(summary, &mut parts);
}

/// Scenarios that share the machine, each on a stack of its own. What one prints comes whole, when it has ended.
fn share(summary: &mut Summary, parts: &mut Parts) {
    let mut ready = Vec::new();
    for scenario in SCENARIOS.iter().filter(|scenario| scenario.shares) {
        match parts.provide(scenario.needs) {
            Ok(()) => ready.push(scenario),
            Err(error) => summary.add(scenario.suite(), Err(error), Duration::ZERO),
        }
    }
    let (next, parts) = (Mutex::new(ready.into_iter()), &*parts);
    let take = || next.lock().unwrap_or_else(PoisonError::into_inner).next();
    let (ended, endings) = mpsc::channel();
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            let ended = ended.clone();
            scope.spawn(move || {
                while let Some(scenario) = take() {
                    let (since, mut lines) = (Instant::now(), Vec::new());
                    let tally = parts.scenario(*scenario, |line| lines.push(line.to_owned()));
                    let _ = ended.send((scenario.suite(), lines, tally, since.elapsed()));
                }
            });
        }
        drop(ended);
        for (name, lines, tally, took) in endings {
            step(&name);
            lines.iter().for_each(|line| shell::print_line(line));
            summary.add(name, tally, took);
        }
    });
}
