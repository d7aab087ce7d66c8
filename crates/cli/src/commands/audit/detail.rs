//! What an audit entry's detail says, on one line.
//!
//! Programs have it as JSON. Invariant: what is nothing is left out, and a line stays a line.

use serde_json::{Map, Value};

/// Its members in words: `attempts=3, why=wrong secret`. Before and after stand on either side of an arrow.
pub(super) fn told(detail: &Map<String, Value>) -> String {
    let members = detail.iter().map(|(name, value)| (name, member(name, value))).filter(|(_, text)| !text.is_empty());
    members.map(|(name, text)| format!("{name}={text}")).collect::<Vec<_>>().join(", ")
}

/// Changes tell each member before and after; scopes are a list as well.
fn member(name: &str, value: &Value) -> String {
    match value {
        Value::Array(pair) if pair.len() == 2 && (name != "scopes" || pair.iter().all(Value::is_array)) => {
            pair.iter().map(word).collect::<Vec<_>>().join(" → ").trim().to_owned()
        }
        other => word(other),
    }
}

fn word(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.split_whitespace().collect::<Vec<_>>().join(" "),
        Value::Array(list) => list.iter().map(word).collect::<Vec<_>>().join(" "),
        Value::Object(members) => format!("({})", told(members)),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn details_are_told_on_one_line() {
        for (detail, expected) in [
            (json!({}), ""),
            (json!({ "attempts": 3, "why": "wrong secret", "note": null }), "attempts=3, why=wrong secret"),
            (json!({ "scopes": ["a:b", "c:d"] }), "scopes=a:b c:d"),
            (json!({ "scopes": [["a:b"], ["a:b", "c:d"]] }), "scopes=a:b → a:b c:d"),
            (json!({ "name": ["old", "new"], "expires_at": [null, "2027"] }), "expires_at=→ 2027, name=old → new"),
            (json!({ "change": { "summary": "3 keys\nlose" } }), "change=(summary=3 keys lose)"),
        ] {
            assert_eq!(told(detail.as_object().unwrap()), expected);
        }
    }
}
