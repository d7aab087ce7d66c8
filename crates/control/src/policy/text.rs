//! How the texts of two policies differ, line by line.
//!
//! Pure: texts in, lines out. Invariant: whatever two texts there are, looking takes no longer than [`WITHIN`], and about
//! [`MOST_LINES`] lines come of it.

use std::time::Duration;

use portcullis_api::policy::{TextDifference, TextHunk};
use similar::{ChangeTag, DiffOp, TextDiff};

/// Lines that are shown around what differs.
const AROUND: usize = 3;
/// Nobody reads more of it.
const MOST_LINES: usize = 2000;
/// From then on what differs is told in larger pieces.
const WITHIN: Duration = Duration::from_millis(500);

/// What changes from `old` to `new`.
pub(super) fn between(old: &str, new: &str) -> TextDifference {
    let (old, new): (Vec<_>, Vec<_>) = (old.lines().collect(), new.lines().collect());
    let diff = TextDiff::configure().timeout(WITHIN).diff_slices(&old, &new);
    let mut told = TextDifference::default();
    let mut room = MOST_LINES;
    for ops in diff.grouped_ops(AROUND) {
        let mut lines: Vec<String> = Vec::new();
        for change in ops.iter().flat_map(|op| diff.iter_changes(op)) {
            let sign = match change.tag() {
                ChangeTag::Delete => '-',
                ChangeTag::Insert => '+',
                ChangeTag::Equal => ' ',
            };
            told.removed += u64::from(sign == '-');
            told.added += u64::from(sign == '+');
            if lines.len() < room {
                lines.push(format!("{sign}{}", change.value()));
            } else {
                told.cut = true;
            }
        }
        room -= lines.len();
        let place = ops.first().map(first_lines).filter(|_| !lines.is_empty());
        told.hunks.extend(place.map(|(old_line, new_line)| TextHunk { old_line, new_line, lines }));
    }
    told
}

/// Where a change begins in both texts, counted from 1.
fn first_lines(op: &DiffOp) -> (u64, u64) {
    let line = |index: usize| u64::try_from(index).unwrap_or(u64::MAX).saturating_add(1);
    (line(op.old_range().start), line(op.new_range().start))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_is_told_with_what_is_around_it() {
        let old = "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n";
        let told = between(old, &old.replace("b\n", "B\n").replace("j\n", "j\r\nk"));
        let hunk = |old_line, new_line, text: &str| TextHunk {
            old_line,
            new_line,
            lines: text.split('|').map(str::to_owned).collect(),
        };
        assert_eq!((told.added, told.removed, told.cut), (2, 1, false));
        assert_eq!(told.hunks, [hunk(1, 1, " a|-b|+B| c| d| e"), hunk(8, 8, " h| i| j|+k")]);
        assert_eq!(between(old, &old.replace('\n', "\r\n")), TextDifference::default());
        assert_eq!(between("", "").hunks, []);
        let first = between("", "a\nb");
        assert_eq!((first.hunks, first.added), (vec![hunk(1, 1, "+a|+b")], 2));
    }

    #[test]
    fn a_large_difference_is_cut_and_counted() {
        let text = |sign: &str| (0..3000).map(|n| format!("{sign}{n}\n")).collect::<String>();
        let told = between(&text("a"), &text("b"));
        assert_eq!((told.added, told.removed, told.cut), (3000, 3000, true));
        assert_eq!(told.hunks.iter().map(|it| it.lines.len()).sum::<usize>(), MOST_LINES);
    }
}
