//! Instructions in the VM at each size of a curve, counted by `portcullis-fuel`.
//!
//! Another program, since this one links no WebAssembly runtime. Invariant: where it is not there, its columns stay empty, and
//! stderr says so.

use std::process::Command;

use anyhow::Context as _;

use super::table::Table;
use super::{Column, Curve, told_missing};
use crate::tools;

const COLUMNS: [&str; 3] = ["fuel_cold", "fuel_cached", "fuel_known"];

/// A table with the sizes of a curve, or an empty one.
pub(super) async fn count(curve: Curve, sizes: &[usize]) -> anyhow::Result<Table> {
    // Workers share nothing that counts.
    if curve == Curve::Workers {
        return Ok(Table::default());
    }
    let program = tools::fuel()?;
    if !program.exists() {
        told_missing("instructions", &program);
        return Ok(Table::default());
    }
    eprintln!("==> counting instructions: {}", curve.name());
    let sizes = sizes.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
    let mut command = Command::new(&program);
    command.arg(curve.name()).arg(sizes);
    let output = tokio::task::spawn_blocking(move || command.output()).await?.context("portcullis-fuel")?;
    anyhow::ensure!(output.status.success(), "portcullis-fuel: {}", String::from_utf8_lossy(&output.stderr));
    Table::parse(&output.stdout)
}

/// The columns of one size.
pub(super) fn columns(table: &Table, size: usize) -> Vec<Column> {
    let value = |name: &str| table.column(name).into_iter().find(|(it, _)| *it == size as f64).map(|(_, fuel)| fuel);
    COLUMNS.map(|name| (name, value(name))).to_vec()
}
