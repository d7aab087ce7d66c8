//! How two texts differ, line by line, as a part of pages about policies. It needs no script and wraps on a phone.

use askama::Template;
use askama::filters::HtmlSafe;
use portcullis_api::policy::{TextDifference, TextHunk};

/// A card with everything that changed.
#[derive(Clone, Debug, Default, Template)]
#[template(path = "parts/text_diff.html")]
pub(crate) struct TextDiff {
    /// Its place on the page.
    id: &'static str,
    title: String,
    added: u64,
    removed: u64,
    cut: bool,
    hunks: Vec<Hunk>,
}

/// Its template escapes.
impl HtmlSafe for TextDiff {}

#[derive(Clone, Debug)]
struct Hunk {
    /// Where it begins in the new text.
    line: u64,
    lines: Vec<Line>,
}

#[derive(Clone, Debug)]
struct Line {
    kind: Kind,
    /// In the text that it stands in; in the new one if it stands in both.
    number: u64,
    text: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Same,
    Removed,
    Added,
}

impl TextDiff {
    pub(crate) fn new(id: &'static str, title: impl Into<String>, found: TextDifference) -> Self {
        let TextDifference { added, removed, hunks, cut } = found;
        Self { id, title: title.into(), added, removed, cut, hunks: hunks.into_iter().map(Hunk::new).collect() }
    }

    /// `1 line added, 2 removed`
    fn summary(&self) -> String {
        let noun = if self.added == 1 { "line" } else { "lines" };
        format!("{} {noun} added, {} removed", self.added, self.removed)
    }
}

impl Hunk {
    fn new(hunk: TextHunk) -> Self {
        let (mut old, mut new) = (hunk.old_line, hunk.new_line);
        let line = |text: String| {
            let mut letters = text.chars();
            let kind = match letters.next() {
                Some('-') => Kind::Removed,
                Some('+') => Kind::Added,
                _ => Kind::Same,
            };
            let number = if kind == Kind::Removed { old } else { new };
            old += u64::from(kind != Kind::Added);
            new += u64::from(kind != Kind::Removed);
            Line { kind, number, text: letters.as_str().to_owned() }
        };
        Self { line: hunk.new_line, lines: hunk.lines.into_iter().map(line).collect() }
    }
}

impl Kind {
    /// Its class, its sign, and the same for those who hear it.
    fn marks(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Same => ("same", " ", ""),
            Self::Removed => ("removed", "−", "removed: "),
            Self::Added => ("added", "+", "added: "),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_numbered_in_the_text_that_they_stand_in() {
        let lines = [" a", "-b", "-c", "+B", " d", "+e"].map(str::to_owned).into();
        let hunk = Hunk::new(TextHunk { old_line: 8, new_line: 10, lines });
        let numbers: Vec<_> = hunk.lines.iter().map(|line| (line.number, line.text.as_str())).collect();
        assert_eq!(numbers, [(10, "a"), (9, "b"), (10, "c"), (11, "B"), (12, "d"), (13, "e")]);
    }
}
