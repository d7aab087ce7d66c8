//! What criterion found, as it leaves it in its folder.
//!
//! Invariant: a bench whose name is no number is not a size, and is left out.

use std::path::Path;

use serde_json::Value;

/// Criterion's medians of a group, in nanoseconds, by the number that a bench in it is called.
pub(super) fn of(group: &Path) -> Vec<(u64, f64)> {
    let entries = std::fs::read_dir(group).into_iter().flatten().flatten();
    let mut found: Vec<_> = entries.filter_map(|entry| estimate(&entry.path())).collect();
    found.sort_by_key(|(number, _)| *number);
    found
}

fn estimate(bench: &Path) -> Option<(u64, f64)> {
    let number = bench.file_name()?.to_str()?.parse().ok()?;
    let text = std::fs::read_to_string(bench.join("new/estimates.json")).ok()?;
    let estimates: Value = serde_json::from_str(&text).ok()?;
    Some((number, estimates.pointer("/median/point_estimate")?.as_f64()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shell;

    #[test]
    fn criterions_medians_come_in_the_order_of_their_numbers() {
        let folder = shell::target().join("tmp").join("estimates-of-a-test");
        for (name, nanoseconds) in [("1000000", 90.5), ("1000", 70.25), ("report", 1.0)] {
            let new = folder.join(name).join("new");
            std::fs::create_dir_all(&new).unwrap();
            let text = format!(r#"{{"mean":{{"point_estimate":1.0}},"median":{{"point_estimate":{nanoseconds}}}}}"#);
            std::fs::write(new.join("estimates.json"), text).unwrap();
        }
        assert_eq!(of(&folder), [(1000, 70.25), (1_000_000, 90.5)]);
    }
}
