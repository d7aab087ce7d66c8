//! Sums as lines of a table. Its columns are what is told apart, and the numbers.

use portcullis_api::usage::UsageRow;

use super::member;
use crate::spreadsheet::{self, harmless};
use crate::store::{Grain, Part, UsageQuestion};

/// The names of the columns.
pub(super) fn heading(question: &UsageQuestion) -> Vec<u8> {
    let parts = question.by.iter().map(|part| name(question.grain, *part));
    spreadsheet::line(&parts.chain(["allowed", "cost", "denied"]).collect::<Vec<_>>())
}

/// One row.
pub(super) fn line(question: &UsageQuestion, mut row: UsageRow) -> Vec<u8> {
    let mut cells = Vec::new();
    for part in &question.by {
        cells.push(harmless(member(question.grain, *part, &mut row).as_deref().unwrap_or_default()));
    }
    cells.extend([row.allowed, row.cost, row.denied].map(|it| it.to_string()));
    spreadsheet::line(&cells)
}

fn name(grain: Grain, part: Part) -> &'static str {
    match part {
        Part::Time if grain == Grain::Hours => "hour",
        Part::Time => "day",
        Part::Organization => "organization",
        Part::Environment => "environment",
        Part::Key => "key",
        Part::Route => "route",
        Part::Reason => "reason",
    }
}
