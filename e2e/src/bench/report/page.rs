//! The page of a run: what it was measured on, which goals it meets, its plots, and every figure.
//!
//! Invariant: whatever is in the data is on the page.

use serde_json::Value;

use super::data::Run;
use super::figures::Figures;
use super::goals;
use super::plots::Plot;

pub(super) const FILE: &str = "README.md";

pub(super) fn render(run: &Run, plots: &[Plot]) -> String {
    let text = |name: &str| match &run.machine[name] {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let mut page = format!("# Run of {}\n\n", text("date"));
    page.push_str("Made by `cargo xtask bench report` out of the data beside it. Figures of two machines, or of two runs, are not to be compared.\n\n");
    page.push_str(&format!(
        "| | |\n|---|---|\n| processor | {}, {} of its cores |\n| memory | {} GiB |\n| kernel | {} |\n| commit | {}{} |\n\n",
        text("cpu"),
        text("cores"),
        text("memory_gib"),
        text("kernel"),
        text("commit"),
        if run.machine["has_changes"] == true { ", and changes" } else { "" }
    ));
    page.push_str("## Goals\n\n| | found | at most | |\n|---|---|---|---|\n");
    goals::all(run).iter().for_each(|goal| page.push_str(&goal.row()));
    page.push_str("\n## Plots\n\n");
    for plot in plots {
        page.push_str(&format!("![{}]({})\n", plot.title, plot.file()));
    }
    tables(run, &mut page);
    for (bench, figures) in run.benches() {
        page.push_str(&format!("\n## {bench}\n"));
        found(&figures, &mut page);
    }
    steps(&run.steps, &mut page);
    page
}

/// What was run, and how that ended.
fn steps(steps: &Value, page: &mut String) {
    let Some(steps) = steps.as_array() else { return };
    page.push_str("\n## Commands\n\n| command | commit | seconds | |\n|---|---|---|---|\n");
    for step in steps {
        let text = |name: &str| step[name].as_str().unwrap_or_default();
        page.push_str(&format!(
            "| `{}` | {} | {} | {} |\n",
            text("command"),
            text("commit"),
            step["seconds"],
            text("outcome")
        ));
    }
}

fn found(figures: &Figures, page: &mut String) {
    for grid in &figures.grids {
        page.push_str(&format!("\n| {} | {} |\n", grid.name, grid.header.join(" | ")));
        page.push_str(&format!("|---{}|\n", "|---".repeat(grid.header.len())));
        grid.rows.iter().for_each(|(name, cells)| page.push_str(&format!("| {name} | {} |\n", cells.join(" | "))));
    }
    if !figures.single.is_empty() {
        page.push_str("\n| | |\n|---|---|\n");
        figures.single.iter().for_each(|(name, value)| page.push_str(&format!("| {name} | {value} |\n")));
    }
}

/// Each curve's data, a row for each figure: sizes are few, figures many.
fn tables(run: &Run, page: &mut String) {
    for (name, table) in run.tables() {
        let rows: Vec<_> = table.rows().collect();
        page.push_str(&format!("\n## {name}\n\n"));
        for (index, header) in table.header().iter().enumerate() {
            let cells: Vec<_> = rows.iter().map(|row| row.get(index).map_or("", String::as_str)).collect();
            page.push_str(&format!("| {header} | {} |\n", cells.join(" | ")));
            if index == 0 {
                page.push_str(&format!("|---{}|\n", "|---".repeat(cells.len())));
            }
        }
    }
}
