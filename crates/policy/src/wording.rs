//! serde's and the TOML parser's complaints in the words of a person who edits policies.
//!
//! Works on the text of their messages, because that is all they offer. A message it does not recognise passes
//! through unchanged, so that an upgrade of either can make a diagnostic less helpful but never wrong.

use crate::nearest::nearest;

/// A syntax error's message and hint.
pub(crate) fn syntax(message: &str) -> (String, Option<String>) {
    let hint = match message {
        _ if message.contains("between array elements") => "put a comma between the values, or close the list with `]`",
        _ if message.contains("must be quoted") => "put the value in double quotes",
        _ if message.contains("basic string") => "close the string with `\"` on the same line",
        _ if message.starts_with("duplicate key") => "remove one of the two",
        _ => return (lower_first(message), None),
    };
    (lower_first(message), Some(hint.to_owned()))
}

/// A shape error's message and hint.
pub(crate) fn shape(message: &str) -> (String, Option<String>) {
    if let Some(rest) = message.strip_prefix("unknown field ") {
        return unknown("field", rest);
    }
    if let Some(rest) = message.strip_prefix("unknown variant ") {
        return unknown("value", rest);
    }
    if let Some(rest) = message.strip_prefix("invalid type: ") {
        return wrong_type(rest);
    }
    if let Some(rest) = message.strip_prefix("invalid value: ") {
        return wrong_type(rest);
    }
    if let Some((message, hint)) = message.split_once("; hint: ") {
        return (message.to_owned(), Some(hint.to_owned()));
    }
    let missing = message.strip_prefix("missing field `").and_then(|rest| rest.strip_suffix('`'));
    (lower_first(message), missing.map(add))
}

/// How to write the field that is missing.
fn add(field: &str) -> String {
    match field {
        "credentials" | "keys" | "services" | "rules" => format!("add a table `[[{field}]]`"),
        "environments" | "allow" => format!("add `{field} = [\"…\"]`"),
        "body_length" => format!("add `{field} = 32`, the number of characters after the prefix"),
        "requests" => format!("add `{field} = 100`"),
        "in" => format!("add `{field} = \"header\"`"),
        "per" => format!("add `{field} = \"minute\"`"),
        _ => format!("add `{field} = \"…\"`"),
    }
}

/// ``word`, expected one of `a`, `b``: the word, and the known ones.
fn unknown(what: &str, rest: &str) -> (String, Option<String>) {
    let mut words = rest.split('`').skip(1).step_by(2);
    let word = words.next().unwrap_or_default();
    let known: Vec<&str> = words.collect();
    let listed = known.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ");
    let hint = match nearest(word, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`? known {what}s: {listed}"),
        None => format!("known {what}s: {listed}"),
    };
    (format!("unknown {what} `{word}`"), (!known.is_empty()).then_some(hint))
}

/// `string "32", expected usize`.
fn wrong_type(rest: &str) -> (String, Option<String>) {
    let Some((found, expected)) = rest.rsplit_once(", expected ") else {
        return (format!("wrong type: {rest}"), None);
    };
    let (expected, hint) = match expected {
        "a string" | "string" => ("a string", "put the value in double quotes"),
        "a boolean" => ("true or false", "write true or false, without quotes"),
        "a sequence" if found == "map" => ("a list", "an entry of a list of tables has double brackets: [[…]]"),
        "a sequence" => ("a list", "put the values in square brackets: [\"…\", \"…\"]"),
        "usize" | "u64" | "u32" | "u16" | "u8" => {
            ("a whole number, zero or more", "write it without sign, point or quotes")
        }
        other if other == "a map" || other.starts_with("struct ") => ("a table", "write it as a table: { … } or [[…]]"),
        other => return (format!("expected {other}, found {}", plain(found)), None),
    };
    (format!("expected {expected}, found {}", plain(found)), Some(hint.to_owned()))
}

/// serde's names of values in TOML's words.
fn plain(found: &str) -> String {
    match found.split_once(' ') {
        None if found == "sequence" => "a list".to_owned(),
        None if found == "map" => "a table".to_owned(),
        Some(("integer" | "boolean", value)) => value.to_owned(),
        Some(("floating", value)) => value.trim_start_matches("point ").to_owned(),
        Some(("string", value)) => format!("the string `{}`", value.trim_matches('"')),
        _ => found.to_owned(),
    }
}

fn lower_first(message: &str) -> String {
    let mut characters = message.chars();
    characters.next().map_or_else(String::new, |first| first.to_lowercase().chain(characters).collect())
}
