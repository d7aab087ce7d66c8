//! The parts of a run: each bench, the scenarios that measure something, and criterion.
//!
//! It says what is run, and runs nothing. Invariant: what `typed` says does what `command` does.

use std::process::Command;

use super::estimates;
use super::folder::Folder;
use crate::bench::{BENCHES, Bench, CRITERION, CRITERION_SMALL};
use crate::shell;
use crate::stack::{Parts, SCENARIOS, Scenario};

/// Scenarios whose figures belong to a run.
pub(super) const MEASURED: [&str; 2] = ["revocation", "million"];
/// Criterion's group that the report has a plot of.
const LOOKUP: &str = "lookup";

/// A part of a run.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step {
    Bench(&'static Bench),
    Scenario(&'static Scenario),
    Criterion,
}

impl Step {
    /// In the order of a run.
    pub(super) fn all() -> Vec<Self> {
        let measured = |scenario: &&Scenario| MEASURED.contains(&scenario.name);
        let scenarios = SCENARIOS.iter().filter(measured).map(Self::Scenario);
        BENCHES.iter().map(Self::Bench).chain(scenarios).chain([Self::Criterion]).collect()
    }

    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Bench(bench) => bench.name,
            Self::Scenario(scenario) => scenario.name,
            Self::Criterion => "criterion",
        }
    }

    fn sizes(&self, small: bool) -> &'static [&'static str] {
        match self {
            Self::Bench(bench) if small => bench.small,
            Self::Bench(bench) => bench.full,
            Self::Scenario(_) | Self::Criterion => &[],
        }
    }

    /// What somebody types to repeat it.
    pub(super) fn typed(&self, small: bool) -> String {
        let kind = if matches!(self, Self::Scenario(_)) { "e2e" } else { "bench" };
        let quoted = |word: &&str| if word.contains(' ') { format!("'{word}'") } else { (*word).to_owned() };
        let sizes: String = self.sizes(small).iter().map(|word| format!(" {}", quoted(word))).collect();
        format!("cargo xtask {kind} {}{sizes}", self.name())
    }

    /// With all that it needs.
    pub(super) fn command(&self, parts: &mut Parts, small: bool, folder: &Folder) -> anyhow::Result<Command> {
        let kind = match self {
            Self::Bench(bench) => {
                bench.provide(parts)?;
                "bench"
            }
            Self::Scenario(scenario) => {
                parts.provide(scenario.needs)?;
                "scenario"
            }
            Self::Criterion => {
                let mut cargo = shell::cargo();
                cargo.args(if small { &CRITERION_SMALL[..] } else { &CRITERION });
                return Ok(cargo);
            }
        };
        let mut driver = parts.driver();
        driver.args([kind, self.name()]).args(self.sizes(small)).arg("--json");
        if let Self::Bench(_) = self {
            // That a goal is missed is for the report to say; here it would look as if the bench had failed.
            driver.arg("--no-goals");
        }
        if self.name() == "curve" {
            driver.arg("--out").arg(&folder.path);
        }
        Ok(driver)
    }

    /// Keeps what it left elsewhere: what a lookup takes among more and more keys becomes data for a plot.
    pub(super) fn keep(&self, folder: &Folder, small: bool) -> bool {
        if small || !matches!(self, Self::Criterion) {
            return true;
        }
        let lookup = estimates::of(&shell::target().join("criterion").join(LOOKUP));
        let rows = lookup.iter().map(|(keys, nanoseconds)| format!("{keys},{nanoseconds:.1}\n"));
        let text = ["keys,ns\n".to_owned()].into_iter().chain(rows).collect::<String>();
        !lookup.is_empty() && folder.keep("lookup.csv", &text).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_told_as_it_is_typed() {
        let told = |name: &str| Step::all().iter().find(|step| step.name() == name).unwrap().typed(false);
        assert_eq!(told("revocation"), "cargo xtask e2e revocation");
        assert_eq!(told("criterion"), "cargo xtask bench criterion");
    }
}
