//! The committed baseline of what requests cost in instructions: `benches/fuel.toml`.
//!
//! Wasmtime's fuel counts what the module executes, so that no machine's speed or load is in it. Each test has a table of
//! its own. Invariant: what costs more than 3 % more or less than its baseline fails, and so does what has no baseline or is
//! measured no longer: a baseline that is not renewed would hold nothing in the end.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use portcullis_host_tests::workspace;

/// Set by `cargo xtask bench fuel --update` to the compiler that it found: the baseline is written, not held.
const UPDATE: &str = "PORTCULLIS_FUEL_UPDATE";
const TOLERANCE_PERCENT: u64 = 3;
/// The tables that there are: a test that is gone leaves none behind.
const AREAS: [&str; 9] =
    ["address", "limits", "refusals", "requests", "services", "sizes", "tokens", "trial", "versions"];
const COMPILER: &str = "compiler";

const HEADER: &str = "\
# What requests cost inside the VM, in instructions as wasmtime counts them (fuel), the same on every machine.
# The tests in host-tests/tests/all/filter/cost* hold each to 3 %, more or less, so that neither a regression nor an improvement goes
# unnoticed. Written by
#
#     cargo xtask bench fuel --update
#
# and committed with the change that moved it. Another compiler or other versions of dependencies make another module:
# update both apart from changes of the filter, so that what moved is known to come from there.
";

type Fuel = BTreeMap<String, u64>;

/// What one test measures.
pub(crate) struct Meter {
    area: &'static str,
    measured: Fuel,
}

impl Meter {
    pub(crate) fn of(area: &'static str) -> Self {
        assert!(AREAS.contains(&area), "`{area}` is not among the tables of benches/fuel.toml");
        Self { area, measured: Fuel::new() }
    }

    pub(crate) fn read(&mut self, what: &str, instructions: u64) {
        let before = self.measured.insert(what.to_owned(), instructions);
        assert_eq!(before, None, "`{what}` is measured twice");
    }

    /// Holds what was measured to the baseline, or makes it the baseline.
    #[track_caller]
    pub(crate) fn hold(self) {
        if let Ok(compiler) = std::env::var(UPDATE) {
            return self.update(&compiler);
        }
        let file = read();
        let found = differences(&table(&file, self.area), &self.measured);
        let compiler = file.get(COMPILER).and_then(toml::Value::as_str).unwrap_or_default();
        assert!(
            found.is_empty(),
            "[{}] of benches/fuel.toml does not hold:\n  {}\nhint: if that is meant, `cargo xtask bench fuel --update`, and commit \
             the file; it was written with {compiler}",
            self.area,
            found.join("\n  ")
        );
    }

    fn update(self, compiler: &str) {
        // Tests of one process, each on a thread of its own.
        static WRITING: Mutex<()> = Mutex::new(());
        let _writing = WRITING.lock().unwrap_or_else(PoisonError::into_inner);
        let mut file = read();
        file.retain(|area, _| AREAS.contains(&area));
        file.insert(COMPILER.to_owned(), compiler.into());
        let number = |fuel: u64| toml::Value::Integer(fuel.try_into().unwrap());
        let measured = self.measured.into_iter().map(|(what, fuel)| (what, number(fuel)));
        file.insert(self.area.to_owned(), toml::Value::Table(measured.collect()));
        std::fs::write(path(), format!("{HEADER}{}", toml::to_string(&file).unwrap())).unwrap();
    }
}

fn path() -> std::path::PathBuf {
    workspace().join("benches/fuel.toml")
}

fn read() -> toml::Table {
    let text = std::fs::read_to_string(path()).unwrap_or_default();
    text.parse().unwrap_or_else(|error| panic!("benches/fuel.toml: {error}"))
}

fn table(file: &toml::Table, area: &str) -> Fuel {
    let rows = file.get(area).and_then(toml::Value::as_table).into_iter().flatten();
    rows.map(|(what, fuel)| (what.clone(), fuel.as_integer().and_then(|it| it.try_into().ok()).unwrap())).collect()
}

fn differences(baseline: &Fuel, measured: &Fuel) -> Vec<String> {
    let names: BTreeSet<&String> = baseline.keys().chain(measured.keys()).collect();
    names.into_iter().filter_map(|name| difference(name, baseline.get(name), measured.get(name))).collect()
}

fn difference(what: &str, baseline: Option<&u64>, measured: Option<&u64>) -> Option<String> {
    match (baseline, measured) {
        (None, found) => Some(format!("`{what}` has no baseline; measured {}", found.copied().unwrap_or_default())),
        (Some(_), None) => Some(format!("`{what}` is measured no longer")),
        (Some(&wanted), Some(&found)) => {
            let changed = found.abs_diff(wanted) * 100 > wanted * TOLERANCE_PERCENT;
            let percent = (found as f64 / wanted as f64 - 1.0) * 100.0;
            changed.then(|| format!("`{what}`: {found} instructions, {wanted} before ({percent:+.1} %)"))
        }
    }
}

#[test]
fn what_cost_another_number_of_instructions_is_told() {
    #[track_caller]
    fn check(baseline: &[(&str, u64)], measured: &[(&str, u64)], expected: &[&str]) {
        let fuel = |rows: &[(&str, u64)]| rows.iter().map(|(what, fuel)| ((*what).to_owned(), *fuel)).collect();
        let found = differences(&fuel(baseline), &fuel(measured));
        assert_eq!(found.len(), expected.len(), "{found:?}");
        assert!(found.iter().zip(expected).all(|(found, expected)| found.contains(expected)), "{found:?}");
    }
    check(&[("a", 1000)], &[("a", 1000)], &[]);
    check(&[("a", 1000)], &[("a", 1030)], &[]);
    check(&[("a", 1000)], &[("a", 1031)], &["`a`: 1031 instructions, 1000 before (+3.1 %)"]);
    check(&[("a", 1000)], &[("a", 970)], &[]);
    check(&[("a", 1000)], &[("a", 969)], &["(-3.1 %)"]);
    check(&[("a", 1000)], &[("a", 1000), ("b", 7)], &["`b` has no baseline; measured 7"]);
    check(&[("a", 1000), ("b", 7)], &[("a", 1000)], &["`b` is measured no longer"]);
}

#[test]
fn the_baseline_holds_nothing_that_is_not_measured() {
    let file = read();
    let areas: Vec<&str> = file.keys().map(String::as_str).filter(|it| *it != COMPILER).collect();
    assert!(std::env::var_os(UPDATE).is_some() || areas == AREAS, "tables of benches/fuel.toml: {areas:?}");
}
