//! The known word closest to a misspelt one.
//!
//! Guesses only when the guess is likely right: at most a third of the word may differ.

/// The candidate nearest to `word`, if any is near enough to be worth suggesting.
///
/// A swap of neighbours counts as one edit; letter case and `-` for `_` count for nothing.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = fold(word);
    let limit = (word.len() / 3).clamp(1, 4);
    candidates
        .into_iter()
        .map(|candidate| (distance(&word, &fold(candidate)), candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min()
        .map(|(_, candidate)| candidate)
}

/// At most this many characters of a word are looked at, so that a hostile one costs little.
const LONGEST: usize = 64;

fn fold(word: &str) -> Vec<char> {
    word.chars().take(LONGEST).map(|c| if c == '_' { '-' } else { c.to_ascii_lowercase() }).collect()
}

/// Edits from `from` to `to`: insert, delete, replace, swap neighbours.
fn distance(from: &[char], to: &[char]) -> usize {
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=to.len()).collect();
    for (row, left) in from.iter().enumerate() {
        let mut current = vec![row + 1];
        for (column, right) in to.iter().enumerate() {
            let replace = at(&last, column) + usize::from(left != right);
            let insert = at(&current, column) + 1;
            let delete = at(&last, column + 1) + 1;
            let swap = if row > 0 && column > 0 && from.get(row - 1) == Some(right) && to.get(column - 1) == Some(left)
            {
                at(&before_last, column - 1) + 1
            } else {
                usize::MAX
            };
            current.push(replace.min(insert).min(delete).min(swap));
        }
        before_last = std::mem::replace(&mut last, current);
    }
    last.last().copied().unwrap_or(usize::MAX)
}

fn at(row: &[usize], column: usize) -> usize {
    row.get(column).copied().unwrap_or(usize::MAX - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(word: &str, expect: Option<&str>) {
        let known = ["skills:read", "skills:write", "agents:read", "path", "methods"];
        assert_eq!(nearest(word, known), expect, "{word}");
    }

    #[test]
    fn near_words_are_suggested_and_far_ones_are_not() {
        check("skills:reed", Some("skills:read"));
        check("skill:write", Some("skills:write"));
        check("Methods", Some("methods"));
        check("mehtods", Some("methods"));
        check("pth", Some("path"));
        check("agent_read", Some("agents:read"));
        check("banana", None);
        check("", None);
        check(&"x".repeat(100_000), None);
    }
}
