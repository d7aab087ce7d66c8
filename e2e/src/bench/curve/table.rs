//! A curve's data: a row for each size, a column for each figure; as text, as CSV and as JSON.
//!
//! Invariant: what was not measured is an empty field, never a number.

use std::fmt;
use std::path::Path;

use anyhow::Context as _;
use serde_json::{Map, Value};

use super::{Column, as_json};

/// Figures by size.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Table {
    /// What grows, then what was measured.
    header: Vec<String>,
    rows: Vec<Vec<Option<f64>>>,
}

impl Table {
    pub(super) fn new(size: &str) -> Self {
        Self { header: vec![size.to_owned()], rows: Vec::new() }
    }

    pub(super) fn push(&mut self, size: usize, columns: &[Column]) {
        self.header.truncate(1);
        self.header.extend(columns.iter().map(|(name, _)| (*name).to_owned()));
        self.rows.push([Some(size as f64)].into_iter().chain(columns.iter().map(|(_, value)| *value)).collect());
    }

    pub(crate) fn read(path: &Path) -> anyhow::Result<Self> {
        let file = std::fs::read(path).with_context(|| format!("cannot read `{}`", path.display()))?;
        Self::parse(&file).with_context(|| path.display().to_string())
    }

    /// Reads CSV: a header, then numbers or nothing.
    pub(crate) fn parse(text: &[u8]) -> anyhow::Result<Self> {
        let mut reader = csv::Reader::from_reader(text);
        let header = reader.headers()?.iter().map(str::to_owned).collect();
        let number = |field: &str| match field {
            "" => Ok(None),
            field => field.parse().map(Some).with_context(|| format!("`{field}` is no number")),
        };
        let rows = reader.records().map(|row| row?.iter().map(number).collect());
        Ok(Self { header, rows: rows.collect::<anyhow::Result<_>>()? })
    }

    pub(super) fn write(&self, path: &Path) -> anyhow::Result<()> {
        let mut writer = csv::Writer::from_path(path).with_context(|| path.display().to_string())?;
        writer.write_record(&self.header)?;
        for row in self.rows() {
            writer.write_record(row)?;
        }
        Ok(writer.flush()?)
    }

    /// Size and value, where it was measured.
    pub(crate) fn column(&self, name: &str) -> Vec<(f64, f64)> {
        let Some(index) = self.header.iter().position(|it| it == name) else { return Vec::new() };
        let point = |row: &Vec<Option<f64>>| Some(((*row.first()?)?, (*row.get(index)?)?));
        self.rows.iter().filter_map(point).collect()
    }

    /// What grows, and what was measured.
    pub(crate) fn header(&self) -> &[String] {
        &self.header
    }

    /// Its rows as text, an empty field for what was not measured.
    pub(crate) fn rows(&self) -> impl Iterator<Item = Vec<String>> {
        self.rows.iter().map(|row| row.iter().map(|it| field(*it)).collect())
    }

    pub(super) fn json(&self) -> Value {
        let row = |row: &Vec<Option<f64>>| {
            let fields = self.header.iter().zip(row).map(|(name, value)| (name.clone(), as_json(*value)));
            Value::Object(fields.collect::<Map<_, _>>())
        };
        self.rows.iter().map(row).collect()
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, name) in self.header.iter().enumerate() {
            let values = self.rows.iter().map(|row| field(row.get(index).copied().flatten()));
            let values: String = values.map(|value| format!("{value:>12}")).collect();
            writeln!(f, "{name:24}{values}")?;
        }
        Ok(())
    }
}

fn field(value: Option<f64>) -> String {
    // Whole numbers stay whole.
    value.map_or_else(String::new, |value| format!("{}", (value * 1000.0).round() / 1000.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_measured_stays_empty() {
        let mut table = Table::new("keys");
        table.push(1000, &[("us", Some(1.23456)), ("fuel", None)]);
        table.push(1_000_000, &[("us", Some(2.0)), ("fuel", Some(12.0))]);
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("keys.csv");
        table.write(&file).unwrap();
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "keys,us,fuel\n1000,1.235,\n1000000,2,12\n");
        let read = Table::read(&file).unwrap();
        assert_eq!(read.column("us"), [(1000.0, 1.235), (1_000_000.0, 2.0)]);
        assert_eq!(read.column("fuel"), [(1_000_000.0, 12.0)]);
        assert_eq!(read.column("elsewhere"), []);
    }
}
