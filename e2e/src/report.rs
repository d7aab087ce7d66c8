//! What a scenario or bench found: checks that hold or do not, and figures.
//!
//! Invariant: a run passes only if it made a check and every check held.

use std::fmt::Display;
use std::process::ExitCode;

use serde_json::{Map, Value, json};

/// The findings so far; each is printed as it comes.
#[derive(Debug, Default)]
pub(crate) struct Report {
    passed: u32,
    failed: u32,
    figures: Map<String, Value>,
}

impl Report {
    /// A check that is worth a line.
    pub(crate) fn check(&mut self, what: impl Display, holds: bool) {
        self.count(holds);
        println!("  {} {what}", if holds { "ok  " } else { "FAIL" });
    }

    /// A check of one value, which the line shows if it is the wrong one.
    pub(crate) fn equal<T: PartialEq + Display>(&mut self, what: impl Display, found: T, expected: T) {
        if found == expected {
            self.check(format!("{what}: {expected}"), true);
        } else {
            self.check(format!("{what}: expected {expected}, found {found}"), false);
        }
    }

    /// One of many checks of a kind: only a failure is worth a line.
    pub(crate) fn quiet(&mut self, what: impl Display, result: Result<(), impl Display>) {
        match result {
            Ok(()) => self.count(true),
            Err(difference) => self.check(format!("{what}: {difference}"), false),
        }
    }

    /// A figure: printed, and part of the JSON.
    pub(crate) fn figure(&mut self, name: &str, value: impl Into<Value>) {
        let value = value.into();
        println!("  {name} = {value}");
        self.figures.insert(name.to_owned(), value);
    }

    /// A figure that must not exceed a limit.
    pub(crate) fn at_most(&mut self, name: &str, value: f64, limit: f64) {
        self.figure(name, rounded(value));
        self.check(format!("{name} is at most {limit}"), value <= limit);
    }

    pub(crate) fn has_passed(&self) -> bool {
        self.passed > 0 && self.failed == 0
    }

    /// Prints the closing lines and gives the exit status.
    pub(crate) fn finish(mut self, scenario: &str, as_json: bool) -> ExitCode {
        let passed = self.has_passed();
        println!("{scenario}: {} checks passed, {} failed", self.passed, self.failed);
        self.figures.insert("checks_passed".to_owned(), self.passed.into());
        self.figures.insert("checks_failed".to_owned(), self.failed.into());
        if as_json {
            println!("{}", json!({ "scenario": scenario, "passed": passed, "figures": self.figures }));
        }
        if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }

    fn count(&mut self, holds: bool) {
        *(if holds { &mut self.passed } else { &mut self.failed }) += 1;
    }
}

/// Two decimals are enough for any figure of ours.
pub(crate) fn rounded(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

/// The value below which that share of a sample lies; NaN for an empty one.
pub(crate) fn percentile(sample: &[f64], share: f64) -> f64 {
    let mut sorted = sample.to_vec();
    sorted.sort_by(f64::total_cmp);
    let rank = (share * sorted.len() as f64).ceil().max(1.0) as usize;
    sorted.get(rank - 1).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_of_the_sample() {
        let sample: Vec<f64> = (1..=200).map(f64::from).collect();
        assert_eq!(percentile(&sample, 0.5), 100.0);
        assert_eq!(percentile(&sample, 0.99), 198.0);
        assert_eq!(percentile(&[7.0], 0.99), 7.0);
        assert!(percentile(&[], 0.5).is_nan());
    }

    #[test]
    fn a_run_without_checks_has_not_passed() {
        let mut report = Report::default();
        assert!(!report.has_passed());
        report.check("one", true);
        assert!(report.has_passed());
        report.check("two", false);
        assert!(!report.has_passed());
    }
}
