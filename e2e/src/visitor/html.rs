//! As much of HTML as it takes to fill in a form of pages that we write ourselves.
//!
//! No scripts, no nesting of forms. Invariant: what is not understood is left out, never guessed.

use std::collections::BTreeMap;

/// A start tag.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Tag<'a> {
    name: &'a str,
    attributes: BTreeMap<&'a str, String>,
    /// What follows, up to the next tag.
    text: &'a str,
}

/// What the form for `action` sends if nobody touches it. A form without an action goes to its page.
pub(super) fn form(page: &str, action: &str, path: &str) -> Option<Vec<(String, String)>> {
    let mut rest = page;
    loop {
        let (_, after) = rest.split_once("<form")?;
        let (inside, behind) = after.split_once("</form>")?;
        let head = format!("form{inside}");
        let goes_to = tag(&head)?.attributes.get("action").cloned().unwrap_or_else(|| path.to_owned());
        if goes_to == action {
            return Some(tags(inside).filter_map(|tag| field(&tag)).collect());
        }
        rest = behind;
    }
}

/// Everything a reader reads.
pub(super) fn words(page: &str) -> impl Iterator<Item = String> {
    let body = page.split_once("<body").map_or(page, |(_, body)| body);
    let texts = body.split('<').filter_map(|part| part.split_once('>').map(|(_, text)| text));
    texts.flat_map(str::split_whitespace).map(unescape)
}

fn field(tag: &Tag<'_>) -> Option<(String, String)> {
    let get = |name: &str| tag.attributes.get(name).cloned();
    let name = get("name")?;
    match (tag.name, get("type").as_deref()) {
        ("input", Some("checkbox" | "radio")) => {
            get("checked")?;
            Some((name, get("value").unwrap_or_else(|| "on".to_owned())))
        }
        ("input", Some("submit" | "button" | "file")) => None,
        ("input", _) => Some((name, get("value").unwrap_or_default())),
        ("textarea", _) => Some((name, unescape(tag.text))),
        _ => None,
    }
}

fn tags(text: &str) -> impl Iterator<Item = Tag<'_>> {
    text.split('<').skip(1).filter_map(tag)
}

/// Reads `name a="b" c>text`.
fn tag(part: &str) -> Option<Tag<'_>> {
    let end = part.find(|c: char| c.is_whitespace() || c == '>' || c == '/')?;
    let (name, mut rest) = part.split_at_checked(end)?;
    let mut attributes = BTreeMap::new();
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == '/');
        if let Some(text) = rest.strip_prefix('>') {
            return Some(Tag { name, attributes, text });
        }
        let end = rest.find(|c: char| c.is_whitespace() || matches!(c, '=' | '>' | '/'))?;
        let (attribute, after) = rest.split_at_checked(end)?;
        let (value, after) = match after.strip_prefix('=') {
            None => ("", after),
            Some(after) => match after.strip_prefix('"') {
                Some(quoted) => quoted.split_once('"')?,
                None => after.split_at_checked(after.find(|c: char| c.is_whitespace() || c == '>')?)?,
            },
        };
        attributes.insert(attribute, unescape(value));
        rest = after;
    }
}

fn unescape(text: &str) -> String {
    let named = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#34;", "\""), ("&#39;", "'"), ("&#60;", "<")];
    let more = [("&#62;", ">"), ("&#x27;", "'"), ("&#x2F;", "/"), ("&#38;", "&"), ("&amp;", "&")];
    named.iter().chain(&more).fold(text.to_owned(), |text, (entity, sign)| text.replace(entity, sign))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = r#"<body><form method="post" action="/out"><input type=hidden name=csrf value="o"></form>
      <form class="form" method="post"><input type="hidden" name="csrf" value="a&amp;b">
      <input name="email" required value=""><input type="checkbox" name="scopes" value="keys:read" checked>
      <input type="checkbox" name="scopes" value="keys:write"><textarea name="toml">a &lt; b</textarea>
      <button name="no">Send it</button></form>"#;

    fn check(action: &str, expected: Option<&[(&str, &str)]>) {
        let owned = |pairs: &[(&str, &str)]| pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
        assert_eq!(form(PAGE, action, "/here"), expected.map(owned), "{action}");
    }

    #[test]
    fn forms_are_read_as_a_browser_reads_them() {
        check("/out", Some(&[("csrf", "o")]));
        check("/here", Some(&[("csrf", "a&b"), ("email", ""), ("scopes", "keys:read"), ("toml", "a < b")]));
        check("/nowhere", None);
        assert_eq!(words(PAGE).collect::<Vec<_>>().join(" "), "a < b Send it");
    }
}
