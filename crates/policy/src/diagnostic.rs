//! What is wrong with a policy, where, and how to put it right.
//!
//! Knows how to print a place in a text; does not know what a policy is. Invariant: a `Diagnostics` holds at least
//! one entry, and what it prints holds no control character of the source.

use std::fmt;
use std::ops::Range;
use std::path::Path;

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
    /// The text of that line, control characters blanked.
    pub text: String,
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
        let before = self.column.saturating_sub(1);
        write!(f, "{:indent$} | {:before$}{:^<width$}", "", "", "", width = self.width)
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
        let room = line.chars().count().saturating_sub(column);
        Self {
            line: head.matches('\n').count() + 1,
            column: column + 1,
            text: line.chars().map(printable).collect(),
            width: count(source, start, end).min(room).max(1),
        }
    }
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
}
