//! What is wrong with a policy, where, and how to put it right.
//!
//! Knows how to print a place in a text; does not know what a policy is. Invariant: a `Diagnostics` holds at least
//! one entry, and what it prints holds no control character of the source and, however long a line is, little of it.

use std::fmt;
use std::ops::Range;
use std::path::Path;

/// Of a longer line only what stands around the place is shown.
const WIDEST: usize = 200;
/// Where a line was cut.
const CUT: &str = "…";

/// Everything found wrong with one file, in the order of the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostics {
    file: String,
    entries: Vec<Diagnostic>,
}

/// Whether a policy can be served in spite of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// It cannot.
    Error,
    /// It can, and says perhaps not what is meant.
    Warning,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// Where; absent when the file could not be read at all.
    pub position: Option<Position>,
    /// What, in one line, lower-case, without a full stop.
    pub message: String,
    /// How to fix it.
    pub hint: Option<String>,
}

/// A place in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position {
    /// Line, counted from 1.
    pub line: usize,
    /// Column in characters, counted from 1.
    pub column: usize,
    /// The text of that line, control characters blanked; of a long one what stands around the place, with `…` where it
    /// is cut.
    pub text: String,
    /// How many characters of `text` stand before the place.
    pub before: usize,
    /// How many characters to underline, at least 1.
    pub width: usize,
}

impl Diagnostics {
    pub(crate) fn new(file: &str, first: Diagnostic, others: Vec<Diagnostic>) -> Self {
        let mut entries = vec![first];
        entries.extend(others);
        entries.sort_by_key(Diagnostic::place);
        entries.dedup();
        Self { file: file.to_owned(), entries }
    }

    /// All of them, unless there are none.
    pub(crate) fn collect(file: &str, entries: Vec<Diagnostic>) -> Option<Self> {
        let mut entries = entries.into_iter();
        entries.next().map(|first| Self::new(file, first, entries.collect()))
    }

    pub(crate) fn unreadable(path: &Path, error: &std::io::Error) -> Self {
        let entry = Diagnostic {
            severity: Severity::Error,
            position: None,
            message: format!("cannot read the policy: {error}"),
            hint: Some("give the path of a policy.toml, such as `policies/payments/policy.toml`".to_owned()),
        };
        Self::new(&path.display().to_string(), entry, Vec::new())
    }

    /// The entries, in the order of the text.
    pub fn entries(&self) -> &[Diagnostic] {
        &self.entries
    }

    /// The name of the file, as given.
    pub fn file(&self) -> &str {
        &self.file
    }
}

impl std::error::Error for Diagnostics {}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, entry) in self.entries.iter().enumerate() {
            if index > 0 {
                f.write_str("\n\n")?;
            }
            f.write_str(&self.file)?;
            entry.fmt(f)?;
        }
        Ok(())
    }
}

impl Diagnostic {
    fn place(&self) -> (usize, usize) {
        self.position.as_ref().map_or((0, 0), |position| (position.line, position.column))
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Warning => "warning",
        })
    }
}

/// What follows the file's name: `:12:8: error: …`, the line with a caret, the hint.
impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(Position { line, column, .. }) = self.position {
            write!(f, ":{line}:{column}")?;
        }
        write!(f, ": {}: {}", self.severity, self.message)?;
        if let Some(position) = &self.position {
            write!(f, "\n{position}")?;
        }
        match &self.hint {
            Some(hint) => write!(f, "\nhint: {hint}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let gutter = self.line.to_string();
        writeln!(f, " {gutter} | {}", self.text)?;
        let indent = gutter.len() + 1;
        write!(f, "{:indent$} | {:before$}{:^<width$}", "", "", "", before = self.before, width = self.width)
    }
}

impl Position {
    /// The place of a byte range in a text; a range that spans lines is cut at the end of its first.
    pub(crate) fn of(source: &str, span: &Range<usize>) -> Self {
        let start = floor(source, span.start);
        let end = floor(source, span.end).max(start);
        let head = source.get(..start).unwrap_or(source);
        let line_start = head.rfind('\n').map_or(0, |at| at + 1);
        let line = source.get(line_start..).and_then(|rest| rest.lines().next()).unwrap_or_default();
        let column = count(source, line_start, start);
        let shown = around(column, line.chars().count());
        let cut = |is_cut: bool| if is_cut { CUT } else { "" };
        let (left, right) = (cut(shown.start > 0), cut(line.chars().nth(shown.end).is_some()));
        let text: String = line.chars().skip(shown.start).take(shown.len()).map(printable).collect();
        Self {
            line: head.matches('\n').count() + 1,
            column: column + 1,
            text: format!("{left}{text}{right}"),
            before: left.chars().count() + column.saturating_sub(shown.start),
            width: count(source, start, end).min(shown.end.saturating_sub(column)).max(1),
        }
    }
}

/// Which characters of a line of that length are shown, the column in the middle of them where that can be.
fn around(column: usize, length: usize) -> Range<usize> {
    let start = column.saturating_sub(WIDEST / 2).min(length.saturating_sub(WIDEST));
    start..length.min(start + WIDEST)
}

fn count(source: &str, from: usize, to: usize) -> usize {
    source.get(from..to).map_or(0, |text| text.chars().count())
}

fn floor(source: &str, at: usize) -> usize {
    (0..=at.min(source.len())).rev().find(|at| source.is_char_boundary(*at)).unwrap_or(0)
}

fn printable(character: char) -> char {
    if character.is_control() { ' ' } else { character }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(source: &str, span: Range<usize>, expect: &str) {
        assert_eq!(Position::of(source, &span).to_string(), expect);
    }

    #[test]
    fn places_are_underlined() {
        check("a = 1\nbcd = 2\n", 6..9, " 2 | bcd = 2\n   | ^^^");
        check("a = [\n1,\n]", 4..10, " 1 | a = [\n   |     ^");
        check("é = \"ü\"", 5..9, " 1 | é = \"ü\"\n   |     ^^^");
        check("", 0..0, " 1 | \n   | ^");
        check("a\n", 2..2, " 2 | \n   | ^");
        check("a\u{1b}[31m", 0..1, " 1 | a [31m\n   | ^");
    }

    #[test]
    fn spans_outside_the_text_are_clamped() {
        check("é", 1..900, " 1 | é\n   | ^");
        check("ab", 50..90, " 1 | ab\n   |   ^");
    }

    /// Of a long line, and the character under the first caret.
    #[track_caller]
    fn check_long(line: &str, at: &str, cut: (bool, bool), width: usize) {
        let start = line.find(at).unwrap();
        let position = Position::of(&format!("a = 1\n{line}\nb = 2"), &(6 + start..6 + start + at.len()));
        assert_eq!(
            (position.line, position.column),
            (2, line.chars().take_while(|it| !at.starts_with(*it)).count() + 1)
        );
        assert_eq!(position.text.chars().count(), WIDEST + usize::from(cut.0) + usize::from(cut.1));
        assert_eq!((position.text.starts_with('…'), position.text.ends_with('…')), cut);
        assert_eq!(position.text.chars().nth(position.before), at.chars().next());
        assert_eq!(position.width, width);
        let printed = position.to_string();
        let (above, below) = printed.split_once('\n').unwrap();
        let caret = below.chars().position(|it| it == '^');
        assert_eq!(caret.and_then(|caret| above.chars().nth(caret)), at.chars().next(), "{printed}");
    }

    #[test]
    fn of_a_long_line_the_place_is_shown() {
        let long = "é".repeat(100_000);
        check_long(&format!("xyz{long}"), "xyz", (false, true), 3);
        check_long(&format!("{long}xyz{long}"), "xyz", (true, true), 3);
        check_long(&format!("{long}xyz"), "xyz", (true, false), 3);
        check_long(&format!("{long}{}", "x".repeat(100_000)), &"x".repeat(100_000), (true, true), WIDEST / 2);
        check_long(&format!("x{}", "é".repeat(WIDEST - 1)), "x", (false, false), 1);
        let behind = Position::of(&long, &(long.len()..long.len()));
        assert_eq!((behind.column, behind.before, behind.width), (100_001, WIDEST + 1, 1));
    }
}
