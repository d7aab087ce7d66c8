//! The made-up texts of keys and access tokens, for those who write a request.
//!
//! Invariant: a placeholder is replaced by a text that decides as it was described, or is an error.

use std::collections::BTreeMap;

use crate::exit::Failure;

/// Texts by name, or why a name has none.
#[derive(Debug, Default)]
pub(in super::super) struct KnownKeys {
    pub(super) keys: BTreeMap<String, Result<String, String>>,
    pub(super) tokens: BTreeMap<String, Result<String, String>>,
}

impl KnownKeys {
    /// The same bytes with every `{key:NAME}` and `{token:NAME}` replaced.
    pub(in super::super) fn fill(&self, bytes: &[u8]) -> Result<Vec<u8>, Failure> {
        let filled = fill(bytes, b"{key:", |name| text(&self.keys, "key", name))?;
        fill(&filled, b"{token:", |name| text(&self.tokens, "token", name))
    }
}

fn fill(bytes: &[u8], mark: &[u8], text: impl Fn(&str) -> Result<String, Failure>) -> Result<Vec<u8>, Failure> {
    let mut filled = bytes.to_vec();
    while let Some(start) = find(&filled, mark) {
        let (head, rest) = filled.split_at(start);
        let Some(end) = rest.iter().position(|byte| *byte == b'}') else { break };
        let (placeholder, tail) = rest.split_at(end + 1);
        let name = String::from_utf8_lossy(placeholder.get(mark.len()..end).unwrap_or_default());
        filled = [head, text(&name)?.as_bytes(), tail].concat();
    }
    Ok(filled)
}

fn text(texts: &BTreeMap<String, Result<String, String>>, what: &str, name: &str) -> Result<String, Failure> {
    match texts.get(name) {
        Some(Ok(text)) => Ok(text.clone()),
        Some(Err(problem)) => Err(Failure::unable(format!("{what}s.{name}: {problem}"))),
        None => {
            let known = texts.keys().map(String::as_str).collect::<Vec<_>>().join("`, `");
            let known = if known.is_empty() { "none".to_owned() } else { format!("`{known}`") };
            Err(Failure::usage(format!("no {what} is called `{name}`\nhint: --keys FILE names {known}")))
        }
    }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}
