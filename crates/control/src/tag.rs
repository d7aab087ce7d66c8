//! Entity tags (RFC 9110 §8.8.3): what a caller read of something, so that it can be changed only if it is still so.
//!
//! A tag has two parts: one for what can be changed, one for what changes by itself, such as when a key was last used.
//! Invariant: whoever changes something on a condition is told no if anybody changed it in between, and is not told no
//! because it was used or grew older.

use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

/// Members that change although nobody changes them.
const VOLATILE: [&str; 10] = [
    "last_used",
    "age_days",
    "overdue",
    "idle",
    "last_used_at",
    "unsealed",
    "skills",
    "skill_count",
    "key_count",
    "available_version",
];

/// On what condition something may be changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Condition {
    /// On none.
    #[default]
    Always,
    /// That it is there.
    Exists,
    /// That it is as one of these tags says: the part about what can be changed.
    OneOf(Vec<String>),
}

/// The tag of something as it is shown, without the quotes.
pub(crate) fn of(shown: &impl Serialize) -> String {
    let (state, rest) = parts(shown);
    match rest {
        Some(rest) => format!("{state}.{rest}"),
        None => state,
    }
}

impl Condition {
    /// What an `If-Match` field says. A weak tag never matches (RFC 9110 §13.1.1), and neither does what is no tag.
    pub(crate) fn read(field: &str) -> Self {
        if field.trim() == "*" {
            return Self::Exists;
        }
        let state = |tag: &str| {
            let tag = tag.trim().strip_prefix('"')?.strip_suffix('"')?;
            tag.split('.').next().map(str::to_owned)
        };
        Self::OneOf(field.split(',').filter_map(state).collect())
    }

    /// Whether something that is there may be changed.
    pub(crate) fn allows(&self, shown: &impl Serialize) -> bool {
        match self {
            Self::Always | Self::Exists => true,
            Self::OneOf(states) => states.contains(&parts(shown).0),
        }
    }
}

fn parts(shown: &impl Serialize) -> (String, Option<String>) {
    let mut value = serde_json::to_value(shown).unwrap_or_default();
    let mut volatile = Vec::new();
    if let Value::Object(members) = &mut value {
        volatile.extend(VOLATILE.iter().filter_map(|name| members.remove(*name)));
    }
    let rest = (!volatile.is_empty()).then(|| short_digest::<4>(&Value::Array(volatile)));
    (short_digest::<12>(&value), rest)
}

/// Members are in the order of their names, so equal values have equal digests.
fn short_digest<const BYTES: usize>(value: &Value) -> String {
    let digest = Sha256::digest(value.to_string().as_bytes());
    hex::encode(digest.iter().copied().take(BYTES).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn use_and_age_change_the_tag_and_not_the_condition() {
        let read = json!({ "name": "till", "last_used": null, "age_days": 1, "overdue": false, "idle": false });
        let tag = of(&read);
        let with = |name: &str, value: Value| {
            let mut changed = read.clone();
            changed.as_object_mut().unwrap().insert(name.to_owned(), value);
            changed
        };
        for (now, same_tag, allowed) in [
            (read.clone(), true, true),
            (with("last_used", json!("2026-01-15T12:00:00Z")), false, true),
            (with("age_days", json!(2)), false, true),
            (with("name", json!("tills")), false, false),
        ] {
            assert_eq!(of(&now) == tag, same_tag, "{now}");
            assert_eq!(Condition::read(&format!("\"{tag}\"")).allows(&now), allowed, "{now}");
        }
    }

    #[test]
    fn conditions_are_read() {
        let one_of = |states: &[&str]| Condition::OneOf(states.iter().map(|it| (*it).to_owned()).collect());
        for (field, condition) in [
            ("*", Condition::Exists),
            (r#""a.b""#, one_of(&["a"])),
            (r#""a.b", "c""#, one_of(&["a", "c"])),
            (r#"W/"a.b""#, one_of(&[])),
            ("a", one_of(&[])),
            ("", one_of(&[])),
        ] {
            assert_eq!(Condition::read(field), condition, "{field}");
        }
    }
}
