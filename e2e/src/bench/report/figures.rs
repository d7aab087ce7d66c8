//! What a bench printed as JSON, as tables.
//!
//! Invariant: every figure is in one of them, under the names that lead to it.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

/// What was found about each of several things.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Grid {
    /// What kind of things they are.
    pub(super) name: String,
    pub(super) header: Vec<String>,
    /// A thing, and what was found about it; empty where that was not measured.
    pub(super) rows: Vec<(String, Vec<String>)>,
}

/// A bench's figures.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Figures {
    pub(super) grids: Vec<Grid>,
    /// The others, by name.
    pub(super) single: Vec<(String, String)>,
}

impl Figures {
    pub(super) fn of(value: &Value) -> Self {
        let mut figures = Self::default();
        figures.collect(value, "");
        figures
    }

    fn collect(&mut self, value: &Value, path: &str) {
        match value {
            Value::Object(members) if is_grid(members) => self.grids.push(grid(members, path)),
            Value::Object(members) => {
                for (name, value) in members {
                    let path = if path.is_empty() { name.clone() } else { format!("{path} · {name}") };
                    self.collect(value, &path);
                }
            }
            leaf => self.single.push((path.to_owned(), text(leaf))),
        }
    }
}

/// More than one thing, and plain figures of each.
fn is_grid(members: &Map<String, Value>) -> bool {
    let is_row =
        |value: &Value| value.as_object().is_some_and(|row| !row.is_empty() && row.values().all(|it| !it.is_object()));
    members.len() > 1 && members.values().all(is_row)
}

fn grid(members: &Map<String, Value>, name: &str) -> Grid {
    let columns = members.values().filter_map(Value::as_object).flat_map(Map::keys);
    let header: Vec<String> = columns.collect::<BTreeSet<_>>().into_iter().cloned().collect();
    let row = |(name, found): (&String, &Value)| {
        (name.clone(), header.iter().map(|column| text(&found[column.as_str()])).collect())
    };
    let rows = members.iter().map(row).collect();
    Grid { name: name.to_owned(), header, rows }
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn figures_of_several_things_stand_in_one_table() {
        let found = Figures::of(&json!({
            "keys": 10,
            "variants": { "ours": { "us": 7.5, "x": 1.5 }, "theirs": { "us": 60 } },
            "machine": { "cores": 2 },
        }));
        let row = |name: &str, cells: [&str; 2]| (name.to_owned(), cells.map(str::to_owned).to_vec());
        let grid = Grid {
            name: "variants".to_owned(),
            header: vec!["us".to_owned(), "x".to_owned()],
            rows: vec![row("ours", ["7.5", "1.5"]), row("theirs", ["60", ""])],
        };
        assert_eq!(found.grids, [grid]);
        let single = [("keys", "10"), ("machine · cores", "2")].map(|(name, it)| (name.to_owned(), it.to_owned()));
        assert!(single.iter().all(|it| found.single.contains(it)) && found.single.len() == 2, "{found:?}");
    }
}
