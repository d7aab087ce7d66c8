//! Filling in `${NAME:-default}`.
//!
//! No other syntax is known, nothing is quoted or evaluated. Invariant: a `${` without its `}` stays as it is.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;

/// `portcullis-e2e render FILE`.
#[derive(Debug, clap::Args)]
pub(crate) struct Render {
    /// The file to fill in.
    file: PathBuf,
}

impl Render {
    pub(crate) fn run(&self) -> anyhow::Result<ExitCode> {
        let text =
            std::fs::read_to_string(&self.file).with_context(|| format!("cannot read `{}`", self.file.display()))?;
        print!("{}", render(&text, |name| std::env::var(name).ok()));
        Ok(ExitCode::SUCCESS)
    }
}

/// `text` with each `${NAME:-default}` replaced by `value(NAME)`, or else by its default.
pub(crate) fn render(text: &str, value: impl Fn(&str) -> Option<String>) -> String {
    let mut rendered = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        rendered.push_str(before);
        let Some((inside, tail)) = after.split_once('}') else {
            rendered.push_str("${");
            rest = after;
            continue;
        };
        let (name, default) = inside.split_once(":-").unwrap_or((inside, ""));
        rendered.push_str(&value(name).filter(|it| !it.is_empty()).unwrap_or_else(|| default.to_owned()));
        rest = tail;
    }
    rendered + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let value = |name: &str| match name {
            "SET" => Some("value".to_owned()),
            "EMPTY" => Some(String::new()),
            _ => None,
        };
        assert_eq!(render(text, value), expected, "{text}");
    }

    #[test]
    fn fills_in() {
        check("a ${SET:-b} c ${UNSET:-d} e", "a value c d e");
        check("${SET}${UNSET}", "value");
        check("${EMPTY:-default}", "default");
        check("$x $ {y} ${open", "$x $ {y} ${open");
        check(r"regex: '(\.(.+))$'", r"regex: '(\.(.+))$'");
    }
}
