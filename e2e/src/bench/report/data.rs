//! What a run left: the machine, tables and figures.
//!
//! A run of which a part failed has fewer files; what is not there is not drawn. Invariant: a file that is there and cannot be
//! read is an error, not a gap.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context as _;
use serde_json::Value;

use super::super::curve::table::Table;
use super::figures::Figures;

/// What every run has.
const MACHINE: &str = "machine.json";

/// A run's data.
#[derive(Debug, Default)]
pub(super) struct Run {
    /// What it was measured on.
    pub(super) machine: Value,
    /// What was run, and how that ended.
    pub(super) steps: Value,
    tables: BTreeMap<String, Table>,
    figures: BTreeMap<String, Value>,
}

impl Run {
    pub(super) fn read(folder: &Path) -> anyhow::Result<Self> {
        anyhow::ensure!(
            folder.join(MACHINE).is_file(),
            "`{}` is no run: it has no {MACHINE}\nhint: `cargo xtask bench all` makes a run, such as benches/runs/2026-01-15",
            folder.display()
        );
        let mut run = Self::default();
        let entries = std::fs::read_dir(folder).with_context(|| format!("cannot read `{}`", folder.display()))?;
        for entry in entries {
            let path = entry?.path();
            let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            match path.extension().and_then(|it| it.to_str()) {
                Some("csv") => {
                    run.tables.insert(name, Table::read(&path)?);
                }
                Some("json") => {
                    let text = std::fs::read_to_string(&path)?;
                    let value = serde_json::from_str(&text).with_context(|| path.display().to_string())?;
                    run.figures.insert(name, value);
                }
                _ => {}
            }
        }
        run.machine = run.figures.remove("machine").unwrap_or_default();
        run.steps = run.figures.remove("steps").unwrap_or_default();
        Ok(run)
    }

    /// What grew with `size` in that table.
    pub(super) fn column(&self, table: &str, name: &str) -> Vec<(f64, f64)> {
        self.tables.get(table).map_or_else(Vec::new, |table| table.column(name))
    }

    pub(super) fn tables(&self) -> impl Iterator<Item = (&str, &Table)> {
        self.tables.iter().map(|(name, table)| (name.as_str(), table))
    }

    /// A figure of a bench, by its JSON pointer.
    pub(super) fn figure(&self, bench: &str, pointer: &str) -> Option<f64> {
        self.figures.get(bench)?.pointer(pointer)?.as_f64()
    }

    /// What every bench found, but for the curve: that is in its tables.
    pub(super) fn benches(&self) -> impl Iterator<Item = (&str, Figures)> {
        let benches = self.figures.iter().filter(|(name, _)| *name != "curve");
        benches.map(|(name, value)| (name.as_str(), Figures::of(value)))
    }

    #[cfg(test)]
    pub(super) fn of(machine: Value) -> Self {
        Self { machine, ..Self::default() }
    }

    #[cfg(test)]
    pub(super) fn with_table(mut self, name: &str, csv: &str) -> Self {
        self.tables.insert(name.to_owned(), Table::parse(csv.as_bytes()).unwrap());
        self
    }

    #[cfg(test)]
    pub(super) fn with_figures(mut self, name: &str, figures: Value) -> Self {
        self.figures.insert(name.to_owned(), figures);
        self
    }
}
