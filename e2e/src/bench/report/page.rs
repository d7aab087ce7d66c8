//! The page of a run: what it was measured on, which goals it meets, its plots, and every figure.
//!
//! Invariant: a goal for which nothing was measured is said to be so, never to be met.

use super::data::Run;
use super::plots::{FLAT, Plot};

pub(super) const FILE: &str = "README.md";

/// What has to hold, of which figure, at most.
struct Goal {
    what: &'static str,
    found: Option<f64>,
    most: f64,
}

pub(super) fn render(run: &Run, plots: &[Plot]) -> String {
    let text = |name: &str| match &run.machine[name] {
        serde_json::Value::String(text) => text.clone(),
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
    goals(run).iter().for_each(|goal| page.push_str(&goal.row()));
    page.push_str("\n## Plots\n\n");
    for plot in plots {
        page.push_str(&format!("![{}]({})\n", plot.title, plot.file()));
    }
    tables(run, &mut page);
    for (bench, figures) in run.figures() {
        page.push_str(&format!("\n## {bench}\n\n| | |\n|---|---|\n"));
        figures.iter().for_each(|(name, value)| page.push_str(&format!("| {name} | {value} |\n")));
    }
    if !run.commands.is_empty() {
        page.push_str(&format!("\n## Commands\n\n```\n{}```\n", run.commands));
    }
    page
}

fn goals(run: &Run) -> Vec<Goal> {
    let growth = |table: &str, column: &str| {
        let points = run.column(table, column);
        Some(points.last()?.1 / points.first()?.1)
    };
    let most = |column: &str| run.column("keys", column).last().map(|(_, value)| *value);
    vec![
        Goal {
            what: "portcullis adds, in no-ops",
            found: run.figure("envoy", "/variants/portcullis/x_noop"),
            most: 1.5,
        },
        Goal { what: "a lookup natively, the most keys over the fewest", found: growth("lookup", "ns"), most: FLAT },
        Goal {
            what: "instructions for a known key, the most keys over the fewest",
            found: growth("keys", "fuel_known"),
            most: FLAT,
        },
        Goal {
            what: "instructions for a key first seen, the most keys over the fewest",
            found: growth("keys", "fuel_cached"),
            most: FLAT,
        },
        Goal {
            what: "ms until a revocation is refused, p99, the most keys",
            found: most("propagation_ms_p99"),
            most: 300.0,
        },
    ]
}

impl Goal {
    fn row(&self) -> String {
        let (found, verdict) = match self.found {
            None => ("".to_owned(), "not measured"),
            Some(found) if found <= self.most => (format!("{found:.2}"), "met"),
            Some(found) => (format!("{found:.2}"), "**missed**"),
        };
        format!("| {} | {found} | {} | {verdict} |\n", self.what, self.most)
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
