//! Small pieces that many pages show: badges, text to copy, bars, the way to the next page.

use askama::Template;
use askama::filters::HtmlSafe;
use portcullis_api::{ApiKey, KeyStatus};

/// How a badge looks; its word says the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    Good,
    Quiet,
    Warn,
    Bad,
}

impl Tone {
    fn class(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Quiet => "quiet-tone",
            Self::Warn => "warn",
            Self::Bad => "bad",
        }
    }
}

/// A word in a pill.
#[derive(Clone, Debug, Template)]
#[template(path = "parts/badge.html")]
pub(crate) struct Badge {
    tone: Tone,
    word: String,
}

impl HtmlSafe for Badge {}

impl Badge {
    /// Any word.
    pub(crate) fn new(tone: Tone, word: impl Into<String>) -> Self {
        Self { tone, word: word.into() }
    }
}

impl From<KeyStatus> for Badge {
    fn from(status: KeyStatus) -> Self {
        let (tone, word) = match status {
            KeyStatus::Active => (Tone::Good, "Active"),
            KeyStatus::Disabled => (Tone::Quiet, "Disabled"),
            KeyStatus::Expired => (Tone::Warn, "Expired"),
            KeyStatus::Revoked => (Tone::Bad, "Revoked"),
        };
        Self::new(tone, word)
    }
}

/// Text with a button that copies it. `test` names it for browser tests.
#[derive(Clone, Template)]
#[template(path = "parts/code.html")]
pub(crate) struct Code {
    id: &'static str,
    label: String,
    text: String,
    secret: bool,
    test: &'static str,
}

impl HtmlSafe for Code {}

impl Code {
    /// A command or an example.
    pub(crate) fn example(id: &'static str, label: &str, text: impl Into<String>) -> Self {
        Self { id, label: label.to_owned(), text: text.into(), secret: false, test: id }
    }

    /// A secret that is shown this once.
    pub(crate) fn secret(id: &'static str, label: &str, secret: &ApiKey) -> Self {
        Self { secret: true, ..Self::example(id, label, secret.expose()) }
    }

    /// A line that holds a secret, less prominent.
    pub(crate) fn with_secret(id: &'static str, label: &str, line: &ApiKey) -> Self {
        Self::example(id, label, line.expose())
    }
}

impl std::fmt::Debug for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Code({})", self.id) // the text may be a secret
    }
}

/// Text in which what stands between backticks is code.
#[derive(Clone, Debug, Template)]
#[template(path = "parts/prose.html")]
pub(crate) struct Prose(String);

impl HtmlSafe for Prose {}

/// A text of ours, or with ours around it.
pub(crate) fn prose(text: impl AsRef<str>) -> Prose {
    Prose(text.as_ref().to_owned())
}

impl Prose {
    /// Its pieces, and which of them are code. A backtick without another is one.
    fn pieces(&self) -> Vec<(bool, &str)> {
        if !self.0.matches('`').count().is_multiple_of(2) {
            return vec![(false, &self.0)];
        }
        self.0.split('`').enumerate().map(|(place, piece)| (!place.is_multiple_of(2), piece)).collect()
    }
}

/// A label, a count and how long its bar is.
#[derive(Clone, Debug, PartialEq, Eq, Template)]
#[template(path = "parts/bar.html")]
pub(crate) struct Bar {
    pub(crate) label: String,
    pub(crate) count: u64,
    share: u64,
}

impl HtmlSafe for Bar {}

impl Bar {
    /// A bar alone, of a hundred at most.
    pub(crate) fn of_hundred(share: u64) -> Self {
        Self { label: String::new(), count: share, share: share.min(100) }
    }

    /// Bars for counts, the largest first and full.
    pub(crate) fn all(counts: impl IntoIterator<Item = (String, u64)>) -> Vec<Self> {
        let mut counts: Vec<_> = counts.into_iter().filter(|(_, count)| *count > 0).collect();
        counts.sort_by(|(left_label, left), (right_label, right)| right.cmp(left).then(left_label.cmp(right_label)));
        let largest = counts.first().map_or(1, |(_, count)| *count);
        let share = |count: u64| u64::try_from(u128::from(count) * 100 / u128::from(largest)).unwrap_or(100).max(1);
        counts.into_iter().map(|(label, count)| Self { label, count, share: share(count) }).collect()
    }
}

/// `1,240,512`; templates hand over `u64` or `&u64`.
pub(crate) fn grouped(count: impl ToString) -> String {
    let digits = count.to_string();
    let mut shown = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

/// Where a list goes on.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pager {
    pub(crate) shown: usize,
    /// Absent on the first page.
    pub(crate) first: Option<String>,
    /// Absent on the last page.
    pub(crate) next: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_ordered_and_scaled() {
        let bars =
            Bar::all([("a".to_owned(), 1), ("none".to_owned(), 0), ("b".to_owned(), 400), ("c".to_owned(), 100)]);
        let shown: Vec<_> = bars.iter().map(|bar| (bar.label.as_str(), bar.count, bar.share)).collect();
        assert_eq!(shown, [("b", 400, 100), ("c", 100, 25), ("a", 1, 1)]);
        assert_eq!(Bar::all([]), []);
    }

    #[test]
    fn what_stands_between_backticks_is_code() {
        for (text, html) in [
            ("plain <b>", "plain &#60;b&#62;"),
            ("use `a<b`, or `c`", "use <code>a&#60;b</code>, or <code>c</code>"),
            ("a ` alone", "a &#96; alone"),
        ] {
            assert_eq!(prose(text).to_string().replace('`', "&#96;"), html);
        }
    }

    #[test]
    fn counts_are_grouped() {
        for (count, shown) in [(0, "0"), (999, "999"), (1000, "1,000"), (1_240_512, "1,240,512")] {
            assert_eq!(grouped(count), shown);
        }
    }

    #[test]
    fn code_never_shows_its_text_in_debug() {
        assert_eq!(format!("{:?}", Code::secret("key-text", "Key", &ApiKey::new("sp_live_abc"))), "Code(key-text)");
    }
}
